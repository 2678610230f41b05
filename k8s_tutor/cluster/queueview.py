"""The scheduling queue: who waits where, since when, and for what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8s_tutor.cluster.verdictviews import QueuedView
from k8s_tutor.scheduler import changes
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.scheduler.queue import Queued

PLACES = ("flying", "active", "backoff", "error", "unschedulable", "gated")
"""The queue from its head to its foot."""
SHOWN = 200

_WORDS = {
    ("Node", changes.ADD): "a new node",
    ("Node", changes.DELETE): "a node gone",
    ("Node", changes.LABEL): "new labels on a node",
    ("Node", changes.TAINT): "a taint or cordon taken off",
    ("Node", changes.ALLOCATABLE): "more room on a node",
    (changes.ASSIGNED, changes.ADD): "a pod placed",
    (changes.ASSIGNED, changes.DELETE): "a pod gone",
    (changes.ASSIGNED, changes.LABEL): "new labels on a placed pod",
    (changes.ASSIGNED, changes.SCALE_DOWN): "a placed pod that asks for less",
    (changes.OWN, changes.LABEL): "other labels on it",
    (changes.OWN, changes.SCALE_DOWN): "smaller requests of its own",
    (changes.OWN, changes.TOLERATION): "a toleration of its own",
    (changes.OWN, changes.UNGATED): "its gates taken off",
    ("PersistentVolumeClaim", changes.ADD): "a new claim",
    ("PersistentVolumeClaim", changes.UPDATE): "a claim that changes",
    ("PersistentVolume", changes.ADD): "a new volume",
    ("PersistentVolume", changes.UPDATE): "a volume that changes",
    ("StorageClass", changes.ADD): "a new storage class",
    ("StorageClass", changes.UPDATE): "a storage class that changes",
    ("CSINode", changes.ADD): "a driver on a node",
    ("CSINode", changes.UPDATE): "a driver that changes",
}
"""What helps, as `Plugin.events` names it, for people."""


def queue_view(schedulers: Iterable[Scheduler], before: tuple[QueuedView, ...] = ()) -> tuple[QueuedView, ...]:
    """The pods that wait at the scheduler that works, head first; the same object as ``before`` where nothing changed."""
    known = {view.pod: view for view in before}
    found: list[QueuedView] = []
    for scheduler in schedulers:
        queue = scheduler.queue
        keys = [key for place in PLACES for key in queue.keys(place)]
        found += [_queued(scheduler, key, queue.pods[key]) for key in keys[:SHOWN]]
    views = tuple([view if known.get(view.pod) != view else known[view.pod] for view in found])
    return before if views == before else views


def _queued(scheduler: Scheduler, key: str, waiting: Queued) -> QueuedView:
    pod = scheduler.pods.objects.get(key)
    gates = tuple([gate.name for gate in (pod.spec.schedulingGates if pod is not None else None) or ()])
    held = scheduler.held.get(key)
    place, refused_by = (waiting.place, waiting.plugins) if held is None else ("permit", (held.plugin,))
    idle = waiting.place in ("unschedulable", "gated")
    return QueuedView(
        pod=key, priority=waiting.priority, place=place, since=waiting.since, until=waiting.until,
        attempts=waiting.attempts, refused_by=refused_by, gates=gates,
        wakes=_wakes(scheduler, pod, waiting) if idle and pod is not None else (),
    )  # fmt: skip


def _wakes(scheduler: Scheduler, pod: Any, waiting: Queued) -> tuple[str, ...]:
    """What would give a pod another try: the events for which its refusers have asked, and the clock."""
    line = scheduler.line(pod)
    found: dict[str, None] = {}
    for name in waiting.plugins if line is not None else ():
        plugin = line.by_name.get(name) if line is not None else None
        for kind, actions in (plugin.events if plugin is not None else {}).items():
            found.update(dict.fromkeys(_WORDS.get((kind, action), f"{kind} {action}") for action in actions))
    if waiting.place == "unschedulable":
        found["five minutes of waiting"] = None
    return tuple(found)
