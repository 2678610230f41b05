"""The Endpoints controller: the older view of the addresses behind a Service (pkg/controller/endpoint)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change
from k8s_tutor.api.structs import once
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.endpointslice import HEADLESS, Ports, behind, ports_of, services_of, shows
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, Decision, create, delete, update
from k8s_tutor.controllers.triggertime import Seen, annotated, compare

MANAGED = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"
MOST = 1000
"""Addresses in one object; more are cut off."""
CUT = "endpoints.kubernetes.io/over-capacity"


@once
def _address(pod: Any, service: Any) -> Tree:
    metadata = pod.metadata
    found: Tree = {"ip": pod.status.podIP}
    if pod.spec.hostname and pod.spec.subdomain == service.metadata.name:
        found["hostname"] = pod.spec.hostname
    if pod.spec.nodeName:
        found["nodeName"] = pod.spec.nodeName
    found["targetRef"] = {"kind": "Pod", "namespace": metadata.namespace, "name": metadata.name, "uid": metadata.uid}
    return found


@once
def _member(pod: Any, service: Any) -> tuple[str, Ports, bool] | None:
    """(address, ports, readiness) of a pod behind a Service, or None if it is not listed at all."""
    anyway = bool(service.spec.publishNotReadyAddresses)
    if not (pod.status and pod.status.podIP) or objects.has_ended(pod) or (pod.metadata.deletionTimestamp and not anyway):
        return None
    return pod.status.podIP, ports_of(service, pod), anyway or objects.is_ready(pod)


def subsets(service: Any, pods: Iterable[Any]) -> list[Tree]:
    """The pods behind a Service: those that serve the same ports together, ready ones apart from the others."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], set[tuple[str, str, int, str]]] = {}
    known: dict[str, Any] = {}
    headless = service.spec.clusterIP == "None" and not service.spec.ports
    by_port: dict[Any, dict[str, bool]] = {}
    places: dict[str, tuple[str, str]] = {}
    for pod in pods:
        member = _member(pod, service)
        if member is None:
            continue
        (address, ports, ready), uid = member, pod.metadata.uid
        known[uid], places[uid] = pod, (address, uid)
        for port in ports or ((None,) if headless else ()):
            by_port.setdefault(port, {})[uid] = ready
    for port, members in by_port.items():
        order = sorted(members, key=places.__getitem__)
        key = tuple(uid for uid in order if members[uid]), tuple(uid for uid in order if not members[uid])
        groups.setdefault(key, set()).add(port)
    found = []
    for (good, bad), shared in groups.items():
        tree: Tree = {}
        if good:
            tree["addresses"] = [_address(known[uid], service) for uid in good]
        if bad:
            tree["notReadyAddresses"] = [_address(known[uid], service) for uid in bad]
        if shared != {None}:
            tree["ports"] = _ports(tuple(sorted(shared)))
        found.append(tree)
    return found


def _ports(ports: Ports) -> list[Tree]:
    found = []
    for name, protocol, number, application in ports:
        tree: Tree = {"name": name} if name else {}
        tree |= {"port": number, "protocol": protocol}
        found.append({**tree, "appProtocol": application} if application else tree)
    return found


def _cut(found: list[Tree]) -> tuple[list[Tree], bool]:
    """At most `MOST` addresses, ready ones first; and whether some are missing."""
    room, cut, kept = MOST, False, []
    for tree in found:
        tree = dict(tree)
        for name in ("addresses", "notReadyAddresses"):
            present = tree.get(name, [])
            cut = cut or len(present) > room
            if present:
                tree[name] = present[:room]
            room -= min(len(present), room)
        kept.append({name: value for name, value in tree.items() if value})
    return kept, cut


def reconcile(service: Any, pods: Iterable[Any], current: Tree | None, trigger: str = "") -> Decision:
    """Writes the Endpoints of a Service if they do not say what they should. ``pods``: those that its selector finds.
    ``current``: the Endpoints that are there, or None. ``trigger``: the reason to look, see `triggertime`."""
    wanted, cut = _cut(subsets(service, pods))
    labels = {name: value for name, value in (service.metadata.labels or {}).items() if name != HEADLESS}
    labels[MANAGED] = MANAGER
    if service.spec.clusterIP == "None":
        labels[HEADLESS] = ""
    tree: Tree = current if current is not None else {
        "apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": service.metadata.name, "namespace": service.metadata.namespace},
    }  # fmt: skip
    metadata = tree["metadata"]
    notes = {name: value for name, value in metadata.get("annotations", {}).items() if name != CUT}
    if cut:
        notes[CUT] = "truncated"
    if current is not None and tree.get("subsets", []) == wanted and metadata.get("labels", {}) == labels:
        return NOTHING
    metadata = annotated({**metadata, "labels": labels, "annotations": notes}, trigger)
    tree = {**tree, "metadata": metadata, "subsets": wanted}
    return Decision(((create(tree) if current is None else update(tree),),))


class EndpointsController(Controller):
    """Keys are Services, and Endpoints that have lost theirs."""

    name = "endpoint-controller"
    hears = ("Service", "Pod", "Endpoints")

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Seen] = {}
        """Service key → what has been a reason to look so far."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted({*stores.services.objects, *stores.endpoints.objects})

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "Service":
            return [change.key]
        if change.kind == "Endpoints":
            return [change.key] if change.new is None else []
        if change.kind == "Pod" and shows(change.old) != shows(change.new):
            return services_of(stores, change)
        return []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        service, current = stores.services.objects.get(key), stores.endpoints.objects.get(key)
        if service is None:
            self.seen.pop(key, None)
            return NOTHING if current is None else Decision(((delete(current),),))
        if not service.spec.selector or service.metadata.deletionTimestamp:
            return NOTHING
        pods = behind(stores, service)
        self.seen[key], trigger = compare(self.seen.get(key, Seen()), service, pods)
        return reconcile(service, pods, scheme.tree(stores.endpoints.data[key]) if current is not None else None, trigger)
