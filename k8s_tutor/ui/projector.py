"""The projector's screen: black, one panel in large blocks, one sentence or question, no footnotes. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from k8s_tutor.ui.chrome import Head, clock
from k8s_tutor.ui.layout import NOWHERE, Box, Layout, Place, Wish
from k8s_tutor.ui.rows import Row, fit, width
from k8s_tutor.ui.scene import Option

if TYPE_CHECKING:
    from k8s_tutor.lessons.view import LessonView

_MARKUP = re.compile(r"[*`_]")


def layout(cells_wide: int, cells_high: int, wish: Wish) -> Layout:
    """Header, one panel a world (two where the wall is large), one line of keys."""
    panels = (wish.focus,) if wish.focus in wish.panels else wish.panels[:1]
    body = Box(1, 2, cells_wide - 2, cells_high - 3)
    places = tuple(
        Place(panel, world, Box(body.x + body.width * world // wish.worlds, body.y, body.width // wish.worlds, body.height))
        for world in range(wish.worlds)
        for panel in panels
    )
    hidden = tuple(panel for panel in wish.panels if panel not in panels)
    footer = Box(0, cells_high - 1, cells_wide, 1)
    return Layout(places, hidden, Box(0, 0, cells_wide, 1), NOWHERE, NOWHERE, NOWHERE, NOWHERE, footer)


def head(of: Head, cells: int) -> Row:
    """The lesson's name, the step, the clock."""
    name = of.crumbs[-1] if of.crumbs else ""
    right = f"{of.step} / {of.total}   {clock(of.now)} " if of.total else f"{clock(of.now)} "
    left: Row = ((f" {name}", "bright"),)
    gap = cells - width(left) - len(right)
    return fit((*left, (" " * max(1, gap), "text"), (right, "dim")), cells)


def question(lesson: LessonView | None) -> str:
    """What the room is asked or told: the question, else the first sentence of the step."""
    if lesson is None:
        return ""
    for kind in ("question", "feedback", "text"):
        for block in reversed(lesson.blocks) if kind == "feedback" else lesson.blocks:
            if block.kind == kind and block.text:
                text = " ".join(_MARKUP.sub("", block.text).split())
                return text if kind == "question" else first_sentences(text, 160)
    return ""


def first_sentences(text: str, most: int) -> str:
    """Whole sentences up to ``most`` characters; at least one."""
    kept = ""
    for sentence in re.split(r"(?<=[.!?:])\s+", text):
        if kept and len(kept) + len(sentence) > most:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def options(lesson: LessonView | None) -> tuple[Option, ...]:
    """What the room may answer."""
    if lesson is None:
        return ()
    texts = [_MARKUP.sub("", block.text) for block in lesson.blocks if block.kind == "option"]
    return tuple(Option(chr(ord("A") + number), text) for number, text in enumerate(texts))
