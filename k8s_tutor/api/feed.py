"""How the watch caches are filled: one list of all of ``/registry/``, then one etcd watch from there on.

When that watch ends, or the connection to etcd does, the server lists again; once it has, it ends all its clients' watches,
so that they list again too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from k8s_tutor.api import schema, scheme
from k8s_tutor.api.base import ETCD_TIMEOUT, ServerBase
from k8s_tutor.api.crd.rows import custom_rows
from k8s_tutor.api.preparing import ZERO_STATUS
from k8s_tutor.api.watchcache import Change, Item, KindCache, Watcher, frame_of
from k8s_tutor.api.wire import WatchEnd, WatchFrame
from k8s_tutor.etcd.wire import Range, RangeResult, WatchCreate, WatchCreated, WatchEvents, prefix_end
from k8s_tutor.sim import SECOND, Body, Context

ROOT = "/registry/"
_DEFINITIONS = scheme.resource("CustomResourceDefinition")
_SERVICES = scheme.resource("APIService")
RETRY = 1 * SECOND
BOOKMARK_PERIOD = 60 * SECOND

_encode = msgspec.json.Encoder().encode


class Refeed(Body):
    """A timer: try again to list from etcd."""


class Bookmark(Body):
    """A timer: tell the watches how far this server is."""


class Feed(ServerBase):
    """The part of the API server that listens to etcd."""

    def begin_feed(self, ctx: Context) -> None:
        """Lists everything; the watch follows."""
        self.feed = 0
        self.ask(ctx, self.config.etcd, Range(ROOT, prefix_end(ROOT)), "listed_all", timeout=ETCD_TIMEOUT)

    def listed_all(self, ctx: Context, answer: Any) -> None:
        """Takes the list in place of what the caches held."""
        if not isinstance(answer, RangeResult):
            ctx.after(RETRY, Refeed(), work=False)
            return
        again = self.caches.ready
        for _, cache in self.caches:
            for watcher in cache.watchers.values():
                self.send(ctx, watcher.hop, WatchEnd(watcher.hop.call))
        self.define([pair.value for pair in answer.kvs if pair.key.startswith(_DEFINITIONS.prefix)])
        for row in self.caches.stored_rows():
            self.caches.empty(row.cache, answer.revision)
        for pair in answer.kvs:
            found = self.caches.row_of(pair.key)
            if found is not None:
                self.caches.of(found).items[pair.key] = Item(pair.value, pair.mod_revision)
        self.caches.revision, self.caches.ready = answer.revision, True
        if ctx.work:
            ctx.note("api.synced", revision=answer.revision, keys=len(answer.kvs), again=again)
        watch = WatchCreate(ROOT, prefix_end(ROOT), answer.revision + 1, prev_kv=True)
        self.feed = self.ask(ctx, self.config.etcd, watch, "feeding", timeout=ETCD_TIMEOUT)
        self.synced(ctx)
        self.services_changed(ctx)

    def feeding(self, ctx: Context, answer: Any) -> None:
        """The watch is open, or it could not be opened."""
        if not isinstance(answer, WatchCreated):
            self.feed = 0
            ctx.after(RETRY, Refeed(), work=False)

    def synced(self, ctx: Context) -> None:
        """Called when the caches are complete."""

    def lost_feed(self, ctx: Context) -> None:
        """The watch is gone: begin again."""
        if self.feed:
            self.feed = 0
            ctx.after(RETRY, Refeed(), work=False)

    # ------------------------------------------------------------------ events

    def take_events(self, ctx: Context, frame: WatchEvents) -> None:
        """Brings the caches up to a revision and tells the watches."""
        if frame.watch != self.feed:
            return
        changed = services = False
        for event in frame.events:
            row = self.caches.row_of(event.kv.key)
            if row is None:
                continue
            cache = self.caches.mine(row.cache)
            before = cache.items.get(event.kv.key)
            old = event.previous.value if event.previous else before.data if before else None
            new = event.kv.value if event.type == "PUT" else None
            change = Change(frame.revision, event.kv.key, new, old)
            cache.record(change)
            self.tell(ctx, row, cache, change)
            services = services or row is _SERVICES
            if row is _DEFINITIONS:
                self.redefine(ctx)
            elif row.custom and new is None:
                changed = True
            changed = changed or row is _DEFINITIONS
        self.caches.revision = frame.revision
        if changed:
            self.defined(ctx)
        if services:
            self.services_changed(ctx)
        if self.early:
            self.catch_up(ctx)

    # ------------------------------------------------------------------ custom resources

    def define(self, definitions: list[bytes]) -> None:
        """Takes the custom resources that these definitions establish in place of those known so far."""
        self.caches.custom.clear()
        for row in custom_rows(definitions):
            self.caches.custom[row.group, row.version, row.plural] = row

    def redefine(self, ctx: Context) -> None:
        """A definition has changed: what is new gets a cache, which is filled by a list; watches of what has changed end."""
        before = {row.cache: row.custom for row in self.caches.custom.values()}
        self.define([item.data for item in self.caches.of(_DEFINITIONS).items.values()])
        after = {row.cache: row.custom for row in self.caches.custom.values()}
        for name, definition in before.items():
            if after.get(name) != definition and name in self.caches.kinds:
                for watcher in self.caches.kinds[name].watchers.values():
                    self.send(ctx, watcher.hop, WatchEnd(watcher.hop.call))
                for call in list(self.caches.kinds[name].watchers):
                    self.caches.mine(name).drop(call)
                if name not in after:
                    self.caches.forget(name)
        for row in self.caches.stored_rows():
            if row.cache not in self.caches.kinds:
                self.caches.empty(row.cache, self.caches.revision)

    def defined(self, ctx: Context) -> None:
        """Called when definitions have changed, or objects of custom kinds are gone."""

    def services_changed(self, ctx: Context) -> None:
        """Called when APIServices may have changed."""

    # ------------------------------------------------------------------ requests that are ahead

    def catch_up(self, ctx: Context) -> None:
        """Requests for a revision that has now come go on."""

    def tell(self, ctx: Context, row: scheme.Resource, cache: KindCache, change: Change) -> None:
        """Sends one change to every watch that it concerns."""
        nodes: tuple[str, ...] = ()
        if cache.by_node:
            nodes = tuple(
                scheme.tree(scheme.with_revision(row, data, change.revision)).get("spec", {}).get("nodeName", "")
                for data in (change.new, change.old) if data is not None
            )  # fmt: skip
        for watcher in cache.interested(nodes):
            if change.revision > watcher.after:
                self.pass_on(ctx, row, watcher, change)

    def pass_on(self, ctx: Context, row: scheme.Resource, watcher: Watcher, change: Change) -> None:
        """Sends one change to one watch, if it concerns it."""
        row = watcher.row or row
        managed = watcher.request is not None and watcher.request.managed
        found = frame_of(row, change, watcher.scope, managed)
        if found is not None:
            kind, data = found
            body = self.watch_object(ctx, row, watcher, data)
            self.send(ctx, watcher.hop, WatchFrame(watcher.hop.call, kind, body, change.revision))

    def watch_object(self, ctx: Context, row: scheme.Resource, watcher: Watcher, data: bytes) -> bytes:
        """The object of a frame: itself, or a Table with one row."""
        return data

    # ------------------------------------------------------------------ bookmarks

    def bookmark(self, ctx: Context) -> None:
        """Tells the watches that want it up to where this server knows everything."""
        ctx.after(BOOKMARK_PERIOD, Bookmark(), work=False)
        for row, cache in self.caches:
            for watcher in cache.watchers.values():
                if watcher.bookmarks:
                    seen = watcher.row or row
                    frame = self.bookmark_frame(seen, watcher.hop.call)
                    body = self.watch_object(ctx, seen, watcher, frame.object)
                    self.send(ctx, watcher.hop, WatchFrame(frame.watch, frame.type, body, frame.revision))

    def bookmark_frame(self, row: scheme.Resource, call: int, annotations: dict[str, str] | None = None) -> WatchFrame:
        """A BOOKMARK at the caches' revision."""
        metadata: scheme.Tree = {"resourceVersion": str(self.caches.revision)}
        if annotations:
            metadata["annotations"] = annotations
        data = _encode({"kind": row.kind, "apiVersion": row.api_version, "metadata": metadata, **blank(row)})
        return WatchFrame(call, "BOOKMARK", data, self.caches.revision)


@lru_cache(maxsize=256)
def blank(row: scheme.Resource) -> scheme.Tree:
    """What Go prints of an empty object besides its metadata, as a bookmark carries it."""
    if row.custom:
        return {}
    fields = schema.fields(row.type_name)
    found = {"spec": _zero(fields["spec"].t)} if "spec" in fields else {}
    if "status" in fields:
        found["status"] = dict(ZERO_STATUS.get(row.kind, {}))
    return found


def _zero(t: str) -> Any:
    """The zero value of a type: what Go always prints is what the schema calls required."""
    if not schema.is_struct(t) or t.endswith(".LabelSelector"):
        return {"string": "", "boolean": False}.get(t, 0 if t.startswith("integer") else None)
    found = {name: _zero(field.t) for name, field in schema.fields(t).items() if field.required}
    if t.endswith(".PodTemplateSpec"):
        found = {"metadata": {}, "spec": _zero(schema.fields(t)["spec"].t)}
    return found
