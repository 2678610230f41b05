"""``kubectl taint`` (kubectl pkg/cmd/taint)."""

from __future__ import annotations

import re

from k8s_tutor.kubectl import printers, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure, Usage, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import NODES, Info
from k8s_tutor.kubectl.session import STRATEGIC_PATCH, Session

FLAGS = printers.FLAGS + "all! selector:l overwrite! dry-run?unchanged field-manager validate?strict"
KEY = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
WRONG = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def run(session: Session, words: Words) -> Asking[int]:
    """``kubectl taint nodes NAME key=value:Effect [key:Effect-]``."""
    args = words.positional
    if not args:
        raise Failure("one or more resources must be specified as <resource> <name>")
    specs = [place for place, word in enumerate(args) if place and (":" in word or "=" in word or word.endswith("-"))]
    first = specs[0] if specs else None
    if first is None:
        raise Failure("at least one taint update is required")
    add, remove = _taints(args[first:])
    resource = targets.known(session, args[0].partition("/")[0])
    if resource != NODES:
        raise Failure(f'invalid resource type {resource.plural}, only node types are supported')
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, args[:first], failures)
    for info in infos:
        try:
            yield from _taint(session, words, info, add, remove)
        except Failure as failure:
            failures.append(failure)
    raise_all(failures)
    return 0


def _taints(texts: tuple[str, ...]) -> tuple[list[Tree], list[Tree]]:
    add: list[Tree] = []
    remove: list[Tree] = []
    for text in texts:
        match = re.fullmatch(r"([^=:]+?)(?:=([^:]*))?(?::(\w*))?(-?)", text)
        if match is None:
            raise Usage(f"invalid taint spec: {text}", "kubectl taint")
        key, value, effect, minus = match.groups()
        if effect and effect not in EFFECTS:
            raise Usage(f"invalid taint effect: {effect}, unsupported taint effect", "kubectl taint")
        if minus:
            remove.append({"key": key, "effect": effect or ""})
        elif not effect:
            why = "" if KEY.fullmatch(text) else f", {WRONG}"
            raise Usage(f"invalid taint spec: {text}{why}", "kubectl taint")
        else:
            add.append({"key": key, "value": value, "effect": effect} if value else {"key": key, "effect": effect})
    return add, remove


def _taint(session: Session, words: Words, info: Info, add: list[Tree], remove: list[Tree]) -> Asking[None]:
    had: list[Tree] = list((info.tree.get("spec") or {}).get("taints") or ())
    same = [new["key"] for new in add if any(_alike(old, new) for old in had)]
    if same and not words.on("overwrite"):
        text = f"node {info.name} already has {', '.join(same)} taint(s) with same effect(s) and --overwrite is false"
        raise Failure(text)
    for gone in remove:
        if not any(_alike(old, gone) for old in had):
            raise Failure(f'taint "{gone["key"]}{":" + gone["effect"] if gone["effect"] else ""}" not found')
    kept = [old for old in had if not any(_alike(old, change) for change in [*add, *remove])]
    patch = {"spec": {"taints": [*add, *kept]}}
    mode = dry_run(words)
    if mode != "client":
        query = (*dry_run_query(words), ("fieldManager", words.text("field-manager", "kubectl-taint")))
        yield from session.ask("PATCH", info.path, query, patch, STRATEGIC_PATCH)
    done = "modified" if (add and remove) or same else "tainted" if add else "untainted"
    session.say(f"node/{info.name} {done}" + (f" ({mode} dry run)" if mode == "server" else " (dry run)" if mode else ""))


def _alike(old: Tree, new: Tree) -> bool:
    return bool(old["key"] == new["key"] and new["effect"] in ("", old["effect"]))
