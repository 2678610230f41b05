"""What a component knows: the objects of one kind as it has listed and watched them (client-go's reflector and store)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from k8s_tutor.api import scheme
from k8s_tutor.sim import MS, SECOND, State

RETRY_FIRST = 800 * MS
"""First wait before listing again after a failure (client-go reflector backoff)."""
RETRY_MOST = 30 * SECOND


class Change(NamedTuple):
    """One object as it was (None: new) and as it is (None: gone), as typed structs that nobody writes to."""

    kind: str
    key: str
    old: Any
    new: Any


class Informer(State):
    """The local store of one kind: ``namespace/name`` (or ``name``) → typed struct. May be behind the API server, never
    ahead of it."""

    def __init__(self, kind: str, field_selector: str = "", label_selector: str = "", root: str = "") -> None:
        self.kind = kind
        self.root = root or scheme.resource(kind).path()
        """The URL of the collection; given for custom resources, of which only the metadata are decoded."""
        self.field_selector = field_selector
        self.label_selector = label_selector
        self.objects: dict[str, Any] = {}
        self.data: dict[str, bytes] = {}
        self.revision = 0
        self.watch = 0
        """Id of the open watch, or 0."""
        self.synced = False
        """Whether a first list has arrived."""
        self.failures = 0

    def copy(self) -> Self:
        """As any part is copied, in one go: there are more of these than of any other part."""
        new = object.__new__(type(self))
        new.__dict__ = self.__dict__.copy()
        new.objects, new.data = self.objects.copy(), self.data.copy()
        return new

    def __iter__(self) -> Iterator[Any]:
        """The objects, ordered by key."""
        return iter([self.objects[key] for key in sorted(self.objects)])

    def __len__(self) -> int:
        return len(self.objects)

    def get(self, namespace: str | None, name: str) -> Any:
        """The object of that name, or None."""
        return self.objects.get(f"{namespace}/{name}" if namespace else name)

    def replace(self, data: bytes) -> list[Change]:
        """Takes a whole list in place of what was known. Returns what differs, in order of the keys."""
        self.revision, items = scheme.decode_list(data)
        fresh = {key_of(item): item for item in items}
        changes = [self.delete(key) for key in sorted(self.objects) if key not in fresh]
        for key in sorted(fresh):
            if self.data.get(key) != fresh[key]:
                changes.append(self.put(key, fresh[key]))
        self.synced, self.failures = True, 0
        return changes

    def put(self, key: str, data: bytes) -> Change:
        """Takes one new or changed object."""
        old, new = self.objects.get(key), scheme.typed(data)
        self.objects[key], self.data[key] = new, data
        return Change(self.kind, key, old, new)

    def delete(self, key: str) -> Change:
        """Forgets one object."""
        self.data.pop(key, None)
        return Change(self.kind, key, self.objects.pop(key, None), None)

    def backoff(self) -> int:
        """How long to wait before the next try to list, µs; doubles with each failure."""
        self.failures += 1
        return min(RETRY_FIRST << min(self.failures - 1, 10), RETRY_MOST)


def key_of(data: bytes) -> str:
    """``namespace/name``, or ``name``, of an object's bytes."""
    _, namespace, name, _ = scheme.split_revision(data)
    return f"{namespace}/{name}" if namespace else name
