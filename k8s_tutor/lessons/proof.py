"""Lessons prove themselves: for every task the untouched start fails, the solution passes, every alternative passes, every fake
fix fails; all from the moment at which the task opens, on several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from k8s_tutor.lessons.actions import Base, in_words
from k8s_tutor.lessons.errors import LessonError, Problem
from k8s_tutor.lessons.goals import GoalCheck
from k8s_tutor.lessons.lint import changes_nothing
from k8s_tutor.lessons.loader import Loaded, files, load_all
from k8s_tutor.lessons.models import Task
from k8s_tutor.lessons.player import Player
from k8s_tutor.lessons.pool import spread
from k8s_tutor.lessons.stage import Stage
from k8s_tutor.lessons.teacher import HEADLESS
from k8s_tutor.lessons.values import in_words as duration

SEEDS = 3
"""On how many seeds a lesson is proved by default: its own and those after it."""


class Run(NamedTuple):
    """One run of a task. ``took``: virtual µs from the task's opening to its goal or deadline. ``ok``: it went as it must."""

    name: str
    seed: int
    reached: bool
    ok: bool
    took: int
    reason: str


class TaskProof(NamedTuple):
    """The runs of one task over all seeds."""

    step: int
    title: str
    place: str
    untouched: tuple[Run, ...]
    solution: tuple[Run, ...]
    alternatives: tuple[Run, ...]
    fakes: tuple[Run, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs."""
        return (*self.untouched, *self.solution, *self.alternatives, *self.fakes)


class LessonProof(NamedTuple):
    """A lesson's tasks, and what else went wrong on the way through it: (place, text)."""

    id: str
    file: str
    tasks: tuple[TaskProof, ...]
    troubles: tuple[tuple[str, str], ...]


class Report(NamedTuple):
    """What `check` found. ``problems``: files that are no lessons."""

    lessons: tuple[LessonProof, ...]
    problems: tuple[Problem, ...]

    @property
    def status(self) -> int:
        """Exit status: 2 for a file that is no lesson, 1 when a proof failed, else 0."""
        if self.problems:
            return 2
        bad = any(lesson.troubles or any(not run.ok for task in lesson.tasks for run in task.runs) for lesson in self.lessons)
        return 1 if bad else 0

    def errors(self) -> list[str]:
        """One line for each thing that is wrong, with its place."""
        lines = [str(problem) for problem in self.problems]
        for lesson in self.lessons:
            lines += [f"{place}: {text}" for place, text in lesson.troubles]
            lines += [_failure(task, run) for task in lesson.tasks for run in task.runs if not run.ok]
        return list(dict.fromkeys(lines))

    def text(self) -> str:
        """The report for people: a line for each lesson and task. Errors are apart, see `errors`."""
        lines = []
        for lesson in self.lessons:
            count = len(lesson.tasks)
            bad = bool(lesson.troubles) or any(not run.ok for task in lesson.tasks for run in task.runs)
            lines.append(f"{'✗' if bad else '✓'} {lesson.id}  {count} task{'' if count == 1 else 's'}")
            for task in lesson.tasks:
                lines.append(f"    {task.title}")
                lines.append("        " + "   ".join(_group(name, getattr(task, name)) for name in GROUPS))
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """The stable form: ``{"lessons": [{"id", "tasks": [{"runs": {"untouched", "solution", ...}}]}]}``; see `GROUPS`."""
        return {
            "lessons": [
                {
                    "id": lesson.id,
                    "file": lesson.file,
                    "ok": not lesson.troubles and all(run.ok for task in lesson.tasks for run in task.runs),
                    "troubles": [f"{place}: {text}" for place, text in lesson.troubles],
                    "tasks": [
                        {
                            "step": task.step + 1,
                            "title": task.title,
                            "place": task.place,
                            "runs": {name: [_run(run) for run in getattr(task, name)] for name in GROUPS},
                        }
                        for task in lesson.tasks
                    ],
                }
                for lesson in self.lessons
            ],
            "problems": [problem._asdict() for problem in self.problems],
        }


GROUPS = ("untouched", "solution", "alternatives", "fakes")
_MUST_REACH = {"untouched": False, "solution": True, "alternatives": True, "fakes": False}


def _run(run: Run) -> dict[str, Any]:
    return {
        "name": run.name, "seed": run.seed, "reached": run.reached, "ok": run.ok, "seconds": run.took / 1_000_000,
        "reason": run.reason,
    }  # fmt: skip


def _group(name: str, runs: Sequence[Run]) -> str:
    good = sum(run.ok for run in runs)
    word = "passes" if _MUST_REACH[name] else "fails"
    return f"{'✓' if good == len(runs) else '✗'} {name} {word} {good}/{len(runs)}"


def _failure(task: TaskProof, run: Run) -> str:
    return f"{task.place}: task {task.title!r}: {run.reason} (seed {run.seed})"


def check(places: Sequence[Path] = (), seeds: int | Sequence[int] = SEEDS) -> Report:
    """Loads and proves all lessons at these places (default: the built-in ones). ``seeds``: how many from each lesson's own
    seed on, or which ones. Files that are no lessons do not keep the others from being proved."""
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    try:
        loaded = load_all(places)
    except LessonError as error:
        problems = list(error.problems)
        loaded = list(_sound(places, {problem.file for problem in problems}))
    jobs = [(entry.document.file, seed) for entry in loaded for seed in _seeds(entry, seeds)]
    runs = iter(spread(_prove_file, jobs))
    proofs = [_proof(entry, [next(runs) for _ in _seeds(entry, seeds)]) for entry in loaded]
    return Report(tuple(proofs), tuple(problems))


def _sound(places: Sequence[Path], broken: set[str]) -> Iterator[Loaded]:
    """The lessons among files of which some are broken."""
    from k8s_tutor import paths
    from k8s_tutor.lessons.loader import load

    try:
        found = files(places or [paths.lessons()])
    except LessonError:
        return
    for path in found:
        if str(path) not in broken:
            yield load(path)


class _SeedProof(NamedTuple):
    """What one play of a lesson gave: (step, group, run) of its tasks, and troubles as (step, text)."""

    runs: tuple[tuple[int, str, Run], ...]
    troubles: tuple[tuple[int, str], ...]


def prove(entry: Loaded, seeds: int | Sequence[int] = SEEDS) -> LessonProof:
    """Plays a lesson headless on each seed and makes the runs of each of its tasks."""
    return _proof(entry, [_prove(entry, seed) for seed in _seeds(entry, seeds)])


def _seeds(entry: Loaded, seeds: int | Sequence[int]) -> Sequence[int]:
    own = int(entry.lesson.cluster.get("seed", 1))
    return range(own, own + seeds) if isinstance(seeds, int) else seeds


def _prove_file(job: tuple[str, int]) -> _SeedProof:
    """One lesson on one seed, in whatever process."""
    from k8s_tutor.lessons.loader import load

    return _prove(load(Path(job[0])), job[1])


def _prove(entry: Loaded, seed: int) -> _SeedProof:
    player = Player(entry.lesson, seed)
    runs: list[tuple[int, str, Run]] = []
    troubles: list[tuple[int, str]] = []
    while not player.finished:
        step, index = player.step, player.index
        if isinstance(step, Task):
            runs += [(index, group, run) for group, run in task_runs(player.main, step, seed)]
        found = player.finish_step()
        if not isinstance(step, Task):
            troubles += [(index, f"{trouble} (seed {seed})") for trouble in found]
        player.skip()
    return _SeedProof(tuple(runs), tuple(troubles))


def _proof(entry: Loaded, plays: Sequence[_SeedProof]) -> LessonProof:
    """The plays of a lesson on all its seeds, put together."""
    tasks = {index: step for index, step in enumerate(entry.lesson.steps) if isinstance(step, Task)}
    runs: dict[int, dict[str, list[Run]]] = {index: {name: [] for name in GROUPS} for index in tasks}
    troubles: dict[tuple[str, str], None] = {}
    for play in plays:
        for index, group, run in play.runs:
            runs[index][group].append(run)
        for index, text in play.troubles:
            troubles[entry.place("steps", index), text] = None
    proofs = tuple(
        TaskProof(
            index, step.title or " ".join(step.text.split()[:8]), entry.place("steps", index, "task"),
            *(tuple(runs[index][name]) for name in GROUPS),
        )
        for index, step in tasks.items()
    )  # fmt: skip
    return LessonProof(entry.lesson.id, entry.document.file, proofs, tuple(troubles))


def task_runs(stage: Stage, task: Task, seed: int) -> Iterator[tuple[str, Run]]:
    """The four kinds of runs of a task, each from a fork of this moment: (group, run)."""
    yield "untouched", _untouched(stage, task, seed)
    yield "solution", _attempt(stage, task, seed, "the solution", task.solution, True)
    for index, actions in enumerate(task.alternatives):
        yield "alternatives", _attempt(stage, task, seed, f"alternative {index + 1}", actions, True)
    for index, actions in enumerate(task.fake_fixes):
        yield "fakes", _attempt(stage, task, seed, f"fake fix {index + 1}", actions, False)


def _untouched(stage: Stage, task: Task, seed: int) -> Run:
    return _attempt(stage, task, seed, "the untouched start", (), False)


def _attempt(stage: Stage, task: Task, seed: int, name: str, actions: Sequence[Base], must: bool) -> Run:
    """Plays actions in a fork and runs on to the goal or to the deadline."""
    fork = stage.fork()
    goal = GoalCheck(task.goal, fork.reader)
    opened = fork.cluster.now
    goal.update()
    fork.play(actions)
    end = opened + task.deadline
    while not goal.update() and fork.cluster.now < end:
        fork.advance(end, HEADLESS, goal.update)
    reached = goal.reached is not None
    took = (goal.reached.at if goal.reached else fork.cluster.now) - opened
    reason = _reason(fork, goal, task, name, actions, must)
    return Run(name, seed, reached, not reason, took, reason)


def _reason(stage: Stage, goal: GoalCheck, task: Task, name: str, actions: Sequence[Base], must: bool) -> str:
    """Why a run did not go as it must; empty when it did."""
    troubles = stage.script.troubles
    if must and not goal.reached:
        if troubles:
            return f"{name} cannot be played: {troubles[0]}"
        if goal.broken:
            return f"{name} breaks the goal: {goal.broken.text}"
        missing = next((line.text for line in goal.lines() if line.state == "open"), "")
        return f"{name} does not reach the goal within {duration(task.deadline)}: {missing!r} stays false"
    if not must and goal.reached:
        words = "; ".join(in_words(action) for action in actions)
        return f"{name} reaches the goal{f' ({words})' if words else ': the task solves itself'}"
    if not must and actions and not _effective(stage, actions):
        return f"{name} changes nothing: {troubles[0] if troubles else 'all that it typed was refused'}"
    return ""


def _effective(stage: Stage, actions: Sequence[Base]) -> bool:
    """Whether at least one thing was done: an input that is no console line, or a line that writes and was not refused."""
    doing = [action for action in actions if not changes_nothing(action)]
    lines = stage.reader.since.lines(stage.cluster)
    typed = [action for action in doing if action.VERB in ("kubectl", "etcdctl", "ssh", "apply")]
    if len(typed) < len(doing):
        return len(stage.script.troubles) < len(doing)
    writes = [_said(action) for action in typed]
    return any(answer.code in (0, -1) and any(answer.line.startswith(line) for line in writes) for answer in lines)


def _said(action: Base) -> str:
    if action.VERB == "apply":
        return "apply"
    words: str = getattr(action, action.VERB)
    return (words if action.VERB == "kubectl" else f"{action.VERB} {words}").partition("*")[0]
