"""NodeResourcesFit: requests must fit, and the emptier node is the better one (plugins/noderesources)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from k8s_tutor.scheduler.changes import ADD, ALLOCATABLE, ASSIGNED, DELETE, OWN, SCALE_DOWN, Event
from k8s_tutor.scheduler.framework import MAX_SCORE, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection

LEAST, MOST, RATIO = "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"
"""What the score likes: nodes with much room, nodes that are nearly full, or what a curve says."""
MOST_POINTS = 10
"""The highest score in a curve (MaxCustomPriorityScore)."""
Shape = tuple[tuple[int, int], ...]
"""(utilization in percent, score up to 10), by utilization; in between the curve is straight."""


class FitArgs(NamedTuple):
    """NodeResourcesFitArgs: the strategy, the resources that it looks at with their weights, and a curve for `RATIO`."""

    strategy: str = LEAST
    resources: tuple[tuple[str, int], ...] = (("cpu", 1), ("memory", 1))
    shape: Shape = ()


class Fit(Plugin):
    """Requests of all pods must fit into what the node can give."""

    name = "NodeResourcesFit"
    weight = 1
    events = {"Node": (ADD, ALLOCATABLE), ASSIGNED: (DELETE, SCALE_DOWN), OWN: (SCALE_DOWN,)}

    def __init__(self, args: FitArgs | None = None) -> None:
        self.args = args or FitArgs()

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
        return self.args

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        if state.strategy == RATIO or state.resources != FitArgs().resources:
            return [_weighed(_amounts(pod, info, state), state) for info in feasible]
        cpu, memory = pod.scored_cpu, pod.scored_memory
        strategy = state.strategy
        return [
            _points(cpu + info.scored_cpu, memory + info.scored_memory, info.allocatable.cpu, info.allocatable.memory, strategy)
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


def _amounts(pod: PodInfo, info: NodeInfo, args: FitArgs) -> tuple[tuple[int, int, int], ...]:
    """(asked for with this pod, what there is, weight) of each resource. One that the node has not got is left out, and so is
    an extended one that the pod does not ask for."""
    room, wanted = info.allocatable, dict(pod.extended)
    plain = {
        "cpu": (pod.scored_cpu + info.scored_cpu, room.cpu), "memory": (pod.scored_memory + info.scored_memory, room.memory),
        "ephemeral-storage": (pod.storage + info.storage, room.storage),
    }  # fmt: skip
    found = []
    for name, weight in args.resources:
        used, most = plain.get(name, (0, 0))
        if name in wanted:
            used, most = wanted[name] + dict(info.extended).get(name, 0), dict(room.extended).get(name, 0)
        if most:
            found.append((used, most, weight))
    return tuple(found)


@lru_cache(maxsize=4096)
def _weighed(amounts: tuple[tuple[int, int, int], ...], args: FitArgs) -> int:
    """The weighted mean; with a curve rounded, and without the resources that get nothing (requested_to_capacity_ratio.go)."""
    if args.strategy != RATIO:
        total = sum(_share(used, most, args.strategy) * weight for used, most, weight in amounts)
        return total // (sum(weight for *_, weight in amounts) or 1)
    points = [(_curve(100 if used > most else used * 100 // most, args.shape), weight) for used, most, weight in amounts]
    counted = sum(weight for score, weight in points if score > 0)
    return (2 * sum(score * weight for score, weight in points if score > 0) + counted) // (2 * counted) if counted else 0


def _curve(utilization: int, shape: Shape) -> int:
    """From 0 to 100, by a broken line (helper.BuildBrokenLinearFunction)."""
    before: tuple[int, int] | None = None
    for at, score in shape:
        points = score * MAX_SCORE // MOST_POINTS
        if utilization <= at:
            if before is None:
                return points
            rise, run = (points - before[1]) * (utilization - before[0]), at - before[0]
            return before[1] + (rise // run if rise >= 0 else -(-rise // run))
        before = at, points
    return before[1] if before is not None else 0


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
