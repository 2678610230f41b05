"""Somebody opens the app, plays, answers, breaks things, goes back, and makes the window small."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.help import Help
from k8s_tutor.ui.home import Home
from k8s_tutor.ui.look import LESSON
from k8s_tutor.ui.stage import Stage
from tests.ui.pilots import ETCD, command, frames, lesson_file, running, screen_text, stage_of, until


async def test_home_shows_the_lessons_and_leaves_with_q() -> None:
    app = Tutor()
    async with running(app) as pilot:
        assert isinstance(app.screen, Home)
        assert "Watch a cluster think." in screen_text(app)
        await pilot.press("down", "right", "left", "q")
    assert app.return_value == 0


async def test_a_lesson_is_played_to_its_end(tmp_path: Path) -> None:
    app = Tutor(lesson_file(tmp_path))
    async with running(app) as pilot:
        stage = stage_of(app)
        player = stage.session.player
        assert player is not None
        await until(pilot, lambda: "Three managers must agree." in screen_text(app))
        await pilot.press("enter")
        assert player.phase == "asking" and stage.session.holds
        before = stage.session.now
        stage.play(1.0)
        assert stage.session.now == before, "the clock waits for the answer"
        await pilot.press("down", "2", "1", "s", "enter")
        assert player.open.chosen == 0
        frames(stage, lambda: player.phase == "done")
        assert "Two of three is a majority." in screen_text(app)
        await pilot.press("enter")
        await pilot.press("3", "enter")
        assert player.open.right is True
        await pilot.press("enter")
        assert player.phase == "working"
        await pilot.press("h")
        assert "Two are left." in screen_text(app)
        stage.look.selected = "cp-2"
        await pilot.press("x")
        frames(stage, lambda: player.phase == "done")
        await pilot.press("enter")
        assert player.finished
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_crash_back_forward_and_another_future() -> None:
    app = Tutor(spec=ETCD)
    async with running(app) as pilot:
        stage = stage_of(app)
        cluster = stage.session.cluster
        await pilot.press("space", "right", "right")
        assert stage.look.selected
        stage.look.selected = "cp-2"
        await pilot.press("x")
        assert not stage.session.view().raft.members[1].up
        events = cluster.events
        await pilot.press("full_stop")
        assert cluster.events > events
        await pilot.press("comma")
        assert cluster.events <= events + 1
        await pilot.press("u")
        assert stage.session.view().raft.members[1].up
        assert "past" in screen_text(app)
        await pilot.press("ctrl+r")
        assert not stage.session.view().raft.members[1].up
        await pilot.press("u")
        stage.look.selected = "cp-2"
        await pilot.press("x")
        assert len(cluster.branches()) == 2
        await command(pilot, "branch second")
        assert "second" in cluster.branches()


async def test_what_cannot_be_done_is_one_line_on_the_screen() -> None:
    app = Tutor(spec=ETCD)
    async with running(app) as pilot:
        stage = stage_of(app)
        for line, words in (
            ("crash nobody", "nobody is no machine"),
            ("speed fast", "is no speed"),
            ("nonsense", "there is no command"),
            ("goto", "SECONDS"),
            ("lens glass", "there is no lens"),
            ("panel kitchen", "there is no panel"),
            ("branch", ""),
        ):
            await command(pilot, line)
            await until(pilot, lambda words=words: words in screen_text(app))  # type: ignore[misc]
            if app.screen is not stage:
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is stage)


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (80, 24), (100, 30), (200, 60), (1, 1)])
async def test_every_size_is_drawn(tmp_path: Path, size: tuple[int, int]) -> None:
    app = Tutor(lesson_file(tmp_path))
    async with running(app, size) as pilot:
        stage = stage_of(app)
        for key in ("enter", "tab", "z", "tab", "z", "p", "p", "v", "right", "w"):
            await pilot.press(key)
            stage.play(0.03)
        text = screen_text(app)
        if size == (40, 12):
            assert "needs at least 60×20; this terminal is 40×12. Please make it larger." in " ".join(text.split())
        elif size[0] >= 60:
            boxes = [view.box for view in (stage.head, stage.foot, stage.lesson_view, *stage.panels) if view.display]
            assert all(box.x + box.width <= size[0] and box.y + box.height <= size[1] for box in boxes)
            assert "Can the others still order?" in text.replace("\n", " ") or "Somebody goes to" in text


async def test_resizing_at_any_moment(tmp_path: Path) -> None:
    app = Tutor(lesson_file(tmp_path))
    async with running(app) as pilot:
        stage = stage_of(app)
        for size in ((40, 12), (60, 20), (80, 24), (200, 60), (10, 3), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            stage.play(0.03)
        assert "committee" in screen_text(app)


async def test_projector_has_large_numerals_and_a_black_wall(tmp_path: Path) -> None:
    app = Tutor(lesson_file(tmp_path), projector=True)
    async with running(app, (80, 24)) as pilot:
        stage = stage_of(app)
        assert "████" in screen_text(app)
        await pilot.press("pagedown")
        assert "Somebody goes to lunch." in screen_text(app)
        await pilot.press("b")
        assert stage.look.black and not screen_text(app).strip()
        await pilot.press("b")
        assert "Somebody goes to lunch." in screen_text(app)
        await pilot.press("pageup")
        assert stage.session.player is not None and stage.session.player.index == 0


async def test_help_names_every_key_and_command(tmp_path: Path) -> None:
    app = Tutor(lesson_file(tmp_path))
    async with running(app) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        assert ":speed" in "\n".join(str(row) for row in app.screen.panel.rows)
        await pilot.press("end", "escape")
        assert app.screen is not None and not isinstance(app.screen, Help)


async def test_console_line_history_and_search(tmp_path: Path) -> None:
    app = Tutor(spec=ETCD)
    async with running(app) as pilot:
        stage = stage_of(app)
        await command(pilot, "etcdctl get a", "k")
        frames(stage, lambda: not stage.session.view().console.busy and bool(stage.session.view().console.answers))
        assert stage.look.focus == "console"
        await pilot.press("up")
        assert stage.prompt.edit.text == "etcdctl get a"
        await pilot.press("escape", "slash", *"cp-2", "enter")
        assert "2" in stage.look.selected


async def test_focus_walks_through_panels_and_lesson(tmp_path: Path) -> None:
    app = Tutor(lesson_file(tmp_path))
    async with running(app, (80, 24)) as pilot:
        stage = stage_of(app)
        seen = []
        for _ in range(4):
            seen.append(stage.look.focus)
            await pilot.press("tab")
        assert seen == [LESSON, "committee", "wire", "log"]
        assert stage.look.focus == LESSON


async def test_a_click_selects_and_opens_a_lesson_option(tmp_path: Path) -> None:
    app = Tutor(lesson_file(tmp_path))
    async with running(app) as pilot:
        stage = stage_of(app)
        spot = stage.panels[0].picture.spots[0]
        await pilot.click(stage.panels[0], offset=(spot.column + 2, spot.row + 1))
        assert stage.look.selected == stage.panels[0].spot_at(spot.column + 2, spot.row + 1).target  # type: ignore[union-attr]
        await pilot.press("enter")
        option = stage.lesson_view.picture.spots[-1]
        await pilot.click(stage.lesson_view, offset=(option.column + 2, option.row + 1))
        assert stage.look.hand.cursor == 1


async def test_themes_change_live(tmp_path: Path) -> None:
    app = Tutor(lesson_file(tmp_path))
    async with running(app) as pilot:
        names = []
        for _ in range(5):
            names.append(app.theme)
            await pilot.press("T")
        assert len(set(names)) == 5 and app.theme == names[0]


async def test_a_lesson_goes_on_where_it_was_left(tmp_path: Path) -> None:
    path = lesson_file(tmp_path)
    app = Tutor(path)
    async with running(app) as pilot:
        stage = stage_of(app)
        await pilot.press("n", "n")
        assert stage.session.player is not None and stage.session.player.index == 2
    app = Tutor(path)
    async with running(app) as pilot:
        stage = stage_of(app)
        assert stage.session.player is not None and stage.session.player.index == 2
        await pilot.press("pageup")
        assert stage.session.player.index == 1


async def test_a_lesson_is_chosen_at_home_and_left_again() -> None:
    app = Tutor()
    async with running(app) as pilot:
        await command(pilot, "pizza quorum", "slash")
        assert app.home.shelf.chosen is not None and app.home.shelf.chosen.id == "pizza-quorum"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Stage))
        assert "The pizza quorum" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_a_click_on_the_rail_goes_to_that_moment() -> None:
    app = Tutor(spec=ETCD)
    async with running(app) as pilot:
        stage = stage_of(app)
        frames(stage, lambda: stage.session.now > 6_000_000)
        await pilot.click(stage.time, offset=(2, 1))
        await until(pilot, lambda: stage.session.now < 3_000_000 and stage.session.past)
        assert not stage.driver.playing


async def test_an_unknown_lesson_ends_the_app_with_one_line_and_status_2() -> None:
    app = Tutor("nonsense")
    app.frozen = True
    async with app.run_test() as pilot:
        await until(pilot, lambda: bool(app.trouble))
    assert app.return_code == 2
    assert "there is no lesson 'nonsense'" in app.trouble and "\n" not in app.trouble


async def test_ascii_mode_draws_nothing_else(tmp_path: Path) -> None:
    app = Tutor(lesson_file(tmp_path))
    async with running(app) as pilot:
        await command(pilot, "ascii")
        lines = ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
        assert all(line.isascii() for line in lines), next(line for line in lines if not line.isascii())
