"""``kubectl config``: the contexts of this console (kubectl pkg/cmd/config)."""

from __future__ import annotations

import json
from dataclasses import replace

from k8s_tutor.kubectl import printers, tabs
from k8s_tutor.kubectl.errors import SERVER, Failure, Usage
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Save, Tree
from k8s_tutor.kubectl.session import Session
from k8s_tutor.kubectl.settings import CLUSTER, FILE, Context, Login, Settings, encode

VIEW_FLAGS = "output:o flatten! minify! raw! merge show-managed-fields! allow-missing-template-keys! template"
GET_FLAGS = "no-headers! output:o"
SET_FLAGS = "current!"


def view(session: Session, words: Words) -> Asking[int]:
    """``config view``."""
    yield from ()  # a command is a generator, also when it asks nothing
    printers.check(words.text("output"))
    settings = session.settings
    contexts = settings.contexts
    if words.on("minify"):
        contexts = tuple(one for one in contexts if one.name == (words.text("context") or settings.current))
    logins = [one for one in settings.logins if any(context.login == one.name for context in contexts)]
    cluster = {"server": f"https://{SERVER}", "certificate-authority-data": "DATA+OMITTED"}
    tree: Tree = {
        "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": settings.current,
        "clusters": [{"name": CLUSTER, "cluster": cluster}],
        "contexts": [{"name": one.name, "context": _context(one)} for one in contexts],
        "users": [{"name": one.name, "user": _user(one, words.on("raw"))} for one in logins],
    }  # fmt: skip
    if words.text("output") == "json":
        order = ("kind", "apiVersion", "preferences", "clusters", "users", "contexts", "current-context")
        session.say(json.dumps({key: tree[key] for key in order}, indent=4))
    else:
        session.out.append(printers.show(tree, words.text("output", "yaml")))
    return 0


def _context(context: Context) -> Tree:
    tree: Tree = {"cluster": CLUSTER, "user": context.login}
    return {**tree, "namespace": context.namespace} if context.namespace else tree


def _user(login: Login, raw: bool) -> Tree:
    if login.token:
        return {"token": login.token if raw else "REDACTED"}
    return {"client-certificate-data": "DATA+OMITTED", "client-key-data": "DATA+OMITTED"}


def get_contexts(session: Session, words: Words) -> Asking[int]:
    """``config get-contexts [NAME]``."""
    yield from ()
    settings, output = session.settings, words.text("output")
    if output not in ("", "name"):
        raise Failure(f"output must be one of '' or 'name': {output}")
    chosen = [one for one in settings.contexts if not words.positional or one.name in words.positional]
    missing = [name for name in words.positional if settings.context(name) is None]
    if missing:
        raise Failure(f"context {missing[0]} not found")
    chosen.sort(key=lambda one: one.name)
    if output == "name":
        session.out.append("".join(one.name + "\n" for one in chosen))
        return 0
    rows = [] if words.on("no-headers") else [["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]]
    for one in chosen:
        rows.append(["*" if one.name == settings.current else "", one.name, CLUSTER, one.login, one.namespace])
    session.say(tabs.table(rows))
    return 0


def current_context(session: Session, words: Words) -> Asking[int]:
    """``config current-context``."""
    yield from ()
    if not session.settings.current:
        raise Failure("current-context is not set")
    session.say(session.settings.current)
    return 0


def use_context(session: Session, words: Words) -> Asking[int]:
    """``config use-context NAME``."""
    name = _one(words)
    if session.settings.context(name) is None:
        raise Failure(f'no context exists with the name: "{name}"')
    yield from _save(replace(session.settings, current=name))
    session.say(f'Switched to context "{name}".')
    return 0


def set_context(session: Session, words: Words) -> Asking[int]:
    """``config set-context NAME|--current [--namespace=N] [--user=U]``."""
    if words.on("current") == bool(words.positional) or len(words.positional) > 1:
        raise Usage("you must specify a non-empty context name or --current", words.command)
    settings = session.settings
    name = settings.current if words.on("current") else words.positional[0]
    known = settings.context(name)
    if known is None and words.on("current"):
        raise Failure("no current context is set")
    context = known or Context(name, settings.logins[0].name)
    if words.given("namespace"):
        context = replace(context, namespace=words.text("namespace"))
    if words.given("user"):
        context = replace(context, login=words.text("user"))
    yield from _save(settings.with_context(context))
    session.say(f'Context "{name}" {"created" if known is None else "modified"}.')
    return 0


def set_credentials(session: Session, words: Words) -> Asking[int]:
    """``config set-credentials NAME [--token=T]``: somebody with that bearer token, or without any credentials."""
    name = _one(words)
    yield from _save(session.settings.with_login(Login(name, token=words.text("token"))))
    session.say(f'User "{name}" set.')
    return 0


def get_users(session: Session, words: Words) -> Asking[int]:
    """``config get-users``."""
    yield from ()
    session.say("\n".join(["NAME", *sorted(one.name for one in session.settings.logins)]))
    return 0


def get_clusters(session: Session, words: Words) -> Asking[int]:
    """``config get-clusters``."""
    yield from ()
    session.say(f"NAME\n{CLUSTER}")
    return 0


def delete_context(session: Session, words: Words) -> Asking[int]:
    """``config delete-context NAME``."""
    name, settings = _one(words), session.settings
    if settings.context(name) is None:
        raise Failure(f"cannot delete context {name}, not in {FILE}")
    if name == settings.current:
        session.warn("warning: this removed your active context, use \"kubectl config use-context\" to select a different one")
    yield from _save(replace(settings, contexts=tuple(one for one in settings.contexts if one.name != name)))
    session.say(f"deleted context {name} from {FILE}")
    return 0


def rename_context(session: Session, words: Words) -> Asking[int]:
    """``config rename-context OLD NEW``."""
    if len(words.positional) != 2:
        raise Usage(f"accepts 2 arg(s), received {len(words.positional)}", words.command)
    old, new = words.positional
    settings = session.settings
    known = settings.context(old)
    if known is None:
        raise Failure(f'cannot rename the context "{old}", it\'s not in {FILE}')
    if settings.context(new) is not None:
        raise Failure(f'cannot rename the context "{old}", the context "{new}" already exists in {FILE}')
    contexts = tuple(replace(one, name=new) if one.name == old else one for one in settings.contexts)
    current = new if settings.current == old else settings.current
    yield from _save(replace(settings, contexts=contexts, current=current))
    session.say(f'Context "{old}" renamed to "{new}".')
    return 0


def _one(words: Words) -> str:
    if len(words.positional) != 1:
        raise Usage(f"accepts 1 arg(s), received {len(words.positional)}", words.command)
    return words.positional[0]


def _save(settings: Settings) -> Asking[None]:
    yield Save(FILE, encode(settings))
