"""Brings steps to their end without anybody at the keys: for proofs, headless runs, and skipping ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_tutor.lessons import models
from k8s_tutor.lessons.steps import ASKING, DONE, FAILED, RUNNING, SHOWING, WORKING

if TYPE_CHECKING:
    from k8s_tutor.lessons.player import Player

HEADLESS = 200_000
"""Messages of one slice when nobody watches."""


def finish_step(player: Player) -> list[str]:
    """Brings the open step to its end without anybody at the keys: answers right, plays solutions, runs demonstrations.

    Returns what went wrong: a condition that did not come true, an action that could not be done.
    """
    step = player.step
    while player.phase == ASKING:
        player.answer(player.right_answer())
        if isinstance(step, models.Review) and player.phase == DONE and player.open.item + 1 < len(step.items):
            player.next()
    if isinstance(step, models.Task) and player.phase in (WORKING, FAILED):
        player.solve(confirmed=True)
    end = player.cluster.now + _patience(step)
    while player.phase in (RUNNING, SHOWING) and player.cluster.now < end:
        if player.open.measurement is not None:
            player.tick()
        else:
            player.advance(end, HEADLESS)
    return troubles(player)


def troubles(player: Player) -> list[str]:
    """What went wrong in the open step. In an imagined world nothing can: it need not do what this one does."""
    if player.open.imagining:
        return []
    found = list(player.open.run.troubles) if player.open.run else []
    found += player.main.script.troubles if player.open.shown else []
    if player.open.run is not None and player.open.run.late and getattr(player.step, "until", None):
        found.append(f"{getattr(player.step, 'until', '')!r} did not come true")
    if isinstance(player.step, models.Task) and player.phase != DONE:
        found.append("the solution does not reach the goal")
    return found


def _patience(step: models.Step | None) -> int:
    return int(getattr(step, "limit", 0) or getattr(step, "deadline", 0)) + 1
