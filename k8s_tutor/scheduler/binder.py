"""The binding half of a scheduler: what follows a decision, while the next pod is looked at (schedule_one.go bindingCycle)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import scheme, times
from k8s_tutor.api.informer import Change
from k8s_tutor.api.throttle import Throttle
from k8s_tutor.api.wire import Response
from k8s_tutor.scheduler import changes, messages, volumes
from k8s_tutor.scheduler.events import Recorder
from k8s_tutor.scheduler.framework import Cluster, Plugin
from k8s_tutor.scheduler.resources import PodInfo, key_of
from k8s_tutor.scheduler.verdict import Verdict
from k8s_tutor.scheduler.watching import Flush, Watching
from k8s_tutor.sim import SECOND, Body, CallFailed, Context

VOLUMES_MOST = 600 * SECOND
"""How long a pod that has its node waits for its volumes (bindTimeoutSeconds)."""
QPS, BURST = 50, 100
"""Of the scheduler's client (clientConnection). Events have a client of their own, with the same limits."""
_STRATEGIC = "application/strategic-merge-patch+json"
_MERGE = "application/merge-patch+json"


class Waiting(NamedTuple):
    """A pod that has its node and waits until its claims have their volumes."""

    node: str
    score: int
    claims: tuple[str, ...]


class Held(NamedTuple):
    """A pod that has its node and waits for a plugin's permit."""

    info: PodInfo
    node: str
    score: int
    plans: tuple[volumes.Plan, ...]
    plugin: str
    waits: int
    """How long it may wait in all, µs."""


class NoPermit(Body):
    """A pod has waited long enough for its permit."""

    pod: str
    reign: int


class Expire(Body):
    """The volumes of a pod have not come in time."""

    pod: str
    reign: int


