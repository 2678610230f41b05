"""The scheduler process: decides one pod at a time, and binds while it goes on (pkg/scheduler/schedule_one.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme, times
from k8s_tutor.api.wire import Response
from k8s_tutor.scheduler import changes, messages
from k8s_tutor.scheduler.events import Recorder
from k8s_tutor.scheduler.framework import run
from k8s_tutor.scheduler.preemption import guests_of, preempt
from k8s_tutor.scheduler.profiles import DEFAULT_NAME, Line
from k8s_tutor.scheduler.resources import PodInfo, key_of, pod_info
from k8s_tutor.scheduler.verdict import Verdict
from k8s_tutor.scheduler.watching import Cycle, Flush, Watching
from k8s_tutor.sim import CallFailed, Context

VERDICTS = 200
"""How many verdicts are kept."""
_MERGE = "application/strategic-merge-patch+json"


class Scheduler(Watching):
    """One kube-scheduler; ``config`` is a `SchedulerConfig`, or a plain `Access` (user ``system:kube-scheduler``) for the
    default profile alone. It works while it holds the lease."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.recorder = Recorder()
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
            self._bind(ctx, info, verdict)
            return
        self.queue.fail(key, ctx.now, verdict.plugins)
        promised = self._promise(info, verdict)
        self._tell_failure(ctx, pod, "Unschedulable", verdict.message, promised)
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
        self.verdicts.pop(verdict.pod, None)
        self.verdicts[verdict.pod] = verdict
        if len(self.verdicts) > VERDICTS:
            del self.verdicts[next(iter(self.verdicts))]

    # ------------------------------------------------------------------ binding

    def _bind(self, ctx: Context, info: PodInfo, verdict: Verdict) -> None:
        """Assumes the pod on its node and sends the binding; the next pod does not wait for the answer."""
        ctx.decide()
        self.cache.assume(info, verdict.chosen)
        self.nominated.pop(info.key, None)
        feasible = len(verdict.feasible)
        ctx.note("scheduler.decided", pod=info.key, node=verdict.chosen, score=verdict.score, feasible=feasible)
        about = info.pod.metadata
        tree = {
            "apiVersion": "v1", "kind": "Binding",
            "metadata": {"name": about.name, "namespace": about.namespace, "uid": about.uid},
            "target": {"kind": "Node", "name": verdict.chosen},
        }  # fmt: skip
        path = scheme.resource("Pod").path(about.namespace, about.name, "binding")
        args = (info.key, verdict.chosen, verdict.score, self.reign)
        self.request(ctx, "POST", path, tree, "_bound", args)

    def _bound(self, ctx: Context, answer: Response | CallFailed, key: str, node: str, score: int, reign: int) -> None:
        if reign != self.reign:
            return
        pod = self.pods.objects.get(key)
        if isinstance(answer, Response) and answer.code < 300:
            self.forget(key)
            ctx.note("scheduler.bound", pod=key, node=node, score=score)
            if pod is not None:
                self._record(ctx, pod, "Normal", "Scheduled", "Binding", f"Successfully assigned {key} to {node}")
            return
        why = scheme.tree(answer.body).get("message", "") if isinstance(answer, Response) else answer.reason
        self._unbind(ctx, key, node, f'binding rejected: running Bind plugin "DefaultBinder": {why}', why)

    def _unbind(self, ctx: Context, key: str, node: str, text: str, why: str) -> None:
        """Nothing comes of a decision: the pod's place is free again, and the pod is tried again after a back-off."""
        pod = self.pods.objects.get(key)
        ctx.note("scheduler.refused", pod=key, node=node, reason=why)
        if self.cache.assumed.get(key) == node:
            gone = self.cache.find(key)
            self.cache.remove(key)
            self.react(ctx, changes.Event(changes.ASSIGNED, (changes.DELETE,), gone and gone.pod, None))
        if pod is None or not self.wants_node(pod) or key not in self.queue:
            self.forget(key)
            return
        until = self.queue.retry(key, ctx.now)
        ctx.after(until - ctx.now, Flush(), work=False)
        self._tell_failure(ctx, pod, "SchedulerError", text)

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
                self._status(ctx, guest.pod, {"nominatedNodeName": None})

    def _evict(self, ctx: Context, victim: str, pod: Any, node: str, waiting: str) -> None:
        """Marks a victim, then deletes it; ``waiting``: the pod that counts the victims gone, or empty."""
        known = self.pods.objects.get(victim)
        if known is None:
            self._evicted(ctx, None, waiting, node)
            return
        about = f"Preempted by pod {pod.metadata.uid} on node {node}"
        self._record(ctx, known, "Normal", "Preempted", "Preempting", about, pod)
        if known.metadata.deletionTimestamp:
            self._evicted(ctx, None, waiting, node)
            return
        condition = {
            "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
            "message": f"{pod.spec.schedulerName or DEFAULT_NAME}: preempting to accommodate a higher priority pod",
            "lastProbeTime": None, "lastTransitionTime": times.rfc3339(ctx.now, self.config.epoch),
            "observedGeneration": known.metadata.generation,
        }  # fmt: skip
        self._status(ctx, known, {"conditions": [condition]}, "_marked", (victim, waiting, node))

    def _marked(self, ctx: Context, answer: Any, victim: str, waiting: str, node: str) -> None:
        namespace, _, name = victim.partition("/")
        self.request(ctx, "DELETE", scheme.resource("Pod").path(namespace, name), None, "_evicted", (waiting, node))

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

    # ------------------------------------------------------------------ telling the world

    def _tell_failure(self, ctx: Context, pod: Any, reason: str, text: str, promised: str | None = None) -> None:
        """The condition PodScheduled=False where it is new, with the promised node where that changes; and the event."""
        key = key_of(pod)
        self._record(ctx, pod, "Warning", "FailedScheduling", "Scheduling", messages.short(text))
        conditions = (pod.status and pod.status.conditions) or ()
        known = next((found for found in conditions if found.type == "PodScheduled"), None)
        status: dict[str, Any] = {} if promised is None else {"nominatedNodeName": promised or None}
        if known is None or (known.status, known.reason, known.message) != ("False", reason, text):
            ctx.note("scheduler.unschedulable", pod=key, reason=reason, message=text, attempt=self.queue.attempts(key))
            stamp = times.rfc3339(ctx.now, self.config.epoch)
            condition = {
                "type": "PodScheduled", "status": "False", "reason": reason, "message": text, "lastProbeTime": None,
                "lastTransitionTime": stamp, "observedGeneration": pod.metadata.generation,
            }  # fmt: skip
            if known is not None and known.status == "False" and known.lastTransitionTime is not None:
                del condition["lastTransitionTime"]
            status["conditions"] = [condition]
        if status:
            ctx.decide()
            self._status(ctx, pod, status)

    def _status(self, ctx: Context, pod: Any, status: Any, then: str = "done", args: tuple[Any, ...] = ()) -> None:
        path = scheme.resource("Pod").path(pod.metadata.namespace, pod.metadata.name, "status")
        self.request(ctx, "PATCH", path, {"status": status}, then, args, content_type=_MERGE)

    def _record(
        self, ctx: Context, pod: Any, kind: str, reason: str, action: str, text: str, related: Any = None
    ) -> None:
        write = self.recorder.record(pod, kind, reason, action, text, ctx.now, self.config.epoch, self.name, related)
        form = _MERGE if write.method == "PATCH" else "application/json"
        self.request(ctx, write.method, write.path, write.tree, content_type=form)
