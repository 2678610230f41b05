"""How many pods a metric wants (pkg/controller/podautoscaler/replica_calculator.go). Ratios are exact: a numerator and a
denominator. Values are thousandths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import quantity
from k8s_tutor.controllers.autoscaling.sources import MetricError, Value
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.sim import SECOND

INITIAL_READINESS = 30 * SECOND
"""A pod that becomes unready within that time of its start has not been ready yet (--horizontal-pod-autoscaler-...)."""
CPU_INITIALIZATION = 300 * SECOND
"""So long after its start, only what a pod has used while it was ready counts."""
TOLERANCE = 100
"""Thousandths by which usage may differ from its target."""


class Tolerance(NamedTuple):
    """Thousandths below and above 1 within which nothing is done."""

    down: int = TOLERANCE
    up: int = TOLERANCE


class Ratio(NamedTuple):
    """What is used, and what should be."""

    used: int
    wanted: int

    def within(self, tolerance: Tolerance) -> bool:
        """Whether that is near enough."""
        return (1000 - tolerance.down) * self.wanted <= 1000 * self.used <= (1000 + tolerance.up) * self.wanted

    @property
    def low(self) -> bool:
        """Less than wanted."""
        return self.used < self.wanted

    @property
    def high(self) -> bool:
        """More than wanted."""
        return self.used > self.wanted

    def of(self, count: int) -> int:
        """So many times a number, rounded up."""
        return -(-self.used * count // self.wanted)


class Groups(NamedTuple):
    """Pods by what their metrics are worth."""

    ready: int
    unready: list[str]
    missing: list[str]
    ignored: list[str]


class Proposal(NamedTuple):
    """The size that a metric wants; what each pod uses on average, and in percent of what it asked for."""

    replicas: int
    average: int
    utilization: int = 0


def grouped(pods: Sequence[Any], values: Mapping[str, Value], resource: str, clock: Clock) -> Groups:
    """Sorts the pods of a target."""
    found = Groups(0, [], [], [])
    ready = 0
    for pod in pods:
        name, phase = pod.metadata.name, pod.status.phase if pod.status else ""
        if pod.metadata.deletionTimestamp is not None or phase == "Failed":
            found.ignored.append(name)
        elif phase == "Pending":
            found.unready.append(name)
        elif name not in values:
            found.missing.append(name)
        elif resource == "cpu" and _unready(pod, values[name], clock):
            found.unready.append(name)
        else:
            ready += 1
    return found._replace(ready=ready)


def _unready(pod: Any, value: Value, clock: Clock) -> bool:
    """Whether what a pod uses says nothing yet: it is not ready, or was measured before it was."""
    condition = next((one for one in pod.status.conditions or () if one.type == "Ready"), None)
    if condition is None or pod.status.startTime is None:
        return True
    start, changed = clock.instant(pod.status.startTime), clock.instant(condition.lastTransitionTime)
    if start + CPU_INITIALIZATION > clock.now:
        return condition.status == "False" or value.at < changed + value.window
    return condition.status == "False" and start + INITIAL_READINESS > changed


def is_ready(pod: Any) -> bool:
    """Whether a pod runs and is ready."""
    status = pod.status
    return status is not None and status.phase == "Running" and any(
        one.type == "Ready" and one.status == "True" for one in status.conditions or ()
    )  # fmt: skip


def requests_of(pods: Sequence[Any], resource: str, container: str) -> dict[str, int]:
    """Pod → what it asked for. Raises `MetricError` for a container that asked for nothing."""
    found = {}
    for pod in pods:
        total = 0
        sidecars = [one for one in pod.spec.initContainers or () if one.restartPolicy == "Always"]
        for one in (*pod.spec.containers, *sidecars):
            if container and one.name != container:
                continue
            amount = ((one.resources and one.resources.requests) or {}).get(resource)
            if amount is None:
                raise MetricError(f"missing request for {resource} in container {one.name} of Pod {pod.metadata.name}")
            total += quantity.milli(amount)
        found[pod.metadata.name] = total
    return found


class Demand(NamedTuple):
    """A target: percent of the pods' ``requests``, or, without these, a value for each pod."""

    target: int
    requests: Mapping[str, int] | None = None

    def ratio(self, values: Mapping[str, int]) -> tuple[Ratio, Proposal]:
        """How far usage is from the target. Raises `MetricError`."""
        if self.requests is None:
            average = sum(values.values()) // len(values)
            return Ratio(average, self.target), Proposal(0, average)
        known = [name for name in values if name in self.requests]
        asked = sum(self.requests[name] for name in known)
        if not asked:
            raise MetricError("no metrics returned matched known pods")
        used = sum(values[name] for name in known)
        percent = used * 100 // asked
        return Ratio(percent, self.target), Proposal(0, used // len(known), percent)

    def full(self, pod: str) -> int:
        """What a pod of which nothing is known is taken to use when fewer pods seem enough."""
        return self.target if self.requests is None else self.requests[pod] * max(100, self.target) // 100


def wanted(current: int, groups: Groups, values: Mapping[str, Value], demand: Demand, tolerance: Tolerance) -> Proposal:
    """The size that average usage wants. Raises `MetricError`."""
    left_out = {*groups.ignored, *groups.unready}
    known = {name: one.value for name, one in values.items() if name not in left_out}
    if not known:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    ratio, measured = demand.ratio(known)
    idle = bool(groups.unready) and ratio.high
    if not idle and not groups.missing:
        size = current if ratio.within(tolerance) else ratio.of(groups.ready)
        return measured._replace(replicas=size)
    if ratio.low:
        known.update({name: demand.full(name) for name in groups.missing})
    elif ratio.high:
        known.update(dict.fromkeys(groups.missing, 0))
    if idle:
        known.update(dict.fromkeys(groups.unready, 0))
    again, _ = demand.ratio(known)
    size = again.of(len(known))
    turned = (ratio.low and again.high) or (ratio.high and again.low)
    backwards = (again.low and size > current) or (again.high and size < current)
    return measured._replace(replicas=current if again.within(tolerance) or turned or backwards else size)


def of_whole(current: int, ready: int, used: int, target: int, tolerance: Tolerance) -> Proposal:
    """The size that one value for all pods wants."""
    ratio = Ratio(used, target)
    if not current:
        return Proposal(ratio.of(1), used)
    return Proposal(current if ratio.within(tolerance) else ratio.of(ready), used)


def per_pod(running: int, used: int, target: int, tolerance: Tolerance) -> Proposal:
    """The size at which each pod has its share of a value."""
    near = bool(running) and Ratio(used, target * running).within(tolerance)
    average = -(-used // running) if running else 0
    return Proposal(running if near else -(-used // target), average)
