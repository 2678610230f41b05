"""Several worlds on one clock, exact moments to come back to, and worlds that are only imagined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.cluster import Cluster
from k8s_tutor.lessons.parts import part
from k8s_tutor.lessons.stage import Stage, replayed
from k8s_tutor.sim import SECOND

SLICE = 10_000
"""How far (µs) one of several worlds may run ahead of the others."""
IMAGINED = 15 * SECOND
"""How long (µs) an imagined world is played: what it is to show may be that nothing happens."""
SHORT = 24
"""Letters of an answer that may stand over the world in which it would be right."""
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


def beside(stage: Stage, spec: Any, answer: str) -> list[Stage]:
    """The moment at which a stage's step opened, twice: as it was, and in a world of another spec that was given the same
    inputs. ``answer``: the one that would be right there."""
    cluster = stage.cluster
    session, opened = cluster.save(), stage.reader.since.at
    past = cluster.fork() if not session["inputs"] else replayed(cluster.spec, session, opened - 1)
    other = replayed(spec, session, opened - 1)
    title = answer if len(answer) <= SHORT else "Your answer"
    sides = [Stage(past, stage.lens, "As it is"), Stage(other, stage.lens, title)]
    start = max(side.cluster.now for side in sides)
    for side in sides:
        side.cluster.run_until(start)
    return sides


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
