"""Linearizable reads without writing to the log: ReadIndex (thesis, section 6.4).

The leader notes its commit index, makes sure by one heartbeat round that it still leads, and only then answers. A
follower passes the question on and answers its client once it has applied up to the index that it gets back.

With `ReadOnly.LEASE` the leader saves itself the round while it holds a lease: a majority that has heard from it votes
for nobody else for an election timeout (check-quorum sees to that). The lease counts from the moment at which it *sent*
what they have answered, so it is stricter than etcd's, which a check-quorum every election timeout extends to twice
that; and it ends where a transfer begins, for the chosen successor need not wait for anybody's lease.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from .core import FOLLOWER, LEADER
from .progress import Peer
from .quorum import reached_by_quorum
from .snapshots import Snapshots
from .types import NOBODY, Config, Message, MessageType, ReadOnly, ReadState

READ_INDEX, READ_INDEX_RESPONSE = MessageType.READ_INDEX, MessageType.READ_INDEX_RESPONSE


class PendingRead(NamedTuple):
    """A read that waits for a majority to answer heartbeat round ``round``."""

    round: int
    requester: int
    context: bytes
    commit: int  # the leader's commit index when it was asked


class Mark(NamedTuple):
    """Where a leader stood at one of its ticks: whatever is numbered higher was sent after it."""

    round: int
    last: int


class Reads(Snapshots):
    """ReadIndex on leaders and followers."""

    __slots__ = ("_asked", "_early_reads", "_lease_marks", "_reads", "_round")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._round = 0  # heartbeat rounds begun for reads in this leadership
        self._lease_marks: deque[Mark] = deque()  # of the last ticks, one less than a lease has (LEASE only)
        self._reads: list[PendingRead] = []
        self._early_reads: list[tuple[int, bytes]] = []  # wait for this leader's first commit
        self._asked: dict[bytes, None] = {}  # what a follower has passed on and not heard back

    def read_index(self, context: bytes) -> None:
        """Asks from which index on a read is linearizable; a `ReadState` with the same ``context`` answers.

        ``context`` is the caller's own mark, different for each read. Without a leader, or when a message or the
        leader is lost, no answer comes: ask again after a while.
        """
        if self.role is LEADER:
            self._begin_read(self.id, context)
        elif self.role is FOLLOWER and self.leader != NOBODY:
            self._asked[context] = None
            self._messages.append(Message(READ_INDEX, self.leader, self.id, context=context))

    def _forget_reads(self) -> None:
        """A new term, or a new role in it: what was under way is void, and those who asked will ask again."""
        self._round = 0
        self._end_lease()
        self._reads.clear()
        self._early_reads.clear()
        self._asked.clear()

    def _on_read_index(self, m: Message) -> None:
        """A follower's question. Somebody who is not the leader any more lets it fall: it is asked again."""
        if self.role is LEADER:
            self._begin_read(m.sender, m.context)

    def _begin_read(self, requester: int, context: bytes) -> None:
        log = self.log
        if log.term(log.committed) != self.term:
            # A new leader knows all committed entries but not which they are, until one of its own is committed.
            self._early_reads.append((requester, context))
        elif self.membership.all_voters == (self.id,) or self._holds_lease():
            self._answer_read(requester, context, log.committed)
        else:
            self._round += 1
            self._reads.append(PendingRead(self._round, requester, context, log.committed))
            self._broadcast_heartbeat(self._heartbeat_context())

    def _heartbeat_context(self) -> bytes:
        """The latest round while reads wait for one, so that every heartbeat confirms it again."""
        return b"%d" % self._round if self._reads or self._lease_marks else b""

    def _confirmed_round(self) -> int:
        """The latest heartbeat round that a majority has answered, of each electorate."""
        self.peers[self.id].read_round = self._round
        electorates = self.membership.electorates
        return min([reached_by_quorum([self.peers[voter].read_round for voter in voters]) for voters in electorates])

    def _on_read_ack(self, peer: Peer, context: bytes) -> None:
        if not context.isdigit():
            return
        peer.read_round = max(peer.read_round, int(context))
        confirmed = self._confirmed_round()
        while self._reads and self._reads[0].round <= confirmed:
            read = self._reads.pop(0)
            self._answer_read(read.requester, read.context, read.commit)

    # ---- the lease

    def _grant_lease(self) -> None:
        """A new leader: the marks begin before its first entry."""
        if self.config.read_only == ReadOnly.LEASE:
            self._lease_marks.append(Mark(0, self.log.last))

    def _tick_lease(self) -> None:
        """A tick of the leader: a new mark, a new round, and what is too old for a lease is forgotten.

        One tick less than the voters wait, because their first one may come at once after the message.
        """
        marks = self._lease_marks
        if marks:
            marks.append(Mark(self._round, self.log.last))
            self._round += 1
            if len(marks) >= self.config.election_tick:
                marks.popleft()

    def _end_lease(self) -> None:
        """No lease any more in this leadership: another may campaign in spite of it."""
        self._lease_marks.clear()

    def _holds_lease(self) -> bool:
        """Whether a majority has answered something that was sent after the oldest mark."""
        marks = self._lease_marks
        return bool(marks) and (self._confirmed_round() > marks[0].round or self._quorum_index() > marks[0].last)

    def _answer_read(self, requester: int, context: bytes, index: int) -> None:
        if requester == self.id:
            self._report_read(index, context)
        else:
            self._messages.append(
                Message(READ_INDEX_RESPONSE, requester, self.id, self.term, index, context=context)
            )

    def _on_read_index_response(self, m: Message) -> None:
        if m.context in self._asked:
            del self._asked[m.context]
            self._report_read(m.index, m.context)

    def _report_read(self, index: int, context: bytes) -> None:
        self._read_states.append(ReadState(index, context))
        self._seldom = True

    def _committed(self) -> None:
        if self._early_reads and self.log.term(self.log.committed) == self.term:
            early, self._early_reads = self._early_reads, []
            for requester, context in early:
                self._begin_read(requester, context)
