"""VolumeRestrictions: disks that only one may have, and claims that only one pod may use (plugins/volumerestrictions)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.scheduler.changes import ADD, ASSIGNED, DELETE, UPDATE, Event
from k8s_tutor.scheduler.framework import Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection

IN_USE = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"


class Alone(NamedTuple):
    """The claims that this pod must have for itself, how many pods have them now, and whether it mounts disks directly."""

    claims: tuple[str, ...]
    users: int
    disks: bool


class VolumeRestrictions(Plugin):
    """Two pods cannot both write to one disk, nor share a claim with the mode ReadWriteOncePod."""

    name = "VolumeRestrictions"
    events = {ASSIGNED: (DELETE,), "Node": (ADD,), "PersistentVolumeClaim": (ADD, UPDATE)}

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        if not pod.pod.spec.volumes:
            return None
        known = cluster.of("PersistentVolumeClaim")
        alone = []
        for key in pod.claims:
            if key not in known:
                return Rejection((missing(pod, key),))
            if "ReadWriteOncePod" in (known[key].spec.accessModes or ()):
                alone.append(key)
        disks = any(disk(volume) for volume in pod.pod.spec.volumes)
        if not alone and not disks:
            return None
        users = sum(_shares(alone, other) for info in cluster.known.values() for other in info.pods) if alone else 0
        return Alone(tuple(alone), users, disks)

    def adjust(self, state: Any, pod: PodInfo, other: PodInfo, info: NodeInfo, sign: int) -> Any:
        return state._replace(users=state.users + sign) if _shares(state.claims, other) else state

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if state.disks and _disk_taken(pod, info):
            return Rejection(("node(s) had no available disk",), resolvable=True)
        return Rejection((IN_USE,), resolvable=True) if state.users > 0 else None

    def hint(self, pod: PodInfo, event: Event) -> bool:
        if event.kind == "PersistentVolumeClaim":
            return f"{event.new.metadata.namespace}/{event.new.metadata.name}" in pod.claims
        return True


def missing(pod: PodInfo, key: str) -> str:
    """What is said of a claim that is not there; one for an ephemeral volume is about to be made."""
    name = key.partition("/")[2]
    ephemeral = [f"{pod.pod.metadata.name}-{one.name}" for one in pod.pod.spec.volumes if one.ephemeral is not None]
    if name in ephemeral:
        return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
    return f'persistentvolumeclaim "{name}" not found'


def disk(volume: Any) -> tuple[str, bool] | None:
    """(what a volume mounts directly, whether only for reading); None for volumes that anybody may share."""
    if volume.gcePersistentDisk is not None:
        return f"gce {volume.gcePersistentDisk.pdName}", bool(volume.gcePersistentDisk.readOnly)
    if volume.awsElasticBlockStore is not None:
        return f"aws {volume.awsElasticBlockStore.volumeID}", False
    if volume.iscsi is not None:
        return f"iscsi {volume.iscsi.iqn}", bool(volume.iscsi.readOnly)
    if volume.rbd is not None:
        return f"rbd {volume.rbd.pool or 'rbd'} {volume.rbd.image}", bool(volume.rbd.readOnly)
    return None


def _shares(claims: tuple[str, ...] | list[str], other: PodInfo) -> bool:
    return bool(other.claims) and any(key in other.claims for key in claims)


def _disk_taken(pod: PodInfo, info: NodeInfo) -> bool:
    mine = [found for volume in pod.pod.spec.volumes if (found := disk(volume)) is not None]
    for other in info.pods:
        for volume in other.pod.spec.volumes or ():
            theirs = disk(volume)
            if theirs is not None and any(name == theirs[0] and not (reads and theirs[1]) for name, reads in mine):
                return True
    return False
