"""Scale: the one number of a workload, seen and set by itself (pkg/registry/apps/*/storage)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import selectors, status
from k8s_tutor.api.status import Cause, Subject
from k8s_tutor.api.validation import workloads

Tree = dict[str, Any]

SCALE_TYPE = "io.k8s.api.autoscaling.v1.Scale"


def scale_of(tree: Tree) -> Tree:
    """The Scale of a workload (a tree with its resourceVersion)."""
    metadata = tree["metadata"]
    fields = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    found = {"replicas": tree.get("status", {}).get("replicas", 0)}
    selector = str(selectors.from_object(tree["spec"].get("selector")))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in fields if field in metadata},
        "spec": {"replicas": tree["spec"]["replicas"]} if tree["spec"]["replicas"] else {},
        "status": {**found, **({"selector": selector} if selector else {})},
    }


def check_scale(scale: Tree, name: str) -> int:
    """The number of replicas that a Scale asks for. Raises a Refusal (422)."""
    found: list[Cause] = []
    workloads.scale(found, scale)
    if found:
        raise status.invalid(Subject("autoscaling", "Scale", name), found)
    return int(scale.get("spec", {}).get("replicas", 0))
