"""``kubectl get``: tables that the server has laid out, or the objects themselves (kubectl pkg/cmd/get)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity, times
from k8s_tutor.kubectl import jsonpath, manifests, printers, tabs, targets
from k8s_tutor.kubectl.errors import Failure, Refused, Worded, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Resource
from k8s_tutor.kubectl.session import JSON, PAGE, TABLE, Query, Session

FLAGS = printers.FLAGS + (
    "all-namespaces:A! selector:l field-selector label-columns:L* show-labels! show-kind! no-headers! ignore-not-found! "
    "watch:w! watch-only! output-watch-events! filename:f* recursive:R! kustomize:k sort-by raw chunk-size# server-print! "
    "subresource"
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
    output = printers.chosen(session, words)
    if words.on("show-labels") and output not in ("", "wide"):
        raise Failure("--show-labels option cannot be used with " + words.text("output").partition("=")[0] + " printer")
    if words.on("output-watch-events") and not (words.on("watch") or words.on("watch-only")):
        raise Failure("--output-watch-events option can only be used with --watch or --watch-only")
    failures: list[Failure] = []
    wanted = _wanted(session, words, failures)
    printers.check(output, printers.GET_FORMATS)
    session.managed = words.on("show-managed-fields") or output.partition("=")[0] not in ("", "wide", "name", "json", "yaml")
    if words.on("watch") or words.on("watch-only"):
        from k8s_tutor.kubectl import watching

        return (yield from watching.run(session, words, wanted, output))
    if output.partition("=")[0] in ("", "wide"):
        yield from _tables(session, words, wanted, output, failures)
    else:
        yield from _objects(session, words, wanted, output, failures)
    raise_all(failures)
    return 0


def _wanted(session: Session, words: Words, failures: list[Failure]) -> list[targets.Target]:
    if words.many("filename"):
        infos = manifests.load(session, words.many("filename"), failures)
        return [targets.Target(one.resource, one.name, one.namespace) for one in infos]
    if not words.positional:
        raise Worded(NO_TYPE)
    wanted = targets.read(session, words.positional)
    targets.check(words, wanted)
    if words.on("all-namespaces") and any(target.name for target in wanted):
        raise Failure("a resource cannot be retrieved by name across all namespaces")
    if words.text("subresource") and not all(target.name for target in wanted):
        raise Failure("subresource cannot be used when bulk resources are specified")
    return wanted


def _raw(session: Session, words: Words) -> Asking[int]:
    if words.positional or words.many("filename"):
        raise Failure("arguments may not be passed when --raw is specified")
    path, _, query = words.text("raw").partition("?")
    pairs = tuple((part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part)
    session.managed = True
    text = yield from session.ask_raw("GET", path, pairs)
    session.out.append(text)
    if ("watch", "true") in pairs:
        from k8s_tutor.kubectl import watching

        return (yield from watching.raw(session))
    return 0


# ---------------------------------------------------------------------- tables


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


def _tables(session: Session, words: Words, wanted: list[targets.Target], output: str, failures: list[Failure]) -> Asking[None]:
    groups: list[Group] = []
    for target in wanted:
        try:
            answer = yield from fetch(session, words, target, TABLE)
        except Refused as refused:
            if not _ignored(words, refused):
                failures.append(targets.typed(refused, target))
            continue
        if not groups or groups[-1].resource != target.resource:
            groups.append(Group(target.resource))
        groups[-1].add(answer, session.now)
    several = len({group.resource for group in groups}) > 1
    shown = [group for group in groups if group.rows]
    texts = [layout(group, words, several or words.on("show-kind"), output == "wide") for group in shown]
    between = "\n" if words.on("no-headers") else "\n\n"
    session.out.append(between.join(texts) + "\n" if texts else "")
    if not texts and not failures and not words.on("ignore-not-found"):
        session.warn(nothing(session, words, [target.resource for target in wanted]))


def nothing(session: Session, words: Words, resources: list[Resource]) -> str:
    """The line for an empty answer."""
    if words.on("all-namespaces") or not all(resource.namespaced for resource in resources):
        return "No resources found"
    return f"No resources found in {session.namespace} namespace."


def _ignored(words: Words, refused: Refused) -> bool:
    return refused.reason == "NotFound" and not refused.missing_type and words.on("ignore-not-found")


def fetch(session: Session, words: Words, target: targets.Target, accept: str) -> Asking[Tree]:
    """The object that a target names, or all of a list, page by page."""
    resource = target.resource
    if target.name:
        path = resource.path(session.scope(resource, target.namespace), target.name, words.text("subresource"))
        found: Tree = yield from session.ask("GET", path, accept=accept)
        return found
    size = (("limit", words.text("chunk-size")),) if words.number("chunk-size") > 0 else (PAGE,)
    query: Query = (*targets.selection(words), *(() if words.text("chunk-size") == "0" else size))
    if words.text("sort-by") and accept == TABLE:
        query = (*query, ("includeObject", "Object"))
    answer: Tree = {}
    more: Query = ()
    while True:
        path = resource.path(None if words.on("all-namespaces") else session.scope(resource))
        try:
            page = yield from session.ask("GET", path, (*query, *more), accept=accept)
        except Refused as refused:
            raise refused.about(resource.api_version, resource.plural, targets.selection(words)) from None
        part = "rows" if page.get("kind") == "Table" else "items"
        answer = {**page, part: [*(answer.get(part) or []), *(page.get(part) or [])]}
        following = (page.get("metadata") or {}).get("continue")
        if not following:
            return answer
        more = (("continue", following),)


def layout(group: Group, words: Words, with_kind: bool, wide: bool) -> str:
    """One group as text, without a line break at its end."""
    return tabs.table(cells(group, words, with_kind, wide))


def cells(group: Group, words: Words, with_kind: bool, wide: bool, heads: bool = True) -> list[list[str]]:
    """One group as rows of cells, the head first."""
    keep = [place for place, column in enumerate(group.columns) if wide or not column.get("priority")]
    with_namespace = words.on("all-namespaces") and group.resource.namespaced
    labels = words.many("label-columns")
    head = [str(group.columns[place]["name"]).upper() for place in keep]
    head = [*(["NAMESPACE"] if with_namespace else []), *head, *(label.rpartition("/")[2].upper() for label in labels)]
    rows = [] if words.on("no-headers") or not heads else [[*head, "LABELS"] if words.on("show-labels") else head]
    for row in ordered(group.rows, words.text("sort-by")):
        metadata = (row.get("object") or {}).get("metadata") or {}
        line = [_cell(row["cells"][place] if place < len(row["cells"]) else "") for place in keep]
        if with_kind and line:
            line[0] = f"{group.resource.prefix}/{line[0]}"
        if with_namespace:
            line.insert(0, str(metadata.get("namespace", "")))
        had = metadata.get("labels") or {}
        line += [str(had.get(label, "")) for label in labels]
        if words.on("show-labels"):
            line.append(",".join(f"{key}={had[key]}" for key in sorted(had)) or "<none>")
        rows.append(line)
    return rows


def _cell(value: Any) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    first = text.splitlines()[0] if text.splitlines() else ""
    return first + "..." if "\n" in text or "\r" in text else text.replace("\t", " ")


def ordered(rows: list[Tree], path: str) -> list[Tree]:
    """Rows by the value that ``--sort-by`` names in their objects. Raises kubectl's error for a path that is none."""
    if not path:
        return rows
    bare = path if path[:1] in "{.[" else "." + path
    try:
        jsonpath.steps(bare.strip("{}"))
    except Failure as failure:
        raise Failure(f"error parsing jsonpath {path}, {failure.message}") from None
    return sorted(rows, key=lambda row: _key(jsonpath.find(bare, row.get("object") or {})))


