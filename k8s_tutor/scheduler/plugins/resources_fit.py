"""NodeResourcesFit: requests must fit, and the emptier node is the better one (plugins/noderesources)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from k8s_tutor.scheduler.changes import ADD, ALLOCATABLE, ASSIGNED, DELETE, OWN, SCALE_DOWN, Event
from k8s_tutor.scheduler.framework import MAX_SCORE, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection

LEAST, MOST = "LeastAllocated", "MostAllocated"
"""What the score likes: nodes with much room, or nodes that are nearly full."""


class Fit(Plugin):
    """Requests of all pods must fit into what the node can give."""

    name = "NodeResourcesFit"
    weight = 1
    events = {"Node": (ADD, ALLOCATABLE), ASSIGNED: (DELETE, SCALE_DOWN), OWN: (SCALE_DOWN,)}

    def __init__(self, strategy: str = LEAST) -> None:
        self.strategy = strategy

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return True

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        room = info.allocatable
        if (
            len(info.pods) < room.pods and pod.cpu <= room.cpu - info.cpu and pod.memory <= room.memory - info.memory
            and not pod.storage and not pod.extended
        ):  # fmt: skip
            return None
        return _lacking(pod, info)

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        return self.strategy

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        cpu, memory = pod.scored_cpu, pod.scored_memory
        return [
            _points(cpu + info.scored_cpu, memory + info.scored_memory, info.allocatable.cpu, info.allocatable.memory, state)
            for info in feasible
        ]

    def hint(self, pod: PodInfo, event: Event) -> bool:
        if event.kind != "Node":
            return True
        return _lacking(pod, NodeInfo(event.new.metadata.name).with_node(event.new)) is None


@lru_cache(maxsize=4096)
def _points(cpu: int, memory: int, most_cpu: int, most_memory: int, strategy: str) -> int:
    """The mean over what the node has of the two. Many nodes are alike, so most answers are known."""
    total = _share(cpu, most_cpu, strategy) + _share(memory, most_memory, strategy)
    return total // ((most_cpu > 0) + (most_memory > 0) or 1)


def _share(used: int, most: int, strategy: str) -> int:
    if used > most or not most:
        return 0
    return (most - used if strategy == LEAST else used) * MAX_SCORE // most


def _lacking(pod: PodInfo, info: NodeInfo) -> Rejection | None:
    """What there is too little of. Preemption cannot help where the pod asks for more than the node has in all."""
    room = info.allocatable
    short: list[str] = []
    hopeless = False
    if len(info.pods) + 1 > room.pods:
        short.append("Too many pods")
    wants = [
        ("cpu", pod.cpu, info.cpu, room.cpu), ("memory", pod.memory, info.memory, room.memory),
        ("ephemeral-storage", pod.storage, info.storage, room.storage),
    ]  # fmt: skip
    if pod.extended:
        most, used = dict(room.extended), dict(info.extended)
        wants += [(name, wanted, used.get(name, 0), most.get(name, 0)) for name, wanted in pod.extended]
    for name, wanted, taken, whole in wants:
        if wanted and wanted > whole - taken:
            short.append(f"Insufficient {name}")
            hopeless = hopeless or wanted > whole
    return Rejection(tuple(short), resolvable=not hopeless) if short else None
