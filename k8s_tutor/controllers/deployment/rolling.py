"""How sizes move during a rollout (rolling.go, recreate.go, and the proportional part of sync.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.controllers.deployment import maths, replicasets
from k8s_tutor.controllers.deployment.plan import Plan


def new_size(plan: Plan, size: int) -> int:
    """The size that the new ReplicaSet, now of this size, may have (NewRSNewReplicas)."""
    if not maths.is_rolling(plan.deployment):
        return plan.want
    most = plan.want + maths.max_surge(plan.deployment)
    present = plan.sum(plan.all)
    if present >= most:
        return size
    return size + min(most - present, plan.want - size)


def scale_down_old(plan: Plan) -> bool:
    """Takes pods from the old ReplicaSets as far as enough others are available; unhealthy ones first. True if any."""
    if not plan.sum(plan.old):
        return False
    least = plan.want - maths.max_unavailable(plan.deployment)
    missing = plan.size(plan.new) - maths.counts(plan.new).available
    spare = plan.sum(plan.all) - least - missing
    if spare <= 0:
        return False
    unhealthy = _clean_unhealthy(plan, spare)
    if plan.outdated:
        return False
    healthy = _scale_down_healthy(plan, least)
    return unhealthy + healthy > 0


def _clean_unhealthy(plan: Plan, most: int) -> int:
    done = 0
    for rs in plan.old:
        if done >= most:
            break
        size, available = plan.size(rs), maths.counts(rs).available
        if not size or size == available:
            continue
        if available > size:
            plan.outdated = True
            break
        less = min(most - done, size - available)
        plan.scale(rs, size - less)
        done += less
    return done


def _scale_down_healthy(plan: Plan, least: int) -> int:
    available = maths.total(maths.counts(rs) for rs in plan.all).available
    most, done = available - least, 0
    for rs in plan.old:
        if done >= most:
            break
        size = plan.size(rs)
        if not size:
            continue
        less = min(size, most - done)
        plan.scale(rs, size - less)
        done += less
    return done


def scale_to_zero(plan: Plan) -> bool:
    """Takes all pods from the old ReplicaSets. True if there were any."""
    changed = [plan.scale(rs, 0) for rs in plan.active(plan.old)]
    return any(changed)


def scale_proportionally(plan: Plan) -> None:
    """Spreads a change of size over all active ReplicaSets by their share; the largest takes what is left over."""
    deployment = plan.deployment
    allowed = plan.want + maths.max_surge(deployment) if plan.want > 0 else 0
    active = plan.active(plan.all)
    change = allowed - plan.sum(active)
    active.sort(key=replicasets.age_order, reverse=change > 0)
    active.sort(key=lambda rs: -plan.size(rs))
    sizes: dict[str, int] = {}
    added = 0
    for rs in active:
        share = _share(plan, rs, change, added) if change else 0
        sizes[rs.metadata.name] = plan.size(rs) + share
        added += share
    if change and active:
        first = active[0].metadata.name
        sizes[first] = max(sizes[first] + change - added, 0)
    for rs in active:
        plan.scale(rs, sizes[rs.metadata.name])


def _share(plan: Plan, rs: Any, change: int, added: int) -> int:
    """GetReplicaSetProportion."""
    left = change - added
    if not plan.size(rs) or not left:
        return 0
    if not plan.want:
        part = -plan.size(rs)
    else:
        noted = (rs.metadata.annotations or {}).get(replicasets.MAXIMUM, "")
        before = int(noted) if noted.isdigit() and int(noted) else (plan.deployment.status.replicas or 0)
        part = maths.fraction(plan.size(rs), plan.want + maths.max_surge(plan.deployment), before)
    return min(part, left) if change > 0 else max(part, left)
