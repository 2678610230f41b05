"""GET, LIST and WATCH.

Without a resourceVersion a read goes to etcd and through its quorum; with ``resourceVersion=0`` it is answered from the
watch cache, which may be behind.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import fieldlabels, numbers, paging, presenting, scheme, selectors, status
from k8s_tutor.api.base import ETCD_TIMEOUT, Op
from k8s_tutor.api.feed import Feed
from k8s_tutor.api.status import Cause, Refusal, Subject
from k8s_tutor.api.strategy import subject
from k8s_tutor.api.subresources import scale_of
from k8s_tutor.api.validation import causes
from k8s_tutor.api.watchcache import Scope, Watcher
from k8s_tutor.api.wire import Response, WatchEnd, WatchFrame
from k8s_tutor.etcd.wire import EtcdError, Range, RangeResult, prefix_end
from k8s_tutor.sim import SECOND, Body, Context, Reply

_encode = msgspec.json.Encoder().encode

PATIENCE = 3 * SECOND
"""How long a read waits for a revision that has not come yet (apiserver storage/cacher blockTimeout)."""


class Early(Body):
    """A timer: the read of this call has waited long enough."""

    call: int


def revision_of(op: Op) -> int:
    """The resourceVersion that the client asks for; 0 also when it asks for none. Raises a Refusal."""
    text = op.request.parameter("resourceVersion")
    revision = numbers.unsigned(text or "0")
    if revision is not None:
        return revision
    problem = f'resourceVersion: Invalid value: "{text}": {numbers.problem("ParseUint", text)}'
    if op.verb == "watch":
        raise status.internal_error(problem)
    raise status.bad_request(f"invalid resource version: {problem}")


def scope_of(op: Op) -> Scope:
    """What a list or watch is about. Raises a Refusal for selectors that cannot be read."""
    row, target = op.row, op.target
    prefix = row.prefix
    if row.namespaced and target.namespace:
        prefix += f"{target.namespace}/"
    try:
        labels = selectors.parse(op.request.parameter("labelSelector"))
        fields = selectors.parse_fields(op.request.parameter("fieldSelector"))
    except ValueError as error:
        raise status.bad_request(str(error)) from None
    for term in fields:
        if term.path not in fieldlabels.of(row):
            raise status.bad_request(fieldlabels.unknown(row, term.path))
    if target.name:
        fields = (*fields, selectors.FieldTerm("metadata.name", True, target.name))
    return Scope(prefix, labels, fields)


def check_match(op: Op) -> None:
    """``resourceVersionMatch`` and ``sendInitialEvents`` fit the rest (meta/internalversion/validation). Raises a Refusal."""
    request = op.request
    match, revision = request.parameter("resourceVersionMatch"), request.parameter("resourceVersion")
    initial = request.parameter("sendInitialEvents")
    if not match and not initial:
        return
    field = "resourceVersionMatch"
    found: list[Cause] = []
    if op.verb == "watch":
        if initial and match != "NotOlderThan":
            text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            found.append(causes.forbidden(field, text))
        if match and not initial:
            text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            found.append(causes.forbidden(field, text))
        if match not in ("", "NotOlderThan"):
            found.append(causes.not_supported(field, match, ("NotOlderThan",)))
    elif match:
        if not revision:
            found.append(causes.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if request.parameter("continue"):
            found.append(causes.forbidden(field, "resourceVersionMatch is forbidden when continue is provided"))
        if match not in ("Exact", "NotOlderThan"):
            found.append(causes.not_supported(field, match, ("Exact", "NotOlderThan", "")))
        if match == "Exact" and revision == "0":
            found.append(causes.forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    if initial and op.verb != "watch":
        found.append(causes.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if found:
        raise status.invalid(Subject("meta.k8s.io", "ListOptions"), found)


class Reads(Feed):
    """The part of the API server that answers reads."""

    # ------------------------------------------------------------------ one object

    def get(self, ctx: Context, op: Op) -> None:
        """GET of one object or of a readable subresource."""
        presenting.check(op.row, op.request, op.verb)
        if self.is_early(ctx, op, revision_of(op)):
            return
        if op.request.parameter("resourceVersion") and self.caches.ready:
            item = self.caches.get(op.row, op.key)
            self.note_request(ctx, op, "cache ✓")
            self._got(ctx, op, item.data if item else None, item.revision if item else 0)
            return
        self.note_request(ctx, op, "read …")
        self.ask(ctx, self.config.etcd, Range(op.key), "got", (op,), ETCD_TIMEOUT)

    def got(self, ctx: Context, answer: Any, op: Op) -> None:
        """Takes what etcd holds under the key."""
        if self.unanswered(ctx, op, answer):
            return
        pair = answer.kvs[0] if answer.kvs else None
        self._got(ctx, op, pair.value if pair else None, pair.mod_revision if pair else 0)

    def _got(self, ctx: Context, op: Op, data: bytes | None, revision: int) -> None:
        if data is None:
            self.refuse(ctx, op, status.not_found(subject(op.row, op.target.name)))
            return
        found = scheme.with_revision(op.row, data, revision, op.request.managed)
        if op.target.subresource == "scale":
            self.answer_tree(ctx, op, 200, scale_of(op.row, scheme.tree(found)))
        else:
            self.answer(ctx, op, 200, self.object_body(ctx, op, found))

    # ------------------------------------------------------------------ lists

    def list_objects(self, ctx: Context, op: Op) -> None:
        """LIST of a collection, or of one namespace of it."""
        check_match(op)
        presenting.check(op.row, op.request, op.verb)
        scope, page = scope_of(op), paging.page_of(op.request)
        revision = revision_of(op)
        if page.start and revision:
            raise status.bad_request("specifying resource version is not allowed when using continue")
        exact = op.request.parameter("resourceVersionMatch") == "Exact" or (
            revision > 0 and page.limit > 0 and not op.request.parameter("resourceVersionMatch") and not page.start
        )
        if exact and revision > self.caches.revision:
            raise status.too_large_revision(revision, self.caches.revision)
        if self.is_early(ctx, op, revision):
            return
        cached = op.request.parameter("resourceVersion") and not page.start and not exact
        if cached and self.caches.ready:
            self.note_request(ctx, op, "cache ✓")
            found = self.caches.of(op.row).select(op.row, scope, op.request.managed)
            self._send_list(ctx, op, [data for _, data in found], {"resourceVersion": str(self.caches.revision)})
            return
        self.note_request(ctx, op, "read …")
        at = page.revision or (revision if exact else 0)
        # With a selector every key must be seen: pages are then cut after selecting.
        limit = page.limit if scope.whole else 0
        ask = Range(page.start or scope.prefix, prefix_end(scope.prefix), at, limit)
        self.ask(ctx, self.config.etcd, ask, "listed", (op,), ETCD_TIMEOUT)

    def listed(self, ctx: Context, answer: Any, op: Op) -> None:
        """Takes a range of keys."""
        scope, page = scope_of(op), paging.page_of(op.request)
        if isinstance(answer, EtcdError) and "compacted" in answer.message:
            self.refuse(ctx, op, paging.expired(page))
            return
        if self.unanswered(ctx, op, answer):
            return
        result: RangeResult = answer
        found = []
        for pair in result.kvs:
            data = scheme.with_revision(op.row, pair.value, pair.mod_revision, op.request.managed)
            if scope.whole or scope.selects(scheme.tree(data)):
                found.append((pair.key, data))
        metadata: dict[str, Any] = {"resourceVersion": str(page.revision or result.revision)}
        remaining = result.count - len(result.kvs) if scope.whole else len(found) - page.limit
        if page.limit and remaining > 0 and found:
            found = found[: page.limit]
            at = page.revision or result.revision
            metadata["continue"] = paging.token(at, found[-1][0] + "\0")
            if scope.whole:
                metadata["remainingItemCount"] = remaining
        self._send_list(ctx, op, [data for _, data in found], metadata)

    def _send_list(self, ctx: Context, op: Op, items: list[bytes], metadata: dict[str, Any]) -> None:
        self.answer(ctx, op, 200, presenting.many(op.row, op.request, items, metadata, self.moment(ctx)))

    # ------------------------------------------------------------------ watches

    def watch(self, ctx: Context, op: Op) -> None:
        """Opens a watch: what the client has missed first, then each change as it comes."""
        check_match(op)
        presenting.check(op.row, op.request, op.verb)
        scope, revision = scope_of(op), revision_of(op)
        if not self.caches.ready:
            raise status.too_many_requests("storage is (re)initializing", 1)
        initial = op.request.parameter("sendInitialEvents")
        if initial == "true" and self.is_early(ctx, op, revision):
            return
        cache = self.caches.of(op.row)
        self.note_request(ctx, op, "watch ✓")
        self.send(ctx, op.hop, Reply(op.hop.call, Response(200, streams=True)))
        call = op.hop.call
        if 0 < revision < cache.since and initial != "true":
            gone = status.too_old(revision, cache.since)
            self.send(ctx, op.hop, WatchFrame(call, "ERROR", _encode(gone.tree)))
            self.send(ctx, op.hop, WatchEnd(call))
            return
        bookmarks = op.request.parameter("allowWatchBookmarks") in ("true", "1")
        plain = not op.request.managed and op.request.accept == "application/json"
        watcher = Watcher(op.hop, scope, max(revision, self.caches.revision), bookmarks, None if plain else op.request,
                          op.row if op.row.stored_as else None)  # fmt: skip
        cache = self.caches.mine(op.row.cache)
        cache.add(watcher)
        if initial == "true" or (not revision and initial != "false"):
            for _, data in cache.select(op.row, scope, op.request.managed):
                at = int(scheme.tree(data)["metadata"]["resourceVersion"])
                body = self.watch_object(ctx, op.row, watcher, data)
                self.send(ctx, op.hop, WatchFrame(call, "ADDED", body, at))
        elif revision:
            for change in cache.history:
                if change.revision > revision:
                    self.pass_on(ctx, op.row, watcher, change)
        if initial == "true" and bookmarks:
            frame = self.bookmark_frame(op.row, call, {"k8s.io/initial-events-end": "true"})
            body = self.watch_object(ctx, op.row, watcher, frame.object)
            self.send(ctx, op.hop, WatchFrame(call, frame.type, body, frame.revision))

    def is_early(self, ctx: Context, op: Op, revision: int) -> bool:
        """Whether a read must wait for its revision: it goes on when that has come, and is refused after a while."""
        if revision <= self.caches.revision:
            return False
        if op.tries:
            raise status.too_large_revision(revision, self.caches.revision)
        self.early[op.hop.call] = op
        ctx.after(PATIENCE, Early(op.hop.call))
        return True

    def catch_up(self, ctx: Context) -> None:
        for call, op in list(self.early.items()):
            if revision_of(op) <= self.caches.revision:
                del self.early[call]
                self.again(ctx, op)

    def give_up(self, ctx: Context, call: int) -> None:
        """A read has waited long enough."""
        op = self.early.pop(call, None)
        if op is not None:
            self.again(ctx, op._replace(tries=1))

    def again(self, ctx: Context, op: Op) -> None:
        """Takes up a read that was put aside."""
        self.serving = op.hop
        read = {"get": self.get, "list": self.list_objects, "watch": self.watch}[op.verb]
        try:
            read(ctx, op)
        except Refusal as refusal:
            self.refuse(ctx, op, refusal, "read ✗")

    def watch_object(self, ctx: Context, row: scheme.Resource, watcher: Watcher, data: bytes) -> bytes:
        if watcher.request is None:
            return data
        return presenting.one(row, watcher.request, data, self.moment(ctx), watching=True)

    def drop_watches(self, via: str, client: str | None = None, call: int = 0) -> None:
        """Forgets the watches of a connection, of one client behind it, or of one call."""
        for row, cache in self.caches:
            for watcher in list(cache.watchers.values()):
                hop = watcher.hop
                if hop.via == via and (client is None or hop.client == client) and (not call or hop.call == call):
                    self.caches.mine(row.cache).drop(hop.call)


