"""PodTopologySpread: explicit constraints, and the default spreading of pods of one ReplicaSet or Service
(plugins/podtopologyspread)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import selectors
from k8s_tutor.api.selectors import Requirement, Selector
from k8s_tutor.scheduler.framework import MAX_SCORE, Cluster, Plugin, Rejection
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.plugins.affinity import required_matches
from k8s_tutor.scheduler.plugins.taints import tolerates
from k8s_tutor.scheduler.resources import PodInfo

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


class Counts(NamedTuple):
    """Matching pods by constraint and label value; for hostnames in scoring the node itself is asked."""

    constraints: tuple[Constraint, ...]
    counts: tuple[dict[str, int], ...]
    weights: tuple[int, ...] = ()
    """Normalising weight of each constraint, in millionths."""
    demanding: bool = True
    """Nodes without all the labels are left out."""


def matching(info: NodeInfo, selector: Selector, namespace: str) -> int:
    """Pods on a node that count: of this namespace, selected, not being deleted."""
    found = 0
    for pod in info.pods:
        if pod.namespace == namespace and not pod.ending and selector.matches(pod.labels):
            found += 1
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


def _default(pod: Any, cluster: Cluster) -> tuple[Constraint, ...]:
    """Hostname and zone, softly, for pods that a Service or a ReplicaSet selects (helper.DefaultSelector)."""
    labels = pod.metadata.labels or {}
    requirements: list[Requirement] = []
    for service in cluster.services:
        wanted = service.spec.selector
        if service.metadata.namespace == pod.metadata.namespace and wanted:
            selector = selectors.from_map(wanted)
            if selector.matches(labels):
                requirements += selector.requirements
    owner = next((ref for ref in pod.metadata.ownerReferences or () if ref.controller), None)
    for replica_set in cluster.replica_sets:
        if owner is not None and replica_set.metadata.uid == owner.uid:
            requirements += selectors.from_object(replica_set.spec.selector).requirements
    if not requirements:
        return ()
    selector = Selector(tuple(dict.fromkeys(requirements)))
    return Constraint(3, HOSTNAME, selector), Constraint(5, ZONE, selector)


def _counts_in(rule: Constraint, pod: PodInfo, info: NodeInfo) -> bool:
    if rule.honor_affinity and not required_matches(pod.pod, info):
        return False
    tolerations = pod.pod.spec.tolerations or ()
    return not rule.honor_taints or all(
        tolerates(tolerations, taint) for taint in info.taints if taint.effect in ("NoSchedule", "NoExecute")
    )


def _has_keys(rules: Sequence[Constraint], info: NodeInfo) -> bool:
    return all(rule.key in info.labels for rule in rules)


class PodTopologySpread(Plugin):
    """Keeps pods of one kind apart, over hosts and zones."""

    name = "PodTopologySpread"
    weight = 2

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        rules = _explicit(pod.pod, "DoNotSchedule")
        if not rules:
            return None
        counts: tuple[dict[str, int], ...] = tuple({} for _ in rules)
        for info in cluster.nodes:
            if not _has_keys(rules, info):
                continue
            for rule, count in zip(rules, counts, strict=True):
                if _counts_in(rule, pod, info):
                    value = info.labels[rule.key]
                    count[value] = count.get(value, 0) + matching(info, rule.selector, pod.namespace)
        return Counts(rules, counts)

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        for rule, count in zip(state.constraints, state.counts, strict=True):
            value = info.labels.get(rule.key)
            if value is None:
                return Rejection((f"{MISMATCH} (missing required label)",))
            least = min(count.values(), default=0) if len(count) >= rule.min_domains else 0
            own = 1 if rule.selector.matches(pod.pod.metadata.labels) else 0
            if count.get(value, 0) + own - least > rule.max_skew:
                return Rejection((MISMATCH,), resolvable=True)
        return None

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        demanding = bool(pod.pod.spec.topologySpreadConstraints)
        rules = _explicit(pod.pod, "ScheduleAnyway") if demanding else _default(pod.pod, cluster)
        if not rules:
            return None
        scored = [info for info in feasible if not demanding or _has_keys(rules, info)]
        counts: tuple[dict[str, int], ...] = tuple(
            {} if rule.key == HOSTNAME else {info.labels[rule.key]: 0 for info in scored if rule.key in info.labels}
            for rule in rules
        )
        for info in cluster.nodes if any(counts) else ():
            if demanding and not _has_keys(rules, info):
                continue
            for rule, count in zip(rules, counts, strict=True):
                value = info.labels.get(rule.key, "")
                if value in count and _counts_in(rule, pod, info):
                    count[value] += matching(info, rule.selector, pod.namespace)
        sizes = (len(scored) if rule.key == HOSTNAME else len(count) for rule, count in zip(rules, counts, strict=True))
        return Counts(rules, counts, tuple(round(math.log(size + 2) * _MICRO) for size in sizes), demanding)

    def score(self, state: Any, pod: PodInfo, info: NodeInfo) -> int:
        if state.demanding and not _has_keys(state.constraints, info):
            return 0
        total, labels = 0, info.labels
        for rule, count, weight in zip(state.constraints, state.counts, state.weights, strict=True):
            value = labels.get(rule.key)
            if value is None:
                continue
            found = matching(info, rule.selector, pod.namespace) if rule.key == HOSTNAME else count[value]
            total += found * weight + (rule.max_skew - 1) * _MICRO
        return (total + _MICRO // 2) // _MICRO

    def normalise(self, state: Any, scores: list[int], feasible: Sequence[NodeInfo]) -> list[int]:
        counted = [not state.demanding or _has_keys(state.constraints, info) for info in feasible]
        known = [score for score, counts in zip(scores, counted, strict=True) if counts]
        least, most = min(known, default=0), max(known, default=0)
        return [
            0 if not counts else MAX_SCORE if most == 0 else MAX_SCORE * (most + least - score) // most
            for score, counts in zip(scores, counted, strict=True)
        ]
