"""Scale: the one number of a workload, seen and set by itself (pkg/registry/apps/*/storage)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import selectors, status
from k8s_tutor.api.crd.rows import scale_paths
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Cause, Subject
from k8s_tutor.api.validation import workloads

Tree = dict[str, Any]

SCALE_TYPE = "io.k8s.api.autoscaling.v1.Scale"


_REPLICAS = ("spec", "replicas")


def _at(tree: Tree, path: tuple[str, ...]) -> Any:
    found: Any = tree
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def scale_of(row: Resource, tree: Tree) -> Tree:
    """The Scale of a workload (a tree with its resourceVersion)."""
    metadata = tree["metadata"]
    fields = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    paths = scale_paths(row) if row.custom else None
    if paths is not None:
        wanted, current = _at(tree, paths.spec), _at(tree, paths.status)
        selector = _at(tree, paths.selector) or "" if paths.selector else ""
    else:
        wanted, current = tree["spec"].get("replicas", 0), tree.get("status", {}).get("replicas", 0)
        own = tree["spec"].get("selector")
        plain = row.kind == "ReplicationController"
        selector = str(selectors.from_map(own or {}) if plain else selectors.from_object(own))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in fields if field in metadata},
        "spec": {"replicas": wanted} if wanted else {},
        "status": {"replicas": current or 0, **({"selector": selector} if selector else {})},
    }


def with_replicas(row: Resource, tree: Tree, replicas: int) -> Tree:
    """The workload with this number."""
    paths = scale_paths(row) if row.custom else None
    return _put(tree, _REPLICAS if paths is None else paths.spec, replicas)


def _put(tree: Any, path: tuple[str, ...], value: Any) -> Tree:
    below = tree if isinstance(tree, dict) else {}
    return {**below, path[0]: value if len(path) == 1 else _put(below.get(path[0]), path[1:], value)}


def check_scale(scale: Tree, name: str) -> int:
    """The number of replicas that a Scale asks for. Raises a Refusal (422)."""
    found: list[Cause] = []
    workloads.scale(found, scale)
    if found:
        raise status.invalid(Subject("autoscaling", "Scale", name), found)
    return int(scale.get("spec", {}).get("replicas", 0))
