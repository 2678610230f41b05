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


PASS = object()
"""What `Plugin.pre_filter` returns when the plugin lets every node pass."""


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
        """What `filter` needs to know of this pod; None: this plugin has nothing to say about it; `PASS`: every node passes."""
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


class Column(NamedTuple):
    """What one plugin gave each feasible node, in the order of `Verdict.feasible`."""

    plugin: str
    weight: int
    raw: tuple[int, ...]
    normalised: tuple[int, ...]


class Refusal(NamedTuple):
    """One node, the plugin that refused it, and why."""

    node: str
    plugin: str
    rejection: Rejection


class Verdict(NamedTuple):
    """One scheduling cycle of one pod. ``chosen`` is the node's name, or empty; ``at`` in µs; ``attempt`` from 1. Kept in
    columns, because a cycle over a hundred nodes must stay cheap; `nodes` and `of` show it node by node."""

    pod: str
    at: int
    attempt: int
    filters: tuple[str, ...]
    """The plugins that filtered, in order."""
    feasible: tuple[str, ...]
    """The nodes that all of them let pass, by name."""
    refused: tuple[Refusal, ...]
    """The others, by name."""
    columns: tuple[Column, ...] = ()
    """Scores; none when only one node was feasible."""
    totals: tuple[int, ...] = ()
    chosen: str = ""
    message: str = ""
    """Why no node was chosen, as the pod's condition says it."""
    skipped: int = 0
    """Nodes that were not looked at because enough feasible ones had been found."""

    @property
    def nodes(self) -> tuple[NodeVerdict, ...]:
        """What was said of each node that was looked at, by name."""
        found = [self._refused(refusal) for refusal in self.refused]
        found += [self._feasible(index) for index in range(len(self.feasible))]
        return tuple(sorted(found))

    def of(self, node: str) -> NodeVerdict | None:
        """The verdict about one node, or None."""
        if node in self.feasible:
            return self._feasible(self.feasible.index(node))
        return next((self._refused(refusal) for refusal in self.refused if refusal.node == node), None)

    def _feasible(self, index: int) -> NodeVerdict:
        scores = tuple(
            PluginScore(c.plugin, c.raw[index], c.normalised[index], c.normalised[index] * c.weight) for c in self.columns
        )
        answers = tuple(FilterAnswer(plugin) for plugin in self.filters)
        return NodeVerdict(self.feasible[index], answers, False, scores, self.totals[index] if self.totals else 0)

    def _refused(self, refusal: Refusal) -> NodeVerdict:
        passed = self.filters[: self.filters.index(refusal.plugin)]
        last = FilterAnswer(refusal.plugin, refusal.rejection.reasons)
        return NodeVerdict(
            refusal.node, (*(FilterAnswer(plugin) for plugin in passed), last), refusal.rejection.resolvable
        )

    @property
    def score(self) -> int:
        """Total score of the chosen node; 0 when scoring was skipped because only one was feasible."""
        return self.totals[self.feasible.index(self.chosen)] if self.chosen and self.totals else 0


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
    running = [(plugin, plugin.pre_filter(pod, cluster)) for plugin in plugins]
    active = [(plugin, state) for plugin, state in running if state is not None]
    feasible, refused = _filter(pod, cluster.nodes, active, first)
    verdict = Verdict(
        pod.key, at, attempt, tuple(plugin.name for plugin, _ in active), tuple(info.name for info in feasible),
        tuple(refused), skipped=len(cluster.nodes) - len(feasible) - len(refused),
    )  # fmt: skip
    if len(feasible) < 2:
        return verdict._replace(chosen=feasible[0].name if feasible else "")
    columns = _score(pod, cluster, plugins, feasible)
    totals = [0] * len(feasible)
    for _, weight, _, normalised in columns:
        totals = [total + weight * score for total, score in zip(totals, normalised, strict=True)]
    best = totals.index(max(totals))
    return verdict._replace(columns=tuple(columns), totals=tuple(totals), chosen=feasible[best].name)


def _filter(
    pod: PodInfo, nodes: Sequence[NodeInfo], active: Sequence[tuple[Plugin, Any]], first: int
) -> tuple[list[NodeInfo], list[Refusal]]:
    """(feasible nodes, refusals), both by name."""
    calls = [(plugin.name, plugin.filter, state) for plugin, state in active if state is not PASS]
    feasible: list[NodeInfo] = []
    refused: list[Refusal] = []
    wanted = enough(len(nodes))
    for step in range(len(nodes)):
        if len(feasible) >= wanted:
            break
        info = nodes[(first + step) % len(nodes)]
        for name, plugin_filter, state in calls:
            rejection = plugin_filter(state, pod, info)
            if rejection is not None:
                refused.append(Refusal(info.name, name, rejection))
                break
        else:
            feasible.append(info)
    feasible.sort(key=_name)
    refused.sort()
    return feasible, refused


def _name(info: NodeInfo) -> str:
    return info.name


def _score(pod: PodInfo, cluster: Cluster, plugins: Sequence[Plugin], feasible: Sequence[NodeInfo]) -> list[Column]:
    columns: list[Column] = []
    for plugin in plugins:
        state = plugin.pre_score(pod, cluster, feasible) if plugin.weight else None
        if state is None:
            continue
        raw = [plugin.score(state, pod, info) for info in feasible]
        normal = plugin.normalise(state, list(raw), feasible)
        columns.append(Column(plugin.name, plugin.weight, tuple(raw), tuple(normal)))
    return columns
