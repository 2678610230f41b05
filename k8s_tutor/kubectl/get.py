"""``kubectl get``: tables that the server has laid out, or the objects themselves."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import times
from k8s_tutor.kubectl import jsonpath, manifests, printers, tabs, targets
from k8s_tutor.kubectl.errors import Failure, Refused, Worded, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Resource
from k8s_tutor.kubectl.session import JSON, PAGE, TABLE, Query, Session

FLAGS = (
    "output:o all-namespaces:A! selector:l field-selector label-columns:L* show-labels! show-kind! no-headers! "
    "ignore-not-found! watch:w! watch-only! filename:f* sort-by raw show-managed-fields! chunk-size# server-print! all!"
)
NO_TYPE = (
    'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported '
    "resources.\n\nerror: Required resource not specified.\n"
    'Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\n'
    "See 'kubectl get -h' for help and examples"
)


def run(session: Session, words: Words) -> Asking[int]:
    """Fetch and print."""
    if words.given("raw"):
        return (yield from _raw(session, words))
    printers.check(words.text("output"), printers.GET_FORMATS)
    if words.on("watch") or words.on("watch-only"):
        raise Failure(
            "-w is not available in this console: it prints once. The panels show every change as it comes; "
            "'kubectl wait' and 'kubectl rollout status' wait for one"
        )
    failures: list[Failure] = []
    wanted = _wanted(session, words, failures)
    form = words.text("output").partition("=")[0]
    if form in ("", "wide"):
        yield from _tables(session, words, wanted, failures)
    else:
        yield from _objects(session, words, wanted, failures)
    raise_all(failures)
    return 0


def _wanted(session: Session, words: Words, failures: list[Failure]) -> list[targets.Target]:
    if words.many("filename"):
        infos = manifests.load(session, words.many("filename"), failures)
        return [targets.Target(one.resource, one.name, one.namespace) for one in infos]
    if not words.positional:
        raise Worded(NO_TYPE)
    wanted = targets.read(words.positional)
    targets.check(words, wanted)
    if words.on("all-namespaces") and any(target.name for target in wanted):
        raise Failure("a resource cannot be retrieved by name across all namespaces")
    return wanted


def _raw(session: Session, words: Words) -> Asking[int]:
    path, _, query = words.text("raw").partition("?")
    pairs = tuple((part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part)
    tree = yield from session.ask("GET", path, pairs)
    text = tree.get("message", "") if set(tree) == {"message"} else printers.to_json(tree, None)
    session.out.append(str(text))
    return 0


class Group:
    """The rows of one resource, gathered from one or more answers."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.columns: list[Tree] = []
        self.rows: list[Tree] = []

    def add(self, answer: Tree, now: int) -> None:
        """Take a Table, or lay out what an object or a list says when the server gave no Table."""
        if answer.get("kind") == "Table":
            self.columns = answer.get("columnDefinitions") or self.columns
            self.rows += answer.get("rows") or []
            return
        items = answer.get("items", [answer])
        self.columns = [{"name": "Name", "priority": 0}, {"name": "Age", "priority": 0}]
        for item in items or []:
            metadata = item.get("metadata") or {}
            age = times.age(metadata.get("creationTimestamp"), now)
            self.rows.append({"cells": [metadata.get("name", ""), age], "object": item})


def _tables(session: Session, words: Words, wanted: list[targets.Target], failures: list[Failure]) -> Asking[None]:
    groups: list[Group] = []
    several = len({target.resource for target in wanted}) > 1
    for target in wanted:
        try:
            answer = yield from _fetch(session, words, target, TABLE)
        except Refused as refused:
            if not _ignored(words, refused, several and not target.name):
                failures.append(targets.typed(refused, target.resource))
            continue
        if not groups or groups[-1].resource != target.resource:
            groups.append(Group(target.resource))
        groups[-1].add(answer, session.now)
    shown = [group for group in groups if group.rows]
    texts = [layout(group, words, several or words.on("show-kind")) for group in shown]
    session.out.append("\n\n".join(texts) + "\n" if texts else "")
    if not texts and not failures and not words.on("ignore-not-found"):
        session.warn(nothing(session, words, [target.resource for target in wanted]))


