"""The horizontal autoscaler (pkg/controller/podautoscaler/horizontal.go). No API for metrics is served, so it keeps its
target between the smallest and the largest size, and says that it cannot do more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import scheme, selectors
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, Decision, Event, Write, update
from k8s_tutor.sim import SECOND, CallFailed

PERIOD = 15 * SECOND
_ABSENT = "the server could not find the requested resource"
_RESOURCE = f"unable to fetch metrics from resource metrics API: {_ABSENT} (get pods.metrics.k8s.io)"
_CUSTOM = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
_EXTERNAL = f"unable to fetch metrics from external metrics API: {_ABSENT}"


class Target(NamedTuple):
    """The scale of an autoscaler's target, or why it could not be read."""

    scale: Tree | None = None
    problem: str = ""


class Failure(NamedTuple):
    """A metric that cannot be had: reason and text of its event, and what the sum of all says of it."""

    reason: str
    text: str
    what: str


def _failure(metric: Any, namespace: str) -> Failure:
    match metric.type:
        case "Resource" | "ContainerResource":
            source = metric.resource if metric.type == "Resource" else metric.containerResource
            kind = "usage" if source.target.averageValue is not None else "utilization"
            text = f"failed to get {source.name} {kind}: unable to get metrics for resource {source.name}: {_RESOURCE}"
            what = "resource" if metric.type == "Resource" else "container"
            return Failure(f"FailedGet{metric.type}Metric", text, f"failed to get {source.name} {what} metric value")
        case "Pods":
            text = f"unable to get metric {metric.pods.metric.name}: {_CUSTOM}"
            return Failure("FailedGetPodsMetric", text, "failed to get pods metric value")
        case "Object":
            about = metric.object.describedObject
            text = f"unable to get metric {metric.object.metric.name}: {about.kind} on {namespace} {about.name}/{_CUSTOM}"
            return Failure("FailedGetObjectMetric", text, "failed to get object metric value")
    found = metric.external.metric
    wanted = objects.tree_of(found.selector) if found.selector is not None else None
    name = f"{found.name}.external.metrics.k8s.io"
    text = f"unable to get external metric {namespace}/{found.name}/{_label_selector(wanted)}: {_EXTERNAL} (get {name})"
    return Failure("FailedGetExternalMetric", text, "failed to get external metric value")


def _label_selector(tree: Tree | None) -> str:
    """A label selector as Go prints it."""
    if tree is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted((tree.get("matchLabels") or {}).items()))
    return f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}"


class Plan:
    """One look at an autoscaler while it is being taken. Made and dropped within one look."""

    def __init__(self, hpa: Any, clock: Clock) -> None:
        self.hpa, self.clock = hpa, clock
        self.tree = objects.tree_of(hpa)
        self.status: Tree = self.tree.get("status", {})
        self.conditions: list[Tree] = [dict(one) for one in self.status.get("conditions") or ()]
        self.events: list[Event] = []

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
        fresh: Tree = {"desiredReplicas": 0, "currentMetrics": None}
        fresh |= kept
        fresh |= numbers
        fresh["conditions"] = self.conditions
        fresh = {name: value for name, value in fresh.items() if name != "currentReplicas" or value}
        same = {"currentMetrics": None, **self.status} == fresh
        return () if same else (update({**self.tree, "status": fresh}, "status"),)


def reconcile(hpa: Any, target: Target, rivals: Sequence[str], clock: Clock) -> Decision:
    """One look at an autoscaler. ``rivals``: names of autoscalers (itself included) that choose the same pods."""
    plan = Plan(hpa, clock)
    spec = hpa.spec
    if target.scale is None:
        plan.warn("FailedGetScale", target.problem)
        text = f"the HPA controller was unable to get the target's current scale: {target.problem}"
        plan.set("AbleToScale", "False", "FailedGetScale", text)
        return Decision(tuple((write,) for write in plan.write()), (), tuple(plan.events))
    plan.set("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")
    scale = target.scale
    current, least = scale.get("spec", {}).get("replicas", 0), 1 if spec.minReplicas is None else spec.minReplicas
    if not current and least:
        text = "scaling is disabled since the replica count of the target is zero"
        plan.set("ScalingActive", "False", "ScalingDisabled", text)
        writes = plan.write(currentReplicas=0, desiredReplicas=0, currentMetrics=None)
        return Decision(tuple((write,) for write in writes), (), tuple(plan.events))
    if current > spec.maxReplicas:
        return _rescale(plan, scale, spec.maxReplicas, "Current number of replicas above Spec.MaxReplicas")
    if current < least:
        return _rescale(plan, scale, least, "Current number of replicas below Spec.MinReplicas")
    return _without_metrics(plan, scale, current, rivals)


