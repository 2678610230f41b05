"""`RaftNode`: Raft as a pure state machine, driven from outside by ticks, messages and proposals."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from .core import CANDIDATE, FOLLOWER, LEADER
from .transfer import Transfer
from .types import (
    BY_TRANSFER,
    NOBODY,
    Entry,
    EntryType,
    Message,
    MessageType,
    ProposalDropped,
    ReadOnly,
    Refusal,
)

PROPOSE = MessageType.PROPOSE
APPEND, HEARTBEAT, APPEND_RESPONSE = MessageType.APPEND, MessageType.HEARTBEAT, MessageType.APPEND_RESPONSE
SNAPSHOT = MessageType.SNAPSHOT
VOTE, PRE_VOTE = MessageType.VOTE, MessageType.PRE_VOTE
VOTE_RESPONSE, PRE_VOTE_RESPONSE = MessageType.VOTE_RESPONSE, MessageType.PRE_VOTE_RESPONSE
_OF_LEADERS_AND_CANDIDATES = (APPEND, HEARTBEAT, SNAPSHOT, VOTE, PRE_VOTE)


class RaftNode(Transfer):
    """One member of a Raft group.

    Feed it with `tick`, `step`, `propose`, `propose_conf_change`, `campaign`, `transfer_leadership` and `read_index`,
    and let it `compact` its log now and then; then, while `has_ready`, take a `Ready`,
    persist its snapshot, entries and hard state, send its messages, apply its committed entries, and `advance`::

        while node.has_ready():
            ready = node.ready()
            disk.save(ready.snapshot, ready.entries, ready.hard_state)
            network.send(ready.messages)
            state_machine.apply(ready.committed)
            node.advance(ready)

    Nothing here knows a clock, a disk, a network or chance other than the config's seed: the same calls give the
    same node on every machine.
    """

    __slots__ = ()

    # ---- what the caller does

    def tick(self) -> None:
        """One unit of time has passed."""
        self.election_elapsed += 1
        if self.role is LEADER:
            self._tick_leader()
        elif self.election_elapsed >= self.election_timeout and self._is_promotable():
            self.election_elapsed = 0
            self._campaign()

    def _tick_leader(self) -> None:
        if self.election_elapsed >= self.config.election_tick:
            self.election_elapsed = 0
            if self.config.check_quorum:
                self._check_quorum()
                if self.role is not LEADER:
                    return
            self._end_transfer()  # the successor has had its election timeout
        self._tick_lease()
        self.heartbeat_elapsed += 1
        if self.heartbeat_elapsed >= self.config.heartbeat_tick:
            self.heartbeat_elapsed = 0
            self._broadcast_heartbeat(self._heartbeat_context())

    def campaign(self) -> None:
        """Stands for election now, first by pre-votes where they are on. Leaders and non-voters do nothing."""
        self._campaign()

    def propose(self, data: bytes) -> None:
        """Asks the group to commit ``data``; a follower passes it on to the leader it knows.

        Raises ProposalDropped when this node cannot take it. One that was taken may still be lost, or, passed on,
        doubled: only its appearance in `Ready.committed` counts.
        """
        if self.role is LEADER:
            self._take(data, EntryType.NORMAL)
        else:
            self._forward(data, EntryType.NORMAL)

    def forget_leader(self) -> None:
        """A follower stops believing in its leader, keeping term, vote and timeout; so it may grant a (pre-)vote.

        Where reads trust the leader's lease it keeps to it instead, and nothing happens.
        """
        if self.role is FOLLOWER and self.config.read_only != ReadOnly.LEASE:
            self.leader = NOBODY

    def step(self, m: Message) -> None:
        """Takes one message. Stale ones, doubles, strangers' and strays are ignored; it never raises for them."""
        if (m.to != self.id and m.to != NOBODY) or (m.sender not in self.peers and self._is_stranger(m)):
            return
        if m.term == self.term or self._meets_term(m):
            self._handlers[m.type](self, m)

    def _is_stranger(self, m: Message) -> bool:
        """Whether a sender that is no member, as far as this node knows, is to be ignored.

        This node may be behind, and the sender have joined since. So it listens to one that leads or campaigns, but
        only where it has nobody else to listen to: before it is a member itself, and when it misses its leader.
        """
        if m.sender == self.leader != NOBODY:
            return False
        if m.type not in _OF_LEADERS_AND_CANDIDATES or m.sender == NOBODY:
            return True
        if self.role is LEADER:
            return True
        no_leader = self.leader == NOBODY and self.term > 0
        return self.id in self.peers and not no_leader and self.election_elapsed < self.config.election_tick

    # ---- terms (paper, section 5.1)

    def _meets_term(self, m: Message) -> bool:
        """Settles a message of another term than ours. Returns whether it is still to be handled."""
        if m.term == 0:
            return m.type is PROPOSE or m.type is MessageType.READ_INDEX
        if m.term < self.term:
            return self._answer_old_term(m)
        if m.type is VOTE or m.type is PRE_VOTE:
            if m.context != BY_TRANSFER and self._in_lease():
                # A refusal of a later term would drag a pre-candidate into it: a pre-vote is answered in our own.
                self._refuse(m, m.term if m.type is VOTE else self.term, Refusal.HEARS_LEADER)
                return False
            if m.type is PRE_VOTE:
                return True
        elif m.type is PRE_VOTE_RESPONSE and not m.reject:
            return True
        if m.reject and (m.type is VOTE_RESPONSE or m.type is PRE_VOTE_RESPONSE):
            self._note_lost_ballot(m)
        leads = m.type is APPEND or m.type is HEARTBEAT or m.type is SNAPSHOT
        self._become_follower(m.term, m.sender if leads else NOBODY)
        return True

    def _note_lost_ballot(self, m: Message) -> None:
        """The answer that ends this campaign by its later term is kept for the screen."""
        if self.role is not FOLLOWER and self.role is not LEADER:
            self._note_ballot(m)

    def _answer_old_term(self, m: Message) -> bool:
        """Tells an old leader or candidate of the newer term; a pre-vote's refusal still counts as an answer."""
        if m.type is APPEND or m.type is HEARTBEAT or m.type is SNAPSHOT:
            self._messages.append(
                Message(
                    APPEND_RESPONSE, m.sender, self.id, self.term, m.index,
                    reject=True, context=Refusal.OLD_TERM,
                )
            )  # fmt: skip
        elif m.type is VOTE or m.type is PRE_VOTE:
            self._refuse(m, self.term, Refusal.OLD_TERM)
        return m.type is PRE_VOTE_RESPONSE and m.reject

    # ---- proposals

    def _forward(self, data: bytes, kind: EntryType) -> None:
        """A follower passes a proposal on to its leader."""
        if self.role is not FOLLOWER or self.leader == NOBODY:
            raise ProposalDropped(f"no leader at term {self.term}")
        if self.config.disable_proposal_forwarding:
            raise ProposalDropped(f"not forwarding to leader {self.leader} at term {self.term}")
        unplaced = Entry(0, 0, data, kind)  # the leader gives it its index and term
        self._messages.append(Message(PROPOSE, self.leader, self.id, entries=(unplaced,)))

    def _take(self, data: bytes, kind: EntryType) -> None:
        """The leader writes a proposal into its log, or raises ProposalDropped."""
        if self.transferee != NOBODY:
            raise ProposalDropped(f"leadership is being handed over to {self.transferee}")
        if kind and (objection := self._objection_to_change(data)):
            raise ProposalDropped(objection)
        limit = self.config.max_uncommitted_size
        if limit:
            total = self.uncommitted + len(data)
            if total > limit and self.uncommitted and data:
                raise ProposalDropped("too many uncommitted bytes; wait for the group to catch up")
            self.uncommitted = total
        if kind:
            self._append_change(data)
        else:
            self._append(data)
        self._broadcast_append()

    def _on_propose(self, m: Message) -> None:
        """A follower's proposal. Passed on once only: whoever is not the leader any more lets it fall.

        Nobody hears an objection to a change of members, so an empty entry stands in its place (etcd-io/raft).
        """
        if self.role is not LEADER:
            return
        for entry in m.entries:
            if entry.type and self._objection_to_change(entry.data):
                entry = Entry(0, 0)
            with suppress(ProposalDropped):
                self._take(entry.data, entry.type)

    # ---- in `advance`

    def _applied(self, committed: tuple[Entry, ...]) -> None:
        if self.uncommitted:  # what was proposed before this leadership is subtracted too: never too high a count
            self.uncommitted = max(0, self.uncommitted - sum([len(entry.data) for entry in committed]))
        if self.membership.voters_outgoing:
            self._leave_joint()

    def _persisted(self) -> None:
        if self.role is LEADER:
            stable = self.log.stable
            me = self.peers[self.id]
            if me.match != stable:
                me.match = stable
                me.next = stable + 1
                if self._maybe_commit():
                    self._broadcast_append()
        elif self.role is CANDIDATE:
            self._count_own_vote()

    _handlers: ClassVar[tuple[Callable[[RaftNode, Message], None], ...]]  # by MessageType


RaftNode._handlers = (
    RaftNode._on_propose,
    RaftNode._on_append,
    RaftNode._on_append_response,
    RaftNode._on_heartbeat,
    RaftNode._on_heartbeat_response,
    RaftNode._on_vote,
    RaftNode._on_vote_response,
    RaftNode._on_vote,
    RaftNode._on_vote_response,
    RaftNode._on_read_index,
    RaftNode._on_read_index_response,
    RaftNode._on_snapshot,
    RaftNode._on_transfer_leader,
    RaftNode._on_timeout_now,
)