def nothing(session: Session, words: Words, resources: list[Resource]) -> str:
    """The line for an empty answer."""
    if words.on("all-namespaces") or not all(resource.namespaced for resource in resources):
        return "No resources found"
    return f"No resources found in {session.namespace} namespace."


def _ignored(words: Words, refused: Refused, unknown_is_fine: bool) -> bool:
    if refused.missing_type:
        return unknown_is_fine
    return refused.reason == "NotFound" and words.on("ignore-not-found")


def _fetch(session: Session, words: Words, target: targets.Target, accept: str) -> Asking[Tree]:
    resource = target.resource
    if target.name:
        path = resource.path(session.scope(resource, target.namespace), target.name)
        found: Tree = yield from session.ask("GET", path, accept=accept)
        return found
    scope = None if words.on("all-namespaces") else session.scope(resource)
    query: Query = (*targets.selection(words), PAGE)
    if words.text("sort-by") and accept == TABLE:
        query = (*query, ("includeObject", "Object"))
    answer: Tree = {}
    more: Query = ()
    while True:
        page = yield from session.ask("GET", resource.path(scope), (*query, *more), accept=accept)
        part = "rows" if page.get("kind") == "Table" else "items"
        answer = {**page, part: [*(answer.get(part) or []), *(page.get(part) or [])]}
        following = (page.get("metadata") or {}).get("continue")
        if not following:
            return answer
        more = (("continue", following),)


def layout(group: Group, words: Words, with_kind: bool) -> str:
    """One group as text, without a line break at its end."""
    wide = words.text("output") == "wide"
    keep = [place for place, column in enumerate(group.columns) if wide or not column.get("priority")]
    with_namespace = words.on("all-namespaces") and group.resource.namespaced
    labels = words.many("label-columns")
    head = [str(group.columns[place]["name"]).upper() for place in keep]
    head = [*(["NAMESPACE"] if with_namespace else []), *head, *(label.rpartition("/")[2].upper() for label in labels)]
    rows = [] if words.on("no-headers") else [[*head, "LABELS"] if words.on("show-labels") else head]
    for row in _sorted(group.rows, words.text("sort-by")):
        metadata = (row.get("object") or {}).get("metadata") or {}
        cells = [_cell(row["cells"][place] if place < len(row["cells"]) else "") for place in keep]
        if with_kind and cells:
            cells[0] = f"{group.resource.prefix}/{cells[0]}"
        if with_namespace:
            cells.insert(0, str(metadata.get("namespace", "")))
        had = metadata.get("labels") or {}
        cells += [str(had.get(label, "")) for label in labels]
        if words.on("show-labels"):
            cells.append(",".join(f"{key}={had[key]}" for key in sorted(had)) or "<none>")
        rows.append(cells)
    return tabs.table(rows)


def _cell(value: Any) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    first = text.splitlines()[0] if text.splitlines() else ""
    return first + "..." if "\n" in text or "\r" in text else text.replace("\t", " ")


def _sorted(rows: list[Tree], path: str) -> list[Tree]:
    if not path:
        return rows
    return sorted(rows, key=lambda row: _key(jsonpath.find(path, row.get("object") or {})))


def _key(found: list[Any]) -> tuple[int, float, str]:
    if not found:
        return (0, 0, "")
    value = found[0]
    return (1, value, "") if isinstance(value, int | float) else (2, 0, str(value))


def _objects(session: Session, words: Words, wanted: list[targets.Target], failures: list[Failure]) -> Asking[None]:
    items: list[Tree] = []
    single = len(wanted) == 1 and bool(wanted[0].name)
    for target in wanted:
        try:
            answer = yield from _fetch(session, words, target, JSON)
        except Refused as refused:
            if not _ignored(words, refused, len(wanted) > 1 and not target.name):
                failures.append(targets.typed(refused, target.resource))
            continue
        if target.name:
            items.append(answer)
        else:
            kind = {"apiVersion": target.resource.api_version, "kind": target.resource.kind}
            items += [{**kind, **item} for item in answer.get("items") or []]
    if words.text("sort-by"):
        items = [row["object"] for row in _sorted([{"object": item} for item in items], words.text("sort-by"))]
    if single:
        for item in items:
            session.out.append(printers.show(item, words.text("output")))
        return
    if failures and not items:
        return
    tree = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items}
    session.out.append(printers.show(tree, words.text("output")))
