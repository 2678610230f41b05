"""csi-provisioner: makes a PersistentVolume for each claim that wants one of the driver, and deletes those that are given back.

Source: kubernetes-csi/external-provisioner, pkg/controller; sig-storage-lib-external-provisioner, controller.go.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.node.cri import RpcError
from k8s_tutor.node.csi.messages import (
    DRIVER,
    TOPOLOGY,
    CreateVolume,
    CreateVolumeResult,
    DeleteVolume,
    Done,
)  # fmt: skip
from k8s_tutor.node.csi.sidecar import MERGE, Sidecar, Tree, is_ours, ok, wanted, why, written
from k8s_tutor.sim import Context

SELECTED = "volume.kubernetes.io/selected-node"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
FS_TYPE = "csi.storage.k8s.io/fstype"
SNAPSHOT = "VolumeSnapshot"


class CsiProvisioner(Sidecar):
    """The process ``csi-provisioner``. Keys are ``claim:`` with the key of a claim, ``volume:`` with the name of a volume."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.claims, self.volumes = Informer("PersistentVolumeClaim"), Informer("PersistentVolume")
        self.classes = Informer("StorageClass")

    @property
    def agent(self) -> str:
        return f"{DRIVER}_topolvm-controller"

    def ready(self, ctx: Context) -> None:
        for key in sorted(self.claims.objects):
            self.consider(ctx, f"claim:{key}")
        for name in sorted(self.volumes.objects):
            self.consider(ctx, f"volume:{name}")

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind == "PersistentVolumeClaim":
            self.consider(ctx, f"claim:{change.key}")
        elif change.kind == "PersistentVolume":
            self.consider(ctx, f"volume:{change.key}")

    def look(self, ctx: Context, key: str) -> None:
        kind, _, name = key.partition(":")
        if kind == "volume":
            self._give_back(ctx, key, self.volumes.objects.get(name))
            return
        claim = self.claims.objects.get(name)
        storage = self.classes.objects.get(claim.spec.storageClassName or "") if claim is not None else None
        if claim is None or storage is None or not _wants_volume(claim, storage):
            return
        if f"pvc-{claim.metadata.uid}" in self.volumes.objects:
            return  # it has its volume, and the claim only has to be told
        self.begin(ctx, key)
        self.tell(ctx, claim, "Normal", "Provisioning", f'External provisioner is provisioning volume for claim "{name}"')
        source = claim.spec.dataSource
        if source is not None and source.kind == SNAPSHOT:
            path = f"/apis/snapshot.storage.k8s.io/v1/namespaces/{claim.metadata.namespace}/volumesnapshots/{source.name}"
            self.request(ctx, "GET", path, None, "_snapshot", (key,))
        else:
            self._create(ctx, key, claim, storage, "")

    # ------------------------------------------------------------------ making

    def _snapshot(self, ctx: Context, answer: Any, key: str) -> None:
        """The snapshot that a claim begins with has been read; its content says what the driver calls it."""
        content = _tree(answer).get("status", {}).get("boundVolumeSnapshotContentName", "")
        if not ok(answer) or not content:
            self._failed(ctx, key, "error getting handle for DataSource Type VolumeSnapshot: snapshot is not bound")
            return
        path = f"/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents/{content}"
        self.request(ctx, "GET", path, None, "_content", (key,))

    def _content(self, ctx: Context, answer: Any, key: str) -> None:
        handle = _tree(answer).get("status", {}).get("snapshotHandle", "")
        claim = self.claims.objects.get(key.partition(":")[2])
        storage = self.classes.objects.get(claim.spec.storageClassName or "") if claim is not None else None
        if not ok(answer) or not handle or claim is None or storage is None:
            self._failed(ctx, key, "error getting handle for DataSource Type VolumeSnapshot: snapshot is not ready")
            return
        self._create(ctx, key, claim, storage, handle)

    def _create(self, ctx: Context, key: str, claim: Any, storage: Any, source: str) -> None:
        node = (claim.metadata.annotations or {}).get(SELECTED, "")
        parameters = tuple(sorted((storage.parameters or {}).items()))
        create = CreateVolume(f"pvc-{claim.metadata.uid}", wanted(claim), parameters, node, source)
        self.csi(ctx, create, "_created", (key,))

    def _created(self, ctx: Context, answer: Any, key: str) -> None:
        claim = self.claims.objects.get(key.partition(":")[2])
        storage = self.classes.objects.get(claim.spec.storageClassName or "") if claim is not None else None
        if claim is None or storage is None:
            self.finish(ctx, key)
            return
        if isinstance(answer, CreateVolumeResult):
            tree = volume_tree(claim, storage, answer)
            self.request(ctx, "POST", "/api/v1/persistentvolumes", tree, "_saved", (key, answer.volume))
            return
        self._failed(ctx, key, why(answer))
        chosen = (claim.metadata.annotations or {}).get(SELECTED)
        if isinstance(answer, RpcError) and answer.code == "ResourceExhausted" and chosen:
            # not on this node: the scheduler may choose another one
            path = f"/api/v1/namespaces/{claim.metadata.namespace}/persistentvolumeclaims/{claim.metadata.name}"
            self.request(ctx, "PATCH", path, {"metadata": {"annotations": {SELECTED: None}}}, content_type=MERGE)

    def _failed(self, ctx: Context, key: str, text: str) -> None:
        claim = self.claims.objects.get(key.partition(":")[2])
        if claim is not None:
            text = f'failed to provision volume with StorageClass "{claim.spec.storageClassName}": {text}'
            self.tell(ctx, claim, "Warning", "ProvisioningFailed", text)
        self.finish(ctx, key, False)

    def _saved(self, ctx: Context, answer: Any, key: str, volume: str) -> None:
        claim = self.claims.objects.get(key.partition(":")[2])
        saved = isinstance(answer, Response) and answer.code in (200, 201, 409)
        if claim is not None and saved:
            name = f"pvc-{claim.metadata.uid}"
            if ok(answer):
                self.volumes.put(name, answer.body)  # known before the watch tells of it
            ctx.note("volume.provisioned", claim=key.partition(":")[2], volume=name)
            self.tell(ctx, claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name}")
        self.finish(ctx, key, saved)

    # ------------------------------------------------------------------ deleting

    def _give_back(self, ctx: Context, key: str, volume: Any) -> None:
        """A volume that nobody claims any more is deleted, with its data, if its policy says so."""
        if volume is None or not is_ours(volume) or volume.status is None or volume.status.phase != "Released":
            return
        if volume.spec.persistentVolumeReclaimPolicy != "Delete" or PROVISIONED_BY not in (volume.metadata.annotations or {}):
            return
        self.begin(ctx, key)
        self.csi(ctx, DeleteVolume(volume.spec.csi.volumeHandle), "_deleted", (key,))

    def _deleted(self, ctx: Context, answer: Any, key: str) -> None:
        name = key.partition(":")[2]
        volume = self.volumes.objects.get(name)
        if not isinstance(answer, Done):
            if volume is not None:
                self.tell(ctx, volume, "Warning", "VolumeFailedDelete", why(answer))
            self.finish(ctx, key, False)
            return
        ctx.note("volume.deleted", volume=name)
        self.request(ctx, "DELETE", f"/api/v1/persistentvolumes/{name}", None, "_removed", (key,))

    def _removed(self, ctx: Context, answer: Any, key: str) -> None:
        """The object goes when its finalizers do: this one, and that of the controller that protects what is in use."""
        metadata = _tree(answer).get("metadata", {})
        if FINALIZER not in metadata.get("finalizers", ()):
            self.finish(ctx, key, ok(answer) or (isinstance(answer, Response) and answer.code == 404))
            return
        kept = [one for one in metadata["finalizers"] if one != FINALIZER]
        tree = {"metadata": {"finalizers": kept or None, "resourceVersion": metadata["resourceVersion"]}}
        path = f"/api/v1/persistentvolumes/{metadata['name']}"
        self.request(ctx, "PATCH", path, tree, "_let_go", (key,), content_type=MERGE)

    def _let_go(self, ctx: Context, answer: Any, key: str) -> None:
        self.finish(ctx, key, ok(answer))


