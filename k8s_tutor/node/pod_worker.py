"""How a kubelet starts one container: image, create, start; and the sandbox before it. One request after the other.

Source: pkg/kubelet/kuberuntime/kuberuntime_container.go (startContainer), pkg/kubelet/images/image_manager.go.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api.informer import Informer
from k8s_tutor.node import cri
from k8s_tutor.node.dns import pod_names
from k8s_tutor.node.environment import environment
from k8s_tutor.node.handlers import SUCCESS, Outcome
from k8s_tutor.node.image_puller import ImagePuller
from k8s_tutor.node.images import parse_reference
from k8s_tutor.node.limits import limits
from k8s_tutor.node.node_status import NO_NETWORK
from k8s_tutor.node.pod_base import CRI_TIMEOUT, RESYNC, SyncPod
from k8s_tutor.node.podstate import EXITED, PodState, merge, next_backoff
from k8s_tutor.node.programs import steering
from k8s_tutor.node.volume_manager import MOUNT_RETRY, MOUNT_RETRY_MOST
from k8s_tutor.node.volumes import MountError, mounts, variables_of
from k8s_tutor.sim import SECOND, CallFailed, Context

CONFIG_ERROR = "CreateContainerConfigError"
HOOK_TIME = 600
"""Seconds that a postStart hook may take."""
HOOK_AGENT = "kube-lifecycle/1.36"
MINIMUM_GRACE = 2
"""Seconds that a container has to end in any case (kuberuntime, minimumGracePeriodInSeconds)."""

replace = msgspec.structs.replace


class PodWorker(ImagePuller):
    """The part of a kubelet that makes pods run."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.services = Informer("Service")
        """Of which containers are told by variables."""

    # ------------------------------------------------------------------ for the rest of the kubelet

    def container_runs(self, ctx: Context, state: PodState, name: str) -> None:
        """A container has been started, and its hook is over."""
        raise NotImplementedError

    # ------------------------------------------------------------------ sandbox

    def make_sandbox(self, ctx: Context, state: PodState, pod: Any) -> None:
        """Volumes, then RunPodSandbox; the runtime calls the CNI plugin before any container starts."""
        if not self.network_up and not pod.spec.hostNetwork:
            self.states[state.uid] = replace(state, retry_at=ctx.now + RESYNC + ctx.draw("resync", RESYNC // 2))
            self.tell(ctx, state, "Warning", "NetworkNotReady", f"network is not ready: {NO_NETWORK}")
            ctx.after(RESYNC + RESYNC // 2, SyncPod(state.uid), work=False)
            return
        self.states[state.uid] = state = state.begin("sandbox")
        if pod.spec.volumes:
            self.mount(ctx, state, pod, "_mounted")
        else:
            self._mounted(ctx, state.uid, "")

    def _mounted(self, ctx: Context, uid: str, error: str) -> None:
        """The pod's volumes are there, or one of them cannot be made now."""
        state = self.still(uid, "sandbox")
        pod = self.pod_of(state) if state is not None else None
        if state is None or pod is None:
            return
        if error:
            wait = min(MOUNT_RETRY << state.mount_tries, MOUNT_RETRY_MOST)
            self.states[uid] = replace(state.end("sandbox"), retry_at=ctx.now + wait, mount_tries=min(state.mount_tries + 1, 8))
            self.tell(ctx, state, "Warning", "FailedMount", error)
            self.again(ctx, uid)
            return
        if state.mount_tries:
            ctx.decide()
        attempt = state.sandbox_attempt + 1 if state.sandbox or state.old_sandboxes else 0
        self.states[uid] = replace(state, sandbox_attempt=attempt, mount_tries=0)
        run = cri.RunPodSandbox(state.uid, state.namespace, state.name, attempt, steering(pod.metadata.annotations))
        run = replace(run, names=(pod_names.resolv_conf(pod, self.config.cluster_dns), pod_names.full_name(pod)))
        if pod.spec.hostNetwork:
            run = replace(run, host_address=self.config.address)
        self.ask(ctx, self.config.runtime, run, "_sandbox_made", (state.uid,), CRI_TIMEOUT)

    def _sandbox_made(self, ctx: Context, answer: Any, uid: str) -> None:
        state = self.states.get(uid)
        if state is None:
            return
        state = state.end("sandbox")
        if isinstance(answer, cri.RunPodSandboxResult):
            state = replace(state, sandbox=answer.sandbox, ip=answer.sandbox.ip, retry_at=0)
            self.states[uid] = state
            self.report(ctx, uid)
        else:
            self.states[uid] = replace(state, retry_at=ctx.now + RESYNC + ctx.draw("resync", RESYNC // 2))
            if isinstance(answer, cri.RpcError):
                text = f"Failed to create pod sandbox: {answer}"
                self.tell(ctx, state, "Warning", "FailedCreatePodSandBox", text)
        self.again(ctx, uid)

    def teardown(self, ctx: Context, state: PodState) -> None:
        """StopPodSandbox: what is left in it is killed, and its address goes back."""
        assert state.sandbox is not None
        self.states[state.uid] = state.begin("teardown")
        stop = cri.StopPodSandbox(state.sandbox.id)
        self.ask(ctx, self.config.runtime, stop, "_torn_down", (state.uid, state.sandbox.id), CRI_TIMEOUT)

    def _torn_down(self, ctx: Context, answer: Any, uid: str, sandbox: str) -> None:
        state = self.states.get(uid)
        if state is None:
            return
        state = state.end("teardown")
        if isinstance(answer, cri.Done):
            state = replace(state, sandbox=None, old_sandboxes=(*state.old_sandboxes, sandbox))
            self.states[uid] = state
            self.again(ctx, uid)
        else:
            self.states[uid] = state
            ctx.after(RESYNC, SyncPod(uid))

    # ------------------------------------------------------------------ image

    def start_container(self, ctx: Context, state: PodState, name: str) -> None:
        """Brings one container to life: first its image."""
        spec, known = self.spec_of(state, name), state.container(name)
        if known.phase == "created":
            self.states[state.uid] = state.begin(f"start:{name}")
            self._call_start(ctx, state.uid, name, known.id)
            return
        try:
            parse_reference(spec.image)
        except ValueError as error:
            text = f'Failed to apply default image tag "{spec.image}": couldn\'t parse image name "{spec.image}": {error}'
            self.cannot_start(ctx, state, name, "InvalidImageName", text, RESYNC)
            self.tell(ctx, state, "Warning", "InspectFailed", text, name)
            self.tell(ctx, state, "Warning", "Failed", "Error: InvalidImageName", name)
            return
        self.states[state.uid] = state.begin(f"start:{name}")
        self.ask(ctx, self.config.runtime, cri.ImageStatus(spec.image), "image_known", (state.uid, name), CRI_TIMEOUT)

    # ------------------------------------------------------------------ create and start

    def create(self, ctx: Context, state: PodState, name: str) -> None:
        self.states[state.uid] = state
        self.resolve(ctx, state.uid, "_claims_known", (name,))

    def _claims_known(self, ctx: Context, uid: str, error: str, name: str) -> None:
        """A kubelet that was away has read again what the pod's claims stand for."""
        state = self.still(uid, f"start:{name}")
        pod = self.pod_of(state) if state is not None else None
        if state is None or pod is None:
            return
        if error:
            self.cannot_start(ctx, state.end(f"start:{name}"), name, CONFIG_ERROR, error, RESYNC)
            return
        self.fetch(ctx, variables_of(pod, self.spec_of(state, name)), "_configured", (uid, name))

    def _configured(self, ctx: Context, uid: str, name: str) -> None:
        """What the container's variables are made of has been read."""
        state = self.still(uid, f"start:{name}")
        pod = self.pod_of(state) if state is not None else None
        if state is None or pod is None or state.sandbox is None:
            return
        spec, known = self.spec_of(state, name), state.container(name)
        try:
            variables = environment(spec, pod, state, self.config, self.look, self.services)
        except MountError as error:
            self.tell(ctx, state, "Warning", "Failed", f"Error: {error}", name)
            self.cannot_start(ctx, state.end(f"start:{name}"), name, CONFIG_ERROR, str(error), RESYNC)
            return
        if known.reason == CONFIG_ERROR:
            ctx.decide()
        attempt = known.attempt + 1 if known.id else 0
        mounted, copies = mounts(spec, pod, attempt, self.places(uid))
        self.copy_volumes(ctx, copies)
        create = cri.CreateContainer(
            state.sandbox.id, name, attempt, spec.image, tuple(spec.command or ()), tuple(spec.args or ()),
            variables, mounted, bool(spec.stdin), bool(spec.tty), limits(spec, pod, self.config.memory),
        )  # fmt: skip
        self.ask(ctx, self.config.runtime, create, "_created", (state.uid, name), CRI_TIMEOUT)

    def _created(self, ctx: Context, answer: Any, uid: str, name: str) -> None:
        state = self.still(uid, f"start:{name}")
        if state is None:
            return
        if not isinstance(answer, cri.CreateContainerResult):
            self.give_up(ctx, state, name, "CreateContainerError", answer)
            return
        known = state.container(name)
        older = known.last.id if known.last is not None and known.last.id != known.id else ""
        if older:
            self.ask(ctx, self.config.runtime, cri.RemoveContainer(older), "done", (), CRI_TIMEOUT)
        backoff = next_backoff(known) if answer.container.attempt else known.backoff
        known = replace(merge(known, answer.container), backoff=backoff, image_backoff=0)
        self.states[uid] = state = state.put(known)
        self.tell(ctx, state, "Normal", "Created", "Container created", name)
        self._call_start(ctx, uid, name, known.id)

    def _call_start(self, ctx: Context, uid: str, name: str, ident: str) -> None:
        self.ask(ctx, self.config.runtime, cri.StartContainer(ident), "_started", (uid, name), CRI_TIMEOUT)

    def _started(self, ctx: Context, answer: Any, uid: str, name: str) -> None:
        state = self.still(uid, f"start:{name}")
        if state is None:
            return
        if not isinstance(answer, cri.Done):
            if isinstance(answer, cri.RpcError) and state.container(name).phase == EXITED:
                self._did_not_start(ctx, state, name, answer)
            else:
                self.give_up(ctx, state, name, "RunContainerError", answer)
            return
        self.tell(ctx, state, "Normal", "Started", "Container started", name)
        spec, known = self.spec_of(state, name), state.container(name)
        hook = spec.lifecycle.postStart if spec is not None and spec.lifecycle is not None else None
        if hook is None:
            self._runs(ctx, state, name)
            return
        self.states[uid] = state = state.put(replace(known, hooking=True))
        self.handle_action(ctx, state, spec, hook, HOOK_TIME, "_post_started", (uid, name, known.id), HOOK_AGENT)

    def _post_started(self, ctx: Context, outcome: Outcome, uid: str, name: str, life: str) -> None:
        """The postStart hook is over; a container whose hook fails must end."""
        state = self.still(uid, f"start:{name}")
        if state is None or state.container(name).id != life:
            return
        known = replace(state.container(name), hooking=False)
        if outcome.result != SUCCESS:
            self.tell(ctx, state, "Warning", "FailedPostStartHook", "PostStartHook failed", name)
            known = replace(known, failed="hook")
        self._runs(ctx, state.put(known), name)

    def _runs(self, ctx: Context, state: PodState, name: str) -> None:
        self.states[state.uid] = state = state.end(f"start:{name}")
        self.container_runs(ctx, state, name)
        self.again(ctx, state.uid)

    def _did_not_start(self, ctx: Context, state: PodState, name: str, error: cri.RpcError) -> None:
        """There is no such program in the image: the container counts as one that has ended."""
        self.states[state.uid] = state = state.end(f"start:{name}")
        self.tell(ctx, state, "Warning", "Failed", f"Error: {error.message}", name)
        self.again(ctx, state.uid)

    def give_up(self, ctx: Context, state: PodState, name: str, reason: str = "", error: Any = None) -> None:
        """The runtime has refused, or is away: later again."""
        state = state.end(f"start:{name}")
        self.states[state.uid] = state
        if isinstance(error, cri.RpcError):
            self.tell(ctx, state, "Warning", "Failed", f"Error: {error}", name)
            self.cannot_start(ctx, state, name, reason, str(error), RESYNC)
        elif self.runtime_up and not isinstance(error, CallFailed):
            ctx.after(RESYNC, SyncPod(state.uid))

    # ------------------------------------------------------------------ stop

    def stop_container(self, ctx: Context, state: PodState, name: str, grace: int, why: str) -> None:
        """The preStop hook, then StopContainer: SIGTERM, and SIGKILL when the grace period (s) is over, which begins with the
        hook. ``why`` is told."""
        known, spec = state.container(name), self.spec_of(state, name)
        self.tell(ctx, state, "Normal", "Killing", why, name)
        self.states[state.uid] = state = state.begin(f"stop:{name}")
        hook = spec.lifecycle.preStop if spec is not None and spec.lifecycle is not None else None
        if hook is None or known.failed == "hook":
            self._stop(ctx, state, name, grace)
        else:
            self.handle_action(ctx, state, spec, hook, grace, "_pre_stopped", (state.uid, name, grace, ctx.now), HOOK_AGENT)

    def _pre_stopped(self, ctx: Context, outcome: Outcome, uid: str, name: str, grace: int, since: int) -> None:
        """The preStop hook is over, or has used up the grace period."""
        state = self.still(uid, f"stop:{name}")
        if state is None:
            return
        if outcome.result != SUCCESS:
            self.tell(ctx, state, "Warning", "FailedPreStopHook", "PreStopHook failed", name)
        self._stop(ctx, state, name, max(grace - (ctx.now - since) // SECOND, MINIMUM_GRACE))

    def _stop(self, ctx: Context, state: PodState, name: str, grace: int) -> None:
        stop = cri.StopContainer(state.container(name).id, grace)
        self.ask(ctx, self.config.runtime, stop, "_stopped", (state.uid, name), (grace + 120) * SECOND)

    def _stopped(self, ctx: Context, answer: Any, uid: str, name: str) -> None:
        state = self.states.get(uid)
        if state is not None:
            self.states[uid] = state.end(f"stop:{name}")
            self.again(ctx, uid)
