"""The scheduling framework: plugins filter the nodes, then score those that are left; everything they say is kept
(pkg/scheduler/framework, schedule_one.go).

A plugin is stateless. What it works out once per pod is handed back to it for each node as ``state``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo

MAX_SCORE = 100
ALL_BELOW = 100
"""With fewer nodes than this all of them are tried; also the least number of feasible nodes to look for."""


class Rejection(NamedTuple):
    """Why a plugin refuses a node; ``resolvable``: removing pods from it could help (Unschedulable, as against
    UnschedulableAndUnresolvable)."""

    reasons: tuple[str, ...]
    resolvable: bool = False


class Cluster(NamedTuple):
    """What plugins may look at besides pod and node: all nodes by name order, Services and ReplicaSets."""

    nodes: Sequence[NodeInfo]
    services: Sequence[Any] = ()
    replica_sets: Sequence[Any] = ()


class Plugin:
    """Base of all plugins. ``weight`` is that of the score; 0 means the plugin only filters."""

    name = ""
    weight = 0

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        """What `filter` needs to know of this pod; None: this plugin has nothing to say about it."""
        return None

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        """None lets the node pass."""
        return None

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        """What `score` needs to know of this pod; None: this plugin does not score it."""
        return None

    def score(self, state: Any, pod: PodInfo, info: NodeInfo) -> int:
        """Raw score of a feasible node."""
        return 0

    def normalise(self, state: Any, scores: list[int], feasible: Sequence[NodeInfo]) -> list[int]:
        """Raw scores to 0..100."""
        return scores


def default_normalise(scores: list[int], reverse: bool = False) -> list[int]:
    """Scale by the largest (plugins/helper/normalize_score.go)."""
    most = max(scores, default=0)
    if most == 0:
        return [MAX_SCORE] * len(scores) if reverse else scores
    scaled = [MAX_SCORE * score // most for score in scores]
    return [MAX_SCORE - score for score in scaled] if reverse else scaled


class FilterAnswer(NamedTuple):
    """What one filter said of one node: no reasons mean that it lets the node pass."""

    plugin: str
    reasons: tuple[str, ...] = ()


class PluginScore(NamedTuple):
    """What one plugin gave one node: raw, from 0 to 100, and times its weight."""

    plugin: str
    raw: int
    normalised: int
    weighted: int


class NodeVerdict(NamedTuple):
    """What the plugins said of one node. Filters end with the first that refuses; scores are empty when scoring was skipped."""

    node: str
    filters: tuple[FilterAnswer, ...]
    resolvable: bool = False
    scores: tuple[PluginScore, ...] = ()
    total: int = 0

    @property
    def feasible(self) -> bool:
        """Whether all filters let the node pass."""
        return not self.filters or not self.filters[-1].reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the node was refused."""
        return self.filters[-1].reasons if self.filters else ()


class Verdict(NamedTuple):
    """One scheduling cycle of one pod. ``chosen`` is the node's name, or empty; ``at`` in µs; ``attempt`` from 1."""

    pod: str
    at: int
    attempt: int
    nodes: tuple[NodeVerdict, ...]
    chosen: str
    message: str = ""
    """Why no node was chosen, as the pod's condition says it."""
    skipped: int = 0
    """Nodes that were not looked at because enough feasible ones had been found."""

    def of(self, node: str) -> NodeVerdict | None:
        """The verdict about one node, or None."""
        return next((found for found in self.nodes if found.node == node), None)

    @property
    def score(self) -> int:
        """Total score of the chosen node; 0 when scoring was skipped because only one was feasible."""
        found = self.of(self.chosen)
        return found.total if found else 0


def enough(nodes: int) -> int:
    """How many feasible nodes to look for among so many (numFeasibleNodesToFind)."""
    if nodes < ALL_BELOW:
        return nodes
    return max(ALL_BELOW, nodes * max(50 - nodes // 125, 5) // 100)


def run(
    pod: PodInfo, cluster: Cluster, plugins: Sequence[Plugin], at: int = 0, attempt: int = 1, first: int = 0
) -> Verdict:
    """Filters and scores all nodes for one pod. ``first`` is the index of the node to begin with (round robin in clusters of
    more than a hundred nodes). The best score wins; among equals the first in the order of names."""
    verdicts, feasible, seen = _filter(pod, cluster, plugins, first)
    skipped = len(cluster.nodes) - seen
    if not feasible:
        return Verdict(pod.key, at, attempt, tuple(verdicts), "", "", skipped)
    if len(feasible) == 1:
        return Verdict(pod.key, at, attempt, tuple(verdicts), feasible[0].name, "", skipped)
    scores, totals = _score(pod, cluster, plugins, feasible)
    place = {info.name: index for index, info in enumerate(feasible)}
    verdicts = [
        verdict._replace(scores=scores[place[verdict.node]], total=totals[place[verdict.node]])
        if verdict.node in place else verdict for verdict in verdicts
    ]  # fmt: skip
    best = max(range(len(feasible)), key=lambda index: (totals[index], -index))
    return Verdict(pod.key, at, attempt, tuple(verdicts), feasible[best].name, "", skipped)


def _filter(
    pod: PodInfo, cluster: Cluster, plugins: Sequence[Plugin], first: int
) -> tuple[list[NodeVerdict], list[NodeInfo], int]:
    running = [(plugin, plugin.pre_filter(pod, cluster)) for plugin in plugins]
    active = [(plugin, state) for plugin, state in running if state is not None]
    passed = tuple(FilterAnswer(plugin.name) for plugin, _ in active)
    verdicts: list[NodeVerdict] = []
    feasible: list[NodeInfo] = []
    nodes, wanted, seen = cluster.nodes, enough(len(cluster.nodes)), 0
    for step in range(len(nodes)):
        if len(feasible) >= wanted:
            break
        info = nodes[(first + step) % len(nodes)]
        seen += 1
        for index, (plugin, state) in enumerate(active):
            rejection = plugin.filter(state, pod, info)
            if rejection is not None:
                answers = (*passed[:index], FilterAnswer(plugin.name, rejection.reasons))
                verdicts.append(NodeVerdict(info.name, answers, rejection.resolvable))
                break
        else:
            verdicts.append(NodeVerdict(info.name, passed))
            feasible.append(info)
    verdicts.sort()
    feasible.sort(key=lambda info: info.name)
    return verdicts, feasible, seen


def _score(
    pod: PodInfo, cluster: Cluster, plugins: Sequence[Plugin], feasible: Sequence[NodeInfo]
) -> tuple[list[tuple[PluginScore, ...]], list[int]]:
    columns: list[list[PluginScore]] = []
    for plugin in plugins:
        state = plugin.pre_score(pod, cluster, feasible) if plugin.weight else None
        if state is None:
            continue
        raw = [plugin.score(state, pod, info) for info in feasible]
        normal = plugin.normalise(state, list(raw), feasible)
        name, weight = plugin.name, plugin.weight
        columns.append([PluginScore(name, r, n, n * weight) for r, n in zip(raw, normal, strict=True)])
    rows = [tuple(column[index] for column in columns) for index in range(len(feasible))]
    return rows, [sum(score.weighted for score in row) for row in rows]
