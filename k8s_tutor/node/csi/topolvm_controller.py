"""topolvm-controller: the CSI controller service. It cannot reach a node's disks: it writes a LogicalVolume, which the
topolvm-node of that node carries out, and answers when its status says so.

Source: topolvm/topolvm, docs/design.md, docs/topolvm-controller.md.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.node.cri import RpcError
from k8s_tutor.node.csi.messages import (
    CAPACITY,
    DEFAULT_CLASS,
    LOGICAL_VOLUMES,
    ControllerExpandVolume,
    ControllerExpandVolumeResult,
    CreateSnapshot,
    CreateSnapshotResult,
    CreateVolume,
    CreateVolumeResult,
    DeleteSnapshot,
    DeleteVolume,
    Done,
)  # fmt: skip
from k8s_tutor.node.csi.sidecar import MERGE, Sidecar, Tree, decoded, written
from k8s_tutor.sim import Body, Call, Context, Reply

CLASS = "topolvm.io/device-class"
CODES = {8: "ResourceExhausted", 13: "Internal", 5: "NotFound"}
"""gRPC codes, by the number that stands in a status."""


class Waiting(Body):
    """Somebody who waits for a LogicalVolume: the call, what was asked, and the size that it must have."""

    client: str
    call: int
    what: str
    size: int = 0


class TopolvmController(Sidecar):
    """The process ``topolvm-controller``. Keys are names of LogicalVolumes."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.logical = Informer("LogicalVolume", root=LOGICAL_VOLUMES)
        self.nodes = Informer("Node")
        self.waiting: dict[str, Waiting] = {}

    @property
    def agent(self) -> str:
        return "topolvm-controller"

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call):
            self._serve(ctx, src, body.id, body.body)
        else:
            super().event(ctx, src, body)

    def _serve(self, ctx: Context, src: str, call: int, asked: Any) -> None:
        if not self.synced:
            self._answer(ctx, src, call, RpcError("Unavailable", "the driver is not ready"))
        elif isinstance(asked, CreateVolume):
            self._create(ctx, src, call, asked)
        elif isinstance(asked, CreateSnapshot):
            self._snapshot(ctx, src, call, asked)
        elif isinstance(asked, DeleteVolume | DeleteSnapshot):
            self._delete(ctx, src, call, asked.volume if isinstance(asked, DeleteVolume) else asked.snapshot)
        elif isinstance(asked, ControllerExpandVolume):
            self._expand(ctx, src, call, asked)

    def _answer(self, ctx: Context, client: str, call: int, body: Body) -> None:
        ctx.reply(client, Reply(call, body))

    def tree(self, name: str) -> Tree:
        """A LogicalVolume as it is known, or an empty tree."""
        data = self.logical.data.get(name)
        return decoded(data) if data is not None else {}

    def by_handle(self, handle: str) -> Tree:
        """The LogicalVolume whose volume the driver calls so."""
        found = (self.tree(name) for name in sorted(self.logical.objects))
        return next((one for one in found if one.get("status", {}).get("volumeID") == handle), {})

    # ------------------------------------------------------------------ creating

    def _create(self, ctx: Context, src: str, call: int, asked: CreateVolume) -> None:
        kind = dict(asked.parameters).get(CLASS, "")
        node = asked.node or self._roomiest(kind)
        source = self.by_handle(asked.source) if asked.source else {}
        if source:
            node = source["spec"]["nodeName"]
        if not node:
            self._answer(ctx, src, call, RpcError("Internal", "can not find any node"))
            return
        spec = {"name": asked.name, "nodeName": node, "size": written(max(asked.size, 1 << 20)), "deviceClass": kind}
        if source:
            spec |= {"source": source["metadata"]["name"], "accessType": "rw"}
        self._post(ctx, asked.name, spec, Waiting(src, call, "create", asked.size))

    def _roomiest(self, kind: str) -> str:
        """The node that has most room left, for a volume that may be anywhere."""
        rows = []
        for node in self.nodes:
            left = (node.metadata.annotations or {}).get(CAPACITY + (kind or DEFAULT_CLASS), "")
            if left.isdigit():
                rows.append((-int(left), node.metadata.name))
        return min(rows)[1] if rows else ""

    def _snapshot(self, ctx: Context, src: str, call: int, asked: CreateSnapshot) -> None:
        origin = self.by_handle(asked.volume)
        if not origin:
            self._answer(ctx, src, call, RpcError("NotFound", f"failed to find source volumes: {asked.volume}"))
            return
        spec = {**origin["spec"], "name": asked.name, "source": origin["metadata"]["name"], "accessType": "ro"}
        self._post(ctx, asked.name, spec, Waiting(src, call, "snapshot"))

    def _post(self, ctx: Context, name: str, spec: Tree, waiting: Waiting) -> None:
        self.waiting[name] = waiting
        tree = {"apiVersion": "topolvm.io/v1", "kind": "LogicalVolume", "metadata": {"name": name}, "spec": spec}
        self.request(ctx, "POST", LOGICAL_VOLUMES, tree, "_posted", (name,))

    def _posted(self, ctx: Context, answer: Any, name: str) -> None:
        if isinstance(answer, Response) and answer.code in (200, 201, 409):
            self.look(ctx, name)  # one that is there already may be ready
        else:
            self._over(ctx, name, RpcError("Internal", "the API server refused the LogicalVolume"))

    def _over(self, ctx: Context, name: str, body: Body) -> None:
        waiting = self.waiting.pop(name, None)
        if waiting is not None:
            self._answer(ctx, waiting.client, waiting.call, body)

    # ------------------------------------------------------------------ deleting and growing

    def _delete(self, ctx: Context, src: str, call: int, handle: str) -> None:
        tree = self.by_handle(handle)
        if not tree:
            self._answer(ctx, src, call, Done())
            return
        name = tree["metadata"]["name"]
        self.waiting[name] = Waiting(src, call, "delete")
        self.request(ctx, "DELETE", f"{LOGICAL_VOLUMES}/{name}")

    def _expand(self, ctx: Context, src: str, call: int, asked: ControllerExpandVolume) -> None:
        tree = self.by_handle(asked.volume)
        if not tree:
            self._answer(ctx, src, call, RpcError("NotFound", f"LogicalVolume for volume id {asked.volume} is not found"))
            return
        name = tree["metadata"]["name"]
        self.waiting[name] = Waiting(src, call, "expand", asked.size)
        changes = {"spec": {"size": written(asked.size)}}
        self.request(ctx, "PATCH", f"{LOGICAL_VOLUMES}/{name}", changes, "_posted", (name,), content_type=MERGE)

    # ------------------------------------------------------------------ hearing of what became of it

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind == "LogicalVolume" and change.key in self.waiting:
            self.look(ctx, change.key)

    def look(self, ctx: Context, key: str) -> None:
        waiting, tree = self.waiting.get(key), self.tree(key)
        if waiting is None:
            return
        if not tree:
            if waiting.what == "delete":
                self._over(ctx, key, Done())
            return
        status, spec = tree.get("status", {}), tree["spec"]
        if status.get("code") and waiting.what != "delete":
            self._over(ctx, key, RpcError(CODES.get(status["code"], "Internal"), status.get("message", "")))
            if waiting.what != "expand":
                self.request(ctx, "DELETE", f"{LOGICAL_VOLUMES}/{key}")
            return
        handle, size = status.get("volumeID", ""), _bytes(status.get("currentSize", "0"))
        if waiting.what == "create" and handle:
            self._over(ctx, key, CreateVolumeResult(handle, size, spec["nodeName"]))
        elif waiting.what == "snapshot" and handle:
            self._over(ctx, key, CreateSnapshotResult(handle, size))
        elif waiting.what == "expand" and size >= waiting.size:
            self._over(ctx, key, ControllerExpandVolumeResult(size))


def _bytes(text: Any) -> int:
    return quantity.value(str(text))
