"""What a leader knows about one other member, and how fast it may send to it.

A follower starts in ``PROBE``: one append at a time, until an answer shows where the logs agree. From then on it is
in ``REPLICATE``: the leader sends ahead of the answers, up to a window of messages in flight, and falls back to
probing when an append is refused. Who lacks what the leader has compacted is in ``SNAPSHOT``: it gets the snapshot, and
no appends until it has it. (etcd-io/raft, tracker/.)
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum

from .types import Value


class ProgressState(IntEnum):
    """How a leader sends to a member."""

    PROBE = 0
    REPLICATE = 1
    SNAPSHOT = 2


_PROBE, _REPLICATE, _SNAPSHOT = ProgressState.PROBE, ProgressState.REPLICATE, ProgressState.SNAPSHOT


class Progress(Value, frozen=True):
    """A frozen view of one member's progress: ``inflight`` is the number of appends not yet answered."""

    match: int
    next: int
    state: ProgressState
    inflight: int


class Peer:
    """The leader's book on one member (itself included). ``match < next`` always (paper, Figure 2)."""

    __slots__ = ("active", "inflight", "match", "next", "paused", "read_round", "sent_commit", "state", "waited")

    def __init__(self, next_index: int = 1) -> None:
        self.match = 0  # the highest index known to be stored there
        self.next = next_index  # the first index of the next append
        self.state = _PROBE
        self.paused = False  # wait for an answer, or a heartbeat's, before the next append
        self.active = False  # has answered since check-quorum last looked
        self.inflight: deque[int] = deque()  # last index of each append in flight (REPLICATE only)
        self.sent_commit = 0  # the highest commit index sent
        self.read_round = 0  # the latest heartbeat round that it has answered
        self.waited = 0  # heartbeats answered since the snapshot was sent (SNAPSHOT only)

    def copy(self) -> Peer:
        """An independent copy."""
        twin = Peer.__new__(Peer)
        twin.match = self.match
        twin.next = self.next
        twin.state = self.state
        twin.paused = self.paused
        twin.active = self.active
        twin.inflight = self.inflight.copy()
        twin.sent_commit = self.sent_commit
        twin.read_round = self.read_round
        twin.waited = self.waited
        return twin

    def view(self) -> Progress:
        """What the screen and `status` may see."""
        return Progress(self.match, self.next, self.state, len(self.inflight))

    def probe(self) -> None:
        """Back to one append at a time, from the last index known to match."""
        self.state = _PROBE
        self.next = self.match + 1
        self.paused = False
        self.inflight.clear()
        self.sent_commit = min(self.sent_commit, self.match)

    def replicate(self) -> None:
        """The logs agree up to ``match``: from now on send ahead."""
        self.state = _REPLICATE
        self.next = self.match + 1
        self.paused = False
        self.inflight.clear()
        self.sent_commit = min(self.sent_commit, self.match)

    def sent(self, previous: int, count: int, commit: int, max_inflight: int) -> None:
        """An append of ``count`` entries after index ``previous`` has gone out."""
        self.sent_commit = commit
        if self.state is _REPLICATE:
            if count:
                last = previous + count
                self.next = last + 1
                self.inflight.append(last)
            self.paused = len(self.inflight) >= max_inflight
        elif count:
            self.paused = True

    def sent_snapshot(self, index: int) -> None:
        """A snapshot up to ``index`` has gone out: nothing else follows until it has arrived, or seems to be lost."""
        self.state = _SNAPSHOT
        self.next = index + 1
        self.paused = True
        self.inflight.clear()
        self.sent_commit = index
        self.waited = 0

    def acknowledged(self, index: int, compacted: int = 0) -> bool:
        """The member holds everything up to ``index``. False when that is old news that changes nothing.

        The leader's own log begins after ``compacted``.
        """
        if index <= self.match and (self.state is not _PROBE or index < self.match):
            return False
        self.match = index
        if self.next <= index:
            self.next = index + 1
        if self.state is _REPLICATE:
            inflight = self.inflight
            while inflight and inflight[0] <= index:
                inflight.popleft()
            self.paused = False
        elif self.state is _PROBE or index >= compacted:
            self.replicate()
        elif index + 1 == self.next:
            self.probe()  # it has the snapshot, but more has been compacted since
        return True

    def refused(self, rejected: int, hint: int) -> bool:
        """An append after ``rejected`` was refused; the logs may agree at ``hint``. False when the news is stale."""
        if self.state is _REPLICATE:
            if rejected <= self.match:
                return False
            self.probe()
            return True
        if self.state is _SNAPSHOT or self.next - 1 != rejected:
            return False
        self.next = max(min(rejected, hint + 1), self.match + 1)
        self.sent_commit = min(self.sent_commit, self.next - 1)
        self.paused = False
        return True

    def alive(self, patience: int) -> None:
        """The member has answered a heartbeat: it can be reached, so what it did not answer seems to be lost.

        A snapshot takes its time, so it is sent again only after ``patience`` answered heartbeats.
        """
        self.active = True
        if self.state is not _SNAPSHOT:
            self.paused = False
            return
        self.waited += 1
        if self.waited >= patience:
            self.probe()
