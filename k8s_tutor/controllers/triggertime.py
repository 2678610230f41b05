"""When the addresses behind a Service last had a reason to change: the annotation that says so measures how long the network
takes (k8s.io/endpointslice/trigger_time_tracker.go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

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
        ready = objects.condition(pod, "Ready")
        if ready is None or not ready.lastTransitionTime:
            continue
        stamp = objects.stamp_of(ready.lastTransitionTime)
        now.append((pod.metadata.name, stamp))
        if stamp > known.get(pod.metadata.name, ""):
            fresh.append(stamp)
    made = objects.stamp_of(service.metadata.creationTimestamp)
    if made > before.service:
        fresh.append(made)
    return Seen(made, tuple(now)), min(fresh, default="")


def annotated(metadata: Tree, stamp: str) -> Tree:
    """Metadata with the annotation, or without it."""
    notes = {name: value for name, value in metadata.get("annotations", {}).items() if name != ANNOTATION}
    if stamp:
        notes[ANNOTATION] = stamp
    rest = {name: value for name, value in metadata.items() if name != "annotations"}
    return {**rest, "annotations": notes} if notes else rest
