"""One look at a Deployment (pkg/controller/deployment/deployment_controller.go syncDeployment, sync.go, rolling.go,
recreate.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.deployment import maths, replicasets, status
from k8s_tutor.controllers.deployment.plan import Plan
from k8s_tutor.controllers.deployment.rolling import new_size, scale_down_old, scale_proportionally, scale_to_zero
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import Decision, create, delete, one_by_one, update


def reconcile(
    deployment: Any, owned: Sequence[Any], pods: Iterable[Any], clock: Clock, others: Sequence[Any] = ()
) -> Decision:
    """What to do about one Deployment.

    ``owned``: its ReplicaSets. ``pods``: pods of those ReplicaSets (only Recreate looks at them). ``others``: ReplicaSets of
    the namespace that belong to somebody else (one of them may have taken the name of the new one).
    """
    plan = Plan(deployment, owned, clock)
    if deployment.metadata.deletionTimestamp:
        return _finish(plan, progress=False)
    _paused_condition(plan)
    if deployment.spec.paused or _is_scaling(plan):
        _sync_new(plan, may_create=False, others=others)
        _scale(plan)
        if deployment.spec.paused:
            _clean_up(plan)
        return _finish(plan, progress=False)
    if maths.is_rolling(deployment):
        _roll(plan, others)
    else:
        _recreate(plan, list(pods), others)
    return _finish(plan, progress=True)


def _paused_condition(plan: Plan) -> None:
    if not status.has_deadline(plan.deployment):
        return
    reason = plan.conditions.reason("Progressing")
    if reason == status.TIMED_OUT:
        return
    if plan.deployment.spec.paused and reason != "DeploymentPaused":
        plan.conditions.set("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    elif not plan.deployment.spec.paused and reason == "DeploymentPaused":
        plan.conditions.set("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")


def _is_scaling(plan: Plan) -> bool:
    """Whether the Deployment's size has changed since its ReplicaSets were sized."""
    for rs in plan.active(plan.all):
        noted = (rs.metadata.annotations or {}).get(replicasets.DESIRED)
        if noted is not None and noted != str(plan.want):
            return True
    return False


def _sync_new(plan: Plan, may_create: bool, others: Sequence[Any]) -> None:
    """Finds or makes the new ReplicaSet, and numbers the revision (getNewReplicaSet)."""
    deployment = plan.deployment
    number = max((replicasets.revision(rs) for rs in plan.old), default=0) + 1
    if plan.new is not None:
        fresh = replicasets.annotations_for(deployment, plan.new.metadata.annotations or {}, number, exists=True)
        plan.adopt_revision(plan.new, fresh)
        _set_revision(plan, fresh.get(replicasets.REVISION, ""))
        if plan.conditions.get("Progressing") is None and status.has_deadline(deployment):
            text = f'Found new replica set "{plan.new.metadata.name}"'
            plan.conditions.set("Progressing", "True", "FoundNewReplicaSet", text)
    elif may_create:
        _create_new(plan, number, others)


