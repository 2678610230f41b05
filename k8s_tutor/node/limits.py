"""The cgroup of a container, from its resources and its pod's class of service.

Source: pkg/kubelet/qos/policy.go (GetContainerOOMScoreAdjust), pkg/kubelet/kuberuntime/kuberuntime_container_linux.go.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.node.usage import Limits

GUARANTEED, BEST_EFFORT = -997, 1000
CRITICAL = 2_000_000_000
"""Priority from which on a pod belongs to the system."""


def limits(spec: Any, pod: Any, memory: str) -> Limits:
    """The limits of one container (typed struct) of a pod, on a machine with that much ``memory``."""
    most = dict((spec.resources and spec.resources.limits) or {})
    wanted = dict((spec.resources and spec.resources.requests) or {})
    cpu, size = quantity.milli(most.get("cpu", 0)), quantity.value(most.get("memory", 0))
    return Limits(cpu, size, _adjustment(pod, quantity.value(wanted.get("memory", 0)), quantity.value(memory)))


def _adjustment(pod: Any, wanted: int, memory: int) -> int:
    """How gladly the kernel ends it: a pod that asked for much of the machine's memory is spared longer."""
    quality = (pod.status and pod.status.qosClass) or "BestEffort"
    if quality == "Guaranteed" or (pod.spec.priority or 0) >= CRITICAL:
        return GUARANTEED
    if quality == "BestEffort":
        return BEST_EFFORT
    points = 1000 - 1000 * wanted // memory
    if points < 1000 + GUARANTEED:
        return 1000 + GUARANTEED
    return 999 if points == BEST_EFFORT else points
