"""Whether a node takes a pod that was bound to it: the kubelet's own last look (pkg/kubelet/lifecycle/predicate.go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8s_tutor.api import quantity


def requested(pod: Any, resource: str) -> int:
    """What a pod (typed struct) asks for: the sum of its containers, or its largest init container if that is more.
    CPU in millicores, memory in bytes."""

    def amount(container: Any) -> int:
        requests = (container.resources.requests if container.resources else None) or {}
        text = requests.get(resource)
        if text is None:
            return 0
        return quantity.milli(text) if resource == "cpu" else quantity.value(text)

    together = sum(amount(container) for container in pod.spec.containers)
    return max([together, *(amount(container) for container in pod.spec.initContainers or ())])


def verdict(pod: Any, others: Iterable[Any], cpu: str, memory: str, pods: int) -> tuple[str, str]:
    """(reason, message) for which the pod is refused, or two empty texts. ``others``: pods that the node has taken."""
    taken = list(others)
    if len(taken) + 1 > pods:
        return _refusal("pods", 1, len(taken), pods)
    for resource, capacity in (("cpu", quantity.milli(cpu)), ("memory", quantity.value(memory))):
        wants, used = requested(pod, resource), sum(requested(other, resource) for other in taken)
        if wants and wants + used > capacity:
            return _refusal(resource, wants, used, capacity)
    return "", ""


def _refusal(resource: str, wants: int, used: int, capacity: int) -> tuple[str, str]:
    text = f"Node didn't have enough resource: {resource}, requested: {wants}, used: {used}, capacity: {capacity}"
    return f"OutOf{resource}", text
