"""The objects that API servers know, as trees: each is decoded once and found again while it stays the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8s_tutor.api import scheme
from k8s_tutor.api.server import ApiServer
from k8s_tutor.api.watchcache import Change, Item, KindCache


class _Known(NamedTuple):
    """A kind as it was last seen: the cache itself, its latest change, and what was in it."""

    cache: KindCache
    change: Change | None
    items: dict[str, tuple[Item, Any]]
    """Key in etcd → (object, its tree), ordered by key."""
    trees: Mapping[str, Any]


def row_of(server: ApiServer | None, kind: str) -> scheme.Resource | None:
    """The row of a kind, custom ones included, as far as a server knows it."""
    if server is None or kind in scheme.BY_KIND:
        return scheme.BY_KIND.get(kind)
    return next((row for row in server.caches.custom.values() if row.kind == kind and row.stored_as is None), None)


class Trees:
    """What the watch caches of a cluster's API servers hold, as trees. Equal caches give the very same mapping."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Known] = {}

    def of(self, server: ApiServer | None, kind: str) -> Mapping[str, Any]:
        """``namespace/name`` → tree, ordered by key. Neither the mapping nor a tree may be changed."""
        row = row_of(server, kind)
        if server is None or row is None:
            return {}
        cache = server.caches.of(row)
        known = self._known.get((server.name, kind))
        change = cache.history[-1] if cache.history else None
        if known is not None and known.cache is cache and known.change is change:
            return known.trees
        new = self._look(row, cache, change, known)
        self._known[server.name, kind] = new
        return new.trees

    def _look(self, row: scheme.Resource, cache: KindCache, change: Change | None, known: _Known | None) -> _Known:
        """The kind as it is now; objects that are what they were keep their trees."""
        before = known.items if known is not None else {}
        items: dict[str, tuple[Item, Any]] = {}
        same = len(before) == len(cache.items)
        for key in sorted(cache.items):
            item, old = cache.items[key], before.get(key)
            if old is not None and (old[0] is item or old[0] == item):
                items[key] = old
            else:
                items[key] = item, scheme.tree(scheme.with_revision(row, item.data, item.revision))
                same = False
        if known is not None and same:
            return _Known(cache, change, items, known.trees)
        return _Known(cache, change, items, {key.removeprefix(row.prefix): pair[1] for key, pair in items.items()})