def _tree(answer: Any) -> Tree:
    return scheme.tree(answer.body) if ok(answer) else {}


def _wants_volume(claim: Any, storage: Any) -> bool:
    """Whether the volume controller has handed this claim over, and its node is known where that matters."""
    notes = claim.metadata.annotations or {}
    if storage.provisioner != DRIVER or notes.get(PROVISIONER) != DRIVER or claim.spec.volumeName:
        return False
    if claim.metadata.deletionTimestamp is not None:
        return False
    return storage.volumeBindingMode != "WaitForFirstConsumer" or bool(notes.get(SELECTED))


def volume_tree(claim: Any, storage: Any, made: CreateVolumeResult) -> Tree:
    """The PersistentVolume for a claim: it names the claim, and the only node from which it can be reached."""
    about = claim.metadata
    fs_type = (storage.parameters or {}).get(FS_TYPE, "ext4")
    term = {"matchExpressions": [{"key": TOPOLOGY, "operator": "In", "values": [made.node]}]}
    csi = {"driver": DRIVER, "volumeHandle": made.volume, "fsType": fs_type,
           "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": f"{DRIVER}-controller"}}  # fmt: skip
    claim_ref = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": about.namespace, "name": about.name,
                 "uid": about.uid, "resourceVersion": about.resourceVersion}  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{about.uid}", "annotations": {PROVISIONED_BY: DRIVER}, "finalizers": [FINALIZER]},
        "spec": {
            "capacity": {"storage": written(made.size)}, "accessModes": list(claim.spec.accessModes or ()), "csi": csi,
            "claimRef": claim_ref, "persistentVolumeReclaimPolicy": storage.reclaimPolicy or "Delete",
            "storageClassName": storage.metadata.name, "volumeMode": claim.spec.volumeMode or "Filesystem",
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        },
    }  # fmt: skip
