"""What every kind of node here has: its state, and the `Ready` loop through which its caller serves it.

A node never does anything by itself: it has no clock, disk or network. Its caller ticks it, hands it messages, and
asks for a `Ready`: what to persist, send and apply. `ready` only looks; `advance` crosses off what was done, and it
is there that a node counts its own append and its own vote, because only then are they on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Self

import msgspec

from .chance import election_timeout
from .log import Log
from .membership import Membership
from .progress import Peer, Progress
from .types import (
    NOBODY,
    Ballot,
    Config,
    Entry,
    HardState,
    Message,
    ReadState,
    Ready,
    Role,
    Snapshot,
)

FOLLOWER, CANDIDATE, LEADER = Role.FOLLOWER, Role.CANDIDATE, Role.LEADER


class Status(msgspec.Struct, frozen=True):
    """A frozen view of a node. ``progress`` is empty but on leaders; ``ballots`` are the latest campaign's answers.

    ``voters`` are the incoming ones while ``voters_outgoing`` is not empty, that is in a joint configuration.
    ``transferee`` is the member that a leader hands over to. Entries up to ``compacted`` live in the snapshot only.
    ``election_elapsed`` ticks have passed since the node last heard from a leader or voted (on a leader: since it
    last looked for its quorum); at ``election_timeout`` a follower campaigns. ``lost`` counts committed entries
    that this node has thrown away: always 0 where consensus is right.
    """

    id: int
    role: Role
    term: int
    vote: int
    leader: int
    commit: int
    applied: int
    last: int
    voters: tuple[int, ...]
    learners: tuple[int, ...]
    progress: dict[int, Progress]
    ballots: tuple[Ballot, ...]
    election_elapsed: int
    election_timeout: int
    lost: int = 0
    voters_outgoing: tuple[int, ...] = ()
    learners_next: tuple[int, ...] = ()
    transferee: int = NOBODY
    compacted: int = 0


class Core:
    """State common to `RaftNode` and `NaiveNode`, and the Ready/advance half of their contract."""

    __slots__ = (
        "_configurations",
        "_draws",
        "_messages",
        "_read_states",
        "_received",
        "_saved",
        "_seldom",
        "ballots",
        "config",
        "election_elapsed",
        "election_timeout",
        "heartbeat_elapsed",
        "id",
        "leader",
        "log",
        "membership",
        "peers",
        "role",
        "snapshot",
        "term",
        "transferee",
        "uncommitted",
        "vote",
    )

    def __init__(self, config: Config) -> None:
        self.config = config
        self.id = config.id
        self.term = 0
        self.vote = NOBODY
        self.leader = NOBODY
        self.role = FOLLOWER
        self.log = Log()
        self.snapshot: Snapshot | None = None  # the latest one: what is compacted is in it
        self._adopt(0, Membership.of(config))
        self.transferee = NOBODY  # whom a leader hands over to
        self.uncommitted = 0  # on leaders, if there is a limit: bytes proposed to them and not applied yet
        self.ballots: dict[int, str] = {}  # voter -> why it refused, "" when it granted
        self.election_elapsed = 0
        self.heartbeat_elapsed = 0
        self._draws = 0
        self._messages: list[Message] = []
        self._read_states: list[ReadState] = []
        self._received: Snapshot | None = None  # to be handed out: replaces the stored log
        self._saved = HardState()  # what the caller has persisted
        self._seldom = False  # term, vote, read states or snapshot may have something for `ready`
        self._draw_timeout()

    @classmethod
    def restart(
        cls,
        config: Config,
        hard_state: HardState | None = None,
        entries: Iterable[Entry] = (),
        snapshot: Snapshot | None = None,
    ) -> Self:
        """A node as it comes back after a crash, from what its caller had persisted (paper, section 5.5).

        Entries that the snapshot covers are skipped. ``applied`` starts at the snapshot's index or 0, so that the
        next `Ready` hands out everything committed after it again. Raises ValueError when the stored parts do not
        fit together.
        """
        node = cls(config)
        if snapshot is not None:
            node.log = Log(snapshot.index, snapshot.term)
            node.snapshot = snapshot
            node._adopt(snapshot.index, Membership.of(snapshot if snapshot.voters else config))
        log = node.log
        kept = [entry for entry in entries if entry.index > log.offset]
        if any(entry.index != log.offset + place for place, entry in enumerate(kept, 1)):
            raise ValueError(f"stored entries do not follow one another from index {log.offset + 1}")
        log.append(kept)
        log.stable = log.last
        if hard_state is not None:
            if hard_state.commit > log.last:
                raise ValueError(f"stored commit index {hard_state.commit} is beyond the last entry {log.last}")
            node.term, node.vote = hard_state.term, hard_state.vote
            log.committed = max(log.committed, hard_state.commit)
            node._saved = hard_state
            node._seldom = True
        return node

    def copy(self) -> Self:
        """An independent node in the same state; immutable values and the log's entries are shared.

        Costs a few small dicts, whatever the length of the log.
        """
        twin = object.__new__(type(self))
        for owner in type(self).__mro__:
            for name in getattr(owner, "__slots__", ()):
                value = getattr(self, name)
                setattr(twin, name, value.copy() if isinstance(value, _CONTAINERS) else value)
        twin.peers = {member: peer.copy() for member, peer in self.peers.items()}
        return twin

    # ---- the Ready loop

    def has_ready(self) -> bool:
        """Whether `ready` has anything to say. Asked after every message, so the usual answers come first."""
        if self._messages:
            return True
        log = self.log
        return log.stable != log.last or log.applied != log.committed or (self._seldom and self._has_seldom())

    def _has_seldom(self) -> bool:
        """The parts of `has_ready` that seldom change; a commit index to store always comes with entries to apply."""
        saved = self._saved
        self._seldom = (
            saved.term != self.term
            or saved.vote != self.vote
            or bool(self._read_states)
            or self._received is not None
        )
        return self._seldom

    def ready(self) -> Ready:
        """What the caller must persist, send and apply now. Changes nothing: a crash here costs nothing."""
        log = self.log
        commit = log.committed
        saved = self._saved
        entries = log.between(log.stable, log.last) if log.stable != log.last else ()
        moved = self._seldom and (saved.term != self.term or saved.vote != self.vote)
        return Ready(
            HardState(self.term, self.vote, commit) if moved or saved.commit != commit else None,
            entries,
            self._received,
            tuple(self._messages) if self._messages else (),
            log.between(log.applied, commit) if log.applied != commit else (),
            tuple(self._read_states) if self._read_states else (),
            moved or bool(entries) or self._received is not None,
        )

    def advance(self, ready: Ready) -> None:
        """The caller has done all that ``ready`` asked for."""
        log = self.log
        if ready.messages:
            del self._messages[: len(ready.messages)]  # not all, if the node was stepped since `ready`
        if self._seldom:
            del self._read_states[: len(ready.read_states)]
            if ready.snapshot is self._received:
                self._received = None
        hard_state, entries, committed = ready.hard_state, ready.entries, ready.committed
        if hard_state is not None:
            self._saved = hard_state
        if committed:
            last = committed[-1].index
            if log.applied < last <= log.committed:
                log.applied = last
                for entry in committed:
                    if entry.type:
                        self._apply_change(entry)
                if self.uncommitted or self.membership.voters_outgoing:
                    self._applied(committed)
        if entries:
            log.stable_to(entries[-1])
            self._persisted()
        elif hard_state is not None and self.role is CANDIDATE:
            self._persisted()

    def status(self) -> Status:
        """A frozen view for panels, lessons and tests."""
        log = self.log
        leads = self.role is LEADER
        return Status(
            id=self.id,
            role=self.role,
            term=self.term,
            vote=self.vote,
            leader=self.leader,
            commit=log.committed,
            applied=log.applied,
            last=log.last,
            voters=self.voters,
            learners=self.learners,
            progress={member: peer.view() for member, peer in self.peers.items()} if leads else {},
            ballots=tuple(Ballot(voter, not reason, reason) for voter, reason in self.ballots.items()),
            election_elapsed=self.election_elapsed,
            election_timeout=self.election_timeout,
            lost=self._lost(),
            voters_outgoing=self.membership.voters_outgoing,
            learners_next=self.membership.learners_next,
            transferee=self.transferee,
            compacted=log.offset,
        )

    # ---- who belongs to the group

    @property
    def voters(self) -> tuple[int, ...]:
        """The voters; in a joint configuration the incoming ones."""
        return self.membership.voters

    @property
    def learners(self) -> tuple[int, ...]:
        """Those who receive the log and have no vote."""
        return self.membership.learners

    def _adopt(self, index: int, membership: Membership) -> None:
        """From the entry or snapshot at ``index`` on the group is ``membership``: all that was known of it is void."""
        self.membership = membership
        self._configurations = [(index, membership)]
        self.peers = {member: Peer() for member in membership.members}

    # ---- for the kinds of node built on this

    def _persisted(self) -> None:
        """Called in `advance` when entries, or a candidate's own vote, have reached the disk: they count from now on."""
        raise NotImplementedError

    def _apply_change(self, entry: Entry) -> None:
        """Called in `advance` when a change of members has been applied."""

    def _applied(self, committed: tuple[Entry, ...]) -> None:
        """Called in `advance` after that, while there are uncommitted bytes or a joint configuration."""

    def _lost(self) -> int:
        """Committed entries thrown away so far."""
        return 0

    def _draw_timeout(self) -> None:
        """The next randomised election timeout (section 5.2)."""
        self.election_timeout = election_timeout(
            self.config.seed, self.id, self._draws, self.config.election_tick
        )
        self._draws += 1

    def _others(self) -> list[int]:
        """Every other member, in the order of ids."""
        return [member for member in self.peers if member != self.id]


_CONTAINERS = (list, dict, deque, Log)
