"""Where everything stands on a screen of a given size. Pure: a size and what is wanted become rectangles.

From 80×24 up the screen is whole, from 60×20 up it is reduced (one panel at a time above the lesson), below that there is
only one polite sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

LEAST = (60, 20)
"""The smallest terminal (columns, rows) in which anything is drawn."""


class Box(NamedTuple):
    """A rectangle in cells."""

    x: int
    y: int
    width: int
    height: int


class Need(NamedTuple):
    """What a panel needs and likes, frame included."""

    width: int = 38
    height: int = 7
    most: int = 99
    """Rows beyond which it has nothing more to say."""
    weight: int = 2
    """Share of the rows that are left over."""
    alone: bool = False
    """It wants the whole width."""


NEEDS: dict[str, Need] = {
    "committee": Need(44, 9, 26, 4, alone=True),
    "rooms": Need(44, 10, 22, 4, alone=True),
    "stage_map": Need(44, 9, 24, 4, alone=True),
    "control_plane": Need(38, 8, 14, 2),
    "workers": Need(38, 8, 30, 3),
    "wire": Need(44, 5, 16, 2, alone=True),
    "log": Need(44, 5, 16, 2, alone=True),
    "service": Need(38, 7, 20, 2),
    "queues": Need(44, 9, 30, 3, alone=True),
    "desired": Need(44, 6, 24, 2, alone=True),
    "storage": Need(48, 8, 30, 3, alone=True),
    "verdicts": Need(38, 7, 20, 2),
    "trace": Need(44, 9, 40, 5, alone=True),
    "walk": Need(44, 23, 60, 6, alone=True),
    "inspector": Need(44, 11, 99, 5, alone=True),
    "console": Need(44, 8, 20, 3, alone=True),
}
"""By id; what is not named here gets `Need()`."""


FIRST = 3
"""What the first panel's weight is raised by: it is the one that the step is about."""


SLACK = 2
"""Rows beyond its least that must be free before the filler comes."""


class Place(NamedTuple):
    """One panel on the screen. ``world``: which of the worlds that stand side by side."""

    panel: str
    world: int
    box: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole screen. Boxes of height 0 are not drawn."""

    places: tuple[Place, ...]
    hidden: tuple[str, ...]
    """Panels for which there is no room now; Tab brings them."""
    header: Box
    tabs: Box
    lesson: Box
    timeline: Box
    prompt: Box
    footer: Box


NOWHERE = Box(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted. ``focus``: the panel that must be seen; ``zoom``: it alone; ``worlds``: how many side by side."""

    panels: tuple[str, ...]
    focus: str = ""
    zoom: bool = False
    lesson: bool = True
    worlds: int = 1
    most: tuple[tuple[str, int], ...] = ()
    """Panels that have less to say than others of their kind now, each with its rows."""
    filler: str = ""
    """Panel that takes the rows that nobody has a use for."""


def too_small(width: int, height: int) -> str:
    """The polite sentence, or nothing when the terminal is large enough."""
    if width >= LEAST[0] and height >= LEAST[1]:
        return ""
    return f"k8s-tutor needs at least {LEAST[0]}×{LEAST[1]}; this terminal is {width}×{height}. Please make it larger."


