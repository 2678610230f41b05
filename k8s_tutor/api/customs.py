"""The API server's own work on CustomResourceDefinitions: names are accepted, kinds established, what goes is cleaned up.

Every server does it; etcd's compare lets one of them win. Source: apiextensions-apiserver pkg/controller.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import deletion, scheme
from k8s_tutor.api.base import ETCD_TIMEOUT
from k8s_tutor.api.crd import definition, rows
from k8s_tutor.api.pages import Pages
from k8s_tutor.api.scheme import Resource, Tree
from k8s_tutor.api.watchcache import Item
from k8s_tutor.etcd.wire import Compare, DeleteRange, Put, Txn
from k8s_tutor.sim import Context

_DEFINITIONS = scheme.resource("CustomResourceDefinition")


class Customs(Pages):
    """The part of the API server that looks after definitions."""

    def defined(self, ctx: Context) -> None:
        """Definitions, or objects of one that goes, have changed."""
        items = self.caches.of(_DEFINITIONS).items
        trees = {key: scheme.tree(items[key].data) for key in sorted(items)}
        stamp = self.setting(ctx).stamp
        for key, tree in trees.items():
            if tree["metadata"].get("deletionTimestamp"):
                self._clean_up(ctx, key, items[key], tree, stamp)
                continue
            settled = definition.settled(tree, trees.values(), stamp)
            if settled is not None:
                self.care(ctx, _DEFINITIONS, key, items[key], {**tree, "status": settled})

    def care(self, ctx: Context, row: Resource, key: str, item: Item, tree: Tree | None) -> None:
        """Stores an object, or deletes it, unless somebody was faster."""
        action = DeleteRange(key) if tree is None else Put(key, scheme.encode(row, tree, item.managed))
        txn = Txn((Compare(key, "mod", "=", item.revision),), (action,))
        self.ask(ctx, self.config.etcd, txn, "cared_for", timeout=ETCD_TIMEOUT)

    def cared_for(self, ctx: Context, answer: Any) -> None:
        """What was written comes back as an event; what was not will be looked at again with the next one."""

    def _clean_up(self, ctx: Context, key: str, item: Item, tree: Tree, stamp: str) -> None:
        finalizers = tree["metadata"].get("finalizers", [])
        if definition.CLEANUP not in finalizers:
            return
        if not rows.is_true(tree, "Terminating"):
            self.care(ctx, _DEFINITIONS, key, item, {**tree, "status": definition.terminating(tree, stamp)})
            return
        row = next((row for row in rows.rows_of(item.data) if row.stored_as is None), None)
        left = dict(self.caches.of(row).items) if row is not None and row.cache in self.caches.kinds else {}
        if row is not None and left:
            for name in sorted(left):
                self._end(ctx, row, name, left[name])
            return
        rest = [one for one in finalizers if one != definition.CLEANUP]
        metadata = {**tree["metadata"], "finalizers": rest}
        self.care(ctx, _DEFINITIONS, key, item, {**tree, "metadata": metadata} if rest else None)

    def _end(self, ctx: Context, row: Resource, key: str, item: Item) -> None:
        tree = scheme.tree(item.data)
        if tree["metadata"].get("deletionTimestamp"):
            return
        outcome = deletion.delete(row, tree, deletion.Options(), self.setting(ctx))
        if outcome.write is not None:
            self.care(ctx, row, key, item, outcome.write)
        elif outcome.remove:
            self.care(ctx, row, key, item, None)
