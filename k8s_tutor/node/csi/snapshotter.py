"""Snapshots: the snapshot-controller brings a VolumeSnapshot and its content together, csi-snapshotter lets the driver make and
delete what a content stands for.

Source: kubernetes-csi/external-snapshotter, pkg/common-controller and pkg/sidecar-controller.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import times
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.node.csi.messages import DRIVER, CreateSnapshot, CreateSnapshotResult, DeleteSnapshot, Done
from k8s_tutor.node.csi.sidecar import MERGE, Sidecar, Tree, decoded, is_ours, ok, why, written
from k8s_tutor.node.recorder import Subject
from k8s_tutor.sim import SECOND, Context

ROOT = "/apis/snapshot.storage.k8s.io/v1"
CONTENTS = f"{ROOT}/volumesnapshotcontents"
FINALIZER = "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"
BEING_DELETED = "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted"


class SnapshotController(Sidecar):
    """The process ``snapshot-controller``. Keys are those of VolumeSnapshots."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.snapshots = Informer("VolumeSnapshot", root=f"{ROOT}/volumesnapshots")
        self.contents = Informer("VolumeSnapshotContent", root=CONTENTS)
        self.classes = Informer("VolumeSnapshotClass", root=f"{ROOT}/volumesnapshotclasses")
        self.claims, self.volumes = Informer("PersistentVolumeClaim"), Informer("PersistentVolume")

    def ready(self, ctx: Context) -> None:
        for key in sorted(self.snapshots.objects):
            self.consider(ctx, key)

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind == "VolumeSnapshot":
            self.consider(ctx, change.key)
            if change.new is None and change.old is not None:
                self._let_content_go(ctx, f"snapcontent-{change.old.metadata.uid}")
        elif change.kind == "VolumeSnapshotContent" and change.new is not None:
            ref = decoded(self.contents.data[change.key])["spec"].get("volumeSnapshotRef", {})
            self.consider(ctx, f"{ref.get('namespace', '')}/{ref.get('name', '')}")

    def _let_content_go(self, ctx: Context, content: str) -> None:
        """A snapshot is gone: its content goes as its deletion policy says."""
        data = self.contents.data.get(content)
        if data is not None and decoded(data)["spec"].get("deletionPolicy") == "Delete":
            ctx.decide()
            notes = {"metadata": {"annotations": {BEING_DELETED: "yes"}}}
            self.request(ctx, "PATCH", f"{CONTENTS}/{content}", notes, content_type=MERGE)
            self.request(ctx, "DELETE", f"{CONTENTS}/{content}")

    def look(self, ctx: Context, key: str) -> None:
        data = self.snapshots.data.get(key)
        if data is None:
            return
        tree = decoded(data)
        name = f"snapcontent-{tree['metadata']['uid']}"
        content = decoded(self.contents.data[name]) if name in self.contents.data else None
        if content is not None:
            self._mirror(ctx, key, tree, name, content.get("status", {}))
            return
        source = tree["spec"]["source"].get("persistentVolumeClaimName", "")
        claim = self.claims.objects.get(f"{tree['metadata']['namespace']}/{source}")
        volume = self.volumes.objects.get(claim.spec.volumeName or "") if claim is not None else None
        kind = tree["spec"].get("volumeSnapshotClassName", "")
        if volume is None or not is_ours(volume):
            self.begin(ctx, key)
            text = (
                f"Failed to create snapshot content with error snapshot controller failed to update {key} on API server: "
                f"cannot get claim from snapshot: failed to retrieve PVC {source} from the lister"
            )
            self._say(ctx, tree, "Warning", "SnapshotContentCreationFailed", text)
            self.finish(ctx, key, False)
            return
        self.begin(ctx, key)
        self._say(ctx, tree, "Normal", "CreatingSnapshot", f"Waiting for a snapshot {key} to be created by the CSI driver.")
        metadata = tree["metadata"]
        ref = {"kind": "VolumeSnapshot", "apiVersion": tree["apiVersion"], "name": metadata["name"], "uid": metadata["uid"],
               "namespace": metadata["namespace"], "resourceVersion": metadata["resourceVersion"]}  # fmt: skip
        made = {
            "apiVersion": tree["apiVersion"], "kind": "VolumeSnapshotContent",
            "metadata": {"name": name, "finalizers": [FINALIZER]},
            "spec": {"deletionPolicy": "Delete", "driver": DRIVER, "source": {"volumeHandle": volume.spec.csi.volumeHandle},
                     "volumeSnapshotClassName": kind, "volumeSnapshotRef": ref},
        }  # fmt: skip
        self.request(ctx, "POST", CONTENTS, made, "_made", (key,))

    def _made(self, ctx: Context, answer: Any, key: str) -> None:
        if ok(answer):
            self.contents.put(decoded(answer.body)["metadata"]["name"], answer.body)
        self.finish(ctx, key, ok(answer))

    def _mirror(self, ctx: Context, key: str, tree: Tree, content: str, status: Tree) -> None:
        """What is known of a content is told of its snapshot too."""
        fresh: Tree = {"boundVolumeSnapshotContentName": content, "readyToUse": bool(status.get("readyToUse"))}
        if status.get("creationTime"):
            made = status["creationTime"] // 1000 - self.config.epoch * SECOND
            fresh["creationTime"] = times.rfc3339(made, self.config.epoch)
        if status.get("restoreSize"):
            fresh["restoreSize"] = written(status["restoreSize"])
        known = tree.get("status", {})
        if {name: known.get(name) for name in fresh} == fresh:
            return
        self.begin(ctx, key)
        if fresh["readyToUse"]:
            self._say(ctx, tree, "Normal", "SnapshotCreated", f"Snapshot {key} was successfully created by the CSI driver.")
            self._say(ctx, tree, "Normal", "SnapshotReady", f"Snapshot {key} is ready to use.")
        namespace, _, name = key.partition("/")
        path = f"{ROOT}/namespaces/{namespace}/volumesnapshots/{name}/status"
        self.request(ctx, "PATCH", path, {"status": fresh}, "_told", (key,), content_type=MERGE)

    def _told(self, ctx: Context, answer: Any, key: str) -> None:
        if ok(answer):
            self.snapshots.put(key, answer.body)
        self.finish(ctx, key, ok(answer))

    def _say(self, ctx: Context, tree: Tree, kind: str, reason: str, text: str) -> None:
        metadata = tree["metadata"]
        about = Subject("VolumeSnapshot", metadata["namespace"], metadata["name"], metadata["uid"])
        self.record(ctx, about, kind, reason, text)


