"""The TTL controller: says in an annotation how long a kubelet of a cluster of this size may keep what it has read
(pkg/controller/ttl)."""

from __future__ import annotations

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, patch

ANNOTATION = "node.alpha.kubernetes.io/ttl"
_STEPS = ((100, 0), (500, 15), (1_000, 30), (2_000, 60))
_MOST = 300


class TtlController(Controller):
    """Keys are nodes."""

    name = "ttl-controller"
    hears = ("Node",)

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [node.metadata.name for node in stores.nodes]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        return [change.key] if change.kind == "Node" and change.new is not None and change.old is None else []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        node = stores.nodes.objects.get(key)
        seconds = str(next((seconds for most, seconds in _STEPS if len(stores.nodes) <= most), _MOST))
        if node is None or (node.metadata.annotations or {}).get(ANNOTATION) == seconds:
            return NOTHING
        write = patch(node, {"metadata": {"annotations": {ANNOTATION: seconds}}}, content_type=STRATEGIC)
        return Decision(((write,),))
