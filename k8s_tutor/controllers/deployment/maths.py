"""The arithmetic of rollouts (pkg/controller/deployment/util/deployment_util.go): pure functions of numbers and structs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

NO_DEADLINE = 2**31 - 1


def scaled(value: int | str, total: int, up: bool) -> int:
    """A number, or a percentage of ``total`` rounded up or down."""
    if isinstance(value, int):
        return value
    hundredths = int(value.rstrip("%")) * total
    return -(-hundredths // 100) if up else hundredths // 100


def is_rolling(deployment: Any) -> bool:
    """Strategy RollingUpdate."""
    strategy = deployment.spec.strategy
    return strategy is None or (strategy.type or "RollingUpdate") == "RollingUpdate"


def wanted(deployment: Any) -> int:
    """``spec.replicas``."""
    replicas = deployment.spec.replicas
    return 1 if replicas is None else int(replicas)


def fenceposts(deployment: Any) -> tuple[int, int]:
    """(maxSurge rounded up, maxUnavailable rounded down); when both are 0 one pod may be missing."""
    rolling = deployment.spec.strategy and deployment.spec.strategy.rollingUpdate
    surge = scaled("25%" if rolling is None or rolling.maxSurge is None else rolling.maxSurge, wanted(deployment), True)
    missing = scaled(
        "25%" if rolling is None or rolling.maxUnavailable is None else rolling.maxUnavailable, wanted(deployment), False
    )
    return (surge, 1) if not surge and not missing else (surge, missing)


def max_surge(deployment: Any) -> int:
    """Pods above the wanted number."""
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Any) -> int:
    """Pods that may be missing."""
    if not is_rolling(deployment) or not wanted(deployment):
        return 0
    return min(fenceposts(deployment)[1], wanted(deployment))


class Counts(NamedTuple):
    """What a ReplicaSet's status says."""

    replicas: int = 0
    ready: int = 0
    available: int = 0
    terminating: int = 0


def size(rs: Any) -> int:
    """How many pods a ReplicaSet is to have."""
    return 1 if rs.spec.replicas is None else int(rs.spec.replicas)


def counts(rs: Any) -> Counts:
    """Status numbers of one ReplicaSet; all 0 for None."""
    status = rs.status if rs is not None else None
    if status is None:
        return Counts()
    return Counts(
        status.replicas or 0, status.readyReplicas or 0, status.availableReplicas or 0, status.terminatingReplicas or 0
    )


def total(parts: Iterable[Counts]) -> Counts:
    """Sum of several."""
    found = Counts()
    for part in parts:
        found = Counts(*(a + b for a, b in zip(found, part, strict=True)))
    return found


def fraction(size: int, allowed: int, before: int) -> int:
    """How much a ReplicaSet of this size gains when the whole grows from ``before`` to ``allowed``: rounded to the nearest,
    halves away from zero (getReplicaSetFraction)."""
    if not before:
        return 0
    return (2 * size * allowed + before) // (2 * before) - size
