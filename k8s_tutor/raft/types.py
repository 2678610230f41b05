"""The values that go in and out of a Raft node: frozen, shared freely, safe to send, hash and compare.

The names follow the extended Raft paper (Ongaro and Ousterhout 2014) where it has one, else etcd-io/raft.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

NOBODY = 0
"""The id that means "no node": no leader known, no vote cast."""


class Role(IntEnum):
    """What a node is at the moment (paper, Figure 4; the pre-candidate is from the thesis, section 9.6)."""

    FOLLOWER = 0
    PRE_CANDIDATE = 1
    CANDIDATE = 2
    LEADER = 3


class EntryType(IntEnum):
    """What an entry is for. ``NORMAL``: the caller's own bytes, or none in a new leader's first entry.

    ``CONF_CHANGE``: a change of the group's members, a `ConfChange` in ``data``; without data it leaves a joint
    configuration (paper, section 6).
    """

    NORMAL = 0
    CONF_CHANGE = 1


class ReadOnly(StrEnum):
    """How a leader makes sure that it still leads before it answers a read (thesis, section 6.4).

    ``SAFE``: by a round of heartbeats for the read. ``LEASE``: by the last one, if it is younger than an election
    timeout; this trusts that no clock runs much faster than another.
    """

    SAFE = "SAFE"
    LEASE = "LEASE"


class MessageType(IntEnum):
    """What one node says to another. Names as in the paper's Figure 2, spelled out."""

    PROPOSE = 0  # a follower forwards a proposal to the leader (term 0: not tied to a term)
    APPEND = 1  # AppendEntries, with or without entries
    APPEND_RESPONSE = 2
    HEARTBEAT = 3  # an empty sign of life; its context numbers a round of read confirmations
    HEARTBEAT_RESPONSE = 4
    VOTE = 5  # RequestVote
    VOTE_RESPONSE = 6
    PRE_VOTE = 7  # "would you vote for me in the next term?"
    PRE_VOTE_RESPONSE = 8
    READ_INDEX = 9  # a follower asks the leader from which index on a read is linearizable (term 0)
    READ_INDEX_RESPONSE = 10
    SNAPSHOT = 11  # InstallSnapshot: the leader has compacted what the follower lacks
    TRANSFER_LEADER = 12  # a follower asks its leader to hand over to the member whose id is in ``index``
    TIMEOUT_NOW = 13  # the leader asks its successor to campaign at once (thesis, section 3.10)


class Value(msgspec.Struct, frozen=True, array_like=True, tag=True, tag_field="tag", gc=False):
    """Base of all values that travel: frozen and hashable, encoded as an array that begins with the class's name."""


class Entry(Value, frozen=True):
    """One line of the replicated log. ``data == b""`` is the empty entry with which a leader opens its term."""

    index: int
    term: int
    data: bytes = b""
    type: EntryType = EntryType.NORMAL


class HardState(Value, frozen=True):
    """What must survive a crash beside the log (paper, Figure 2, "persistent state"). Opaque to the caller."""

    term: int = 0
    vote: int = NOBODY
    commit: int = 0


class Snapshot(Value, frozen=True):
    """A state machine's whole state after ``index``, with the group's configuration at that point (section 7)."""

    index: int = 0
    term: int = 0
    data: bytes = b""
    voters: tuple[int, ...] = ()
    voters_outgoing: tuple[int, ...] = ()
    learners: tuple[int, ...] = ()
    learners_next: tuple[int, ...] = ()


class Message(Value, frozen=True):
    """One message between two nodes. Which fields mean something depends on ``type``.

    ``index`` and ``log_term`` are the entry before ``entries`` in an APPEND, the candidate's last entry in a
    (PRE_)VOTE, the last matching index in an APPEND_RESPONSE. A refused APPEND carries in ``reject_hint`` and
    ``log_term`` the last place at which the logs may still agree. ``context`` is a read's own mark, a heartbeat's
    round, the reason of a refused vote (see `Refusal`), or `BY_TRANSFER` in a VOTE that the old leader wishes for.
    """

    type: MessageType
    to: int = NOBODY
    sender: int = NOBODY
    term: int = 0
    index: int = 0
    log_term: int = 0
    entries: tuple[Entry, ...] = ()
    commit: int = 0
    reject: bool = False
    reject_hint: int = 0
    snapshot: Snapshot | None = None
    context: bytes = b""


