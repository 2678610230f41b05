"""``kubectl get -w``: what there is, and then every change as it comes, until Ctrl-C."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api.wire import WatchEnd, WatchFrame
from k8s_tutor.kubectl import get, printers, targets
from k8s_tutor.kubectl.errors import Failure, Refused
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Listen, Tree
from k8s_tutor.kubectl.session import JSON, TABLE, Query, Session
from k8s_tutor.kubectl.tabs import widths
from k8s_tutor.sim import CallFailed

INTERRUPTED = 130


def run(session: Session, words: Words, wanted: list[targets.Target], output: str) -> Asking[int]:
    """List, print, then watch from there on."""
    if len({target.resource for target in wanted}) != 1 or len(wanted) > 1:
        raise Failure("you may only specify a single resource type")
    target = wanted[0]
    table = output.partition("=")[0] in ("", "wide")
    accept = TABLE if table else JSON
    try:
        answer = yield from get.fetch(session, words, target, accept)
    except Refused as refused:
        raise targets.typed(refused, target) from None
    printed = Printer(session, words, target, output)
    if not words.on("watch-only"):
        printed.first(answer)
    version = (answer.get("metadata") or {}).get("resourceVersion", "0")
    yield from _watch(session, words, target, accept, version)
    return (yield from _follow(printed))


def _watch(session: Session, words: Words, target: targets.Target, accept: str, version: str) -> Asking[None]:
    resource = target.resource
    everywhere = words.on("all-namespaces")
    path = resource.path(None if everywhere else session.scope(resource, target.namespace))
    query: Query = (*targets.selection(words), ("resourceVersion", version), ("watch", "true"))
    if target.name:
        query = (("fieldSelector", f"metadata.name={target.name}"), *query)
    yield from session.ask("GET", path, query, accept=accept)


def _follow(printed: Printer) -> Asking[int]:
    while True:
        told: Any = yield Listen()
        if isinstance(told, CallFailed):
            return INTERRUPTED if told.reason == "interrupted" else 0
        if isinstance(told, WatchEnd):
            return 0
        if isinstance(told, WatchFrame) and told.type != "BOOKMARK":
            tree = msgspec.json.decode(told.object)
            if told.type == "ERROR":
                raise Failure(f"unable to decode an event from the watch stream: {tree.get('message', '')}"
                              if tree.get("reason") != "Expired" else str(tree.get("message", "")))  # fmt: skip
            printed.one(told.type, tree)


def raw(session: Session) -> Asking[int]:
    """``get --raw`` of a watch: each event as the server writes it, one JSON line after the other."""
    while True:
        told: Any = yield Listen()
        if isinstance(told, CallFailed):
            return INTERRUPTED if told.reason == "interrupted" else 0
        if isinstance(told, WatchEnd):
            return 0
        if isinstance(told, WatchFrame):
            session.say(f'{{"type":"{told.type}","object":{bytes(told.object).decode()}}}')


class Printer:
    """Prints a list, then one event after the other. Columns stay as wide as they have been."""

    def __init__(self, session: Session, words: Words, target: targets.Target, output: str) -> None:
        self.session, self.words, self.target, self.output = session, words, target, output
        self.columns: list[Tree] = []
        self.widths: list[int] = []
        self.headed = False

    def first(self, answer: Tree) -> None:
        """The list."""
        if answer.get("kind") == "Table":
            if answer.get("rows"):
                self._rows("ADDED", answer)
            return
        items = [answer] if self.target.name else answer.get("items") or []
        kind = {"apiVersion": self.target.resource.api_version, "kind": self.target.resource.kind}
        for item in items:
            self.one("ADDED", {**kind, **item})

    def one(self, event: str, tree: Tree) -> None:
        """One event."""
        if tree.get("kind") == "Table":
            self._rows(event, tree)
            return
        form, _, template = self.output.partition("=")
        if form.startswith("custom-columns"):
            self.session.out.append(printers.columns([tree], template, not self.headed and not self.words.on("no-headers")))
            self.headed = True
            return
        if self.words.on("output-watch-events"):
            tree = {"type": event, "object": printers.cleaned(tree)}
        text = printers.show(tree, self.output, self.words.on("show-managed-fields"))
        if form == "yaml":
            text = ("---\n" if self.headed else "") + text
        self.headed = True
        self.session.out.append(text)

    def _rows(self, event: str, table: Tree) -> None:
        group = get.Group(self.target.resource)
        group.columns = self.columns
        group.add(table, self.session.now)
        self.columns = group.columns
        if self.words.on("output-watch-events"):
            group.columns = [{"name": "Event", "priority": 0}, *group.columns]
            for row in group.rows:
                row["cells"] = [event, *row["cells"]]
        lines = get.cells(group, self.words, self.words.on("show-kind"), self.output == "wide", not self.headed)
        self.headed = True
        self.widths = [max(pair) for pair in widths(lines, self.widths)]
        for line in lines:
            padded = [cell.ljust(self.widths[place] + 3) for place, cell in enumerate(line[:-1])]
            self.session.say("".join([*padded, line[-1]]))
