"""Validation: every cause with its field path and Kubernetes' text.

`check` looks at a whole object, `check_update` also at what it was. Both return all causes; none means valid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import cluster, meta, pods, services, workloads

Tree = dict[str, Any]

_CHECKS: dict[str, Callable[[list[Cause], Tree], None]] = {
    "Pod": pods.check,
    "Deployment": workloads.deployment,
    "ReplicaSet": workloads.replica_set,
    "Service": services.service,
    "EndpointSlice": services.endpoint_slice,
    "Node": cluster.node,
    "ConfigMap": cluster.config_map,
    "Lease": cluster.lease,
    "Event": cluster.event,
}

_UPDATES: dict[str, Callable[[list[Cause], Tree, Tree], None]] = {
    "Pod": pods.check_update,
    "Deployment": workloads.same_selector,
    "ReplicaSet": workloads.same_selector,
    "Service": services.service_update,
    "EndpointSlice": services.endpoint_slice_update,
    "Node": cluster.node_update,
    "ConfigMap": cluster.config_map_update,
}


def check(resource: Resource, tree: Tree) -> list[Cause]:
    """All that is wrong with a new object, defaulted already."""
    found: list[Cause] = []
    meta.check(found, resource, tree["metadata"])
    own = _CHECKS.get(resource.kind)
    if own is not None:
        own(found, tree)
    return found


def check_update(resource: Resource, new: Tree, old: Tree) -> list[Cause]:
    """All that is wrong with an object's new state."""
    found: list[Cause] = []
    meta.check_update(found, new["metadata"], old["metadata"])
    if new["metadata"] != old["metadata"]:
        meta.check(found, resource, new["metadata"])
    if resource.kind == "Pod":
        # The spec that is stored was valid; only what may change is looked at.
        pods.check_update(found, new, old)
        if not found and new["spec"] != old["spec"]:
            pods.check(found, new)
        return found
    own = _CHECKS.get(resource.kind)
    if own is not None:
        own(found, new)
    update = _UPDATES.get(resource.kind)
    if update is not None:
        update(found, new, old)
    return found


def check_status(resource: Resource, new: Tree, old: Tree) -> list[Cause]:
    """All that is wrong with a new status."""
    found: list[Cause] = []
    meta.check_update(found, new["metadata"], old["metadata"])
    if resource.group == "apps":
        workloads.status_numbers(found, new)
    return found
