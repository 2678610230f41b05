"""The garbage collector: objects whose owners are gone go too (pkg/controller/garbagecollector/garbagecollector.go).

Background: the owner goes first, its dependents follow. Foreground: the owner waits until those dependents are gone that
block it. Orphan: the dependents are told to forget their owner, which then goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.catalogue import Custom
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import MERGE, NOTHING, STRATEGIC, Decision, Write, delete, patch
from k8s_tutor.sim import CallFailed

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


class Owner(NamedTuple):
    """An owner reference and what became of the owner: ``solid``, ``waiting`` (it waits for its dependents), ``absent``, or
    ``unknown`` (not in any informer: the API server must be asked)."""

    ref: Any
    state: str


def finalizers(struct: Any) -> list[str]:
    """The finalizers of an object."""
    return list(struct.metadata.finalizers or ())


def is_waiting(struct: Any) -> bool:
    """Whether an object is being deleted in the foreground: after its dependents."""
    return bool(struct.metadata.deletionTimestamp) and FOREGROUND in finalizers(struct)


Customs = Mapping[str, Custom]
"""``ex.io/Widget`` → the custom resource."""


def _custom(about: Any, customs: Customs) -> Custom | None:
    """The custom resource that an object or an owner reference is about."""
    return customs.get(f"{about.apiVersion.partition('/')[0]}/{about.kind}")


def _addressed(write: Write, about: Any, customs: Customs) -> Write:
    """The request with the address of its object, when that is a custom resource."""
    custom = _custom(about, customs)
    return write if custom is None else write._replace(kind=custom.name, root=custom.collection(write.namespace))


def _without_finalizer(struct: Any, name: str, customs: Customs) -> Write:
    kept = [found for found in finalizers(struct) if found != name]
    changes = {"metadata": {"resourceVersion": struct.metadata.resourceVersion, "finalizers": kept or None}}
    return _addressed(patch(struct, changes, content_type=MERGE), struct, customs)


def _without_owners(struct: Any, uids: Sequence[str], customs: Customs) -> Write:
    if _custom(struct, customs) is not None:
        kept = [objects.tree_of(ref) for ref in struct.metadata.ownerReferences or () if ref.uid not in uids]
        changes = {"metadata": {"resourceVersion": struct.metadata.resourceVersion, "ownerReferences": kept or None}}
        return _addressed(patch(struct, changes, content_type=MERGE), struct, customs)
    gone = [{"$patch": "delete", "uid": uid} for uid in uids]
    changes = {"metadata": {"ownerReferences": gone, "uid": struct.metadata.uid}}
    return patch(struct, changes, content_type=STRATEGIC)


def reconcile(
    item: Any, owners: Sequence[Owner], dependents: Sequence[Any], customs: Customs = MappingProxyType({})
) -> Decision:
    """What to do about one object with owners or dependents.

    ``owners``: its owner references and their state. ``dependents``: the objects that name it as an owner.
    """
    if item.metadata.deletionTimestamp:
        if ORPHAN in finalizers(item):
            writes = tuple(_without_owners(found, [item.metadata.uid], customs) for found in dependents)
            return Decision(((writes,) if writes else ()) + ((_without_finalizer(item, ORPHAN, customs),),))
        if FOREGROUND in finalizers(item):
            return _foreground(item, dependents, customs)
        return NOTHING
    if not owners:
        return NOTHING
    unknown = [owner.ref for owner in owners if owner.state == "unknown"]
    if unknown:
        return Decision((tuple(_question(item, ref, customs) for ref in unknown),))
    solid = [owner.ref for owner in owners if owner.state == "solid"]
    others = [owner.ref for owner in owners if owner.state in ("absent", "waiting")]
    if solid:
        return Decision(((_without_owners(item, [ref.uid for ref in others], customs),),)) if others else NOTHING
    if any(owner.state == "waiting" for owner in owners) and dependents:
        policy = "Foreground"
    elif ORPHAN in finalizers(item):
        policy = "Orphan"
    elif FOREGROUND in finalizers(item):
        policy = "Foreground"
    else:
        policy = "Background"
    note = ("object.collected", {"kind": item.kind, "key": objects.key_of(item), "policy": policy})
    return Decision(((_addressed(delete(item, policy=policy), item, customs),),), notes=(note,))


def _foreground(item: Any, dependents: Sequence[Any], customs: Customs) -> Decision:
    uid = item.metadata.uid
    blocking = [
        found for found in dependents
        if any(ref.uid == uid and ref.blockOwnerDeletion for ref in found.metadata.ownerReferences or ())
    ]  # fmt: skip
    return NOTHING if blocking else Decision(((_without_finalizer(item, FOREGROUND, customs),),))


def _question(item: Any, ref: Any, customs: Customs) -> Write:
    custom = _custom(ref, customs)
    if custom is not None:
        namespace = item.metadata.namespace or ""
        return Write("GET", custom.name, namespace, ref.name, root=custom.collection(namespace))
    row = scheme.resource(ref.kind)
    return Write("GET", ref.kind, item.metadata.namespace or "" if row.namespaced else "", ref.name)


class GarbageCollector(Controller):
    """Keys are ``Kind/key`` of objects that have an owner, or that wait for their dependents."""

    name = "garbage-collector"
    workers = 20
    qps = 40

    def __init__(self) -> None:
        super().__init__()
        self.absent: dict[str, None] = {}
        """Uids that no object has any more, as seen or as the API server said."""
        self.asked: dict[str, tuple[tuple[str, str, str], ...]] = {}
        """Key → (kind, name, uid) of the owners that the API server is being asked about."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        owned = {entry for uid in sorted(stores.owned.buckets) for entry in stores.owned.of(uid)}
        waiting = [
            f"{informer.kind}/{objects.key_of(found)}" for informer in stores.all() for found in informer
            if found.metadata.deletionTimestamp and finalizers(found)
        ]  # fmt: skip
        return sorted({*owned, *waiting})

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        entry = f"{change.kind}/{change.key}"
        old, new = change.old, change.new
        if new is None:
            if old is None:
                return []
            dependents = list(stores.owned.of(old.metadata.uid))
            if dependents:
                self.absent[old.metadata.uid] = None
            return [*dependents, *_waiting_owners(stores, old)]
        found: list[str] = []
        if new.metadata.ownerReferences and (old is None or _references(old) != _references(new)):
            found.append(entry)
            if old is not None:
                found += _waiting_owners(stores, old)
        began = new.metadata.deletionTimestamp and not (old and old.metadata.deletionTimestamp)
        if new.metadata.deletionTimestamp and {ORPHAN, FOREGROUND} & {*finalizers(new)}:
            found.append(entry)
            if began and FOREGROUND in finalizers(new):
                found += stores.owned.of(new.metadata.uid)
        return list(dict.fromkeys(found))

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        kind, _, name = key.partition("/")
        item = stores.find(kind, name)
        if item is None:
            self.asked.pop(key, None)
            return NOTHING
        owners = [self._owner(stores, item, ref) for ref in item.metadata.ownerReferences or ()]
        dependents = [
            found for entry in stores.owned.of(item.metadata.uid)
            if (found := stores.find(*entry.split("/", 1))) is not None
        ]  # fmt: skip
        decision = reconcile(item, owners, dependents, stores.catalogue.customs)
        if any(write.method == "GET" for write in decision.writes):
            unknown = [owner.ref for owner in owners if owner.state == "unknown"]
            self.asked[key] = tuple((_known_as(stores, ref), ref.name, ref.uid) for ref in unknown)
        return decision

    def _owner(self, stores: Stores, item: Any, ref: Any) -> Owner:
        if ref.uid in self.absent:
            return Owner(ref, "absent")
        kind = _known_as(stores, ref)
        if not kind:
            return Owner(ref, "solid")
        found = _find(stores, kind, item.metadata.namespace, ref.name)
        if found is None or found.metadata.uid != ref.uid:
            return Owner(ref, "unknown")
        return Owner(ref, "waiting" if is_waiting(found) else "solid")

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.method != "GET" or not isinstance(answer, Response) or answer.code not in (200, 404):
            return
        found = scheme.tree(answer.body)["metadata"]["uid"] if answer.code == 200 else ""
        for kind, name, uid in self.asked.get(key, ()):
            if (kind, name) == (write.kind, write.name) and uid != found:
                self.absent[uid] = None

    def finished(self, key: str, ok: bool) -> bool:
        asked = self.asked.pop(key, ())
        return ok and any(uid in self.absent for *_, uid in asked)


