"""The scheduler: finds a node for each pod, and can say why."""

from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.scheduler.plugins.expression import CelPlugin
from k8s_tutor.scheduler.profiles import Profile, SchedulerConfig
from k8s_tutor.scheduler.queue import Queued, SchedulingQueue
from k8s_tutor.scheduler.verdict import FilterAnswer, NodeVerdict, PluginScore, Preemption, Verdict
from k8s_tutor.scheduler.watching import Cycle

__all__ = [
    "CelPlugin",
    "Cycle",
    "FilterAnswer",
    "NodeVerdict",
    "PluginScore",
    "Preemption",
    "Profile",
    "Queued",
    "Scheduler",
    "SchedulerConfig",
    "SchedulingQueue",
    "Verdict",
]