def stage(width: int, height: int, wish: Wish) -> Layout:
    """The stage: header, panels, lesson, timeline, prompt, footer."""
    strip = 3 if height >= 40 else 2 if height >= 30 else 1 if height >= 24 else 0
    footer = Box(0, height - 1, width, 1)
    prompt = Box(0, height - 2, width, 1)
    timeline = Box(0, height - 2 - strip, width, strip)
    body = Box(0, 1, width, height - 3 - strip)
    lesson = NOWHERE
    if wish.lesson:
        body, lesson = _beside_lesson(body, wish)
    panels = wish.panels or ("log",)
    shown, hidden = _choose(panels, body, wish)
    tabs = NOWHERE
    if hidden and not wish.zoom:
        tabs = Box(body.x, body.y + body.height - 1, body.width, 1)
        body = Box(body.x, body.y, body.width, body.height - 1)
        shown, hidden = _choose(panels, body, wish)
    most = dict(wish.most)
    if not hidden and wish.filler not in ("", *shown) and not wish.zoom:
        rows = _rows(shown, body.width // max(1, wish.worlds))
        wanted = sum(max(_most(panel, most) for panel in row) for row in rows)
        if body.height - wanted >= NEEDS.get(wish.filler, Need()).height + SLACK:
            shown = (*shown, wish.filler)
    places = tuple(
        place for world, column in enumerate(_columns(body, wish.worlds)) for place in _arrange(shown, column, world, most)
    )
    return Layout(places, hidden, Box(0, 0, width, 1), tabs, lesson, timeline, prompt, footer)


def _beside_lesson(body: Box, wish: Wish) -> tuple[Box, Box]:
    """The lesson at the right, or below where the screen is narrow or several worlds need its width."""
    least = 80 if wish.worlds == 1 else 70 + 44 * wish.worlds
    if body.width >= least:
        column = max(32, min(56, body.width * 31 // 100 if body.width >= 110 else body.width * 42 // 100))
        left = body.width - column
        return Box(body.x, body.y, left, body.height), Box(left, body.y, column, body.height)
    below = max(8, min(18, body.height * 45 // 100))
    return (
        Box(body.x, body.y, body.width, body.height - below),
        Box(body.x, body.y + body.height - below, body.width, below),
    )


def _columns(body: Box, count: int) -> list[Box]:
    """The body in ``count`` columns of (nearly) one width."""
    edges = [body.x + body.width * number // count for number in range(count + 1)]
    return [Box(edges[n], body.y, edges[n + 1] - edges[n], body.height) for n in range(count)]


def _choose(panels: Sequence[str], body: Box, wish: Wish) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which panels fit; the focused one always, in the place of the last that fits."""
    if wish.zoom and wish.focus in panels:
        return (wish.focus,), tuple(panel for panel in panels if panel != wish.focus)
    width = body.width // max(1, wish.worlds)
    shown: list[str] = []
    most = 2 if body.height < 22 else 99
    for panel in panels:
        if not shown or (len(shown) < most and _height([*shown, panel], width) <= body.height):
            shown.append(panel)
    if wish.focus in panels and wish.focus not in shown:
        shown[-1] = wish.focus
        while len(shown) > 1 and _height(shown, width) > body.height:
            shown.pop(-2)
    return tuple(shown), tuple(panel for panel in panels if panel not in shown)


def _rows(panels: Sequence[str], width: int) -> list[list[str]]:
    """Panels in rows: those that like the whole width alone, others two by two where both fit."""
    rows: list[list[str]] = []
    open_row: list[str] | None = None
    for panel in panels:
        need = NEEDS.get(panel, Need())
        if need.alone or need.width * 2 > width:
            rows.append([panel])
        elif open_row is None:
            open_row = [panel]
            rows.append(open_row)
        else:
            open_row.append(panel)
            open_row = None
    return rows


def _height(panels: Sequence[str], width: int) -> int:
    return sum(max(NEEDS.get(panel, Need()).height for panel in row) for row in _rows(panels, width))


def _most(panel: str, most: Mapping[str, int]) -> int:
    """Rows of which a panel can make use."""
    need = NEEDS.get(panel, Need())
    return max(need.height, min(need.most, most.get(panel, need.most)))


def _arrange(panels: Sequence[str], body: Box, world: int, most: Mapping[str, int]) -> list[Place]:
    """Rectangles for panels that fit, all rows of the body used."""
    rows = _rows(panels, body.width)
    needs = [[NEEDS.get(panel, Need()) for panel in row] for row in rows]
    weights = [max(need.weight for need in row) for row in needs]
    weights[0] += FIRST
    heights = share(
        body.height,
        [max(need.height for need in row) for row in needs],
        [max(_most(panel, most) for panel in row) for row in rows],
        weights,
    )
    places: list[Place] = []
    y = body.y
    for row, height in zip(rows, heights, strict=True):
        for panel, column in zip(row, _columns(Box(body.x, y, body.width, height), len(row)), strict=True):
            places.append(Place(panel, world, column))
        y += height
    return places


def share(total: int, least: Sequence[int], most: Sequence[int], weights: Sequence[int]) -> list[int]:
    """``total`` rows among parties: each its least, the rest by weight up to its most, what nobody wants to the first."""
    given = list(least)
    over = sum(given) - total
    for number in range(len(given) - 1, -1, -1):
        if over > 0:
            taken = min(over, max(0, given[number] - 3))
            given[number] -= taken
            over -= taken
    left = total - sum(given)
    while left > 0:
        wanting = [n for n in range(len(given)) if given[n] < most[n]]
        if not wanting:
            given[0] += left
            break
        best = min(wanting, key=lambda n: (given[n] - least[n] + 1) / weights[n])
        given[best] += 1
        left -= 1
    return given
