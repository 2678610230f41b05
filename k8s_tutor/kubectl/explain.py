"""``kubectl explain``: the fields of a kind and their types, from the schema. It has no descriptions, so none are printed."""

from __future__ import annotations

from k8s_tutor.api import schema
from k8s_tutor.kubectl import targets
from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.session import Session

FLAGS = "recursive! api-version output"
DEEPEST = 8
"""Levels of ``--recursive``; schemas of custom resources contain themselves."""


def run(session: Session, words: Words) -> Asking[int]:
    """``kubectl explain pod.spec.containers [--recursive]``."""
    yield from ()  # a command is a generator, also when it asks nothing
    if len(words.positional) != 1:
        kinds = 'Use "kubectl api-resources" for a complete list of supported resources.'
        raise Failure(f"You must specify the type of resource to explain. {kinds}")
    word, *path = words.positional[0].split(".")
    resource = targets.known(session, word)
    version = resource.api_version.rpartition("/")[2]
    if resource.group:
        session.say(f"GROUP:      {resource.group}")
    session.say(f"KIND:       {resource.kind}\nVERSION:    {version}\n")
    t = schema.type_of(resource.group, version, resource.kind) or ""
    for name in path:
        field = _fields(t).get(name)
        if field is None:
            raise Failure(f'field "{name}" does not exist')
        t = field.t
    if path:
        session.say(f"FIELD: {path[-1]} <{_shown(t)}>\n")
    if _fields(t):
        session.say("FIELDS:")
        _list(session, t, 1, words.on("recursive"))
    session.say("")
    return 0


def _inner(t: str) -> str:
    """What a list or a map holds."""
    while t[:1] in ("[", "{"):
        t = t[1:-1]
    return t


def _fields(t: str) -> dict[str, schema.Field]:
    t = _inner(t)
    return schema.fields(t) if schema.is_struct(t) else {}


def _list(session: Session, t: str, level: int, recursive: bool) -> None:
    for name, field in sorted(_fields(t).items()):
        required = " -required-" if field.required else ""
        session.say(f"{'  ' * level}{name}\t<{_shown(field.t)}>{required}")
        if recursive and level < DEEPEST:
            _list(session, field.t, level + 1, True)


def _shown(t: str) -> str:
    """A type as kubectl writes it: ``[]Container``, ``map[string]string``, ``integer``."""
    if t.startswith("["):
        return "[]" + _shown(t[1:-1])
    if t.startswith("{"):
        return f"map[string]{_shown(t[1:-1])}"
    if t.startswith("io."):
        name = t.rpartition(".")[2]
        return "string" if name in ("Time", "MicroTime") else name
    names = {"int-or-string": "IntOrString", "object": "Object"}
    return names.get(t, t.partition(":")[0])
