"""One etcd member: the process that puts the store on Raft and answers clients."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec

from k8s_tutor.etcd.admin import MemberInfo, MemberList, MemberListResult, Status, StatusResult
from k8s_tutor.etcd.store import Result, Store
from k8s_tutor.etcd.wire import (
    ERR_COMPACTED,
    ERR_TIMEOUT,
    Compact,
    DeleteRange,
    EtcdError,
    Event,
    Put,
    Range,
    Txn,
    WatchCancel,
    WatchCanceled,
    WatchCreate,
    WatchCreated,
    WatchEvents,
    covers,
)
from k8s_tutor.raft import Config, Entry, HardState, Message, ProposalDropped, Ready, Role, Snapshot, make_node
from k8s_tutor.sim import MS, SECOND, Actor, Body, Call, Context, Grow, Panic, Reply, State

REQUEST_TIMEOUT = 7 * SECOND
"""5 s for disk and queue, and two election timeouts (etcd server/config ServerConfig.ReqTimeout)."""
READ_RETRY = 500 * MS
"""How often an unanswered ReadIndex, or a proposal without a leader, is tried again (etcdserver v3_server.go)."""

Write = Put | DeleteRange | Txn | Compact


class MemberConfig(Body):
    """``peers``: (id, process name) of all members, this one included. ``tick`` in µs. ``variant``: see `raft.make_node`."""

    id: int
    peers: tuple[tuple[int, str], ...]
    variant: str = "raft"
    seed: int = 0
    tick: int = 100 * MS
    election_ticks: int = 10
    heartbeat_ticks: int = 1
    first: bool = False
    """This member founds the group: it stands for election as soon as it is there, as the first of those does that others
    join later."""


class Disk(State):
    """What a member has written down."""

    def __init__(self) -> None:
        self.hard_state: HardState | None = None
        self.entries: Grow[Entry] = Grow()
        self.snapshot: Snapshot | None = None

    def save(self, ready: Ready) -> int:
        """Persists what a `Ready` asks for, in Raft's order. Returns how many entries were overwritten."""
        if ready.snapshot is not None:
            self.snapshot, self.entries = ready.snapshot, Grow()
        if ready.hard_state is not None:
            self.hard_state = ready.hard_state
        if not ready.entries:
            return 0
        before = self.snapshot.index if self.snapshot else 0
        keep = ready.entries[0].index - before - 1
        overwritten = max(0, len(self.entries) - keep)
        self.entries.truncate(keep)
        self.entries.extend(list(ready.entries))
        return overwritten


class Tick(Body):
    """A member's clock."""


class RequestTimeout(Body):
    """A member gives up on a request."""

    id: int


class Retry(Body):
    """A member tries again what could not be started for want of a leader."""


class Proposal(Body):
    """What an entry's data says: which member proposed it, for which request, and the operation."""

    member: int
    request: int
    operation: Write


class Waiting(Body):
    """A request that has no answer yet."""

    client: str
    call: int
    body: Range | Write
    timer: int
    work: bool


class Watcher(Body):
    """An open watch: whom to tell about which keys, and from which revision on. A member that lags behind (it has just
    restarted, say) applies older ones after the watch was opened: those are not for it."""

    client: str
    key: str
    end: str
    start: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Proposal).decode


def operation_of(entry: Entry) -> Write | None:
    """What an entry asks the store to do, or None for a leader's empty entry."""
    return _decode(entry.data).operation if entry.data else None


