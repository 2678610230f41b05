"""The watch cache: what one API server knows of each kind, its recent changes, and who watches it.

Fed by one etcd watch (see `feed`). Source: apiserver storage/cacher.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, Self

from k8s_tutor.api import scheme, selectors
from k8s_tutor.api.scheme import Resource, Tree
from k8s_tutor.api.selectors import FieldTerm, Selector
from k8s_tutor.api.wire import Request
from k8s_tutor.sim import State

CAPACITY = 1_000
"""Changes of a kind that are kept for watches that start in the past (the real one grows from 100 to 102,400)."""


class Item(NamedTuple):
    """One object as etcd holds it, at the revision of its last change."""

    data: bytes
    revision: int

    @property
    def managed(self) -> bytes:
        """The JSON of its ``managedFields``."""
        return scheme.split(self.data)[1]


class Change(NamedTuple):
    """One change: what the object is now (None: deleted) and was before (None: new), both as stored bytes."""

    revision: int
    key: str
    new: bytes | None
    old: bytes | None


class Hop(NamedTuple):
    """The way back to a client: the peer of the connection, the client behind it if that is the load balancer, the call."""

    via: str
    client: str
    call: int


class Scope(NamedTuple):
    """Which objects of a kind a list or a watch is about."""

    prefix: str
    labels: Selector = selectors.EVERYTHING
    fields: tuple[FieldTerm, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether there is no selector."""
        return not self.fields and self.labels == selectors.EVERYTHING

    def selects(self, tree: Tree) -> bool:
        """Whether the selectors take this object."""
        if self.fields and not selectors.fields_match(self.fields, tree):
            return False
        return self.labels.matches(tree["metadata"].get("labels"))

    @property
    def node(self) -> str:
        """The node whose pods are meant, when that is asked: such watches are found by index."""
        return next((term.value for term in self.fields if term.equal and term.path == "spec.nodeName"), "")


class Watcher(NamedTuple):
    """One open watch. Changes up to ``after`` are not sent."""

    hop: Hop
    scope: Scope
    after: int = 0
    bookmarks: bool = False
    request: Request | None = None
    """What the client asked for, when it is more than the plain objects."""
    row: Resource | None = None
    """The version that the client asked for, where it is not the stored one."""


