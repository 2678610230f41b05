"""The default plugins with their weights, in the order in which they run (pkg/scheduler/apis/config/v1/default_plugins.go).

PrioritySort is `SchedulingQueue`, DefaultPreemption `k8s_tutor.scheduler.preemption`, DefaultBinder the actor's own binding.
"""

from k8s_tutor.scheduler.framework import Plugin
from k8s_tutor.scheduler.plugins.balanced_allocation import BalancedAllocation
from k8s_tutor.scheduler.plugins.image_locality import ImageLocality
from k8s_tutor.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from k8s_tutor.scheduler.plugins.node_affinity import NodeAffinity
from k8s_tutor.scheduler.plugins.node_name import NodeName
from k8s_tutor.scheduler.plugins.node_ports import NodePorts
from k8s_tutor.scheduler.plugins.node_unschedulable import NodeUnschedulable
from k8s_tutor.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from k8s_tutor.scheduler.plugins.resources_fit import Fit
from k8s_tutor.scheduler.plugins.scheduling_gates import SchedulingGates
from k8s_tutor.scheduler.plugins.taint_toleration import TaintToleration
from k8s_tutor.scheduler.plugins.topology_spread import PodTopologySpread
from k8s_tutor.scheduler.plugins.volume_binding import VolumeBinding
from k8s_tutor.scheduler.plugins.volume_restrictions import VolumeRestrictions
from k8s_tutor.scheduler.plugins.volume_zone import VolumeZone

DEFAULT: tuple[Plugin, ...] = (
    SchedulingGates(), NodeUnschedulable(), NodeName(), TaintToleration(), NodeAffinity(), NodePorts(), Fit(),
    VolumeRestrictions(), NodeVolumeLimits(), VolumeBinding(), VolumeZone(), PodTopologySpread(), InterPodAffinity(),
    BalancedAllocation(), ImageLocality(),
)  # fmt: skip

__all__ = ["DEFAULT"]
