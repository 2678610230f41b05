"""When a node runs short: thresholds, who must go first, and the words for it. Pure.

Sources: pkg/kubelet/eviction (helpers.go, eviction_manager.go), pkg/kubelet/apis/config/v1beta1/defaults_linux.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8s_tutor.api import quantity
from k8s_tutor.node.limits import CRITICAL

MEMORY, DISK = "memory", "ephemeral-storage"
MI, GI = 1 << 20, 1 << 30


class Threshold(NamedTuple):
    """Below so many bytes or percent of a ``resource`` something is done, after ``grace`` seconds (0: a hard threshold)."""

    resource: str
    amount: int
    percent: bool = False
    grace: int = 0

    def bytes(self, capacity: int) -> int:
        """The threshold in bytes."""
        return capacity * self.amount // 100 if self.percent else self.amount


HARD = (Threshold(MEMORY, 100 * MI), Threshold(DISK, 10, True))
"""memory.available<100Mi, nodefs.available<10% (one disk holds images and all else, so imagefs has the same)."""
CONDITIONS = {
    MEMORY: ("MemoryPressure", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
    DISK: ("DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure"),
}  # fmt: skip
NODE_EVENTS = {
    "MemoryPressure": ("NodeHasSufficientMemory", "NodeHasInsufficientMemory"),
    "DiskPressure": ("NodeHasNoDiskPressure", "NodeHasDiskPressure"),
}  # fmt: skip


class Used(NamedTuple):
    """What one pod uses: bytes by the name of its container (empty: its volumes) of each resource."""

    pod: Any
    memory: dict[str, int]
    disk: dict[str, int]

    def of(self, resource: str) -> dict[str, int]:
        """Bytes of one resource."""
        return self.memory if resource == MEMORY else self.disk


def request(container: Any, resource: str) -> int:
    """What a container (typed struct) asks for, bytes."""
    requests = (container.resources.requests if container.resources else None) or {}
    return quantity.value(requests.get(resource, "0"))


def is_critical(pod: Any) -> bool:
    """Whether a pod belongs to the system and is never evicted (kubetypes.IsCriticalPod)."""
    static = (pod.metadata.annotations or {}).get("kubernetes.io/config.source", "api") != "api"
    return static or (pod.spec.priority or 0) >= CRITICAL


def ranked(pods: Iterable[Used], resource: str) -> list[Used]:
    """Who goes first: who uses more than it asked for, then the lower priority, then the most beyond its request."""

    def key(one: Used) -> tuple[bool, int, int, str]:
        used = sum(one.of(resource).values())
        wanted = sum(request(container, resource) for container in one.pod.spec.containers)
        return used <= wanted, one.pod.spec.priority or 0, wanted - used, one.pod.metadata.name

    return sorted((one for one in pods if not is_critical(one.pod)), key=key)


def message(used: Used, threshold: Threshold, capacity: int, available: int) -> str:
    """Why a pod is evicted."""
    resource = threshold.resource
    text = f"The node was low on resource: {resource}. "
    text += f"Threshold quantity: {binary(threshold.bytes(capacity))}, available: {available >> 10}Ki. "
    for container in used.pod.spec.containers:
        taken, wanted = used.of(resource).get(container.name, 0), request(container, resource)
        if taken > wanted:
            text += (
                f"Container {container.name} was using {taken >> 10}Ki, request is {binary(wanted)}, has larger consumption of "
                f"{resource}. "
            )  # fmt: skip
    return text


def over_limit(used: Used, sizes: dict[str, int]) -> str:
    """Why a pod must go that fills more of the disk than it may; empty when it does not (localStorageEviction).
    ``sizes``: bytes in its volumes."""
    for volume in used.pod.spec.volumes or ():
        most = volume.emptyDir.sizeLimit if volume.emptyDir is not None else None
        if most is not None and quantity.value(most) < sizes[volume.name]:
            return f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{most}". '
    limits = {container.name: _limit(container) for container in used.pod.spec.containers}
    total = sum(limit for limit in limits.values() if limit)
    if all(limits.values()) and sum(used.disk.values()) > total:
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {binary(total)}. "
    for name, limit in limits.items():
        if limit and used.disk.get(name, 0) > limit:
            return f'Container {name} exceeded its local ephemeral storage limit "{binary(limit)}". '
    return ""


def _limit(container: Any) -> int:
    limits = (container.resources.limits if container.resources else None) or {}
    return quantity.value(limits.get(DISK, "0"))


def binary(amount: int) -> str:
    """Bytes as a quantity with the largest unit that fits: ``100Mi``."""
    for unit in ("", "Ki", "Mi", "Gi"):
        if amount % 1024 or unit == "Gi" or not amount:
            return f"{amount}{unit}"
        amount >>= 10
    return str(amount)


def refused(pod: Any, conditions: tuple[str, ...]) -> str:
    """Why a node with these conditions does not take a pod; empty when it does (eviction_manager.go, Admit)."""
    if not conditions or is_critical(pod):
        return ""
    if conditions == ("MemoryPressure",):
        tolerates = any(
            one.key in (None, "node.kubernetes.io/memory-pressure") and (one.effect or "NoSchedule") == "NoSchedule"
            for one in pod.spec.tolerations or ()
        )
        quality = pod.status.qosClass if pod.status is not None else "BestEffort"
        if quality != "BestEffort" or tolerates:
            return ""
    return f"The node had condition: [{' '.join(conditions)}]. "
