"""The disruption controller: how many pods of each PodDisruptionBudget may go at present (pkg/controller/disruption)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import scheme, selectors, times
from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, Decision, Event, update
from k8s_tutor.sim import SECOND

DELETION_TIMEOUT = 120 * SECOND
"""A pod whose eviction was granted but that is still not ending after this long counts again."""
_SCALED = {
    "ReplicaSet": "replica_sets", "StatefulSet": "stateful_sets", "ReplicationController": "replication_controllers",
    "Deployment": "deployments",
}  # fmt: skip


class Expectation(NamedTuple):
    """How many pods there should be, how many of them healthy; ``strays`` have no controller, ``problem`` says why it cannot
    be told."""

    expected: int = 0
    healthy: int = 0
    strays: tuple[str, ...] = ()
    problem: str = ""


def share(value: Any, total: int) -> int:
    """A number, or a share of ``total`` that is rounded up."""
    return -(-int(value.removesuffix("%")) * total // 100) if isinstance(value, str) else int(value)


def expectation(budget: Any, pods: Sequence[Any], scales: Mapping[str, int | str]) -> Expectation:
    """What a budget demands. ``scales``: uid of a pod → how many pods its controller wants; a text says why not; absent: it
    has none."""
    spec = budget.spec
    if spec.minAvailable is not None and not isinstance(spec.minAvailable, str):
        return Expectation(len(pods), int(spec.minAvailable))
    if spec.minAvailable is None and spec.maxUnavailable is None:
        return Expectation()
    strays = tuple(pod.metadata.name for pod in pods if pod.metadata.uid not in scales)
    controllers: dict[str, int] = {}
    for pod in pods:
        scale = scales.get(pod.metadata.uid)
        if isinstance(scale, str):
            return Expectation(problem=scale)
        if scale is not None:
            controllers[objects.controller_of(pod).uid] = scale
    # Replica sets of one Deployment share its scale: it is given under the uid of each, and counted once by the caller.
    expected = sum(controllers.values())
    if spec.maxUnavailable is not None:
        return Expectation(expected, max(expected - share(spec.maxUnavailable, expected), 0), strays)
    return Expectation(expected, share(spec.minAvailable, expected), strays)


def _disrupted(budget: Any, pods: Sequence[Any], clock: Clock) -> tuple[dict[str, str], int | None]:
    """(pods whose eviction was granted and that have not begun to end, with the time; µs until that is doubted)."""
    known = {pod.metadata.name: pod for pod in pods}
    found: dict[str, str] = {}
    again: int | None = None
    status = objects.tree_of(budget.status) if budget.status else {}
    for name, stamp in sorted((status.get("disruptedPods") or {}).items()):
        pod = known.get(name)
        left = times.parse(stamp, clock.epoch) + DELETION_TIMEOUT - clock.now
        if pod is None or pod.metadata.deletionTimestamp or left <= 0:
            continue
        found[name] = stamp
        again = left if again is None else min(again, left)
    return found, again


def _condition(budget: Any, kind: str, state: str, reason: str, message: str, clock: Clock) -> Tree:
    old = objects.condition(budget, kind)
    same = old is not None and old.status == state
    return {
        "type": kind, "status": state, "reason": reason, "message": message,
        "lastTransitionTime": objects.stamp_of(old.lastTransitionTime) if same else clock.stamp,
        "observedGeneration": budget.metadata.generation or 0,
    }  # fmt: skip


def reconcile(budget: Any, pods: Sequence[Any], scales: Mapping[str, int | str], clock: Clock) -> Decision:
    """Writes the status of a budget. ``pods``: those that it selects. ``scales``: see `expectation`."""
    about = objects.reference(budget)
    events = [] if pods else [Event(about, "NoPods", "No matching pods found")]
    wanted = expectation(budget, pods, scales)
    if wanted.problem:
        text = f"Failed to calculate the number of expected pods: {wanted.problem}"
        events.append(Event(about, "CalculateExpectedPodCountFailed", text, warning=True))
        condition = _condition(budget, "DisruptionAllowed", "False", "SyncFailed", wanted.problem, clock)
        tree = objects.tree_of(budget)
        status = {**tree.get("status", {}), "disruptionsAllowed": 0, "conditions": [condition]}
        if status == tree.get("status"):
            return Decision(events=tuple(events), failed=True)
        return Decision(((update({**tree, "status": status}, "status"),),), events=tuple(events), failed=True)
    if wanted.strays:
        events.append(Event(about, "UnmanagedPods", _unmanaged(budget, wanted.strays), warning=True))
    disrupted, again = _disrupted(budget, pods, clock)
    healthy = sum(
        1 for pod in pods
        if not pod.metadata.deletionTimestamp and pod.metadata.name not in disrupted and objects.is_ready(pod)
    )  # fmt: skip
    allowed = max(healthy - wanted.healthy, 0) if wanted.expected > 0 else 0
    reason = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    status = {
        "conditions": [_condition(budget, "DisruptionAllowed", *reason, "", clock)],
        "currentHealthy": healthy, "desiredHealthy": wanted.healthy, "disruptionsAllowed": allowed,
        "expectedPods": wanted.expected, "observedGeneration": budget.metadata.generation or 0,
    }  # fmt: skip
    if disrupted:
        status["disruptedPods"] = disrupted
    tree = objects.tree_of(budget)
    if tree.get("status", {}) == status:
        return Decision(events=tuple(events), again=again)
    return Decision(((update({**tree, "status": status}, "status"),),), events=tuple(events), again=again)


def _unmanaged(budget: Any, strays: Sequence[str]) -> str:
    selector = selectors.from_object(budget.spec.selector)
    return (
        f"Pods selected by this PodDisruptionBudget (selector: {_go(selector)}) were found to be unmanaged. As a result, the "
        "status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods "
        'please set ".spec.minAvailable" field of the PDB to an integer value.'
    )


def _go(selector: Any) -> str:
    """A label selector as Go prints it."""
    pairs = {one.key: one.values[0] for one in selector.requirements if one.op == "in" and len(one.values) == 1}
    told = "".join(f"{key}: {pairs[key]}," for key in sorted(pairs))
    return f"&LabelSelector{{MatchLabels:map[string]string{{{told}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}"


class DisruptionController(Controller):
    """Keys are budgets; it listens to them and to pods."""

    name = "disruption-controller"
    hears = ("PodDisruptionBudget", "Pod")
    source = "controllermanager"

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.budgets.objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "PodDisruptionBudget":
            return [change.key] if change.new is not None else []
        if change.kind != "Pod" or not len(stores.budgets) or _counts(change.old) == _counts(change.new):
            return []
        pods = [pod for pod in (change.old, change.new) if pod is not None]
        return [objects.key_of(one) for one in stores.budgets if any(_selects(one, pod) for pod in pods)]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        budget = stores.budgets.objects.get(key)
        if budget is None:
            return NOTHING
        pods = [pod for pod in stores.pods_in(budget.metadata.namespace) if _selects(budget, pod)]
        return reconcile(budget, pods, _scales(stores, pods), clock)


def _counts(pod: Any) -> tuple[Any, ...]:
    """All of a pod that a budget looks at."""
    if pod is None:
        return ()
    return pod.metadata.uid, pod.metadata.labels, objects.is_ready(pod), bool(pod.metadata.deletionTimestamp)


def _selects(budget: Any, pod: Any) -> bool:
    if budget.metadata.namespace != pod.metadata.namespace or budget.spec.selector is None:
        return False
    return selectors.from_object(budget.spec.selector).matches(pod.metadata.labels)


def _scales(stores: Stores, pods: Sequence[Any]) -> dict[str, int | str]:
    """What the controller of each pod wants; a Deployment's size stands at the newest of its replica sets, the others get
    none, so that it is counted once."""
    found: dict[str, int | str] = {}
    counted: dict[str, str] = {}
    for pod in pods:
        ref = objects.controller_of(pod)
        if ref is None:
            continue
        uid, scale = _scale(stores, pod.metadata.namespace, ref)
        if isinstance(scale, str):
            found[pod.metadata.uid] = scale
            continue
        first = counted.setdefault(uid, ref.uid)
        found[pod.metadata.uid] = scale if first == ref.uid else 0
    return found


def _scale(stores: Stores, namespace: str, ref: Any) -> tuple[str, int | str]:
    """(uid, size) of the object that decides how many pods there are."""
    field = _SCALED.get(ref.kind)
    if field is None:
        row = scheme.BY_GVK.get((ref.apiVersion, ref.kind))
        plural = f"{row.plural}.{row.group}".rstrip(".") if row is not None else f"{ref.kind.lower()}s"
        return ref.uid, f"{plural} does not implement the scale subresource"
    owner = getattr(stores, field).get(namespace, ref.name)
    if owner is None or owner.metadata.uid != ref.uid:
        return ref.uid, 0
    above = objects.controller_of(owner)
    if ref.kind == "ReplicaSet" and above is not None and above.kind == "Deployment":
        deployment = stores.deployments.get(namespace, above.name)
        if deployment is not None and deployment.metadata.uid == above.uid:
            return above.uid, 1 if deployment.spec.replicas is None else deployment.spec.replicas
    return ref.uid, 1 if owner.spec.replicas is None else owner.spec.replicas