def _references(struct: Any) -> list[tuple[str, bool]]:
    return [(ref.uid, bool(ref.blockOwnerDeletion)) for ref in struct.metadata.ownerReferences or ()]


def _known_as(stores: Stores, ref: Any) -> str:
    """The kind by which an owner's informer is known; empty when nobody serves such a kind."""
    row = scheme.BY_GVK.get((ref.apiVersion, ref.kind))
    if row is not None:
        return row.kind
    custom = stores.catalogue.custom(ref.apiVersion, ref.kind)
    return custom.name if custom is not None else ""


def _find(stores: Stores, kind: str, namespace: str | None, name: str) -> Any:
    """An owner: in the namespace of its dependent, or in none."""
    found = stores.find(kind, f"{namespace}/{name}") if namespace else None
    return found if found is not None else stores.find(kind, name)


def _waiting_owners(stores: Stores, struct: Any) -> list[str]:
    """Owners that wait for this object to go."""
    found = []
    for ref in struct.metadata.ownerReferences or ():
        kind = _known_as(stores, ref)
        owner = _find(stores, kind, struct.metadata.namespace, ref.name) if kind else None
        if owner is not None and owner.metadata.uid == ref.uid and is_waiting(owner):
            found.append(f"{kind}/{objects.key_of(owner)}")
    return found
