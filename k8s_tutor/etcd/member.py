"""One etcd member: the process that puts the store on Raft and answers clients.

Its parts: `base` (state), `watching`, `leases`, `group` (members that come and go), `requests` (what clients ask); here is
the loop that ties them to Raft. Notes in the event log: ``raft.*`` for what the protocol does, ``etcd.*`` for the rest.
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from k8s_tutor.etcd.admin import LeaseGrantResult, LeaseRevoke, MemberChanged, MemberInfo, MembersChange, Removed
from k8s_tutor.etcd.backend import Backend, Exchange, Reconfigure, dump, load
from k8s_tutor.etcd.base import operation_of, proposal_of
from k8s_tutor.etcd.config import (
    REQUEST_TIMEOUT,
    RETRY,
    Knock,
    MemberConfig,
    RequestTimeout,
    Retry,
    Synced,
    Tick,
)
from k8s_tutor.etcd.disk import Disk
from k8s_tutor.etcd.requests import Requests
from k8s_tutor.etcd.wire import WatchCancel, WatchProgress
from k8s_tutor.raft import Entry, EntryType, Message, RaftNode, Ready, Role, Snapshot
from k8s_tutor.raft.variants import sends_first
from k8s_tutor.sim import Call, Context, Panic

LEADER = Role.LEADER


class Member(Requests):
    """The actor ``etcd-i``."""

    def start(self, ctx: Context) -> None:
        if self.disk.removed:
            self.leave(ctx)
        elif self.id:
            self.joined(ctx)
        else:
            self.knock(ctx)

    def joined(self, ctx: Context) -> None:
        ctx.after(ctx.draw("tick", self.config.tick) + 1, Tick(), work=False)
        self.drain(ctx)

    # ------------------------------------------------------------------ messages

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        disk, node = self.disk, self.node
        if isinstance(body, Message):
            if body.sender in disk.backend.removed:
                ctx.send(src, Removed())
                return
            if node.role is LEADER:
                self.hear(ctx, body.sender)
            try:
                node.step(body)
            except AssertionError as error:
                self._impossible(error)
        elif isinstance(body, Tick):
            ctx.after(self.config.tick, body, work=False)
            self._tick(ctx)
        elif isinstance(body, Call):
            self.called(ctx, src, body)
        else:
            super().receive(ctx, src, body)
        if disk.identity and not disk.removed:
            self.drain(ctx)

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, WatchCancel):
            self.unwatch(body.watch)
        elif isinstance(body, RequestTimeout):
            self.give_up(ctx, body.id)
        elif isinstance(body, Retry):
            self.try_again(ctx)
        elif isinstance(body, Synced) and self.syncing is not None:
            ready, self.syncing = self.syncing, None
            self._written(ctx, ready)
        elif isinstance(body, WatchProgress):
            self.asked_for_progress(ctx, src, body)
        elif isinstance(body, Knock):
            self.knock(ctx, body.turn)
        elif isinstance(body, Removed):
            self.leave(ctx)
        elif isinstance(body, MembersChange):
            self.exchange(ctx, body)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        for ident in [ident for ident, watcher in self.watchers.items() if watcher.client == peer]:
            self.unwatch(ident)
        for ident in [ident for ident, waiting in self.waiting.items() if waiting.client == peer]:
            self.forget(ctx, ident)

    def _impossible(self, error: AssertionError) -> NoReturn:
        """What a broken twin has made impossible ends the process, as etcd ends itself."""
        if self.config.variant == "raft":
            raise error
        raise Panic(str(error)) from None

    def _tick(self, ctx: Context) -> None:
        self.node.tick()
        if self.config.first and self.node.term == 0:
            self.node.campaign()
        if self.unsynced:
            self.catch_up(ctx)
        if self.deadlines and self.next_sweep <= ctx.now:
            self.sweep(ctx)
        if self.next_publish <= ctx.now and self.node.leader:
            self.publish(ctx)
        if self.watchers and self.next_progress <= ctx.now:
            self.report_progress(ctx)

    def _notice(self, ctx: Context) -> None:
        """Writes a change of role into the event log; an election is a decision."""
        node, (role, term, leader) = self.node, self.noticed
        if node.role is role and node.term == term and node.leader == leader:
            return
        self.noticed = (node.role, node.term, node.leader)
        if node.leader != leader and self.waiting:
            self.handed_over(ctx)
        if node.role is role and node.term == term:
            return
        if role is Role.LEADER and node.role is not Role.LEADER:
            self.stop_counting()
        if node.role is Role.LEADER:
            ctx.decide()
            ctx.note("raft.leader", term=node.term)
            self.begin_counting(ctx)
        elif node.role is Role.CANDIDATE or node.role is Role.PRE_CANDIDATE:
            ctx.decide()
            ctx.note("raft.campaign" if node.role is Role.CANDIDATE else "raft.prevote", term=node.term)
        elif role is not Role.FOLLOWER:
            ctx.decide()
            ctx.note("raft.follower", term=node.term, was=role.name.lower().replace("_", "-"))

    # ------------------------------------------------------------------ Raft

    def drain(self, ctx: Context) -> None:
        """Persist, send, apply: all that the Raft node has ready. A slow disk keeps the rest waiting."""
        node = self.node
        self._notice(ctx)
        while self.syncing is None and node.has_ready():
            ready = node.ready()
            if not ready.must_sync:
                if ready.hard_state is not None:
                    self._persist(ctx, ready)
                self._carry_out(ctx, ready)
                continue
            wait, careless = ctx.fsync, sends_first(self.config.variant)
            if careless:
                self._send(ctx, ready)
            if not wait or not careless:  # what is being written counts as written
                self._persist(ctx, ready)
            if wait:
                self.syncing = ready
                ctx.after(wait, Synced())
                return
            self._carry_out(ctx, ready, sent=careless)

    def _written(self, ctx: Context, ready: Ready) -> None:
        """The slow disk has written all of a `Ready`."""
        careless = sends_first(self.config.variant)
        if careless:
            self._persist(ctx, ready)
        self._carry_out(ctx, ready, sent=careless)

    def _persist(self, ctx: Context, ready: Ready) -> None:
        if ready.snapshot is not None:
            self._replace(ctx, ready.snapshot)
        overwritten = self.disk.save(ready)
        if overwritten:
            ctx.decide()
            ctx.note("raft.truncated", entries=overwritten, index=ready.entries[0].index)

    def _send(self, ctx: Context, ready: Ready) -> None:
        members = self.disk.backend.members
        for message in ready.messages:
            to = members.get(message.to)
            if to is None:
                continue
            if message.snapshot is not None:
                message = self._with_data(ctx, message)
            ctx.send(to.name or self.peer(to.id), message)

    def _with_data(self, ctx: Context, message: Message) -> Message:
        """A snapshot is sent as the backend stands now, which may be further than where the log was compacted
        (etcdserver createMergedSnapshotMessage)."""
        backend, group = self.backend, self.node.membership
        snapshot = Snapshot(
            backend.index, backend.term, dump(backend), group.voters, group.voters_outgoing, group.learners, group.learners_next
        )  # fmt: skip
        ctx.decide()
        ctx.note("raft.snapshot.sent", to=self.peer(message.to), index=snapshot.index, bytes=len(snapshot.data))
        return msgspec.structs.replace(message, snapshot=snapshot)

    def _carry_out(self, ctx: Context, ready: Ready, sent: bool = False) -> None:
        """All of a `Ready` is on disk: send it, apply what is committed, and go on."""
        node = self.node
        if not sent and ready.messages:
            self._send(ctx, ready)
        if ready.committed:
            self._note_commit(ctx, ready.committed)
            for entry in ready.committed:
                self._apply(ctx, entry)
        for state in ready.read_states:
            self.confirmed(int(state.context), state.index)
        node.advance(ready)
        if self.to_read:
            self.read(ctx)
        self._notice(ctx)
        if ready.committed:
            if node.log.applied >= self.next_snapshot:
                self._compact_log(ctx)
            if self.disk.identity in self.disk.backend.removed:
                self.leave(ctx)

    def _note_commit(self, ctx: Context, committed: tuple[Entry, ...]) -> None:
        if self.node.role is not Role.LEADER or not ctx.work:
            return
        index, voters = committed[-1].index, self.node.voters
        acks = tuple([self.peer(ident) for ident, peer in self.node.peers.items() if peer.match >= index and ident in voters])
        ctx.note("raft.commit", index=index, term=committed[-1].term, acks=acks, members=len(voters))

    # ------------------------------------------------------------------ the state machine

    def _apply(self, ctx: Context, entry: Entry) -> None:
        """Applies a committed entry, unless the backend held it before a restart."""
        backend = self.backend
        if entry.index <= backend.index:
            return
        backend.index, backend.term = entry.index, entry.term
        proposal = proposal_of(entry)
        if proposal is None:
            if entry.type is EntryType.CONF_CHANGE:
                self.exchanged(ctx)
            return
        operation, history = proposal.operation, backend.store.history
        before = len(history)
        result: Any
        if isinstance(operation, Reconfigure):
            result = self.reconfigured(ctx, operation)
        elif isinstance(operation, Exchange):
            result = None
            self.exchanging(ctx, operation)
        else:
            result = backend.apply(operation)
        if isinstance(result, LeaseGrantResult):
            self.granted(ctx, result.id, result.ttl)
        elif isinstance(operation, LeaseRevoke):
            self.gone(operation.id)
        elif isinstance(result, MemberInfo):
            result = MemberChanged(backend.cluster_id, result, backend.ordered())
        if proposal.member == self.id and proposal.request:
            self.answer(ctx, proposal.request, result)
        if self.watchers and len(history) > before and history is backend.store.history:
            self.tell(ctx, history[before:])

    def _compact_log(self, ctx: Context) -> None:
        """The backend holds what is applied, so the log need not be kept for ever (etcdserver triggerSnapshot)."""
        node, disk = self.node, self.disk
        self.next_snapshot = (disk.snapshot.index if disk.snapshot else 0) + self.config.snapshot_count
        if node.log.applied < self.next_snapshot or not isinstance(node, RaftNode):
            return
        self.next_snapshot = node.log.applied + self.config.snapshot_count
        node.compact(node.log.applied, b"", keep=self.config.catch_up)
        if node.snapshot is not None:
            disk.compact(node.snapshot, node.log.offset)
            ctx.note("raft.compacted", index=node.snapshot.index, offset=node.log.offset)

    def _replace(self, ctx: Context, snapshot: Snapshot) -> None:
        """The backend is replaced from outside: what was here is gone, and so is every watch on it."""
        ctx.decide()
        ctx.note("raft.reset", lost=self.node.status().lost, index=snapshot.index)
        old = self.backend
        self.disk.backend = load(snapshot.data) if snapshot.data else Backend(old.cluster_id, old.ordered(), old.founders)
        self.end_watches(ctx, "etcdserver: mvcc: the store was restored from a snapshot")


__all__ = ["REQUEST_TIMEOUT", "RETRY", "Disk", "Member", "MemberConfig", "operation_of"]
