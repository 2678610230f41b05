"""Watches: who is told of which events, from which revision on (etcd server/storage/mvcc/watchable_store.go).

A watch that begins in the past is *unsynced* until it has been told all that has happened since; it is fed a batch at a time,
and ends when what it still needs is compacted first. A synced watch is told of each revision as it is applied.
"""

from __future__ import annotations

from itertools import groupby

from k8s_tutor.etcd.base import MemberBase, Watcher
from k8s_tutor.etcd.errors import ERR_COMPACTED
from k8s_tutor.etcd.wire import Event, WatchCanceled, WatchCreate, WatchCreated, WatchEvents, WatchProgress, covers
from k8s_tutor.sim import Context, Reply

BATCH = 1_000
"""Revisions of the past that a watch is told at once (watchBatchMaxRevs); the rest follows with the next ticks."""


class Watching(MemberBase):
    """The part of a member that keeps watches."""

    def watch(self, ctx: Context, src: str, call: int, ask: WatchCreate) -> None:
        """Opens a watch; what lies in the past is told at once."""
        store = self.store
        self.watchers[call] = Watcher(
            src, ask.key, ask.end, ask.start_revision, ask.prev_kv, ask.progress_notify, ask.no_put, ask.no_delete
        )
        if not self.next_progress:
            self.next_progress = ctx.now + self.config.progress_interval
        ctx.reply(src, Reply(call, WatchCreated(call, store.revision)))
        if 0 < ask.start_revision <= store.revision:
            self.unsynced[call] = ask.start_revision
            self.catch_up(ctx)

    def unwatch(self, ident: int) -> None:
        """Closes a watch."""
        self.watchers.pop(ident, None)
        self.unsynced.pop(ident, None)
        self.told.pop(ident, None)

    def catch_up(self, ctx: Context) -> None:
        """Tells each unsynced watch one batch of what it has missed (syncWatchers)."""
        store = self.store
        for ident, revision in list(self.unsynced.items()):
            if revision < store.compacted:
                watcher = self.watchers[ident]
                self.unwatch(ident)
                ctx.reply(watcher.client, WatchCanceled(ident, ERR_COMPACTED, store.compacted))
                continue
            upto = revision + BATCH
            events = store.events_since(revision)
            if upto > store.revision:
                del self.unsynced[ident]
            else:
                events = [event for event in events if event.kv.mod_revision < upto]
                self.unsynced[ident] = upto
            self._tell_one(ctx, ident, self.watchers[ident], events)

    def tell(self, ctx: Context, events: list[Event]) -> None:
        """Tells all synced watches of their keys what has just happened."""
        for ident, watcher in self.watchers.items():
            if ident not in self.unsynced:
                self._tell_one(ctx, ident, watcher, events)

    def _tell_one(self, ctx: Context, ident: int, watcher: Watcher, events: list[Event]) -> None:
        """One frame a revision."""
        mine = [event for event in events if _concerns(watcher, event)]
        if not mine:
            return
        if not watcher.prev_kv:
            mine = [Event(event.type, event.kv) for event in mine]
        if watcher.progress:
            self.told[ident] = None
        for revision, same in groupby(mine, key=_revision):
            ctx.reply(watcher.client, WatchEvents(ident, revision, tuple(same)))

    def report_progress(self, ctx: Context) -> None:
        """Now and then: watches that want it and have had no events learn up to where they know everything."""
        self.next_progress = ctx.now + self.config.progress_interval
        for ident, watcher in self.watchers.items():
            if watcher.progress and ident not in self.told and ident not in self.unsynced:
                ctx.reply(watcher.client, WatchEvents(ident, self.store.revision, ()))
        self.told.clear()

    def asked_for_progress(self, ctx: Context, src: str, body: WatchProgress) -> None:
        """By hand: answered for all watches of a client at once, and only when all of them are synced."""
        mine = [ident for ident, watcher in self.watchers.items() if watcher.client == src]
        if mine and not any(ident in self.unsynced for ident in mine):
            ctx.reply(src, WatchEvents(-1, self.store.revision, ()))

    def end_watches(self, ctx: Context, reason: str) -> None:
        """All watches end."""
        for ident, watcher in self.watchers.items():
            ctx.reply(watcher.client, WatchCanceled(ident, reason))
        self.watchers.clear()
        self.unsynced.clear()
        self.told.clear()


def _concerns(watcher: Watcher, event: Event) -> bool:
    kv = event.kv
    if kv.mod_revision < watcher.start or not covers(watcher.key, watcher.end, kv.key):
        return False
    return not (watcher.no_put if event.type == "PUT" else watcher.no_delete)


def _revision(event: Event) -> int:
    return event.kv.mod_revision
