"""The right edge of the screen: each line of it says all about itself.

Terminals that save or copy a screen (tmux, script, screen recorders) write a colour only where it changes, across the ends of
lines too, and many readers of such copies take each line by itself: it then stands without its ground. So the last cell of
every line has colours that no first cell has. They differ from the theme's by less than an eye can see.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style
from textual.screen import Screen
from textual.strip import Strip

SHIFT = 3
"""What the blue of the last cell differs by, of 255: it survives the veil that lies under a dialog."""


def _near(colour: Color | None) -> Color | None:
    """A colour that differs and looks the same; the terminal's own sixteen stay what they are."""
    if colour is None or colour.type is not ColorType.TRUECOLOR or colour.triplet is None:
        return colour
    red, green, blue = colour.triplet
    return Color.from_rgb(red, green, blue + SHIFT if blue < 128 else blue - SHIFT)


@lru_cache(maxsize=512)
def _edge(style: Style | None) -> Style | None:
    """How the last cell of a line looks that would look like this."""
    return Style(color=_near(style.color), bgcolor=_near(style.bgcolor)) if style is not None else None


def edged(strip: Strip) -> Strip:
    """The same line with an edge in its last cell."""
    cells = strip.cell_length
    segments = [segment for segment in strip if segment.text]
    if not cells or not segments:
        return strip
    text, style, control = segments.pop()
    if len(text) > 1:
        segments.append(Segment(text[:-1], style, control))
    return Strip([*segments, Segment(text[-1], _edge(style), control)], cells)


class EdgedScreen(Screen[Any]):
    """A screen whose bare ground has an edge too."""

    def render_line(self, y: int) -> Strip:
        return edged(super().render_line(y))
