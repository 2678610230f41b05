"""Pod garbage collection: pods of nodes that no longer exist or are out of service, pods that were deleted before they got a
node, and pods that ended long ago when there are very many of them (pkg/controller/podgc/gc_controller.go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, Write, delete, patch
from k8s_tutor.sim import SECOND, CallFailed

PERIOD = 20 * SECOND
QUARANTINE = 40 * SECOND
"""How long a node must have been missing."""
ENDED_MOST = 12_500
"""So many pods that have ended are kept (--terminated-pod-gc-threshold)."""
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


def reconcile(pod: Any, node_is_gone: bool, clock: Clock) -> Decision:
    """Deletes a pod that is to be collected, and marks it as failed before, unless it has ended. ``node_is_gone``: its node has
    been missing for long enough, and the API server knows no such node."""
    notes = (("pod.collected", {"pod": objects.key_of(pod), "node": pod.spec.nodeName or ""}),)
    gone = (delete(pod, grace=0),)
    if objects.has_ended(pod):
        return Decision((gone,), notes=notes)
    status: Tree = {"phase": "Failed"}
    if node_is_gone:
        status["conditions"] = [{
            "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists", "lastTransitionTime": clock.stamp,
        }]  # fmt: skip
    return Decision(((patch(pod, {"status": status}, "status", STRATEGIC),), gone), notes=notes)


def is_given_up(pod: Any, nodes: Informer) -> bool:
    """Whether a pod that is being deleted has nobody who would end it: it has no node, or a human has said of its node, which
    is not ready, that it is out of service."""
    if not pod.metadata.deletionTimestamp:
        return False
    if not pod.spec.nodeName:
        return True
    node = nodes.objects.get(pod.spec.nodeName)
    if node is None or objects.is_ready(node):
        return False
    return any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints or ())


def surplus(pods: Iterable[Any]) -> list[Any]:
    """The ended pods beyond `ENDED_MOST`: evicted ones first, then the oldest."""
    ended = [pod for pod in pods if objects.has_ended(pod)]
    too_many = len(ended) - ENDED_MOST
    return sorted(ended, key=_age)[:too_many] if too_many > 0 else []


def _age(pod: Any) -> tuple[bool, Any, str]:
    evicted = pod.status.phase == "Failed" and pod.status.reason == "Evicted"
    return not evicted, pod.metadata.creationTimestamp, pod.metadata.name


class PodGarbageCollector(Controller):
    """Keys are pods, found every twenty seconds."""

    name = "pod-garbage-collector"
    hears = ("Node",)
    period = PERIOD

    def __init__(self) -> None:
        super().__init__()
        self.missing: dict[str, int] = {}
        """Node → since when it has been missing, µs."""
        self.gone: dict[str, None] = {}
        """Nodes that the API server has said it does not know."""
        self.asking: dict[str, str] = {}
        """Pod key → node that the API server is being asked about."""

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "Node" and change.new is not None:
            self.missing.pop(change.key, None)
            self.gone.pop(change.key, None)
        return []

    def tick(self, stores: Stores, clock: Clock) -> list[str]:
        found = [objects.key_of(pod) for pod in surplus(stores.pods)]
        for pod in stores.pods:
            node = pod.spec.nodeName
            missing = node and node not in stores.nodes.objects
            if is_given_up(pod, stores.nodes) or (
                missing and clock.now - self.missing.setdefault(node, clock.now) >= QUARANTINE
            ):
                found.append(objects.key_of(pod))
        return found

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        pod = stores.pods.objects.get(key)
        if pod is None:
            return NOTHING
        node = pod.spec.nodeName or ""
        if node in stores.nodes.objects or not node:
            collected = is_given_up(pod, stores.nodes) or (objects.has_ended(pod) and pod in surplus(stores.pods))
            return reconcile(pod, False, clock) if collected else NOTHING
        if node not in self.gone:
            self.asking[key] = node
            return Decision(((Write("GET", "Node", "", node),),))
        return reconcile(pod, True, clock)

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.method == "GET" and isinstance(answer, Response) and answer.code == 404:
            self.gone[write.name] = None
        elif write.method == "GET":
            self.missing.pop(write.name, None)

    def finished(self, key: str, ok: bool) -> bool:
        return self.asking.pop(key, "") in self.gone
