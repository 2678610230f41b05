"""Leader election (paper, section 5.2 and 5.4.1), pre-vote (thesis, 9.6) and the leader's lease on votes (6.2)."""

from __future__ import annotations

from .core import CANDIDATE, FOLLOWER, LEADER
from .progress import Peer, ProgressState
from .quorum import VoteResult, joint_vote_result
from .reads import Reads
from .types import NOBODY, EntryType, Message, MessageType, Refusal, Role

VOTE, VOTE_RESPONSE = MessageType.VOTE, MessageType.VOTE_RESPONSE
PRE_VOTE, PRE_VOTE_RESPONSE = MessageType.PRE_VOTE, MessageType.PRE_VOTE_RESPONSE
PRE_CANDIDATE = Role.PRE_CANDIDATE


class Election(Reads):
    """The changes of role, and who votes for whom."""

    __slots__ = ()

    # ---- the four roles (paper, Figure 4)

    def _reset(self, term: int) -> None:
        """What every change of role begins with; the vote belongs to its term and is kept within it."""
        if term != self.term:
            self.term = term
            self.vote = NOBODY
            self._seldom = True
        self.leader = NOBODY
        self.election_elapsed = 0
        self.heartbeat_elapsed = 0
        self.transferee = NOBODY
        self.uncommitted = 0
        self._draw_timeout()
        self._forget_reads()

    def _become_follower(self, term: int, leader: int) -> None:
        self._reset(term)
        self.role = FOLLOWER
        self.leader = leader

    def _become_leader(self) -> None:
        """Opens the term with an empty entry: once it is committed, so is everything before it (section 8)."""
        self._reset(self.term)
        self.role = LEADER
        self.leader = self.id
        log = self.log
        self.peers = {member: Peer(log.last + 1) for member in self.peers}
        me = self.peers[self.id]
        me.match = log.stable
        me.state = ProgressState.REPLICATE
        self._begin_leadership()
        self._append(b"")
        self._broadcast_append()

    def _begin_leadership(self) -> None:
        """A new leader sets up its books, before its first entry."""
        self._grant_lease()

    # ---- campaigning

    def _is_promotable(self) -> bool:
        """Only a voter may lead; learners and newcomers wait, as does who has still to store a snapshot."""
        return self.id in self.membership.all_voters and self._received is None

    def _may_campaign(self) -> bool:
        """Whoever has yet to apply a committed change of members does not know who votes."""
        log = self.log
        if self.role is LEADER or not self._is_promotable():
            return False
        return all(entry.type is not EntryType.CONF_CHANGE for entry in log.between(log.applied, log.committed))

    def _campaign(self) -> None:
        if not self._may_campaign():
            return
        if self.config.pre_vote:
            self._begin_pre_vote()
        else:
            self._begin_vote()

    def _begin_pre_vote(self) -> None:
        """Asks whether an election could be won, without touching the term: who was away disturbs nobody."""
        self._forget_reads()
        self.role = PRE_CANDIDATE
        self.leader = NOBODY
        self.ballots = {self.id: ""}
        self._ask_for_votes(PRE_VOTE, self.term + 1)
        self._count_votes()

    def _begin_vote(self, context: bytes = b"") -> None:
        self._reset(self.term + 1)
        self.role = CANDIDATE
        self.vote = self.id
        self._seldom = True
        self.ballots = {}  # its own vote counts once it is on disk: see `_count_own_vote`
        self._ask_for_votes(VOTE, self.term, context)

    def _ask_for_votes(self, kind: MessageType, term: int, context: bytes = b"") -> None:
        log = self.log
        for voter in self.membership.all_voters:
            if voter != self.id:
                self._messages.append(
                    Message(kind, voter, self.id, term, log.last, log.last_term, context=context)
                )

    def _count_own_vote(self) -> None:
        """In `advance`: a candidate's vote for itself counts as soon as it cannot be forgotten any more."""
        saved = self._saved
        if self.id not in self.ballots and saved.term == self.term and saved.vote == self.id:
            self.ballots[self.id] = ""
            self._count_votes()

    def _on_vote_response(self, m: Message) -> None:
        if m.commit:
            self._learn_commit(m)
        asked = VOTE_RESPONSE if self.role is CANDIDATE else PRE_VOTE_RESPONSE
        if self.role not in (CANDIDATE, PRE_CANDIDATE) or m.type is not asked:
            return
        if not m.reject and m.term != self._campaign_term():
            return
        self._note_ballot(m)
        self._count_votes()

    def _learn_commit(self, m: Message) -> None:
        """Who refuses says what is committed, and what both logs hold there is the same (section 5.3, log matching).

        A candidate that does not know yet that a change of members is committed may need the vote of somebody who is
        out of the group by that change, and whose log is longer: neither could ever win.
        """
        log = self.log
        if self.role is not LEADER and m.commit > log.committed and log.term(m.commit) == m.log_term:
            log.committed = m.commit

    def _campaign_term(self) -> int:
        """The term that this campaign is about; a pre-candidate asks about the next."""
        return self.term + 1 if self.role is PRE_CANDIDATE else self.term

    def _note_ballot(self, m: Message) -> None:
        """A voter's first answer stands; doubles and second thoughts do not count. Courtesy is no answer."""
        if self.ballots.get(m.sender, _COURTESY) == _COURTESY:
            self.ballots[m.sender] = (m.context or b"refused").decode("ascii", "replace") if m.reject else ""

    def _count_votes(self) -> None:
        votes = {voter: not reason for voter, reason in self.ballots.items() if reason != _COURTESY}
        result = joint_vote_result(self.membership.electorates, votes)
        if result is VoteResult.LOST:
            self._become_follower(self.term, NOBODY)
        elif result is VoteResult.WON:
            if self.role is PRE_CANDIDATE:
                self._begin_vote()
            else:
                self._become_leader()

    # ---- voting

    def _in_lease(self) -> bool:
        """Whether a leader was heard from within the minimum election timeout: then nobody else gets a vote.

        A server that was cut off, or removed, thus cannot depose a leader that the others still hear.
        """
        return (
            self.config.check_quorum
            and self.leader != NOBODY
            and self.election_elapsed < self.config.election_tick
        )

    def _objection(self, m: Message) -> bytes:
        """Why this node refuses its vote, or b"" if it grants it (section 5.2: one vote a term; 5.4.1: the log)."""
        for_later_term = m.type is PRE_VOTE and m.term > self.term
        if not for_later_term and self.vote != m.sender:
            if self.vote != NOBODY:
                return Refusal.ALREADY_VOTED
            if self.leader != NOBODY:
                return Refusal.HAS_LEADER
        return b"" if self._is_up_to_date(m) else Refusal.LOG_BEHIND

    def _is_up_to_date(self, m: Message) -> bool:
        """Whether the candidate's log holds all that may be committed here (section 5.4.1)."""
        return self.log.is_up_to_date(m.index, m.log_term)

    def _on_vote(self, m: Message) -> None:
        """A VOTE or PRE_VOTE of this term or, for a pre-vote, a later one."""
        objection = self._objection(m)
        if objection:
            self._refuse(m, self.term, objection)
            return
        if m.type is VOTE:
            self.vote = m.sender
            self._seldom = True
            self.election_elapsed = 0
        # A granted pre-vote is about the term that was asked for, which this node has not entered.
        self._messages.append(Message(_answer_to(m), m.sender, self.id, m.term))

    def _refuse(self, m: Message, term: int, reason: bytes) -> None:
        commit = self.log.committed
        self._messages.append(
            Message(
                _answer_to(m), m.sender, self.id, term, 0, max(self.log.term(commit), 0),
                commit=commit, reject=True, context=reason,
            )
        )  # fmt: skip


_COURTESY = Refusal.HEARS_LEADER.decode("ascii")


def _answer_to(m: Message) -> MessageType:
    return VOTE_RESPONSE if m.type is VOTE else PRE_VOTE_RESPONSE
