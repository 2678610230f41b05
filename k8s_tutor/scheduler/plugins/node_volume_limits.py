"""NodeVolumeLimits: a driver attaches only so many volumes to a node (plugins/nodevolumelimits/csi.go)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.scheduler.changes import ADD, ASSIGNED, DELETE, UPDATE, Event
from k8s_tutor.scheduler.framework import Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection


class Drivers(NamedTuple):
    """(driver, volume) of each claim of the pod, and where to look the others up."""

    mine: tuple[tuple[str, str], ...]
    cluster: Cluster


class NodeVolumeLimits(Plugin):
    """Counts the volumes of each CSI driver on a node against what its CSINode allows."""

    name = "NodeVolumeLimits"
    events = {
        "CSINode": (ADD, UPDATE), ASSIGNED: (DELETE,), "PersistentVolumeClaim": (ADD,), "Node": (ADD,),
    }  # fmt: skip

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        mine = _attached(pod, cluster) if pod.claims and cluster.of("CSINode") else ()
        return Drivers(mine, cluster) if mine else None

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        node = state.cluster.of("CSINode").get(info.name)
        limits = {
            driver.name: driver.allocatable.count
            for driver in (node.spec.drivers if node is not None else ()) or ()
            if driver.allocatable is not None and driver.allocatable.count is not None
        }
        there = {one: True for other in info.pods if other.claims for one in _attached(other, state.cluster)}
        for driver, limit in limits.items():
            new = sum(1 for one in state.mine if one[0] == driver and one not in there)
            if new and sum(1 for one in there if one[0] == driver) + new > limit:
                return Rejection(("node(s) exceed max volume count",), resolvable=True)
        return None

    def hint(self, pod: PodInfo, event: Event) -> bool:
        if event.kind == ASSIGNED:
            return any(volume.persistentVolumeClaim is not None for volume in event.old.spec.volumes or ())
        return True


def _attached(pod: PodInfo, cluster: Cluster) -> tuple[tuple[str, str], ...]:
    """(driver, volume) of the claims of a pod; a claim without a volume counts for the driver that would make one."""
    claims, volumes, classes = (cluster.of(kind) for kind in ("PersistentVolumeClaim", "PersistentVolume", "StorageClass"))
    found: dict[tuple[str, str], bool] = {}
    for key in pod.claims:
        claim = claims.get(key)
        volume = volumes.get(claim.spec.volumeName or "") if claim is not None else None
        if volume is not None and volume.spec.csi is not None:
            found[volume.spec.csi.driver, volume.spec.csi.volumeHandle] = True
        elif claim is not None and not claim.spec.volumeName:
            kind = classes.get(claim.spec.storageClassName or "")
            if kind is not None:
                found[kind.provisioner, key] = True
    return tuple(found)
