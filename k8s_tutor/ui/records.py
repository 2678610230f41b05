"""Where the screen meets the learner's files: a lesson's player, progress, and a report of what went wrong."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8s_tutor.ui.shelf import Done

if TYPE_CHECKING:
    from k8s_tutor.lessons.player import Player
    from k8s_tutor.lessons.progress import Standing

APP = "k8s-tutor"


class Recorder:
    """Writes down what the learner does, but for what is only replayed (``on`` is False then)."""

    def __init__(self, lesson: str, total: int) -> None:
        self.lesson = lesson
        self.total = total
        self.on = False
        self._write: Any = None

    def begin(self, seed: int) -> None:
        """From here on things count."""
        from k8s_tutor.lessons.progress import Progress

        if self._write is None:
            self._write = Progress().recorder(self.lesson, self.total, seed)
        self.on = True

    def __call__(self, kind: str, step: int, details: dict[str, Any]) -> None:
        if self.on and self._write is not None:
            self._write(kind, step, details)


def play(name: str, seed: int | None, again: bool) -> tuple[Player, Recorder]:
    """A player for a lesson by id or path; at the step where the learner left it unless ``again``."""
    from k8s_tutor.lessons.loader import find
    from k8s_tutor.lessons.player import Player

    lesson = find(name).lesson
    left = None if again else standings().get(lesson.id)
    resumes = left is not None and 0 < left.step < left.total == len(lesson.steps) and not left.finished
    recorder = Recorder(lesson.id, len(lesson.steps))
    player = Player(lesson, left.seed if resumes and left is not None and seed is None else seed, recorder)
    if resumes and left is not None:
        player.skip_to(left.step)
    recorder.begin(player.seed)
    return player, recorder


def standings() -> Mapping[str, Standing]:
    """How far every lesson has been played; nothing when the file cannot be read."""
    from k8s_tutor.lessons.progress import Progress, ProgressError

    try:
        return Progress().standings()
    except ProgressError:
        return {}


def progress() -> tuple[tuple[str, Done], ...]:
    """The same for the home screen."""
    return tuple((one.id, Done(one.step, one.total, bool(one.finished))) for one in standings().values())


def report(error: BaseException) -> Path:
    """Writes a traceback to the app's log folder; where it is."""
    from platformdirs import user_log_path

    folder = user_log_path(APP, ensure_exists=True)
    path = folder / "trouble.txt"
    path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return path
