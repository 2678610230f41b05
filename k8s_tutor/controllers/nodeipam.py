"""The node IPAM controller: every node gets its own /24 of the pods' network (pkg/controller/nodeipam, range allocator)."""

from __future__ import annotations

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, patch

NETWORK = "10.244"
MOST = 256


class NodeIpamController(Controller):
    """Keys are nodes that have no range yet."""

    name = "node-ipam-controller"
    hears = ("Node",)
    workers = 1

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [node.metadata.name for node in stores.nodes if not _range_of(node)]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        return [change.key] if change.kind == "Node" and change.new is not None and not _range_of(change.new) else []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        node = stores.nodes.objects.get(key)
        if node is None or _range_of(node):
            return NOTHING
        taken = [_range_of(other) for other in stores.nodes]
        free = next((one for number in range(MOST) if (one := f"{NETWORK}.{number}.0/24") not in taken), "")
        if not free:
            return NOTHING
        return Decision(((patch(node, {"spec": {"podCIDR": free, "podCIDRs": [free]}}, content_type=STRATEGIC),),))


def _range_of(node: object) -> str:
    spec = getattr(node, "spec", None)
    return (spec.podCIDR or "") if spec is not None else ""
