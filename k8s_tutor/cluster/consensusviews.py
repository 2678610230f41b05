"""What may be known of the committee: its members, their notebooks, and the promises of consensus. See `cluster.views`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all views."""


class EntryView(View, frozen=True):
    """One line of a member's log ("notebook"). ``text``: what it asks for, e.g. ``put /registry/configmaps/default/topping``;
    empty for a leader's empty entry."""

    index: int
    term: int
    text: str
    committed: bool


class PeerView(View, frozen=True):
    """What a leader knows of a follower."""

    name: str
    match: int
    """The highest entry that it is known to have written down (``matchIndex``)."""
    next: int
    """The next entry that is to be sent to it (``nextIndex``)."""
    state: str
    """``probe``: one message at a time, until it is known where the logs agree; ``replicate``; ``snapshot``."""
    inflight: int = 0
    """Messages with entries that it has not answered yet."""


class MemberView(View, frozen=True):
    """One etcd member, as it sees itself (while it is down: as its disk stands)."""

    name: str
    """``etcd-1``."""
    machine: str
    """``cp-1``."""
    room: str
    up: bool
    paused: bool
    role: str
    """``leader``, ``follower``, ``candidate``, ``pre-candidate``; ``down`` while it is not running."""
    term: int
    vote: str
    """Name of the member it voted for in this term, or empty."""
    leader: str
    """Name of whom it takes for the leader, or empty."""
    commit: int
    applied: int
    last_index: int
    entries: tuple[EntryView, ...]
    """The newest 24 entries, oldest first."""
    granted: tuple[str, ...]
    """While a candidate: who said yes (itself included)."""
    refused: tuple[tuple[str, str], ...]
    """While a candidate: (who said no, why)."""
    ticks_left: int
    """Ticks of 100 ms until it would call an election; 0 for leaders."""
    timeout_ticks: int
    """Its current election timeout in ticks."""
    peers: tuple[PeerView, ...]
    """A leader's knowledge of the others; empty for the rest."""
    has_majority: bool
    """A leader that can commit: by its own rule it has enough members with it."""
    revision: int
    """etcd's store revision at this member."""
    lost: int
    """Committed entries that this member has thrown away (only the naive vote does that)."""
    down_since: int
    """When it went down, µs; 0 while it is up."""
    learner: bool = False
    """It is sent everything but has no vote, as far as it knows itself."""
    snapshot: int = 0
    """The index up to which its log has given way to a snapshot; 0: nothing is compacted."""
    book: Sequence[EntryView] = ()
    """All entries above the snapshot, oldest first, put into words as they are looked at."""
    id: int = 0
    """Its number in the group, as ``etcdctl member list`` shows it (there in hexadecimal); 0: it was never let in."""


class LampView(View, frozen=True):
    """One property that consensus promises, and whether it has held in this run so far: it never comes back once broken."""

    property: str
    """``election safety``, ``leader append-only``, ``log matching``, ``leader completeness``, ``state-machine safety`` (Raft
    paper, figure 3), or ``progress``."""
    promise: str
    """What it says, in one sentence."""
    ok: bool
    broken_at_event: int = 0
    """The event number (see ``ClusterView.events``) at which it was seen to break."""
    broken_at: int = 0
    """The same as an instant, µs."""
    message: int = 0
    """Id of the message whose delivery broke it, for `Cluster.why`; 0 when an input did."""
    sentence: str = ""
    """How it broke, naming members, terms and indices; empty while it holds."""


class RaftView(View, frozen=True):
    """The committee as a whole. The truth as somebody who sees all members would put it."""

    variant: str
    """``raft``, ``naive``, or another broken twin (see `raft.variants`)."""
    wrong: str
    """For a broken variant: the rule that it breaks; empty for Raft."""
    members: tuple[MemberView, ...]
    size: int
    quorum: int
    """``size // 2 + 1``."""
    up: int
    reach: int
    """The most members that are up and can talk to each other."""
    tolerates: int
    """``size - quorum``."""
    may_lose: int
    """How many more may go before nothing can be decided: ``max(0, reach - quorum)``."""
    has_quorum: bool
    """``reach >= quorum``."""
    leaders: tuple[str, ...]
    """Names of all members that are up and take themselves for the leader."""
    term: int
    """The highest term of any member that is up."""
    commit: int
    """The highest commit index of any member that is up."""
    lost: int
    """Committed entries that were thrown away, all members together."""
    breaches: tuple[str, ...]
    """Safety properties that do not hold right now, each as one sentence; see `cluster.safety`."""
    invariants: tuple[LampView, ...] = ()
    """The promises of consensus over the whole run so far, safety first; as they stood then in a moment of the past."""
    voters: tuple[str, ...] = ()
    """Who has a vote, as the newest leader (else whoever has come furthest) knows it; empty: everybody."""
    outgoing: tuple[str, ...] = ()
    """While the group changes in two steps (joint consensus): the voters of before, of whom a majority must agree as well."""
    learners: tuple[str, ...] = ()
    """Who is sent everything but has no vote."""
