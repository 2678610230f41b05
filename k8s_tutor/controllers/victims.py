"""Which pods go first when there are too many (pkg/controller/controller_utils.go ActivePodsWithRanks)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cmp_to_key
from typing import Any, NamedTuple

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.objects import Clock

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


class Candidate(NamedTuple):
    """A pod, and all that decides about it. The first fields are compared as they stand: the least goes first."""

    assigned: bool
    phase: int
    ready: bool
    cost: int
    crowd: int
    """Minus the number of related active pods on its node."""
    ready_age: int
    """µs that it has been ready; 0 when it is not, or not known since when."""
    restarts: int
    age: int
    uid: str
    pod: Any


def deletion_order(pods: Sequence[Any], related: Iterable[Any], clock: Clock) -> list[Any]:
    """The pods in the order in which they would be deleted. Close ages tie (they are compared on a scale of powers of two)
    and then the uid decides."""
    crowds: dict[str, int] = {}
    for pod in related:
        if objects.is_active(pod) and pod.spec.nodeName:
            crowds[pod.spec.nodeName] = crowds.get(pod.spec.nodeName, 0) + 1
    candidates = [_candidate(pod, crowds, clock) for pod in pods]
    return [found.pod for found in sorted(candidates, key=cmp_to_key(_compare))]


def _candidate(pod: Any, crowds: dict[str, int], clock: Clock) -> Candidate:
    node = pod.spec.nodeName or ""
    ready = objects.condition(pod, "Ready")
    is_ready = ready is not None and ready.status == "True"
    since = clock.since(ready.lastTransitionTime) if is_ready and ready.lastTransitionTime else 0
    statuses = (pod.status and pod.status.containerStatuses) or ()
    restarts = max((status.restartCount or 0 for status in statuses), default=0)
    try:
        cost = int((pod.metadata.annotations or {}).get(DELETION_COST, "0"))
    except ValueError:
        cost = 0
    return Candidate(
        bool(node), _PHASES.get((pod.status and pod.status.phase) or "", 0), is_ready, cost, -crowds.get(node, 0),
        since, restarts, clock.since(pod.metadata.creationTimestamp), pod.metadata.uid or "", pod,
    )  # fmt: skip


def _rank(age: int) -> int:
    """Ages between two powers of two nanoseconds are alike."""
    return (age * 1000).bit_length() - 1 if age > 0 else -1


def _compare(a: Candidate, b: Candidate) -> int:
    if a[:5] != b[:5]:
        return -1 if a[:5] < b[:5] else 1
    if a.ready and b.ready and a.ready_age != b.ready_age:
        return _younger(a.ready_age, b.ready_age, a, b)
    if a.restarts != b.restarts:
        return -1 if a.restarts > b.restarts else 1
    if a.age != b.age:
        return _younger(a.age, b.age, a, b)
    return 0


def _younger(one: int, other: int, a: Candidate, b: Candidate) -> int:
    if _rank(one) != _rank(other):
        return -1 if _rank(one) < _rank(other) else 1
    return -1 if a.uid < b.uid else 1
