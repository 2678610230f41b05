"""One look at an autoscaler: what was observed goes in; requests, events and a fresh memory come out.

Source: pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import quantity
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.autoscaling import pace, replicas, sources
from k8s_tutor.controllers.autoscaling.pace import Memory, Wish
from k8s_tutor.controllers.autoscaling.replicas import Demand, Proposal
from k8s_tutor.controllers.autoscaling.sources import Answer, MetricError
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import Decision, Event, Write, update

_SOURCE = {
    "Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object",
    "External": "external",
}  # fmt: skip
"""Type of a metric → its field."""


class Target(NamedTuple):
    """The scale of an autoscaler's target, or why it could not be read."""

    scale: Tree | None = None
    problem: str = ""

    @property
    def size(self) -> int:
        """How many pods are asked for."""
        found: int = ((self.scale or {}).get("spec") or {}).get("replicas", 0)
        return found

    @property
    def running(self) -> int:
        """How many there are."""
        found: int = ((self.scale or {}).get("status") or {}).get("replicas", 0)
        return found

    @property
    def selector(self) -> str:
        """What chooses its pods."""
        found: str = ((self.scale or {}).get("status") or {}).get("selector", "")
        return found


class Observed(NamedTuple):
    """What one look sees: the target, its pods, autoscalers (this one included) that choose the same pods, and the answers of
    the metrics APIs, one a metric."""

    target: Target
    pods: Sequence[Any] = ()
    rivals: Sequence[str] = ()
    answers: Sequence[Answer] = ()


class Plan:
    """One look while it is being taken. Made and dropped within one look."""

    def __init__(self, hpa: Any, clock: Clock) -> None:
        self.hpa, self.clock = hpa, clock
        self.tree = objects.tree_of(hpa)
        self.status: Tree = self.tree.get("status", {})
        self.conditions: list[Tree] = [dict(one) for one in self.status.get("conditions") or ()]
        self.events: list[Event] = []
        self.metrics: list[Tree] | None = None
        """``status.currentMetrics``."""

    def event(self, reason: str, text: str, warning: bool = False) -> Event:
        """An event about the autoscaler."""
        return Event(objects.reference(self.hpa), reason, text, warning)

    def warn(self, reason: str, text: str) -> None:
        """Records a warning at once."""
        self.events.append(self.event(reason, text, warning=True))

    def set(self, kind: str, state: str, reason: str, message: str) -> None:
        """Sets a condition; its time moves only with its status."""
        fresh = {"type": kind, "status": state, "reason": reason, "message": message}
        for at, old in enumerate(self.conditions):
            if old["type"] == kind:
                stamp = old["lastTransitionTime"] if old["status"] == state else self.clock.stamp
                self.conditions[at] = {**fresh, "lastTransitionTime": stamp}
                return
        self.conditions.append({**fresh, "lastTransitionTime": self.clock.stamp})

    def write(self, **numbers: Any) -> tuple[Write, ...]:
        """The write of the status, if it changes."""
        kept: Tree = {name: self.status[name] for name in ("desiredReplicas", "lastScaleTime") if name in self.status}
        fresh: Tree = {"desiredReplicas": 0, **kept, **numbers, "currentMetrics": self.metrics, "conditions": self.conditions}
        fresh = {name: value for name, value in fresh.items() if name != "currentReplicas" or value}
        same = {"currentMetrics": None, **self.status} == fresh
        return () if same else (update({**self.tree, "status": fresh}, "status"),)

    def done(self, writes: tuple[Write, ...]) -> Decision:
        """What it all comes to, each request after the other."""
        return Decision(tuple((write,) for write in writes), (), tuple(self.events))


def wants_metrics(hpa: Any, target: Target, rivals: Sequence[str]) -> bool:
    """Whether a look needs metrics: the size is within its bounds, and it is clear whose pods count."""
    if target.scale is None or (not target.size and _least(hpa)) or not target.selector or len(rivals) > 1:
        return False
    return bool(_least(hpa) <= target.size <= hpa.spec.maxReplicas)


