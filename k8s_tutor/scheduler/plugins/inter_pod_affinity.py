"""InterPodAffinity: pods that want to be near others, or far from them, and the other way round (plugins/interpodaffinity)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.scheduler.changes import ADD, ASSIGNED, DELETE, LABEL, OWN, Event
from k8s_tutor.scheduler.framework import MAX_SCORE, PASS, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.terms import Labels, Term, Terms
from k8s_tutor.scheduler.verdict import Rejection

HARD_WEIGHT = 1
"""What a required affinity of a pod that is there counts for one that it means (hardPodAffinityWeight)."""
_NONE = Terms()

Pairs = dict[tuple[str, str], int]
"""(label key, value) → pods, or points."""


class Neighbours(NamedTuple):
    """For the filter: where the pods are that this pod needs or shuns, and those that shun it; and the labels of namespaces."""

    near: Pairs
    far: Pairs
    shunning: Pairs
    keys: tuple[str, ...]
    """The label keys in ``shunning``."""
    namespaces: Mapping[str, Labels]


def _add(pairs: Pairs, terms: Iterable[Term], info: NodeInfo, value: int) -> None:
    for term in terms:
        place = info.labels.get(term.key)
        if place is not None:
            pairs[term.key, place] = pairs.get((term.key, place), 0) + value


def _keys(pairs: Pairs) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key, _ in pairs))


def _all_match(terms: Sequence[Term], namespace: str, labels: Labels, known: Mapping[str, Labels]) -> bool:
    return bool(terms) and all(term.matches(namespace, labels, known) for term in terms)


def _meant(terms: Iterable[Term], namespace: str, labels: Labels, known: Mapping[str, Labels]) -> list[Term]:
    return [term for term in terms if term.matches(namespace, labels, known)]


def _groups(cluster: Cluster) -> Iterator[tuple[str, Labels, Mapping[str, int]]]:
    for (namespace, labels, _), nodes in cluster.groups.items():
        yield namespace, dict(labels), nodes


class InterPodAffinity(Plugin):
    """Affinity and anti-affinity between pods; what pods that are there have against the new one counts as much."""

    name = "InterPodAffinity"
    weight = 2
    events = {ASSIGNED: (ADD, DELETE, LABEL), OWN: (LABEL,), "Node": (ADD, LABEL)}

    def __init__(self, hard_weight: int = HARD_WEIGHT) -> None:
        self.hard_weight = hard_weight

    # ------------------------------------------------------------------ filter

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        terms, known = pod.terms or _NONE, cluster.namespaces if pod.terms or cluster.affine else {}
        near: Pairs = {}
        far: Pairs = {}
        shunning: Pairs = {}
        for info in cluster.affine:
            for other in info.affine:
                assert other.terms is not None
                _add(shunning, _meant(other.terms.forbidden, pod.namespace, pod.labels, known), info, 1)
        if terms.required or terms.forbidden:
            for namespace, labels, nodes in _groups(cluster):
                wanted = terms.required if _all_match(terms.required, namespace, labels, known) else ()
                shunned = _meant(terms.forbidden, namespace, labels, known)
                for node, count in nodes.items() if wanted or shunned else ():
                    _add(near, wanted, cluster.known[node], count)
                    _add(far, shunned, cluster.known[node], count)
        elif not shunning:
            return PASS
        return Neighbours(near, far, shunning, _keys(shunning), known)

    def adjust(self, state: Any, pod: PodInfo, other: PodInfo, info: NodeInfo, sign: int) -> Any:
        theirs, mine = other.terms or _NONE, pod.terms or _NONE
        if state is PASS:
            if not theirs.forbidden:
                return state
            state = Neighbours({}, {}, {}, (), {})
        near, far, shunning, known = dict(state.near), dict(state.far), dict(state.shunning), state.namespaces
        _add(shunning, _meant(theirs.forbidden, pod.namespace, pod.labels, known), info, sign)
        if _all_match(mine.required, other.namespace, other.labels, known):
            _add(near, mine.required, info, sign)
        _add(far, _meant(mine.forbidden, other.namespace, other.labels, known), info, sign)
        return Neighbours(near, far, shunning, _keys(shunning), known)

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        terms = pod.terms
        if terms is not None:
            if terms.required and not _is_near(state, terms.required, pod, info):
                return Rejection(("node(s) didn't match pod affinity rules",))
            if any(state.far.get((term.key, info.labels.get(term.key)), 0) > 0 for term in terms.forbidden):
                return Rejection(("node(s) didn't match pod anti-affinity rules",), resolvable=True)
        if any(state.shunning.get((key, info.labels.get(key)), 0) > 0 for key in state.keys):
            return Rejection(("node(s) didn't satisfy existing pods anti-affinity rules",), resolvable=True)
        return None

    # ------------------------------------------------------------------ score

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        terms = pod.terms or _NONE
        if not cluster.affine and not terms.liked and not terms.disliked:
            return None
        known, pairs = cluster.namespaces, dict[tuple[str, str], int]()
        if terms.liked or terms.disliked:
            for namespace, labels, nodes in _groups(cluster):
                liked = _meant(terms.liked, namespace, labels, known)
                disliked = _meant(terms.disliked, namespace, labels, known)
                for node, count in nodes.items() if liked or disliked else ():
                    _weigh(pairs, liked, cluster.known[node], count)
                    _weigh(pairs, disliked, cluster.known[node], -count)
        for info in cluster.affine:
            for other in info.affine:
                theirs = other.terms or _NONE
                if self.hard_weight:
                    _add(pairs, _meant(theirs.required, pod.namespace, pod.labels, known), info, self.hard_weight)
                _weigh(pairs, _meant(theirs.liked, pod.namespace, pod.labels, known), info, 1)
                _weigh(pairs, _meant(theirs.disliked, pod.namespace, pod.labels, known), info, -1)
        return (pairs, _keys(pairs)) if pairs else None

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        pairs, keys = state
        return [sum(pairs.get((key, info.labels.get(key)), 0) for key in keys) for info in feasible]

    def normalise(self, state: Any, scores: list[int], feasible: Sequence[NodeInfo]) -> list[int]:
        least, most = min(scores), max(scores)
        return [MAX_SCORE * (score - least) // (most - least) if most > least else 0 for score in scores]

    # ------------------------------------------------------------------ what may help

    def hint(self, pod: PodInfo, event: Event) -> bool:
        terms = pod.terms or _NONE
        if event.kind == OWN:
            return True
        if event.kind == "Node":
            labels = event.new.metadata.labels or {}
            return not pod.terms or any(term.key in labels for term in (*terms.required, *terms.forbidden))
        if event.new is None or LABEL in event.actions:
            return True
        other = event.new.metadata
        return any(term.selector.matches(other.labels) for term in terms.required)


def _weigh(pairs: Pairs, terms: Iterable[Term], info: NodeInfo, count: int) -> None:
    for term in terms:
        _add(pairs, (term,), info, term.weight * count)


def _is_near(state: Neighbours, terms: Sequence[Term], pod: PodInfo, info: NodeInfo) -> bool:
    """All labels must be there, and matching pods; the first of a group that wants to be together may go anywhere."""
    if any(term.key not in info.labels for term in terms):
        return False
    if all(state.near.get((term.key, info.labels[term.key]), 0) > 0 for term in terms):
        return True
    return not any(state.near.values()) and _all_match(terms, pod.namespace, pod.labels, state.namespaces)
