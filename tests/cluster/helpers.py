"""Clusters for tests, and short words for what tests do to them."""

from __future__ import annotations

from typing import Any

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.cluster.views import AnswerView
from k8s_tutor.sim import SECOND


def cluster(**spec: Any) -> Cluster:
    """A small cluster that has come to rest."""
    return Cluster(ClusterSpec.model_validate({"managers": 1, "workers": 1, "seed": 7, **spec}))


def kubectl(on: Cluster, line: str, client: str = "you", limit: int = 120 * SECOND) -> AnswerView:
    """Types a line and runs until it is answered."""

    def busy(c: Cluster) -> bool:
        console: Any = c.world.actor(client)
        return bool(console.sessions)

    on.give(inputs.Kubectl(line, client=client))
    on.run_until(busy, SECOND)
    assert on.run_until(lambda c: not busy(c), limit), f"{line}: no answer"
    return on.view().console.answers[-1]


def settled(on: Cluster, line: str) -> AnswerView:
    """Types a line and runs until all that follows from it is done."""
    on.give(inputs.Kubectl(line))
    assert on.settle()
    return on.view().console.answers[-1]


def until(on: Cluster, condition: Any, limit: int = 400 * SECOND) -> None:
    """Runs until a condition over the cluster holds."""
    assert on.run_until(condition, limit), "the condition never held"