def reconcile(hpa: Any, seen: Observed, memory: Memory, clock: Clock) -> tuple[Decision, Memory]:
    """One look at an autoscaler."""
    plan, target = Plan(hpa, clock), seen.target
    if target.scale is None:
        plan.warn("FailedGetScale", target.problem)
        text = f"the HPA controller was unable to get the target's current scale: {target.problem}"
        plan.set("AbleToScale", "False", "FailedGetScale", text)
        return plan.done(plan.write()), memory
    plan.set("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")
    current, least = target.size, _least(hpa)
    if not memory.recommended:
        memory = memory._replace(recommended=((current, clock.now),))
    if not current and least:
        text = "scaling is disabled since the replica count of the target is zero"
        plan.set("ScalingActive", "False", "ScalingDisabled", text)
        return plan.done(plan.write(currentReplicas=0, desiredReplicas=0)), memory
    if current > hpa.spec.maxReplicas:
        return _rescale(plan, target, hpa.spec.maxReplicas, "Current number of replicas above Spec.MaxReplicas", memory)
    if current < least:
        return _rescale(plan, target, least, "Current number of replicas below Spec.MinReplicas", memory)
    return _by_metrics(plan, seen, memory)


def _least(hpa: Any) -> int:
    return 1 if hpa.spec.minReplicas is None else int(hpa.spec.minReplicas)


def _rescale(plan: Plan, target: Target, size: int, why: str, memory: Memory) -> tuple[Decision, Memory]:
    ref, scale = plan.hpa.spec.scaleTargetRef, target.scale or {}
    done = plan.event("SuccessfulRescale", f"New size: {size}; reason: {why}")
    failed = plan.event("FailedRescale", f"New size: {size}; reason: {why}; error: {{error}}", warning=True)
    tree = {**scale, "spec": {**scale.get("spec", {}), "replicas": size}}
    write = Write("PUT", ref.kind, plan.hpa.metadata.namespace, ref.name, tree, "scale", done=done, failed=failed)
    text = f"the HPA controller was able to update the target scale to {size}"
    plan.set("AbleToScale", "True", "SucceededRescale", text)
    status = plan.write(currentReplicas=target.size, desiredReplicas=size, lastScaleTime=plan.clock.stamp)
    return plan.done((write, *status)), memory.after(target.size, size, plan.clock.now)


# ---------------------------------------------------------------------- by metrics


class Computed(NamedTuple):
    """The size that a metric wants, how reasons call it, and its status."""

    replicas: int
    name: str
    status: Tree


class Unknown(NamedTuple):
    """A metric that cannot be had: reason and text of its event, and the first words of what is said of all."""

    reason: str
    text: str
    prefix: str


def _by_metrics(plan: Plan, seen: Observed, memory: Memory) -> tuple[Decision, Memory]:
    target, current = seen.target, seen.target.size
    selector = target.selector
    if not selector:
        plan.warn("SelectorRequired", "selector is required")
        plan.set("ScalingActive", "False", "InvalidSelector", "the HPA target's scale is missing a selector")
        return _without(plan, current, "selector is required"), memory
    if len(seen.rivals) > 1:
        text = f"pods by selector {selector} are controlled by multiple HPAs: [{' '.join(seen.rivals)}]"
        plan.warn("AmbiguousSelector", text)
        plan.set("ScalingActive", "False", "AmbiguousSelector", text)
        return _without(plan, current, text), memory
    found = [_computed(plan, metric, answer, seen) for metric, answer in zip(plan.hpa.spec.metrics, seen.answers, strict=True)]
    plan.metrics = [one.status if isinstance(one, Computed) else {"type": ""} for one in found]
    valid = [one for one in found if isinstance(one, Computed)]
    unknown = [one for one in found if isinstance(one, Unknown)]
    best = max(valid, key=lambda one: one.replicas) if valid else None
    for one in unknown:
        plan.warn(one.reason, one.text)
    if best is None or (unknown and best.replicas < current):
        first = unknown[0]
        text = f"the HPA was unable to compute the replica count: {first.text}"
        plan.set("ScalingActive", "False", first.reason, text)
        number = f"{len(unknown)} invalid out of {len(found)}"
        return _without(plan, current, f"invalid metrics ({number}), first error is: {first.prefix}: {first.text}"), memory
    text = f"the HPA was able to successfully calculate a replica count from {best.name}"
    plan.set("ScalingActive", "True", "ValidMetricFound", text)
    return _paced(plan, target, best, memory)


