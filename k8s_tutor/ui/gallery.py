"""Pictures of the app, as SVG: the same moments of the same runs each time, so that a change of the screen shows in them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from textual.pilot import Pilot

from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.stage import Stage

FRAME = 1 / 30
WAIT = 200
"""How often one waits for the app, at most."""


class Picture(NamedTuple):
    """One picture: a lesson (empty: the home screen), a size in cells, a theme, and what is done until it is taken: keys, and
    whole numbers of frames that are played."""

    name: str
    lesson: str = ""
    deeds: tuple[str | int, ...] = ()
    size: tuple[int, int] = (160, 48)
    theme: str = "dark"


PICTURES = (
    Picture("home"),
    Picture("orchestra", "orchestra", ("enter", 200)),
    Picture("pizza-quorum-light", "pizza-quorum", ("enter", 90), theme="light"),
    Picture("split-brain", "split-brain", ("enter", 60, "enter", 120)),
    Picture("verdict-table", "matchmaker", ("enter", 60, "2", "enter", 400)),
    Picture("verdict-table-80x24", "pending-too-big", ("2", "enter", 400), (80, 24), "light"),
    Picture("rolling-update", "rolling-update", ("enter", 20, "2", "enter", 150)),
    Picture("packet-walk", "one-packet", ("enter", 90, "2", "enter", 400, "enter", 30)),
    Picture("rolling-update-80x24", "rolling-update", ("enter", 20, "2", "enter", 150), (80, 24), "light"),
)
"""The gallery in ``assets/gallery``."""


def paint(folder: Path, pictures: tuple[Picture, ...] = PICTURES) -> Iterator[Path]:
    """Takes the pictures and writes ``NAME.svg`` for each into the folder. Raises OSError when that cannot be written to, and
    ValueError for a lesson that is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("K8S_TUTOR_DATA")
    try:
        with tempfile.TemporaryDirectory() as fresh:
            os.environ["K8S_TUTOR_DATA"] = fresh  # nobody's progress belongs in a picture
            for picture in pictures:
                yield asyncio.run(_taken(picture, folder))
    finally:
        os.environ.pop("K8S_TUTOR_DATA", None)
        if before is not None:
            os.environ["K8S_TUTOR_DATA"] = before


async def _taken(picture: Picture, folder: Path) -> Path:
    app = Tutor(picture.lesson or None, theme_name=picture.theme)
    app.frozen = True
    async with app.run_test(size=picture.size) as pilot:
        await _opened(app, pilot, bool(picture.lesson))
        for deed in picture.deeds:
            if isinstance(deed, str):
                await pilot.press(deed)
            elif isinstance(app.screen, Stage):
                for _ in range(deed):
                    app.screen.play(FRAME)
        await pilot.pause()
        target = folder / f"{picture.name}.svg"
        target.write_text(app.export_screenshot(title="k8s-tutor"), encoding="utf-8")
    return target


async def _opened(app: Tutor, pilot: Pilot[int], staged: bool) -> None:
    """Waits until the home screen or the lesson is there."""
    for _ in range(WAIT):
        ready = app.home.shelf.loaded and (not staged or (isinstance(app.screen, Stage) and app.screen.layout_now is not None))
        if ready:
            return
        await pilot.pause(0.02)
    raise ValueError("the lesson did not open")