class Member(Actor):
    """The actor ``etcd-i``."""

    config: MemberConfig
    disk: Disk

    def __init__(self, name: str, config: MemberConfig, disk: Disk | None) -> None:
        super().__init__(name, config, disk or Disk())
        raft = Config(
            id=config.id, voters=tuple(ident for ident, _ in config.peers), election_tick=config.election_ticks,
            heartbeat_tick=config.heartbeat_ticks, seed=config.seed * 64 + config.id,
        )  # fmt: skip
        disk = self.disk
        self.node = make_node(config.variant, raft, disk.hard_state, disk.entries, disk.snapshot)
        self.store = Store()
        self.noticed = (self.node.role, self.node.term)
        """Role and term as the event log has them."""
        self.waiting: dict[int, Waiting] = {}
        self.to_propose: dict[int, None] = {}
        """Requests that wait for a leader."""
        self.to_read: dict[int, int] = {}
        """Reads that wait until this member has applied what was committed when they were asked: request → index."""
        self.watchers: dict[int, Watcher] = {}
        self.retrying = False

    def start(self, ctx: Context) -> None:
        ctx.after(ctx.draw("tick", self.config.tick) + 1, Tick(), work=False)
        self._drain(ctx)

    def peer(self, ident: int) -> str:
        """Process name of a member id; empty for nobody."""
        return next((name for found, name in self.config.peers if found == ident), "")

    # ------------------------------------------------------------------ messages

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Message):
            self._step(body)
        elif isinstance(body, Tick):
            ctx.after(self.config.tick, body, work=False)
            self.node.tick()
            if self.config.first and self.node.term == 0:
                self.node.campaign()
        elif isinstance(body, Call):
            self._call(ctx, src, body)
        elif isinstance(body, WatchCancel):
            self.watchers.pop(body.watch, None)
        elif isinstance(body, RequestTimeout):
            self._give_up(ctx, body.id)
        elif isinstance(body, Retry):
            self._retry(ctx)
        self._drain(ctx)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        for ident in [ident for ident, watcher in self.watchers.items() if watcher.client == peer]:
            del self.watchers[ident]
        for ident in [ident for ident, waiting in self.waiting.items() if waiting.client == peer]:
            self._forget(ctx, ident)

    def _step(self, message: Message) -> None:
        """Hands a message to Raft. What a broken twin has made impossible ends the process, as it does in etcd."""
        try:
            self.node.step(message)
        except AssertionError as error:
            if self.config.variant == "raft":
                raise
            raise Panic(str(error)) from None

    def _notice(self, ctx: Context) -> None:
        """Writes a change of role into the event log; an election is a decision."""
        node, (role, term) = self.node, self.noticed
        if node.role is role and node.term == term:
            return
        self.noticed = (node.role, node.term)
        if node.role is Role.LEADER:
            ctx.decide()
            ctx.note("raft.leader", term=node.term)
        elif node.role is Role.CANDIDATE or node.role is Role.PRE_CANDIDATE:
            ctx.decide()
            ctx.note("raft.campaign" if node.role is Role.CANDIDATE else "raft.prevote", term=node.term)
        elif role is not Role.FOLLOWER:
            ctx.decide()
            ctx.note("raft.follower", term=node.term, was=role.name.lower().replace("_", "-"))

    # ------------------------------------------------------------------ clients

    def _call(self, ctx: Context, src: str, call: Call) -> None:
        ask = call.body
        if isinstance(ask, Range) and ask.serializable:
            ctx.reply(src, Reply(call.id, self.store.range(ask)))
        elif isinstance(ask, (Range, Put, DeleteRange, Txn, Compact)):
            timer = ctx.after(REQUEST_TIMEOUT, RequestTimeout(call.id))
            self.waiting[call.id] = Waiting(src, call.id, ask, timer, bool(ctx.work))
            self._begin(ctx, call.id)
        elif isinstance(ask, WatchCreate):
            self._watch(ctx, src, call.id, ask)
        elif isinstance(ask, Status):
            ctx.reply(src, Reply(call.id, self._status()))
        elif isinstance(ask, MemberList):
            ctx.reply(src, Reply(call.id, MemberListResult(1, tuple(MemberInfo(i, n, (f'https://{n}:2380',)) for i, n in self.config.peers))))

    def _status(self) -> StatusResult:
        status = self.node.status()
        index = len(self.disk.entries) + (self.disk.snapshot.index if self.disk.snapshot else 0)
        return StatusResult(
            self.name, self.config.id, status.leader, status.term, index, status.applied,
            self.store.revision, len(self.store.keys),
        )  # fmt: skip

    def _begin(self, ctx: Context, request: int) -> None:
        """Starts a read or a write; without a leader it waits and is tried again."""
        body = self.waiting[request].body
        if isinstance(body, Range):
            self.node.read_index(b"%d" % request)
            self.to_propose[request] = None
        else:
            try:
                self.node.propose(_encode(Proposal(self.config.id, request, body)))
                self.to_propose.pop(request, None)
                return
            except ProposalDropped:
                self.to_propose[request] = None
        if self.to_propose and not self.retrying:
            self.retrying = True
            ctx.after(READ_RETRY, Retry(), work=False)

    def _retry(self, ctx: Context) -> None:
        self.retrying = False
        if any(self.waiting[request].work for request in self.to_propose):
            ctx.decide()
        for request in list(self.to_propose):
            self._begin(ctx, request)

    def _give_up(self, ctx: Context, request: int) -> None:
        waiting = self.waiting.pop(request, None)
        self._drop(request)
        if waiting is not None:
            if waiting.work:
                ctx.note("etcd.timeout", request=request)
            ctx.reply(waiting.client, Reply(request, EtcdError(ERR_TIMEOUT)))

    def _drop(self, request: int) -> None:
        self.to_propose.pop(request, None)
        self.to_read.pop(request, None)

    def _forget(self, ctx: Context, request: int) -> Waiting | None:
        waiting = self.waiting.pop(request, None)
        self._drop(request)
        if waiting is not None:
            ctx.cancel(waiting.timer)
        return waiting

    def _answer(self, ctx: Context, request: int, result: Result) -> None:
        waiting = self._forget(ctx, request)
        if waiting is not None:
            ctx.reply(waiting.client, Reply(request, result))

    # ------------------------------------------------------------------ watches

    def _watch(self, ctx: Context, src: str, call: int, ask: WatchCreate) -> None:
        store = self.store
        if 0 < ask.start_revision < store.compacted:
            ctx.reply(src, Reply(call, EtcdError(ERR_COMPACTED)))
            return
        self.watchers[call] = Watcher(src, ask.key, ask.end, ask.start_revision)
        ctx.reply(src, Reply(call, WatchCreated(call, store.revision)))
        if 0 < ask.start_revision <= store.revision:
            self._tell(ctx, store.events_since(ask.start_revision), only=call)

    def _tell(self, ctx: Context, events: list[Event], only: int = 0) -> None:
        """Sends events to the watchers of their keys, one frame a revision."""
        for ident, watcher in self.watchers.items():
            if only and ident != only:
                continue
            mine = [event for event in events if _concerns(watcher, event)]
            for revision, same in groupby(mine, key=_revision):
                ctx.reply(watcher.client, WatchEvents(ident, revision, tuple(same)))

    # ------------------------------------------------------------------ Raft

    def _drain(self, ctx: Context) -> None:
        """Persist, send, apply: all that the Raft node has ready."""
        node = self.node
        self._notice(ctx)
        while node.has_ready():
            ready = node.ready()
            if ready.snapshot is not None:
                self._reset(ctx)
            overwritten = self.disk.save(ready)
            if overwritten:
                ctx.decide()
                ctx.note("raft.truncated", entries=overwritten, index=ready.entries[0].index)
            for message in ready.messages:
                ctx.send(self.peer(message.to), message)
            if ready.committed:
                self._note_commit(ctx, ready.committed)
                for entry in ready.committed:
                    self._apply(ctx, entry)
            for state in ready.read_states:
                request = int(state.context)
                if request in self.waiting:
                    self.to_read[request] = state.index
            node.advance(ready)
            if self.to_read:
                self._read(ctx)
            self._notice(ctx)

    def _read(self, ctx: Context) -> None:
        """Answers the reads for which enough is applied (etcd waits the same way: v3_server.go linearizableReadLoop)."""
        applied = self.node.log.applied
        for request in [request for request, index in self.to_read.items() if index <= applied]:
            body = self.waiting[request].body
            if isinstance(body, Range):
                self._answer(ctx, request, self.store.range(body))

    def _note_commit(self, ctx: Context, committed: tuple[Entry, ...]) -> None:
        if self.node.role is not Role.LEADER or not ctx.work:
            return
        index = committed[-1].index
        acks = tuple(self.peer(ident) for ident, peer in self.node.status().progress.items() if peer.match >= index)
        ctx.note("raft.commit", index=index, term=committed[-1].term, acks=acks, members=len(self.config.peers))

    def _apply(self, ctx: Context, entry: Entry) -> None:
        if not entry.data:
            return
        proposal = _decode(entry.data)
        before = len(self.store.history)
        result = self.store.apply(proposal.operation)
        events = self.store.history[before:]
        if proposal.member == self.config.id:
            self._answer(ctx, proposal.request, result)
        if events:
            self._tell(ctx, events)

    def _reset(self, ctx: Context) -> None:
        """The store is replaced from outside: what was here is gone, and so is every watch on it."""
        ctx.decide()
        ctx.note("raft.reset", lost=self.node.status().lost)
        self.store = Store()
        self.to_read.clear()
        for ident, watcher in self.watchers.items():
            ctx.reply(watcher.client, WatchCanceled(ident, "etcdserver: mvcc: the store was restored from a snapshot"))
        self.watchers.clear()


def _concerns(watcher: Watcher, event: Event) -> bool:
    kv = event.kv
    return kv.mod_revision >= watcher.start and covers(watcher.key, watcher.end, kv.key)


def _revision(event: Event) -> int:
    return event.kv.mod_revision
