"""Pod garbage collection: pods of nodes that no longer exist, and pods that were deleted before they got a node
(pkg/controller/podgc/gc_controller.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, Write, delete, patch
from k8s_tutor.sim import SECOND, CallFailed

PERIOD = 20 * SECOND
QUARANTINE = 40 * SECOND
"""How long a node must have been missing."""


def reconcile(pod: Any, node_is_gone: bool, clock: Clock) -> Decision:
    """``node_is_gone``: the pod's node has been missing for long enough, and the API server knows no such node."""
    if not pod.spec.nodeName:
        return Decision(((delete(pod, grace=0),),)) if pod.metadata.deletionTimestamp else NOTHING
    if not node_is_gone:
        return NOTHING
    condition = {
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC", "message": "PodGC: node no longer exists",
        "lastTransitionTime": clock.stamp,
    }  # fmt: skip
    status = {"conditions": [condition], **({} if objects.has_ended(pod) else {"phase": "Failed"})}
    note = ("pod.collected", {"pod": objects.key_of(pod), "node": pod.spec.nodeName})
    return Decision(((patch(pod, {"status": status}, "status", STRATEGIC),), (delete(pod, grace=0),)), notes=(note,))


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
        found: list[str] = []
        for pod in stores.pods:
            node = pod.spec.nodeName
            if not node:
                if pod.metadata.deletionTimestamp:
                    found.append(objects.key_of(pod))
            elif node not in stores.nodes.objects and clock.now - self.missing.setdefault(node, clock.now) >= QUARANTINE:
                found.append(objects.key_of(pod))
        return found

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        pod = stores.pods.objects.get(key)
        if pod is None:
            return NOTHING
        node = pod.spec.nodeName or ""
        if node and node not in self.gone and node in self.missing:
            self.asking[key] = node
            return Decision(((Write("GET", "Node", "", node),),))
        return reconcile(pod, node in self.gone, clock)

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.method == "GET" and isinstance(answer, Response) and answer.code == 404:
            self.gone[write.name] = None
        elif write.method == "GET":
            self.missing.pop(write.name, None)

    def finished(self, key: str, ok: bool) -> bool:
        return self.asking.pop(key, "") in self.gone
