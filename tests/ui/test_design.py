"""The room designer: designs are pure; the dialog and the rooms on the stage move managers by key, command and mouse."""

from __future__ import annotations

import pytest
import scenes

from k8s_tutor.cluster import ClusterSpec, inputs
from k8s_tutor.ui import hands
from k8s_tutor.ui.actions import ACTIONS
from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.design import MOST, RULES, Design, of_rooms, picture
from k8s_tutor.ui.designer import DESIGN_DEEDS, Designer
from k8s_tutor.ui.rows import text_of, width
from k8s_tutor.ui.scene import PlainLens
from k8s_tutor.ui.stage import Stage
from tests.ui.pilots import ETCD, command, running, screen_text, stage_of, until


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_any_number_of_managers_in_any_number_of_rooms_can_be_built(size: int) -> None:
    for rooms in range(1, MOST + 1):
        design = Design().divided(rooms).resized(size)
        assert design.size == size and set(design.seats) <= set(range(rooms))
        spec = ClusterSpec.model_validate(design.spec())
        assert spec.managers == size
        assert sum(len(members) for members in spec.rooms.values()) in (0, size)


def test_every_rule_of_the_designer_is_one_of_the_specification() -> None:
    for rule in RULES:
        assert ClusterSpec.model_validate(Design(rule=rule).spec()).consensus == rule


def test_moving_keeps_everybody_else() -> None:
    design = Design(seats=(0, 0, 1), rooms=2)
    assert design.moved(0, 1).seats == (1, 0, 1)
    assert design.moved(0, 2).seats == (0, 0, 1), "behind the last room comes the first"


def test_a_running_committee_becomes_a_design() -> None:
    rooms = {"B": ("cp-3", "node-1"), "A": ("cp-1", "cp-2"), "C": ("node-2",)}
    assert of_rooms(rooms, ("cp-1", "cp-2", "cp-3"), True, "naive") == Design((0, 0, 1), 2, 0, True, "naive")


@pytest.mark.parametrize(
    ("seats", "said"),
    [((0, 0, 0, 1, 1), "room A goes on"), ((0, 0, 1, 1), "no room has 3"), ((0, 0, 1, 1, 2), "no room has 3")],
)
def test_the_picture_says_what_a_cut_would_do(seats: tuple[int, ...], said: str) -> None:
    design = Design(seats, max(seats) + 1)
    for wide, high in ((106, 20), (70, 16), (52, 12)):
        drawn = picture(design, PlainLens(), wide, high)
        assert len(drawn.rows) <= high and all(width(row) == wide for row in drawn.rows)
    text = "\n".join(map(text_of, picture(design, PlainLens(), 100, 20).rows))
    assert said in text and f"quorum = {len(seats)} // 2 + 1" in text


def test_every_action_of_the_designer_has_a_deed() -> None:
    assert {action.id for action in ACTIONS if "design" in action.places} == set(DESIGN_DEEDS)


def test_whoever_is_moved_goes_to_the_next_room_and_then_to_a_new_one() -> None:
    view = scenes.split(naive=False).view
    assert hands.move(view, "cp-1") == inputs.MoveToRoom("cp-1", "B")
    assert hands.move(view, "cp-3") == inputs.MoveToRoom("cp-3", "C")
    assert hands.move(view, "etcd-3", "A") == inputs.MoveToRoom("cp-3", "A")
    with pytest.raises(ValueError, match="already"):
        hands.move(view, "cp-1", "A")


def test_where_there_were_no_rooms_the_others_stay_in_the_first() -> None:
    view = scenes.view(raft=scenes.raft((scenes.member(1), scenes.member(2))))
    parts = (inputs.MoveToRoom("cp-1", "A"), inputs.MoveToRoom("cp-2", "B"))
    assert hands.move(view, "cp-2") == inputs.Together(parts, "move cp-2 to B"), "one movement of the hand, one undo"


def room_of(stage: Stage, machine: str) -> str:
    """The room in which a machine stands."""
    return next((room.name for room in stage.session.view().network.rooms if machine in room.machines), "")


@pytest.mark.asyncio
async def test_a_committee_is_designed_at_home_and_started() -> None:
    app = Tutor()
    async with running(app) as pilot:
        await pilot.press("M")
        await until(pilot, lambda: isinstance(app.screen, Designer))
        await pilot.press("4", "right_square_bracket", "m")
        screen = app.screen
        assert isinstance(screen, Designer)
        assert screen.design.size == 4 and screen.design.rooms == 3
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 2 and not isinstance(app.screen, Designer))
        spec = stage_of(app).session.cluster.spec
        assert spec.managers == 4 and len(spec.rooms) >= 2
        assert "Room A" in screen_text(app)


@pytest.mark.asyncio
async def test_a_manager_is_dragged_into_another_room_and_back_by_undo() -> None:
    app = Tutor(spec={**ETCD, "rooms": {"A": ["cp-1", "cp-2"], "B": ["cp-3"]}})
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.screen_stack) == 2 and stage_of(app).layout_now is not None)
        stage = stage_of(app)
        stage.driver.playing = False
        panel = next(one for one in stage.panels if one.panel == "rooms")
        spots = {spot.target: spot for spot in panel.picture.spots}
        start, end = spots["cp-1"], spots["room B"]
        await pilot.mouse_down(panel, offset=(start.column + 3, start.row + 1))
        await pilot.mouse_up(panel, offset=(end.column + 3, end.row + 1))
        await until(pilot, lambda: room_of(stage, "cp-1") == "B")
        stage.action_do("undo")
        assert room_of(stage, "cp-1") == "A"
        await command(pilot, "move cp-2 B")
        await until(pilot, lambda: room_of(stage, "cp-2") == "B")
