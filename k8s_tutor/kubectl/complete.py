"""Completion for the console: commands, resources, names and flags."""

from __future__ import annotations

from collections.abc import Callable

from k8s_tutor.kubectl import etcdctl
from k8s_tutor.kubectl.line import Flag, declared
from k8s_tutor.kubectl.resources import RESOURCES, find
from k8s_tutor.kubectl.shell import FILTERS
from k8s_tutor.kubectl.verbs import ALIASES, GROUPS, VERBS

Names = Callable[[str], list[str]]
"""Names of the objects of a resource (by its plural), in the learner's namespace; ``files`` gives the manifests."""

ONLY = {"cordon": "nodes", "uncordon": "nodes", "drain": "nodes", "logs": "pods", "exec": "pods", "attach": "pods",
        "debug": "pods", "top pod": "pods", "top node": "nodes", "create token": "serviceaccounts",
        "config use-context": "contexts"}  # fmt: skip
"""Commands whose arguments are names of one resource."""
TYPES_FIRST = ("get", "describe", "delete", "edit", "label", "annotate", "scale", "autoscale", "expose", "patch", "wait",
               "taint", "rollout", "set", "explain")  # fmt: skip
OUTPUTS = ["custom-columns=", "go-template=", "json", "jsonpath=", "name", "wide", "yaml"]
SHOWN = ("as", "as-group", "context", "namespace")
"""Global flags that are offered."""


def complete(line: str, names: Names) -> list[str]:
    """What the last word of the line could become, sorted; each is the whole word."""
    words = line.rpartition("|")[2].lstrip().split(" ")
    typed = words[-1]
    before = [word for word in words[:-1] if word]
    if before[:1] == ["etcdctl"]:
        return _etcdctl(before[1:], typed, etcdctl.FLAGS)
    if before[:1] == ["etcdutl"]:
        return _etcdctl(before[1:], typed, etcdctl.UTIL_FLAGS)
    if before[:1] in (["kubectl"], ["k"]):
        before = before[1:]
    elif not before and "|" in line:
        return _fit([*FILTERS, "xargs", "kubectl"], typed)
    elif not before and typed:
        return _fit([*_commands(""), "kubectl", "etcdctl", "etcdutl"], typed)
    if not before:
        return _fit(_commands(""), typed)
    if before[0] == "help":
        return _fit(_commands(" ".join(before[1:])), typed)
    name, rest = before[0], before[1:]
    while rest and (ALIASES.get(f"{name} {rest[0]}", f"{name} {rest[0]}") in (*VERBS, *GROUPS)):
        name, rest = ALIASES.get(f"{name} {rest[0]}", f"{name} {rest[0]}"), rest[1:]
    below = _commands(name) if not rest and not typed.startswith("-") else []
    if name not in VERBS:
        return _fit(below, typed)
    flags = tuple(flag for flag in declared(VERBS[name].flags) if flag in declared(VERBS[name].flags, bare=True)
                  or flag.name in SHOWN)  # fmt: skip
    return (below and _fit(below, typed)) or _after(name, rest, typed, flags, names)


def _commands(name: str) -> list[str]:
    """The next words of the commands below a name."""
    known = [*VERBS, *GROUPS, "help"]
    if not name:
        return sorted({one.split()[0] for one in known})
    return sorted({one.removeprefix(name + " ").split()[0] for one in known if one.startswith(name + " ")})


def _etcdctl(before: list[str], typed: str, commands: dict[str, str]) -> list[str]:
    """Commands of etcdctl or etcdutl (of two words, some), then their flags."""
    names = list(commands)
    command = next((name for name in names if name.split() == before[: len(name.split())]), "")
    if not command:
        return _fit((name.split()[len(before)] for name in names if name.split()[: len(before)] == before), typed)
    if not typed.startswith("--"):
        return []
    flags = declared(commands[command], bare=True)
    return _fit((f"--{flag.name}" + ("" if flag.kind == "switch" else "=") for flag in flags), typed)


def _fit(candidates: object, typed: str) -> list[str]:
    return sorted({str(one) for one in candidates if str(one).startswith(typed)})  # type: ignore[attr-defined]


def _after(verb: str, before: list[str], typed: str, flags: tuple[Flag, ...], names: Names) -> list[str]:
    """Candidates after a verb."""
    if typed.startswith("--"):
        name, equals, value = typed.partition("=")
        if equals:
            return [f"{name}={one}" for one in _values(name, value, names)]
        return _fit((f"--{flag.name}" + ("" if flag.kind == "switch" else "=") for flag in flags), typed)
    if typed.startswith("-"):
        return _fit((f"-{flag.short}" for flag in flags if flag.short), typed)
    if before and before[-1] in ("-n", "--namespace", "-o", "--output", "-f", "--filename"):
        return _values(before[-1], typed, names)
    plain = _positional(before, flags)
    if verb in ONLY:
        return _fit(names(ONLY[verb]), typed)
    if verb.split()[0] not in TYPES_FIRST:
        return []
    return _target(plain, typed, names)


def _values(flag: str, typed: str, names: Names) -> list[str]:
    if flag in ("-n", "--namespace"):
        return _fit(names("namespaces"), typed)
    if flag in ("-o", "--output"):
        return _fit(OUTPUTS, typed)
    if flag in ("-f", "--filename"):
        return _fit(names("files"), typed)
    return []


def _positional(before: list[str], flags: tuple[Flag, ...]) -> list[str]:
    """The words that are neither flags nor their values."""
    takes = {f"--{flag.name}" for flag in flags if flag.kind not in ("switch", "optional")}
    takes |= {f"-{flag.short}" for flag in flags if flag.short and flag.kind not in ("switch", "optional")}
    found, skip = [], False
    for word in before:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in takes
        else:
            found.append(word)
    return found


def _target(plain: list[str], typed: str, names: Names) -> list[str]:
    """A resource, or a name of it: ``po``, ``pods web``, ``pod/web``, ``pods,svc``."""
    if not plain:
        kind, slash, name = typed.partition("/")
        if slash:
            resource = find(kind)
            return [f"{kind}/{one}" for one in _fit(names(resource.plural), name)] if resource else []
        head, comma, last = typed.rpartition(",")
        return [head + comma + one for one in _fit([*(one.plural for one in RESOURCES), "all"], last)]
    resource = find(plain[0])
    return [one for one in _fit(names(resource.plural), typed) if one not in plain[1:]] if resource else []
