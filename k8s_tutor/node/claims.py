"""The kubelet's volumes that claims stand for: from the claim to its PersistentVolume, from there to a directory of the machine
or to a storage driver, which mounts it; and the growing of their file systems.

Sources: pkg/kubelet/volumemanager/populator, pkg/volume/csi (csi_mounter.go, expander.go), pkg/kubelet/pluginmanager.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import quantity, scheme
from k8s_tutor.api.wire import Response
from k8s_tutor.node.cri import RpcError
from k8s_tutor.node.csi.messages import (
    Done,
    NodeExpandVolume,
    NodeGetInfo,
    NodeGetInfoResult,
    NodePublishVolume,
    NodeUnpublishVolume,
)  # fmt: skip
from k8s_tutor.node.podstate import PodState
from k8s_tutor.node.recorder import Subject
from k8s_tutor.node.storage import MOUNT
from k8s_tutor.node.volume_manager import REFRESH_EVERY, Refresh, VolumeManager
from k8s_tutor.node.volumes import HOST, Ref, claim_of
from k8s_tutor.sim import SECOND, Body, CallFailed, Context

CSI_TIMEOUT = 120 * SECOND
REGISTER_RETRY = 1 * SECOND
MERGE = "application/merge-patch+json"
Tree = dict[str, Any]
replace = msgspec.structs.replace


class Claimed(Body):
    """A volume of a pod that a claim stands for: the claim, its PersistentVolume, and where that lies. ``handle``: what its
    driver calls it."""

    volume: str
    claim: str
    pv: str
    place: str
    prefix: str = ""
    read_only: bool = False
    driver: str = ""
    handle: str = ""
    filesystem: str = ""

    @property
    def target(self) -> str:
        """The path of the machine at which a driver mounts it."""
        return self.place.removeprefix(MOUNT)


class RegisterDriver(Body):
    """The kubelet's own timer: ask a driver again who it is."""

    driver: str


