"""The EndpointSlice controller: the addresses behind each Service (pkg/controller/endpointslice, k8s.io/endpointslice)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change
from k8s_tutor.api.structs import once
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, Decision, Write, create, delete, update
from k8s_tutor.controllers.triggertime import Seen, annotated, compare
from k8s_tutor.sim import CallFailed

MOST = 100
"""Endpoints in one slice."""
SERVICE = "kubernetes.io/service-name"
MANAGED = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
ZONE = "topology.kubernetes.io/zone"

Ports = tuple[tuple[str, str, int, str], ...]
"""(name, protocol, number, application protocol) of each port that a pod serves."""


def _target(port: Any, pod: Any) -> int | None:
    """The number of a Service's port in this pod; a name is looked up among the containers' ports (FindPort)."""
    wanted = port.targetPort if port.targetPort else port.port
    if isinstance(wanted, int):
        return wanted
    containers = [*(pod.spec.containers or ())]
    containers += [c for c in pod.spec.initContainers or () if c.restartPolicy == "Always"]
    for container in containers:
        for offered in container.ports or ():
            if offered.name == wanted and (offered.protocol or "TCP") == (port.protocol or "TCP"):
                return int(offered.containerPort)
    return None


def ports_of(service: Any, pod: Any) -> Ports:
    """The Service's ports as this pod serves them; ports that it does not have are left out."""
    found = []
    for port in service.spec.ports or ():
        number = _target(port, pod)
        if number is not None:
            found.append((port.name or "", port.protocol or "TCP", number, port.appProtocol or ""))
    return tuple(found)


def belongs(pod: Any) -> bool:
    """Whether a pod is an endpoint at all: it has an address and has not ended."""
    return bool(pod.status and pod.status.podIP) and not objects.has_ended(pod)


def endpoint(pod: Any, service: Any, node: Any) -> Tree:
    """One pod as an endpoint."""
    metadata, serving = pod.metadata, objects.is_ready(pod)
    ending = bool(metadata.deletionTimestamp)
    ready = bool(service.spec.publishNotReadyAddresses) or (serving and not ending)
    found: Tree = {
        "addresses": [pod.status.podIP],
        "conditions": {"ready": ready, "serving": serving, "terminating": ending},
        "targetRef": {"kind": "Pod", "namespace": metadata.namespace, "name": metadata.name, "uid": metadata.uid},
    }
    if pod.spec.nodeName:
        found["nodeName"] = pod.spec.nodeName
    zone = (node.metadata.labels or {}).get(ZONE) if node is not None else None
    if zone:
        found["zone"] = zone
    if pod.spec.hostname and pod.spec.subdomain == service.metadata.name:
        found["hostname"] = pod.spec.hostname
    return found


@once
def _member(pod: Any, service: Any, node: Any) -> tuple[Ports, Tree] | None:
    """(ports, endpoint) of a pod behind a Service, or None if it is no endpoint."""
    return (ports_of(service, pod), endpoint(pod, service, node)) if belongs(pod) else None


@once
def _contents(piece: Any) -> list[Tree]:
    """The endpoints in a slice."""
    return [objects.tree_of(found) for found in piece.endpoints or ()]


def _labels(service: Any) -> dict[str, str]:
    own = (MANAGED, SERVICE, HEADLESS)
    found = {name: value for name, value in (service.metadata.labels or {}).items() if name not in own}
    if service.spec.clusterIP == "None":
        found[HEADLESS] = ""
    return {**found, SERVICE: service.metadata.name, MANAGED: MANAGER}


def _new_slice(service: Any, ports: Ports, endpoints: list[Tree], trigger: str) -> Tree:
    metadata = {
        "generateName": f"{service.metadata.name}-", "namespace": service.metadata.namespace,
        "labels": _labels(service), "ownerReferences": [objects.owner_reference(service)],
    }  # fmt: skip
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": annotated(metadata, trigger),
        "addressType": "IPv4", "endpoints": endpoints, "ports": _port_trees(ports),
    }  # fmt: skip


def _port_trees(ports: Ports) -> list[Tree]:
    found = []
    for name, protocol, number, application in ports:
        tree: Tree = {"name": name, "protocol": protocol, "port": number}
        if application:
            tree["appProtocol"] = application
        found.append(tree)
    return found


def _slice_ports(piece: Any) -> Ports:
    return tuple((p.name or "", p.protocol or "TCP", p.port or 0, p.appProtocol or "") for p in piece.ports or ())


def _uid(tree: Tree) -> str:
    return str(tree.get("targetRef", {}).get("uid", ""))


def _fill(
    service: Any, ports: Ports, wanted: dict[str, Tree], slices: Sequence[Any], trigger: str
) -> tuple[list[Write], list[Any]]:
    """(writes, slices to give up) so that these endpoints, by uid, stand in slices of these ports: endpoints stay where
    they are, new ones go where something changes anyway, then where there is room, then into new slices."""
    left, labels = dict(wanted), _labels(service)
    contents: list[tuple[Any, list[Tree], bool]] = []
    for piece in slices:
        old = _contents(piece)
        kept = [left.pop(_uid(found)) for found in old if _uid(found) in left]
        contents.append((piece, kept, kept != old or (piece.metadata.labels or {}) != labels))
    waiting = list(left.values())
    for changed_first in (True, False):
        for index, (piece, kept, changed) in enumerate(contents):
            room = MOST - len(kept)
            if waiting and changed is changed_first and room > 0 and (changed or len(waiting) <= room):
                contents[index] = (piece, [*kept, *waiting[:room]], True)
                waiting = waiting[room:]
    writes = []
    for piece, kept, changed in contents:
        if kept and changed:
            bare = msgspec.structs.replace(piece, endpoints=[])
            writes.append(update({**_labelled(service, bare, trigger), "endpoints": kept}))
    writes += [
        create(_new_slice(service, ports, waiting[at : at + MOST], trigger)) for at in range(0, len(waiting), MOST)
    ]
    return writes, [piece for piece, kept, _ in contents if not kept]


