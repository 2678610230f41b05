"""What clients ask, and how each kind of request is begun, waits and is answered (etcd server/etcdserver/v3_server.go).

A write goes through Raft and is answered when this member has applied it; a linearizable read waits for a ReadIndex; what only
the leader knows is passed on to it; the rest a member answers by itself.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from k8s_tutor.etcd import errors
from k8s_tutor.etcd.admin import (
    NOSPACE,
    Alarm,
    AlarmResult,
    Defragment,
    DefragmentResult,
    HashKV,
    HashKVResult,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseLeases,
    LeaseLeasesResult,
    LeaseRevoke,
    LeaseTimeToLive,
    MemberAdd,
    MemberList,
    MemberPromote,
    MemberRemove,
    MemberUpdate,
    MoveLeader,
    MoveLeaderResult,
    SnapshotBlob,
    SnapshotRequest,
    Status,
    StatusResult,
)
from k8s_tutor.etcd.backend import cost, dump
from k8s_tutor.etcd.base import Proposal, Waiting, encode
from k8s_tutor.etcd.checks import malformed
from k8s_tutor.etcd.config import MAX_GAP, REQUEST_TIMEOUT, RETRY, RequestTimeout, Retry
from k8s_tutor.etcd.group import Group
from k8s_tutor.etcd.leases import Leases
from k8s_tutor.etcd.membership import addresses, taken
from k8s_tutor.etcd.watching import Watching
from k8s_tutor.etcd.wire import Compact, DeleteRange, EtcdError, Put, Range, Txn, WatchCreate
from k8s_tutor.raft import NOBODY, ProposalDropped, RaftNode
from k8s_tutor.sim import SECOND, Call, CallFailed, Context, Reply

WRITES = (Put, DeleteRange, Txn, Compact, LeaseGrant, LeaseRevoke, Alarm, MemberUpdate)
CHANGES = (MemberAdd, MemberRemove, MemberPromote)
READS = (Range, MemberList)
LEADERS = (*CHANGES, LeaseKeepAlive, LeaseTimeToLive)
"""What only the leader can answer."""
LEASE_PATIENCE = 2 * SECOND
"""How long a member waits for the leader's word about a lease before it asks again, perhaps another one."""
LEADER_FAILED = "etcdserver: request timed out, possibly due to previous leader failure"