class Binding(Watching):
    """Assumes, reserves, binds, and tells the world."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.recorder = Recorder()
        self.throttle, self.events_throttle = Throttle(QPS, BURST), Throttle(QPS, BURST)
        self.reserved: dict[str, str] = {}
        """Volume → the claim that will have it."""
        self.waiting: dict[str, Waiting] = {}
        """Pod key → what it waits for."""
        self.held: dict[str, Held] = {}
        """Pod key → whose permit it waits for."""

    def cluster(self) -> Cluster:
        found = super().cluster()
        return found._replace(objects={**found.objects, volumes.RESERVED: self.reserved})

    def lost(self, ctx: Context) -> None:
        self.reserved.clear()
        self.waiting.clear()
        self.held.clear()
        super().lost(ctx)

    def changed(self, ctx: Context, change: Change) -> None:
        super().changed(ctx, change)
        if change.kind == "PersistentVolume" and (change.new is None or change.new.spec.claimRef is not None):
            self.reserved.pop(change.key, None)
        elif change.kind == "PersistentVolumeClaim":
            for key, pod in list(self.waiting.items()):
                if change.key in pod.claims and self._have_volumes(pod.claims):
                    stray = self._out_of_reach(pod)
                    if stray:
                        self._no_volumes(ctx, key, f'pv "{stray}" node affinity doesn\'t match node "{pod.node}": no matching '
                                         "NodeSelectorTerms")  # fmt: skip
                        continue
                    del self.waiting[key]
                    self._send(ctx, key, pod.node, pod.score)
        if self.held:
            self._permitted(ctx)

    def forget(self, key: str) -> None:
        super().forget(key)
        self.waiting.pop(key, None)
        self.held.pop(key, None)

    def _have_volumes(self, claims: tuple[str, ...]) -> bool:
        known = [self.claims.objects.get(key) for key in claims]
        return all(claim is not None and volumes.is_bound(claim) for claim in known)

    def _out_of_reach(self, pod: Waiting) -> str:
        """A volume that has come for a pod, and that its node cannot reach; or empty."""
        cluster = self.cluster()
        info, known = cluster.known.get(pod.node), cluster.of("PersistentVolume")
        for key in pod.claims:
            volume = known.get(self.claims.objects[key].spec.volumeName or "")
            if volume is not None and info is not None and not volumes.reaches(volume, info):
                return str(volume.metadata.name)
        return ""

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Expire):
            pod = self.waiting.get(body.pod)
            if pod is not None and body.reign == self.reign:
                self._no_volumes(ctx, body.pod, "binding volumes: context deadline exceeded")
        elif isinstance(body, NoPermit):
            if body.pod in self.held and body.reign == self.reign:
                self._no_permit(ctx, body.pod)
        else:
            super().event(ctx, src, body)

    # ------------------------------------------------------------------ the binding cycle

    def bind(self, ctx: Context, info: PodInfo, verdict: Verdict) -> None:
        """Assumes the pod on its node. The binding is sent at once when its claims have volumes, else these come first."""
        ctx.decide()
        key, node = info.key, verdict.chosen
        feasible = len(verdict.feasible)
        ctx.note("scheduler.decided", pod=key, node=node, score=verdict.score, feasible=feasible)
        plans: tuple[volumes.Plan, ...] = ()
        if info.claims:
            cluster = self.cluster()
            delayed = volumes.claims_of(info, cluster).delayed
            plans = volumes.plan(delayed, cluster, cluster.known[node]) or ()
        self.cache.assume(info, node)
        self.nominated.pop(key, None)
        for plan in plans:
            if plan.volume:
                self.reserved[plan.volume] = volumes.key_of(plan.claim)
        plugin = self._holding(info, node)
        if plugin is None:
            self._pre_bind(ctx, info, node, verdict.score, plans)
        else:
            ctx.note("scheduler.waits", pod=key, node=node, plugin=plugin.name)
            self.held[key] = Held(info, node, verdict.score, plans, plugin.name, plugin.permit_timeout)
            ctx.after(plugin.permit_timeout, NoPermit(key, self.reign))
        if self.held:
            self._permitted(ctx)

    def _holding(self, info: PodInfo, node: str) -> Plugin | None:
        """The plugin that does not let a pod be bound yet which has its place, or None (RunPermitPlugins)."""
        line = self.line(info.pod)
        permits = line.permits if line is not None else ()
        if not permits:
            return None
        cluster = self.cluster()
        known = cluster.known.get(node)
        return next((one for one in permits if known is not None and not one.permit(info, known, cluster)), None)

    def _permitted(self, ctx: Context) -> None:
        """Lets those pods go that have their permit by now."""
        for key, held in list(self.held.items()):
            if key in self.held and self._holding(held.info, held.node) is None:
                del self.held[key]
                self._pre_bind(ctx, held.info, held.node, held.score, held.plans)

    def _no_permit(self, ctx: Context, key: str) -> None:
        """The pod loses its place, and waits until something changes that its plugin cares for."""
        held = self.held.pop(key)
        for plan in held.plans:
            self.reserved.pop(plan.volume, None)
        why = f"rejected due to timeout after waiting {_go_seconds(held.waits)} at plugin {held.plugin}"
        pod = self._give_back(ctx, key, held.node, why)
        if pod is not None:
            self.queue.fail(key, ctx.now, (held.plugin,))
            self.tell_failure(ctx, pod, "Unschedulable", messages.counted(1, [why]))

    def _pre_bind(self, ctx: Context, info: PodInfo, node: str, score: int, plans: tuple[volumes.Plan, ...]) -> None:
        """Binds at once, or when the pod's claims have their volumes."""
        if not plans:
            self._send(ctx, info.key, node, score)
            return
        self.waiting[info.key] = Waiting(node, score, info.claims)
        ctx.after(VOLUMES_MOST, Expire(info.key, self.reign), work=False)
        for plan in plans:
            self._ask_for_volume(ctx, info.key, node, plan)

    def _ask_for_volume(self, ctx: Context, key: str, node: str, plan: volumes.Plan) -> None:
        """Promises a volume to a claim, or asks for one to be provisioned near the node; the controllers do the rest."""
        about = plan.claim.metadata
        if not plan.volume:
            tree: dict[str, Any] = {"metadata": {"annotations": {volumes.SELECTED_NODE: node}}}
            path = scheme.resource("PersistentVolumeClaim").path(about.namespace, about.name)
        else:
            owner = {
                "kind": "PersistentVolumeClaim", "namespace": about.namespace, "name": about.name, "uid": about.uid,
                "apiVersion": "v1", "resourceVersion": about.resourceVersion,
            }  # fmt: skip
            tree = {"metadata": {"annotations": {"pv.kubernetes.io/bound-by-controller": "yes"}}, "spec": {"claimRef": owner}}
            path = scheme.resource("PersistentVolume").path("", plan.volume)
        self.say(ctx, self.throttle, "PATCH", path, tree, "_asked", (key, plan.volume, self.reign), content_type=_MERGE)

    def _asked(self, ctx: Context, answer: Response | CallFailed, key: str, volume: str, reign: int) -> None:
        if reign != self.reign or (isinstance(answer, Response) and answer.code < 300):
            return
        self.reserved.pop(volume, None)
        if key in self.waiting:
            self._no_volumes(ctx, key, _why(answer))

    def _no_volumes(self, ctx: Context, key: str, why: str) -> None:
        node = self.waiting.pop(key).node
        self._unbind(ctx, key, node, f'running PreBind plugin "VolumeBinding": {why}', why)

    def _send(self, ctx: Context, key: str, node: str, score: int) -> None:
        pod = self.pods.objects.get(key)
        if pod is None:
            self.cache.remove(key)
            return
        about = pod.metadata
        tree = {
            "apiVersion": "v1", "kind": "Binding",
            "metadata": {"name": about.name, "namespace": about.namespace, "uid": about.uid},
            "target": {"kind": "Node", "name": node},
        }  # fmt: skip
        path = scheme.resource("Pod").path(about.namespace, about.name, "binding")
        self.say(ctx, self.throttle, "POST", path, tree, "_bound", (key, node, score, self.reign))

    def _bound(self, ctx: Context, answer: Response | CallFailed, key: str, node: str, score: int, reign: int) -> None:
        if reign != self.reign:
            return
        pod = self.pods.objects.get(key)
        if isinstance(answer, Response) and answer.code < 300:
            self.forget(key)
            ctx.note("scheduler.bound", pod=key, node=node, score=score)
            if pod is not None:
                self.record(ctx, pod, "Normal", "Scheduled", "Binding", f"Successfully assigned {key} to {node}")
            return
        why = _why(answer)
        self._unbind(ctx, key, node, f'binding rejected: running Bind plugin "DefaultBinder": {why}', why)

    def _unbind(self, ctx: Context, key: str, node: str, text: str, why: str) -> None:
        """Nothing comes of a decision: the pod is tried again after a back-off."""
        pod = self._give_back(ctx, key, node, why)
        if pod is not None:
            until = self.queue.retry(key, ctx.now)
            ctx.after(until - ctx.now, Flush(), work=False)
            self.tell_failure(ctx, pod, "SchedulerError", text)

    def _give_back(self, ctx: Context, key: str, node: str, why: str) -> Any:
        """The place of a pod is free again. Returns the pod if it still wants one, else None."""
        pod = self.pods.objects.get(key)
        ctx.note("scheduler.refused", pod=key, node=node, reason=why)
        if self.cache.assumed.get(key) == node:
            gone = self.cache.find(key)
            self.cache.remove(key)
            self.react(ctx, changes.Event(changes.ASSIGNED, (changes.DELETE,), gone and gone.pod, None))
        if pod is None or not self.wants_node(pod) or key not in self.queue:
            self.forget(key)
            return None
        return pod

    # ------------------------------------------------------------------ telling the world

    def tell_failure(self, ctx: Context, pod: Any, reason: str, text: str, promised: str | None = None) -> None:
        """The condition PodScheduled=False where it is new, with the promised node where that changes; and the event."""
        key = key_of(pod)
        self.record(ctx, pod, "Warning", "FailedScheduling", "Scheduling", messages.short(text))
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
            self.patch_status(ctx, pod, status)

    def patch_status(self, ctx: Context, pod: Any, status: Any, then: str = "done", args: tuple[Any, ...] = ()) -> None:
        """Changes part of a pod's status."""
        path = scheme.resource("Pod").path(pod.metadata.namespace, pod.metadata.name, "status")
        self.say(ctx, self.throttle, "PATCH", path, {"status": status}, then, args, content_type=_STRATEGIC)

    def record(
        self, ctx: Context, pod: Any, kind: str, reason: str, action: str, text: str, related: Any = None
    ) -> None:
        """Writes an event about a pod."""
        write = self.recorder.record(pod, kind, reason, action, text, ctx.now, self.config.epoch, self.name, related)
        form = _STRATEGIC if write.method == "PATCH" else "application/json"
        self.say(ctx, self.events_throttle, write.method, write.path, write.tree, content_type=form)


def _why(answer: Response | CallFailed) -> str:
    """The words of a refusal."""
    return str(scheme.tree(answer.body).get("message", "")) if isinstance(answer, Response) else answer.reason


def _go_seconds(micros: int) -> str:
    """Whole seconds as Go prints a duration: ``45s``, ``1m30s``."""
    minutes, seconds = divmod(micros // SECOND, 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
