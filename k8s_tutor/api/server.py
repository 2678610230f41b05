"""The actor ``api-i``: takes requests, leads them through the stages, answers.

The stages of one request are notes of one delivery: ``api.request`` (id, verb, path, user, client, stages) when it has come
as far as it can without etcd, ``api.retry`` when its write lost a race, ``api.answer`` (id, code, message) at its end,
``api.panic`` (id, error, place) when the server itself has made a mistake. They are noted for work, not for housekeeping such
as lease renewals.
"""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Any

import msgspec

from k8s_tutor.api import bodies, bootstrap, protobuf, scheme, status
from k8s_tutor.api.aggregation import CheckServices
from k8s_tutor.api.base import ETCD_TIMEOUT, Op
from k8s_tutor.api.components import Components
from k8s_tutor.api.connecting import CONNECTS, Connecting
from k8s_tutor.api.door import Free, Impatient
from k8s_tutor.api.feed import BOOKMARK_PERIOD, Bookmark, Refeed
from k8s_tutor.api.presence import Presence, ShowUp
from k8s_tutor.api.reads import Early
from k8s_tutor.api.resources import ANSWERS
from k8s_tutor.api.reviews import Reviews
from k8s_tutor.api.scheme import Target
from k8s_tutor.api.watchcache import Hop
from k8s_tutor.api.wire import RelayClosed, Relayed, Response, StreamData, StreamEnd, WatchCancel
from k8s_tutor.etcd.wire import Compare, Put, Txn, TxnResult, WatchCanceled, WatchEvents
from k8s_tutor.sim import Call, Context, Reply
from k8s_tutor.sim.calls import CallTimeout

_SUBRESOURCE_VERBS = {
    "status": ("get", "update", "patch"),
    "scale": ("get", "update", "patch"),
    "binding": ("create",),
    "eviction": ("create",),
    "finalize": ("update",),
    "ephemeralcontainers": ("get", "update", "patch"),
    "resize": ("get", "update", "patch"),
    "approval": ("get", "update", "patch"),
    "token": ("create",),
    "log": ("get",),
    "exec": ("create",),
    "attach": ("create",),
    "portforward": ("create",),
}
REVIEWS = tuple(row for row in ANSWERS if row.kind.endswith("Review"))
BODY_LIMIT = 3 * 1024 * 1024
"""The largest body that is read (apiserver config.go MaxRequestBodyBytes)."""
_COLLECTION = ("list", "watch", "create", "deletecollection")
_OBJECT = ("get", "watch", "update", "patch", "delete")


