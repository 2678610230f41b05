"""Several worlds on one clock, exact moments to come back to, and worlds that are only imagined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.cluster import Cluster
from k8s_tutor.lessons.parts import part
from k8s_tutor.lessons.stage import Stage

SLICE = 10_000
"""How far (µs) one of several worlds may run ahead of the others."""
Moment = tuple[Any, int, int, int]
"""(branch, events delivered, inputs taken, instant in µs)."""


def together(stages: list[Stage], to: int, budget: int, each: Callable[[], bool] | None) -> int:
    """Runs worlds up to an instant on one clock: none is ever further than a `SLICE` ahead. Returns the rest of ``budget``."""
    if len(stages) == 1:
        return stages[0].advance(max(to, stages[0].cluster.now), budget, each)
    while budget > 0:
        behind = min(stages, key=lambda stage: stage.cluster.now)
        if behind.cluster.now >= to:
            return budget
        slowest = min(stage.cluster.now for stage in stages if stage is not behind)
        budget = behind.advance(min(to, max(slowest, behind.cluster.now) + SLICE), budget, each)
    return 0


def unanimous(quorum: int, stage: Stage, say: str) -> str:
    """What a rule that asks for ``quorum`` members would mean here."""
    raft = part(stage.cluster, "raft")
    verdict = "they could go on" if raft.reach >= quorum else "nothing could be decided any more"
    text = f"If {quorum} of {raft.size} had to agree: {raft.reach} are within reach now, so {verdict}."
    text += f" It would tolerate {raft.size - quorum}."
    return f"{say}\n\n{text}" if say else text


def moment_of(cluster: Cluster) -> Moment:
    timeline = cluster.timeline
    return timeline.branch, timeline.world.events, timeline.taken, cluster.now


def return_to(cluster: Cluster, moment: Moment) -> None:
    """Goes back to a moment exactly, also when several inputs were given at the same event."""
    branch, events, taken, at = moment
    cluster.checkout(branch.name)
    cluster.timeline.goto(events, taken, at)
