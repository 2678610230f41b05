"""topolvm-node: on each node it carries out LogicalVolumes with LVM's own commands (lvmd is part of it), mounts volumes for the
kubelet, and tells how much room the volume group has left.

Source: topolvm/topolvm, docs/topolvm-node.md, docs/lvmd.md.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.component import Access
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.ssh import CommandDone, RunCommand
from k8s_tutor.node.cri import RpcError
from k8s_tutor.node.csi.messages import (
    CAPACITY,
    DEFAULT_CLASS,
    GROUP,
    LOGICAL_VOLUMES,
    POOL,
    THIN_CLASS,
    TOPOLOGY,
    Done,
    NodeExpandVolume,
    NodeGetInfo,
    NodeGetInfoResult,
    NodePublishVolume,
    NodeUnpublishVolume,
)  # fmt: skip
from k8s_tutor.node.csi.sidecar import MERGE, Sidecar, Tree, decoded, ok, written
from k8s_tutor.node.lvm.model import EXTENT
from k8s_tutor.sim import SECOND, Body, Call, CallFailed, Context, Reply

FINALIZER = "topolvm.io/logicalvolume"
LOOK_EVERY = 60 * SECOND
"""How often it looks whether somebody has changed the volume group by hand."""
COMMAND_TIMEOUT = 10 * SECOND
EXHAUSTED, INTERNAL = 8, 13
"""Codes of gRPC."""


class TopolvmNodeConfig(Access, kw_only=True):
    """Its node, and the process that stands for the machine's kernel."""

    node: str
    kernel: str
    thin: bool = False
    """Whether lvmd's configuration names a thin pool too."""


class LookAround(Body):
    """Its own timer: how much room is left?"""