BY_TRANSFER = b"transfer"
"""The ``context`` of a VOTE for the successor that the leader itself has chosen: no lease stands against it."""


class Refusal:
    """Why a vote was refused: short words that travel in the answer's ``context``, so the candidate knows them.

    ``HEARS_LEADER`` is courtesy and counts as silence: the voter ignores the candidate, for its leader is well.
    """

    OLD_TERM = b"old term"
    LOG_BEHIND = b"log behind"
    ALREADY_VOTED = b"already voted"
    HAS_LEADER = b"has a leader"
    HEARS_LEADER = b"hears a leader"


class Ballot(Value, frozen=True):
    """One answer to this node's latest campaign; ``reason`` says why it was refused and is empty when granted."""

    voter: int
    granted: bool
    reason: str = ""


class ReadState(Value, frozen=True):
    """A read asked for with ``context`` is linearizable once ``index`` has been applied (thesis, section 6.4)."""

    index: int
    context: bytes


class Ready(msgspec.Struct, frozen=True, gc=False):
    """What the caller must now do, in this order: persist, send, apply; then hand it back to ``advance``.

    ``snapshot`` replaces the whole stored log; then each of ``entries`` replaces its index and all after it,
    together with ``hard_state`` (both None when unchanged). ``must_sync`` is False when only the commit index
    moved, which may be lost without harm. Then send ``messages``, apply ``committed``, serve ``read_states``.
    """

    hard_state: HardState | None = None
    entries: tuple[Entry, ...] = ()
    snapshot: Snapshot | None = None
    messages: tuple[Message, ...] = ()
    committed: tuple[Entry, ...] = ()
    read_states: tuple[ReadState, ...] = ()
    must_sync: bool = False


class ProposalDropped(Exception):
    """The proposal was not taken, and the text says why: no leader is known here, an election or a transfer is on, the
    uncommitted tail is full, or another change of members has not been applied yet."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How one node is set up. Ticks are the caller's unit of time; sizes are bytes of entry data.

    ``voters`` and ``learners`` are the group as it was founded, or as a newcomer finds it, who is not in it yet.
    ``max_uncommitted_size`` 0 is no limit. Defaults are etcd's: pre-vote and check-quorum on, 1 MiB a message, 512
    appends in flight. Raises ValueError when the numbers cannot work.
    """

    id: int
    voters: tuple[int, ...]
    learners: tuple[int, ...] = ()
    election_tick: int = 10
    heartbeat_tick: int = 1
    pre_vote: bool = True
    check_quorum: bool = True
    seed: int = 0
    max_size_per_message: int = 1 << 20
    max_inflight: int = 512
    max_uncommitted_size: int = 0
    disable_proposal_forwarding: bool = False
    read_only: ReadOnly | str = ReadOnly.SAFE

    def __post_init__(self) -> None:
        members = (*self.voters, *self.learners)
        if self.id < 1 or any(member < 1 for member in members):
            raise ValueError("raft ids are positive integers")
        if len(set(members)) != len(members):
            raise ValueError("a member is listed twice among voters and learners")
        if not self.voters:
            raise ValueError("a group needs at least one voter")
        if self.heartbeat_tick < 1 or self.election_tick <= self.heartbeat_tick:
            raise ValueError("election_tick must be greater than heartbeat_tick, and that at least 1")
        if self.max_inflight < 1 or self.max_size_per_message < 0 or self.max_uncommitted_size < 0:
            raise ValueError("max_inflight must be at least 1, and sizes not negative")
        if self.read_only not in tuple(ReadOnly):
            raise ValueError("read_only must be SAFE or LEASE")
        if self.read_only == ReadOnly.LEASE and not self.check_quorum:
            raise ValueError("read_only LEASE needs check_quorum: without it nobody respects the leader's lease")
