"""Plays a lesson, without a screen: owns its clusters, its place in the steps, and all that is asked and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.cluster import Cluster, InputError, inputs
from k8s_tutor.lessons import lens as lenses
from k8s_tutor.lessons import models, teacher
from k8s_tutor.lessons.answers import Asked, chosen, is_right, put
from k8s_tutor.lessons.cel import condition
from k8s_tutor.lessons.debrief import Story
from k8s_tutor.lessons.goals import GoalCheck
from k8s_tutor.lessons.lens import Lens
from k8s_tutor.lessons.loader import spec_of
from k8s_tutor.lessons.measure import Measurement
from k8s_tutor.lessons.panel import draw
from k8s_tutor.lessons.stage import Stage
from k8s_tutor.lessons.steps import ASKING, DONE, FAILED, READING, RUNNING, SHOWING, WORKING, Open, Run
from k8s_tutor.lessons.view import LessonView
from k8s_tutor.lessons.worlds import IMAGINED, Moment, beside, moment_of, return_to, together, unanimous

Recorder = Callable[[str, int, dict[str, Any]], None]
"""Told what the learner did: (kind, step, details). Kinds: ``step answer hint solution task finished``."""


class Player:
    """One play of a lesson.

    A driver calls `advance` with a bounded budget, then `tick`; keys call `next`, `answer`, `hint`, `solve`, `reset`, `imagine`
    and `skip`; `view` is what to draw. The cluster may be driven beside it (inputs through `give`, time travel on `cluster`).
    """

    def __init__(self, lesson: models.Lesson, seed: int | None = None, record: Recorder | None = None) -> None:
        self.lesson = lesson
        self.lens: Lens = lenses.lens(lesson.lens)
        """The lens in which the lesson's names are written."""
        self._walks: tuple[tuple[str, str], ...] = ()
        self._walked: tuple[tuple[str, str], ...] = ()
        self.shown_lens = self.lens.id
        """The lens that the screen shows; a step may change it, the learner too."""
        spec = spec_of(lesson)
        self.main = Stage(Cluster(spec, seed), self.lens)
        self.seed = self.main.cluster.seed
        self.stages: list[Stage] = [self.main]
        self.panels: tuple[str, ...] = ()
        self.story = Story()
        self.index = 0
        self.total = len(lesson.steps)
        self.open = Open(None)
        self._worlds: list[Stage] = []
        self._moments: list[Moment] = []
        self._asked: Asked | None = None
        self._record = record or (lambda kind, step, details: None)
        self._enter(0)

    # ------------------------------------------------------------------ what there is

    @property
    def cluster(self) -> Cluster:
        """The cluster on the stage; of several worlds the first."""
        return self.stages[0].cluster

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """All worlds on the stage, side by side."""
        return tuple(stage.cluster for stage in self.stages)

    @property
    def step(self) -> models.Step | None:
        """The step that is open; None after the last."""
        return self.open.step

    @property
    def phase(self) -> str:
        """See `LessonView.phase`."""
        return self.open.phase

    @property
    def holds(self) -> bool:
        """Whether the clock must stand still: an answer comes first."""
        return self.phase == ASKING

    @property
    def walks(self) -> tuple[tuple[str, str], ...]:
        """(from, to) of the packets that are followed: this step's, but not before its question was answered."""
        return self._walked if self.holds else self._walks

    @property
    def finished(self) -> bool:
        """Whether the last step is behind us."""
        return self.open.step is None

    @property
    def asked(self) -> Asked | None:
        """The question that is put, with its values drawn."""
        return self._asked

    def view(self) -> LessonView:
        """The lesson at this moment."""
        return draw(self)

    @property
    def state(self) -> LessonView:
        """The lesson at this moment; the same as `view`."""
        return draw(self)

    # ------------------------------------------------------------------ opening steps

    def _enter(self, index: int) -> None:
        """Opens a step, or the end."""
        self.index = index
        step = self.lesson.steps[index] if index < self.total else None
        self.open = Open(step)
        self._asked = None
        if step is None:
            self.stages = [self.main]
            self._record("finished", index, {})
            return
        self._record("step", index, {})
        self.stages = self._stages(step)
        self.panels = tuple(step.show) or self.panels
        self._walked = self.walks
        self._walks = tuple((one.split()[0], one.split()[1]) for one in step.walk) or self._walked
        self.shown_lens = step.lens or self.shown_lens
        for stage in self.stages:
            stage.reopen()
        self._moments = [moment_of(stage.cluster) for stage in self.stages]
        self._begin(step)

    def _stages(self, step: models.Step) -> list[Stage]:
        if isinstance(step, models.Compare):
            if step.worlds:
                self._worlds = [
                    Stage(Cluster(spec_of(self.lesson, world.cluster), self.seed), self.lens, world.title)
                    for world in step.worlds
                ]
                start = max(stage.cluster.now for stage in self._worlds)
                for stage in self._worlds:
                    stage.cluster.run_until(start)
            return self._worlds
        if getattr(step, "beside", False) or (isinstance(step, models.Ask) and self.stages is self._worlds):
            return self._worlds
        return [self.main]

    def _begin(self, step: models.Step) -> None:
        """What happens by itself when a step opens."""
        if isinstance(step, models.Do):
            self.open.run = Run(self.stages, step.do, [step.until] * len(self.stages), step.limit)
        elif isinstance(step, models.WaitFor):
            self.open.run = Run(self.stages, (), [step.until] * len(self.stages), step.limit)
        elif isinstance(step, models.Compare):
            untils = [world.until or step.until for world in step.worlds] or [step.until] * len(self.stages)
            self.open.run = Run(self.stages, step.do, untils, step.limit)
        elif isinstance(step, models.Table):
            self.open.measurement = Measurement(step.measure, self.seed)
        elif isinstance(step, models.Task):
            self.open.check = GoalCheck(step.goal, self.main.reader)
        elif isinstance(step, (models.Ask, models.Review)):
            self._put()
        self.judge()

    def _put(self) -> None:
        """Puts the question of an ask step, or the next one of a review."""
        question = self.question
        if question is None:
            self.open.phase = DONE
            return
        self.open.chosen, self.open.given, self.open.right = -1, "", None
        self.open.phase = ASKING
        self._asked = put(question, self.stages[0].reader, self.seed, f"{self.lesson.id}/{self.index}/{self.open.item}")

    @property
    def question(self) -> models.Question | None:
        """The question of an ask step or a review, without its values."""
        step = self.step
        if isinstance(step, models.Review):
            return step.items[self.open.item] if self.open.item < len(step.items) else None
        return step if isinstance(step, models.Ask) else None

    # ------------------------------------------------------------------ keys

    def next(self) -> bool:
        """Goes on where that is possible: to the next question of a review, or the next step. Says whether it did."""
        if self.phase not in (READING, DONE) or self.finished:
            return False
        step = self.step
        if isinstance(step, models.Review) and self.open.item < len(step.items):
            self.open.item += 1
            self._put()
            if self.phase == ASKING:
                return True
        self._close()
        self._enter(self.index + 1)
        return True

    def _close(self) -> None:
        own = isinstance(self.step, models.Task)
        if self.stages == [self.main]:
            self.story.close(own and not self.open.shown, self.main.given, self.main.reader.since.notes(self.main.cluster))

    def answer(self, choice: int | str, sure: bool | None = None) -> bool:
        """Commits an answer: the number of an option (from 0), its text, or words. Says whether it was right.

        Raises ValueError when no answer is wanted, or there is no such option.
        """
        if self.phase != ASKING:
            raise ValueError("no answer is wanted now")
        step = self.step
        options = [option.text for option in step.options] if isinstance(step, models.Predict) else []
        asked = self._asked
        options = options or list(asked.options if asked else ())
        if options:
            self.open.chosen = chosen(choice, options)
            right = next(i for i, option in enumerate(self.options) if option.correct)
            self.open.right = self.open.chosen == right
        else:
            assert asked is not None
            self.open.given = str(choice)
            self.open.right = is_right(self.open.given, asked, self.lens)
        self.open.results.append(self.open.right)
        details = {"right": self.open.right, "sure": sure, "answer": choice, "item": self.open.item}
        self._record("answer", self.index, details)
        if isinstance(step, models.Predict):
            self.open.run = Run(self.stages, step.then, [step.until] * len(self.stages), step.limit)
            self.open.phase = RUNNING
            self.judge()
        else:
            self.open.phase = DONE
        return self.open.right

    @property
    def options(self) -> list[models.Option]:
        """The options of the question that is put."""
        step = self.step
        if isinstance(step, models.Predict):
            return step.options
        return list(self.question.options) if self.question else []

    def hint(self) -> str:
        """The next hint: first those whose ``when`` holds, in order, then the others. Empty when there is none left."""
        step = self.step
        if not isinstance(step, models.Task) or self.phase not in (WORKING, FAILED):
            return ""
        left = [hint for hint in step.hints if hint.say not in self.open.hints]
        fitting = [hint for hint in left if hint.when and self.main.reader.holds(condition(hint.when))]
        found = next(iter(fitting or [hint for hint in left if not hint.when]), None)
        if found is None:
            return ""
        self.open.hints.append(found.say)
        self._record("hint", self.index, {"count": len(self.open.hints)})
        return found.say

    def solve(self, confirmed: bool = False) -> bool:
        """Plays the solution on the live cluster, from the moment at which the task opened. Without ``confirmed`` and without
        an attempt the first call only asks back. Says whether it plays."""
        step = self.step
        if not isinstance(step, models.Task) or self.phase not in (WORKING, FAILED):
            return False
        if not confirmed and not self.open.asked_solution:
            self.open.asked_solution = True
            return False
        self._record("solution", self.index, {})
        self._go_back()
        self.open.shown = True
        self.open.phase = SHOWING
        self.main.play(step.solution)
        self.judge()
        return True

    def reset(self) -> bool:
        """Back to the moment at which the step opened; what was done since stays as a branch."""
        if self.finished:
            return False
        before = self.open
        self._go_back()
        step = self.open.step
        assert step is not None
        self.open.hints = before.hints
        self._begin(step)
        return True

    def _go_back(self) -> None:
        for stage, moment in zip(self.stages, self._moments, strict=True):
            return_to(stage.cluster, moment)
            stage.reopen()
        hints = self.open.hints
        self.open = Open(self.open.step)
        self.open.hints = hints
        if isinstance(self.open.step, models.Task):
            self.open.check = GoalCheck(self.open.step.goal, self.main.reader)

    def imagine(self) -> bool:
        """Replays the prediction's demonstration in the world in which the chosen answer would have been true, beside this one.

        Says whether there is such a world.
        """
        step, option = self.step, self.imaginable
        if not isinstance(step, models.Predict) or option is None or option.imagine is None:
            return False
        imagined = option.imagine
        self.open.imagined = imagined.say or f"The world in which “{option.text}” would be true."
        if imagined.quorum is not None:
            self.open.imagined = unanimous(imagined.quorum, self.main, imagined.say)
        if imagined.cluster:
            self.stages = beside(self.main, spec_of(self.lesson, imagined.cluster), option.text)
            self.open.run = Run(self.stages, step.then, [step.until] * 2, min(step.limit, IMAGINED))
            self.open.imagining = True
            self.open.phase = RUNNING
        return True

    @property
    def imaginable(self) -> models.Option | None:
        """The wrong option that was chosen, if it names a world and was not replayed yet."""
        step = self.step
        if not isinstance(step, models.Predict) or self.phase != DONE or self.open.right or self.open.imagined:
            return None
        option = step.options[self.open.chosen]
        return option if option.imagine is not None else None

    def set_lens(self, name: str) -> None:
        """Shows the same state through another lens. Raises `LessonError` for an unknown one."""
        self.shown_lens = lenses.lens(name).id

    def give(self, given: inputs.Input) -> None:
        """Puts an input of the learner into every world on the stage. Raises InputError when no world can take it."""
        errors = []
        for stage in self.stages:
            try:
                stage.give(given)
            except InputError as error:
                errors.append(error)
        if len(errors) == len(self.stages):
            raise errors[0]
        self.judge()

    # ------------------------------------------------------------------ time

    def advance(self, to: int, budget: int = 5_000) -> bool:
        """Runs all worlds up to an instant (µs), at most ``budget`` messages together. True when the instant was reached.

        Stops at the very message that brings a step to its end. While an answer is wanted, nothing moves.
        """
        if self.holds:
            return False
        phase = self.phase
        watching = phase in (RUNNING, WORKING, SHOWING) and self.open.measurement is None
        each = (lambda: self.judge() or self.phase != phase) if watching else None
        step_deadline = self._deadline()
        limit = min(to, step_deadline) if step_deadline else to
        left = together(self.stages, limit, budget, each)
        self.judge()
        if self.phase != phase and len(self.stages) > 1:
            latest = max(stage.cluster.now for stage in self.stages)
            for stage in self.stages:
                stage.cluster.run_until(latest)
        return left > 0 and limit >= to and self.phase == phase

    def _deadline(self) -> int:
        if self.open.run is not None and self.phase == RUNNING:
            return self.open.run.deadline
        return 0

    def tick(self) -> bool:
        """To be called between two slices: looks at this moment, and fills one more cell of a table. Says whether the step's
        phase has changed."""
        phase = self.phase
        measurement = self.open.measurement
        if measurement is not None and self.phase == RUNNING:
            measurement.step()
        self.judge()
        return self.phase != phase

    def judge(self) -> bool:
        """Whether the open step has just come to its end, here and now."""
        state = self.open
        phase = state.phase
        if state.measurement is not None and phase == RUNNING:
            if state.measurement.done:
                state.phase = DONE
        elif state.run is not None and phase == RUNNING:
            if state.run.judge():
                state.phase = DONE
        elif state.check is not None and phase in (WORKING, SHOWING, FAILED, DONE):
            state.check.update()
            state.phase = self._task_phase(state.check, phase)
        if state.phase != phase and state.check is not None and state.phase in (DONE, FAILED):
            self._record("task", self.index, {"reached": state.phase == DONE, "shown": state.shown})
        return state.phase != phase

    def _task_phase(self, check: GoalCheck, phase: str) -> str:
        if check.reached:
            return DONE
        if check.broken:
            return FAILED
        return phase if phase in (WORKING, SHOWING) else WORKING

    # ------------------------------------------------------------------ nobody watches

    def finish_step(self) -> list[str]:
        """See `teacher.finish_step`."""
        return teacher.finish_step(self)

    def troubles(self) -> list[str]:
        """See `teacher.troubles`."""
        return teacher.troubles(self)

    def right_answer(self) -> int | str:
        """The right answer of the question that is put: the number of an option, or words."""
        options = self.options
        if options:
            return next(index for index, option in enumerate(options) if option.correct)
        assert self._asked is not None
        return self._asked.right

    def skip(self) -> bool:
        """Completes the open step as a teacher would and goes on to the next one, in a valid state."""
        if self.finished:
            return False
        self.finish_step()
        self.open.phase = DONE
        if isinstance(self.step, models.Review):
            self.open.item = len(self.step.items)
        return self.next()

    def skip_to(self, index: int) -> None:
        """Skips ahead to a step (from 0)."""
        while self.index < min(index, self.total) and self.skip():
            pass
