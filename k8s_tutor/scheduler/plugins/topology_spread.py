"""PodTopologySpread: explicit constraints, and the default spreading of pods of one controller or Service
(plugins/podtopologyspread)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import selectors
from k8s_tutor.api.selectors import Requirement, Selector
from k8s_tutor.scheduler.changes import ADD, ASSIGNED, DELETE, LABEL, OWN, TAINT, Event
from k8s_tutor.scheduler.framework import MAX_SCORE, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.plugins.node_affinity import required_matches
from k8s_tutor.scheduler.plugins.taint_toleration import untolerated
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
MISMATCH = "node(s) didn't match pod topology spread constraints"
_MICRO = 1_000_000


class Constraint(NamedTuple):
    """One rule: pods that ``selector`` finds may differ by ``max_skew`` between the values of the label ``key``."""

    max_skew: int
    key: str
    selector: Selector
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False


class SpreadDefault(NamedTuple):
    """A constraint for pods that have none of their own (PodTopologySpreadArgs.defaultConstraints)."""

    max_skew: int
    key: str
    hard: bool
    """DoNotSchedule; else ScheduleAnyway."""


SYSTEM = SpreadDefault(3, HOSTNAME, False), SpreadDefault(5, ZONE, False)
"""What Kubernetes spreads by unless told otherwise."""


class Skews(NamedTuple):
    """For the filter: matching pods by constraint and label value, and the fewest of each constraint."""

    constraints: tuple[Constraint, ...]
    counts: tuple[Mapping[str, int], ...]
    least: tuple[int, ...]
    own: tuple[int, ...]
    """1 where the pod matches its own constraint."""


class Spread(NamedTuple):
    """For the score: matching pods by constraint and label value (for hostnames: by node), and what each counts."""

    constraints: tuple[Constraint, ...]
    counts: tuple[Mapping[str, int], ...]
    weights: tuple[int, ...]
    """Normalising weight of each constraint, in millionths."""
    demanding: bool
    """Nodes without all the labels are left out."""


def matching(cluster: Cluster, selector: Selector, namespace: str) -> dict[str, int]:
    """Node → pods on it that count: of this namespace, selected, not being deleted. A selector without requirements counts
    nobody (countPodsMatchSelector)."""
    found: dict[str, int] = {}
    if not selector.requirements:
        return found
    for (space, labels, ending), nodes in cluster.groups.items():
        if space == namespace and not ending and selector.matches(dict(labels)):
            for node, count in nodes.items():
                found[node] = found.get(node, 0) + count
    return found


def _explicit(pod: Any, when: str) -> tuple[Constraint, ...]:
    found = []
    for rule in pod.spec.topologySpreadConstraints or ():
        if rule.whenUnsatisfiable != when:
            continue
        selector = selectors.from_object(rule.labelSelector)
        labels = pod.metadata.labels or {}
        extra = tuple(Requirement(k, "in", (labels[k],)) for k in rule.matchLabelKeys or () if k in labels)
        found.append(Constraint(
            rule.maxSkew, rule.topologyKey, selector._replace(requirements=(*selector.requirements, *extra)),
            rule.minDomains or 1, rule.nodeAffinityPolicy != "Ignore", rule.nodeTaintsPolicy == "Honor",
        ))  # fmt: skip
    return tuple(found)


def _default(pod: Any, cluster: Cluster, defaults: Sequence[SpreadDefault]) -> tuple[Constraint, ...]:
    """These constraints, for pods that a Service or a controller selects (helper.DefaultSelector)."""
    if not defaults:
        return ()
    about, requirements = pod.metadata, dict[Requirement, None]()
    labels, space = about.labels or {}, f"{about.namespace}/"
    for key, service in cluster.of("Service").items():
        wanted = service.spec.selector
        if wanted and key.startswith(space) and wanted.items() <= labels.items():
            requirements.update(dict.fromkeys(selectors.from_map(wanted).requirements))
    for owner in about.ownerReferences or ():
        found = cluster.of(owner.kind).get(space + owner.name) if owner.controller else None
        if found is not None and owner.kind == "ReplicationController":
            requirements.update(dict.fromkeys(selectors.from_map(found.spec.selector or {}).requirements))
        elif found is not None and owner.kind in ("ReplicaSet", "StatefulSet"):
            requirements.update(dict.fromkeys(selectors.from_object(found.spec.selector).requirements))
    if not requirements:
        return ()
    selector = Selector(tuple(requirements))
    return tuple([Constraint(rule.max_skew, rule.key, selector) for rule in defaults])


def _counts_in(rule: Constraint, pod: PodInfo, info: NodeInfo) -> bool:
    """Whether a node is a place at all, by the policies of a rule."""
    if rule.honor_affinity and not required_matches(pod.pod, info):
        return False
    return not rule.honor_taints or not info.taints or not untolerated(pod.pod.spec.tolerations or (), info.taints)


def _has_keys(rules: Sequence[Constraint], info: NodeInfo) -> bool:
    return all(rule.key in info.labels for rule in rules)


def _least(rule: Constraint, count: Mapping[str, int]) -> int:
    return min(count.values(), default=0) if len(count) >= rule.min_domains else 0


class PodTopologySpread(Plugin):
    """Keeps pods of one kind apart, over hosts and zones."""

    name = "PodTopologySpread"
    weight = 2
    events = {ASSIGNED: (ADD, DELETE, LABEL), OWN: (LABEL,), "Node": (ADD, DELETE, LABEL, TAINT)}

    def __init__(self, defaults: tuple[SpreadDefault, ...] = SYSTEM) -> None:
        self.hard = tuple([rule for rule in defaults if rule.hard])
        self.soft = tuple([rule for rule in defaults if not rule.hard])
        self.system = defaults == SYSTEM

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        own = pod.pod.spec.topologySpreadConstraints
        rules = _explicit(pod.pod, "DoNotSchedule") if own else _default(pod.pod, cluster, self.hard)
        if not rules:
            return None
        found = [matching(cluster, rule.selector, pod.namespace) for rule in rules]
        counts: tuple[dict[str, int], ...] = tuple({} for _ in rules)
        for info in cluster.nodes:
            if not _has_keys(rules, info):
                continue
            for rule, known, count in zip(rules, found, counts, strict=True):
                if _counts_in(rule, pod, info):
                    value = info.labels[rule.key]
                    count[value] = count.get(value, 0) + known.get(info.name, 0)
        least = tuple(_least(rule, count) for rule, count in zip(rules, counts, strict=True))
        return Skews(rules, counts, least, tuple(int(rule.selector.matches(pod.labels)) for rule in rules))

    def adjust(self, state: Any, pod: PodInfo, other: PodInfo, info: NodeInfo, sign: int) -> Any:
        rules = state.constraints
        if other.namespace != pod.namespace or not _has_keys(rules, info):
            return state
        counts = list(state.counts)
        for i, rule in enumerate(rules):
            if rule.selector.matches(other.labels) and _counts_in(rule, pod, info):
                value = info.labels[rule.key]
                counts[i] = {**counts[i], value: counts[i].get(value, 0) + sign}
        least = tuple(_least(rule, count) for rule, count in zip(rules, counts, strict=True))
        return state._replace(counts=tuple(counts), least=least)

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        for rule, count, least, own in zip(*state, strict=True):
            value = info.labels.get(rule.key)
            if value is None:
                return Rejection((f"{MISMATCH} (missing required label)",))
            if count.get(value, 0) + own - least > rule.max_skew:
                return Rejection((MISMATCH,), resolvable=True)
        return None

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        own = bool(pod.pod.spec.topologySpreadConstraints)
        demanding = own or not self.system
        rules = _explicit(pod.pod, "ScheduleAnyway") if own else _default(pod.pod, cluster, self.soft)
        if not rules:
            return None
        scored = [info for info in feasible if _has_keys(rules, info)] if demanding else feasible
        counts: list[Mapping[str, int]] = []
        known: dict[Selector, dict[str, int]] = {}
        for rule in rules:
            if rule.selector not in known:
                known[rule.selector] = matching(cluster, rule.selector, pod.namespace)
            found = known[rule.selector]
            keys = rules if demanding else ()
            counts.append(found if rule.key == HOSTNAME else _domains(rule, keys, pod, cluster, scored, found))
        # Nodes without the label are a domain of their own, as they are there.
        missing = [not demanding and any(rule.key not in info.labels for info in scored) for rule in rules]
        sizes = (
            len(scored) if rule.key == HOSTNAME else len(count) + more
            for rule, count, more in zip(rules, counts, missing, strict=True)
        )
        return Spread(rules, tuple(counts), tuple(round(math.log(size + 2) * _MICRO) for size in sizes), demanding)

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        rules, counts, weights, demanding = state
        parts = [
            (rule.key, rule.key == HOSTNAME, count, weight, (rule.max_skew - 1) * _MICRO)
            for rule, count, weight in zip(rules, counts, weights, strict=True)
        ]
        scores = []
        for info in feasible:
            total, labels = _MICRO // 2, info.labels
            for key, by_node, count, weight, skew in parts:
                value = labels.get(key)
                if value is not None:
                    total += count.get(info.name if by_node else value, 0) * weight + skew
            scores.append(0 if demanding and not _has_keys(rules, info) else total // _MICRO)
        return scores

    def normalise(self, state: Any, scores: list[int], feasible: Sequence[NodeInfo]) -> list[int]:
        if state.demanding and not all(_has_keys(state.constraints, info) for info in feasible):
            counted = [_has_keys(state.constraints, info) for info in feasible]
        else:
            counted = [True] * len(scores)
        known = [score for score, counts in zip(scores, counted, strict=True) if counts]
        least, most = min(known, default=0), max(known, default=0)
        return [
            0 if not counts else MAX_SCORE if most == 0 else MAX_SCORE * (most + least - score) // most
            for score, counts in zip(scores, counted, strict=True)
        ]

    def hint(self, pod: PodInfo, event: Event) -> bool:
        rules = _explicit(pod.pod, "DoNotSchedule")
        if event.kind == OWN or (not rules and self.hard):
            return True
        if event.kind == "Node":
            nodes = [node.metadata.labels or {} for node in (event.old, event.new) if node is not None]
            return any(rule.key in labels for rule in rules for labels in nodes)
        pods = [one for one in (event.old, event.new) if one is not None]
        if pods[0].metadata.namespace != pod.namespace:
            return False
        return any(rule.selector.matches(one.metadata.labels) for rule in rules for one in pods)


def _domains(
    rule: Constraint, keys: Sequence[Constraint], pod: PodInfo, cluster: Cluster, scored: Sequence[NodeInfo],
    found: Mapping[str, int],
) -> dict[str, int]:  # fmt: skip
    """Matching pods by the values that the label has on the scored nodes, counted over the whole cluster."""
    count = {info.labels[rule.key]: 0 for info in scored if rule.key in info.labels}
    spec = pod.pod.spec
    anywhere = spec.affinity is None and not spec.nodeSelector and rule.honor_affinity and not rule.honor_taints and not keys
    for node, pods in found.items() if count else ():
        info = cluster.known[node]
        value = info.labels.get(rule.key, "")
        if value in count and (anywhere or (_has_keys(keys, info) and _counts_in(rule, pod, info))):
            count[value] += pods
    return count
