"""Small questions about typed objects, and the trees that are made of them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import times
from k8s_tutor.sim import SECOND

Tree = dict[str, Any]


class Clock(NamedTuple):
    """The instant of a look: ``now`` in µs since ``epoch`` (Unix seconds)."""

    now: int
    epoch: int = times.EPOCH

    @property
    def stamp(self) -> str:
        """Now as an RFC 3339 time."""
        return times.rfc3339(self.now, self.epoch)

    def instant(self, stamp: datetime | None) -> int:
        """A stamp as µs since the epoch; None is the epoch's beginning."""
        return times.instant(stamp, self.epoch) if stamp else 0

    def since(self, stamp: datetime | None) -> int:
        """µs since then."""
        return self.now - self.instant(stamp)


def tree_of(struct: Any) -> Tree:
    """A fresh JSON tree of a typed struct, without absent fields."""
    found: Tree = msgspec.to_builtins(struct)
    return found


@lru_cache(maxsize=4096)
def stamp_of(stamp: datetime) -> str:
    """A ``Time`` as it stands in JSON. Many objects share their instants."""
    return stamp.strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(struct: Any) -> str:
    """``namespace/name``, or ``name``."""
    metadata = struct.metadata
    return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else str(metadata.name)


def reference(struct: Any) -> Tree:
    """An ``ObjectReference`` to an object, for events."""
    metadata = struct.metadata
    found = {
        "kind": struct.kind, "namespace": metadata.namespace, "name": metadata.name, "uid": metadata.uid,
        "apiVersion": struct.apiVersion, "resourceVersion": metadata.resourceVersion,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


def controller_of(struct: Any) -> Any:
    """The owner reference that manages this object, or None."""
    for ref in struct.metadata.ownerReferences or ():  # asked for every pod at every look: no generator
        if ref.controller:
            return ref
    return None


def owned_by(struct: Any, owner: Any) -> bool:
    """Whether ``owner`` (typed) manages this object."""
    ref = controller_of(struct)
    return ref is not None and ref.uid == owner.metadata.uid


def owner_reference(owner: Any) -> Tree:
    """The reference by which a controller's object says whose it is."""
    return {
        "apiVersion": owner.apiVersion, "kind": owner.kind, "name": owner.metadata.name, "uid": owner.metadata.uid,
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def condition(struct: Any, name: str) -> Any:
    """The status condition of this type, or None."""
    status = struct.status
    for found in (status.conditions or ()) if status is not None else ():
        if found.type == name:
            return found
    return None


def is_active(pod: Any) -> bool:
    """Not ended, and not being deleted."""
    return not pod.metadata.deletionTimestamp and not has_ended(pod)


def has_ended(pod: Any) -> bool:
    """Succeeded or Failed."""
    return bool(pod.status and pod.status.phase in ("Succeeded", "Failed"))


def is_ready(pod: Any) -> bool:
    """Condition Ready=True."""
    found = condition(pod, "Ready")
    return found is not None and found.status == "True"


def is_available(pod: Any, min_ready_seconds: int, clock: Clock) -> bool:
    """Ready for at least so long."""
    found = condition(pod, "Ready")
    if found is None or found.status != "True":
        return False
    if not min_ready_seconds:
        return True
    return found.lastTransitionTime is not None and clock.since(found.lastTransitionTime) >= min_ready_seconds * SECOND
