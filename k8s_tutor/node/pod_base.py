"""What all parts of a kubelet that make pods run have at hand: looking at a pod again, telling of it, waiting."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.node.claims import ClaimVolumes
from k8s_tutor.node.podstate import WAITING, PodState, past
from k8s_tutor.node.recorder import Subject
from k8s_tutor.sim import SECOND, Body, Context

CRI_TIMEOUT = 120 * SECOND
RESYNC = 10 * SECOND
"""A sync that failed is tried again after this, plus up to half of it (pod_workers.go, backOffPeriod)."""

replace = msgspec.structs.replace


class SyncPod(Body):
    """The kubelet's message to itself: look at this pod again."""

    uid: str


class PodBase(ClaimVolumes):
    """The part of a kubelet on which the others stand that make pods run."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.queued: dict[str, None] = {}
        """Pods with a `SyncPod` on its way."""

    def report(self, ctx: Context, uid: str) -> None:
        """Writes the pod's status if it has changed."""
        raise NotImplementedError

    def again(self, ctx: Context, uid: str) -> None:
        """Looks at the pod again soon."""
        if uid not in self.queued:
            self.queued[uid] = None
            ctx.after(0, SyncPod(uid))

    def tell(self, ctx: Context, state: PodState, kind: str, reason: str, message: str, container: str = "") -> None:
        """Records an event about a pod or one of its containers."""
        path = ""
        if container:
            known = state.container(container)
            field = "initContainers" if known.init else "ephemeralContainers" if known.ephemeral else "containers"
            path = f"spec.{field}{{{container}}}"
        pod = self.pod_of(state)
        revision = pod.metadata.resourceVersion or "" if pod is not None else ""
        about = Subject("Pod", state.namespace, state.name, state.uid, revision, path)
        self.record(ctx, about, kind, reason, message)

    def spec_of(self, state: PodState, name: str) -> Any:
        """The specification of a container, or None when the pod is gone."""
        pod = self.pod_of(state)
        if pod is None:
            return None
        spec = pod.spec
        every = (*(spec.initContainers or ()), *spec.containers, *(spec.ephemeralContainers or ()))
        return next(container for container in every if container.name == name)

    def cannot_start(self, ctx: Context, state: PodState, name: str, reason: str, message: str, wait: int) -> None:
        """A container waits ``wait`` µs, for that reason, before it is tried again."""
        known = state.container(name)
        last = past(known)
        known = replace(
            known, phase=WAITING, reason=reason, message=message, retry_at=ctx.now + wait, last=last, finished_at=0, ready=False
        )
        self.states[state.uid] = state.put(known)
        self.report(ctx, state.uid)
        self.again(ctx, state.uid)

    def still(self, uid: str, what: str) -> PodState | None:
        """The state of a pod for which that request is still under way."""
        state = self.states.get(uid)
        return state if state is not None and what in state.busy else None
