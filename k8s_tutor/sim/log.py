"""The event log: every delivery, note, loss and input, and the digest of a run."""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from typing import Any

from k8s_tutor.sim.encode import encode_records
from k8s_tutor.sim.grow import Grow
from k8s_tutor.sim.message import WORK, Envelope, Given, Lost, Note, Record

RING = 2_000
"""Housekeeping records that are kept; older ones come back by replay."""


def instant(record: Record) -> int:
    """When a record happened, in µs."""
    return record[0]


def _is_kept(record: Record) -> bool:
    """Whether a note, loss or input is kept for good: all but losses of housekeeping."""
    return not isinstance(record, Lost) or bool(record.envelope[7] & WORK)


class EventLog:
    """Append-only log. ``pending`` takes records as they happen; `flush` hashes and sorts them into place."""

    __slots__ = ("_hash", "_ring", "_work", "pending")

    def __init__(self) -> None:
        self.pending: list[Record] = []
        self._work: Grow[Record] = Grow()
        self._ring: deque[Record] = deque(maxlen=RING)
        self._hash = sha256()

    def flush(self) -> None:
        """Moves pending records into the digest and to where they are kept."""
        if not self.pending:
            return
        pending: list[Any] = self.pending
        self._hash.update(encode_records(pending))
        work = [r for r in pending if (r[7] & WORK if type(r) is tuple else _is_kept(r))]
        self._work.extend(work)
        if len(work) < len(pending):
            self._ring.extend([r for r in pending if not (r[7] & WORK if type(r) is tuple else _is_kept(r))])
        pending.clear()

    def promote(self, message: int) -> None:
        """Makes the delivery of ``message``, which is being handled now, work."""
        for index in range(len(self.pending) - 1, -1, -1):
            record = self.pending[index]
            if not isinstance(record, (Note, Lost, Given)) and record[1] == message:
                self.pending[index] = (*record[:7], record[7] | WORK)
                return

    def records(self) -> Grow[Record]:
        """All kept records, oldest first."""
        self.flush()
        return self._work

    def housekeeping(self) -> list[Record]:
        """The latest housekeeping records, oldest first."""
        self.flush()
        return list(self._ring)

    def digest(self) -> str:
        """32 hex digits over everything that happened so far."""
        self.flush()
        return self._hash.copy().hexdigest()[:32]

    def since(self, at: int) -> int:
        """Index of the first kept record at or after an instant (µs)."""
        return self.records().first(at, instant)

    def find(self, message: int, at: int) -> Envelope | Given | None:
        """The delivery or input with this id that happened at the instant ``at`` (µs), or None if it is not kept any more."""
        records = self.records()
        for index in range(self.since(at), len(records)):
            record = records[index]
            if record[0] != at:
                break
            if type(record) is tuple and record[1] == message:
                return Envelope._make(record)
            if isinstance(record, Given) and record.id == message:
                return record
        for old in reversed(self._ring):
            if type(old) is tuple and old[1] == message:
                return Envelope._make(old)
        return None

    def notes(self, message: int, at: int) -> list[Note]:
        """What the actor noted while it handled the message that was delivered at ``at``."""
        records = self.records()
        found = []
        for index in range(self.since(at), len(records)):
            record = records[index]
            if record[0] != at:
                break
            if isinstance(record, Note) and record.cause == message:
                found.append(record)
        return found

    def copy(self) -> EventLog:
        """A log that goes its own way from here."""
        self.flush()
        new = EventLog.__new__(EventLog)
        new.pending = []
        new._work, new._ring, new._hash = self._work.copy(), self._ring.copy(), self._hash.copy()
        return new
