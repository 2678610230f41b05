"""ReplicaSets of a Deployment: which is the new one, revisions, annotations, and the tree of a new one
(pkg/controller/deployment/util/deployment_util.go, sync.go)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from k8s_tutor.api import names
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.deployment import maths
from k8s_tutor.controllers.objects import Tree

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HASH = "pod-template-hash"
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration", "deprecated.deployment.rollback.to", REVISION, HISTORY, DESIRED,
    MAXIMUM,
)  # fmt: skip
_START = datetime(1970, 1, 1, tzinfo=UTC)


def age_order(rs: Any) -> tuple[datetime, str]:
    """Sort key: oldest first, then by name."""
    return rs.metadata.creationTimestamp or _START, rs.metadata.name


def revision(struct: Any) -> int:
    """The revision annotation, 0 without one."""
    try:
        return int((struct.metadata.annotations or {}).get(REVISION, "0"))
    except ValueError:
        return 0


def template_tree(template: Any) -> Tree:
    """A pod template without the hash label: two of them are equal when they mean the same pods."""
    tree = objects.tree_of(template)
    metadata = {name: value for name, value in tree.get("metadata", {}).items() if name != "creationTimestamp"}
    labels = {name: value for name, value in metadata.get("labels", {}).items() if name != HASH}
    metadata.pop("labels", None)
    return {**tree, "metadata": {**metadata, **({"labels": labels} if labels else {})}}


def find_new(deployment: Any, owned: Iterable[Any]) -> Any:
    """The oldest ReplicaSet with the Deployment's template, or None."""
    want = template_tree(deployment.spec.template)
    return next((rs for rs in sorted(owned, key=age_order) if template_tree(rs.spec.template) == want), None)


def hash_of(deployment: Any) -> str:
    """pod-template-hash of the Deployment's template."""
    count = deployment.status.collisionCount if deployment.status else None
    return names.template_hash(template_tree(deployment.spec.template), count)


def annotations_for(deployment: Any, current: dict[str, str], new_revision: int, exists: bool) -> dict[str, str]:
    """The annotations of the new ReplicaSet (SetNewReplicaSetAnnotations)."""
    found = dict(current)
    for name, value in (deployment.metadata.annotations or {}).items():
        if name not in _NOT_COPIED:
            found[name] = value
    before = found.get(REVISION, "")
    if int(before or "0") < new_revision:
        found[REVISION] = str(new_revision)
        if before:
            found[HISTORY] = f"{found[HISTORY]},{before}" if HISTORY in found else before
    return found if exists else with_sizes(deployment, found)


def with_sizes(deployment: Any, current: dict[str, str]) -> dict[str, str]:
    """Annotations that remember the Deployment's size, for proportional scaling."""
    desired = maths.wanted(deployment)
    return {**current, DESIRED: str(desired), MAXIMUM: str(desired + maths.max_surge(deployment))}


def new_tree(deployment: Any, replicas: int, new_revision: int) -> Tree:
    """A new ReplicaSet for the Deployment's template."""
    template = template_tree(deployment.spec.template)
    digest = hash_of(deployment)
    labels = {**template["metadata"].get("labels", {}), HASH: digest}
    template = {**template, "metadata": {**template["metadata"], "labels": labels}}
    selector = objects.tree_of(deployment.spec.selector)
    selector["matchLabels"] = {**selector.get("matchLabels", {}), HASH: digest}
    spec: Tree = {"replicas": replicas, "selector": selector, "template": template}
    if deployment.spec.minReadySeconds:
        spec["minReadySeconds"] = deployment.spec.minReadySeconds
    return {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": f"{deployment.metadata.name}-{digest}", "namespace": deployment.metadata.namespace, "labels": labels,
            "annotations": annotations_for(deployment, {}, new_revision, exists=False),
            "ownerReferences": [objects.owner_reference(deployment)],
        },
        "spec": spec,
    }  # fmt: skip
