"""Deeds of a lesson: answer, go on, hints, the solution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from k8s_tutor.ui import lesson_panel

if TYPE_CHECKING:
    from k8s_tutor.ui.stage import Stage

_PATIENCE = {
    "running": "the system is at work; n goes on at once",
    "showing": "the solution plays; n goes on at once",
    "working": "this one is for your hands; h helps, n goes on",
    "failed": "R begins this step again; n goes on",
}


def next_(stage: Stage, argument: str) -> None:
    """Answer, or go on."""
    player, lesson, look = stage.session.player, stage.session.lesson, stage.look
    if player is None or lesson is None:
        return
    if not lesson_panel.can(lesson, "answer"):
        if player.finished:
            stage.dismiss_stage()
        elif not player.next():
            stage.say(_PATIENCE.get(lesson.phase, "n goes on"), "dim")
        stage.driver.playing = True
        return
    if lesson_panel.options(lesson):
        player.answer(look.hand.cursor, look.hand.sure)
        stage.driver.playing = True
    elif look.hand.typed:
        player.answer(look.hand.typed, look.hand.sure)
        look.hand = replace(look.hand, typed="")
        stage.driver.playing = True
    else:
        stage.prompt.open("answer")


def forward(stage: Stage, argument: str) -> None:
    """On to the next step; one that is not done yet is completed as a teacher would."""
    player = stage.session.player
    if player is None:
        return
    if player.finished:
        stage.dismiss_stage()
        return
    if not player.next():
        player.skip()
    stage.driver.playing = True


def previous(stage: Stage, argument: str) -> None:
    """Back to the step before."""
    player = stage.session.player
    if player is None or player.index == 0:
        raise ValueError("this is the first step")
    stage.session.replay_to(player.index - 1)
    stage.driver.playing = True


def hint(stage: Stage, argument: str) -> None:
    """One hint more."""
    player = stage.session.player
    if player is not None and not player.hint():
        stage.say("there is no hint now", "dim")


def solve(stage: Stage, argument: str) -> None:
    """The solution, live."""
    player = stage.session.player
    if player is not None and player.solve():
        stage.driver.playing = True


def imagine(stage: Stage, argument: str) -> None:
    """The world in which the wrong answer would have been right."""
    player = stage.session.player
    if player is not None and not player.imagine():
        raise ValueError("no other world was named here")
    stage.driver.playing = True


def sure(stage: Stage, argument: str) -> None:
    """Sure, unsure, nothing said."""
    hand = stage.look.hand
    following = {None: True, True: False, False: None}
    stage.look.hand = replace(hand, sure=following[hand.sure])


def reset(stage: Stage, argument: str) -> None:
    """The step from its start."""
    if stage.session.player is not None:
        stage.session.player.reset()
        stage.look.hand = lesson_panel.Hand()
