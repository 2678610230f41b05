"""The door of this package: a typed line becomes a program of API requests."""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.kubectl import etcdctl, help, shell, ssh
from k8s_tutor.kubectl.errors import Failure, Worded
from k8s_tutor.kubectl.line import Words, flag_error, read
from k8s_tutor.kubectl.program import Asking, Command, Result
from k8s_tutor.kubectl.resources import RESOURCES, Undiscovered
from k8s_tutor.kubectl.serving import discover
from k8s_tutor.kubectl.session import Session
from k8s_tutor.kubectl.settings import Settings
from k8s_tutor.kubectl.verbs import ALIASES, GROUPS, VERBS

DEFAULT = Settings()
Files = tuple[tuple[str, str], ...]


class _Line:
    """What a line has printed: of the stages that have ended, and the session of the one that runs."""

    def __init__(self, now: int, files: Files, settings: Settings) -> None:
        self.given = (now, files, settings)
        self.session = Session(*self.given)
        self.errors = ""
        self.later: list[list[str]] = []
        """Stages that are still to come."""

    def new(self, known: Any = RESOURCES) -> Session:
        """A fresh session for the next stage."""
        self.session = Session(*self.given, known)
        return self.session


def run(line: str, files: Files = (), now: int = 0, settings: Settings = DEFAULT) -> Command:
    """A kubectl or etcdctl command, or a pipeline of them, as a program (see `program`).

    ``line``: what was typed; the word ``kubectl`` (or ``k``) may be left out at its beginning, ``etcdctl`` not. ``files``:
    (name, text) pairs that ``-f`` may name, the text being a JSON array of the documents (see `manifests`). ``now``: µs since
    the world began. ``settings``: kubectl's configuration.
    Never raises: every error is in the `Result`.
    """
    return (yield from _pipeline(_Line(now, files, settings), line))


def so_far(line: str, files: Files, now: int, answers: tuple[Any, ...], settings: Settings = DEFAULT) -> Result:
    """What a command that still runs has printed after these answers; its code is -1. For screens."""
    typed = _Line(now, files, settings)
    running = _pipeline(typed, line)
    try:
        next(running)
        for answer in answers:
            running.send(answer)
    except StopIteration:
        pass
    running.close()
    text, errors = "".join(typed.session.out), typed.errors + "".join(typed.session.err)
    for stage in typed.later:
        if shell.takes(stage):
            return Result("", errors, -1)
        text, more, _ = shell.filtered(stage, text)
        errors += more
    return Result(text, errors, -1)


def _pipeline(typed: _Line, line: str) -> Command:
    try:
        stages = shell.split(line)
    except Failure as failure:
        return Result("", failure.alone() + "\n", failure.code)
    text, code, files = "", 0, typed.given[1]
    for place, words in enumerate(stages):
        typed.later = stages[place + 1 :]
        command = words if place == 0 else shell.takes(words)
        if place == 0 and words[:1] in (["echo"], ["cat"]):
            text, more, code = shell.begun(words, dict(files))
            typed.errors += more
            continue
        if place and not command:
            text, more, code = shell.filtered(words, text)
            typed.errors += more
            continue
        if place and words[0] == "xargs":
            command, text = [*command, *text.split()], ""
        feeds = bool(typed.later) and shell.takes(typed.later[0])[:1] in (["kubectl"], ["k"])
        if feeds:
            command = _as_json(command)
        if place:
            typed.given = (typed.given[0], _with_input(typed.session, text), typed.given[2])
        code = yield from _stage(typed, command)
        text = "".join(typed.session.out)
        typed.errors += "".join(typed.session.err)
        typed.session.err.clear()
    return Result(text, typed.errors, code)


def _as_json(words: list[str]) -> list[str]:
    """A command whose YAML another kubectl reads writes JSON, which is YAML too."""
    swapped = {"-oyaml": "-ojson", "-o=yaml": "-o=json", "--output=yaml": "--output=json"}
    return [
        "json" if word == "yaml" and place and words[place - 1] in ("-o", "--output") else swapped.get(word, word)
        for place, word in enumerate(words)
    ]


def _with_input(session: Session, text: str) -> Files:
    """The files with what comes through the pipe as ``-``."""
    try:
        content = json.dumps(session.yaml(text))
    except ValueError as problem:
        content = json.dumps(str(problem))
    return (*((name, given) for name, given in session.files if name != "-"), ("-", content))


def _stage(typed: _Line, words: list[str]) -> Asking[int]:
    """One command. One that meets a word that it does not know asks what the server serves, and begins again."""
    session = typed.new()
    try:
        try:
            return (yield from _dispatch(session, words))
        except Undiscovered:
            known = yield from discover(session)
            session = typed.new((*RESOURCES, *(one for one in known if one not in RESOURCES)))
            session.discovered = True
            return (yield from _dispatch(session, words))
    except Failure as failure:
        text = failure.alone()
        session.err.append(text if text.endswith("\n") else text + "\n")
        return failure.code


