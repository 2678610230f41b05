"""What a member has written down: the write-ahead log of Raft, and the backend. All of it survives a crash."""

from __future__ import annotations

from k8s_tutor.etcd.backend import Backend
from k8s_tutor.raft import Entry, HardState, Ready, Snapshot
from k8s_tutor.sim import Grow, State


class Disk(State):
    """One member's data directory. ``identity`` is its id in the group, 0 before it has joined one."""

    def __init__(self, identity: int = 0, backend: Backend | None = None) -> None:
        self.identity = identity
        self.removed = False
        """Its member has left the group: nothing can be made of this directory any more."""
        self.hard_state: HardState | None = None
        self.snapshot: Snapshot | None = None
        """Up to where the log was compacted, and who belonged to the group there. What the keys were is in the backend."""
        self.entries: Grow[Entry] = Grow()
        """What is kept of the log, catch-up entries before the snapshot included."""
        self.offset = 0
        """The index before the first of them."""
        self.backend = backend or Backend()

    @property
    def last(self) -> int:
        """The last index of the log."""
        return self.offset + len(self.entries)

    def save(self, ready: Ready) -> int:
        """Persists what a `Ready` asks for, in Raft's order. Returns how many entries were overwritten."""
        if ready.snapshot is not None:
            self.snapshot, self.entries, self.offset = _marker(ready.snapshot), Grow(), ready.snapshot.index
        if ready.hard_state is not None:
            self.hard_state = ready.hard_state
        if not ready.entries:
            return 0
        keep = ready.entries[0].index - self.offset - 1
        overwritten = max(0, len(self.entries) - keep)
        self.entries.truncate(keep)
        self.entries.extend(list(ready.entries))
        return overwritten

    def compact(self, snapshot: Snapshot, offset: int) -> None:
        """The backend holds all up to the snapshot: entries up to ``offset`` are given up."""
        self.snapshot = _marker(snapshot)
        if offset > self.offset:
            self.entries = Grow(self.entries[offset - self.offset :])
            self.offset = offset


def _marker(snapshot: Snapshot) -> Snapshot:
    """A snapshot without its data, which is in the backend."""
    return Snapshot(
        snapshot.index, snapshot.term, b"", snapshot.voters, snapshot.voters_outgoing, snapshot.learners, snapshot.learners_next
    )  # fmt: skip
