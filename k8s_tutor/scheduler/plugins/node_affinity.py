"""NodeAffinity: nodeSelector, required and preferred node affinity (plugins/nodeaffinity, component-helpers nodeaffinity)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_tutor.api.selectors import Requirement
from k8s_tutor.scheduler.changes import ADD, LABEL, Event
from k8s_tutor.scheduler.framework import Cluster, Only, Plugin, default_normalise
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection

_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": "gt", "Lt": "lt"}


def term_matches(term: Any, info: NodeInfo) -> bool:
    """A node selector term: all expressions and fields must hold; an empty term matches nothing."""
    expressions, fields = term.matchExpressions or (), term.matchFields or ()
    if not expressions and not fields:
        return False
    own = {"metadata.name": info.name}
    return all(_requirement(e).matches(info.labels) for e in expressions) and all(
        _requirement(e).matches(own) for e in fields
    )


def _requirement(expression: Any) -> Requirement:
    return Requirement(expression.key, _OPERATORS[expression.operator], tuple(expression.values or ()))


def required_matches(pod: Any, info: NodeInfo) -> bool:
    """Whether a pod (typed struct) may go to this node by its nodeSelector and required affinity."""
    for key, value in (pod.spec.nodeSelector or {}).items():
        if info.labels.get(key) != value:
            return False
    required = _node_affinity(pod) and _node_affinity(pod).requiredDuringSchedulingIgnoredDuringExecution
    return not required or any(term_matches(term, info) for term in required.nodeSelectorTerms or ())


def _node_affinity(pod: Any) -> Any:
    return pod.spec.affinity.nodeAffinity if pod.spec.affinity else None


def named(terms: Sequence[Any]) -> tuple[str, ...] | None:
    """The nodes that required terms name by ``matchFields``; None when one of them names none, so that any node may do."""
    found: dict[str, None] = {}
    for term in terms:
        fields = [field for field in term.matchFields or () if field.key == "metadata.name" and field.operator == "In"]
        if not fields:
            return None
        for name in fields[0].values:
            if all(name in field.values for field in fields):
                found[name] = None
    return tuple(found)


class NodeAffinity(Plugin):
    """Labels that a pod demands of a node, or would like."""

    name = "NodeAffinity"
    weight = 2
    events = {"Node": (ADD, LABEL)}

    def __init__(self, added: Any = None) -> None:
        self.required = (added and added.requiredDuringSchedulingIgnoredDuringExecution) or None
        self.preferred = tuple((added and added.preferredDuringSchedulingIgnoredDuringExecution) or ())
        """What the profile adds to every pod's own (NodeAffinityArgs.addedAffinity, typed struct)."""

    def _enforced(self, info: NodeInfo) -> bool:
        """Whether a node satisfies what the profile demands."""
        return self.required is None or any(term_matches(term, info) for term in self.required.nodeSelectorTerms or ())

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        affinity = _node_affinity(pod.pod)
        required = affinity and affinity.requiredDuringSchedulingIgnoredDuringExecution
        if not required:
            return True if pod.pod.spec.nodeSelector or self.required is not None else None
        names = named(required.nodeSelectorTerms or ())
        if names is None:
            return True
        return Only(names, True) if names else Rejection(("pod affinity terms conflict",))

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if not self._enforced(info):
            return Rejection(("node(s) didn't match scheduler-enforced node affinity",))
        return None if required_matches(pod.pod, info) else Rejection(("node(s) didn't match Pod's node affinity/selector",))

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        if pod.pod.spec.affinity is None:
            return self.preferred or None
        affinity = _node_affinity(pod.pod)
        return (*((affinity and affinity.preferredDuringSchedulingIgnoredDuringExecution) or ()), *self.preferred) or None

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        return [sum(wish.weight for wish in state if term_matches(wish.preference, info)) for info in feasible]

    def normalise(self, state: Any, scores: list[int], feasible: Sequence[NodeInfo]) -> list[int]:
        return default_normalise(scores)

    def hint(self, pod: PodInfo, event: Event) -> bool:
        return self._fits(pod, event.new) and not self._fits(pod, event.old)

    def _fits(self, pod: PodInfo, node: Any) -> bool:
        if node is None:
            return False
        info = NodeInfo(node.metadata.name).with_node(node)
        return self._enforced(info) and required_matches(pod.pod, info)

