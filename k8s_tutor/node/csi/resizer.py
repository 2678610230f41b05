"""csi-resizer: a claim that asks for more than its volume has is made larger.

Source: kubernetes-csi/external-resizer, pkg/controller.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import times
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.node.csi.messages import DRIVER, ControllerExpandVolume, ControllerExpandVolumeResult
from k8s_tutor.node.csi.sidecar import MERGE, Sidecar, Tree, capacity_of, is_ours, ok, wanted, why, written
from k8s_tutor.sim import Context

PENDING = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class CsiResizer(Sidecar):
    """The process ``csi-resizer``. Keys are those of claims."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.claims, self.volumes = Informer("PersistentVolumeClaim"), Informer("PersistentVolume")

    @property
    def agent(self) -> str:
        return f"external-resizer {DRIVER}"

    def ready(self, ctx: Context) -> None:
        for key in sorted(self.claims.objects):
            self.consider(ctx, key)

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind == "PersistentVolumeClaim":
            self.consider(ctx, change.key)

    def _both(self, key: str) -> tuple[Any, Any]:
        claim = self.claims.objects.get(key)
        return claim, self.volumes.objects.get(claim.spec.volumeName or "") if claim is not None else None

    def look(self, ctx: Context, key: str) -> None:
        claim, volume = self._both(key)
        if claim is None or volume is None or not is_ours(volume) or claim.status is None or claim.status.phase != "Bound":
            return
        if wanted(claim) <= capacity_of(volume) or claim.status.capacity is None:
            return
        self.begin(ctx, key)
        self.tell(ctx, claim, "Normal", "Resizing", f"External resizer is resizing volume {volume.metadata.name}")
        size = wanted(claim)
        status = {
            "conditions": [self._condition(ctx, "Resizing")], "allocatedResources": {"storage": written(size)},
            "allocatedResourceStatuses": {"storage": "ControllerResizeInProgress"},
        }  # fmt: skip
        self._patch(ctx, claim, status, "_marked", (key, size))

    def _condition(self, ctx: Context, kind: str, message: str = "") -> Tree:
        found: Tree = {"type": kind, "status": "True", "lastProbeTime": None,
                       "lastTransitionTime": times.rfc3339(ctx.now, self.config.epoch)}  # fmt: skip
        return {**found, "message": message} if message else found

    def _patch(self, ctx: Context, claim: Any, status: Tree, then: str, args: tuple[Any, ...]) -> None:
        path = f"/api/v1/namespaces/{claim.metadata.namespace}/persistentvolumeclaims/{claim.metadata.name}/status"
        self.request(ctx, "PATCH", path, {"status": status}, then, args, content_type=MERGE)

    def _marked(self, ctx: Context, answer: Any, key: str, size: int) -> None:
        _, volume = self._both(key)
        if not ok(answer) or volume is None:
            self.finish(ctx, key, False)
            return
        self.csi(ctx, ControllerExpandVolume(volume.spec.csi.volumeHandle, size), "_expanded", (key,))

    def _expanded(self, ctx: Context, answer: Any, key: str) -> None:
        claim, volume = self._both(key)
        if claim is None or volume is None:
            self.finish(ctx, key)
            return
        if not isinstance(answer, ControllerExpandVolumeResult):
            name = volume.metadata.name
            text = f'resize volume "{name}" by resizer "{DRIVER}" failed: {why(answer)}'
            self.tell(ctx, claim, "Warning", "VolumeResizeFailed", text)
            status = {"allocatedResourceStatuses": {"storage": "ControllerResizeInfeasible"}}
            self._patch(ctx, claim, status, "_given_up", (key,))
            return
        tree = {"spec": {"capacity": {"storage": written(answer.size)}}}
        path = f"/api/v1/persistentvolumes/{volume.metadata.name}"
        self.request(ctx, "PATCH", path, tree, "_larger", (key,), content_type=MERGE)

    def _given_up(self, ctx: Context, answer: Any, key: str) -> None:
        self.finish(ctx, key, False)

    def _larger(self, ctx: Context, answer: Any, key: str) -> None:
        claim, _ = self._both(key)
        if claim is None or not ok(answer):
            self.finish(ctx, key, False)
            return
        status = {
            "conditions": [self._condition(ctx, "FileSystemResizePending", PENDING)],
            "allocatedResourceStatuses": {"storage": "NodeResizePending"},
        }  # fmt: skip
        self._patch(ctx, claim, status, "_handed_over", (key,))

    def _handed_over(self, ctx: Context, answer: Any, key: str) -> None:
        claim, _ = self._both(key)
        if claim is not None and ok(answer):
            self.tell(ctx, claim, "Normal", "FileSystemResizeRequired", "Require file system resize of volume on node")
        self.finish(ctx, key, ok(answer))

