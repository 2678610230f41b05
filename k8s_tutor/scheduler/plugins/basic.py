"""Filters that need nothing but the pod and the node: NodeUnschedulable, NodeName, NodePorts."""

from __future__ import annotations

from typing import Any

from k8s_tutor.scheduler.framework import PASS, Cluster, Plugin, Rejection
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.plugins.taints import tolerates
from k8s_tutor.scheduler.resources import PodInfo

UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"


class _CordonTaint:
    key, value, effect = UNSCHEDULABLE_TAINT, "", "NoSchedule"


class NodeUnschedulable(Plugin):
    """A cordoned node takes no new pods, unless they tolerate its taint."""

    name = "NodeUnschedulable"

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return PASS if tolerates(pod.pod.spec.tolerations or (), _CordonTaint) else True

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        spec = info.node.spec
        return Rejection(("node(s) were unschedulable",)) if spec is not None and spec.unschedulable else None


class NodeName(Plugin):
    """A pod that names its node goes nowhere else."""

    name = "NodeName"

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return pod.pod.spec.nodeName or PASS

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        return None if state == info.name else Rejection(("node(s) didn't match the requested node name",))


class NodePorts(Plugin):
    """Two pods cannot hold one port of a node."""

    name = "NodePorts"

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return pod.ports or None

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if any(wanted.conflicts(taken) for wanted in state for taken in info.ports):
            return Rejection(("node(s) didn't have free ports for the requested pod ports",), resolvable=True)
        return None
