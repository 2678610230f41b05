"""Frames: a thin rounded border around a picture, its title at the left and its status at the right end.

Pure: a picture and a size become exactly ``height`` rows of ``width`` cells, which the screen draws and goldens print.
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.ui.rows import Row, fit, width
from k8s_tutor.ui.scene import Picture


class Edges(NamedTuple):
    """The characters that a border is made of."""

    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    across: str
    down: str


ROUND = Edges("╭", "╮", "╰", "╯", "─", "│")
ASCII = Edges("+", "+", "+", "+", "-", "|")

MARGIN = 2
"""Cells between a frame and what stands in it, at the left and right, border included."""


def inside(cells_wide: int, cells_high: int) -> tuple[int, int]:
    """The size of the picture that fits a frame of this size."""
    return max(0, cells_wide - 2 * MARGIN), max(0, cells_high - 2)


def frame(
    picture: Picture,
    cells_wide: int,
    cells_high: int,
    focused: bool = False,
    ascii_only: bool = False,
) -> tuple[Row, ...]:
    """The picture in its frame. A focused frame is brighter; nothing else about it changes, so nothing jumps."""
    if cells_wide < 10 or cells_high < 2:
        return tuple(fit(((" " * cells_wide, "text"),), cells_wide) for _ in range(cells_high))
    edges = ASCII if ascii_only else ROUND
    line = "dim" if focused else "line"
    inner_wide, inner_high = inside(cells_wide, cells_high)
    rows = [_top(picture, cells_wide, edges, line, focused)]
    for number in range(inner_high):
        row = picture.rows[number] if number < len(picture.rows) else ()
        rows.append(((edges.down, line), (" ", "text"), *fit(row, inner_wide), (" ", "text"), (edges.down, line)))
    rows.append(((edges.bottom_left + edges.across * (cells_wide - 2) + edges.bottom_right, line),))
    return tuple(rows)


def _top(picture: Picture, cells_wide: int, edges: Edges, line: str, focused: bool) -> Row:
    """``╭─ Title ────── status ─╮``; the status gives way first, then the title."""
    room = cells_wide - 6
    title: Row = ((picture.title, "title" if focused else "dim+bold"),) if picture.title else ()
    title = fit(title, min(width(title), room)) if title else ()
    left = width(title) + 2 if title else 0
    status = picture.status
    if status and width(status) + 3 > room + 2 - left:
        spare = room + 2 - left - 3
        status = fit(status, spare) if spare >= 8 else ()
    right = width(status) + 2 if status else 0
    rule = cells_wide - 4 - left - right
    spaced_title: Row = ((" ", "text"), *title, (" ", "text")) if title else ()
    spaced_status: Row = ((" ", "text"), *status, (" ", "text")) if status else ()
    return (
        (edges.top_left + edges.across, line),
        *spaced_title,
        (edges.across * rule, line),
        *spaced_status,
        (edges.across + edges.top_right, line),
    )