def _key(found: list[Any]) -> tuple[int, float, str]:
    if not found:
        return (0, 0, "")
    value = found[0]
    if isinstance(value, str):
        try:
            return (1, quantity.nano(value), value)
        except ValueError:
            return (2, 0, value)
    return (1, value * 1_000_000_000, "") if isinstance(value, int | float) else (2, 0, str(value))


# ---------------------------------------------------------------------- objects


def _objects(session: Session, words: Words, wanted: list[targets.Target], output: str,
             failures: list[Failure]) -> Asking[None]:  # fmt: skip
    items: list[Tree] = []
    single = len(wanted) == 1 and bool(wanted[0].name)
    for target in wanted:
        try:
            answer = yield from fetch(session, words, target, JSON)
        except Refused as refused:
            if not _ignored(words, refused):
                failures.append(targets.typed(refused, target))
            continue
        if target.name:
            items.append(answer)
        else:
            kind = {"apiVersion": target.resource.api_version, "kind": target.resource.kind}
            items += [{**kind, **item} for item in answer.get("items") or []]
    if words.text("sort-by"):
        items = [row["object"] for row in ordered([{"object": item} for item in items], words.text("sort-by"))]
    form, _, template = output.partition("=")
    if form.startswith("custom-columns"):
        session.out.append(printers.columns(items, template, not words.on("no-headers")) if items or not failures else "")
        return
    managed = session.managed
    if single:
        for item in items:
            session.out.append(printers.show(item, output, managed))
        return
    if failures and not items:
        return
    tree = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items}
    session.out.append(printers.show(tree, output, managed))
