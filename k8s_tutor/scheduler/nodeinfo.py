"""What the scheduler knows of each node: the Node object and the pods on it, also those that it has only assumed to be there
(pkg/scheduler/framework/types.go NodeInfo, backend/cache)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.scheduler.resources import PodInfo, Port, amount
from k8s_tutor.sim import State


class Room(NamedTuple):
    """Amounts of a node: CPU in millicores, memory and storage in bytes, pods, and extended resources by name."""

    cpu: int = 0
    memory: int = 0
    storage: int = 0
    pods: int = 0
    extended: tuple[tuple[str, int], ...] = ()


class NodeInfo(NamedTuple):
    """One node, the pods on it, and their sums. ``node`` is None while only its pods are known."""

    name: str
    node: Any = None
    labels: dict[str, str] = {}
    """The node's labels; shared with the struct, never written."""
    cordoned: bool = False
    """Whether ``spec.unschedulable`` is set."""
    taints: tuple[Any, ...] = ()
    allocatable: Room = Room()
    images: dict[str, int] = {}
    """Bytes of each image that the node has, by name; never written."""
    pods: tuple[PodInfo, ...] = ()
    cpu: int = 0
    memory: int = 0
    storage: int = 0
    scored_cpu: int = 0
    scored_memory: int = 0
    extended: tuple[tuple[str, int], ...] = ()
    ports: tuple[Port, ...] = ()
    affine: tuple[PodInfo, ...] = ()
    """Those of the pods that have terms of affinity or anti-affinity."""

    @property
    def zone(self) -> str:
        """Region and zone, by which nodes take turns."""
        labels = self.labels
        return f"{labels.get('topology.kubernetes.io/region', '')}:{labels.get('topology.kubernetes.io/zone', '')}"

    def with_node(self, node: Any) -> NodeInfo:
        """The same pods on a node that has changed (None: it is gone)."""
        if node is None:
            return self._replace(node=None, labels={}, cordoned=False, taints=(), allocatable=Room(), images={})
        status = node.status
        return self._replace(
            node=node, labels=node.metadata.labels or {}, cordoned=bool(node.spec and node.spec.unschedulable),
            taints=tuple((node.spec and node.spec.taints) or ()),
            allocatable=_room((status and (status.allocatable or status.capacity)) or {}), images=_images(status),
        )  # fmt: skip

    def with_pod(self, pod: PodInfo) -> NodeInfo:
        """With one more pod."""
        return self._sum((*self.pods, pod), pod, 1)

    def without_pod(self, key: str) -> NodeInfo:
        """Without that pod."""
        gone = next((pod for pod in self.pods if pod.key == key), None)
        return self if gone is None else self._sum(tuple(p for p in self.pods if p.key != key), gone, -1)

    def _sum(self, pods: tuple[PodInfo, ...], pod: PodInfo, sign: int) -> NodeInfo:
        extended, ports, affine = self.extended, self.ports, self.affine
        if pod.extended:
            total = dict(extended)
            for name, value in pod.extended:
                total[name] = total.get(name, 0) + sign * value
            extended = tuple(sorted((name, value) for name, value in total.items() if value))
        if pod.ports:
            ports = tuple(port for other in pods for port in other.ports)
        if pod.terms is not None:
            affine = tuple(other for other in pods if other.terms is not None)
        return self._replace(
            pods=pods, affine=affine, cpu=self.cpu + sign * pod.cpu, memory=self.memory + sign * pod.memory,
            storage=self.storage + sign * pod.storage, scored_cpu=self.scored_cpu + sign * pod.scored_cpu,
            scored_memory=self.scored_memory + sign * pod.scored_memory, extended=extended, ports=ports,
        )  # fmt: skip


def _room(amounts: dict[str, str]) -> Room:
    known = {name: amount(name, text) for name, text in amounts.items()}
    extended = tuple(sorted((name, value) for name, value in known.items() if name not in _CORE))
    cpu, memory, storage, pods = (known.get(name, 0) for name in _CORE)
    return Room(cpu, memory, storage, pods, extended)


_CORE = ("cpu", "memory", "ephemeral-storage", "pods")