class TopolvmNode(Sidecar):
    """The process ``topolvm-node-i``. Keys are names of LogicalVolumes."""

    config: TopolvmNodeConfig

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.logical = Informer("LogicalVolume", root=LOGICAL_VOLUMES)
        self.told: dict[str, str] = {}
        """Annotations of the node, as they were last written."""

    @property
    def agent(self) -> str:
        return "topolvm-node"

    def start(self, ctx: Context) -> None:
        super().start(ctx)
        ctx.after(LOOK_EVERY, LookAround(), work=False)

    def ready(self, ctx: Context) -> None:
        self._measure(ctx)
        for name in sorted(self.logical.objects):
            self.consider(ctx, name)

    def changed(self, ctx: Context, change: Change) -> None:
        self.consider(ctx, change.key)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, LookAround):
            ctx.after(LOOK_EVERY, LookAround(), work=False)
            self._measure(ctx)
        elif isinstance(body, Call):
            self._serve(ctx, src, body.id, body.body)
        else:
            super().event(ctx, src, body)

    def _run(self, ctx: Context, line: str, then: str, args: tuple[Any, ...]) -> None:
        self.ask(ctx, self.config.kernel, RunCommand(tuple(line.split())), then, args, COMMAND_TIMEOUT)

    # ------------------------------------------------------------------ LogicalVolumes

    def look(self, ctx: Context, key: str) -> None:
        data = self.logical.data.get(key)
        tree = decoded(data) if data is not None else {}
        if not tree or tree["spec"]["nodeName"] != self.config.node:
            return
        metadata, status = tree["metadata"], tree.get("status", {})
        wish = quantity.value(str(tree["spec"]["size"]))
        if metadata.get("deletionTimestamp"):
            if FINALIZER in metadata.get("finalizers", ()):
                self.begin(ctx, key)
                self._run(ctx, f"lvremove -f {GROUP}/{metadata['uid']}", "_removed", (key,))
        elif FINALIZER not in metadata.get("finalizers", ()):
            self.begin(ctx, key)
            changes = {"metadata": {"finalizers": [FINALIZER]}}
            self.request(ctx, "PATCH", f"{LOGICAL_VOLUMES}/{key}", changes, "_marked", (key,), content_type=MERGE)
        elif not status.get("volumeID") and not status.get("code"):
            self.begin(ctx, key)
            self._run(ctx, self._creation(tree, wish), "_carried_out", (key, metadata["uid"], wish))
        elif status.get("volumeID") and wish > quantity.value(str(status.get("currentSize", "0"))):
            self.begin(ctx, key)
            line = f"lvextend -L {_extents(wish)}b {GROUP}/{metadata['uid']}"
            self._run(ctx, line, "_carried_out", (key, metadata["uid"], wish))

    def _creation(self, tree: Tree, wish: int) -> str:
        """The command that makes a volume: its name is the uid of the LogicalVolume."""
        name, spec = tree["metadata"]["uid"], tree["spec"]
        if spec.get("source"):
            known = self.logical.objects.get(spec["source"])
            return f"lvcreate -s -k n -n {name} {GROUP}/{known.metadata.uid if known is not None else '-'}"
        if spec.get("deviceClass") == THIN_CLASS:
            return f"lvcreate -T {GROUP}/{POOL} -n {name} -V {_extents(wish)}b -W y -y"
        return f"lvcreate -n {name} -L {_extents(wish)}b -W y -y {GROUP}"

    def _marked(self, ctx: Context, answer: Any, key: str) -> None:
        self.finish(ctx, key, ok(answer))

    def _carried_out(self, ctx: Context, answer: Any, key: str, uid: str, size: int) -> None:
        if isinstance(answer, CommandDone) and (answer.code == 0 or "already exists" in answer.stderr):
            status: Tree = {"volumeID": uid, "currentSize": written(size), "code": None, "message": None}
        else:
            said = answer.stderr.strip() if isinstance(answer, CommandDone) else "lvmd does not answer"
            last = said.splitlines()[-1].strip() if said else "lvm command failed"
            full = "nsufficient" in said
            status = {"code": EXHAUSTED if full else INTERNAL,
                      "message": "no enough space left on VG" if full else f"failed to create LV: {last}"}  # fmt: skip
        path = f"{LOGICAL_VOLUMES}/{key}/status"
        self.request(ctx, "PATCH", path, {"status": status}, "_told", (key, "code" not in status or status["code"] is None),
                     content_type=MERGE)  # fmt: skip
        self._measure(ctx)

    def _told(self, ctx: Context, answer: Any, key: str, fine: bool) -> None:
        self.finish(ctx, key, ok(answer) and fine)

    def _removed(self, ctx: Context, answer: Any, key: str) -> None:
        gone = isinstance(answer, CommandDone) and (answer.code == 0 or "Failed to find" in answer.stderr)
        if not gone:
            self.finish(ctx, key, False)
            return
        self._measure(ctx)
        changes = {"metadata": {"finalizers": None}}
        self.request(ctx, "PATCH", f"{LOGICAL_VOLUMES}/{key}", changes, "_marked", (key,), content_type=MERGE)

    # ------------------------------------------------------------------ room

    def _measure(self, ctx: Context) -> None:
        self._run(ctx, f"vgs --noheadings -o vg_free_count {GROUP}", "_measured", ())

    def _measured(self, ctx: Context, answer: Any) -> None:
        word = answer.stdout.strip() if isinstance(answer, CommandDone) and answer.code == 0 else ""
        left = str(int(word) * EXTENT) if word.isdigit() else "0"
        fresh = {CAPACITY + DEFAULT_CLASS: left, CAPACITY + "ssd": left}
        if fresh != self.told:
            ctx.decide()
            self.told = fresh
            path = f"/api/v1/nodes/{self.config.node}"
            self.request(ctx, "PATCH", path, {"metadata": {"annotations": fresh}}, "_annotated", (), content_type=MERGE)

    def _annotated(self, ctx: Context, answer: Any) -> None:
        if not ok(answer):
            self.told = {}

    # ------------------------------------------------------------------ the node service

    def _serve(self, ctx: Context, src: str, call: int, asked: Any) -> None:
        if isinstance(asked, NodeGetInfo):
            ctx.reply(src, Reply(call, NodeGetInfoResult(self.config.node, ((TOPOLOGY, self.config.node),))))
        elif isinstance(asked, NodePublishVolume):
            self._run(ctx, f"blkid /dev/{GROUP}/{asked.volume}", "_probed", (src, call, asked))
        elif isinstance(asked, NodeUnpublishVolume):
            self._run(ctx, f"umount {asked.target}", "_unmounted", (src, call))
        elif isinstance(asked, NodeExpandVolume):
            self._run(ctx, f"blkid /dev/{GROUP}/{asked.volume}", "_to_grow", (src, call, asked))

    def _fail(self, ctx: Context, src: str, call: int, what: str, answer: CommandDone | CallFailed) -> None:
        text = answer.stderr.strip().splitlines() if isinstance(answer, CommandDone) else ["the machine does not answer"]
        ctx.reply(src, Reply(call, RpcError("Internal", f"{what}: {text[-1] if text else 'exit status 1'}")))

    def _probed(self, ctx: Context, answer: Any, src: str, call: int, asked: NodePublishVolume) -> None:
        if isinstance(answer, CommandDone) and not answer.stdout:
            line = f"mkfs.{asked.filesystem} /dev/{GROUP}/{asked.volume}"
            self._run(ctx, line, "_formatted", (src, call, asked))
        else:
            self._formatted(ctx, answer, src, call, asked)

    def _formatted(self, ctx: Context, answer: Any, src: str, call: int, asked: NodePublishVolume) -> None:
        if not isinstance(answer, CommandDone) or answer.code:
            self._fail(ctx, src, call, f"mount failed: volume={asked.volume}, error", answer)
            return
        options = "ro" if asked.read_only else "rw"
        line = f"mount -o {options} /dev/{GROUP}/{asked.volume} {asked.target}"
        self._run(ctx, line, "_mounted", (src, call, asked))

    def _mounted(self, ctx: Context, answer: Any, src: str, call: int, asked: NodePublishVolume) -> None:
        if isinstance(answer, CommandDone) and (answer.code == 0 or "already mounted" in answer.stderr):
            ctx.note("volume.mounted", node=self.config.node, volume=asked.volume, target=asked.target)
            ctx.reply(src, Reply(call, Done()))
        else:
            self._fail(ctx, src, call, f"mount failed: volume={asked.volume}, error", answer)

    def _unmounted(self, ctx: Context, answer: Any, src: str, call: int) -> None:
        if isinstance(answer, CommandDone) and (answer.code == 0 or "not mounted" in answer.stderr):
            ctx.reply(src, Reply(call, Done()))
        else:
            self._fail(ctx, src, call, "unmount failed", answer)

    def _to_grow(self, ctx: Context, answer: Any, src: str, call: int, asked: NodeExpandVolume) -> None:
        xfs = isinstance(answer, CommandDone) and 'TYPE="xfs"' in answer.stdout
        line = f"xfs_growfs {asked.path}" if xfs else f"resize2fs /dev/{GROUP}/{asked.volume}"
        self._run(ctx, line, "_grown", (src, call, asked))

    def _grown(self, ctx: Context, answer: Any, src: str, call: int, asked: NodeExpandVolume) -> None:
        if isinstance(answer, CommandDone) and answer.code == 0:
            ctx.note("volume.grown", node=self.config.node, volume=asked.volume)
            ctx.reply(src, Reply(call, Done()))
        else:
            self._fail(ctx, src, call, "failed to resize filesystem", answer)


def _extents(size: int) -> int:
    """Bytes rounded up to whole extents."""
    return -(-size // EXTENT) * EXTENT
