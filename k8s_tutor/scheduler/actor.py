"""The scheduler process: watches pods and nodes, decides one pod at a time, and binds (pkg/scheduler/schedule_one.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme, times
from k8s_tutor.api.election import Elected, Election
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response, WatchCancel
from k8s_tutor.scheduler import messages
from k8s_tutor.scheduler.events import Recorder
from k8s_tutor.scheduler.framework import Cluster, Plugin, Verdict, run
from k8s_tutor.scheduler.nodeinfo import Cache
from k8s_tutor.scheduler.plugins import DEFAULT
from k8s_tutor.scheduler.queue import SchedulingQueue
from k8s_tutor.scheduler.resources import PodInfo, key_of, pod_info
from k8s_tutor.sim import SECOND, Body, CallFailed, Context

PROFILE = "default-scheduler"
VERDICTS = 200
"""How many verdicts are kept."""
SWEEP = 30 * SECOND
"""How often pods are looked for that have waited too long (flushUnschedulablePodsLeftover)."""
_MERGE = "application/strategic-merge-patch+json"


class Cycle(Body):
    """The scheduler's message to itself: decide about one pod."""


class Flush(Body):
    """A back-off ends."""


class Sweep(Body):
    """Look for pods that have waited too long."""


class Scheduler(Elected):
    """One kube-scheduler; ``config`` is an `Access` (user ``system:kube-scheduler``). It works while it holds the lease."""

    plugins: tuple[Plugin, ...] = DEFAULT

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.election = Election("kube-scheduler")
        self.pods = Informer("Pod")
        self.nodes = Informer("Node")
        self.services = Informer("Service")
        self.replica_sets = Informer("ReplicaSet")
        self.cache = Cache()
        self.queue = SchedulingQueue()
        self.recorder = Recorder()
        self.verdicts: dict[str, Verdict] = {}
        """Pod key → its latest verdict; the last two hundred pods."""
        self.working = False
        """Whether it holds the lease and knows the cluster."""
        self.reign = 0
        """Raised each time that work begins or ends: answers to an earlier reign are not acted upon."""
        self.next_node = 0

    # ------------------------------------------------------------------ beginning and ending

    def start(self, ctx: Context) -> None:
        super().start(ctx)
        ctx.after(SWEEP, Sweep(), work=False)

    def ready(self, ctx: Context) -> None:
        self._begin(ctx)

    def leading(self, ctx: Context) -> None:
        self._begin(ctx)

    def _begin(self, ctx: Context) -> None:
        if self.working or not self.election.leading or not self.synced:
            return
        self.working = True
        self.reign += 1
        for pod in self.pods:
            if _wants_node(pod):
                self._enqueue(ctx, pod)

    def lost(self, ctx: Context) -> None:
        self.working = False
        self.reign += 1
        self.queue = SchedulingQueue()
        for key in list(self.cache.assumed):
            self.cache.remove(key)
        self._list_again(ctx)

    def _list_again(self, ctx: Context) -> None:
        """As the real process, which ends when it loses its lease, it begins with fresh lists when it wins again."""
        for informer in self.informers():
            informer.synced = False
            if informer.watch:
                ctx.stream(self.config.api, WatchCancel(informer.watch))
                self._list(ctx, informer)

    # ------------------------------------------------------------------ what it hears

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind == "Pod":
            self._pod_changed(ctx, change)
        elif change.kind == "Node":
            self.cache.set_node(change.key, change.new)
            if change.new is not None and (change.old is None or _node_differs(change.old, change.new)):
                self._something_changed(ctx)

    def _pod_changed(self, ctx: Context, change: Change) -> None:
        _, key, old, new = change
        pod = new if new is not None and not _ended(new) else None
        if pod is not None and pod.spec.nodeName:
            self.queue.forget(key)
            if old is None or key not in self.cache.placed or key in self.cache.assumed or _pod_differs(old, pod):
                self.cache.put(pod_info(pod), pod.spec.nodeName)
            return
        if pod is None:
            self.queue.forget(key)
            if key in self.cache.placed:
                self.cache.remove(key)
                self._something_changed(ctx)
        elif self.working and _wants_node(pod):
            if key not in self.queue:
                self._enqueue(ctx, pod)
            elif old is not None and (old.spec != pod.spec or old.metadata.labels != pod.metadata.labels):
                self._wake(ctx, [key])
        else:
            self.queue.forget(key)

    def _enqueue(self, ctx: Context, pod: Any) -> None:
        if self.queue.add(key_of(pod), pod.spec.priority or 0, ctx.now):
            ctx.after(0, Cycle())

    def _something_changed(self, ctx: Context) -> None:
        if self.working:
            self._wake(ctx, self.queue.keys("unschedulable"))

    def _wake(self, ctx: Context, keys: list[str]) -> None:
        for key in self.queue.move(keys, ctx.now):
            pod = self.queue.pods[key]
            ctx.after(0, Cycle())
            if pod.place == "backoff":
                ctx.after(pod.until - ctx.now, Flush(), work=False)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Cycle):
            self._cycle(ctx)
        elif isinstance(body, Flush):
            for _ in range(self.queue.flush(ctx.now)):
                ctx.after(0, Cycle())
        elif isinstance(body, Sweep):
            ctx.after(SWEEP, Sweep(), work=False)
            if self.working:
                self._wake(ctx, self.queue.leftover(ctx.now))
        else:
            super().event(ctx, src, body)

    # ------------------------------------------------------------------ one scheduling cycle

    def _cycle(self, ctx: Context) -> None:
        key = self.queue.pop() if self.working else None
        if key is None:
            return
        pod = self.pods.objects.get(key)
        if pod is None or not _wants_node(pod):
            self.queue.forget(key)
            return
        info = pod_info(pod)
        verdict = self._decide(ctx, info)
        self._keep(verdict)
        if verdict.chosen:
            self._bind(ctx, info, verdict)
        else:
            self.queue.fail(key, ctx.now)
            self._tell_failure(ctx, pod, "Unschedulable", verdict.message)

    def _decide(self, ctx: Context, info: PodInfo) -> Verdict:
        nodes = self.cache.snapshot()
        cluster = Cluster(nodes, list(self.services), list(self.replica_sets))
        verdict = run(info, cluster, self.plugins, ctx.now, self.queue.attempts(info.key), self.next_node)
        if nodes:
            self.next_node = (self.next_node + len(nodes) - verdict.skipped) % len(nodes)
        if verdict.chosen:
            return verdict
        return verdict._replace(message=messages.unschedulable(verdict, info.pod.spec.preemptionPolicy or ""))

    def _keep(self, verdict: Verdict) -> None:
        self.verdicts.pop(verdict.pod, None)
        self.verdicts[verdict.pod] = verdict
        if len(self.verdicts) > VERDICTS:
            del self.verdicts[next(iter(self.verdicts))]

    def _bind(self, ctx: Context, info: PodInfo, verdict: Verdict) -> None:
        ctx.decide()
        self.cache.assume(info, verdict.chosen)
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
            self.queue.forget(key)
            ctx.note("scheduler.bound", pod=key, node=node, score=score)
            if pod is not None:
                self._record(ctx, pod, "Normal", "Scheduled", "Binding", f"Successfully assigned {key} to {node}")
            return
        why = scheme.tree(answer.body).get("message", "") if isinstance(answer, Response) else answer.reason
        ctx.note("scheduler.refused", pod=key, node=node, reason=why)
        if self.cache.assumed.get(key) == node:
            self.cache.remove(key)
            self._something_changed(ctx)
        if pod is None or not _wants_node(pod) or key not in self.queue:
            self.queue.forget(key)
            return
        until = self.queue.retry(key, ctx.now)
        ctx.after(until - ctx.now, Flush(), work=False)
        self._tell_failure(ctx, pod, "SchedulerError", f'binding rejected: running Bind plugin "DefaultBinder": {why}')

    # ------------------------------------------------------------------ telling the world

    def _tell_failure(self, ctx: Context, pod: Any, reason: str, text: str) -> None:
        """The condition PodScheduled=False where it is new, and the event."""
        key = key_of(pod)
        conditions = (pod.status and pod.status.conditions) or ()
        known = next((found for found in conditions if found.type == "PodScheduled"), None)
        if known is None or (known.status, known.reason, known.message) != ("False", reason, text):
            ctx.decide()
            ctx.note("scheduler.unschedulable", pod=key, reason=reason, message=text, attempt=self.queue.attempts(key))
            stamp = times.rfc3339(ctx.now, self.config.epoch)
            condition = {
                "type": "PodScheduled", "status": "False", "reason": reason, "message": text, "lastProbeTime": None,
                "lastTransitionTime": stamp, "observedGeneration": pod.metadata.generation,
            }  # fmt: skip
            if known is not None and known.status == "False" and known.lastTransitionTime is not None:
                del condition["lastTransitionTime"]
            path = scheme.resource("Pod").path(pod.metadata.namespace, pod.metadata.name, "status")
            self.request(ctx, "PATCH", path, {"status": {"conditions": [condition]}}, content_type=_MERGE)
        self._record(ctx, pod, "Warning", "FailedScheduling", "Scheduling", text)

    def _record(self, ctx: Context, pod: Any, kind: str, reason: str, action: str, text: str) -> None:
        write = self.recorder.record(pod, kind, reason, action, text, ctx.now, self.config.epoch, self.name)
        form = _MERGE if write.method == "PATCH" else "application/json"
        self.request(ctx, write.method, write.path, write.tree, content_type=form)


def _ended(pod: Any) -> bool:
    return bool(pod.status and pod.status.phase in ("Succeeded", "Failed"))


def _pod_differs(old: Any, new: Any) -> bool:
    """Whether a placed pod changed in a way that the scheduler looks at: not by its status alone."""
    was, now = old.metadata, new.metadata
    return bool(old.spec != new.spec or was.labels != now.labels or was.deletionTimestamp != now.deletionTimestamp)


def _wants_node(pod: Any) -> bool:
    """Whether it is this scheduler's job to find a node for the pod."""
    return (
        not pod.spec.nodeName and not pod.metadata.deletionTimestamp and not _ended(pod)
        and (pod.spec.schedulerName or PROFILE) == PROFILE and not pod.spec.schedulingGates
    )  # fmt: skip


def _node_differs(old: Any, new: Any) -> bool:
    """Whether a node changed in a way that can make room for a pod: not by a mere heartbeat."""
    return (
        (old.spec and (old.spec.unschedulable, old.spec.taints)) != (new.spec and (new.spec.unschedulable, new.spec.taints))
        or old.metadata.labels != new.metadata.labels
        or (old.status and old.status.allocatable) != (new.status and new.status.allocatable)
    )