class KindCache(State):
    """One kind."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.history: deque[Change] = deque(maxlen=CAPACITY)
        self.since = 0
        """Watches can start at any revision from here on."""
        self.watchers: dict[int, Watcher] = {}
        self.by_node: dict[str, tuple[int, ...]] = {}
        """Watches for the pods of one node, which need not be asked about other pods."""
        self.plain: dict[int, None] = {}

    def copy(self) -> Self:
        """As any part is copied, in one go: there are many kinds, and most of them have nothing."""
        new = object.__new__(type(self))
        new.items, new.history, new.since = self.items.copy(), self.history.copy(), self.since
        new.watchers, new.by_node, new.plain = self.watchers.copy(), self.by_node.copy(), self.plain.copy()
        return new

    @property
    def last(self) -> int:
        """Revision of the latest change, or of the first list."""
        return self.history[-1].revision if self.history else self.since

    def record(self, change: Change) -> None:
        """Takes one change."""
        if change.new is None:
            self.items.pop(change.key, None)
        else:
            self.items[change.key] = Item(change.new, change.revision)
        if len(self.history) == CAPACITY:
            self.since = self.history[0].revision
        self.history.append(change)

    def add(self, watcher: Watcher) -> None:
        """Opens a watch."""
        call, node = watcher.hop.call, watcher.scope.node
        self.watchers[call] = watcher
        if node:
            self.by_node[node] = (*self.by_node.get(node, ()), call)
        else:
            self.plain[call] = None

    def drop(self, call: int) -> Watcher | None:
        """Closes a watch."""
        watcher = self.watchers.pop(call, None)
        if watcher is None:
            return None
        node = watcher.scope.node
        if node:
            self.by_node[node] = tuple(other for other in self.by_node[node] if other != call)
        else:
            self.plain.pop(call, None)
        return watcher

    def interested(self, nodes: tuple[str, ...]) -> list[Watcher]:
        """The watches that a change of a pod on (or moving between) these nodes may concern."""
        calls = [*self.plain]
        for node in dict.fromkeys(nodes):
            calls += self.by_node.get(node, ())
        return [self.watchers[call] for call in calls]

    def select(self, row: Resource, scope: Scope, managed: bool = False) -> list[tuple[str, bytes]]:
        """(key, bytes with resourceVersion) of all objects in a scope, ordered by key."""
        found = []
        for key in sorted(self.items):
            if key.startswith(scope.prefix):
                item = self.items[key]
                data = scheme.with_revision(row, item.data, item.revision)
                if scope.whole or scope.selects(scheme.tree(data)):
                    if managed:
                        data = scheme.with_revision(row, item.data, item.revision, True)
                    found.append((key, data))
        return found


class Caches(State):
    """The caches of all kinds, custom ones included, and the revision up to which they are complete.

    A copy shares the cache of a kind until one of the two changes it: there are many kinds, and few of them change between two
    checkpoints. Whoever changes one takes it from `mine`.
    """

    def __init__(self) -> None:
        self.kinds: dict[str, KindCache] = {row.kind: KindCache() for row in scheme.RESOURCES}
        self.shared: dict[str, None] = {}
        """Kinds whose cache a copy of this part holds too."""
        self.custom: dict[tuple[str, str, str], Resource] = {}
        """Rows of custom resources by group, version and plural."""
        self.revision = 0
        self.ready = False
        """Whether a first list has come from etcd."""

    def copy(self) -> Self:
        new = object.__new__(type(self))
        new.kinds = self.kinds.copy()
        self.shared = dict.fromkeys(self.kinds)
        new.shared = self.shared.copy()
        new.custom = dict(self.custom)
        new.revision, new.ready = self.revision, self.ready
        return new

    def __iter__(self) -> Iterator[tuple[Resource, KindCache]]:
        for row in self.stored_rows():
            yield row, self.of(row)

    def stored_rows(self) -> tuple[Resource, ...]:
        """Every row whose bytes etcd keeps."""
        return (*scheme.RESOURCES, *(row for row in self.custom.values() if row.stored_as is None))

    def of(self, row: Resource) -> KindCache:
        """The cache of a kind, to be read."""
        return self.kinds[row.cache]

    def mine(self, name: str) -> KindCache:
        """The cache of a kind (`Resource.cache`), to be changed."""
        if name in self.shared:
            del self.shared[name]
            self.kinds[name] = self.kinds[name].copy()
        return self.kinds[name]

    def empty(self, name: str, revision: int) -> None:
        """Begins the cache of a kind anew, with what it will hear after a revision."""
        self.shared.pop(name, None)
        self.kinds[name] = KindCache()
        self.kinds[name].since = revision

    def forget(self, name: str) -> None:
        """There is no such kind any more."""
        self.shared.pop(name, None)
        del self.kinds[name]

    def row_of(self, key: str) -> Resource | None:
        """The resource that a key in etcd belongs to, or None."""
        found = scheme.of_key(key)
        if found is None and self.custom:
            found = next((row for row in self.custom.values() if row.stored_as is None and key.startswith(row.prefix)), None)
        return found

    def get(self, row: Resource, key: str) -> Item | None:
        """The object under a key, as far as this server knows."""
        return self.kinds[row.cache].items.get(key)


def frame_of(row: Resource, change: Change, scope: Scope, managed: bool = False) -> tuple[str, bytes] | None:
    """(type, object) of what a watch with this scope is told of a change, or None when it does not concern it.

    An object that leaves the selection is DELETED as it was, at the revision at which it left.
    """
    if not change.key.startswith(scope.prefix):
        return None
    new = None if change.new is None else scheme.with_revision(row, change.new, change.revision)
    old = None if change.old is None else scheme.with_revision(row, change.old, change.revision)
    if scope.whole:
        now, before = new is not None, old is not None
    else:
        now = new is not None and scope.selects(scheme.tree(new))
        before = old is not None and scope.selects(scheme.tree(old))
    found = new if now else old if before else None
    if found is None:
        return None
    if managed:
        found = scheme.with_revision(row, (change.new if now else change.old) or b"", change.revision, True)
    return ("DELETED" if not now else "MODIFIED" if before else "ADDED", found)
