"""What the pilot flows share: a small lesson, an app whose frames the test plays, and waiting for what is to come true."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.layout import LEAST
from k8s_tutor.ui.prompt import Prompt
from k8s_tutor.ui.rows import text_of
from k8s_tutor.ui.stage import Stage
from k8s_tutor.ui.widgets import RowsView

LESSON = """
format_version: 1
id: small-quorum
title: The small quorum
track: consensus
teaches: [quorum]
minutes: {self: 5, class: 4}
cluster: {managers: 3, workers: 0, components: etcd, seed: 7}
lens: kubernetes
steps:
  - say: Three managers must agree. A **majority of all** decides.
    show: [committee, wire, log]
    truth: A hungry committee would order anyway.
  - predict: Somebody goes to lunch. Can the others still order?
    options:
      - {text: "Yes, two are enough", correct: true, because: "Two of three is a majority."}
      - {text: "No, all must vote", because: "Then one absence would stop everything."}
    then: [{crash: cp-3}]
    until: raft.up == 2
  - ask: How many may be lost out of seven?
    answer: {compute: "tolerates(7)"}
    because: "4 must stay, so 3 may go."
  - task: Take managers away until they can no longer order.
    goal: {now: "!raft.has_quorum"}
    hints: [{say: "Two are left."}]
    solution: [{crash: cp-2}]
    alternatives: [[{crash: cp-1}]]
    fake_fixes: [[{restart: cp-3}]]
"""
ETCD = {"managers": 3, "workers": 0, "components": "etcd", "seed": 7}
FRAME = 1 / 30


def lesson_file(folder: Path) -> str:
    """The lesson as a file; its path."""
    path = folder / "small-quorum.yaml"
    path.write_text(LESSON, encoding="utf-8")
    return str(path)


@asynccontextmanager
async def running(app: Tutor, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    """The app with its frame timer frozen: time goes on only by `frames`."""
    app.frozen = True
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.home.shelf.loaded)
        await until(pilot, lambda: not isinstance(app.screen, Stage) or app.screen.layout_now is not None or size < LEAST)
        yield pilot


async def until(pilot: Pilot[int], condition: Callable[[], bool], limit: int = 200) -> None:
    """Lets the app work until something is true."""
    for turn in range(limit):
        if condition():
            return
        await pilot.pause(None if turn < limit // 2 else 0.05)
    raise AssertionError("this did not come true")


async def command(pilot: Pilot[int], line: str, opens: str = "colon") -> None:
    """Types a line, at once: the pilot waits after each key."""
    await pilot.press(opens)
    prompt = pilot.app.screen.query_one("#prompt", Prompt)
    prompt.edit.set(line)
    await pilot.press("enter")


def stage_of(app: Tutor) -> Stage:
    """The stage; fails when another screen is on top."""
    assert isinstance(app.screen, Stage), app.screen
    return app.screen


def frames(stage: Stage, condition: Callable[[], bool], limit: int = 3_000) -> None:
    """Plays frames until something is true."""
    for _ in range(limit):
        if condition():
            return
        stage.play(FRAME)
    raise AssertionError("this did not come true")


def screen_text(app: Tutor) -> str:
    """All words that stand on the screen."""
    views = [view for view in app.screen.query(RowsView) if view.display]
    return "\n".join(text_of(row) for view in views for row in view.rows)