def _create_new(plan: Plan, number: int, others: Sequence[Any]) -> None:
    size = new_size(plan, 0)
    tree = replicasets.new_tree(plan.deployment, size, number)
    name = tree["metadata"]["name"]
    if any(rs.metadata.name == name for rs in (*others, *plan.old)):
        collisions = ((plan.deployment.status and plan.deployment.status.collisionCount) or 0) + 1
        current = objects.tree_of(plan.deployment)
        fresh = {**current, "status": {**current.get("status", {}), "collisionCount": collisions}}
        plan.writes.append(update(fresh, "status"))
        plan.collided = True
        return
    text = f"Scaled up replica set {name} from 0 to {size}"
    done = plan.event("ScalingReplicaSet", text) if size else None
    failed = plan.event("ReplicaSetCreateError", f'Failed to create new replica set "{name}": {{error}}', warning=True)
    plan.writes.append(create(tree, done, failed))
    _set_revision(plan, str(number))
    if status.has_deadline(plan.deployment):
        plan.conditions.set("Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"')


def _set_revision(plan: Plan, number: str) -> None:
    if number and (plan.deployment.metadata.annotations or {}).get(replicasets.REVISION) != number:
        plan.revision = number


def _roll(plan: Plan, others: Sequence[Any]) -> None:
    _sync_new(plan, may_create=True, others=others)
    if plan.new is None:
        return
    if plan.size(plan.new) != plan.want:
        size = plan.want if plan.size(plan.new) > plan.want else new_size(plan, plan.size(plan.new))
        if size != plan.size(plan.new) and plan.scale(plan.new, size):
            return
    if scale_down_old(plan) or plan.outdated:
        return
    if status.is_complete(plan.deployment, status.old_numbers(plan.deployment)):
        _clean_up(plan)


def _recreate(plan: Plan, pods: list[Any], others: Sequence[Any]) -> None:
    _sync_new(plan, may_create=False, others=others)
    if scale_to_zero(plan):
        return
    if _old_pods_running(plan, pods):
        return
    if plan.new is None:
        _sync_new(plan, may_create=True, others=others)
        return
    if plan.size(plan.new) != plan.want:
        plan.scale(plan.new, plan.want)
    if status.is_complete(plan.deployment, status.old_numbers(plan.deployment)):
        _clean_up(plan)


def _old_pods_running(plan: Plan, pods: Iterable[Any]) -> bool:
    if maths.total(maths.counts(rs) for rs in plan.old).replicas > 0:
        return True
    return any(
        not objects.has_ended(pod) and (plan.new is None or not objects.owned_by(pod, plan.new)) for pod in pods
    )


def _scale(plan: Plan) -> None:
    """Sizes all ReplicaSets to a Deployment that was scaled (sync.go scale)."""
    active = plan.active(plan.all)
    if len(active) <= 1:
        only = active[0] if active else plan.new or (plan.old[-1] if plan.old else None)
        if only is not None:
            plan.scale(only, plan.want)
        return
    if _is_saturated(plan):
        scale_to_zero(plan)
    elif maths.is_rolling(plan.deployment):
        scale_proportionally(plan)


def _is_saturated(plan: Plan) -> bool:
    if plan.new is None:
        return False
    noted = (plan.new.metadata.annotations or {}).get(replicasets.DESIRED)
    available = maths.counts(plan.new).available
    return noted == str(plan.want) and plan.size(plan.new) == plan.want and available == plan.want


def _clean_up(plan: Plan) -> None:
    """Deletes old ReplicaSets beyond ``revisionHistoryLimit``, lowest revision first."""
    limit = plan.deployment.spec.revisionHistoryLimit
    if limit is None or limit == maths.NO_DEADLINE:
        return
    candidates = [rs for rs in plan.old if not rs.metadata.deletionTimestamp]
    surplus = len(candidates) - limit
    candidates.sort(key=lambda rs: (replicasets.revision(rs), *replicasets.age_order(rs)))
    for rs in candidates[: max(surplus, 0)]:
        observed = (rs.status and rs.status.observedGeneration) or 0
        if maths.counts(rs).replicas or plan.size(rs) or (rs.metadata.generation or 0) > observed:
            continue
        plan.writes.append(delete(rs))


def _finish(plan: Plan, progress: bool) -> Decision:
    """Adds the status write, if the status changes."""
    batches = list(one_by_one(plan.writes))
    if plan.collided:
        return Decision(tuple(batches), again=0)
    if plan.outdated:
        return Decision(tuple(batches), failed=True)
    deployment = plan.deployment
    found = status.numbers(deployment, plan.all, plan.new)
    status.availability(deployment, found, plan.conditions)
    if progress:
        status.progress(deployment, found, plan.conditions, plan.new, plan.clock)
        status.failures(plan.all, plan.new, plan.conditions)
    fresh = status.tree(deployment, found, plan.conditions)
    again = status.wait_for_deadline(deployment, found, plan.conditions, plan.clock) if progress else None
    if plan.revision or not status.same(deployment, fresh):
        tree = {**objects.tree_of(deployment), "status": fresh}
        if plan.revision:
            annotations = {**(deployment.metadata.annotations or {}), replicasets.REVISION: plan.revision}
            tree["metadata"] = {**tree["metadata"], "annotations": annotations}
        batches.append((update(tree, "status"),))
    return Decision(tuple(batches), again=again)
