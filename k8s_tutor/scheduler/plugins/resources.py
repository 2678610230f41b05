"""NodeResourcesFit (filter, and LeastAllocated score) and NodeResourcesBalancedAllocation (plugins/noderesources)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_tutor.scheduler.framework import MAX_SCORE, Cluster, Plugin, Rejection
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo


class Fit(Plugin):
    """Requests of all pods must fit into what the node can give; the emptier node is the better one."""

    name = "NodeResourcesFit"
    weight = 1

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return True

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        room = info.allocatable
        short: list[str] = []
        hopeless = False
        if len(info.pods) + 1 > room.pods:
            short.append("Too many pods")
        for name, wanted, used, most in (
            ("cpu", pod.cpu, info.cpu, room.cpu),
            ("memory", pod.memory, info.memory, room.memory),
            ("ephemeral-storage", pod.storage, info.storage, room.storage),
        ):
            if wanted and wanted > most - used:
                short.append(f"Insufficient {name}")
                hopeless = hopeless or wanted > most
        for name, wanted in pod.extended:
            most = dict(room.extended).get(name, 0)
            if wanted > most - dict(info.extended).get(name, 0):
                short.append(f"Insufficient {name}")
                hopeless = hopeless or wanted > most
        return Rejection(tuple(short), resolvable=not hopeless) if short else None

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        return True

    def score(self, state: Any, pod: PodInfo, info: NodeInfo) -> int:
        room, total, weights = info.allocatable, 0, 0
        for wanted, used, most in (
            (pod.scored_cpu, info.scored_cpu, room.cpu),
            (pod.scored_memory, info.scored_memory, room.memory),
        ):
            if most:
                weights += 1
                total += (most - wanted - used) * MAX_SCORE // most if wanted + used <= most else 0
        return total // weights if weights else 0


def balance(cpu: int, memory: int, most_cpu: int, most_memory: int) -> int:
    """100 when both fractions are equal, less the farther they lie apart: (1 - |cpu - memory| / 2) * 100, cut."""
    if not most_cpu or not most_memory:
        return MAX_SCORE
    cpu, memory = min(cpu, most_cpu), min(memory, most_memory)
    whole = 2 * most_cpu * most_memory
    return MAX_SCORE * (whole - abs(cpu * most_memory - memory * most_cpu)) // whole


class BalancedAllocation(Plugin):
    """Prefers nodes on which the pod brings CPU and memory closer together: compares with and without the pod."""

    name = "NodeResourcesBalancedAllocation"
    weight = 1

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        return True if pod.cpu or pod.memory else None

    def score(self, state: Any, pod: PodInfo, info: NodeInfo) -> int:
        room = info.allocatable
        alone = balance(info.cpu, info.memory, room.cpu, room.memory)
        joined = balance(info.cpu + pod.cpu, info.memory + pod.memory, room.cpu, room.memory)
        return 50 + (50 + joined - alone) // 2
