"""What each kind of step does while it is open: its phases, its scripts, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_tutor.lessons import models
from k8s_tutor.lessons.cel import condition
from k8s_tutor.lessons.goals import GoalCheck
from k8s_tutor.lessons.measure import Measurement
from k8s_tutor.lessons.reader import Watch
from k8s_tutor.lessons.stage import Stage

READING, ASKING, RUNNING, WORKING = "reading", "asking", "running", "working"
SHOWING, FAILED, DONE = "showing", "failed", "done"

START = {
    "say": READING, "debrief": READING, "do": RUNNING, "wait": RUNNING, "compare": RUNNING, "table": RUNNING, "predict": ASKING,
    "ask": ASKING, "review": ASKING, "task": WORKING,
}  # fmt: skip


class Run:
    """A demonstration: a script on each stage, over when each stage has come to its end, or at the limit."""

    def __init__(self, stages: Sequence[Stage], actions: Sequence[Any], untils: Sequence[str], limit: int) -> None:
        self.stages = list(stages)
        self.watches = [Watch(condition(until)) if until else None for until in untils]
        self.ended: list[int] = [0] * len(self.stages)
        """When (µs) each stage came to its end; 0: not yet."""
        self.late = False
        self.deadline = max(stage.cluster.now for stage in stages) + limit
        for stage in self.stages:
            stage.play(actions)

    def judge(self) -> bool:
        """Looks at this moment. True when all stages have come to their end, or the limit is over."""
        for index, stage in enumerate(self.stages):
            if not self.ended[index] and self._over(stage, self.watches[index]):
                self.ended[index] = max(1, stage.cluster.now)
        if all(self.ended):
            return True
        self.late = all(stage.cluster.now >= self.deadline for stage in self.stages)
        return self.late

    def _over(self, stage: Stage, watch: Watch | None) -> bool:
        if not stage.script.done:
            return False
        if watch is not None:
            return watch.holds(stage.reader)
        return stage.cluster.quiet and not stage.busy() and stage.cluster.events > 0

    @property
    def troubles(self) -> list[str]:
        """What could not be done."""
        return [trouble for stage in self.stages for trouble in stage.script.troubles]


class Open:
    """The state of the step that is open."""

    def __init__(self, step: models.Step | None) -> None:
        self.step = step
        self.phase = START[step.KIND] if step is not None else DONE
        self.run: Run | None = None
        self.check: GoalCheck | None = None
        self.measurement: Measurement | None = None
        self.chosen = -1
        self.given = ""
        self.right: bool | None = None
        self.hints: list[str] = []
        self.asked_solution = False
        self.shown = False
        """The solution was played."""
        self.imagined = ""
        self.imagining = False
        self.item = 0
        """Of a review: which question is put."""
        self.results: list[bool] = []
