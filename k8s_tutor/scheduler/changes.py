"""What happens in a cluster that may help a waiting pod (framework/events.go). Plugins say which of it concerns them."""

from __future__ import annotations

from typing import Any, NamedTuple

ADD, DELETE, UPDATE = "Add", "Delete", "Update"
LABEL, TAINT, ALLOCATABLE = "UpdateLabel", "UpdateTaint", "UpdateAllocatable"
SCALE_DOWN, TOLERATION, UNGATED = "UpdateScaleDown", "UpdateToleration", "UpdateGatesEliminated"
ASSIGNED, OWN = "AssignedPod", "OwnPod"
"""Kinds of events: a pod that has a node; the waiting pod itself. All others are named after their kind."""


class Event(NamedTuple):
    """An object as it was (None: new) and as it is (None: gone), as typed structs, and which of the words above apply."""

    kind: str
    actions: tuple[str, ...]
    old: Any
    new: Any


def of_node(old: Any, new: Any) -> Event | None:
    """A node came, went or changed; None when nothing of interest changed, as with a heartbeat."""
    if old is None or new is None:
        return Event("Node", (ADD if old is None else DELETE,), old, new)
    actions = []
    if (old.metadata.labels or {}) != (new.metadata.labels or {}):
        actions.append(LABEL)
    if _taints(old) != _taints(new):
        actions.append(TAINT)
    if (old.status and old.status.allocatable) != (new.status and new.status.allocatable):
        actions.append(ALLOCATABLE)
    return Event("Node", tuple(actions), old, new) if actions else None


def _taints(node: Any) -> tuple[Any, Any]:
    spec = node.spec
    return (bool(spec.unschedulable), spec.taints or []) if spec is not None else (False, [])


def of_pod(kind: str, old: Any, new: Any) -> Event | None:
    """A pod came, went or changed; ``kind`` is `ASSIGNED` or `OWN`."""
    if old is None or new is None:
        return Event(kind, (ADD if old is None else DELETE,), old, new)
    actions = []
    if (old.metadata.labels or {}) != (new.metadata.labels or {}):
        actions.append(LABEL)
    if old.spec is not new.spec:
        if _requests(old) != _requests(new):
            actions.append(SCALE_DOWN)
        if (old.spec.tolerations or []) != (new.spec.tolerations or []):
            actions.append(TOLERATION)
        if old.spec.schedulingGates and not new.spec.schedulingGates:
            actions.append(UNGATED)
    return Event(kind, tuple(actions), old, new) if actions else None


def _requests(pod: Any) -> list[Any]:
    return [container.resources for container in (*(pod.spec.containers or ()), *(pod.spec.initContainers or ()))]


def of_other(kind: str, old: Any, new: Any) -> Event:
    """Any other object came, went or changed."""
    return Event(kind, (ADD if old is None else DELETE if new is None else UPDATE,), old, new)
