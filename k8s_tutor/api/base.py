"""What all parts of the API server share: configuration, state, answering, and what it says in the event log."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import presenting, status, tables, times
from k8s_tutor.api.admission import Gate
from k8s_tutor.api.authn import NOBODY, Token, User
from k8s_tutor.api.scheme import Resource, Target
from k8s_tutor.api.status import Refusal
from k8s_tutor.api.strategy import Setting
from k8s_tutor.api.watchcache import Caches, Hop
from k8s_tutor.api.wire import Relayed, Request, Response
from k8s_tutor.etcd.wire import EtcdError
from k8s_tutor.sim import SECOND, Body, CallFailed, Calling, Context, Reply

ETCD_TIMEOUT = 10 * SECOND
"""How long the server waits for etcd, which itself gives up after 7 s."""
NO_ANSWER = "etcdserver: request timed out"

_encode = msgspec.json.Encoder().encode


class ApiConfig(Body):
    """``etcd``: the member that this server uses; ``epoch``: Unix second at which the world's clock began; ``tokens``: bearer
    tokens that it knows from its start."""

    etcd: str
    epoch: int = times.EPOCH
    tokens: tuple[Token, ...] = ()
    signing_key: str = "k8s-tutor"
    """Signs the tokens of service accounts; the same for all servers of a cluster."""
    address: str = ""
    """Where the server listens; empty: it tells nobody."""


class Op(NamedTuple):
    """One request on its way through the server. ``stages``: what it has passed before it was handed on; ``tries`` counts
    the attempts of its write."""

    hop: Hop
    request: Request
    target: Target
    verb: str
    stages: tuple[str, ...] = ()
    tries: int = 0
    user: User = NOBODY

    @property
    def row(self) -> Resource:
        """The resource that it is about."""
        assert self.target.resource is not None
        return self.target.resource

    @property
    def key(self) -> str:
        """The key of its object in etcd."""
        return self.row.key(self.target.namespace, self.target.name)


class ServerBase(Calling):
    """State and voice of the API server."""

    config: ApiConfig

    def __init__(self, name: str, config: ApiConfig, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.caches = Caches()
        self.feed = 0
        """Id of the etcd watch that feeds the caches, or 0."""
        self.early: dict[int, Op] = {}
        """Reads at a revision that has not come yet, by the call of their client."""
        self.serving: Hop | None = None
        """The request that this delivery is about, until it is answered."""

    def setting(self, ctx: Context, gate: Gate | None = None) -> Setting:
        """The world as a strategy sees it."""
        return Setting(ctx.now, self.config.epoch, lambda bound: ctx.draw("objects", bound), gate)

    def gate(self, op: Op, operation: str) -> Gate:
        """The gate at which a request stands. ``operation``: ``CREATE``, ``UPDATE`` or ``DELETE``."""
        dry = op.request.parameter("dryRun") == "All"
        return Gate(self.caches, None, op.user, operation, op.target.namespace, op.target.subresource, dry)

    def moment(self, ctx: Context) -> tables.Moment:
        """Now, for ages."""
        return tables.Moment(ctx.now, self.config.epoch)

    # ------------------------------------------------------------------ answering

    def send(self, ctx: Context, hop: Hop, frame: Body) -> None:
        """Sends a frame to a client, through the load balancer if that is where it came from."""
        ctx.reply(hop.via, Relayed(hop.client, frame) if hop.client else frame)
        if isinstance(frame, Reply):
            self.serving = None
            self.left(ctx, hop, frame.body)

    def left(self, ctx: Context, hop: Hop, response: Any) -> None:
        """A request has been answered."""

    def answer(
        self, ctx: Context, op: Op, code: int, body: bytes, warnings: tuple[str, ...] = (),
        content_type: str = "application/json", headers: tuple[tuple[str, str], ...] = (),
    ) -> None:  # fmt: skip
        """Answers a request and says so in the log."""
        if op.target.resource is not None and op.row.deprecated:
            warnings = (op.row.deprecated, *warnings)
        if ctx.work:
            ctx.note("api.answer", id=op.hop.call, code=code, verb=op.verb, path=op.request.path)
        self.send(ctx, op.hop, Reply(op.hop.call, Response(code, body, warnings, content_type, headers)))

    def answer_tree(self, ctx: Context, op: Op, code: int, tree: Any, warnings: tuple[str, ...] = ()) -> None:
        """Answers with a tree."""
        self.answer(ctx, op, code, _encode(tree), warnings)

    def refuse(self, ctx: Context, op: Op, refusal: Refusal, *stages: str) -> None:
        """Answers with a Status; the last of the ``stages`` is where the request failed."""
        if stages:
            self.note_request(ctx, op, *stages)
        if ctx.work:
            ctx.note(
                "api.answer", id=op.hop.call, code=refusal.code, verb=op.verb, path=op.request.path,
                message=refusal.tree["message"],
            )  # fmt: skip
        wait = refusal.tree.get("details", {}).get("retryAfterSeconds")
        headers = (("Retry-After", str(wait)),) if wait else ()
        self.send(ctx, op.hop, Reply(op.hop.call, Response(refusal.code, _encode(refusal.tree), headers=headers)))

    def note_request(self, ctx: Context, op: Op, *stages: str) -> None:
        """Says how far a request has come: ``stages`` are those that it has really passed, in order, e.g. ``authn ✓ audit ✓
        fairness ✓ authz ✓ decode ✓ default ✓ mutate ✓ validate ✓ admit ✓ store …``."""
        if ctx.work:
            ctx.note(
                "api.request", id=op.hop.call, verb=op.verb, path=op.request.path, user=op.request.user,
                client=op.hop.client or op.hop.via, stages=op.stages + stages,
            )  # fmt: skip

    def object_body(self, ctx: Context, op: Op, data: bytes) -> bytes:
        """The body for one object: itself, or what else the client asked for."""
        return presenting.one(op.row, op.request, data, self.moment(ctx))

    def unanswered(self, ctx: Context, op: Op, answer: Any) -> bool:
        """Whether etcd gave no result; then the request has been answered with 500."""
        if isinstance(answer, CallFailed):
            self.refuse(ctx, op, status.internal_error(NO_ANSWER))
            return True
        if isinstance(answer, EtcdError):
            self.refuse(ctx, op, etcd_refusal(answer))
            return True
        return False


def etcd_refusal(error: EtcdError) -> Refusal:
    """What a client is told of an error of etcd."""
    if "compacted" in error.message:
        text = "The provided continue parameter is too old or the revision has been compacted"
        return status.expired(text)
    return status.internal_error(error.message)
