"""Server-side tables: what ``kubectl get`` prints (pkg/printers/internalversion/printers.go).

`table` makes a ``meta.k8s.io/v1 Table`` of objects; `cells` is the row of one object. Ages are taken at a given instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from k8s_tutor.api import podstatus, times
from k8s_tutor.api.scheme import Resource

Tree = dict[str, Any]
NONE = "<none>"

_NAME_TEXT = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation "
    "idempotence and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
_AGE_TEXT = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


class Column(NamedTuple):
    """One column; ``wide`` ones (priority 1) show with ``-o wide``."""

    name: str
    description: str = ""
    type: str = "string"
    wide: bool = False

    def tree(self) -> Tree:
        """As an entry of ``columnDefinitions``."""
        return {
            "name": self.name,
            "type": self.type,
            "format": "name" if self.name == "Name" and not self.wide else "",
            "description": self.description,
            "priority": 1 if self.wide else 0,
        }


class Moment(NamedTuple):
    """The instant at which ages are read, µs since ``epoch`` (Unix seconds)."""

    now: int
    epoch: int = times.EPOCH

    def age(self, stamp: str | None) -> str:
        """``4s``, or ``<unknown>``."""
        return times.age(stamp, self.now, self.epoch)


NAME = Column("Name", _NAME_TEXT)
"""The first column of every table."""
_NAME = NAME
_AGE = Column("Age", _AGE_TEXT)
_WORKLOAD = (
    Column("Containers", "Names of each container in the template.", wide=True),
    Column("Images", "Images referenced by each container in the template.", wide=True),
    Column("Selector", "Label selector for pods.", wide=True),
)


def _created(tree: Tree, at: Moment) -> str:
    return at.age(tree["metadata"].get("creationTimestamp"))


def _labels(labels: dict[str, str] | None) -> str:
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) if labels else NONE


def _selector(selector: Tree | None) -> str:
    from k8s_tutor.api import selectors

    return str(selectors.from_object(selector or {})) or NONE


def _template(spec: Tree) -> tuple[str, str]:
    containers = spec.get("template", {}).get("spec", {}).get("containers", ())
    return ",".join(item["name"] for item in containers), ",".join(item.get("image", "") for item in containers)


def _pod(tree: Tree, at: Moment) -> list[Any]:
    found = podstatus.summary(tree)
    restarts = str(found.restarts)
    if found.restarts and found.last_restart:
        restarts += f" ({at.age(found.last_restart)} ago)"
    spec, status = tree.get("spec", {}), tree.get("status", {})
    gates = spec.get("readinessGates", ())
    met = [item["type"] for item in status.get("conditions", ()) if item.get("status") == "True"]
    readiness = f"{sum(gate['conditionType'] in met for gate in gates)}/{len(gates)}" if gates else NONE
    addresses = [item["ip"] for item in status.get("podIPs", ())]
    return [
        tree["metadata"]["name"], f"{found.ready}/{found.total}", found.status, restarts, _created(tree, at),
        addresses[0] if addresses else status.get("podIP") or NONE, spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE, readiness,
    ]  # fmt: skip


def _deployment(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    containers, images = _template(spec)
    return [
        tree["metadata"]["name"], f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}",
        status.get("updatedReplicas", 0), status.get("availableReplicas", 0), _created(tree, at), containers, images,
        _selector(spec.get("selector")),
    ]  # fmt: skip


def _replica_set(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    containers, images = _template(spec)
    return [
        tree["metadata"]["name"], spec.get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0),
        _created(tree, at), containers, images, _selector(spec.get("selector")),
    ]  # fmt: skip


def _external_address(spec: Tree, status: Tree) -> str:
    external: list[str] = list(spec.get("externalIPs", ()))
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName", NONE))
        case "LoadBalancer":
            ingress = status.get("loadBalancer", {}).get("ingress", ())
            external = [item.get("ip") or item.get("hostname", "") for item in ingress] + external
            return ",".join(external) or "<pending>"
    return ",".join(external) or NONE


def _service(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    ports = [
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports", ())
    ]
    return [
        tree["metadata"]["name"], spec.get("type", "ClusterIP"), spec.get("clusterIP") or NONE,
        _external_address(spec, tree.get("status", {})), ",".join(ports) or NONE, _created(tree, at),
        _labels(spec.get("selector")),
    ]  # fmt: skip


def node_status(tree: Tree) -> str:
    """``Ready``, ``NotReady,SchedulingDisabled``, ..."""
    words = [
        "Ready" if item["status"] == "True" else "NotReady"
        for item in tree.get("status", {}).get("conditions", ())
        if item["type"] == "Ready"
    ]
    words = words or ["Unknown"]
    if tree.get("spec", {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def node_roles(tree: Tree) -> str:
    """``control-plane``, or ``<none>``."""
    prefix, found = "node-role.kubernetes.io/", []
    for key, value in tree["metadata"].get("labels", {}).items():
        if key.startswith(prefix) and len(key) > len(prefix):
            found.append(key.removeprefix(prefix))
        elif key == "kubernetes.io/role" and value:
            found.append(value)
    return ",".join(sorted(found)) or NONE


def _node(tree: Tree, at: Moment) -> list[Any]:
    status = tree.get("status", {})
    info = status.get("nodeInfo", {})
    addresses = {item["type"]: item["address"] for item in reversed(status.get("addresses", ()))}
    kernel, machine = info.get("kernelVersion"), info.get("architecture")
    return [
        tree["metadata"]["name"], node_status(tree), node_roles(tree), _created(tree, at), info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE), addresses.get("ExternalIP", NONE), info.get("osImage") or "<unknown>",
        (f"{kernel} ({machine})" if machine else kernel) if kernel else "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]  # fmt: skip


def _event(tree: Tree, at: Moment) -> list[Any]:
    about, source, series = tree.get("involvedObject", {}), tree.get("source", {}), tree.get("series")
    first = at.age(tree.get("firstTimestamp") or tree.get("eventTime"))
    last = at.age(tree["lastTimestamp"]) if tree.get("lastTimestamp") else first
    count = tree.get("count", 0) or 1
    if series:
        last, count = at.age(series.get("lastObservedTime")), series.get("count", 0)
    kind = about.get("kind", "").lower()
    component = source.get("component") or tree.get("reportingComponent") or ""
    host = source.get("host") or tree.get("reportingInstance") or ""
    return [
        last, tree.get("type", ""), tree.get("reason", ""), f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath", ""), f"{component}, {host}" if host else component, tree.get("message", "").strip(),
        first, count, tree["metadata"]["name"],
    ]  # fmt: skip


def _some(items: list[str], empty: str) -> str:
    """At most three, then how many more."""
    if len(items) > 3:
        return f"{','.join(items[:3])} + {len(items) - 3} more..."
    return ",".join(items) or empty


def _endpoint_slice(tree: Tree, at: Moment) -> list[Any]:
    ports = [str(port["port"]) if "port" in port else "*" for port in tree.get("ports") or ()]
    addresses = [address for item in tree.get("endpoints") or () for address in item.get("addresses", ())]
    return [
        tree["metadata"]["name"], tree.get("addressType", ""), _some(ports, "<unset>"), _some(addresses, "<unset>"),
        _created(tree, at),
    ]  # fmt: skip


def _config_map(tree: Tree, at: Moment) -> list[Any]:
    size = len(tree.get("data", ())) + len(tree.get("binaryData", ()))
    return [tree["metadata"]["name"], size, _created(tree, at)]


def _namespace(tree: Tree, at: Moment) -> list[Any]:
    return [tree["metadata"]["name"], tree.get("status", {}).get("phase", ""), _created(tree, at)]


def _lease(tree: Tree, at: Moment) -> list[Any]:
    return [tree["metadata"]["name"], tree.get("spec", {}).get("holderIdentity", ""), _created(tree, at)]


def _plain(tree: Tree, at: Moment) -> list[Any]:
    return [tree["metadata"]["name"], _created(tree, at)]


Cells = Callable[[Tree, Moment], list[Any]]

_TABLES: dict[str, tuple[Cells, tuple[Column, ...]]] = {
    "Pod": (_pod, (
        _NAME,
        Column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
        Column("Status", "The aggregate status of the containers in this pod."),
        Column("Restarts", "The number of times the containers in this pod have been restarted and when the last "
                           "container in this pod has restarted."),
        _AGE,
        Column("IP", "podIP address allocated to the pod.", wide=True),
        Column("Node", "NodeName indicates in which node this pod is scheduled.", wide=True),
        Column("Nominated Node", "The node that this pod will be scheduled on when preempted pods are gone.", wide=True),
        Column("Readiness Gates", "All conditions that must be true for the pod to be ready.", wide=True),
    )),
    "Deployment": (_deployment, (
        _NAME,
        Column("Ready", "Number of the pod with ready state"),
        Column("Up-to-date", "Total number of non-terminated pods targeted by this deployment that have the desired "
                             "template spec.", "integer"),
        Column("Available", "Total number of available pods (ready for at least minReadySeconds) targeted by this "
                            "deployment.", "integer"),
        _AGE, *_WORKLOAD,
    )),
    "ReplicaSet": (_replica_set, (
        _NAME,
        Column("Desired", "Number of desired pods.", "integer"),
        Column("Current", "The most recently observed number of replicas.", "integer"),
        Column("Ready", "The number of pods targeted by this ReplicaSet with a Ready Condition.", "integer"),
        _AGE, *_WORKLOAD,
    )),
    "Service": (_service, (
        _NAME,
        Column("Type", "type determines how the Service is exposed."),
        Column("Cluster-IP", "clusterIP is the IP address of the service."),
        Column("External-IP", "Addresses at which traffic from outside is accepted."),
        Column("Port(s)", "The list of ports that are exposed by this service."),
        _AGE,
        Column("Selector", "Route service traffic to pods with label keys and values matching this selector.", wide=True),
    )),
    "Node": (_node, (
        _NAME,
        Column("Status", "The status of the node"),
        Column("Roles", "The roles of the node"),
        _AGE,
        Column("Version", "Kubelet Version reported by the node."),
        Column("Internal-IP", "List of addresses reachable to the node.", wide=True),
        Column("External-IP", "List of addresses reachable to the node.", wide=True),
        Column("OS-Image", "OS Image reported by the node from /etc/os-release.", wide=True),
        Column("Kernel-Version", "Kernel Version reported by the node from 'uname -r'.", wide=True),
        Column("Container-Runtime", "ContainerRuntime Version reported by the node through runtime remote API.", wide=True),
    )),
    "Event": (_event, (
        Column("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
        Column("Type", "Type of this event (Normal, Warning), new types could be added in the future"),
        Column("Reason", "A short, machine understandable string that gives the reason for this event."),
        Column("Object", "The object that this event is about."),
        Column("Subobject", "A part of the object that this event is about.", wide=True),
        Column("Source", "The component reporting this event.", wide=True),
        Column("Message", "A human-readable description of the status of this operation."),
        Column("First Seen", "The time at which the event was first recorded.", wide=True),
        Column("Count", "The number of times this event has occurred.", wide=True),
        Column("Name", _NAME_TEXT, wide=True),
    )),
    "EndpointSlice": (_endpoint_slice, (
        _NAME,
        Column("AddressType", "addressType specifies the type of address carried by this EndpointSlice."),
        Column("Ports", "ports specifies the list of network ports exposed by each endpoint in this slice."),
        Column("Endpoints", "endpoints is a list of unique endpoints in this slice."),
        _AGE,
    )),
    "ConfigMap": (_config_map, (_NAME, Column("Data", "The number of keys."), _AGE)),
    "Namespace": (_namespace, (_NAME, Column("Status", "The status of the namespace"), _AGE)),
    "Lease": (_lease, (_NAME, Column("Holder", "The identity of the holder of this lease."), _AGE)),
}  # fmt: skip
_PLAIN: tuple[Cells, tuple[Column, ...]] = (_plain, (_NAME, Column("Created At", _AGE_TEXT)))


def columns(kind: str) -> tuple[Column, ...]:
    """The columns of a kind, wide ones at their place."""
    return _TABLES.get(kind, _PLAIN)[1]


def cells(kind: str, tree: Tree, at: Moment) -> list[Any]:
    """One row: a cell for each column."""
    return _TABLES.get(kind, _PLAIN)[0](tree, at)


def table(resource: Resource, trees: Iterable[Tree], metadata: Tree, at: Moment, whole: bool = False) -> Tree:
    """A Table of objects; each row carries the object's metadata, or the ``whole`` object."""
    rows = []
    for tree in trees:
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": tree["metadata"]}
        rows.append({"cells": cells(resource.kind, tree, at), "object": tree if whole else partial})
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [column.tree() for column in columns(resource.kind)],
        "rows": rows,
    }
