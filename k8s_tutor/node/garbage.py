"""The kubelet's garbage collection of sandboxes: once a minute it looks for those that nobody remembers.

They are left when a sandbox could not be made or unmade in one go: runtime, plugin or kubelet went away in between. Source:
pkg/kubelet/kuberuntime/kuberuntime_gc.go.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.node import cri
from k8s_tutor.node.eviction_manager import EvictionManager
from k8s_tutor.node.pod_base import CRI_TIMEOUT
from k8s_tutor.sim import SECOND, Body, Context

COLLECT_EVERY = 60 * SECOND


class Collect(Body):
    """The kubelet's own timer: look for forgotten sandboxes."""


class SandboxCollector(EvictionManager):
    """The part of a kubelet that cleans up."""

    def collect(self, ctx: Context) -> None:
        """Asks the runtime for all sandboxes, if this kubelet knows what should be there."""
        ctx.after(COLLECT_EVERY, Collect(), work=False)
        if self.runtime_up and self.synced:
            self.ask(ctx, self.config.runtime, cri.ListPodSandbox(), "_collect_from", (), CRI_TIMEOUT)

    def _collect_from(self, ctx: Context, answer: Any) -> None:
        if not isinstance(answer, cri.ListPodSandboxResult):
            return
        for sandbox in answer.sandboxes:
            if not self._is_remembered(sandbox):
                ctx.decide()
                ctx.note("kubelet.collect", pod=f"{sandbox.namespace}/{sandbox.name}", sandbox=sandbox.id[:13])
                stop = cri.StopPodSandbox(sandbox.id)
                self.ask(ctx, self.config.runtime, stop, "_collected", (sandbox.id,), CRI_TIMEOUT)

    def _is_remembered(self, sandbox: cri.CriSandbox) -> bool:
        state = self.states.get(sandbox.uid)
        if state is None:
            return False
        current = state.sandbox is not None and state.sandbox.id == sandbox.id
        return current or sandbox.id in state.old_sandboxes or "sandbox" in state.busy

    def _collected(self, ctx: Context, answer: Any, sandbox: str) -> None:
        if isinstance(answer, cri.Done):
            self.ask(ctx, self.config.runtime, cri.RemovePodSandbox(sandbox), "done", (), CRI_TIMEOUT)
