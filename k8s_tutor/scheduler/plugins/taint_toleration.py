"""TaintToleration: taints keep pods away, or only lower the score (plugins/tainttoleration)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from k8s_tutor.scheduler.changes import ADD, OWN, TAINT, TOLERATION, Event
from k8s_tutor.scheduler.framework import PASS, Cluster, Plugin, default_normalise
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection


def _tolerates(toleration: Any, taint: Any) -> bool:
    """``v1.Toleration.ToleratesTaint``."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if (toleration.operator or "Equal") == "Exists":
        return True
    return bool(toleration.key) and (toleration.value or "") == (taint.value or "")


def tolerates(tolerations: Iterable[Any], taint: Any) -> bool:
    """Whether one of the tolerations covers the taint."""
    return any(_tolerates(toleration, taint) for toleration in tolerations)


def untolerated(tolerations: Iterable[Any], taints: Iterable[Any]) -> bool:
    """Whether one of the taints keeps a pod with these tolerations away."""
    return any(taint.effect in ("NoSchedule", "NoExecute") and not tolerates(tolerations, taint) for taint in taints)


def _disliked(tolerations: Iterable[Any], taints: Iterable[Any]) -> int:
    return sum(1 for taint in taints if taint.effect == "PreferNoSchedule" and not tolerates(tolerations, taint))


class TaintToleration(Plugin):
    """NoSchedule and NoExecute refuse; PreferNoSchedule counts against the node."""

    name = "TaintToleration"
    weight = 3
    events = {"Node": (ADD, TAINT), OWN: (TOLERATION,)}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return tuple(pod.pod.spec.tolerations or ()) if cluster.tainted else PASS

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if info.taints and untolerated(state, info.taints):
            return Rejection(("node(s) had untolerated taint(s)",))
        return None

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        return tuple(t for t in pod.pod.spec.tolerations or () if not t.effect or t.effect == "PreferNoSchedule")

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        return [_disliked(state, info.taints) if info.taints else 0 for info in feasible]

    def normalise(self, state: Any, scores: list[int], feasible: Sequence[NodeInfo]) -> list[int]:
        return default_normalise(scores, reverse=True)

    def hint(self, pod: PodInfo, event: Event) -> bool:
        if event.kind == OWN:
            return True
        tolerations, old = pod.pod.spec.tolerations or (), event.old
        if untolerated(tolerations, (event.new.spec and event.new.spec.taints) or ()):
            return False
        return old is None or untolerated(tolerations, (old.spec and old.spec.taints) or ())