def _dispatch(session: Session, words: list[str]) -> Asking[int]:
    if words[:1] == ["etcdctl"]:
        return (yield from etcdctl.run(session, words[1:]))
    if words[:1] == ["etcdutl"]:
        return (yield from etcdctl.run_util(session, words[1:]))
    if words[:1] == ["ssh"]:
        return (yield from ssh.run(session, words[1:]))
    if words[:1] == ["curl"]:
        return (yield from ssh.here(session, words))
    if words[:1] in (["kubectl"], ["k"]):
        words = words[1:]
    leading = _leading(words)
    if leading >= len(words) or words[leading] in ("help", "options"):
        return _help(session, words[:leading], words[leading:])
    name, typed = _verb(words, leading)
    if name in help.ELSEWHERE:
        raise Failure(help.ELSEWHERE[name])
    if name in GROUPS:
        return _group(session, name, typed)
    if name not in VERBS:
        raise Worded(_unknown(words[leading]))
    verb = VERBS[name]
    parsed = read(typed, f"kubectl {name}", verb.flags)
    if parsed.on("help"):
        session.say(help.page(name, verb.flags))
        return 0
    _global(session, parsed)
    return (yield from verb.run(session, parsed))


def _leading(words: list[str]) -> int:
    """Where the verb is: global flags may stand before it (``kubectl -n kube-system get pods``)."""
    place = 0
    takes = ("-n", "--namespace", "--as", "--as-group", "-v", "--v", "--context", "--user", "--request-timeout", "--kubeconfig",
             "-s", "--server", "--token", "--cluster")  # fmt: skip
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in takes else 1
    return place


def _verb(words: list[str], leading: int) -> tuple[str, list[str]]:
    """The name of the command, of as many words as it has, and what is left."""
    name, rest = ALIASES.get(words[leading], words[leading]), words[leading + 1 :]
    while rest:
        longer = f"{name} {rest[0]}"
        longer = ALIASES.get(longer, longer)
        if longer not in VERBS and longer not in GROUPS and longer not in help.ELSEWHERE:
            break
        name, rest = longer, rest[1:]
    return name, [*words[:leading], *rest]


def _group(session: Session, name: str, typed: list[str]) -> int:
    """A command that only has commands of its own."""
    rest = [word for word in typed if not word.startswith("-")]
    if rest:
        raise Failure(f'unknown command "{rest[0]}"\nSee \'kubectl {name} -h\' for help and examples')
    page = help.group_page(name, GROUPS[name])
    if any(word in ("-h", "--help") for word in typed):
        session.say(page)
        return 0
    raise Worded(page)


OWN_USER = ("kubectl config", "kubectl create rolebinding", "kubectl create clusterrolebinding", "kubectl set subject")
"""Commands whose ``--user`` is a flag of their own."""


def _global(session: Session, words: Words) -> None:
    """Who asks, where, and as whom. Raises kubectl's error for a context that does not exist."""
    context = session.settings.context(words.text("context"))
    if context is None and words.text("context"):
        raise Worded(f"Error in configuration: context was not found for specified context: {words.text('context')}")
    if words.given("user") and not words.command.startswith(OWN_USER):
        login = session.settings.login(words.text("user"))
        if login is None:
            raise Worded(f'error: auth info "{words.text("user")}" does not exist')
        session.login = login
    elif context is not None:
        session.login = session.settings.login(context.login) or session.login
    session.namespace = (context.namespace if context else "") or "default"
    if words.text("namespace"):
        session.namespace, session.namespace_given = words.text("namespace"), True
    session.managed = words.on("show-managed-fields")
    headers = [("impersonate-user", words.text("as"))] if words.text("as") else []
    headers += [("impersonate-group", group) for group in words.many("as-group")]
    headers += [("impersonate-uid", words.text("as-uid"))] if words.text("as-uid") else []
    if headers and not words.text("as"):
        raise Failure("requesting uid, groups or user-extra without impersonating a user")
    session.headers = tuple(headers)


def _help(session: Session, flags: list[str], words: list[str]) -> int:
    if words[:1] == ["options"]:
        session.say(help.options())
        return 0
    if words[1:]:
        name, _ = _verb(words[1:], 0)
        if name in GROUPS:
            session.say(help.group_page(name, GROUPS[name]))
            return 0
        if name in VERBS:
            session.say(help.page(name, VERBS[name].flags))
            return 0
        raise Worded(f'Unknown help topic [`{"` `".join(words[1:])}`].  See \'kubectl help\'.')
    for word in flags:
        if word.startswith("-") and word not in ("-h", "--help"):
            sign = f"unknown flag: {word}" if word.startswith("--") else f"unknown shorthand flag: '{word[1:2]}' in {word}"
            raise flag_error(sign, "kubectl")
    session.say(help.overview())
    return 0


def _unknown(verb: str) -> str:
    text = f'Error: unknown command "{verb}" for "kubectl"'
    near = help.nearest(verb)
    if near:
        text += "\n\nDid you mean this?\n" + "\n".join(f"\t{name}" for name in near) + "\n\n"
    return text


