"""The kubelet: it watches the API server for the pods of its node, and makes the runtime run exactly those.

It does not poll the API server: it watches. It does not run containers: it asks the runtime, which calls the CNI plugin and
the registry. What it knows of containers comes from the runtime, by events and, after either was away, by listing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response, StreamData, StreamEnd
from k8s_tutor.node import cri, sync
from k8s_tutor.node.admission import verdict
from k8s_tutor.node.claims import RegisterDriver
from k8s_tutor.node.eviction import refused
from k8s_tutor.node.eviction_manager import EVERY, LookAround
from k8s_tutor.node.garbage import COLLECT_EVERY, Collect
from k8s_tutor.node.handlers import Slept
from k8s_tutor.node.image_puller import PullBackOff
from k8s_tutor.node.node_status import Beat, KubeletConfig
from k8s_tutor.node.pod_base import CRI_TIMEOUT, SyncPod
from k8s_tutor.node.pod_worker import MINIMUM_GRACE
from k8s_tutor.node.podstate import RUNNING, Known, PodState, initial
from k8s_tutor.node.prober import ProbeDue
from k8s_tutor.node.programs import steering
from k8s_tutor.node.runtime_link import RUNTIME_RETRY, Dial, RuntimeLink
from k8s_tutor.node.volume_manager import Refresh
from k8s_tutor.sim import SECOND, Call, CallFailed, Context

replace = msgspec.structs.replace


class Kubelet(RuntimeLink):
    """The process ``kubelet-i``. Config: `KubeletConfig`."""

    def start(self, ctx: Context) -> None:
        super().start(ctx)
        self.begin_beats(ctx)
        ctx.after(COLLECT_EVERY, Collect(), work=False)
        ctx.after(EVERY, LookAround(), work=False)
        self.dial(ctx)
        self.register_drivers(ctx)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, SyncPod):
            self.queued.pop(body.uid, None)
            self.sync_pod(ctx, body.uid)
        elif isinstance(body, cri.ContainerEvent):
            self.container_changed(ctx, body.container)
        elif isinstance(body, cri.NetworkReady):
            self.network_ready(ctx)
        elif isinstance(body, cri.SandboxEvent):
            self.sandbox_changed(ctx, body.sandbox)
        elif isinstance(body, ProbeDue):
            self.probe(ctx, body)
        elif isinstance(body, LookAround):
            self.look_around(ctx)
        elif isinstance(body, Refresh):
            self.refresh(ctx)
        elif isinstance(body, RegisterDriver):
            self.register_driver(ctx, body.driver)
        elif isinstance(body, Slept):
            self.slept(ctx, body)
        elif isinstance(body, Beat):
            self.beat(ctx, body.what)
            if body.what == "status":
                self.send_again(ctx)
        elif isinstance(body, Collect):
            self.collect(ctx)
        elif isinstance(body, PullBackOff):
            self.pull_back_off(ctx, body)
        elif isinstance(body, Call):
            self.serve(ctx, src, body.id, body.body)
        elif isinstance(body, (StreamData, StreamEnd)):
            self.passed(ctx, src, "", body)
        elif isinstance(body, Dial):
            self.dialing = False
            self.dial(ctx)

    # ------------------------------------------------------------------ pods

    def changed(self, ctx: Context, change: Change) -> None:
        old, new = change.old, change.new
        if change.kind == "Service":
            return
        if self.is_mirror(new or old):
            self.mirror_changed(ctx, change)
            return
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._gone(ctx, old.metadata.uid)
        if new is None or not self.runtime_up:
            return
        state = self.states.get(new.metadata.uid)
        if state is None:
            self._take_on(ctx, new)
        elif state.sandbox is not None and old is not None:
            seen = steering(new.metadata.annotations)
            if seen != steering(old.metadata.annotations):
                update = cri.UpdateAnnotations(state.sandbox.id, seen)
                self.ask(ctx, self.config.runtime, update, "done", (), CRI_TIMEOUT)
        if state is not None and old is not None and old.spec is not new.spec:
            self._redefined(old, new, state)
            if (old.metadata.labels, old.metadata.annotations) != (new.metadata.labels, new.metadata.annotations):
                self.refill(ctx, new.metadata.uid)
        if state is not None and new.spec.ephemeralContainers:
            self._look_in(new, state)
        rolled_back = old is not None and _revision(new) < _revision(old)
        if rolled_back:
            self.forget_report(new.metadata.uid)
        if old is None or rolled_back or _matters(old, new) or self.overwritten(new.metadata.uid):
            self.again(ctx, new.metadata.uid)

    def _redefined(self, old: Any, new: Any, state: PodState) -> None:
        """Of a container only the image can be changed, and then it must be started again."""
        for one, other in zip(
            (*(old.spec.initContainers or ()), *old.spec.containers),
            (*(new.spec.initContainers or ()), *new.spec.containers), strict=False,
        ):  # fmt: skip
            known = state.container(other.name)
            if one.image != other.image and known.phase == RUNNING:
                state = state.put(replace(known, failed="changed"))
        self.states[state.uid] = state

    def _look_in(self, pod: Any, state: PodState) -> None:
        """Ephemeral containers may be added to a pod that runs."""
        known = {one.name for one in state.containers}
        fresh = [Known(one.name, ephemeral=True) for one in pod.spec.ephemeralContainers if one.name not in known]
        if fresh:
            self.states[state.uid] = replace(state, containers=(*state.containers, *fresh))

    def take_on_all(self, ctx: Context) -> None:
        """All that has happened to this node's pods while the runtime was away."""
        for pod in self.pods:
            if self.is_mirror(pod):
                continue
            if pod.metadata.uid not in self.states:
                self._take_on(ctx, pod)
            else:
                self.overwritten(pod.metadata.uid)

    def _take_on(self, ctx: Context, pod: Any) -> None:
        """A pod that was bound to this node and is new here."""
        state = initial(pod, ctx.now)
        status = pod.status
        reported = scheme.tree(self.pods.data[state.key]).get("status", {})
        if status is not None and (status.startTime is not None or status.phase in ("Succeeded", "Failed")):
            state = replace(state, status=reported, ip=status.podIP or "")
        elif pod.metadata.deletionTimestamp is None:
            taken = [self.pod_of(other) for other in self.states.values() if not other.rejected[0]]
            active = [other for other in taken if other is not None and not _over(other)]
            config = self.config
            low = refused(pod, tuple(self.pressures))
            reason, message = verdict(pod, active, config.cpu, config.memory, config.pods)
            reason, message = ("Evicted", low) if low else (reason, message)
            if reason:
                state = replace(state, rejected=(reason, message))
                self.states[state.uid] = state
                self.tell(ctx, state, "Warning", reason, message)
        self.states[state.uid] = state

    def _gone(self, ctx: Context, uid: str) -> None:
        state = self.states.get(uid)
        if state is not None:
            self.states[uid] = replace(state, gone=True)
            self.again(ctx, uid)

    def sync_pod(self, ctx: Context, uid: str) -> None:
        """Compares what should run with what runs, and asks the runtime for the next step."""
        state = self.states.get(uid)
        if state is None or not self.runtime_up:
            return
        pod = self.pod_of(state)
        plan = sync.plan(pod, state, ctx.now)
        step = _in_words(plan)
        if step:
            ctx.note("kubelet.sync", pod=state.key, next=step)
        if pod is not None:
            self.keep_mirror(ctx, state)
            self.report(ctx, uid)
            state = self.states[uid]
        for name in plan.stop:
            self._stop_one(ctx, uid, name, pod)
        if plan.teardown:
            if not sync.is_ending(pod, state) and not sync.has_run_its_course(pod, state):
                text = "Pod sandbox changed, it will be killed and re-created."
                self.tell(ctx, state, "Normal", "SandboxChanged", text)
            self.teardown(ctx, state)
        elif plan.sandbox:
            self.make_sandbox(ctx, state, pod)
        elif plan.start:
            self.start_container(ctx, state, plan.start)
        elif plan.ended:
            self._ended(ctx, state, pod)
        elif plan.wake_at > ctx.now:
            ctx.after(plan.wake_at - ctx.now, SyncPod(uid), work=False if _in_vain(self.states[uid]) else None)

    def _stop_one(self, ctx: Context, uid: str, name: str, pod: Any) -> None:
        """Stops a container: with its pod, or because it must end alone."""
        state = self.states[uid]
        known, grace = state.container(name), self._grace(pod, state)
        if not known.failed or sync.is_ending(pod, state):
            if state.ending_at < 0:
                state = replace(state, ending_at=ctx.now)
                self.states[uid] = state
            if known.sidecar:
                grace = max(grace - (ctx.now - state.ending_at) // SECOND, MINIMUM_GRACE)
            self.stop_container(ctx, state, name, grace, f"Stopping container {name}")
            return
        if known.failed in known.probed:
            own = self.probe_of(state, name, known.failed).terminationGracePeriodSeconds
            grace = grace if own is None else max(own, MINIMUM_GRACE)
        self.stop_container(ctx, state, name, grace, _why(pod, known))

    def _grace(self, pod: Any, state: PodState) -> int:
        """Seconds from SIGTERM to SIGKILL."""
        if state.evicted[0]:
            return state.grace
        if pod is None:
            return MINIMUM_GRACE
        given = pod.metadata.deletionGracePeriodSeconds
        if given is None:
            given = pod.spec.terminationGracePeriodSeconds
        return max(given if given is not None else 30, MINIMUM_GRACE)

    def _ended(self, ctx: Context, state: PodState, pod: Any) -> None:
        """Nothing of the pod runs any more: the API server may delete it, and the runtime forget it."""
        if pod is None:
            for sandbox in state.old_sandboxes:
                self.ask(ctx, self.config.runtime, cri.RemovePodSandbox(sandbox), "done", (), CRI_TIMEOUT)
            del self.states[state.uid]
            self.end_probes(state.uid)
            self.unmount(ctx, state.uid)
            ctx.note("pod.removed", pod=state.key, node=self.config.node)
        elif pod.metadata.deletionTimestamp is not None and not state.removing and not state.sending:
            self.states[state.uid] = replace(state, removing=True)
            options = {
                "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": {"uid": state.uid},
            }  # fmt: skip
            path = scheme.resource("Pod").path(state.namespace, state.name)
            self.request(ctx, "DELETE", path, options, "_deleted", (state.uid,))

    def _deleted(self, ctx: Context, answer: Response | CallFailed, uid: str) -> None:
        state = self.states.get(uid)
        if state is not None and not (isinstance(answer, Response) and answer.code in (200, 404, 409)):
            self.states[uid] = replace(state, removing=False)
            ctx.after(RUNTIME_RETRY, SyncPod(uid), work=False)

    def _listed(self, ctx: Context, answer: Response | CallFailed, kind: str) -> None:
        super()._listed(ctx, answer, kind)
        if isinstance(answer, Response) and answer.code == 200:
            if not self.registered:
                self.register(ctx)
            self.send_again(ctx)


def _revision(pod: Any) -> int:
    """When the API server last saw this pod change. It goes back only when etcd itself has lost writes."""
    return int(pod.metadata.resourceVersion or 0)


def _over(pod: Any) -> bool:
    return pod.status is not None and str(pod.status.phase) in ("Succeeded", "Failed")


def _matters(old: Any, new: Any) -> bool:
    """Whether a change of a pod is more than the echo of our own status."""
    a, b = old.metadata, new.metadata
    before = (a.generation, a.deletionTimestamp, a.annotations, len(old.spec.ephemeralContainers or ()))
    return before != (b.generation, b.deletionTimestamp, b.annotations, len(new.spec.ephemeralContainers or ()))


def _in_vain(state: PodState) -> bool:
    """Whether a pod waits for something that somebody else must put right."""
    reasons = ("CreateContainerConfigError", "InvalidImageName", "ErrImageNeverPull")
    return bool(state.mount_tries) or any(known.reason in reasons for known in state.containers)


def _why(pod: Any, known: Known) -> str:
    """The words for a container that must end while its pod goes on."""
    if known.failed == "hook":
        return "FailedPostStartHook"
    what = "definition changed" if known.failed == "changed" else f"failed {known.failed} probe"
    return f"Container {known.name} {what}" + (", will be restarted" if sync.restarts(pod, known) else "")


def _in_words(plan: sync.Plan) -> str:
    """The next step, for people."""
    if plan.stop:
        return "stop " + " ".join(plan.stop)
    if plan.start:
        return f"start {plan.start}"
    return "stop sandbox" if plan.teardown else "sandbox" if plan.sandbox else "clean up" if plan.ended else ""


__all__ = ["Kubelet", "KubeletConfig"]
