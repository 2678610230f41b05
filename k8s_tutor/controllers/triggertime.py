"""When the addresses behind a Service last had a reason to change: the annotation that says so measures how long the network
takes (k8s.io/endpointslice/trigger_time_tracker.go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8s_tutor.api.structs import once
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.objects import Tree

ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time"


class Seen(NamedTuple):
    """Reasons that were looked at before: when the Service was made, and when each pod's readiness last changed."""

    service: str = ""
    pods: tuple[tuple[str, str], ...] = ()


def compare(before: Seen, service: Any, pods: Iterable[Any]) -> tuple[Seen, str]:
    """(what is now known, the earliest reason that is new, empty without one). Times are RFC 3339 texts."""
    known = dict(before.pods)
    now: list[tuple[str, str]] = []
    fresh: list[str] = []
    for pod in pods:
        found = _readiness(pod)
        if found is not None:
            now.append(found)
            if found[1] > known.get(found[0], ""):
                fresh.append(found[1])
    made = objects.stamp_of(service.metadata.creationTimestamp)
    if made > before.service:
        fresh.append(made)
    return Seen(made, tuple(now)), min(fresh, default="")


@once
def _readiness(pod: Any) -> tuple[str, str] | None:
    """(name of the pod, when its readiness last changed)."""
    ready = objects.condition(pod, "Ready")
    if ready is None or not ready.lastTransitionTime:
        return None
    return pod.metadata.name, objects.stamp_of(ready.lastTransitionTime)


def annotated(metadata: Tree, stamp: str) -> Tree:
    """Metadata with the annotation, or without it."""
    notes = {name: value for name, value in metadata.get("annotations", {}).items() if name != ANNOTATION}
    if stamp:
        notes[ANNOTATION] = stamp
    rest = {name: value for name, value in metadata.items() if name != "annotations"}
    return {**rest, "annotations": notes} if notes else rest