class CsiSnapshotter(Sidecar):
    """The process ``csi-snapshotter``. Keys are names of VolumeSnapshotContents."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.contents = Informer("VolumeSnapshotContent", root=CONTENTS)

    def ready(self, ctx: Context) -> None:
        for key in sorted(self.contents.objects):
            self.consider(ctx, key)

    def changed(self, ctx: Context, change: Change) -> None:
        self.consider(ctx, change.key)

    def look(self, ctx: Context, key: str) -> None:
        data = self.contents.data.get(key)
        tree = decoded(data) if data is not None else {}
        if not tree or tree["spec"].get("driver") != DRIVER:
            return
        handle = tree.get("status", {}).get("snapshotHandle", "")
        if tree["metadata"].get("deletionTimestamp"):
            if tree["metadata"].get("finalizers"):
                self.begin(ctx, key)
                self.csi(ctx, DeleteSnapshot(handle), "_deleted", (key,))
        elif not handle:
            self.begin(ctx, key)
            uid = tree["spec"]["volumeSnapshotRef"]["uid"]
            self.csi(ctx, CreateSnapshot(f"snapshot-{uid}", tree["spec"]["source"]["volumeHandle"]), "_created", (key,))

    def _created(self, ctx: Context, answer: Any, key: str) -> None:
        data = self.contents.data.get(key)
        if not isinstance(answer, CreateSnapshotResult):
            if data is not None:
                about = Subject("VolumeSnapshotContent", "", key, decoded(data)["metadata"]["uid"])
                self.record(ctx, about, "Warning", "SnapshotCreationFailed", f"Failed to create snapshot: {why(answer)}")
            self.finish(ctx, key, False)
            return
        stamp = (self.config.epoch * SECOND + ctx.now) * 1000
        status = {"snapshotHandle": answer.snapshot, "restoreSize": answer.size, "readyToUse": True, "creationTime": stamp}
        ctx.note("volume.snapshot", content=key, handle=answer.snapshot)
        self.request(ctx, "PATCH", f"{CONTENTS}/{key}/status", {"status": status}, "_told", (key,), content_type=MERGE)

    def _told(self, ctx: Context, answer: Any, key: str) -> None:
        if ok(answer):
            self.contents.put(key, answer.body)
        self.finish(ctx, key, ok(answer))

    def _deleted(self, ctx: Context, answer: Any, key: str) -> None:
        if not isinstance(answer, Done):
            self.finish(ctx, key, False)
            return
        changes = {"metadata": {"finalizers": None}}
        self.request(ctx, "PATCH", f"{CONTENTS}/{key}", changes, "_gone", (key,), content_type=MERGE)

    def _gone(self, ctx: Context, answer: Any, key: str) -> None:
        self.finish(ctx, key, ok(answer))
