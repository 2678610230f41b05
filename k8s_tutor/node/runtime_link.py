"""A kubelet and its runtime: reaching it, listing what it runs, adopting that, and hearing of what happens to containers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.node import cri, sync
from k8s_tutor.node.kubelet_server import KubeletServer
from k8s_tutor.node.podstate import EXITED, RUNNING, Known, PodState, adopt, after_exit, merge
from k8s_tutor.node.tasks import Pressure, ReadPressure
from k8s_tutor.sim import SECOND, Body, Context

RUNTIME_RETRY = 1 * SECOND

replace = msgspec.structs.replace


class Dial(Body):
    """The kubelet's own timer: try to reach the runtime."""


class RuntimeLink(KubeletServer):
    """The part of a kubelet that follows the runtime."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.listed_sandboxes: tuple[cri.CriSandbox, ...] = ()
        self.dialing = False
        """Whether a `Dial` is on its way."""
        self.listed_containers: tuple[cri.CriContainer, ...] = ()
        """What the runtime has listed while the API server has not listed the pods yet."""

    def take_on_all(self, ctx: Context) -> None:
        """Takes on the pods that are new here."""
        raise NotImplementedError

    def dial(self, ctx: Context) -> None:
        """Tries to reach the runtime."""
        self.ask(ctx, self.config.runtime, cri.Version(), "_version", (), 10 * SECOND)

    def _version(self, ctx: Context, answer: Any) -> None:
        if not isinstance(answer, cri.VersionResult):
            self._runtime_away(ctx)
            return
        self.runtime_version = f"{answer.runtime_name}://{answer.runtime_version.removeprefix('v')}"
        self.network_up = answer.network_ready
        self.ask(ctx, self.config.shim, ReadPressure(), "_manifests_read", (), 10 * SECOND)

    def network_ready(self, ctx: Context) -> None:
        """The runtime has a network plugin now."""
        if not self.network_up:
            ctx.decide()
            self.network_up = True
            self.report_node(ctx)
            for uid in list(self.states):
                self.again(ctx, uid)

    def _manifests_read(self, ctx: Context, answer: Any) -> None:
        if not isinstance(answer, Pressure):
            self._runtime_away(ctx)
            return
        self.read_manifests(ctx, answer.manifests)
        for asked, then in (
            (cri.GetContainerEvents(), "done"), (cri.ListImages(), "_images_listed"),
            (cri.ListPodSandbox(), "_sandboxes_listed"), (cri.ListContainers(), "_containers_listed"),
        ):  # fmt: skip
            self.ask(ctx, self.config.runtime, asked, then, (), 10 * SECOND)

    def _images_listed(self, ctx: Context, answer: Any) -> None:
        if isinstance(answer, cri.ListImagesResult):
            self.images = {name: (ref, size) for name, ref, size in answer.images}

    def _sandboxes_listed(self, ctx: Context, answer: Any) -> None:
        self.listed_sandboxes = answer.sandboxes if isinstance(answer, cri.ListPodSandboxResult) else ()

    def _containers_listed(self, ctx: Context, answer: Any) -> None:
        if not isinstance(answer, cri.ListContainersResult):
            self._runtime_away(ctx)
            return
        first, self.runtime_up = not self.runtime_up, True
        sandboxes, self.listed_sandboxes = self.listed_sandboxes, ()
        if first:
            ctx.note("kubelet.runtime", up=True, sandboxes=len(sandboxes), containers=len(answer.containers))
        if self.synced:
            self.take_on_all(ctx)
            self._adopt_all(ctx, sandboxes, answer.containers, tuple(self.states))
        else:
            self._adopt_all(ctx, *_those(sandboxes, answer.containers, self.static, True), tuple(self.static))
            self.listed_sandboxes, self.listed_containers = _those(sandboxes, answer.containers, self.static, False)
        self.report_node(ctx)

    def ready(self, ctx: Context) -> None:
        """The API server has listed this node's pods."""
        if self.runtime_up:
            self.take_on_all(ctx)
            known = tuple(uid for uid in self.states if uid not in self.static)
            self._adopt_all(ctx, self.listed_sandboxes, self.listed_containers, known)
            self.listed_sandboxes, self.listed_containers = (), ()

    def _adopt_all(
        self, ctx: Context, sandboxes: tuple[cri.CriSandbox, ...], containers: tuple[cri.CriContainer, ...],
        expected: tuple[str, ...],
    ) -> None:  # fmt: skip
        """Matches what the runtime has with the pods (uids) that this node should run. What belongs to no pod is stopped."""
        for uid in list(dict.fromkeys([*expected, *(sandbox.uid for sandbox in sandboxes)])):
            own = [sandbox for sandbox in sandboxes if sandbox.uid == uid]
            lives = [container for container in containers if container.uid == uid]
            state = self.states.get(uid)
            if state is None:
                state = _orphan(uid, own, lives)
            before = state
            state = adopt(state, own, lives)
            if state.sandbox is not None and not own:
                state = replace(state, sandbox=None)
            for known in state.containers:
                if known.phase == EXITED and before.container(known.name).phase != EXITED:
                    state = state.put(self._after_exit(ctx, state, known))
            state = self._as_reported(state)
            self.states[uid] = state
            if state != before:
                ctx.decide()
            for known in state.containers:
                if known.phase == RUNNING and self.pod_of(state) is not None:
                    self.begin_probes(ctx, state, known)
            if own and self.pod_of(state) is None:
                self.states[uid] = replace(state, gone=True)
            self.again(ctx, uid)

    def _as_reported(self, state: PodState) -> PodState:
        """A container that has gone on while this kubelet was away is as ready as it was said to be: no probe starts over."""
        data = self.pods.data.get(state.key)
        status = scheme.tree(data).get("status", {}) if data is not None else {}
        for row in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
            known = state.container(row["name"])
            if known.probed and known.phase == RUNNING and row.get("containerID", "").endswith("//" + known.id):
                started = known.started or bool(row.get("started"))
                ready = known.ready or ("readiness" in known.probed and bool(row.get("ready")))
                state = state.put(replace(known, started=started, ready=started and ready))
        return state

    def _runtime_away(self, ctx: Context) -> None:
        if self.runtime_up:
            ctx.decide()
            ctx.note("kubelet.runtime", up=False, sandboxes=0, containers=0)
            self.runtime_left = ctx.now
        self.runtime_up = False
        self.report_node(ctx)
        if not self.dialing:
            self.dialing = True
            ctx.after(RUNTIME_RETRY, Dial(), work=False)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        was_up = self.runtime_up
        if peer == self.config.runtime:
            self.runtime_up = False
        super().disconnected(ctx, peer, reason)
        if peer == self.config.runtime and was_up:
            self.runtime_up = True
            for uid, state in list(self.states.items()):
                self.states[uid] = replace(state, busy=())
            self.pulling, self.pull_queue = (), []
            self._runtime_away(ctx)

    def container_changed(self, ctx: Context, life: cri.CriContainer) -> None:
        """The runtime says that something happened to a container."""
        state = self.states.get(life.uid)
        known = next((k for k in state.containers if k.name == life.name), None) if state is not None else None
        if state is None or known is None or (known.id and known.id != life.id and known.attempt >= life.attempt):
            return
        before, was_phase = known, known.phase
        known = merge(known, life)
        if known.phase == EXITED and was_phase != EXITED:
            known = self._after_exit(ctx, state, known)
        state = state.put(known)
        self.states[life.uid] = state
        self.note_ready(ctx, state, before, known)
        self.again(ctx, life.uid)

    def container_runs(self, ctx: Context, state: PodState, name: str) -> None:
        self.begin_probes(ctx, state, state.container(name))

    def _after_exit(self, ctx: Context, state: PodState, known: Known) -> Known:
        pod = self.pod_of(state)
        restarting = pod is not None and not sync.is_ending(pod, state) and sync.restarts(pod, known)
        waiting = after_exit(known, restarting)
        if waiting.phase == EXITED:
            return waiting
        name = f"{state.name}_{state.namespace}({state.uid})"
        text = f"back-off {waiting.backoff // SECOND}s restarting failed container={known.name} pod={name}"
        text = text.replace("back-off 60s", "back-off 1m0s").replace("back-off 300s", "back-off 5m0s")
        about = f"Back-off restarting failed container {known.name} in pod {name}"
        self.tell(ctx, state, "Warning", "BackOff", about, known.name)
        ctx.note("kubelet.backoff", pod=state.key, container=known.name, wait=waiting.backoff)
        return replace(waiting, message=text)

    def sandbox_changed(self, ctx: Context, sandbox: cri.CriSandbox) -> None:
        """A sandbox has died under its containers."""
        state = self.states.get(sandbox.uid)
        if state is not None and state.sandbox is not None and state.sandbox.id == sandbox.id:
            self.states[sandbox.uid] = replace(state, sandbox=sandbox)
            self.again(ctx, sandbox.uid)


def _those(
    sandboxes: tuple[cri.CriSandbox, ...], containers: tuple[cri.CriContainer, ...], uids: Collection[str], belong: bool
) -> tuple[tuple[cri.CriSandbox, ...], tuple[cri.CriContainer, ...]]:
    """Those that belong to these pods, or those that do not."""
    return (
        tuple(one for one in sandboxes if (one.uid in uids) == belong),
        tuple(one for one in containers if (one.uid in uids) == belong),
    )  # fmt: skip


def _orphan(uid: str, sandboxes: list[cri.CriSandbox], lives: list[cri.CriContainer]) -> PodState:
    """The state of a pod that runs here and that the API server does not have any more."""
    names = dict.fromkeys(life.name for life in lives)
    return PodState(uid, sandboxes[0].namespace, sandboxes[0].name, tuple(Known(name) for name in names), gone=True)
