"""Eviction: a delete that asks the disruption budgets first (pkg/registry/core/pod/storage/eviction.go)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import selectors, status
from k8s_tutor.api.status import Subject
from k8s_tutor.api.watchcache import Item

Tree = dict[str, Any]

_VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
_MOST_UNCONFIRMED = 2_000


class Budget(NamedTuple):
    """A PodDisruptionBudget, and how etcd holds it."""

    tree: Tree
    item: Item


def free(pod: Tree) -> bool:
    """Whether no budget counts this pod: it has ended, has not begun, or goes already."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed", "Pending") or bool(
        pod["metadata"].get("deletionTimestamp")
    )


def covering(pod: Tree, budgets: list[Budget]) -> Budget | None:
    """The budget that must allow the eviction, or None when nothing stands in its way. Raises a Refusal (500)."""
    labels = pod["metadata"].get("labels")
    mine = [one for one in budgets if selectors.from_object(one.tree["spec"].get("selector")).matches(labels)]
    if len(mine) > 1:
        raise status.internal_error(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    if not mine:
        return None
    spec, found = mine[0].tree["spec"], mine[0].tree.get("status", {})
    conditions = pod.get("status", {}).get("conditions", ())
    if not any(one["type"] == "Ready" and one["status"] == "True" for one in conditions):
        healthy = found.get("currentHealthy", 0) >= found.get("desiredHealthy", 0) > 0
        if spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow" or healthy:
            return None
    return mine[0]


def _too_many(message: str) -> status.Refusal:
    cause = {"reason": "DisruptionBudget", "message": message}
    return status.failure(429, "TooManyRequests", _VIOLATES, {"causes": [cause]})


def take(budget: Tree, pod: str, stamp: str) -> Tree:
    """The budget with one disruption less. Raises a Refusal (403, 429)."""
    name, found = budget["metadata"]["name"], budget.get("status", {})
    if found.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _too_many(f"The disruption budget {name} is still being processed by the server.")
    allowed = found.get("disruptionsAllowed", 0)
    about = Subject("", "poddisruptionbudget", name)
    if allowed < 0:
        raise status.forbidden(about, "pdb disruptions allowed is negative")
    if len(found.get("disruptedPods", {})) > _MOST_UNCONFIRMED:
        raise status.forbidden(about, "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
    if allowed == 0:
        needs, has = found.get("desiredHealthy", 0), found.get("currentHealthy", 0)
        raise _too_many(f"The disruption budget {name} needs {needs} healthy pods and has {has} currently")
    left = {**found, "disruptionsAllowed": allowed - 1, "disruptedPods": {**found.get("disruptedPods", {}), pod: stamp}}
    if allowed == 1:
        left["conditions"] = [_insufficient(one, stamp) for one in found.get("conditions", ())]
    return {**budget, "status": left}


def _insufficient(condition: Tree, stamp: str) -> Tree:
    if condition["type"] != "DisruptionAllowed":
        return condition
    return {**condition, "status": "False", "reason": "InsufficientPods", "message": "", "lastTransitionTime": stamp}


def told(pod: Tree, stamp: str) -> Tree:
    """The pod with the condition that says why it goes."""
    found = pod.get("status", {})
    others = [one for one in found.get("conditions", ()) if one["type"] != "DisruptionTarget"]
    why = {
        "type": "DisruptionTarget", "status": "True", "lastProbeTime": None, "lastTransitionTime": stamp,
        "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
    }  # fmt: skip
    return {**pod, "status": {**found, "conditions": [*others, why]}}
