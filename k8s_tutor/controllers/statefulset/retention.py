"""Who owns the claims of a StatefulSet, as its ``persistentVolumeClaimRetentionPolicy`` says: nobody, the set (they go
with it), or a pod that is about to go for good (pkg/controller/statefulset/stateful_set_utils.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.objects import Tree
from k8s_tutor.controllers.requests import Write, update
from k8s_tutor.controllers.statefulset import identity


def owners(sts: Any, pod: Any, scaled_down: bool) -> list[Tree]:
    """The references that the claims of a pod are to have. ``scaled_down``: the pod is one too many."""
    policy = sts.spec.persistentVolumeClaimRetentionPolicy
    deleted = bool(policy and policy.whenDeleted == "Delete")
    scaled = bool(policy and policy.whenScaled == "Delete")
    if scaled and scaled_down:
        return [objects.owner_reference(pod)]
    return [objects.owner_reference(sts)] if deleted else []


def repairs(sts: Any, pod: Any, number: int, claims: Mapping[str, Any]) -> list[Write]:
    """Updates of the claims of a pod whose owners are not as they should be. ``claims``: by name."""
    upper = identity.first(sts) + identity.size(sts)
    wanted = owners(sts, pod, scaled_down=not identity.first(sts) <= number < upper)
    return [
        write for name in identity.claim_names(sts, number).values()
        if (claim := claims.get(name)) is not None and (write := _repair(sts, pod, claim, wanted)) is not None
    ]  # fmt: skip


def _repair(sts: Any, pod: Any, claim: Any, wanted: list[Tree]) -> Write | None:
    """Only references to the set or to a pod of this name are touched."""
    tree = objects.tree_of(claim)
    metadata = tree["metadata"]
    present = metadata.get("ownerReferences", [])
    ours = {("StatefulSet", sts.metadata.name), ("Pod", pod.metadata.name)}
    others = [ref for ref in present if (ref["kind"], ref["name"]) not in ours]
    if present == [*others, *wanted]:
        return None
    return update({**tree, "metadata": {**metadata, "ownerReferences": [*others, *wanted]}})
