"""What every part of a member works on: its disk, its Raft node, and the requests that have no answer yet."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from k8s_tutor.etcd.admin import LeaseGrant, LeaseRevoke, MemberInfo
from k8s_tutor.etcd.backend import Backend, Exchange, Reconfigure, Write
from k8s_tutor.etcd.config import CLUSTER_ID, MemberConfig
from k8s_tutor.etcd.disk import Disk
from k8s_tutor.etcd.membership import process_at
from k8s_tutor.etcd.store import Store
from k8s_tutor.raft import NOBODY, ConfChange, Config, Entry, EntryType, Ready, Role, make_node
from k8s_tutor.sim import Body, Calling, Context, Reply


class Proposal(Body):
    """What an entry's data says: which member proposed it, for which request (0: none), and the operation."""

    member: int
    request: int
    operation: Write | Reconfigure | Exchange


class Waiting(Body):
    """A request that has no answer yet."""

    client: str
    call: int
    body: Any
    timer: int
    work: bool


class Watcher(Body):
    """An open watch: whom to tell about which keys, and from which revision on. A member that lags behind (it has just
    restarted, say) applies older ones after the watch was opened: those are not for it."""

    client: str
    key: str
    end: str
    start: int
    prev_kv: bool = False
    progress: bool = False
    no_put: bool = False
    no_delete: bool = False


encode = msgspec.msgpack.Encoder().encode
"""What goes into an entry: binary, as values are bytes."""


@lru_cache(maxsize=256)
def _decode(data: bytes) -> Proposal:
    """Each member reads the same entry at about the same time; what they keep of it is kept once."""
    return _decoder.decode(data)


_decoder = msgspec.msgpack.Decoder(Proposal)


def proposal_of(entry: Entry) -> Proposal | None:
    """What an entry asks for, or None for a leader's empty entry and the end of a joint configuration."""
    if entry.type is not EntryType.NORMAL:
        data = ConfChange.decode(entry.data).context
        return _decode(data) if data else None
    return _decode(entry.data) if entry.data else None


def operation_of(entry: Entry) -> Write | Reconfigure | Exchange | None:
    """What an entry asks the store or the group to do, or None for an entry without content."""
    proposal = proposal_of(entry)
    return proposal.operation if proposal is not None else None


def client_url(name: str) -> str:
    """Where clients reach a process."""
    return f"https://{name}:2379"


def founders(peers: tuple[tuple[int, str], ...]) -> tuple[MemberInfo, ...]:
    """The members of a group that begins."""
    return tuple(MemberInfo(ident, name, (f"https://{name}:2380",), (client_url(name),)) for ident, name in peers)


class MemberBase(Calling):
    """State of the actor ``etcd-i``; what it does stands in the classes built on this."""

    config: MemberConfig
    disk: Disk

    def __init__(self, name: str, config: MemberConfig, disk: Disk | None) -> None:
        if disk is None:
            ids = tuple(ident for ident, _ in config.peers)
            disk = Disk(0 if config.join else config.id, Backend(CLUSTER_ID, founders(config.peers), ids))
        super().__init__(name, config, disk)
        self.begin()
        self.noticed = (self.node.role, self.node.term, self.node.leader)
        """Role, term and leader as the event log has them."""
        self.waiting: dict[int, Waiting] = {}
        self.to_propose: dict[int, None] = {}
        """Requests that wait for a leader."""
        self.round: tuple[int, ...] = ()
        """Reads that the ReadIndex under way answers; the first one names it."""
        self.to_read: dict[int, int] = {}
        """Reads that wait until this member has applied what was committed when they were asked: request → index."""
        self.watchers: dict[int, Watcher] = {}
        self.unsynced: dict[int, int] = {}
        """Watches that have not been told all of the past yet → the next revision that they need."""
        self.told: dict[int, None] = {}
        """Watches that have had events since the last progress notices."""
        self.next_progress = 0
        self.retrying = False
        self.syncing: Ready | None = None
        """What the disk is writing now; nothing else is sent or applied until it has."""
        self.next_snapshot = 0
        """The applied index at which the log may have to be compacted."""
        self.deadlines: dict[int, int] = {}
        """On the leader: lease → when it expires, µs."""
        self.revoking: dict[int, int] = {}
        """Expired leases whose end was proposed → when to propose it again, µs."""
        self.next_sweep = 0
        self.next_publish = 0
        self.leads_since = 0
        """When it became leader, if it is one, µs."""
        self.heard: dict[int, int] = {}
        """Member → when it was last heard of, µs."""
        self.in_touch: dict[int, int] = {}
        """Member → since when it has been heard of without a pause, µs."""

    def begin(self) -> None:
        """Makes the Raft node from what is on disk."""
        config, disk = self.config, self.disk
        ident = disk.identity or config.id
        voters = disk.backend.founders or tuple(number for number, _ in config.peers)
        raft = Config(
            id=ident, voters=voters, election_tick=config.election_ticks, heartbeat_tick=config.heartbeat_ticks,
            pre_vote=config.pre_vote,
            seed=config.seed * 64 + ident,
        )  # fmt: skip
        self.node = make_node(config.variant, raft, disk.hard_state, disk.entries, disk.snapshot)

    # ------------------------------------------------------------------ what it is

    @property
    def id(self) -> int:
        """Its number in the group, or 0 before it has joined one."""
        return self.disk.identity

    @property
    def backend(self) -> Backend:
        """Its database."""
        return self.disk.backend

    @property
    def store(self) -> Store:
        """The keys in it."""
        return self.disk.backend.store

    @property
    def leads(self) -> bool:
        """Whether it believes that it is the leader."""
        return self.node.role is Role.LEADER

    @property
    def is_learner(self) -> bool:
        """Whether it only listens."""
        member = self.disk.backend.members.get(self.disk.identity)
        return member is not None and member.learner

    def peer(self, ident: int) -> str:
        """Process name of a member id; empty for nobody."""
        member = self.disk.backend.members.get(ident)
        if member is None:
            return ""
        return member.name or process_at(member.peer_urls[0])

    def leader(self) -> str:
        """Process name of the leader, empty if it knows none."""
        return self.peer(self.node.leader) if self.node.leader != NOBODY else ""

    # ------------------------------------------------------------------ for the parts built on this

    def answer(self, ctx: Context, request: int, result: Any) -> None:
        """Ends a waiting request; one that is not known (any more) is none of ours."""
        waiting = self.forget(ctx, request)
        if waiting is not None:
            ctx.reply(waiting.client, Reply(request, result))

    def forget(self, ctx: Context, request: int) -> Waiting | None:
        """Takes a request out of all books."""
        waiting = self.waiting.pop(request, None)
        self.to_propose.pop(request, None)
        self.to_read.pop(request, None)
        if waiting is not None:
            ctx.cancel(waiting.timer)
        return waiting


__all__ = ["LeaseGrant", "LeaseRevoke", "MemberBase", "Proposal", "Waiting", "Watcher", "operation_of", "proposal_of"]
