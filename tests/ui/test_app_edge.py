"""The last cell of every line differs from all first cells, so a copied line keeps its ground."""

from __future__ import annotations

import itertools

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from k8s_tutor.ui import theme
from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.edge import edged
from tests.ui.pilots import running


def last_style(strip: Strip) -> Style | None:
    return list(strip)[-1].style


@pytest.mark.parametrize("ground", ["#000000", "#161d26", "#ffffff", "#fbfcfd"])
def test_the_last_cell_changes_colour_by_less_than_an_eye_can_see(ground: str) -> None:
    style = Style(color="#d5dbe3", bgcolor=ground, bold=True)
    strip = edged(Strip([Segment("abc│", style)]))
    assert strip.text == "abc│" and strip.cell_length == 4
    edge = last_style(strip)
    assert edge is not None and edge.bgcolor is not None and style.bgcolor is not None and not edge.bold
    was, now = style.bgcolor.triplet, edge.bgcolor.triplet
    assert was is not None and now is not None
    assert was != now and max(abs(one - other) for one, other in zip(was, now, strict=True)) <= 3


def test_an_empty_line_and_the_terminals_own_colours_stay_what_they_are() -> None:
    assert edged(Strip([])).cell_length == 0
    own = Style(color="bright_cyan", bgcolor="default")
    edge = last_style(edged(Strip([Segment("ab", own)])))
    assert edge == own


@pytest.mark.parametrize("name", [palette.name for palette in theme.PALETTES if not palette.ansi])
async def test_every_line_of_the_home_screen_ends_otherwise_than_the_next_begins(name: str) -> None:
    app = Tutor(theme_name=name)
    async with running(app, (100, 30)):
        lines = app.screen._compositor.render_strips()
        for line, following in itertools.pairwise(lines):
            end, start = list(line)[-1].style, next(iter(following)).style
            assert end is not None and start is not None
            assert end.bgcolor != start.bgcolor
            assert end.color != start.color or start.color is None
