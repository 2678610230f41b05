"""What admission knows of one request, and what it wants besides a change or a refusal."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from k8s_tutor.api import scheme
from k8s_tutor.api.authn import User
from k8s_tutor.api.rbac import Rights
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Cause, Refusal, Subject, forbidden
from k8s_tutor.api.watchcache import Caches, Item

Tree = dict[str, Any]


class Charge(NamedTuple):
    """A ResourceQuota that must be written, at this revision, before the object may be."""

    key: str
    data: bytes
    revision: int


class Gate:
    """One request on its way through the gates. Lives no longer than the delivery that handles it.

    ``rights`` is None for what the server itself makes: then nobody has to hold anything.
    """

    __slots__ = ("caches", "charges", "dry", "namespace", "operation", "rights", "stages", "subresource", "user", "warnings")

    def __init__(
        self, caches: Caches, rights: Rights | None, user: User, operation: str, namespace: str, subresource: str = "",
        dry: bool = False,
    ) -> None:  # fmt: skip
        self.caches, self.rights, self.user = caches, rights, user
        self.operation = operation
        """``CREATE``, ``UPDATE`` or ``DELETE``."""
        self.namespace, self.subresource, self.dry = namespace, subresource, dry
        self.warnings: list[str] = []
        self.charges: list[Charge] = []
        self.stages: list[str] = []
        """What it has come to: ``decode``, ``default``, ``mutate``, ``validate``, ``admit`` and others; it has passed all but
        the last one."""

    def enter(self, stage: str) -> None:
        """It comes to the next stage, and so has passed the one before."""
        if not self.stages or self.stages[-1] != stage:
            self.stages.append(stage)

    def way(self, mark: str) -> tuple[str, ...]:
        """All stages so far, the last one with this mark: ``decode ✓``, ``default ✗``."""
        return _way(tuple(self.stages), mark)

    def item(self, kind: str, name: str, namespace: str = "") -> Item | None:
        """What the server knows of an object."""
        row = scheme.resource(kind)
        return self.caches.get(row, row.key(namespace if row.namespaced else "", name))

    def get(self, kind: str, name: str, namespace: str = "") -> Tree | None:
        """An object, or None."""
        item = self.item(kind, name, namespace)
        return None if item is None else scheme.tree(item.data)

    def items(self, kind: str, namespace: str = "") -> list[tuple[str, Item]]:
        """(key, item) of all objects of a kind (in a namespace), by key."""
        return self._items(scheme.resource(kind), namespace)

    def _items(self, row: Resource, namespace: str) -> list[tuple[str, Item]]:
        prefix = f"{row.prefix}{namespace}/" if namespace else row.prefix
        items = self.caches.of(row).items
        return [(key, items[key]) for key in sorted(items) if key.startswith(prefix)] if items else []

    def all(self, kind: str, namespace: str = "") -> list[Tree]:
        """All objects of a kind (in a namespace), by key."""
        return self.all_of(scheme.resource(kind), namespace)

    def all_of(self, row: Resource, namespace: str = "") -> list[Tree]:
        """The same for a row, which may be that of a custom resource."""
        return [scheme.tree(item.data) for _, item in self._items(row, namespace)]


@lru_cache(maxsize=256)
def _way(stages: tuple[str, ...], mark: str) -> tuple[str, ...]:
    return (*(f"{stage} ✓" for stage in stages[:-1]), *(f"{stage} {mark}" for stage in stages[-1:]))


def name_of(tree: Tree) -> str:
    """The name that a refusal gives an object, which may have none yet (admission/errors.go)."""
    metadata = tree.get("metadata", {})
    return metadata.get("name") or metadata.get("generateName") or "Unknown"


def refused(row: Resource, tree: Tree, why: str, causes: tuple[Cause, ...] = ()) -> Refusal:
    """403 of a plugin: ``pods "p" is forbidden: ...``."""
    return forbidden(Subject(row.group, row.plural, name_of(tree)), why, causes)


def aggregate(texts: list[str]) -> str:
    """Several errors as one text: ``[a, b]``, without brackets for a single one."""
    found = list(dict.fromkeys(texts))
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"
