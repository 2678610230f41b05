"""The door of this package: a typed line becomes a program of API requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from k8s_tutor.kubectl import (
    apply,
    change,
    cluster_info,
    create,
    delete,
    describe,
    etcdctl,
    explain,
    get,
    help,
    labels,
    nodes,
    rollout,
    run_expose,
    wait,
)
from k8s_tutor.kubectl.errors import Failure, Worded
from k8s_tutor.kubectl.line import Words, flag_error, read, split
from k8s_tutor.kubectl.program import Asking, Command, Result
from k8s_tutor.kubectl.session import Session

USER = "kubernetes-admin"


class Verb(NamedTuple):
    """How a command is read and run."""

    flags: str
    run: Callable[[Session, Words], Asking[int]]


VERBS: dict[str, Verb] = {
    "annotate": Verb(labels.FLAGS, labels.run),
    "api-resources": Verb(cluster_info.API_RESOURCES_FLAGS, cluster_info.api_resources),
    "api-versions": Verb("", cluster_info.api_versions),
    "apply": Verb(apply.FLAGS, apply.run),
    "cluster-info": Verb("", cluster_info.cluster_info),
    "cordon": Verb(nodes.CORDON_FLAGS, nodes.cordon),
    "create": Verb(create.FLAGS, create.run),
    "delete": Verb(delete.FLAGS, delete.run),
    "describe": Verb(describe.FLAGS, describe.run),
    "drain": Verb(nodes.DRAIN_FLAGS, nodes.drain),
    "events": Verb(cluster_info.EVENTS_FLAGS, cluster_info.events),
    "explain": Verb(explain.FLAGS, explain.run),
    "expose": Verb(run_expose.EXPOSE_FLAGS, run_expose.expose),
    "get": Verb(get.FLAGS, get.run),
    "label": Verb(labels.FLAGS, labels.run),
    "logs": Verb(cluster_info.LOGS_FLAGS, cluster_info.logs),
    "patch": Verb(change.PATCH_FLAGS, change.patch),
    "rollout": Verb(rollout.FLAGS, rollout.run),
    "run": Verb(run_expose.RUN_FLAGS, run_expose.run),
    "scale": Verb(change.SCALE_FLAGS, change.scale),
    "set": Verb(change.SET_FLAGS, change.set_),
    "taint": Verb(nodes.TAINT_FLAGS, nodes.taint),
    "uncordon": Verb(nodes.CORDON_FLAGS, nodes.cordon),
    "version": Verb(cluster_info.VERSION_FLAGS, cluster_info.version),
    "wait": Verb(wait.FLAGS, wait.run),
}


def run(line: str, files: tuple[tuple[str, str], ...] = (), now: int = 0, user: str = USER) -> Command:
    """A kubectl or etcdctl command as a program (see `program`).

    ``line``: what was typed; the word ``kubectl`` (or ``k``) may be left out, ``etcdctl`` not. ``files``: (name, text)
    pairs that ``-f`` may name, the text being a JSON array of the documents (see `manifests`). ``now``: µs since the
    world began. ``user``: who asks.
    Never raises: every error is in the `Result`.
    """
    session = Session(now, files, user)
    try:
        code = yield from _dispatch(session, line)
    except Failure as failure:
        session.warn(failure.alone().rstrip("\n"))
        code = failure.code
    return Result("".join(session.out), "".join(session.err), code)


def so_far(line: str, files: tuple[tuple[str, str], ...], now: int, answers: tuple[Any, ...], user: str = USER) -> Result:
    """What a command that still runs has printed after these answers; its code is -1. For screens."""
    session = Session(now, files, user)
    running = _dispatch(session, line)
    try:
        next(running)
        for answer in answers:
            running.send(answer)
    except (StopIteration, Failure):
        pass
    running.close()
    return Result("".join(session.out), "".join(session.err), -1)


def _dispatch(session: Session, line: str) -> Asking[int]:
    words = split(line)
    if words[:1] == ["etcdctl"]:
        return (yield from etcdctl.run(session, words[1:]))
    if words[:1] == ["etcdutl"]:
        return (yield from etcdctl.run_util(session, words[1:]))
    if words[:1] in (["kubectl"], ["k"]):
        words = words[1:]
    leading = _leading(words)
    verb, typed = (words[leading], [*words[:leading], *words[leading + 1:]]) if leading < len(words) else ("", words)
    if verb in ("", "help", "options"):
        return _help(session, typed, verb)
    if verb in help.ELSEWHERE:
        absent = f"'kubectl {verb}' is not available in this console"
        raise Failure(help.HINTS[verb].format(absent=absent) if verb in help.HINTS else absent)
    if verb not in VERBS:
        raise Worded(_unknown(verb))
    command, flags = f"kubectl {verb}", VERBS[verb].flags
    if verb == "create":
        command, flags = create.subcommand([word for word in typed if word])
    elif verb in ("set", "rollout") and typed and not typed[0].startswith("-"):
        command = f"kubectl {verb} {typed[0]}"
    parsed = read(typed, command, flags)
    if parsed.on("help"):
        session.say(help.page(verb, flags))
        return 0
    if parsed.given("namespace"):
        session.namespace, session.namespace_given = parsed.text("namespace"), True
    if parsed.given("as"):
        session.user = parsed.text("as")
    return (yield from VERBS[verb].run(session, parsed))


def _leading(words: list[str]) -> int:
    """Where the verb is: global flags may stand before it (``kubectl -n kube-system get pods``)."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        takes = words[place] in ("-n", "--namespace", "--as", "-v", "--v")
        place += 2 if takes else 1
    return place


def _help(session: Session, words: list[str], verb: str) -> int:
    if verb == "help" and words and words[0] in VERBS:
        session.say(help.page(words[0], VERBS[words[0]].flags))
        return 0
    for word in words:
        if word.startswith("-") and word not in ("-h", "--help"):
            sign = f"unknown flag: {word}" if word.startswith("--") else f"unknown shorthand flag: '{word[1:2]}' in {word}"
            raise flag_error(sign, "kubectl")
    session.say(help.overview())
    return 0


def _unknown(verb: str) -> str:
    text = f'Error: unknown command "{verb}" for "kubectl"'
    near = help.nearest(verb)
    if near:
        text += "\n\nDid you mean this?\n" + "\n".join(f"\t{name}" for name in near) + "\n"
    return text
