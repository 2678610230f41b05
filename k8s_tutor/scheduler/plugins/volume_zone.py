"""VolumeZone: a volume with a zone of its own wants a node in that zone (plugins/volumezone)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.scheduler import volumes
from k8s_tutor.scheduler.changes import ADD, LABEL, UPDATE
from k8s_tutor.scheduler.framework import Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Rejection

KEYS = (
    "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
)  # fmt: skip


class VolumeZone(Plugin):
    """Compares the zone labels of volumes with those of the node."""

    name = "VolumeZone"
    events = {
        "StorageClass": (ADD,), "Node": (ADD, LABEL), "PersistentVolumeClaim": (ADD, UPDATE), "PersistentVolume": (ADD, UPDATE),
    }  # fmt: skip

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Any:
        known = cluster.of("PersistentVolume")
        found = []
        for claim in volumes.claims_of(pod, cluster).bound if pod.claims else ():
            volume = known.get(claim.spec.volumeName)
            labels = (volume.metadata.labels or {}) if volume is not None else {}
            found += [(key, tuple(labels[key].split("__"))) for key in KEYS if key in labels]
        return tuple(found) or None

    def filter(self, state: Any, pod: PodInfo, info: NodeInfo) -> Rejection | None:
        if not any(key in info.labels for key in KEYS):
            return None
        if all(info.labels.get(key) in zones for key, zones in state):
            return None
        return Rejection(("node(s) had no available volume zone",))
