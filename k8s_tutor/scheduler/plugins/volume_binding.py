"""VolumeBinding: claims that have a volume need a node that reaches it, the others one where they can get one
(plugins/volumebinding)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.scheduler import volumes
from k8s_tutor.scheduler.changes import ADD, LABEL, UPDATE, Event
from k8s_tutor.scheduler.framework import Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.plugins.volume_restrictions import missing
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection

NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
NOT_THERE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
IMMEDIATE = "pod has unbound immediate PersistentVolumeClaims"


class Wanted(NamedTuple):
    """The volumes that the pod's claims have, whether one of them is gone, and the claims that still need one."""

    bound: tuple[Any, ...]
    gone: bool
    delayed: tuple[Any, ...]
    cluster: Cluster


class VolumeBinding(Plugin):
    """Looks for a node where every claim has, or can get, its volume."""

    name = "VolumeBinding"
    events = {
        "PersistentVolumeClaim": (ADD, UPDATE), "PersistentVolume": (ADD, UPDATE), "StorageClass": (ADD, UPDATE),
        "Node": (ADD, LABEL), "CSINode": (ADD, UPDATE),
    }  # fmt: skip

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        if not pod.claims:
            return None
        for key in pod.claims:
            why = _unusable(pod, key, cluster)
            if why:
                return Rejection((why,))
        claims = volumes.claims_of(pod, cluster)
        if claims.immediate:
            return Rejection((IMMEDIATE,))
        known = cluster.of("PersistentVolume")
        bound = [known.get(claim.spec.volumeName) for claim in claims.bound]
        return Wanted(tuple(one for one in bound if one is not None), None in bound, claims.delayed, cluster)

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if state.gone:
            return Rejection((NOT_THERE,))
        reasons = []
        if not all(volumes.reaches(volume, info) for volume in state.bound):
            reasons.append(NODE_CONFLICT)
        if state.delayed and volumes.plan(state.delayed, state.cluster, info) is None:
            reasons.append(NO_VOLUME)
        return Rejection(tuple(reasons)) if reasons else None

    def hint(self, pod: PodInfo, event: Event) -> bool:
        if event.kind == "PersistentVolumeClaim":
            return f"{event.new.metadata.namespace}/{event.new.metadata.name}" in pod.claims
        if event.kind == "StorageClass" and event.old is not None:
            return bool(event.old.allowedTopologies != event.new.allowedTopologies)
        return True


def _unusable(pod: PodInfo, key: str, cluster: Cluster) -> str:
    """Why a claim cannot be used at all, or nothing."""
    claim, name = cluster.of("PersistentVolumeClaim").get(key), key.partition("/")[2]
    if claim is None:
        return missing(pod, key)
    if claim.status and claim.status.phase == "Lost":
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim.spec.volumeName}"'
    if claim.metadata.deletionTimestamp:
        return f'persistentvolumeclaim "{name}" is being deleted'
    return ""