def _without(plan: Plan, current: int, problem: str) -> Decision:
    """Nothing is changed, because no size could be computed."""
    plan.warn("FailedComputeMetricsReplicas", problem)
    return plan.done(plan.write(currentReplicas=current))


def _paced(plan: Plan, target: Target, best: Computed, memory: Memory) -> tuple[Decision, Memory]:
    current, spec = target.size, plan.hpa.spec
    why = f"{best.name} above target" if best.replicas > current else ""
    if best.replicas < current:
        why = "All metrics below target"
    wish = Wish(current, best.replicas, _least(plan.hpa), spec.maxReplicas)
    outcome = pace.paced(wish, spec.behavior, memory, plan.clock.now)
    plan.set("AbleToScale", "True", *outcome.able)
    limited, reason, message = outcome.limited
    plan.set("ScalingLimited", "True" if limited else "False", reason, message)
    if outcome.size != current:
        return _rescale(plan, target, outcome.size, why, outcome.memory)
    return plan.done(plan.write(currentReplicas=current, desiredReplicas=current)), outcome.memory


def _computed(plan: Plan, metric: Any, answer: Answer, seen: Observed) -> Computed | Unknown:
    source = getattr(metric, _SOURCE[metric.type])
    try:
        match metric.type:
            case "Resource" | "ContainerResource":
                return _resource(plan, metric.type, source, answer, seen)
            case "Pods":
                return _pods(plan, source, answer, seen)
            case "Object":
                return _object(plan, source, answer, seen)
        return _external(plan, source, answer, seen)
    except MetricError as error:
        prefix = f"failed to get {_called(metric.type, source)} metric value"
        return Unknown(f"FailedGet{metric.type}Metric", str(error), prefix)


def _called(kind: str, source: Any) -> str:
    """How a metric is called where it is one of several."""
    match kind:
        case "Resource":
            return f"{source.name} resource"
        case "ContainerResource":
            return f"{source.container} container"
        case "External":
            return f"{source.metric.name} external"
    return kind.lower()


def _tolerance(plan: Plan) -> replicas.Tolerance:
    return pace.tolerance_of(plan.hpa.spec.behavior)


def _resource(plan: Plan, kind: str, source: Any, answer: Answer, seen: Observed) -> Computed:
    container, name, target = getattr(source, "container", "") or "", source.name, source.target
    raw = target.averageValue is not None
    try:
        values = _asked(lambda: sources.resource_values(answer, name, container, plan.clock), f"resource {name}")
        _some(seen.pods)
        groups = replicas.grouped(seen.pods, values, name, plan.clock)
        if raw:
            demand = Demand(quantity.milli(target.averageValue))
        else:
            if not any(pod not in (*groups.ignored, *groups.unready) for pod in values):
                raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
            demand = Demand(target.averageUtilization, replicas.requests_of(seen.pods, name, container))
        found = replicas.wanted(seen.target.size, groups, values, demand, _tolerance(plan))
    except MetricError as error:
        raise MetricError(f"failed to get {name} {'usage' if raw else 'utilization'}: {error}") from None
    current: Tree = {"averageValue": _quantity(found.average)}
    if not raw:
        current = {"averageUtilization": found.utilization, **current}
    what = "container resource" if kind == "ContainerResource" and not raw else "resource"
    title = f"{name} {what}" if raw else f"{name} {what} utilization (percentage of request)"
    about: Tree = {"name": name, **({"container": container} if container else {}), "current": current}
    return Computed(found.replicas, title, {"type": kind, _SOURCE[kind]: about})


