"""The taint eviction controller: deletes pods that do not tolerate a NoExecute taint of their node, or no longer
(pkg/controller/tainteviction)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, Event, delete, patch
from k8s_tutor.sim import SECOND


class Stay(NamedTuple):
    """How long a pod may stay on its node, µs; ``forever`` when no taint drives it away."""

    forever: bool
    time: int = 0


def tolerates(toleration: Any, taint: Any) -> bool:
    """Whether a toleration covers a taint."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if (toleration.operator or "Equal") == "Exists":
        return True
    return bool(toleration.key) and (toleration.value or "") == (taint.value or "")


def stay(pod: Any, taints: Iterable[Any]) -> Stay:
    """By the NoExecute taints of the node: the shortest tolerationSeconds of those tolerations that are used."""
    used: list[Any] = []
    for taint in taints:
        if taint.effect != "NoExecute":
            continue
        fitting = next((found for found in pod.spec.tolerations or () if tolerates(found, taint)), None)
        if fitting is None:
            return Stay(False, 0)
        used.append(fitting)
    limits = [max(found.tolerationSeconds, 0) * SECOND for found in used if found.tolerationSeconds is not None]
    return Stay(False, min(limits)) if limits else Stay(True)


def reconcile(pod: Any, taints: Iterable[Any], since: int | None, clock: Clock) -> Decision:
    """``since``: when the pod's time began to run (µs), or None while no taint drives it away."""
    verdict = stay(pod, taints)
    about = objects.reference(pod)
    key = objects.key_of(pod)
    if verdict.forever:
        if since is None:
            return NOTHING
        return Decision(events=(Event(about, "TaintManagerEviction", f"Cancelling deletion of Pod {key}"),))
    due = (clock.now if since is None else since) + verdict.time
    if due > clock.now:
        return Decision(again=due - clock.now)
    condition = {
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint", "lastTransitionTime": clock.stamp,
    }  # fmt: skip
    event = Event(about, "TaintManagerEviction", f"Marking for deletion Pod {key}")
    writes = (patch(pod, {"status": {"conditions": [condition]}}, "status", STRATEGIC),), (delete(pod),)
    return Decision(writes, events=(event,), notes=(("pod.evicted", {"pod": key, "node": pod.spec.nodeName or ""}),))


class TaintEvictionController(Controller):
    """Keys are pods. Listens to pods and to the taints of nodes."""

    name = "taint-eviction-controller"
    hears = ("Node", "Pod")
    workers = 8

    def __init__(self) -> None:
        super().__init__()
        self.since: dict[str, int] = {}
        """Pod key → when its time began to run, µs."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [key for node in stores.nodes if _evicts(node) for key in sorted(stores.placed.of(node.metadata.name))]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "Node":
            if change.new is None or _taints(change.old) == _taints(change.new):
                return []
            return sorted(stores.placed.of(change.key))
        if change.kind != "Pod":
            return []
        if change.new is None:
            self.since.pop(change.key, None)
            return []
        node = stores.nodes.objects.get(change.new.spec.nodeName or "")
        moved = change.old is None or change.old.spec != change.new.spec
        return [change.key] if moved and _evicts(node) else []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        pod = stores.pods.objects.get(key)
        if pod is None or pod.metadata.deletionTimestamp:
            self.since.pop(key, None)
            return NOTHING
        node = stores.nodes.objects.get(pod.spec.nodeName or "")
        decision = reconcile(pod, _taints(node), self.since.get(key), clock)
        if decision.again is not None:
            self.since.setdefault(key, clock.now)
        elif not decision.writes:
            self.since.pop(key, None)
        return decision


def _taints(node: Any) -> list[Any]:
    return [] if node is None or not node.spec else [t for t in node.spec.taints or () if t.effect == "NoExecute"]


def _evicts(node: Any) -> bool:
    return bool(_taints(node))
