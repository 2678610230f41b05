"""The front door of an API server: the steps that every request takes before anything is done about it, in Kubernetes' order
(vendor/k8s.io/apiserver/pkg/server/config.go, DefaultBuildHandlerChain): authentication, audit, impersonation, priority and
fairness, authorization."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import access, authn, depth, fairness, flows, impersonation, rbac, scheme, status
from k8s_tutor.api.admission import Gate
from k8s_tutor.api.audit import AuditLog, Event
from k8s_tutor.api.authn import User
from k8s_tutor.api.base import Op
from k8s_tutor.api.collections import Collections
from k8s_tutor.api.fairness import PATIENCE, Fairness, Waiting
from k8s_tutor.api.flows import Flows
from k8s_tutor.api.rbac import Answer, Ask, Rights
from k8s_tutor.api.scheme import Target, parse_path, parse_with
from k8s_tutor.api.status import Refusal
from k8s_tutor.api.tokens import Issuer
from k8s_tutor.api.watchcache import Hop
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.etcd.wire import WatchEvents
from k8s_tutor.sim import SECOND, Body, Context

_DUMP = "/debug/api_priority_and_fairness/dump_priority_levels"
_TOO_MANY = "Too many requests, please try again later."


class Entry(NamedTuple):
    """A request that is inside and not answered yet."""

    received: int
    user: User
    impersonated: str
    verb: str
    path: str


class Free(Body):
    """The server's message to itself: a seat of this priority level is free, and somebody waits for it."""

    level: str


class Impatient(Body):
    """A timer: a request has waited for a seat long enough."""

    via: str
    client: str
    call: int


