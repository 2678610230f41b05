"""Endpoints that somebody has written by hand, for a Service without selector, become EndpointSlices
(pkg/controller/endpointslicemirroring)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.endpointslice import HEADLESS, MANAGED, SERVICE
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, Decision, Write, create, delete, update
from k8s_tutor.controllers.triggertime import ANNOTATION

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
_NOT_COPIED = (ANNOTATION, "kubectl.kubernetes.io/last-applied-configuration")
MOST = 1000
"""Addresses of one subset."""


def is_mirrored(endpoints: Any, service: Any) -> bool:
    """Whether these Endpoints are somebody's own work."""
    if endpoints is None or endpoints.metadata.deletionTimestamp or service is None or service.spec.selector:
        return False
    labels, notes = endpoints.metadata.labels or {}, endpoints.metadata.annotations or {}
    return labels.get(SKIP) != "true" and LEADER not in notes


def _endpoint(address: Any, ready: bool) -> Tree:
    found: Tree = {"addresses": [address.ip], "conditions": {"ready": ready}}
    for name in ("hostname", "nodeName"):
        if getattr(address, name):
            found[name] = getattr(address, name)
    if address.targetRef is not None:
        found["targetRef"] = objects.tree_of(address.targetRef)
    return found


def _contents(subset: Any) -> tuple[list[Tree], list[Tree]]:
    """(endpoints, ports) of a slice for one subset."""
    points = [_endpoint(one, True) for one in subset.addresses or ()]
    points += [_endpoint(one, False) for one in subset.notReadyAddresses or ()]
    ports = []
    for port in subset.ports or ():
        tree: Tree = {"name": port.name or "", "protocol": port.protocol or "TCP", "port": port.port}
        ports.append({**tree, "appProtocol": port.appProtocol} if port.appProtocol else tree)
    return points[:MOST], ports


def reconcile(endpoints: Any, slices: Sequence[Any]) -> Decision:
    """Writes one slice for each subset. ``slices``: those that mirror these Endpoints so far."""
    metadata = endpoints.metadata
    labels = {name: value for name, value in (metadata.labels or {}).items() if name not in (MANAGED, SERVICE, HEADLESS)}
    labels |= {SERVICE: metadata.name, MANAGED: MANAGER}
    notes = {name: value for name, value in (metadata.annotations or {}).items() if name not in _NOT_COPIED}
    spare = sorted(slices, key=lambda piece: str(piece.metadata.name))
    writes: list[Write] = []
    for subset in endpoints.subsets or ():
        points, ports = _contents(subset)
        piece = next((one for one in spare if _ports(one) == ports), None)
        if piece is None:
            head: Tree = {
                "generateName": f"{metadata.name}-", "namespace": metadata.namespace, "labels": labels,
                "ownerReferences": [objects.owner_reference(endpoints)],
            }  # fmt: skip
            if notes:
                head["annotations"] = notes
            writes.append(create({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": head, "addressType": "IPv4",
                "endpoints": points, "ports": ports,
            }))  # fmt: skip
            continue
        spare.remove(piece)
        tree = objects.tree_of(piece)
        if tree.get("endpoints", []) != points or tree["metadata"].get("labels") != labels:
            writes.append(update({**tree, "metadata": {**tree["metadata"], "labels": labels}, "endpoints": points}))
    writes += [delete(piece) for piece in spare]
    return Decision((tuple(writes),)) if writes else NOTHING


def _ports(piece: Any) -> list[Tree]:
    return [objects.tree_of(port) for port in piece.ports or ()]


class MirroringController(Controller):
    """Keys are Endpoints."""

    name = "endpoint-slice-mirroring-controller"
    hears = ("Service", "Endpoints", "EndpointSlice")

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.endpoints.objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind in ("Endpoints", "Service"):
            return [change.key] if change.key in stores.endpoints.objects or change.kind == "Endpoints" else []
        if change.kind == "EndpointSlice":
            metadata = (change.new or change.old).metadata
            labels = metadata.labels or {}
            return [f"{metadata.namespace}/{labels.get(SERVICE, '')}"] if labels.get(MANAGED) == MANAGER else []
        return []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        endpoints, service = stores.endpoints.objects.get(key), stores.services.objects.get(key)
        namespace, _, name = key.partition("/")
        slices = [
            piece for piece in stores.slices
            if piece.metadata.namespace == namespace and (piece.metadata.labels or {}).get(SERVICE) == name
            and (piece.metadata.labels or {}).get(MANAGED) == MANAGER
        ]  # fmt: skip
        if not is_mirrored(endpoints, service):
            gone = tuple(delete(piece) for piece in slices if not piece.metadata.deletionTimestamp)
            return Decision((gone,)) if gone else NOTHING
        return reconcile(endpoints, slices)
