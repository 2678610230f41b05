"""Pictures of the app, and the home screen's list of tracks and lessons."""

from __future__ import annotations

from pathlib import Path

from pilots import running

from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.gallery import Picture, paint
from k8s_tutor.ui.rows import text_of
from k8s_tutor.ui.shelf import lessons_picture, tracks_picture


def test_a_picture_shows_the_moment_after_the_deeds(tmp_path: Path) -> None:
    (taken,) = paint(tmp_path, (Picture("home", "", ("right",), (80, 24), "light"),))
    svg = taken.read_text(encoding="utf-8")
    assert taken == tmp_path / "home.svg" and "The&#160;front&#160;door" in svg


async def test_the_chosen_lesson_is_always_to_be_seen() -> None:
    app = Tutor()
    async with running(app, (80, 24)) as pilot:
        shelf = app.home.shelf
        longest = max(range(len(shelf.tracks)), key=lambda number: len(shelf.tracks[number][1]))
        await pilot.press(*["right"] * longest, *["down"] * (len(shelf.tracks[longest][1]) - 1))
        chosen = app.home.shelf.chosen
        assert chosen is shelf.tracks[longest][1][-1]
        picture = lessons_picture(app.home.shelf, 50, 8)
        assert chosen.title in "\n".join(text_of(row) for row in picture.rows) and len(picture.rows) <= 8
        assert "of" in "".join(text for text, _ in picture.status)
        await pilot.press("down")
        after = app.home.shelf
        assert (after.track, after.lesson) == ((longest + 1, 0) if longest + 1 < len(shelf.tracks) else (longest, after.lesson))


async def test_a_click_on_a_track_shows_its_lessons() -> None:
    app = Tutor()
    async with running(app, (120, 40)) as pilot:
        picture = tracks_picture(app.home.shelf, 30, 30)
        spot = picture.spots[2]
        await pilot.click(app.home.tracks, offset=(3, spot.row + 1))
        assert app.home.shelf.track == 2 and app.home.shelf.lesson == 0
