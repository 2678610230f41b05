"""NodePorts: two pods cannot hold one port of a node (plugins/nodeports)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.scheduler.changes import ADD, ASSIGNED, DELETE, Event
from k8s_tutor.scheduler.framework import Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo, ports_of
from k8s_tutor.scheduler.verdict import Rejection


class NodePorts(Plugin):
    """The host ports that a pod wants must be free on the node."""

    name = "NodePorts"
    events = {"Node": (ADD,), ASSIGNED: (DELETE,)}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        return pod.ports or None

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if any(wanted.conflicts(taken) for wanted in state for taken in info.ports):
            return Rejection(("node(s) didn't have free ports for the requested pod ports",), resolvable=True)
        return None

    def hint(self, pod: PodInfo, event: Event) -> bool:
        if event.kind == "Node":
            return True
        return any(wanted.conflicts(freed) for wanted in pod.ports for freed in ports_of(event.old))