class Door(Collections):
    """The part of the API server that lets requests in."""

    def __init__(self, name: str, config: Any, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.fairness = Fairness()
        self.audit = AuditLog()
        self.inside: dict[Hop, Entry] = {}
        self.known_rights: Rights | None = None
        self.known_flows: Flows | None = None

    def dispatch(self, ctx: Context, op: Op) -> None:
        """Does what a request asks that has come through. Raises a Refusal."""
        raise NotImplementedError

    # ------------------------------------------------------------------ the way in

    def knock(self, ctx: Context, hop: Hop, request: Request) -> None:
        """A request arrives."""
        self.serving = hop
        target = self.target_of(request.path)
        watching = target.watch or request.parameter("watch") in ("true", "1")
        verb = request.method.lower()
        if target.resource is not None:
            verb = access.verb_of(request.method, bool(target.name), watching)
            if target.subresource in access.CONNECTS and target.resource.kind == "Pod":
                verb = "create"
        op = Op(hop, request, target, verb)
        try:
            user = self._identified(ctx, request)
        except Refusal as refusal:
            self.refuse(ctx, op, refusal, "authn ✗")
            return
        self.inside[hop] = Entry(ctx.now, user, "", verb, request.path)
        if request.user != user.name:
            request = msgspec.structs.replace(request, user=user.name)
        op = Op(hop, request, target, verb, ("authn ✓", "audit ✓"), 0, user)
        try:
            op = self._impersonated(ctx, op)
        except Refusal as refusal:
            self.refuse(ctx, op, refusal, "impersonate ✗")
            return
        self._seated(ctx, op)

    def _identified(self, ctx: Context, request: Request) -> User:
        """Who a request comes from. Raises a Refusal (401)."""
        if request.user:
            return authn.of_certificate(request.user, request.groups)
        return authn.of_bearer(request.token, self.config.tokens, self.issuer, self.caches, self.unix(ctx))

    def target_of(self, path: str) -> Target:
        """What a path is about, custom resources included."""
        target = parse_path(path)
        if target.resource is None and self.caches.custom:
            target = parse_with(path, self.caches.custom)
        if target.resource is None and path.startswith("/apis/"):
            return self.elsewhere(path) or target
        return target

    def _impersonated(self, ctx: Context, op: Op) -> Op:
        wanted = impersonation.wanted(op.request)
        if wanted is None:
            return op
        for ask in impersonation.asks(wanted):
            answer = self.decide(op.user, ask)
            if not answer.allowed:
                raise access.denied(op.user, ask, answer.reason)
        self.inside[op.hop] = self.inside[op.hop]._replace(impersonated=wanted.name)
        request = msgspec.structs.replace(op.request, user=wanted.name)
        return op._replace(request=request, user=impersonation.complete(wanted), stages=(*op.stages, f"as {wanted.name} ✓"))

    # ------------------------------------------------------------------ priority and fairness

    def _seated(self, ctx: Context, op: Op) -> None:
        flow = flows.flow_of(self.flows, _asked(op))
        if self.fairness.take(flow.level, op.hop):
            self._authorized(ctx, op)
            return
        told = {"id": op.hop.call, "level": flow.level.name, "schema": flow.schema, "user": op.user.name}
        if not self.fairness.wait(Waiting(flow, op, ctx.now)):
            ctx.note("api.rejected", **told)
            self._too_many(ctx, op)
            return
        ctx.note("api.queued", **told)
        self.note_request(ctx, op, "fairness …")
        ctx.after(PATIENCE, Impatient(*op.hop))

    def _too_many(self, ctx: Context, op: Op) -> None:
        self.refuse(ctx, op, status.too_many_requests(_TOO_MANY, 1), "fairness ✗")

    def seat_free(self, ctx: Context, level: str) -> None:
        """Those who wait get what seats there are."""
        while (waiting := self.fairness.next(self.flows.level(level))) is not None:
            self._authorized(ctx, waiting.op)

    def impatient(self, ctx: Context, body: Impatient) -> None:
        """A request that still waits is told to come again."""
        waiting = self.fairness.give_up(Hop(body.via, body.client, body.call))
        if waiting is not None:
            self._too_many(ctx, waiting.op)

    @property
    def flows(self) -> Flows:
        """How the FlowSchemas and PriorityLevelConfigurations that this server knows divide its seats."""
        if self.known_flows is None or self.known_flows.version != flows.version_of(self.caches):
            self.known_flows = Flows(self.caches)
        return self.known_flows

    def take_events(self, ctx: Context, frame: WatchEvents) -> None:
        before = flows.version_of(self.caches)
        super().take_events(ctx, frame)
        if flows.version_of(self.caches) != before:
            self._divided_anew(ctx)

    def _divided_anew(self, ctx: Context) -> None:
        """Seats may have become more, and every FlowSchema is told whether its level is there."""
        for level, queue in self.fairness.queues.items():
            if queue:
                ctx.after(0, Free(level))
        items = self.caches.of(flows.SCHEMA).items
        for key in sorted(items):
            tree = scheme.tree(items[key].data)
            level = flows.level_of(tree)
            found = flows.dangling(level, level not in self.flows.levels, self.setting(ctx).stamp)
            known = {one.get("type"): one for one in (tree.get("status") or {}).get("conditions") or ()}.get("Dangling") or {}
            if any(known.get(field) != found["conditions"][0][field] for field in ("status", "message")):
                self.care(ctx, flows.SCHEMA, key, items[key], {**tree, "status": found})

    def page(self, ctx: Context, op: Op) -> None:
        if op.request.path == _DUMP:
            text = fairness.dump(self.fairness, self.flows.levels)
            self.answer(ctx, op, 200, text.encode(), content_type="text/plain; charset=utf-8")
        else:
            super().page(ctx, op)

    def left(self, ctx: Context, hop: Hop, response: Any) -> None:
        entry = self.inside.pop(hop, None)
        if entry is None:
            return
        if isinstance(response, Response):
            self.audit.add(
                Event(
                    self.audit.count + 1, entry.received, ctx.now, entry.verb, entry.path, entry.user.name, entry.user.groups,
                    entry.impersonated, response.code,
                )
            )  # fmt: skip
        level = self.fairness.leave(hop)
        if level:
            ctx.after(0, Free(level))

    # ------------------------------------------------------------------ authorization

    def gate(self, op: Op, operation: str) -> Gate:
        found = super().gate(op, operation)
        found.rights = self.rights
        return found

    @property
    def issuer(self) -> Issuer:
        """Who signs the tokens of service accounts."""
        return Issuer(self.config.signing_key)

    def unix(self, ctx: Context) -> int:
        """Now, as a Unix second."""
        return self.config.epoch + ctx.now // SECOND

    @property
    def rights(self) -> Rights:
        """What the RBAC objects that this server knows allow."""
        if self.known_rights is None or self.known_rights.version != rbac.version_of(self.caches):
            self.known_rights = Rights(self.caches)
        return self.known_rights

    def decide(self, user: User, ask: Ask, selector: str = "") -> Answer:
        """Whether a user may do something."""
        return access.decide(self.rights, self.caches, user, ask, selector)

    def _authorized(self, ctx: Context, op: Op) -> None:
        self.serving = op.hop
        ask = access.ask_of(op.request, op.target, op.verb)
        answer = self.decide(op.user, ask, op.request.parameter("fieldSelector"))
        if not answer.allowed:
            self.refuse(ctx, op, access.denied(op.user, ask, answer.reason), "fairness ✓", "authz ✗")
            return
        op = op._replace(stages=(*op.stages, "fairness ✓", "authz ✓"))
        try:
            depth.check(op.request.body)
            self.dispatch(ctx, op)
        except Refusal as refusal:
            self.refuse(ctx, op, refusal, "route ✗" if refusal.code in (404, 405) else "decode ✗")


def _asked(op: Op) -> flows.Asked:
    """What flow schemas look at."""
    row, target = op.target.resource, op.target
    if row is None:
        return flows.Asked(op.user, op.verb, "", "", "", op.request.path)
    resource = f"{row.plural}/{target.subresource}" if target.subresource else row.plural
    return flows.Asked(op.user, op.verb, row.group, resource, target.namespace, "")
