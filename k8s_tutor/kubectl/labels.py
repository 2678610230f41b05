"""``kubectl label`` and ``kubectl annotate``: keys set and removed by a merge patch."""

from __future__ import annotations

import re
from typing import NamedTuple

from k8s_tutor.kubectl import printers, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import MERGE_PATCH, Session

FLAGS = (
    "all! all-namespaces:A! selector:l field-selector filename:f* overwrite! list! local! output:o dry-run?unchanged "
    "resource-version field-manager recursive:R! show-managed-fields!"
)
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


class Changes(NamedTuple):
    """What the pairs on the line ask for."""

    set: dict[str, str]
    remove: tuple[str, ...]


def run(session: Session, words: Words) -> Asking[int]:
    """Change each object; one line each."""
    noun = "label" if words.command == "kubectl label" else "annotation"
    printers.check(words.text("output"))
    args, changes = _changes(words, noun)
    if not args and not words.many("filename"):
        raise Failure("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if not changes.set and not changes.remove and not words.on("list"):
        raise Failure(f"at least one {noun} update is required")
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, args, failures)
    for info in infos:
        try:
            yield from _change(session, words, info, changes, noun)
        except Refused as refused:
            failures.append(refused)
    raise_all(failures)
    return 0


def _changes(words: Words, noun: str) -> tuple[tuple[str, ...], Changes]:
    """The resource arguments, and the pairs. Pairs start at the first word with ``=`` or with ``-`` at its end."""
    given = words.positional
    first = next((place for place, word in enumerate(given) if "=" in word or (word.endswith("-") and place)), len(given))
    wanted: dict[str, str] = {}
    remove: list[str] = []
    for pair in given[first:]:
        key, equals, value = pair.partition("=")
        if equals:
            if noun == "label" and "=" in value:
                raise Failure(f"invalid label spec: {pair}")
            if noun == "label" and not _VALUE.fullmatch(value):
                raise Failure(f'invalid label value: "{pair}": {_VALUE_TEXT}')
            wanted[key] = value
        elif pair.endswith("-"):
            remove.append(pair[:-1])
        else:
            kind = "label" if noun == "label" else "annotation"
            raise Failure(f"unknown {kind} spec: {pair}" if noun == "label" else f"unexpected annotation spec: {pair}")
    if set(wanted) & set(remove):
        article = "a label" if noun == "label" else "an annotation"
        raise Failure(f"can not both modify and remove {article} in the same command")
    return given[:first], Changes(wanted, tuple(remove))


def _change(session: Session, words: Words, info: Info, changes: Changes, noun: str) -> Asking[None]:
    field = "labels" if noun == "label" else "annotations"
    had: dict[str, str] = (info.tree.get("metadata") or {}).get(field) or {}
    if words.on("list"):
        for key in sorted(had):
            session.say(f"{key}={had[key]}")
        return
    if not words.on("overwrite"):
        _refuse_overwrite(had, changes.set, noun)
    for key in changes.remove:
        if key not in had and noun == "label":
            session.say(f'{noun} "{key}" not found.')
    new = {key: value for key, value in {**had, **changes.set}.items() if key not in changes.remove}
    mode = dry_run(words)
    tree: Tree = {**info.tree, "metadata": {**info.tree.get("metadata", {}), field: new}}
    if mode != "client" and (new != had or noun == "annotation"):
        patch = {"metadata": {field: {**changes.set, **{key: None for key in changes.remove if key in had}}}}
        if words.text("resource-version"):
            patch["metadata"]["resourceVersion"] = words.text("resource-version")  # type: ignore[assignment]
        manager = words.text("field-manager", f"kubectl-{'label' if noun == 'label' else 'annotate'}")
        query = (*dry_run_query(words), ("fieldManager", manager))
        tree = yield from session.ask("PATCH", info.path, query, patch, MERGE_PATCH)
    done = "annotated" if noun == "annotation" else _labelled(words, had, new)
    session.out.append(printers.done(info.resource, info.name, done, words.text("output"), tree, mode))


def _labelled(words: Words, had: dict[str, str], new: dict[str, str]) -> str:
    if had == new:
        return "not labeled"
    return "unlabeled" if len(new) < len(had) and not words.on("overwrite") else "labeled"


def _refuse_overwrite(had: dict[str, str], wanted: dict[str, str], noun: str) -> None:
    clashes = [key for key, value in wanted.items() if key in had and had[key] != value]
    if noun == "label" and clashes:
        raise Failure("; ".join(f"'{key}' already has a value ({had[key]}), and --overwrite is false" for key in clashes))
    if clashes:
        text = "--overwrite is false but found the following declared annotation(s): "
        raise Failure(text + "; ".join(f"'{key}' already has a value ({had[key]})" for key in clashes))
