"""What is on the disks, joined with what an API server says of claims and volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from k8s_tutor.api import quantity
from k8s_tutor.cluster.storageviews import ClaimView, DiskView, GroupView, NodeDisksView, StorageView, VolumeView
from k8s_tutor.node.logs import LogDisk
from k8s_tutor.node.lvm import filesystems
from k8s_tutor.node.lvm.model import EXTENT, THIN_POOL, LogicalVolume, Storage
from k8s_tutor.node.shim import Shim
from k8s_tutor.node.storage import storage_of
from k8s_tutor.sim import World

KINDS = ("PersistentVolumeClaim", "PersistentVolume", "Pod")
Trees = Mapping[str, Mapping[str, Any]]


class Kernel(NamedTuple):
    """A machine with disks beside its own, be it up or down. ``version`` is that of its kernel's process, -1 while it is
    down."""

    node: str
    version: int
    disk: LogDisk


def kernels(world: World) -> list[Kernel]:
    """The workers that have disks beside their own."""
    found = []
    for name, process in world.processes.items():
        if process.actor is not Shim:
            continue
        actor = world.running.get(name)
        disk = actor.disk if actor is not None else world.disks.get(name)
        if isinstance(disk, LogDisk) and disk.storage.disks:
            found.append(Kernel(process.host, actor.version if actor is not None else -1, disk))
    return found


def storage_view(shims: Iterable[Kernel], trees: Trees) -> StorageView:
    """All of it."""
    volumes = trees["PersistentVolume"]
    handles = {
        tree["spec"]["csi"]["volumeHandle"]: (tree["metadata"]["name"], _claim_of(tree))
        for tree in volumes.values() if "csi" in tree["spec"]
    }  # fmt: skip
    nodes = tuple(_node(storage_of(one.disk), one.version >= 0, handles) for one in shims)
    users: dict[str, list[str]] = {}
    for key, pod in trees["Pod"].items():
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName", "")
            if "ephemeral" in volume:
                name = f"{pod['metadata']['name']}-{volume['name']}"
            if name:
                users.setdefault(f"{pod['metadata']['namespace']}/{name}", []).append(key)
    claims = tuple(_claim(tree, tuple(users.get(key, ()))) for key, tree in sorted(trees["PersistentVolumeClaim"].items()))
    return StorageView(nodes=nodes, claims=claims)


def _claim_of(tree: Mapping[str, Any]) -> str:
    ref = tree["spec"].get("claimRef") or {}
    return f"{ref.get('namespace')}/{ref.get('name')}" if ref else ""


def _claim(tree: Mapping[str, Any], pods: tuple[str, ...]) -> ClaimView:
    spec, status, metadata = tree["spec"], tree.get("status", {}), tree["metadata"]
    requested = quantity.value(spec.get("resources", {}).get("requests", {}).get("storage", "0"))
    capacity = quantity.value(status.get("capacity", {}).get("storage", "0"))
    conditions = [one["type"] for one in status.get("conditions") or ()]
    notes = metadata.get("annotations") or {}
    waits = ""
    if metadata.get("deletionTimestamp"):
        waits = "until nobody uses it" if pods else "to be deleted"
    elif "FileSystemResizePending" in conditions:
        waits = "for its file system to grow"
    elif "Resizing" in conditions:
        waits = "for its volume to grow"
    elif status.get("phase") == "Pending":
        waits = "for a volume" if "volume.kubernetes.io/selected-node" in notes else "for a pod that uses it" if not pods else (
            "for a volume that fits")  # fmt: skip
    return ClaimView(
        namespace=metadata["namespace"], name=metadata["name"], phase=status.get("phase", ""),
        storage_class=spec.get("storageClassName", ""), volume=spec.get("volumeName", ""), requested=requested,
        capacity=capacity, waits=waits, pods=pods,
    )  # fmt: skip


def _node(storage: Storage, up: bool, handles: Mapping[str, tuple[str, str]]) -> NodeDisksView:
    disks = []
    for disk in storage.disks:
        pv = storage.pv(disk.device)
        free = storage.free_of(pv) * EXTENT if pv is not None and pv.group else disk.size
        disks.append(DiskView(name=disk.name, size=disk.size, failed=disk.failed, group=pv.group if pv else "", free=free))
    groups = tuple(
        GroupView(
            name=one.name, size=storage.extents(one.name) * EXTENT, free=storage.free(one.name) * EXTENT,
            partial=bool(storage.missing_in(one.name)),
            volumes=tuple(_volume(storage, volume, handles) for volume in _ordered(storage, one.name)),
        )
        for one in storage.groups
    )  # fmt: skip
    return NodeDisksView(node=storage.node, up=up, disks=tuple(disks), groups=groups)


def _ordered(storage: Storage, group: str) -> list[LogicalVolume]:
    """As they were made, a thin pool before what lies in it."""
    found = [one for one in storage.volumes if one.group == group]
    return sorted(found, key=lambda one: (one.pool or (one.name if one.kind == THIN_POOL else ""), one.kind != THIN_POOL))


def _volume(storage: Storage, volume: LogicalVolume, handles: Mapping[str, tuple[str, str]]) -> VolumeView:
    pv, claim = handles.get(volume.name, ("", ""))
    one = volume.filesystem
    used = filesystems.used(storage, one) if one is not None else 0
    if volume.kind == THIN_POOL:
        used = filesystems.thin_used(storage, volume)
    return VolumeView(
        name=volume.name, kind=volume.kind, size=volume.size, used=used,
        filesystem=filesystems.capacity(one) if one is not None else 0, type=one.kind if one is not None else "",
        pool=volume.pool, origin=volume.origin, broken=storage.broken(volume), mounted=bool(storage.mounts_of(volume)),
        pv=pv, claim=claim,
    )  # fmt: skip
