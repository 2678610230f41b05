"""The default plugins of First light with their weights, in the order in which they run
(pkg/scheduler/apis/config/v1/default_plugins.go)."""

from k8s_tutor.scheduler.framework import Plugin
from k8s_tutor.scheduler.plugins.affinity import NodeAffinity
from k8s_tutor.scheduler.plugins.basic import NodeName, NodePorts, NodeUnschedulable
from k8s_tutor.scheduler.plugins.images import ImageLocality
from k8s_tutor.scheduler.plugins.resources import BalancedAllocation, Fit
from k8s_tutor.scheduler.plugins.spread import PodTopologySpread
from k8s_tutor.scheduler.plugins.taints import TaintToleration

DEFAULT: tuple[Plugin, ...] = (
    NodeUnschedulable(), NodeName(), TaintToleration(), NodeAffinity(), NodePorts(), Fit(), PodTopologySpread(),
    BalancedAllocation(), ImageLocality(),
)  # fmt: skip

__all__ = ["DEFAULT"]
