"""Status and conditions of a Deployment (pkg/controller/deployment/progress.go, sync.go calculateStatus)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_tutor.api import times
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.deployment import maths
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.sim import SECOND

COMPLETE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


class Conditions:
    """The conditions of a status while it is worked out. Made and dropped within one look."""

    def __init__(self, deployment: Any, clock: Clock) -> None:
        self._clock = clock
        found = (deployment.status and deployment.status.conditions) or ()
        self._trees: dict[str, Tree] = {c.type: objects.tree_of(c) for c in found}

    def get(self, name: str) -> Tree | None:
        """The condition of this type."""
        return self._trees.get(name)

    def reason(self, name: str) -> str:
        """Its reason, or empty."""
        return str(self._trees.get(name, {}).get("reason", ""))

    def remove(self, name: str) -> None:
        """Drops it."""
        self._trees.pop(name, None)

    def set(self, name: str, status: str, reason: str, message: str, force: bool = False) -> None:
        """Sets it, unless status and reason stay as they are (SetDeploymentCondition). ``force``: also then."""
        old = self._trees.get(name)
        if old and (old.get("status"), old.get("reason")) == (status, reason) and not force:
            return
        stamp = self._clock.stamp
        changed = old.get("lastTransitionTime", stamp) if old and old.get("status") == status else stamp
        self.remove(name)
        self._trees[name] = {
            "type": name, "status": status, "reason": reason, "message": message, "lastUpdateTime": stamp,
            "lastTransitionTime": changed,
        }  # fmt: skip

    def trees(self) -> list[Tree]:
        """All of them."""
        return list(self._trees.values())


def has_deadline(deployment: Any) -> bool:
    """Whether ``progressDeadlineSeconds`` means anything."""
    deadline = deployment.spec.progressDeadlineSeconds
    return deadline is not None and deadline != maths.NO_DEADLINE


def numbers(deployment: Any, everything: Sequence[Any], new: Any) -> Tree:
    """The counts of the status."""
    sum_, fresh = maths.total(maths.counts(rs) for rs in everything), maths.counts(new)
    return {
        "observedGeneration": deployment.metadata.generation or 0,
        "replicas": sum_.replicas,
        "updatedReplicas": fresh.replicas,
        "readyReplicas": sum_.ready,
        "availableReplicas": sum_.available,
        "unavailableReplicas": max(sum(maths.size(rs) for rs in everything) - sum_.available, 0),
        "terminatingReplicas": sum_.terminating,
    }


def is_complete(deployment: Any, found: Tree) -> bool:
    """All pods are new and available, and nothing else is left (DeploymentComplete)."""
    want = maths.wanted(deployment)
    return bool(
        found["updatedReplicas"] == want and found["replicas"] == want and found["availableReplicas"] == want
        and found["observedGeneration"] >= (deployment.metadata.generation or 0)
    )  # fmt: skip


def old_numbers(deployment: Any) -> Tree:
    """The counts as they stand in the status."""
    status = deployment.status
    return {name: (getattr(status, name) if status else 0) or 0 for name in (*_COUNTS, "observedGeneration")}


def _progressing(before: Tree, now: Tree) -> bool:
    return bool(
        now["updatedReplicas"] > before["updatedReplicas"]
        or now["replicas"] - now["updatedReplicas"] < before["replicas"] - before["updatedReplicas"]
        or now["readyReplicas"] > before["readyReplicas"]
        or now["availableReplicas"] > before["availableReplicas"]
    )


def _overdue(deployment: Any, condition: Tree | None, clock: Clock) -> bool:
    if condition is None or condition["reason"] == COMPLETE:
        return False
    return condition["reason"] == TIMED_OUT or _remaining(deployment, condition, clock) < 0


def _remaining(deployment: Any, condition: Tree, clock: Clock) -> int:
    begun = times.parse(condition["lastUpdateTime"], clock.epoch)
    return int(begun + deployment.spec.progressDeadlineSeconds * SECOND - clock.now)


def availability(deployment: Any, found: Tree, conditions: Conditions) -> None:
    """Condition Available."""
    if found["availableReplicas"] >= maths.wanted(deployment) - maths.max_unavailable(deployment):
        conditions.set("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        text = "Deployment does not have minimum availability."
        conditions.set("Available", "False", "MinimumReplicasUnavailable", text)


def progress(deployment: Any, found: Tree, conditions: Conditions, new: Any, clock: Clock) -> None:
    """Condition Progressing (syncRolloutStatus)."""
    if not has_deadline(deployment):
        conditions.remove("Progressing")
        return
    current = conditions.get("Progressing")
    if found["replicas"] == found["updatedReplicas"] and conditions.reason("Progressing") == COMPLETE:
        return
    about = f'ReplicaSet "{new.metadata.name}"' if new is not None else f'Deployment "{deployment.metadata.name}"'
    if is_complete(deployment, found):
        conditions.set("Progressing", "True", COMPLETE, f"{about} has successfully progressed.")
    elif _progressing(old_numbers(deployment), found):
        conditions.set("Progressing", "True", "ReplicaSetUpdated", f"{about} is progressing.", force=True)
    elif _overdue(deployment, current, clock):
        conditions.set("Progressing", "False", TIMED_OUT, f"{about} has timed out progressing.")


def failures(everything: Sequence[Any], new: Any, conditions: Conditions) -> None:
    """Condition ReplicaFailure: taken over from a ReplicaSet that cannot create its pods."""
    order = [new, *everything] if new is not None else list(everything)
    found = next((c for rs in order if (c := objects.condition(rs, "ReplicaFailure")) is not None), None)
    if found is None:
        conditions.remove("ReplicaFailure")
    else:
        conditions.set("ReplicaFailure", found.status, found.reason or "", found.message or "")


def wait_for_deadline(deployment: Any, found: Tree, conditions: Conditions, clock: Clock) -> int | None:
    """When to look again so that a stuck rollout is noticed, µs from now (requeueStuckDeployment)."""
    current = conditions.get("Progressing")
    if current is None or not has_deadline(deployment) or current["reason"] in (COMPLETE, TIMED_OUT):
        return None
    if is_complete(deployment, found):
        return None
    return max(_remaining(deployment, current, clock), 0) + SECOND


def tree(deployment: Any, found: Tree, conditions: Conditions) -> Tree:
    """The status to write: zeros are left out but for ``terminatingReplicas``."""
    status = {name: value for name, value in found.items() if value or name == "terminatingReplicas"}
    collisions = deployment.status.collisionCount if deployment.status else None
    if collisions:
        status["collisionCount"] = collisions
    if conditions.trees():
        status["conditions"] = conditions.trees()
    return status


def same(deployment: Any, fresh: Tree) -> bool:
    """Whether the status stands already as it should be."""
    old = objects.tree_of(deployment.status) if deployment.status else {}
    return {name: value for name, value in old.items() if value or name == "terminatingReplicas"} == fresh
