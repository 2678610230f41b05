"""The scheduling framework: plugins filter the nodes, then score those that are left (pkg/scheduler/framework).

The extension points are methods of `Plugin`. A plugin is stateless: what it works out once per pod is handed back to it for
each node as ``state``, and that never changes either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.scheduler.changes import Event
from k8s_tutor.scheduler.nodeinfo import Group, NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Column, Refusal, Rejection, Verdict

MAX_SCORE = 100
ALL_BELOW = 100
"""With fewer nodes than this all of them are tried; also the least number of feasible nodes to look for."""

PASS = object()
"""What `Plugin.pre_filter` returns when the plugin lets every node pass, as things stand."""


class Only(NamedTuple):
    """What `Plugin.pre_filter` returns when only these nodes come into question (PreFilterResult)."""

    nodes: tuple[str, ...]
    state: Any


Objects = Mapping[str, Mapping[str, Any]]
"""Kind → key → typed struct."""


class Cluster(NamedTuple):
    """What plugins may look at besides pod and node, as it was when the cycle began. Nobody changes it."""

    nodes: Sequence[NodeInfo]
    """All nodes, in the order in which they are tried."""
    known: Mapping[str, NodeInfo] = {}
    """The same by name."""
    groups: Mapping[Group, Mapping[str, int]] = {}
    """Pods alike → how many on each node."""
    affine: Sequence[NodeInfo] = ()
    """The nodes that have pods with affinity."""
    objects: Objects = {}
    """What the scheduler watches beside pods and nodes."""
    tainted: bool = True
    """Whether any node may have taints, or be cordoned."""

    def of(self, kind: str) -> Mapping[str, Any]:
        """The objects of a kind, by key."""
        return self.objects.get(kind, {})

    @property
    def namespaces(self) -> dict[str, dict[str, str]]:
        """The labels of each namespace."""
        return {name: found.metadata.labels or {} for name, found in self.of("Namespace").items()}


class Plugin:
    """Base of all plugins. ``weight`` is that of the score; 0 means the plugin only filters."""

    name = ""
    weight = 0
    permit_timeout = 0
    """How long a pod may wait for `permit`, µs."""
    events: Mapping[str, tuple[str, ...]] = {}
    """Kinds of objects, and what must happen to one so that a pod which this plugin refused may get another try
    (EventsToRegister)."""

    def pre_enqueue(self, pod: Any) -> str:
        """Why a pod (typed struct) may not even queue up; empty when it may."""
        return ""

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        """What `filter` needs to know of this pod. None: this plugin has nothing to say about it; `PASS`; `Only`; a
        `Rejection` ends the cycle."""
        return None

    def adjust(self, state: Any, pod: PodInfo, other: PodInfo, info: NodeInfo, sign: int) -> Any:
        """The state as it would be if ``other`` came to the node (1) or left it (-1)."""
        return state

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        """None lets the node pass."""
        return None

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        """What `score` needs to know of this pod; None: this plugin does not score it."""
        return None

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        """Raw scores of the feasible nodes: of all at once, because this is where a cycle spends its time."""
        return [0] * len(feasible)

    def normalise(self, state: Any, scores: list[int], feasible: Sequence[NodeInfo]) -> list[int]:
        """Raw scores to 0..100."""
        return scores

    def permit(self, pod: PodInfo, node: NodeInfo, cluster: Cluster) -> bool:
        """Whether a pod that has its place on a node may be bound now; else it keeps the place and waits, at most
        `permit_timeout`. Asked again whenever the cluster changes."""
        return True

    def hint(self, pod: PodInfo, event: Event) -> bool:
        """Whether one of its ``events`` may really help this pod (QueueingHintFn)."""
        return True


def default_normalise(scores: list[int], reverse: bool = False) -> list[int]:
    """Scale by the largest (plugins/helper/normalize_score.go)."""
    most = max(scores, default=0)
    if most == 0:
        return [MAX_SCORE] * len(scores) if reverse else scores
    scaled = [MAX_SCORE * score // most for score in scores]
    return [MAX_SCORE - score for score in scaled] if reverse else scaled


def enough(nodes: int, percentage: int = 0) -> int:
    """How many feasible nodes to look for among so many (numFeasibleNodesToFind); ``percentage`` 0 means a smaller share the
    more nodes there are."""
    if nodes < ALL_BELOW:
        return nodes
    return min(nodes, max(ALL_BELOW, nodes * (percentage or max(50 - nodes // 125, 5)) // 100))


class Filters(NamedTuple):
    """The plugins that have something to say about a pod, with their state; how a pod fits is asked of it."""

    pod: PodInfo
    active: tuple[tuple[Plugin, Any], ...]
    guests: Mapping[str, tuple[PodInfo, ...]] = {}
    """Node → pods that were promised a place on it and matter no less than this one (nominated pods)."""

    def fits(self, info: NodeInfo) -> Refusal | None:
        """Whether the pod may go to a node: None, or who refuses it. Pods that were promised a place must fit as well, but the
        pod must not lean on them (RunFilterPluginsWithNominatedPods)."""
        guests = self.guests.get(info.name)
        if guests:
            crowded, full = self, info
            for guest in guests:
                crowded, full = crowded.moved(guest, full, 1)
            refusal = crowded.alone(full)
            if refusal is not None:
                return refusal
        return self.alone(info)

    def alone(self, info: NodeInfo) -> Refusal | None:
        """The same, of the node as it is."""
        pod = self.pod
        for plugin, state in self.active:
            if state is not PASS:
                rejection = plugin.filter(state, pod, info)
                if rejection is not None:
                    return Refusal(info.name, plugin.name, rejection)
        return None

    def moved(self, other: PodInfo, info: NodeInfo, sign: int) -> tuple[Filters, NodeInfo]:
        """The filters and the node as they would be if ``other`` came (1) or left (-1)."""
        active = tuple([(plugin, plugin.adjust(state, self.pod, other, info, sign)) for plugin, state in self.active])
        return self._replace(active=active), info.with_pod(other) if sign > 0 else info.without_pod(other.key)


def run(
    pod: PodInfo, cluster: Cluster, plugins: Sequence[Plugin], weights: Sequence[int] = (), at: int = 0, attempt: int = 1,
    first: int = 0, guests: Mapping[str, tuple[PodInfo, ...]] | None = None, promised: str = "", percentage: int = 0,
) -> tuple[Verdict, Filters]:  # fmt: skip
    """Filters and scores the nodes for one pod. ``weights`` stand for the plugins' own where given; ``first`` is the index of
    the node to begin with (round robin in clusters of more than a hundred nodes); ``promised`` the node that was emptied for
    the pod, which is tried before all others. The best score wins; among equals the first that was looked at."""
    verdict, filters, nodes = _prepare(Verdict(pod.key, at, attempt, (), (), ()), pod, cluster, plugins)
    filters = filters._replace(guests=guests or {})
    if verdict.blocked or not cluster.nodes:
        return verdict, filters
    feasible: list[NodeInfo] = []
    refused: list[Refusal] = []
    kept = [info for info in nodes if info.name == promised] if promised else []
    if kept:
        feasible, _ = _filter(filters, kept, 0, 1)
    if not feasible:
        feasible, refused = _filter(filters, nodes, first, enough(len(nodes), percentage))
    verdict = verdict._replace(
        feasible=tuple([info.name for info in feasible]), refused=(*verdict.refused, *refused),
        skipped=len(nodes) - len(feasible) - len(refused),
    )  # fmt: skip
    if len(feasible) < 2:
        return verdict._replace(chosen=feasible[0].name if feasible else ""), filters
    columns = _score(pod, cluster, zip(plugins, weights or [plugin.weight for plugin in plugins], strict=True), feasible)
    totals = [0] * len(feasible)
    for _, weight, _, normalised in columns:
        totals = [total + weight * score for total, score in zip(totals, normalised, strict=True)]
    best = totals.index(max(totals))
    return verdict._replace(columns=tuple(columns), totals=tuple(totals), chosen=feasible[best].name), filters


def _prepare(
    verdict: Verdict, pod: PodInfo, cluster: Cluster, plugins: Sequence[Plugin]
) -> tuple[Verdict, Filters, Sequence[NodeInfo]]:
    """PreFilter: (verdict so far, filters, nodes that come into question)."""
    active: list[tuple[Plugin, Any]] = []
    names: list[str] | None = None
    narrowing: list[str] = []
    for plugin in plugins:
        state = plugin.pre_filter(pod, cluster)
        if state is None:
            continue
        if isinstance(state, Rejection):
            refused = tuple([Refusal(info.name, plugin.name, state) for info in cluster.nodes])
            blocked = "" if not cluster.nodes else ", ".join(state.reasons)
            return verdict._replace(refused=refused, blocked=blocked), Filters(pod, ()), ()
        if isinstance(state, Only):
            narrowing.append(plugin.name)
            names = [name for name in state.nodes if names is None or name in names]
            state = state.state
        active.append((plugin, state))
    nodes: Sequence[NodeInfo] = cluster.nodes
    if names is not None:
        wanted = dict.fromkeys(names)
        nodes = [info for info in cluster.nodes if info.name in wanted]
        why = Rejection((f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(narrowing))}]",))
        out = [Refusal(info.name, narrowing[0], why) for info in cluster.nodes if info.name not in wanted]
        verdict = verdict._replace(refused=tuple(out))
    return verdict._replace(filters=tuple([plugin.name for plugin, _ in active])), Filters(pod, tuple(active)), nodes


def _filter(
    filters: Filters, nodes: Sequence[NodeInfo], first: int, wanted: int
) -> tuple[list[NodeInfo], list[Refusal]]:
    """(feasible nodes, refusals), both in the order in which they were looked at."""
    pod, guests = filters.pod, filters.guests
    calls = [(plugin.name, plugin.filter, state) for plugin, state in filters.active if state is not PASS]
    feasible: list[NodeInfo] = []
    refused: list[Refusal] = []
    for info in (*nodes[first:], *nodes[:first]):
        if len(feasible) >= wanted:
            break
        if guests and info.name in guests:
            refusal = filters.fits(info)
            if refusal is None:
                feasible.append(info)
            else:
                refused.append(refusal)
            continue
        for name, plugin_filter, state in calls:
            rejection = plugin_filter(state, pod, info)
            if rejection is not None:
                refused.append(Refusal(info.name, name, rejection))
                break
        else:
            feasible.append(info)
    return feasible, refused


def _score(
    pod: PodInfo, cluster: Cluster, weighted: Iterable[tuple[Plugin, int]], feasible: Sequence[NodeInfo]
) -> list[Column]:
    columns: list[Column] = []
    for plugin, weight in weighted:
        state = plugin.pre_score(pod, cluster, feasible) if weight else None
        if state is None:
            continue
        raw = plugin.score(state, pod, feasible)
        normal = plugin.normalise(state, raw, feasible)
        columns.append(Column(plugin.name, weight, tuple(raw), tuple(normal)))
    return columns