class Requests(Watching, Leases, Group):
    """The part of a member that serves clients."""

    def called(self, ctx: Context, src: str, call: Call) -> None:
        """Takes a request: answers it at once, or puts it on its way."""
        ask = call.body
        if not self.id:
            ctx.reset(src)  # the real process does not run yet
        elif self.is_learner and not _for_learners(ask):
            ctx.reply(src, Reply(call.id, EtcdError(errors.ERR_LEARNER)))
        elif isinstance(ask, WatchCreate):
            self.watch(ctx, src, call.id, ask)
        else:
            answer = malformed(ask) or self._at_once(ctx, ask)
            if answer is not None:
                ctx.reply(src, Reply(call.id, answer))
                return
            if isinstance(ask, LeaseGrant):
                ask = self.prepared(ctx, ask)
            timer = ctx.after(REQUEST_TIMEOUT, RequestTimeout(call.id))
            self.waiting[call.id] = Waiting(src, call.id, ask, timer, bool(ctx.work))
            self.start_request(ctx, call.id)

    # ------------------------------------------------------------------ answered by this member alone

    def _at_once(self, ctx: Context, ask: Any) -> Any:
        """The answer to what needs nobody else, and the refusal of what cannot be served; None for all other requests."""
        if isinstance(ask, (Put, Txn, LeaseGrant)):
            return self._too_much(ctx, ask)
        if isinstance(ask, Range):
            return self.store.range(ask) if ask.serializable else None
        if isinstance(ask, Status):
            return self.status()
        if isinstance(ask, MemberList):
            return None if ask.linearizable else self.listed()
        if isinstance(ask, MemberUpdate):
            wrong = addresses(ask.peer_urls)
            if not wrong and ask.id not in self.backend.members:
                wrong = errors.ERR_MEMBER_NOT_FOUND
            if not wrong and taken(self.backend.members, ask.peer_urls, ask.id):
                wrong = errors.ERR_PEER_URL_EXISTS
            return EtcdError(wrong) if wrong else None
        return self._upkeep(ctx, ask)

    def _upkeep(self, ctx: Context, ask: Any) -> Any:
        backend = self.backend
        if isinstance(ask, Alarm) and ask.action == "get":
            return AlarmResult(tuple(one for one in backend.alarms if ask.alarm in ("", one[1])))
        if isinstance(ask, LeaseLeases):
            return LeaseLeasesResult(tuple(sorted(self.store.leases)))
        if isinstance(ask, HashKV):
            return self._hash(ask)
        if isinstance(ask, Defragment):
            before = backend.size
            backend.defragment()
            ctx.note("etcd.defragmented", before=before, after=backend.size)
            return DefragmentResult(before, backend.size)
        if isinstance(ask, SnapshotRequest):
            return SnapshotBlob(dump(backend))
        return None

    def _too_much(self, ctx: Context, ask: Put | Txn | LeaseGrant) -> EtcdError | None:
        """Why a request that may make the file larger is refused (quota.go, v3rpc/quota.go, v3_server.go processInternal)."""
        size = cost(ask)
        if size > self.config.max_request:
            return EtcdError(errors.ERR_TOO_LARGE)
        if self.node.log.committed - self.node.log.applied > MAX_GAP:
            return EtcdError(errors.ERR_TOO_MANY_REQUESTS)
        if size and self.backend.size + size > self.config.quota:
            if (self.id, NOSPACE) not in self.backend.alarms:
                self._raise_alarm(ctx)
            return EtcdError(errors.ERR_NO_SPACE)
        return None

    def _raise_alarm(self, ctx: Context) -> None:
        """All members are to refuse what takes space: this one has none left."""
        ctx.note("etcd.nospace", size=self.backend.size, quota=self.config.quota)
        with suppress(ProposalDropped):  # the next request that is too much raises it again
            self.node.propose(encode(Proposal(self.id, 0, Alarm("activate", self.id, NOSPACE))))

    def _hash(self, ask: HashKV) -> HashKVResult | EtcdError:
        store = self.store
        if ask.revision > store.revision:
            return EtcdError(errors.ERR_FUTURE)
        if 0 < ask.revision < store.compacted:
            return EtcdError(errors.ERR_COMPACTED)
        revision = ask.revision or store.revision
        return HashKVResult(store.hash(revision), store.compacted, revision)

    def status(self) -> StatusResult:
        """How this member stands, in its own eyes."""
        node, backend, store = self.node, self.backend, self.store
        found = [] if node.leader != NOBODY else [errors.ERR_NO_LEADER]
        found += [f"memberID:{ident} alarm:{alarm} " for ident, alarm in backend.alarms]
        return StatusResult(
            self.name, self.id, node.leader, node.term, self.disk.last, node.log.applied, store.revision, len(store.keys),
            backend.cluster_id, self.is_learner, backend.size, backend.in_use, self.config.quota, tuple(found),
        )  # fmt: skip

    # ------------------------------------------------------------------ on their way

    def start_request(self, ctx: Context, request: int) -> None:
        """Starts a waiting request; without a leader it waits on and is tried again."""
        body = self.waiting[request].body
        try:
            if isinstance(body, READS):
                self.to_propose[request] = None
                if not any(map(self.waiting.__contains__, self.round)):
                    self._begin_round()
            elif isinstance(body, WRITES):
                self.node.propose(encode(Proposal(self.id, request, body)))
                self.to_propose.pop(request, None)
            else:
                self._leaders_affair(ctx, request, body)
        except ProposalDropped:
            self.to_propose[request] = None
        if self.to_propose and not self.retrying:
            self.retrying = True
            ctx.after(RETRY, Retry(), work=False)

    def _leaders_affair(self, ctx: Context, request: int, body: Any) -> None:
        """What only the leader can do. Raises ProposalDropped where nobody leads."""
        self.to_propose.pop(request, None)
        if isinstance(body, MoveLeader):
            self._hand_over(ctx, request, body)
        elif not self.leads:
            name = self.leader()
            if not name:
                raise ProposalDropped("no leader")
            patience = REQUEST_TIMEOUT if isinstance(body, CHANGES) else LEASE_PATIENCE
            self.ask(ctx, name, body, "leader_answered", (request,), patience)
        elif isinstance(body, LeaseKeepAlive):
            self.answer(ctx, request, self.renew(ctx, body))
        elif isinstance(body, LeaseTimeToLive):
            self.answer(ctx, request, self.time_to_live(ctx, body))
        elif isinstance(body, CHANGES):
            wrong = self.refusal(ctx, body)
            if wrong:
                self.answer(ctx, request, EtcdError(wrong))
            else:
                self.propose_change(ctx, request, body)

    def leader_answered(self, ctx: Context, answer: Any, request: int) -> None:
        """What was passed on to the leader has come back. A lease may be asked for twice, a change of the group may not."""
        if not isinstance(answer, CallFailed):
            self.answer(ctx, request, answer)
        elif request in self.waiting and not isinstance(self.waiting[request].body, CHANGES):
            self.to_propose[request] = None
            if not self.retrying:
                self.retrying = True
                ctx.after(RETRY, Retry(), work=False)
        else:
            self.answer(ctx, request, EtcdError(LEADER_FAILED))

    def _hand_over(self, ctx: Context, request: int, ask: MoveLeader) -> None:
        target = self.backend.members.get(ask.target)
        if not self.leads:
            self.answer(ctx, request, EtcdError(errors.ERR_NOT_LEADER))
        elif target is None or target.learner:
            self.answer(ctx, request, EtcdError(errors.ERR_BAD_TRANSFEREE))
        elif not isinstance(self.node, RaftNode):
            self.answer(ctx, request, EtcdError("etcdserver: not capable"))
        else:
            self.node.transfer_leadership(ask.target)
            self.handed_over(ctx)

    def handed_over(self, ctx: Context) -> None:
        """Answers those who wait for another leader, when it leads."""
        for request, waiting in list(self.waiting.items()):
            if isinstance(waiting.body, MoveLeader) and waiting.body.target == self.node.leader:
                self.answer(ctx, request, MoveLeaderResult())

    def _begin_round(self) -> None:
        """One ReadIndex answers all reads that came before it; who comes while it is under way waits for the next one
        (v3_server.go linearizableReadLoop)."""
        self.round = tuple([request for request in self.to_propose if isinstance(self.waiting[request].body, READS)])
        if self.round:
            self._ask_index()

    def _ask_index(self) -> None:
        self.node.read_index(b"%d" % self.round[0])

    def confirmed(self, name: int, index: int) -> None:
        """The ReadIndex of this name has come back: its reads are as good as linearizable once ``index`` is applied."""
        if not self.round or self.round[0] != name:
            return
        for request in self.round:
            if request in self.waiting:
                self.to_propose.pop(request, None)
                self.to_read[request] = index
        self._begin_round()

    def try_again(self, ctx: Context) -> None:
        """Some time has passed: what waits for a leader is started again, and so is a ReadIndex that got no answer."""
        self.retrying = False
        if any(self.waiting[request].work for request in self.to_propose):
            ctx.decide()
        if any(map(self.waiting.__contains__, self.round)):
            self._ask_index()
        for request in list(self.to_propose):
            self.start_request(ctx, request)

    def give_up(self, ctx: Context, request: int) -> None:
        """A request has waited long enough."""
        waiting = self.waiting.pop(request, None)
        self.to_propose.pop(request, None)
        self.to_read.pop(request, None)
        if waiting is not None:
            if waiting.work:
                ctx.note("etcd.timeout", request=request)
            ctx.reply(waiting.client, Reply(request, EtcdError(errors.ERR_TIMEOUT)))

    def read(self, ctx: Context) -> None:
        """Answers the reads for which enough is applied (v3_server.go linearizableReadLoop)."""
        applied = self.node.log.applied
        for request in [request for request, index in self.to_read.items() if index <= applied]:
            body = self.waiting[request].body
            self.answer(ctx, request, self.store.range(body) if isinstance(body, Range) else self.listed())


def _for_learners(ask: Any) -> bool:
    """Whether a learner serves a request (v3rpc/interceptor.go isRPCSupportedForLearner)."""
    if isinstance(ask, Range):
        return ask.serializable
    return isinstance(ask, (Status, SnapshotRequest)) or (isinstance(ask, MemberList) and not ask.linearizable)
