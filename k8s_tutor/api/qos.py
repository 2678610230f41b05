"""Quality of service of a pod (pkg/apis/core/v1/helper/qos)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity

Tree = dict[str, Any]


def _positive(amounts: dict[str, str]) -> dict[str, int]:
    found = {name: quantity.nano(amounts[name]) for name in ("cpu", "memory") if name in amounts}
    return {name: value for name, value in found.items() if value > 0}


def qos_class(spec: Tree) -> str:
    """Guaranteed, Burstable or BestEffort, from the requests and limits of all containers."""
    guaranteed, total_requests, total_limits = True, 0, 0
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        resources = container.get("resources")
        if not resources:
            guaranteed = False
            continue
        requests, limits = _positive(resources.get("requests", {})), _positive(resources.get("limits", {}))
        total_requests += len(requests)
        total_limits += len(limits)
        if len(limits) < 2 or requests != limits:
            guaranteed = False
    if not total_requests and not total_limits:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"