def _labelled(service: Any, piece: Any, trigger: str) -> Tree:
    tree = objects.tree_of(piece)
    return {**tree, "metadata": annotated({**tree["metadata"], "labels": _labels(service)}, trigger)}


def reconcile(
    service: Any, pods: Iterable[Any], slices: Sequence[Any], nodes: dict[str, Any], trigger: str = ""
) -> Decision:
    """The writes that make the slices of a Service say where its pods are.

    ``pods``: those that its selector finds. ``slices``: its slices that this controller manages, by name. ``nodes``: Node
    structs by name (for zones). ``trigger``: the reason to look, see `triggertime`.
    """
    groups: dict[Ports, dict[str, Tree]] = {}
    for pod in pods:
        found = _member(pod, service, nodes.get(pod.spec.nodeName or ""))
        if found is not None:
            groups.setdefault(found[0], {})[pod.metadata.uid] = found[1]
    by_ports: dict[Ports, list[Any]] = {}
    for piece in slices:
        if not piece.metadata.deletionTimestamp:
            by_ports.setdefault(_slice_ports(piece), []).append(piece)
    writes: list[Write] = []
    spare: list[Any] = []
    for ports in sorted({*groups, *by_ports}):
        more, empty = _fill(service, ports, groups.get(ports, {}), by_ports.get(ports, []), trigger)
        writes += more
        spare += empty
    if not groups:
        blank = next((piece for piece in spare if not piece.ports and not piece.endpoints), None)
        if blank is None:
            writes.append(create(_new_slice(service, (), [], trigger)))
        else:
            spare.remove(blank)
            if (blank.metadata.labels or {}) != _labels(service):
                writes.append(update(_labelled(service, blank, trigger)))
    writes += [delete(piece) for piece in spare]
    return Decision((tuple(writes),)) if writes else NOTHING


def behind(stores: Stores, service: Any) -> list[Any]:
    """The pods that a Service selects, by name."""
    wanted = service.spec.selector.items()
    return [pod for pod in stores.pods_in(service.metadata.namespace) if wanted <= (pod.metadata.labels or {}).items()]


@once
def shows(pod: Any) -> tuple[Any, ...]:
    """All of a pod that an endpoint shows."""
    if pod is None:
        return ()
    status = pod.status
    return (
        status and status.podIP, objects.is_ready(pod), bool(pod.metadata.deletionTimestamp), objects.has_ended(pod),
        pod.metadata.labels, pod.spec.nodeName, pod.metadata.uid,
    )  # fmt: skip


def services_of(stores: Stores, change: Change) -> list[str]:
    """Keys of the Services that select a pod, or did."""
    either = [pod.metadata.labels or {} for pod in (change.old, change.new) if pod is not None]
    space = (change.new or change.old).metadata.namespace
    return [
        objects.key_of(service) for service in stores.services
        if service.metadata.namespace == space and service.spec.selector
        and any(service.spec.selector.items() <= labels.items() for labels in either)
    ]  # fmt: skip


class EndpointSliceController(Controller):
    """Feeds `reconcile`; remembers the slices that it wrote until the informer has them."""

    name = "endpoint-slice-controller"
    hears = ("Service", "Pod", "EndpointSlice")

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, tuple[str, int]] = {}
        """Slice key → (service key, resourceVersion that our write gave it)."""
        self.seen: dict[str, Seen] = {}
        """Service key → what has been a reason to look so far."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.services.objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "Service":
            return [change.key]
        if change.kind == "Pod" and shows(change.old) != shows(change.new):
            return services_of(stores, change)
        if change.kind == "EndpointSlice":
            return self._slice_keys(change)
        return []

    def _slice_keys(self, change: Change) -> list[str]:
        piece = change.new or change.old
        labels = piece.metadata.labels or {}
        if labels.get(MANAGED) != MANAGER:
            return []
        service, revision = self.written.get(change.key, ("", 0))
        if change.new is None:
            self.written.pop(change.key, None)
        elif int(piece.metadata.resourceVersion) == revision:
            return []
        return [service or f"{piece.metadata.namespace}/{labels.get(SERVICE, '')}"]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        service = stores.services.objects.get(key)
        if service is None or service.metadata.deletionTimestamp:
            for name in [name for name, (owner, _) in self.written.items() if owner == key]:
                del self.written[name]
            self.seen.pop(key, None)
            return NOTHING
        if not service.spec.selector or service.spec.type == "ExternalName":
            return NOTHING
        if any(owner == key and stores.slices.revision < revision for owner, revision in self.written.values()):
            return Decision(failed=True)
        pods = behind(stores, service)
        slices = [
            piece for piece in stores.slices
            if piece.metadata.namespace == service.metadata.namespace
            and (piece.metadata.labels or {}).get(SERVICE) == service.metadata.name
            and (piece.metadata.labels or {}).get(MANAGED) == MANAGER
        ]  # fmt: skip
        self.seen[key], trigger = compare(self.seen.get(key, Seen()), service, pods)
        return reconcile(service, pods, slices, stores.nodes.objects, trigger)

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if not isinstance(answer, Response) or answer.code >= 300:
            return
        if write.method == "DELETE":
            self.written.pop(f"{write.namespace}/{write.name}", None)
        else:
            metadata = scheme.tree(answer.body)["metadata"]
            self.written[f"{metadata['namespace']}/{metadata['name']}"] = (key, int(metadata["resourceVersion"]))
