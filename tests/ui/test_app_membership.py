"""Committees that grow and shrink on the stage, as an operator does it; Ctrl-C at the console; older lines in the trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.stage import Stage
from tests.ui.pilots import ETCD, command, frames, running, screen_text, stage_of, until

SECOND = 1_000_000


@asynccontextmanager
async def committee(**fields: object) -> AsyncIterator[tuple[Pilot[int], Tutor, Stage]]:
    """A committee of one's own on the stage."""
    app = Tutor(spec={**ETCD, **fields})
    async with running(app, (140, 44)) as pilot:
        await until(pilot, lambda: len(app.screen_stack) == 2)
        stage = stage_of(app)
        stage.driver.pace = "steady"
        stage.driver.change_speed(True)
        yield pilot, app, stage


def voters(stage: Stage) -> tuple[str, ...]:
    return stage.session.view().raft.voters


def machines(stage: Stage) -> list[str]:
    return [member.machine for member in stage.session.view().raft.members]


@pytest.mark.asyncio
async def test_a_manager_comes_and_another_goes_with_the_commands_of_an_operator() -> None:
    async with committee() as (pilot, app, stage):
        await pilot.press("plus")
        assert machines(stage)[-1] == "cp-4" and stage.driver.playing
        frames(stage, lambda: "etcd-4" in voters(stage))
        assert "etcdctl member add etcd-4 --peer-urls=https://etcd-4:2380" in screen_text(app)
        frames(stage, lambda: stage.session.view().raft.reach == 4)
        stage.look.selected = "cp-2"
        stage.session.cluster.advance(stage.session.now + 6 * SECOND)
        await pilot.press("minus")
        frames(stage, lambda: "cp-2" not in machines(stage))
        assert voters(stage) == ("etcd-1", "etcd-3", "etcd-4") and not stage.session.errands
        assert "member remove 2" in screen_text(app)
        await pilot.press("u")
        assert "cp-2" in machines(stage), "its machine is there again"
        await pilot.press("u", "u")
        assert machines(stage) == ["cp-1", "cp-2", "cp-3"], "one undo takes back the machine and the line"


@pytest.mark.asyncio
async def test_what_etcd_refuses_is_shown_and_the_machine_waits() -> None:
    async with committee() as (pilot, app, stage):
        await command(pilot, "crash cp-3")
        frames(stage, lambda: not stage.session.view().raft.members[2].up)
        stage.session.cluster.advance(stage.session.now + 3 * SECOND)
        await pilot.press("plus")
        frames(stage, lambda: any(answer.code > 0 for answer in stage.session.view().console.answers))
        assert "etcdserver: unhealthy cluster" in screen_text(app)
        assert machines(stage)[-1] == "cp-4" and "etcd-4" not in voters(stage)
        await pilot.press("plus")
        assert machines(stage)[-1] == "cp-4", "who waits at the door comes first"
        await command(pilot, "remove cp-4")
        assert "cp-4" not in machines(stage), "who is no member is thrown away at once"


@pytest.mark.asyncio
async def test_a_refused_removal_throws_nobody_away() -> None:
    async with committee() as (pilot, app, stage):
        await command(pilot, "crash cp-2")
        frames(stage, lambda: not stage.session.view().raft.members[1].up)
        stage.session.cluster.advance(stage.session.now + 3 * SECOND)
        await command(pilot, "remove cp-3")
        frames(stage, lambda: not stage.session.errands)
        assert "cp-3" in machines(stage) and "unhealthy cluster" in screen_text(app)


@pytest.mark.asyncio
async def test_several_at_once_show_both_majorities() -> None:
    async with committee() as (pilot, app, stage):
        await command(pilot, "reconfigure +cp-4 +cp-5 -cp-2 -cp-3")
        frames(stage, lambda: bool(stage.session.view().raft.outgoing))
        stage.rearrange()
        text = screen_text(app)
        assert "new group" in text and "old group" in text and "joint" in text
        frames(stage, lambda: not stage.session.view().raft.outgoing)
        assert voters(stage) == ("etcd-1", "etcd-4", "etcd-5")
        await command(pilot, "reconfigure +cp-9")
        assert "the next one is cp-6" in screen_text(app)
        await command(pilot, "reconfigure Carol")
        assert "+Dave +Erin -Carol" in screen_text(app)


@pytest.mark.asyncio
async def test_ctrl_c_ends_what_runs_then_the_line_then_the_app() -> None:
    async with committee() as (pilot, app, stage):
        await command(pilot, "watch pizza", opens="k")
        frames(stage, lambda: bool(stage.session.view().console.answers))
        stage.session.cluster.advance(stage.session.now + SECOND)
        assert stage.session.view().console.answers[-1].code == -1
        assert stage.session.view().console.answers[-1].line == "etcdctl watch pizza", "etcdctl goes without saying"
        await pilot.press("ctrl+c")
        frames(stage, lambda: stage.session.view().console.answers[-1].code >= 0)
        assert app.is_running and stage.prompt.has_focus
        stage.prompt.edit.set("put a 1")
        await pilot.press("ctrl+c")
        assert app.is_running and not stage.prompt.edit.text
        await pilot.press("ctrl+c")
        assert app.is_running and not stage.prompt.has_focus
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.asyncio
async def test_the_trace_goes_to_older_lines_and_back() -> None:
    async with committee() as (pilot, app, stage):
        for line in ("put a 1", "put b 2"):
            await command(pilot, line, opens="k")
            frames(stage, lambda: stage.session.view().console.answers[-1:] != ())
            stage.session.cluster.settle()
        await pilot.press("escape", "t")
        assert "Trace 2 of 2: etcdctl put b 2" in screen_text(app)
        await pilot.press("left")
        assert "Trace 1 of 2: etcdctl put a 1" in screen_text(app)
        await pilot.press("left_curly_bracket")
        assert "nothing was typed before this line" in screen_text(app)
        await pilot.press("right_curly_bracket")
        assert "put b 2" in screen_text(app) and stage.session.traced == 0


@pytest.mark.asyncio
async def test_an_emptied_room_stays() -> None:
    rooms = {"A": ["cp-1", "cp-2"], "B": ["cp-3"]}
    async with committee(rooms=rooms) as (pilot, app, stage):
        stage.look.selected = "cp-3"
        await command(pilot, "move cp-3 A")
        assert [room.name for room in stage.session.view().network.rooms] == ["A", "B"]
        assert "Room B" in screen_text(app)
        await pilot.press("M", "M")
        await until(pilot, lambda: len(app.screen_stack) == 3)
        assert app.screen.design.rooms == 2 and app.screen.design.seats == (0, 0, 0)
