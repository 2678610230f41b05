"""NodeResourcesBalancedAllocation: CPU and memory of a node should be used alike (plugins/noderesources)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from k8s_tutor.scheduler.framework import MAX_SCORE, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo


def balance(cpu: int, memory: int, most_cpu: int, most_memory: int) -> int:
    """100 when both fractions are equal, less the farther they lie apart: (1 - |cpu - memory| / 2) * 100, cut."""
    if not most_cpu or not most_memory:
        return MAX_SCORE
    cpu, memory = min(cpu, most_cpu), min(memory, most_memory)
    whole = 2 * most_cpu * most_memory
    return MAX_SCORE * (whole - abs(cpu * most_memory - memory * most_cpu)) // whole


@lru_cache(maxsize=4096)
def _gain(cpu: int, memory: int, more_cpu: int, more_memory: int, most_cpu: int, most_memory: int) -> int:
    """Above 75 when the pod brings both closer together. Many nodes are alike, so most answers are known."""
    alone = balance(cpu, memory, most_cpu, most_memory)
    joined = balance(cpu + more_cpu, memory + more_memory, most_cpu, most_memory)
    return 50 + (50 + joined - alone) // 2


class BalancedAllocation(Plugin):
    """Prefers nodes on which the pod brings CPU and memory closer together: compares with and without the pod."""

    name = "NodeResourcesBalancedAllocation"
    weight = 1

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        return True if pod.cpu or pod.memory else None

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        cpu, memory = pod.cpu, pod.memory
        return [
            _gain(info.cpu, info.memory, cpu, memory, info.allocatable.cpu, info.allocatable.memory) for info in feasible
        ]