def _images(status: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for image in (status and status.images) or ():
        for name in image.names or ():
            found[name] = image.sizeBytes or 0
    return found


Group = tuple[str, tuple[tuple[str, str], ...], bool]
"""(namespace, labels, ending): pods that no selector can tell apart."""


class Cache(State):
    """The scheduler's picture of the cluster. A pod that was bound a moment ago counts at once (it is *assumed*), long before
    its binding comes back over the watch. All sums are kept as pods come and go, so that a cycle need not look at pods."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeInfo] = {}
        self.placed: dict[str, str] = {}
        """Pod key → node name, assumed pods included."""
        self.assumed: dict[str, str] = {}
        """Pod key → node name, only while the binding has not been seen."""
        self.groups: dict[Group, dict[str, int]] = {}
        """Pods alike → how many on each node; the inner tables are replaced, never changed."""
        self.affine: dict[str, bool] = {}
        """The nodes that have pods with affinity."""
        self.tainted: dict[str, bool] = {}
        """The nodes that have taints or are cordoned."""
        self.order: list[NodeInfo] = []
        """All nodes that exist, zone by turns (backend/cache/node_tree.go), by name within a zone."""
        self.index: dict[str, int] = {}
        """Node → its place in ``order``; empty when the order must be made anew."""

    def _set(self, name: str, info: NodeInfo) -> None:
        if info.node is None and not info.pods:
            self.nodes.pop(name, None)
        else:
            self.nodes[name] = info
        for among, belongs in ((self.affine, info.affine), (self.tainted, info.taints or info.cordoned)):
            if belongs:
                among[name] = True
            elif name in among:
                del among[name]
        place = self.index.get(name)
        if place is None:
            if info.node is not None:
                self.index.clear()
        elif info.node is None or info.zone != self.order[place].zone:
            self.index.clear()
        else:
            self.order[place] = info

    def set_node(self, name: str, node: Any) -> None:
        """A node was added or changed, or is gone (None)."""
        self._set(name, self.nodes.get(name, NodeInfo(name)).with_node(node))

    def put(self, pod: PodInfo, node: str) -> None:
        """A pod is on this node, as the API server says."""
        self.remove(pod.key)
        self._set(node, self.nodes.get(node, NodeInfo(node)).with_pod(pod))
        self.placed[pod.key] = node
        self._count(pod, node, 1)

    def assume(self, pod: PodInfo, node: str) -> None:
        """A pod will be on this node if its binding succeeds."""
        self.put(pod, node)
        self.assumed[pod.key] = node

    def remove(self, key: str) -> None:
        """A pod is gone, or its binding has failed."""
        self.assumed.pop(key, None)
        node = self.placed.pop(key, None)
        if node is None:
            return
        info = self.nodes[node]
        pod = next(one for one in info.pods if one.key == key)
        self._set(node, info.without_pod(key))
        self._count(pod, node, -1)

    def _count(self, pod: PodInfo, node: str, sign: int) -> None:
        group = pod.group
        table = dict(self.groups.get(group, {}))
        table[node] = table.get(node, 0) + sign
        if not table[node]:
            del table[node]
        if table:
            self.groups[group] = table
        else:
            del self.groups[group]

    def find(self, key: str) -> PodInfo | None:
        """A pod that is on a node, or assumed to be."""
        node = self.placed.get(key)
        return None if node is None else next(pod for pod in self.nodes[node].pods if pod.key == key)

    def snapshot(self) -> list[NodeInfo]:
        """All nodes that exist; the caller only reads it."""
        if not self.index:
            self.order = _by_turns([info for info in self.nodes.values() if info.node is not None])
            self.index = {info.name: place for place, info in enumerate(self.order)}
        return self.order


def _by_turns(nodes: list[NodeInfo]) -> list[NodeInfo]:
    """One node of each zone in turn, so that a search that ends early has seen all zones."""
    zones: dict[str, list[NodeInfo]] = {}
    for info in sorted(nodes, key=lambda info: info.name):
        zones.setdefault(info.zone, []).append(info)
    if len(zones) < 2:
        return [info for zone in zones.values() for info in zone]
    longest = max(len(zone) for zone in zones.values())
    return [zone[turn] for turn in range(longest) for zone in zones.values() if turn < len(zone)]
