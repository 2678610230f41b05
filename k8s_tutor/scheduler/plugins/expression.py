"""A plugin that somebody has written in CEL, to see its verdict beside those of the others.

Its expressions know ``pod`` and ``node`` as their manifests, ``pods`` on the node, and ``free``: ``cpu`` in millicores,
``memory`` in bytes and ``pods`` that the node has left. ``permit`` also knows ``placed``: all pods that have a node, those that
wait for a permit and this one among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from k8s_tutor.api import cel
from k8s_tutor.scheduler.changes import (
    ADD,
    ALLOCATABLE,
    ASSIGNED,
    DELETE,
    LABEL,
    OWN,
    SCALE_DOWN,
    TAINT,
    TOLERATION,
)
from k8s_tutor.scheduler.framework import MAX_SCORE, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection
from k8s_tutor.sim import Body


class CelPlugin(Body):
    """A plugin in CEL: ``filter`` is true for nodes that will do, ``score`` is a number of points, ``permit`` is true when a
    pod that has its place may be bound. Each may be empty."""

    name: str
    filter: str = ""
    message: str = ""
    """What is said of a node that will not do."""
    score: str = ""
    weight: int = 1
    permit: str = ""
    permit_timeout: int = 0
    """How long a pod may wait for its permit, µs."""


class Expression(Plugin):
    """Filters and scores by expressions. One that has no value for a node (a missing label, say) refuses it with the reason, or
    gives no points."""

    events = {
        "Node": (ADD, LABEL, TAINT, ALLOCATABLE), ASSIGNED: (ADD, DELETE, LABEL, SCALE_DOWN),
        OWN: (LABEL, SCALE_DOWN, TOLERATION),
    }  # fmt: skip
    """Nobody knows what an expression looks at: whatever may help counts."""

    def __init__(self, plugin: CelPlugin) -> None:
        self.name = plugin.name
        self.filters, self.message, self.scores, self.permits = plugin.filter, plugin.message, plugin.score, plugin.permit
        self.weight = plugin.weight if plugin.score else 0
        self.permit_timeout = plugin.permit_timeout if plugin.permit else 0

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return _tree(pod.pod) if self.filters else None

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        try:
            fits = cel.program(self.filters).run(_variables(state, info))
        except cel.CelFailure as failure:
            return Rejection((f"plugin {self.name}: {failure}",))
        return None if fits is True else Rejection((self.message or f"node(s) didn't satisfy plugin {self.name}",), True)

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        return _tree(pod.pod)

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        return [self._points(state, info) for info in feasible]

    def _points(self, pod: Any, info: NodeInfo) -> int:
        try:
            return int(cel.program(self.scores).run(_variables(pod, info)))
        except (cel.CelFailure, TypeError, ValueError, OverflowError):
            return 0

    def permit(self, pod: PodInfo, node: NodeInfo, cluster: Cluster) -> bool:
        placed = [_tree(other.pod) for info in cluster.nodes for other in info.pods]
        try:
            return cel.program(self.permits).run({**_variables(_tree(pod.pod), node), "placed": placed}) is True
        except cel.CelFailure:
            return False

    def normalise(self, state: Any, scores: list[int], feasible: Sequence[NodeInfo]) -> list[int]:
        least, most = min(*scores, 0), max(*scores, 0)
        if least >= 0 and most <= MAX_SCORE:
            return scores
        return [MAX_SCORE * (score - least) // (most - least) for score in scores]


def _variables(pod: Any, info: NodeInfo) -> dict[str, Any]:
    room = info.allocatable
    free = {"cpu": room.cpu - info.cpu, "memory": room.memory - info.memory, "pods": room.pods - len(info.pods)}
    return {"pod": pod, "node": _tree(info.node), "pods": [_tree(other.pod) for other in info.pods], "free": free}


def _tree(struct: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(struct))
