"""The scheduler process: decides one pod at a time, and goes on while that one is bound (pkg/scheduler/schedule_one.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme, times
from k8s_tutor.scheduler.binder import Binding
from k8s_tutor.scheduler.framework import run
from k8s_tutor.scheduler.preemption import REASON, guests_of, preempt
from k8s_tutor.scheduler.profiles import DEFAULT_NAME, Line
from k8s_tutor.scheduler.resources import PodInfo, pod_info
from k8s_tutor.scheduler.verdict import Verdict
from k8s_tutor.scheduler.watching import Cycle
from k8s_tutor.sim import Context

VERDICTS = 200
"""How many verdicts are kept."""
ATTEMPTS = 8
"""How many earlier attempts of a pod are remembered with its verdict."""


class Scheduler(Binding):
    """One kube-scheduler; ``config`` is a `SchedulerConfig`, or a plain `Access` (user ``system:kube-scheduler``) for the
    default profile alone. It works while it holds the lease."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.verdicts: dict[str, Verdict] = {}
        """Pod key → its latest verdict; the last two hundred pods."""
        self.next_node = 0
        self.last_victims: dict[str, str] = {}
        """Pod key → the victim that is sent away last, whose going makes room."""

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Cycle):
            self._cycle(ctx)
        else:
            super().event(ctx, src, body)

    # ------------------------------------------------------------------ one scheduling cycle

    def _cycle(self, ctx: Context) -> None:
        key = self.queue.pop() if self.working else None
        if key is None:
            return
        pod = self.pods.objects.get(key)
        line = self.line(pod) if pod is not None and self.wants_node(pod) else None
        if pod is None or line is None:
            self.forget(key)
            return
        info = pod_info(pod)
        verdict = self._decide(ctx, info, line)
        self._keep(verdict)
        if verdict.chosen:
            self.bind(ctx, info, verdict)
            return
        self.queue.fail(key, ctx.now, verdict.plugins)
        promised = self._promise(info, verdict)
        self.tell_failure(ctx, pod, "Unschedulable", verdict.message, promised)
        if promised:
            self._make_room(ctx, pod, verdict)

    def _decide(self, ctx: Context, info: PodInfo, line: Line) -> Verdict:
        cluster = self.cluster()
        promised = self.nominated.get(info.key, ("", None))[0]
        guests = guests_of(info, self.nominated) if self.nominated else None
        verdict, filters = run(
            info, cluster, line.plugins, line.weights, ctx.now, self.queue.attempts(info.key), self.next_node, guests,
            promised, getattr(self.config, "percentage", 0),
        )  # fmt: skip
        if cluster.nodes:
            seen = len(verdict.feasible) + len(verdict.refused)
            self.next_node = (self.next_node + seen) % len(cluster.nodes)
        return verdict if verdict.chosen else preempt(verdict, filters, cluster, promised)

    def _keep(self, verdict: Verdict) -> None:
        earlier = self.verdicts.pop(verdict.pod, None)
        if earlier is not None and earlier.attempt < verdict.attempt:
            verdict = verdict._replace(before=(*earlier.before, earlier.short)[-ATTEMPTS:])
        self.verdicts[verdict.pod] = verdict
        if len(self.verdicts) > VERDICTS:
            del self.verdicts[next(iter(self.verdicts))]

    # ------------------------------------------------------------------ preemption

    def _promise(self, info: PodInfo, verdict: Verdict) -> str | None:
        """Keeps the emptied node for the pod. Returns its name, an empty text when an earlier promise ends, or None."""
        if verdict.preemption is None:
            return None
        node = verdict.preemption.node
        if node:
            self.nominated[info.key] = node, info
            return node
        return "" if self.nominated.pop(info.key, None) is not None else None

    def _make_room(self, ctx: Context, pod: Any, verdict: Verdict) -> None:
        """Sends the victims away, all but one at once and that one last: its going is what the pod waits for
        (SchedulerAsyncPreemption). Pods of lower priority lose the promise of this node."""
        assert verdict.preemption is not None
        key, node = verdict.pod, verdict.preemption.node
        *first, last = verdict.preemption.victims
        ctx.note("scheduler.preempted", pod=key, node=node, victims=" ".join(verdict.preemption.victims))
        self.preempting[key], self.last_victims[key] = len(first), last
        for victim in first:
            self._evict(ctx, victim, pod, node, key)
        if not first:
            self._evict_last(ctx, key, node)
        for other, (place, guest) in list(self.nominated.items()):
            if place == node and guest.priority < (pod.spec.priority or 0):
                del self.nominated[other]
                self.patch_status(ctx, guest.pod, {"nominatedNodeName": None})

    def _evict(self, ctx: Context, victim: str, pod: Any, node: str, waiting: str) -> None:
        """Marks a victim, then deletes it; ``waiting``: the pod that counts the victims gone, or empty."""
        known = self.pods.objects.get(victim)
        if known is None:
            self._evicted(ctx, None, waiting, node)
            return
        about = f"Preempted by pod {pod.metadata.uid} on node {node}"
        self.record(ctx, known, "Normal", "Preempted", "Preempting", about, pod)
        if known.metadata.deletionTimestamp:
            self._evicted(ctx, None, waiting, node)
            return
        condition = {
            "type": "DisruptionTarget", "status": "True", "reason": REASON,
            "message": f"{pod.spec.schedulerName or DEFAULT_NAME}: preempting to accommodate a higher priority pod",
            "lastProbeTime": None, "lastTransitionTime": times.rfc3339(ctx.now, self.config.epoch),
            "observedGeneration": known.metadata.generation,
        }  # fmt: skip
        self.patch_status(ctx, known, {"conditions": [condition]}, "_marked", (victim, waiting, node))

    def _marked(self, ctx: Context, answer: Any, victim: str, waiting: str, node: str) -> None:
        namespace, _, name = victim.partition("/")
        self.say(ctx, self.throttle, "DELETE", scheme.resource("Pod").path(namespace, name), None, "_evicted", (waiting, node))

    def _evicted(self, ctx: Context, answer: Any, waiting: str, node: str) -> None:
        left = self.preempting.get(waiting)
        if left is None:
            return
        self.preempting[waiting] = left - 1
        if left <= 1:
            self._evict_last(ctx, waiting, node)

    def _evict_last(self, ctx: Context, key: str, node: str) -> None:
        self.preempting.pop(key, None)
        victim, pod = self.last_victims.pop(key, ""), self.pods.objects.get(key)
        if pod is not None:
            self._evict(ctx, victim, pod, node, "")
