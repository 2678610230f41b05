"""Where the screen meets the learner's files: a lesson's player, progress, and a report of what went wrong."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from k8s_tutor.ui.shelf import Done, Entry

APP = "k8s-tutor"


def play(name: str, seed: int | None, again: bool) -> Any:
    """A player for a lesson by id or path; at the step where the learner left it unless ``again``."""
    from k8s_tutor.lessons.loader import find
    from k8s_tutor.lessons.player import Player

    return Player(find(name).lesson, seed)


def progress(tracks: Sequence[tuple[str, Sequence[Entry]]]) -> tuple[tuple[str, Done], ...]:
    """How far each lesson has been played."""
    return ()


def keep(player: Any) -> None:
    """Remember how far a lesson has been played."""


def report(error: BaseException) -> Path:
    """Writes a traceback to the app's log folder; where it is."""
    from platformdirs import user_log_path

    folder = user_log_path(APP, ensure_exists=True)
    path = folder / "trouble.txt"
    path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return path
