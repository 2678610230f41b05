"""One registry feeds keys, footer, help, palette and commands; nothing in it leads nowhere."""

from __future__ import annotations

import pytest

from k8s_tutor.ui import actions
from k8s_tutor.ui.actions import ACTIONS, BOTH, UnknownCommand, parse
from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.deeds import DEEDS
from k8s_tutor.ui.help import rows
from k8s_tutor.ui.home import HOME_DEEDS
from k8s_tutor.ui.keys import bindings
from k8s_tutor.ui.rows import text_of
from tests.ui.pilots import ETCD, running, stage_of


def test_every_action_has_a_deed_and_every_deed_an_action() -> None:
    assert {action.id for action in ACTIONS if "stage" in action.places} == set(DEEDS)
    assert {action.id for action in ACTIONS if "home" in action.places} == set(HOME_DEEDS)


@pytest.mark.parametrize("place", BOTH)
def test_no_key_means_two_things(place: actions.Place) -> None:
    keys = [key for action in ACTIONS if place in action.places for key in action.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("place", BOTH)
def test_every_action_is_reachable_by_key_or_command_and_stands_in_the_help(place: actions.Place) -> None:
    bound = {binding.action for binding in bindings(place)}  # type: ignore[union-attr]
    helped = "\n".join(text_of(row) for row in rows(place, 200))
    for action in ACTIONS:
        if place not in action.places:
            continue
        assert parse(action.name, place)[0] is action
        assert all(parse(alias, place)[0] is action for alias in action.aliases)
        assert not action.keys or f"do('{action.id}')" in bound
        assert f":{action.name}" in helped and action.help in helped


def test_a_beginning_is_enough_and_an_unknown_command_says_so() -> None:
    assert parse("proj", "stage")[0].id == "projector"
    assert parse(":speed 1/10", "stage") == (actions.BY_ID["speed"], "1/10")
    with pytest.raises(UnknownCommand, match="may be"):
        parse("s", "stage")
    with pytest.raises(UnknownCommand, match="there is no command"):
        parse("fly", "stage")


def test_the_footer_fits_one_line_and_begins_with_play() -> None:
    from k8s_tutor.ui.chrome import footer
    from k8s_tutor.ui.rows import width

    for cells in (60, 80, 160):
        row = footer(actions.footer("stage", ("lesson", "selected")), cells)
        assert width(row) == cells
        assert text_of(row).startswith(" Enter next   Space play")


async def test_the_palette_offers_the_registry() -> None:
    app = Tutor(spec=ETCD)
    async with running(app):
        titles = {command.title for command in app.get_system_commands(stage_of(app))}
        assert {"Crash", "Lens", "Branch", "Speed"} <= titles
