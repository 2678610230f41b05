"""Themes: the one place where a role becomes a colour.

A theme is a `Palette`; every role of ``roles.py`` is drawn with one of its colours. State is never told by colour alone (panels
write a glyph and a word), so every theme may choose its colours freely; a test measures their contrast.

A role may carry a suffix: ``ok+selected`` draws the role on the ground of the selected thing, ``ok+sunk`` on a
sunk card, ``you+bold`` in bold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rich.style import Style
from textual.theme import Theme

Ground = Literal["panel", "ground", "sunk", "wall"]
"""What words stand on: a panel, the bare screen, a sunk bar (header, footer, console), or the projector's wall."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme. Grounds from far to near: ``sunk``, ``ground``, ``panel``, ``raised``; the rest are words."""

    name: str
    title: str
    dark: bool
    sunk: str
    ground: str
    panel: str
    raised: str
    line: str
    dim: str
    text: str
    bright: str
    teal: str
    gold: str
    green: str
    coral: str
    violet: str
    blue: str
    ink: str
    """Words on a ground of green, gold or coral."""
    wall: str
    """The projector's ground."""
    ansi: bool = False
    """Colours are the terminal's own sixteen."""


# fmt: off
PALETTES: tuple[Palette, ...] = (
    Palette("dark", "Dark", True, "#0b0f14", "#10151c", "#161d26", "#223040", "#2f3b4b", "#8090a4", "#d5dbe3", "#ffffff",
            "#5ccfe6", "#ffcc66", "#95d45c", "#f2777a", "#c9a8ff", "#6aa8ff", "#10151c", "#000000"),
    Palette("light", "Light", False, "#e3e7ec", "#eef1f4", "#fbfcfd", "#d9e6f5", "#c3ccd6", "#5b6776", "#26303b", "#000000",
            "#006d85", "#8a5a00", "#2f6f0f", "#b3261e", "#6b3fc0", "#1a56c4", "#ffffff", "#ffffff"),
    Palette("contrast", "High contrast", True, "#000000", "#000000", "#000000", "#00407f", "#8c8c8c", "#c8c8c8", "#ffffff",
            "#ffffff", "#5cf0ff", "#ffe45c", "#7dff5c", "#ff9090", "#e0c8ff", "#9cc8ff", "#000000", "#000000"),
    Palette("colour-blind", "Colour-blind safe", True, "#0b0f14", "#10151c", "#161d26", "#223040", "#2f3b4b", "#8090a4",
            "#d5dbe3", "#ffffff", "#7fd4ff", "#f0e442", "#4fb8ff", "#ff8c42", "#e6a6d0", "#9fb4d0", "#10151c", "#000000"),
    Palette("sixteen", "Sixteen colours", True, "default", "default", "default", "blue", "bright_black", "white", "default",
            "bright_white", "bright_cyan", "bright_yellow", "bright_green", "bright_red", "bright_magenta", "bright_blue",
            "black", "default", ansi=True),
)
# fmt: on
"""Every theme, in the order in which the key walks through them."""

BY_NAME = {palette.name: palette for palette in PALETTES}

_WORDS: dict[str, tuple[str, bool]] = {
    "text": ("text", False),
    "dim": ("dim", False),
    "bright": ("bright", True),
    "title": ("bright", True),
    "line": ("line", False),
    "leader": ("gold", False),
    "ok": ("green", False),
    "fail": ("coral", False),
    "other": ("violet", False),
    "you": ("teal", False),
    "peer": ("blue", False),
    "key": ("gold", True),
    "load": ("blue", False),
    "warn": ("gold", False),
    "accent": ("teal", True),
    "term-0": ("teal", False),
    "term-1": ("gold", False),
    "term-2": ("violet", False),
    "term-3": ("blue", False),
}
"""Role → (colour of its words, bold)."""

_GROUNDS: dict[str, tuple[str, str]] = {
    "on-ok": ("ink", "green"),
    "on-warn": ("ink", "gold"),
    "on-fail": ("ink", "coral"),
    "on-dim": ("bright", "sunk"),
    "selected": ("bright", "raised"),
}
"""Role → (words, ground) for roles that bring their own ground."""


def palette(name: str) -> Palette:
    """The palette of a theme; the dark one when the name is none of ours."""
    return BY_NAME.get(name, PALETTES[0])


@lru_cache(maxsize=4096)
def style(theme: str, role: str, ground: Ground = "panel") -> Style:
    """How a role is drawn in a theme. Unknown roles are drawn as text, so a picture never fails."""
    colours = palette(theme)
    base, *suffixes = role.split("+")
    if base in _GROUNDS:
        words, under = _GROUNDS[base]
        bold = base != "on-dim"
    else:
        words, bold = _WORDS.get(base, _WORDS["text"])
        under = ground
    if "sunk" in suffixes:
        under = "sunk"
    if "selected" in suffixes:
        under = "raised"
    return Style(
        color=str(getattr(colours, words)),
        bgcolor=str(getattr(colours, under)),
        bold=bold or "bold" in suffixes or None,
        italic="italic" in suffixes or None,
    )


def _css(colour: str) -> str:
    """A colour of a palette as Textual's stylesheets write it."""
    return colour if colour.startswith("#") else f"ansi_{colour}"


def textual_themes() -> list[Theme]:
    """Our palettes as Textual themes, for the few widgets that are Textual's own (the console's line, the palette)."""
    return [
        Theme(
            name=colours.name,
            primary=_css(colours.teal),
            secondary=_css(colours.blue),
            accent=_css(colours.gold),
            warning=_css(colours.gold),
            error=_css(colours.coral),
            success=_css(colours.green),
            foreground=_css(colours.text),
            background=_css(colours.ground),
            surface=_css(colours.panel),
            panel=_css(colours.sunk),
            boost=_css(colours.raised),
            dark=colours.dark,
            ansi=colours.ansi,
            variables=variables(colours),
        )
        for colours in PALETTES
    ]


def variables(colours: Palette) -> dict[str, str]:
    """Our own names in stylesheets: ``$tutor-ground``, ``$tutor-dim`` ..."""
    names = ("wall", "sunk", "ground", "panel", "raised", "line", "dim", "text", "bright", "teal", "gold", "green", "coral")
    ours = {f"tutor-{name}": _css(str(getattr(colours, name))) for name in names}
    cursor = {
        "input-cursor-background": _css(colours.teal),
        "input-cursor-foreground": "ansi_black" if colours.ansi else _css(colours.sunk),
        "input-selection-background": _css(colours.raised),
    }
    return ours | cursor | (_TERMINAL if colours.ansi else {})


_TERMINAL = {
    "ansi-background": "ansi_black",
    "ansi-foreground": "ansi_white",
    "border-blurred": "ansi_black",
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_white",
}
"""What Textual's own stylesheets ask of a theme in the terminal's colours."""


def next_theme(name: str) -> str:
    """The theme after this one."""
    names = [palette.name for palette in PALETTES]
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