class ClaimVolumes(VolumeManager):
    """The part of a kubelet that follows claims."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.claims: dict[str, tuple[Claimed, ...]] = {}
        """Uid of a pod → its volumes that claims stand for, once they are known."""
        self.drivers: dict[str, str] = {}
        """Registered storage drivers → id of this node there."""

    # ------------------------------------------------------------------ drivers

    def register_drivers(self, ctx: Context) -> None:
        """Asks the storage drivers of this machine who they are (the plugin manager hears of their sockets)."""
        for driver, _ in self.config.drivers:
            self.register_driver(ctx, driver)

    def register_driver(self, ctx: Context, driver: str) -> None:
        process = dict(self.config.drivers)[driver]
        self.ask(ctx, process, NodeGetInfo(), "_driver_known", (driver,), 10 * SECOND)

    def _driver_known(self, ctx: Context, answer: Any, driver: str) -> None:
        if not isinstance(answer, NodeGetInfoResult):
            ctx.after(REGISTER_RETRY, RegisterDriver(driver), work=False)
            return
        self.drivers[driver] = answer.node
        row = {"name": driver, "nodeID": answer.node, "topologyKeys": [key for key, _ in answer.topology]}
        node: Tree = {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": self.config.node},
                      "spec": {"drivers": [row]}}  # fmt: skip
        self.request(ctx, "POST", "/apis/storage.k8s.io/v1/csinodes", node)
        labels = {"metadata": {"labels": dict(answer.topology)}}
        self.request(ctx, "PATCH", f"/api/v1/nodes/{self.config.node}", labels, "_labelled", (driver,), content_type=MERGE)

    def _labelled(self, ctx: Context, answer: Response | CallFailed, driver: str) -> None:
        if not isinstance(answer, Response) or answer.code >= 300:  # the node has not registered yet
            ctx.after(REGISTER_RETRY, RegisterDriver(driver), work=False)

    # ------------------------------------------------------------------ from claims to volumes

    def resolve(self, ctx: Context, uid: str, then: str, args: tuple[Any, ...]) -> None:
        """Finds out what the claims of a pod stand for; ``then(ctx, uid, error, *args)`` is called."""
        state = self.states.get(uid)
        pod = self.pod_of(state) if state is not None else None
        refs = _claims(pod) if pod is not None else ()
        if not refs or uid in self.claims:
            getattr(self, then)(ctx, uid, "", *args)
        else:
            self.fetch(ctx, refs, "_claims_read", (uid, refs, then, args))

    def _claims_read(self, ctx: Context, uid: str, refs: tuple[Ref, ...], then: str, args: tuple[Any, ...]) -> None:
        found = []
        for ref in refs:
            tree = self._known(ref)
            name = f"{ref[1]}/{ref[2]}"
            if tree is None:
                text = f'failed to fetch PVC from API server: persistentvolumeclaims "{ref[2]}" not found'
            elif not tree["spec"].get("volumeName") or tree.get("status", {}).get("phase") != "Bound":
                text = "PVC is not bound"
            else:
                found.append(("PersistentVolume", "", tree["spec"]["volumeName"]))
                continue
            where = next(volume for volume, claim in self._volumes(uid) if claim == ref[2])
            error = (
                f"Unable to attach or mount volumes: unmounted volumes=[{where}], unattached volumes=[], failed to process "
                f"volumes=[{where}]: error processing PVC {name}: {text}"
            )
            getattr(self, then)(ctx, uid, error, *args)
            return
        self.fetch(ctx, tuple(found), "_volumes_read", (uid, refs, then, args))

    def _known(self, ref: Ref) -> Tree | None:
        """What was read, None for what is not there."""
        return self.objects.get(ref, (0, None))[1]

    def _volumes(self, uid: str) -> list[tuple[str, str]]:
        """(volume, claim) of a pod."""
        state = self.states.get(uid)
        pod = self.pod_of(state) if state is not None else None
        rows = [(volume.name, claim_of(pod, volume)) for volume in (pod.spec.volumes or ())] if pod is not None else []
        return [row for row in rows if row[1]]

    def _volumes_read(self, ctx: Context, uid: str, refs: tuple[Ref, ...], then: str, args: tuple[Any, ...]) -> None:
        state = self.states.get(uid)
        pod = self.pod_of(state) if state is not None else None
        if state is None or pod is None:
            return
        found: list[Claimed] = []
        for volume in pod.spec.volumes or ():
            name = claim_of(pod, volume)
            claim = self._known(("PersistentVolumeClaim", state.namespace, name)) if name else None
            pv = self._known(("PersistentVolume", "", claim["spec"]["volumeName"])) if claim is not None else None
            if pv is not None:
                source = volume.persistentVolumeClaim
                found.append(_claimed(uid, volume.name, f"{state.namespace}/{name}", pv, bool(source and source.readOnly)))
        self.claims[uid] = tuple(found)
        getattr(self, then)(ctx, uid, "", *args)

    # ------------------------------------------------------------------ mounting

    def mount(self, ctx: Context, state: PodState, pod: Any, then: str) -> None:
        """First what claims stand for, then what the kubelet fills itself."""
        self.claims.pop(state.uid, None)
        self.resolve(ctx, state.uid, "_publish", (then,))

    def _publish(self, ctx: Context, uid: str, error: str, then: str, at: int = 0) -> None:
        """Lets drivers mount one volume after the other."""
        state = self.states.get(uid)
        pod = self.pod_of(state) if state is not None else None
        if state is None or pod is None:
            return
        if error:
            getattr(self, then)(ctx, uid, error)
            return
        rows = self.claims.get(uid, ())
        place = next((place for place in range(at, len(rows)) if rows[place].driver), len(rows))
        if place == len(rows):
            super().mount(ctx, state, pod, then)
            return
        row = rows[place]
        if row.driver not in self.drivers:
            text = (
                f"kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name {row.driver} not found in the list "
                "of registered CSI drivers"
            )
            getattr(self, then)(ctx, uid, f'MountVolume.SetUp failed for volume "{row.pv}" : {text}')
            return
        asked = NodePublishVolume(row.handle, row.target, row.filesystem, row.read_only)
        self.ask(ctx, dict(self.config.drivers)[row.driver], asked, "_published", (uid, then, place), CSI_TIMEOUT)

    def _published(self, ctx: Context, answer: Any, uid: str, then: str, place: int) -> None:
        rows = self.claims.get(uid, ())
        if isinstance(answer, Done) and place < len(rows):
            if not self.refreshing:
                self.refreshing = True
                ctx.after(REFRESH_EVERY, Refresh(), work=False)
            self._publish(ctx, uid, "", then, place + 1)
            return
        text = str(answer if isinstance(answer, RpcError) else RpcError("DeadlineExceeded", "context deadline exceeded"))
        name = rows[place].pv if place < len(rows) else ""
        self._publish(ctx, uid, f'MountVolume.SetUp failed for volume "{name}" : {text}', then)

    def places(self, uid: str) -> dict[str, tuple[str, str, bool]]:
        """Volume of a pod → place, path below it, and whether it is read-only, of those that claims stand for."""
        return {row.volume: (row.place, row.prefix, row.read_only) for row in self.claims.get(uid, ())}

    def unmount(self, ctx: Context, uid: str) -> None:
        rows = [row for row in self.claims.pop(uid, ()) if row.driver in self.drivers]
        for row in rows:
            asked = NodeUnpublishVolume(row.handle, row.target)
            last = row is rows[-1]
            self.ask(ctx, dict(self.config.drivers)[row.driver], asked, "_unpublished", (uid, last), CSI_TIMEOUT)
        if not rows:
            super().unmount(ctx, uid)

    def _unpublished(self, ctx: Context, answer: Any, uid: str, last: bool) -> None:
        if last:
            super().unmount(ctx, uid)

    # ------------------------------------------------------------------ growing

    def refresh(self, ctx: Context) -> None:
        super().refresh(ctx)
        rows = [row for uid in self.claims for row in self.claims[uid] if row.driver]
        refs: dict[Ref, None] = {}
        for row in rows:
            namespace, _, name = row.claim.partition("/")
            refs["PersistentVolumeClaim", namespace, name] = None
            refs["PersistentVolume", "", row.pv] = None
        if refs:
            if not self.refreshing:
                self.refreshing = True
                ctx.after(REFRESH_EVERY, Refresh(), work=False)
            self.fetch(ctx, tuple(refs), "_look_at_sizes", ())

    def _look_at_sizes(self, ctx: Context) -> None:
        """A volume that has grown: its file system must grow too, while it is mounted."""
        for uid, rows in list(self.claims.items()):
            for row in rows:
                namespace, _, name = row.claim.partition("/")
                claim = self._known(("PersistentVolumeClaim", namespace, name))
                volume = self._known(("PersistentVolume", "", row.pv))
                if claim is None or volume is None or not row.driver:
                    continue
                now = claim.get("status", {}).get("capacity", {}).get("storage", "0")
                size = volume["spec"]["capacity"]["storage"]
                if quantity.compare(size, now) > 0:
                    ctx.decide()
                    asked = NodeExpandVolume(row.handle, row.target)
                    process = dict(self.config.drivers)[row.driver]
                    self.ask(ctx, process, asked, "_grown", (uid, row, size, claim["metadata"]["uid"]), CSI_TIMEOUT)

    def _grown(self, ctx: Context, answer: Any, uid: str, row: Claimed, size: str, claim_uid: str) -> None:
        state = self.states.get(uid)
        namespace, _, name = row.claim.partition("/")
        about = [Subject("PersistentVolumeClaim", namespace, name, claim_uid)]
        if state is not None:
            about.append(Subject("Pod", state.namespace, state.name, state.uid))
        if isinstance(answer, Done):
            kind, reason = "Normal", "FileSystemResizeSuccessful"
            text = f'MountVolume.NodeExpandVolume succeeded for volume "{row.pv}" {self.config.node}'
            path = scheme.resource("PersistentVolumeClaim").path(namespace, name, "status")
            status = {"status": {"capacity": {"storage": size}, "conditions": None, "allocatedResourceStatuses": None}}
            self.request(ctx, "PATCH", path, status, content_type=MERGE)
        else:
            kind, reason = "Warning", "VolumeResizeFailed"
            text = f'NodeExpandVolume.NodeExpandVolume failed for volume "{row.pv}" : {answer}'
        for one in about:
            self.record(ctx, one, kind, reason, text)


def _claims(pod: Any) -> tuple[Ref, ...]:
    """What must be read of a pod's claims."""
    names = [claim_of(pod, volume) for volume in pod.spec.volumes or ()]
    return tuple(dict.fromkeys(("PersistentVolumeClaim", pod.metadata.namespace, name) for name in names if name))


def _claimed(uid: str, volume: str, claim: str, pv: Tree, read_only: bool) -> Claimed:
    """Where a PersistentVolume lies on the machine."""
    spec, name = pv["spec"], pv["metadata"]["name"]
    path = (spec.get("hostPath") or spec.get("local") or {}).get("path", "")
    if path:
        return Claimed(volume, claim, name, HOST, path.rstrip("/"), read_only)
    csi = spec.get("csi")
    if csi is None:
        return Claimed(volume, claim, name, f"pods/{uid}/{volume}", "", read_only)
    target = f"/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~csi/{name}/mount"
    place, filesystem = MOUNT + target, csi.get("fsType") or "ext4"
    return Claimed(volume, claim, name, place, "", read_only, csi["driver"], csi["volumeHandle"], filesystem)

