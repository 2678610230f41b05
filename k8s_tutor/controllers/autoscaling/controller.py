"""The loop of the autoscaler: a look every 15 s, in up to three steps: the target's scale, its metrics, what follows."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme, selectors
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.autoscaling import sources
from k8s_tutor.controllers.autoscaling.pace import Memory
from k8s_tutor.controllers.autoscaling.reconcile import Observed, Target, reconcile, wants_metrics
from k8s_tutor.controllers.autoscaling.sources import Answer, Ask
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, Write
from k8s_tutor.sim import SECOND, CallFailed

PERIOD = 15 * SECOND
"""--horizontal-pod-autoscaler-sync-period."""


class AutoscalerController(Controller):
    """Keys are autoscalers."""

    name = "horizontal-pod-autoscaler"
    hears = ("HorizontalPodAutoscaler",)

    def __init__(self) -> None:
        super().__init__()
        self.due: dict[str, int] = {}
        """Key → when the next look is due, µs."""
        self.targets: dict[str, Target] = {}
        """Key → the scale that was read for the look that is being taken."""
        self.answers: dict[str, tuple[tuple[Ask, Answer], ...]] = {}
        """Key → what the metrics APIs have said in that look."""
        self.memories: dict[str, Memory] = {}

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.autoscalers.objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind != "HorizontalPodAutoscaler":
            return []
        if change.new is None:
            for kept in (self.due, self.targets, self.answers, self.memories):
                kept.pop(change.key, None)
            return []
        return [] if change.key in self.due else [change.key]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        hpa = stores.autoscalers.objects.get(key)
        if hpa is None:
            return NOTHING
        due = self.due.setdefault(key, clock.now + PERIOD)
        if due > clock.now:
            return Decision(again=due - clock.now)
        target = self.targets.get(key) or _unknown(hpa)
        if target is None:
            ref = hpa.spec.scaleTargetRef
            ask = Write("GET", ref.kind, hpa.metadata.namespace, ref.name, subresource="scale", asking=True)
            return Decision(((ask,),))
        rivals = _rivals(stores, hpa)
        asks = self._asks(hpa, target) if wants_metrics(hpa, target, rivals) else []
        said = dict(self.answers.get(key, ()))
        missing = tuple(dict.fromkeys(ask for ask in asks if ask not in said))
        if missing:
            return Decision((tuple(ask.write for ask in missing),))
        self.targets.pop(key, None)
        self.answers.pop(key, None)
        self.due[key] = clock.now + PERIOD
        seen = Observed(target, _pods(stores, hpa, target), rivals, [said[ask] for ask in asks])
        decision, self.memories[key] = reconcile(hpa, seen, self.memories.get(key, Memory()), clock)
        return decision._replace(again=PERIOD)

    def _asks(self, hpa: Any, target: Target) -> list[Ask]:
        return [sources.ask_of(metric, hpa.metadata.namespace, target.selector) for metric in hpa.spec.metrics or ()]

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.method != "GET":
            return
        if write.root:
            self.answers[key] = (*self.answers.get(key, ()), (Ask(write.root, write.query, write.kind), answer))
        elif isinstance(answer, CallFailed):
            self.targets[key] = Target(problem="the server did not answer")
        else:
            tree = scheme.tree(answer.body)
            self.targets[key] = Target(tree) if answer.code == 200 else Target(problem=tree.get("message", ""))

    def finished(self, key: str, ok: bool) -> bool:
        return ok and (key in self.targets or key in self.answers)


def _unknown(hpa: Any) -> Target | None:
    """The answer for a target whose kind is not known."""
    ref = hpa.spec.scaleTargetRef
    if scheme.BY_GVK.get((ref.apiVersion, ref.kind)) is not None:
        return None
    group = (ref.apiVersion or "").partition("/")[0] if "/" in (ref.apiVersion or "") else ""
    return Target(problem=f'no matches for kind "{ref.kind}" in group "{group}"')


def _pods(stores: Stores, hpa: Any, target: Target) -> list[Any]:
    if not target.selector:
        return []
    selector = selectors.parse(target.selector)
    return [pod for pod in stores.pods_in(hpa.metadata.namespace) if selector.matches(pod.metadata.labels)]


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