def _asked(read: Any, what: str) -> Any:
    try:
        return read()
    except MetricError as error:
        text = f"unable to get metrics for {what}" if what.startswith("resource") else f"unable to get metric {what}"
        raise MetricError(f"{text}: {error}") from None


def _some(pods: Sequence[Any]) -> None:
    if not pods:
        raise MetricError("no pods returned by selector while calculating replica count")


def _pods(plan: Plan, source: Any, answer: Answer, seen: Observed) -> Computed:
    name = source.metric.name
    values = _asked(lambda: sources.pods_values(answer, plan.clock), name)
    _some(seen.pods)
    groups = replicas.grouped(seen.pods, values, "", plan.clock)
    demand = Demand(quantity.milli(source.target.averageValue))
    found = replicas.wanted(seen.target.size, groups, values, demand, _tolerance(plan))
    about = {"metric": objects.tree_of(source.metric), "current": {"averageValue": _quantity(found.average)}}
    return Computed(found.replicas, f"pods metric {name}", {"type": "Pods", "pods": about})


def _object(plan: Plan, source: Any, answer: Answer, seen: Observed) -> Computed:
    name, about, target = source.metric.name, source.describedObject, source.target
    average = target.type == "AverageValue"
    try:
        used = sources.object_value(answer)
    except MetricError as error:
        # The order of the words is the real one's.
        text = f"unable to get metric {name}: {about.kind} on {plan.hpa.metadata.namespace} {about.name}/{error}"
        raise MetricError(f"failed to get {name} object metric: {text}" if average else text) from None
    found = _whole(plan, target, used, seen)
    status: Tree = {"metric": objects.tree_of(source.metric), "current": _shown(found, average)}
    described = {"describedObject": objects.tree_of(about)} if not average else {"describedObject": {"kind": "", "name": ""}}
    title = f"external metric {name}({sources.selector_in_words(source.metric.selector)})" if average else (
        f"{about.kind} metric {name}"
    )  # fmt: skip
    return Computed(found.replicas, title, {"type": "Object", "object": {**described, **status}})


def _external(plan: Plan, source: Any, answer: Answer, seen: Observed) -> Computed:
    name, target, namespace = source.metric.name, source.target, plan.hpa.metadata.namespace
    average, words = target.averageValue is not None, sources.selector_in_words(source.metric.selector)
    try:
        used = sources.external_value(answer, f"{name}.external.metrics.k8s.io")
    except MetricError as error:
        raise MetricError(f"unable to get external metric {namespace}/{name}/{words}: {error}") from None
    found = _whole(plan, target, used, seen)
    about = {"metric": objects.tree_of(source.metric), "current": _shown(found, average)}
    return Computed(found.replicas, f"external metric {name}({words})", {"type": "External", "external": about})


def _whole(plan: Plan, target: Any, used: int, seen: Observed) -> Proposal:
    """The size that one value for all pods wants."""
    if target.averageValue is not None:
        return replicas.per_pod(seen.target.running, used, quantity.milli(target.averageValue), _tolerance(plan))
    ready = sum(1 for pod in seen.pods if replicas.is_ready(pod))
    return replicas.of_whole(seen.target.size, ready, used, quantity.milli(target.value), _tolerance(plan))


def _shown(found: Proposal, average: bool) -> Tree:
    return {"averageValue" if average else "value": _quantity(found.average)}


def _quantity(thousandths: int) -> str:
    return quantity.render(thousandths * 1_000_000)
