"""Why? A walk from any message up the chain of its causes, to an input or a timer."""

from __future__ import annotations

from k8s_tutor.cluster import inputs, words
from k8s_tutor.cluster.views import CauseView, NoteView
from k8s_tutor.sim import TIMER, Envelope, Given, Note, World

LONGEST = 500
"""Links after which a walk ends, however long the chain may be."""


def delivery(world: World, message: int) -> Envelope | Given | None:
    """The delivery, or input, with this id: newest first, or None when the log does not keep it."""
    records = world.log.records()
    for index in range(len(records) - 1, -1, -1):
        record = records[index]
        if isinstance(record, Given) and record.id == message:
            return record
        if type(record) is tuple and record[1] == message:
            return Envelope._make(record)
    return next((Envelope._make(m) for m in world.log.housekeeping() if type(m) is tuple and m[1] == message), None)


def chain(world: World, message: int) -> tuple[CauseView, ...]:
    """All that led to the delivery of ``message``, oldest first, that delivery included; empty for an unknown one."""
    found: list[CauseView] = []
    link = delivery(world, message)
    while link is not None and len(found) < LONGEST:
        found.append(_link(world, link))
        if isinstance(link, Given) or not link.cause:
            break
        link = world.log.find(link.cause, link.sent_at)
    return tuple(reversed(found))


def _link(world: World, link: Envelope | Given) -> CauseView:
    if isinstance(link, Given):
        return CauseView(
            id=link.id, at=link.at, src="", dst="", kind="input", text=inputs.in_words(link.input), timer=False,
            input=True, notes=_notes(world, link.id, link.at),
        )  # fmt: skip
    kind, text = words.describe(link.body)
    return CauseView(
        id=link.id, at=link.due, src=link.src, dst=link.dst, kind=kind, text=text, timer=bool(link.kind & TIMER),
        input=False, notes=_notes(world, link.id, link.due),
    )  # fmt: skip


def _notes(world: World, message: int, at: int) -> tuple[NoteView, ...]:
    return tuple(note_view(world, note) for note in world.log.notes(message, at))


def note_view(world: World, note: Note) -> NoteView:
    """A note as a view holds it."""
    machine = world.network.hosts.get(note.actor, "")
    return NoteView(at=note.at, actor=note.actor, machine=machine, kind=note.kind, fields=note.fields, cause=note.cause)