def _rescale(plan: Plan, scale: Tree, size: int, why: str) -> Decision:
    ref = plan.hpa.spec.scaleTargetRef
    done = plan.event("SuccessfulRescale", f"New size: {size}; reason: {why}")
    failed = plan.event("FailedRescale", f"New size: {size}; reason: {why}; error: {{error}}", warning=True)
    tree = {**scale, "spec": {**scale.get("spec", {}), "replicas": size}}
    write = Write("PUT", ref.kind, plan.hpa.metadata.namespace, ref.name, tree, "scale", done=done, failed=failed)
    text = f"the HPA controller was able to update the target scale to {size}"
    plan.set("AbleToScale", "True", "SucceededRescale", text)
    numbers = {
        "currentReplicas": scale.get("spec", {}).get("replicas", 0), "desiredReplicas": size, "currentMetrics": None,
        "lastScaleTime": plan.clock.stamp,
    }  # fmt: skip
    status = plan.write(**numbers)
    return Decision(((write,), *((one,) for one in status)), (), tuple(plan.events))


def _without_metrics(plan: Plan, scale: Tree, current: int, rivals: Sequence[str]) -> Decision:
    """Says of each metric that it cannot be had."""
    selector = scale.get("status", {}).get("selector", "")
    metrics = plan.hpa.spec.metrics or ()
    if not selector:
        problem = "selector is required"
        plan.warn("SelectorRequired", problem)
        plan.set("ScalingActive", "False", "InvalidSelector", "the HPA target's scale is missing a selector")
    elif len(rivals) > 1:
        problem = f"pods by selector {selector} are controlled by multiple HPAs: [{' '.join(rivals)}]"
        plan.warn("AmbiguousSelector", problem)
        plan.set("ScalingActive", "False", "AmbiguousSelector", problem)
    else:
        failures = [_failure(metric, plan.hpa.metadata.namespace) for metric in metrics]
        if not failures:
            return NOTHING
        for failure in failures:
            plan.warn(failure.reason, failure.text)
        first = failures[0]
        text = f"the HPA was unable to compute the replica count: {first.text}"
        plan.set("ScalingActive", "False", first.reason, text)
        number = f"{len(failures)} invalid out of {len(failures)}"
        problem = f"invalid metrics ({number}), first error is: {first.what}: {first.text}"
    plan.warn("FailedComputeMetricsReplicas", problem)
    shown = None if not selector or len(rivals) > 1 else [{"type": ""} for _ in metrics]
    writes = plan.write(currentReplicas=current, currentMetrics=shown)
    return Decision(tuple((write,) for write in writes), (), tuple(plan.events))


class AutoscalerController(Controller):
    """Keys are autoscalers, each looked at every 15 s."""

    name = "horizontal-pod-autoscaler"
    hears = ("HorizontalPodAutoscaler",)

    def __init__(self) -> None:
        super().__init__()
        self.due: dict[str, int] = {}
        """Key → when the next look is due, µs."""
        self.targets: dict[str, Target] = {}
        """Key → the scale that was read for the look that is being taken."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.autoscalers.objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind != "HorizontalPodAutoscaler":
            return []
        if change.new is None:
            self.due.pop(change.key, None)
            self.targets.pop(change.key, None)
            return []
        return [] if change.key in self.due else [change.key]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        hpa = stores.autoscalers.objects.get(key)
        if hpa is None:
            return NOTHING
        due = self.due.setdefault(key, clock.now + PERIOD)
        if due > clock.now:
            return Decision(again=due - clock.now)
        target = self.targets.pop(key, None)
        ref = hpa.spec.scaleTargetRef
        if target is None and scheme.BY_GVK.get((ref.apiVersion, ref.kind)) is None:
            group = (ref.apiVersion or "").partition("/")[0] if "/" in (ref.apiVersion or "") else ""
            target = Target(problem=f'no matches for kind "{ref.kind}" in group "{group}"')
        if target is None:
            return Decision(((Write("GET", ref.kind, hpa.metadata.namespace, ref.name, subresource="scale"),),))
        self.due[key] = clock.now + PERIOD
        return reconcile(hpa, target, _rivals(stores, hpa), clock)._replace(again=PERIOD)

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.method != "GET" or not isinstance(answer, Response):
            return
        tree = scheme.tree(answer.body)
        found = Target(tree) if answer.code == 200 else Target(problem=tree.get("message", ""))
        self.targets[key] = found

    def finished(self, key: str, ok: bool) -> bool:
        return ok and key in self.targets


def _rivals(stores: Stores, hpa: Any) -> list[str]:
    """Autoscalers of the same namespace whose targets choose pods that this one's target chooses."""
    mine = _chosen(stores, hpa)
    return [
        objects.key_of(other) for other in stores.autoscalers
        if other.metadata.namespace == hpa.metadata.namespace and (other is hpa or mine & _chosen(stores, other))
    ]  # fmt: skip


def _chosen(stores: Stores, hpa: Any) -> set[str]:
    ref = hpa.spec.scaleTargetRef
    owner = stores.find(ref.kind, f"{hpa.metadata.namespace}/{ref.name}")
    if owner is None or not hasattr(owner, "spec") or not hasattr(owner.spec, "selector"):
        return set()
    selector = selectors.from_object(owner.spec.selector)
    return {pod.metadata.uid for pod in stores.pods_in(hpa.metadata.namespace) if selector.matches(pod.metadata.labels)}
