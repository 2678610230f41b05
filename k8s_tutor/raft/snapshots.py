"""Snapshots: the log need not be kept for ever (paper, section 7).

The caller makes a snapshot of its state machine whenever it likes and calls `compact`. A leader sends it to whoever
lacks what is compacted; a follower takes it in the place of its whole log.
"""

from __future__ import annotations

from .log import Log
from .membership import Membership
from .replication import Replication
from .types import Message, MessageType, Snapshot


class Snapshots(Replication):
    """Making and taking snapshots; `Replication` sends them."""

    __slots__ = ()

    def compact(self, index: int, data: bytes, keep: int = 0) -> Snapshot | None:
        """``data`` is the caller's state after the entry at ``index``: the log up to there is dropped.

        The last ``keep`` of those entries stay, so that a member that is only a little behind needs no snapshot (etcd
        keeps 5,000). Returns the snapshot, which the caller stores itself: nothing of this goes through `Ready`. An
        index that an earlier snapshot covers changes nothing, and that one is returned. Raises ValueError for an index
        that has not been applied.
        """
        log = self.log
        if index > log.applied:
            raise ValueError(f"cannot compact up to {index}: only {log.applied} entries are applied")
        if index <= (self.snapshot.index if self.snapshot else 0):
            return self.snapshot
        at, m = max((found for found in self._configurations if found[0] <= index), key=lambda found: found[0])
        self._configurations = [found for found in self._configurations if found[0] >= at]
        self.snapshot = Snapshot(
            index, log.term(index), data, m.voters, m.voters_outgoing, m.learners, m.learners_next
        )
        log.compact(index - keep)
        return self.snapshot

    def _on_snapshot(self, m: Message) -> None:
        """Takes the leader's snapshot, if it is ahead of what is committed here, and says how far this log goes now."""
        if m.snapshot is None or not self._follow(m):
            return
        restored = self._restore(m.snapshot)
        log = self.log
        upto = log.last if restored else log.committed
        self._messages.append(Message(MessageType.APPEND_RESPONSE, m.sender, self.id, self.term, upto))

    def _restore(self, snapshot: Snapshot) -> bool:
        """Replaces the log by ``snapshot``. False when that is not needed: it is old, or the log holds all of it."""
        log = self.log
        if snapshot.index <= log.committed:
            return False
        if log.term(snapshot.index) == snapshot.term:
            log.committed = snapshot.index
            return False
        self.log = Log(snapshot.index, snapshot.term)
        self.snapshot = self._received = snapshot
        self._seldom = True
        self._adopt(snapshot.index, Membership.of(snapshot))
        return True
