"""Filters that need nothing but the pod and the node: NodeUnschedulable, NodeName, NodePorts."""

from __future__ import annotations

from typing import Any

from k8s_tutor.scheduler.framework import Cluster, Plugin, Rejection
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
        return tolerates(pod.pod.spec.tolerations or (), _CordonTaint)

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if state or not (info.node.spec and info.node.spec.unschedulable):
            return None
        return Rejection(("node(s) were unschedulable",))


class NodeName(Plugin):
    """A pod that names its node goes nowhere else."""

    name = "NodeName"

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return pod.pod.spec.nodeName or ""

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if not state or state == info.name:
            return None
        return Rejection(("node(s) didn't match the requested node name",))


class NodePorts(Plugin):
    """Two pods cannot hold one port of a node."""

    name = "NodePorts"

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return pod.ports or None

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if any(wanted.conflicts(taken) for wanted in state for taken in info.ports):
            return Rejection(("node(s) didn't have free ports for the requested pod ports",), resolvable=True)
        return None
