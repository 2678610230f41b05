"""Views of the end of the event log, each extended by what is new since the last look.

What a view shows depends on the world alone, not on when it was looked at before: a tail that is extended equals one that is
built from nothing.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.cluster.views import FlightView, LogView, NoteView, RequestView, WireView
from k8s_tutor.cluster.why import note_view
from k8s_tutor.cluster.wireview import NOTES, RECENT, SEARCHED, arrival, flight
from k8s_tutor.sim import Grow, Message, Note, Record, World

REQUESTS = 20
SCANNED = 4_000
"""Records of the log that are searched for the latest requests."""


class Tail:
    """Where in the log a view has come to. Notices when a rewind has taken away what it had read."""

    def __init__(self) -> None:
        self._next = 0
        self._last: Any = None

    def new(self, records: Grow[Record]) -> tuple[int, bool]:
        """(index of the first record that was not read yet, whether all must be read again), and counts all as read."""
        begin, length = self._next, len(records)
        again = begin > length or (begin > 0 and records[begin - 1] is not self._last)
        if length:
            self._next, self._last = length, records[length - 1]
        return (0 if again else begin), again


class LogTail:
    """The latest notes."""

    def __init__(self) -> None:
        self._tail = Tail()
        self._view = LogView(notes=())

    def view(self, world: World) -> LogView:
        """The same object while nobody has said anything."""
        records = world.log.records()
        begin, again = self._tail.new(records)
        found: list[NoteView] = []
        for index in range(len(records) - 1, begin - 1, -1):
            record = records[index]
            if isinstance(record, Note):
                found.append(note_view(world, record))
                if len(found) == NOTES:
                    break
        if found or again:
            before = () if again else self._view.notes
            self._view = LogView(notes=(*before, *reversed(found))[-NOTES:])
        return self._view


class WireTail:
    """What is in the air, and what has just landed."""

    def __init__(self) -> None:
        self._tail = Tail()
        self._recent: list[tuple[int, FlightView]] = []
        """(index of the record, what it shows)"""
        self._flying: dict[int, tuple[Message, str, FlightView]] = {}
        self._view = WireView(flying=(), recent=())

    def view(self, world: World) -> WireView:
        """The same object while nothing flies or lands."""
        flying, recent = self._in_the_air(world), self._landed(world)
        if flying != self._view.flying or recent != self._view.recent:
            self._view = WireView(flying=flying, recent=recent)
        return self._view

    def _in_the_air(self, world: World) -> tuple[FlightView, ...]:
        before, now = self._flying, {}
        messages = [(message, "flying") for message in world.flying()]
        messages += [(message, "held") for waiting in world.network.held.values() for message in waiting]
        for message, outcome in messages:
            known = before.get(message[1])
            if known is None or known[0] is not message or known[1] != outcome:
                known = message, outcome, flight(world, message, outcome)
            now[message[1]] = known
        self._flying = now
        return tuple([known[2] for known in now.values()])

    def _landed(self, world: World) -> tuple[FlightView, ...]:
        records = world.log.records()
        begin, again = self._tail.new(records)
        oldest = max(0, len(records) - SEARCHED)
        if again:
            self._recent = []
        for index in range(max(begin, oldest), len(records)):
            view = arrival(world, records[index])
            if view is not None:
                self._recent.append((index, view))
        self._recent = [pair for pair in self._recent if pair[0] >= oldest][-RECENT:]
        return tuple([view for _, view in self._recent])


class RequestTail:
    """The latest requests, from what the API servers noted."""

    def __init__(self) -> None:
        self._tail = Tail()
        self._found: dict[int, tuple[int, RequestView]] = {}
        """Id → (index of the record, the request), oldest first."""
        self._views: tuple[RequestView, ...] = ()

    def view(self, world: World) -> tuple[RequestView, ...]:
        """The same tuple while no request comes or is answered."""
        records = world.log.records()
        begin, again = self._tail.new(records)
        oldest = max(0, len(records) - SCANNED)
        if again:
            self._found.clear()
        for index in range(max(begin, oldest), len(records)):
            note = records[index]
            if isinstance(note, Note):
                self._take(index, note)
        latest = [pair for pair in self._found.values() if pair[0] >= oldest][-REQUESTS:]
        self._found = {view.id: (index, view) for index, view in latest}
        views = tuple([view for _, view in latest])
        if views != self._views:
            self._views = views
        return self._views

    def _take(self, index: int, note: Note) -> None:
        fields = note.fields
        if note.kind == "api.request":
            self._found[fields["id"]] = index, RequestView(
                id=fields["id"], server=note.actor, at=note.at, user=fields["user"], verb=fields["verb"], path=fields["path"],
                stages=tuple(fields["stages"]), code=0,
            )  # fmt: skip
        elif note.kind == "api.answer" and fields["id"] in self._found:
            known, asked = self._found[fields["id"]]
            self._found[fields["id"]] = known, RequestView(
                id=asked.id, server=asked.server, at=asked.at, user=asked.user, verb=asked.verb, path=asked.path,
                stages=asked.stages, code=fields["code"], message=fields.get("message", ""),
            )  # fmt: skip
