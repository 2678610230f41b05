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

    def with_node(self, node: Any) -> NodeInfo:
        """The same pods on a node that has changed (None: it is gone)."""
        if node is None:
            return self._replace(node=None, labels={}, taints=(), allocatable=Room(), images={})
        status = node.status
        return self._replace(
            node=node, labels=node.metadata.labels or {}, taints=tuple((node.spec and node.spec.taints) or ()),
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
        extended, ports = self.extended, self.ports
        if pod.extended:
            total = dict(extended)
            for name, value in pod.extended:
                total[name] = total.get(name, 0) + sign * value
            extended = tuple(sorted((name, value) for name, value in total.items() if value))
        if pod.ports:
            ports = tuple(port for other in pods for port in other.ports)
        return self._replace(
            pods=pods, cpu=self.cpu + sign * pod.cpu, memory=self.memory + sign * pod.memory,
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


class Cache(State):
    """The scheduler's picture of the cluster. A pod that was bound a moment ago counts at once (it is *assumed*), long before
    its binding comes back over the watch."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeInfo] = {}
        self.placed: dict[str, str] = {}
        """Pod key → node name, assumed pods included."""
        self.assumed: dict[str, str] = {}
        """Pod key → node name, only while the binding has not been seen."""

    def set_node(self, name: str, node: Any) -> None:
        """A node was added or changed, or is gone (None)."""
        info = self.nodes.get(name, NodeInfo(name)).with_node(node)
        if info.node is None and not info.pods:
            self.nodes.pop(name, None)
        else:
            self.nodes[name] = info

    def put(self, pod: PodInfo, node: str) -> None:
        """A pod is on this node, as the API server says."""
        self.remove(pod.key)
        self.nodes[node] = self.nodes.get(node, NodeInfo(node)).with_pod(pod)
        self.placed[pod.key] = node

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
        info = self.nodes[node].without_pod(key)
        if info.node is None and not info.pods:
            del self.nodes[node]
        else:
            self.nodes[node] = info

    def snapshot(self) -> list[NodeInfo]:
        """All nodes that exist, in the order of their names."""
        nodes = self.nodes
        return [nodes[name] for name in sorted(nodes) if nodes[name].node is not None]
