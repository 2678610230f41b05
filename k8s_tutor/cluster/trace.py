"""The trace of one input: what it has led to, from the typed line to the pod, as one path through everybody's hands.

The path is the chain of causes of the furthest effect that the input has had so far, with what belongs beside it: whoever else
wrote the entry down and acknowledged it, and the answer that came back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.views import TraceStepView, TraceView
from k8s_tutor.cluster.why import note_view
from k8s_tutor.cluster.wireview import flight
from k8s_tutor.kubectl.console import INTERRUPT
from k8s_tutor.raft import Message as RaftMessage
from k8s_tutor.raft import MessageType
from k8s_tutor.sim import TIMER, Given, Grow, Lost, Message, Note, Record, World

EFFECTS = ("raft.commit", "console.answered", "controller.decided", "scheduler.bound", "container.started", "pod.ready")
"""Kinds of notes that count as an effect, the nearest first."""
GONE = {"pod.removed": "pod.ready", "container.died": "container.started"}
"""Effects of a deletion, and what they count as."""
SMALL = frozenset(
    {"GetManifest", "Manifest", "GetBlob", "Blob", "ImageStatus", "RunTask", "TaskStarted", "TaskChanged"}
)
"""Kinds of messages that are no step of their own, unless somebody notes something."""
LONGEST = 400
"""Steps of a path at most."""


class Tracer:
    """Follows one input through the event log, extended by what is new since the last look."""

    def __init__(self, given: inputs.Input, at: int, number: int = 1, of: int = 1) -> None:
        self._given, self._at = given, at
        self._number, self._of = number, of
        self._begin()

    def _begin(self) -> None:
        self._next = 0
        self._last: Any = None
        self._source = 0
        """Id of the input in the log; 0: it was not found yet."""
        self._reached: dict[int, Message] = {}
        self._lost: dict[int, str] = {}
        """Those of them that never arrived, and why."""
        self._children: dict[int, list[int]] = {}
        self._notes: dict[int, list[Note]] = {}
        self._effect = (-1, 0)
        """(place in EFFECTS, id of the delivery that it was noted at), the first of the furthest kind."""
        self._answered = 0
        self._view: TraceView | None = None

    def view(self, world: World) -> TraceView:
        """The path as far as it is known. In the past of what was read already, nothing is forgotten."""
        records = world.log.records()
        length = len(records)
        known = self._next
        if length >= known:
            if known and records[known - 1] is not self._last:
                self._begin()
            if length > self._next or self._view is None:
                self._read(records)
                self._view = self._draw(world)
        assert self._view is not None
        return self._view

    # ------------------------------------------------------------------ reading

    def _read(self, records: Grow[Record]) -> None:
        start = self._next or records.first(self._at, _instant)
        for record in records[start:]:
            if isinstance(record, Note):
                if record.cause in self._reached:
                    self._noted(record)
            elif isinstance(record, Given):
                if not self._source and record.at == self._at and record.input == self._given:
                    self._source = record.id
            elif isinstance(record, Lost):
                if self._reach(record.envelope):
                    self._lost[record.envelope[1]] = record.reason
            else:
                self._reach(record)
        self._next = len(records)
        self._last = records[len(records) - 1] if len(records) else None

    def _reach(self, message: Message) -> bool:
        """Whether a message belongs to what the input has led to; if so it is kept."""
        cause = message[5]
        if not cause or (cause != self._source and cause not in self._reached):
            return False
        self._reached[message[1]] = message
        self._children.setdefault(cause, []).append(message[1])
        return True

    def _noted(self, note: Note) -> None:
        self._notes.setdefault(note.cause, []).append(note)
        kind = GONE.get(note.kind, note.kind)
        if kind == "console.answered" and not self._answered:
            self._answered = note.cause
        if kind in EFFECTS and EFFECTS.index(kind) > self._effect[0]:
            self._effect = (EFFECTS.index(kind), note.cause)

    # ------------------------------------------------------------------ drawing

    def _draw(self, world: World) -> TraceView:
        furthest = self._effect[1] or max((ident for ident in self._reached if ident not in self._lost), default=0)
        way = self._way(furthest)
        wanted = {*way, *self._way(self._answered), *self._acknowledgements(way)}
        steps = [step for ident in sorted(wanted, key=self._order) for step in self._steps(world, ident)]
        typed = inputs.line_of(self._given)
        line, client = (typed.line, typed.client) if typed is not None else (inputs.in_words(self._given), "")
        first = TraceStepView(at=self._at, actor=client, text=line, message=0, flight=None, notes=())
        kept = (first, *steps[: LONGEST - 1])
        return TraceView(line=line, client=client, at=self._at, steps=kept, number=self._number, of=self._of)

    def _order(self, ident: int) -> tuple[int, int]:
        return self._reached[ident][0], ident

    def _way(self, ident: int) -> list[int]:
        """The deliveries that led to one, itself included."""
        found = []
        while ident in self._reached:
            found.append(ident)
            ident = self._reached[ident][5]
        return found

    def _acknowledgements(self, way: Iterable[int]) -> list[int]:
        """Who else was told to write down the first entry of the path, and said so before it was committed or shortly after."""
        appends = [ident for ident in way if _appends(self._reached[ident])]
        if not appends:
            return []
        first = self._reached[min(appends)]
        twins = [one for one in self._children.get(first[5], ()) if _appends(self._reached[one])]
        replies = [reply for twin in twins for reply in self._children.get(twin, ()) if _acknowledges(self._reached[reply])]
        return twins + replies

    def _steps(self, world: World, ident: int) -> list[TraceStepView]:
        """A delivery as a step, and the gates through which a request of one's own goes there as further ones; nothing for
        what says nothing by itself."""
        step = self._step(world, ident)
        if step is None:
            return []
        typed = inputs.line_of(self._given)
        asked = next((note for note in step.notes if note.kind == "api.request"), None)
        if asked is None or typed is None or asked.fields.get("client") != typed.client:
            return [step]
        stages = [TraceStepView(at=step.at, actor=step.actor, text=str(stage), message=ident, flight=None, notes=())
                  for stage in asked.fields.get("stages", ())]  # fmt: skip
        if not stages:
            return [step]
        replace = msgspec.structs.replace
        return [replace(step, notes=()), *stages[:-1], replace(stages[-1], notes=step.notes)]

    def _step(self, world: World, ident: int) -> TraceStepView | None:
        """A delivery as a step; None for what says nothing by itself."""
        message = self._reached[ident]
        notes = tuple(note_view(world, note) for note in self._notes.get(ident, ()) if note.kind != "console.typed")
        if message[7] & TIMER or message[2] == message[3]:
            told = None
        else:
            told = flight(world, message, self._lost.get(ident, "arrived"))
        if not notes and (told is None or told.kind.endswith("Result") or told.kind in SMALL or told.text == "status"):
            return None
        return TraceStepView(
            at=message[0], actor=message[3], text=told.text if told else "", message=ident, flight=told, notes=notes
        )


def _instant(record: Record) -> int:
    return record[0]


def _appends(message: Message) -> bool:
    body = message[4]
    return isinstance(body, RaftMessage) and body.type is MessageType.APPEND and bool(body.entries)


def _acknowledges(message: Message) -> bool:
    body = message[4]
    return isinstance(body, RaftMessage) and body.type is MessageType.APPEND_RESPONSE and not body.reject


def typed_lines(given: Iterable[Any]) -> list[Any]:
    """The lines that somebody typed among the inputs of a branch (``Stamped``), oldest first; Ctrl-C is none."""
    lines = ((stamped, inputs.line_of(stamped.input)) for stamped in given)
    return [stamped for stamped, line in lines if line is not None and line.line != INTERRUPT]


__all__ = ["EFFECTS", "Tracer", "typed_lines"]
