"""What a member of the lab has on disk, and the state machine that it feeds: registers, with one session a client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ..types import Entry, HardState, Ready, Snapshot


class Disk:
    """What survives a crash. ``before`` is the index before the first stored entry."""

    __slots__ = ("before", "entries", "hard_state", "snapshot")

    def __init__(self) -> None:
        self.hard_state: HardState | None = None
        self.snapshot: Snapshot | None = None
        self.entries: list[Entry] = []
        self.before = 0

    def save(self, ready: Ready) -> None:
        """Writes down all of a `Ready`, in Raft's order."""
        self.save_some(ready, len(ready.entries))
        if ready.hard_state is not None:
            self.hard_state = ready.hard_state

    def save_some(self, ready: Ready, entries: int) -> None:
        """Writes down the snapshot and that many entries: what a crash in the middle may leave."""
        if ready.snapshot is not None:
            self.snapshot, self.entries, self.before = ready.snapshot, [], ready.snapshot.index
        if entries:
            first = ready.entries[0].index - self.before - 1
            assert 0 <= first <= len(self.entries), "entries must follow the stored log"
            self.entries[first:] = ready.entries[:entries]

    def holds(self, entry: Entry) -> bool:
        """Whether an entry is stored, or covered by the snapshot."""
        place = entry.index - self.before - 1
        return place < 0 or (place < len(self.entries) and self.entries[place] == entry)

    def compact(self, snapshot: Snapshot, before: int) -> None:
        """Takes a snapshot of the node's own, and drops the entries up to ``before``."""
        self.snapshot = snapshot
        del self.entries[: before - self.before]
        self.before = before


class Command(NamedTuple):
    """A client's write. Only the first of the same number counts: a proposal that was passed on may be doubled on the wire
    (thesis, section 6.3)."""

    client: str
    number: int
    key: str
    value: str

    def encode(self) -> bytes:
        """As an entry's data."""
        return f"{self.client}|{self.number}|{self.key}|{self.value}".encode()

    @staticmethod
    def decode(data: bytes) -> Command:
        """From an entry's data."""
        client, number, key, value = data.decode().split("|")
        return Command(client, int(number), key, value)


class Machine:
    """Registers after the entry at ``applied``."""

    __slots__ = ("applied", "registers", "sessions")

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.applied = 0
        self.registers: dict[str, str] = {}
        self.sessions: dict[str, int] = {}
        if snapshot is not None and snapshot.data:
            self.applied = snapshot.index
            self.registers, self.sessions = msgspec.json.decode(snapshot.data, type=tuple[dict[str, str], dict[str, int]])

    def apply(self, command: Command) -> None:
        """Carries out a write."""
        if command.number > self.sessions.get(command.client, 0):
            self.sessions[command.client] = command.number
            self.registers[command.key] = command.value

    def dump(self) -> bytes:
        """Everything, for a snapshot."""
        parts: Sequence[dict[str, str] | dict[str, int]] = (self.registers, self.sessions)
        return msgspec.json.encode(parts)
