"""NodeName: a pod that names its node goes nowhere else (plugins/nodename)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.scheduler.changes import ADD
from k8s_tutor.scheduler.framework import PASS, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection


class NodeName(Plugin):
    """Compares the node's name with the one that the pod asks for."""

    name = "NodeName"
    events = {"Node": (ADD,)}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return pod.pod.spec.nodeName or PASS

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        return None if state == info.name else Rejection(("node(s) didn't match the requested node name",))
