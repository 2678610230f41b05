"""The naive vote: **deliberately wrong**, Raft's twin for lessons about split brain.

The broken rule: a majority *of those I can see*, that is of the members that answered within one election timeout;
the others are thought to be gone, and alone one is a majority of one. So each side of a cut cable elects a leader,
and both commit. When the cable is mended two leaders meet: the longer log wins, ties go to the lower id, and the
losers take over the winner's log, throwing away what conflicts with it, committed entries too (counted in `lost`).

It keeps Raft's `Ready` contract. A node that throws away committed entries hands out an empty `Snapshot` of index 0,
which replaces the whole stored log, and then the winner's entries; its ``committed`` starts again from index 1.

Terms only number the elections here: a leader of an older term may win the meeting, and two rooms may have elected in
the same term, so neither a term nor an (index, term) pair identifies anything across rooms. A follower therefore
keeps count of how far its log *agrees* with its present leader's (`agreed`), starting from nothing with every new
leader, and compares entries by value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from .core import CANDIDATE, FOLLOWER, LEADER, Core
from .log import Log
from .progress import Peer, ProgressState
from .quorum import quorum, reached_by_quorum
from .types import (
    NOBODY,
    Config,
    Entry,
    Message,
    MessageType,
    ProposalDropped,
    ReadState,
    Refusal,
    Snapshot,
)

NEVER = -(1 << 30)
"""The instant at which a member was last heard that was never heard."""


class NaiveNode(Core):
    """A member of a group that counts only those it can see. Same interface as `RaftNode`; wrong on purpose."""

    __slots__ = ("_asked", "_early_reads", "_heard", "_reign", "_ticks", "agreed", "claim", "lost")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._ticks = 0  # since this node started
        self._heard = dict.fromkeys(self.peers, NEVER)  # member -> the tick at which it was last heard
        self._reign = (NOBODY, 0)  # the leader, and its term, whose log `agreed` is about
        self.agreed = 0  # up to this index the log is known to equal the leader's
        self.claim = 0  # the leader's last index, as far as this follower has heard
        self.lost = 0  # committed entries thrown away
        self._early_reads: list[tuple[int, bytes]] = []
        self._asked: dict[bytes, None] = {}

    def _lost(self) -> int:
        return self.lost

    # ---- what the caller does

    def tick(self) -> None:
        """One unit of time has passed."""
        self._ticks += 1
        self.election_elapsed += 1
        if self.role is LEADER:
            self.heartbeat_elapsed += 1
            if self.heartbeat_elapsed >= self.config.heartbeat_tick:
                self.heartbeat_elapsed = 0
                self._broadcast_heartbeat()
            if self._maybe_commit():  # somebody may have gone out of sight: fewer are needed
                self._broadcast_append()
            return
        if self.role is CANDIDATE and self.election_elapsed == self.config.election_tick:
            self._count_votes(time_is_up=True)
        elif self.election_elapsed >= self.election_timeout:
            self.campaign()

    def campaign(self) -> None:
        """Stands for election now; there is no pre-vote. Leaders and non-voters do nothing."""
        if self.role is LEADER or self.id not in self.voters:
            return
        self._step_down(NOBODY)
        self.role = CANDIDATE
        self._enter_term(self.term + 1)
        self.vote = self.id
        self.ballots = {}
        self._draw_timeout()
        for voter in self.voters:
            if voter != self.id:
                self._send(MessageType.VOTE, voter, self.log.last, log_term=self.log.last_term)

    def propose(self, data: bytes) -> None:
        """As `RaftNode.propose`: a follower passes it on; ProposalDropped where no leader is known."""
        if self.role is LEADER:
            self._append(data)
            self._broadcast_append()
        elif self.role is CANDIDATE or self.leader == NOBODY:
            raise ProposalDropped(f"no leader at term {self.term}")
        elif self.config.disable_proposal_forwarding:
            raise ProposalDropped(f"not forwarding to leader {self.leader} at term {self.term}")
        else:
            self._messages.append(Message(MessageType.PROPOSE, self.leader, self.id, entries=(Entry(0, 0, data),)))

    def read_index(self, context: bytes) -> None:
        """As `RaftNode.read_index`, but a leader that can see itself needs to ask nobody."""
        if self.role is LEADER:
            self._answer_read(self.id, context)
        elif self.role is FOLLOWER and self.leader != NOBODY:
            self._asked[context] = None
            self._messages.append(Message(MessageType.READ_INDEX, self.leader, self.id, context=context))

    def forget_leader(self) -> None:
        """A follower stops believing in its leader, keeping term and timeout."""
        if self.role is FOLLOWER:
            self.leader = NOBODY

    def step(self, m: Message) -> None:
        """Takes one message; whoever sends one can be seen."""
        if m.sender not in self.peers or (m.to != self.id and m.to != NOBODY):
            return
        self._heard[m.sender] = self._ticks
        handler = self._handlers.get(m.type)
        if handler is not None:
            handler(self, m)

    # ---- the broken rule

    def visible(self) -> tuple[int, ...]:
        """The voters that count here: this node, and those it has heard from within one election timeout."""
        oldest = self._ticks - self.config.election_tick
        return tuple(voter for voter in self.voters if voter == self.id or self._heard[voter] >= oldest)

    def _count_votes(self, time_is_up: bool) -> None:
        """A majority of all wins at once; when the time is up, so does a majority of those that answered."""
        granted = sum(1 for reason in self.ballots.values() if not reason)
        if granted >= quorum(len(self.voters)) or (time_is_up and granted >= quorum(len(self.ballots))):
            self._become_leader()

    def _maybe_commit(self) -> bool:
        """Commits what a majority of the visible members stores. Returns whether the commit index moved."""
        log = self.log
        index = reached_by_quorum([self.peers[voter].match for voter in self.visible()])
        if index <= log.committed or log.term(index) != self.term:
            return False
        log.committed = index
        early, self._early_reads = self._early_reads, []
        for requester, context in early:
            self._answer_read(requester, context)
        return True

    def _beats(self, length: int, node: int, other_length: int, other: int) -> bool:
        """When two leaders meet: the longer log wins, ties go to the lower id."""
        return (length, -node) > (other_length, -other)

    # ---- roles

    def _step_down(self, leader: int) -> None:
        self.role = FOLLOWER
        self.leader = leader
        self.election_elapsed = 0
        self.heartbeat_elapsed = 0
        self._early_reads.clear()
        self._asked.clear()

    def _enter_term(self, term: int) -> None:
        if term > self.term:
            self.term = term
            self.vote = NOBODY
            self._seldom = True

    def _become_leader(self) -> None:
        self._step_down(self.id)
        self.role = LEADER
        self.peers = {member: Peer(self.log.last + 1) for member in self.peers}
        me = self.peers[self.id]
        me.match = self.log.stable
        me.state = ProgressState.REPLICATE
        self._append(b"")
        self._broadcast_append()

    def _persisted(self) -> None:
        if self.role is LEADER:
            me = self.peers[self.id]
            me.match = self.log.stable
            if self._maybe_commit():
                self._broadcast_append()
        elif self.role is CANDIDATE and self.id not in self.ballots and self._saved.term == self.term:
            self.ballots[self.id] = ""
            self._count_votes(time_is_up=False)

    # ---- voting

    def _sees_leader(self) -> bool:
        return self.role is LEADER or (
            self.leader != NOBODY and self.election_elapsed < self.config.election_tick
        )

    def _on_vote(self, m: Message) -> None:
        objection = self._objection(m)
        term = self.term if objection == Refusal.OLD_TERM else m.term
        if not objection:
            self.vote = m.sender
            self._seldom = True
            self.election_elapsed = 0
        self._messages.append(
            Message(
                MessageType.VOTE_RESPONSE, m.sender, self.id, term,
                reject=bool(objection), context=objection,
            )
        )  # fmt: skip

    def _objection(self, m: Message) -> bytes:
        """Why this node refuses its vote, b"" if it grants it."""
        if m.term < self.term:
            return Refusal.OLD_TERM
        if self._sees_leader():
            return Refusal.HAS_LEADER
        if m.term > self.term:
            self._enter_term(m.term)
            if self.role is CANDIDATE:
                self._step_down(NOBODY)
        if self.vote not in (NOBODY, m.sender):
            return Refusal.ALREADY_VOTED
        return Refusal.LOG_BEHIND if m.index < self.log.last else b""

    def _on_vote_response(self, m: Message) -> None:
        if self.role is not CANDIDATE or m.term < self.term:
            return
        self.ballots.setdefault(m.sender, m.context.decode("ascii", "replace"))
        if m.term > self.term:
            self._enter_term(m.term)
            self._step_down(NOBODY)
        else:
            self._count_votes(time_is_up=False)

    # ---- the leader's side

    def _send(self, kind: MessageType, to: int, index: int, *, commit: int = 0, log_term: int = 0) -> None:
        self._messages.append(Message(kind, to, self.id, self.term, index, log_term, commit=commit))

    def _append(self, data: bytes) -> None:
        self.log.append((Entry(self.log.last + 1, self.term, data),))

    def _broadcast_heartbeat(self) -> None:
        """To all, seen or not: this is how leaders meet. ``index`` is the claim, the length of this log."""
        for member in self._others():
            commit = min(self.peers[member].match, self.log.committed)
            self._send(MessageType.HEARTBEAT, member, self.log.last, commit=commit)

    def _broadcast_append(self) -> None:
        for member in self._others():
            self._send_append(member)

    def _send_append(self, to: int) -> None:
        peer = self.peers[to]
        if peer.paused:
            return
        log, config = self.log, self.config
        previous = peer.next - 1
        entries = log.page(previous, config.max_size_per_message)
        self._messages.append(
            Message(
                MessageType.APPEND, to, self.id, self.term, previous, max(log.term(previous), 0), entries,
                log.committed,
            )
        )  # fmt: skip
        peer.sent(previous, len(entries), log.committed, config.max_inflight)

    def _on_propose(self, m: Message) -> None:
        if self.role is LEADER and m.entries:
            for entry in m.entries:
                self._append(entry.data)
            self._broadcast_append()

    def _on_append_response(self, m: Message) -> None:
        """``index`` is what the follower holds in agreement; a follower that is new, or new again, holds less."""
        if self.role is not LEADER or m.term < self.term or m.index > self.log.last:
            return
        peer = self.peers[m.sender]
        if m.reject:
            self._rewind(m.sender, peer, m.reject_hint)
        elif peer.acknowledged(m.index):
            if self._maybe_commit():
                self._broadcast_append()
            elif peer.next <= self.log.last:
                self._send_append(m.sender)

    def _on_heartbeat_response(self, m: Message) -> None:
        if self.role is not LEADER or m.term < self.term:
            return
        peer = self.peers[m.sender]
        peer.paused = False
        if m.index < peer.match:
            self._rewind(m.sender, peer, m.index)
        elif peer.match < self.log.last or peer.state is ProgressState.PROBE:
            self._send_append(m.sender)

    def _rewind(self, member: int, peer: Peer, agreed: int) -> None:
        """Begins again after the index up to which the follower says that the logs agree."""
        if peer.state is ProgressState.PROBE and peer.paused and peer.next == agreed + 1:
            return  # already under way
        peer.match = agreed
        peer.probe()
        self._send_append(member)

    # ---- the follower's side

    def _follow(self, m: Message, claim: int) -> None:
        """Obeys the leader that sent ``m``. With another reign, nothing is known to agree any more."""
        if self._reign != (m.sender, m.term):
            self._reign = (m.sender, m.term)
            self.agreed = 0
            self.claim = claim
        if self.role is not FOLLOWER or self.leader != m.sender:
            self._step_down(m.sender)
        self.election_elapsed = 0
        self.claim = max(self.claim, claim)
        self._enter_term(m.term)

    def _on_heartbeat(self, m: Message) -> None:
        if self._sees_leader() and self.leader != m.sender:
            length = self.log.last if self.role is LEADER else max(self.claim, self.agreed)
            if not self._beats(m.index, m.sender, length, self.leader):
                return
        self._follow(m, m.index)
        self._commit_to(min(m.commit, self.agreed))
        self._send(MessageType.HEARTBEAT_RESPONSE, m.sender, self.agreed)

    def _on_append(self, m: Message) -> None:
        """Which of two leaders to obey is settled by heartbeats: others' appends are ignored."""
        if self._sees_leader() and self.leader != m.sender:
            return
        upto = m.index + len(m.entries)
        self._follow(m, upto)
        if m.index > self.agreed:
            self._messages.append(
                Message(
                    MessageType.APPEND_RESPONSE, m.sender, self.id, self.term, m.index,
                    reject=True, reject_hint=self.agreed,
                )
            )  # fmt: skip
            return
        for count, entry in enumerate(m.entries):
            if entry.index > self.log.last or self.log.entry(entry.index) != entry:
                self._drop_from(entry.index)
                self.log.append(m.entries[count:])
                break
        self.agreed = max(self.agreed, upto)
        self._commit_to(min(m.commit, self.agreed))
        self._send(MessageType.APPEND_RESPONSE, m.sender, upto)

    def _commit_to(self, index: int) -> None:
        if index > self.log.committed:
            self.log.committed = index

    def _drop_from(self, index: int) -> None:
        """Makes room for the leader's entry at ``index``, committed entries or not."""
        log = self.log
        if index > log.committed:
            log.truncate(index - 1)
            return
        self.lost += log.committed - index + 1
        kept = log.between(log.offset, index - 1)
        self.log = Log()
        self.log.append(kept)
        self._seldom = True
        self._received = Snapshot(voters=self.voters, learners=self.learners)

    # ---- reads

    def _answer_read(self, requester: int, context: bytes) -> None:
        log = self.log
        if log.term(log.committed) != self.term:
            self._early_reads.append((requester, context))
        elif requester == self.id:
            self._report_read(log.committed, context)
        else:
            self._messages.append(
                Message(
                    MessageType.READ_INDEX_RESPONSE, requester, self.id, self.term, log.committed,
                    context=context,
                )
            )  # fmt: skip

    def _on_read_index(self, m: Message) -> None:
        if self.role is LEADER:
            self._answer_read(m.sender, m.context)

    def _on_read_index_response(self, m: Message) -> None:
        if m.context in self._asked:
            del self._asked[m.context]
            self._report_read(m.index, m.context)

    def _report_read(self, index: int, context: bytes) -> None:
        self._read_states.append(ReadState(index, context))
        self._seldom = True

    _handlers: ClassVar[dict[MessageType, Callable[[NaiveNode, Message], None]]] = {
        MessageType.PROPOSE: _on_propose,
        MessageType.APPEND: _on_append,
        MessageType.APPEND_RESPONSE: _on_append_response,
        MessageType.HEARTBEAT: _on_heartbeat,
        MessageType.HEARTBEAT_RESPONSE: _on_heartbeat_response,
        MessageType.VOTE: _on_vote,
        MessageType.VOTE_RESPONSE: _on_vote_response,
        MessageType.READ_INDEX: _on_read_index,
        MessageType.READ_INDEX_RESPONSE: _on_read_index_response,
    }
