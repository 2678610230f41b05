"""The scheduler: finds a node for each pod, and can say why."""

from k8s_tutor.scheduler.actor import Cycle, Scheduler
from k8s_tutor.scheduler.framework import FilterAnswer, NodeVerdict, PluginScore, Verdict
from k8s_tutor.scheduler.queue import Queued, SchedulingQueue

__all__ = ["Cycle", "FilterAnswer", "NodeVerdict", "PluginScore", "Queued", "Scheduler", "SchedulingQueue", "Verdict"]