class ApiServer(Connecting, Reviews, Components, Presence):
    """One API server."""

    def start(self, ctx: Context) -> None:
        ctx.after(BOOKMARK_PERIOD, Bookmark(), work=False)
        self.begin_feed(ctx)

    # ------------------------------------------------------------------ messages

    forgiving = True
    """Whether a mistake of ours is answered, as the real server answers a panic. Tests want to see it instead."""

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        pending = self.calls.get(body.id) if isinstance(body, (Reply, CallTimeout)) else None
        about = pending.args[0] if pending is not None and pending.args else None
        self.serving = about.hop if isinstance(about, Op) else None
        try:
            super().receive(ctx, src, body)
        except Exception as error:
            if not self.forgiving:
                raise
            self._recover(ctx, error)

    def _recover(self, ctx: Context, error: Exception) -> None:
        """Answers the request at hand with 500; without one, what is known may be half of what it should be, and is read anew.

        The log gets the place and no text, which may differ between runs.
        """
        frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
        place = f"{PurePath(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
        hop = self.serving
        ctx.note("api.panic", id=hop.call if hop else 0, error=type(error).__name__, place=place)
        if hop is None:
            self.lost_feed(ctx)
            return
        text = "This request caused apiserver to panic. Look in the logs for details."
        refusal = status.failure(500, "InternalError", text)
        self.send(ctx, hop, Reply(hop.call, Response(refusal.code, msgspec.json.encode(refusal.tree))))

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call):
            self.knock(ctx, Hop(src, "", body.id), body.body)
        elif isinstance(body, Relayed):
            self._relayed(ctx, src, body)
        elif isinstance(body, WatchEvents):
            self.take_events(ctx, body)
        elif isinstance(body, WatchCanceled):
            if body.watch == self.feed:
                self.lost_feed(ctx)
        elif isinstance(body, Refeed):
            self.begin_feed(ctx)
        elif isinstance(body, Early):
            self.give_up(ctx, body.call)
        elif isinstance(body, Free):
            self.seat_free(ctx, body.level)
        elif isinstance(body, Impatient):
            self.impatient(ctx, body)
        elif isinstance(body, Bookmark):
            self.bookmark(ctx)
        elif isinstance(body, ShowUp):
            self.show_up(ctx)
        elif isinstance(body, CheckServices):
            self.check_services(ctx)
        elif isinstance(body, RelayClosed):
            self.drop_watches(src, body.client)
            self.drop_streams(ctx, src, body.client)
        elif isinstance(body, WatchCancel):
            self.drop_watches(src, "", body.watch)
        elif isinstance(body, (StreamData, StreamEnd)):
            self.passed(ctx, src, "", body)

    def _relayed(self, ctx: Context, src: str, body: Relayed) -> None:
        if isinstance(body.frame, Call):
            self.knock(ctx, Hop(src, body.client, body.frame.id), body.frame.body)
        elif isinstance(body.frame, WatchCancel):
            self.drop_watches(src, body.client, body.frame.watch)
        elif isinstance(body.frame, (StreamData, StreamEnd)):
            self.passed(ctx, src, body.client, body.frame)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if peer == self.config.etcd:
            self.lost_feed(ctx)
        else:
            self.drop_watches(peer)

    def synced(self, ctx: Context) -> None:
        """At its first start the server creates what it needs itself."""
        self.begin_showing(ctx)
        setting = self.setting(ctx)
        for bundle in bootstrap.bundles():
            missing = [(row, key) for row, key in bundle.objects if self.caches.get(row, key) is None]
            if missing:
                puts = tuple(Put(key, bootstrap.make(row, key, setting)) for row, key in missing)
                txn = Txn(tuple(Compare(key, "create", "=", 0) for _, key in missing), puts)
                self.ask(ctx, self.config.etcd, txn, "bootstrapped", timeout=ETCD_TIMEOUT)

    def bootstrapped(self, ctx: Context, answer: Any) -> None:
        """Some of the objects are there now; if etcd failed, the next list from it tries again.

        Watches can start from here on: as in a real cluster, no cache reaches back to the first revision.
        """
        if isinstance(answer, TxnResult) and answer.succeeded:
            for row in self.caches.stored_rows():
                cache = self.caches.mine(row.cache)
                cache.since = max(cache.since, answer.revision)

    # ------------------------------------------------------------------ requests

    def dispatch(self, ctx: Context, op: Op) -> None:
        target = op.target
        if self.relay(ctx, op):
            return
        if target.resource is None:
            self.page(ctx, op)
            return
        _check_method(op, target)
        op = _readable(op)
        if op.row in REVIEWS:
            self.review(ctx, op)
            return
        if op.row.kind == "Binding":
            self.change(ctx, _as_subresource(op))
            return
        if op.row.kind == "ComponentStatus":
            self.components(ctx, op)
            return
        if target.subresource == "token":
            self.give_token(ctx, op)
            return
        if target.subresource in CONNECTS and op.row.kind == "Pod":
            self.connect(ctx, op)
            return
        if target.subresource and op.verb != "get":
            self.change(ctx, op)
            return
        match op.verb:
            case "get":
                self.get(ctx, op)
            case "list":
                self.list_objects(ctx, op)
            case "watch":
                self.watch(ctx, op)
            case "create":
                self.create(ctx, op)
            case "deletecollection":
                self.delete_collection(ctx, op)
            case _:
                self.change(ctx, op)


def _as_subresource(op: Op) -> Op:
    """A Binding that is posted by itself is one of the pod that it names. Raises a Refusal (400)."""
    name = bodies.filled(bodies.BINDING, op.request.body).get("metadata", {}).get("name")
    if not name:
        raise status.bad_request("name is required")
    return op._replace(target=Target(scheme.resource("Pod"), op.target.namespace, name, "binding"))


def _readable(op: Op) -> Op:
    """The request with a JSON body, whatever it came in. Raises a Refusal (400, 413)."""
    request = op.request
    if len(request.body) > BODY_LIMIT:
        raise status.too_large(BODY_LIMIT)
    if not request.content_type.startswith(protobuf.MEDIA):
        return op
    try:
        body = protobuf.to_json(request.body) if request.body else b""
    except (ValueError, IndexError) as error:
        raise status.bad_request(str(error)) from None
    return op._replace(request=msgspec.structs.replace(request, body=body, content_type="application/json"))


def _check_method(op: Op, target: Target) -> None:
    """Raises a Refusal (404, 405) for a subresource or a verb that is not there."""
    if target.subresource:
        if target.subresource not in op.row.subresources:
            raise status.unknown_path()
        if op.verb not in _SUBRESOURCE_VERBS.get(target.subresource, ()):
            raise status.method_not_allowed()
        return
    homeless = op.verb == "create" and op.row.namespaced and not target.namespace
    if homeless or op.verb not in op.row.verbs or op.verb not in (_OBJECT if target.name else _COLLECTION):
        raise status.method_not_allowed()
