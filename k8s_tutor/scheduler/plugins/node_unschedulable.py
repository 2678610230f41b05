"""NodeUnschedulable: cordoned nodes take no new pods (plugins/nodeunschedulable)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.scheduler.changes import ADD, OWN, TAINT, TOLERATION, Event
from k8s_tutor.scheduler.framework import PASS, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.plugins.taint_toleration import tolerates
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection


class _CordonTaint:
    key, value, effect = "node.kubernetes.io/unschedulable", "", "NoSchedule"


class NodeUnschedulable(Plugin):
    """A cordoned node takes no new pods, unless they tolerate its taint."""

    name = "NodeUnschedulable"
    events = {"Node": (ADD, TAINT), OWN: (TOLERATION,)}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return PASS if not cluster.tainted or tolerates(pod.pod.spec.tolerations or (), _CordonTaint) else True

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        return Rejection(("node(s) were unschedulable",)) if info.cordoned else None

    def hint(self, pod: PodInfo, event: Event) -> bool:
        if event.kind == OWN:
            return tolerates(event.new.spec.tolerations or (), _CordonTaint)
        closed = bool(event.new.spec and event.new.spec.unschedulable)
        return not closed and (event.old is None or bool(event.old.spec and event.old.spec.unschedulable))
