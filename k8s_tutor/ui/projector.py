"""The projector's screen: black, one panel in large blocks, one sentence or question, no footnotes. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from k8s_tutor.ui import lesson_panel, markdown
from k8s_tutor.ui.chrome import Head, clock
from k8s_tutor.ui.layout import NOWHERE, Box, Layout, Place, Wish
from k8s_tutor.ui.lesson_panel import Hand
from k8s_tutor.ui.rows import Row, fit, width
from k8s_tutor.ui.scene import Picture, Spot

if TYPE_CHECKING:
    from k8s_tutor.lessons.view import LessonView

_MARKUP = re.compile(r"[*`_]")


def layout(cells_wide: int, cells_high: int, wish: Wish) -> Layout:
    """Header, one panel a world in the upper part, what the room is asked below it, one line of keys."""
    panels = (wish.focus,) if wish.focus in wish.panels else wish.panels[:1]
    share = cells_high // 2 if cells_high >= 36 else min(16, cells_high * 4 // 10)
    low = max(7, share) if wish.lesson and not wish.zoom else 0
    body = Box(1, 1, cells_wide - 2, cells_high - 2 - low)
    places = tuple(
        Place(panel, world, Box(body.x + body.width * world // wish.worlds, body.y, body.width // wish.worlds, body.height))
        for world in range(wish.worlds)
        for panel in panels
    )
    hidden = tuple(panel for panel in wish.panels if panel not in panels)
    footer = Box(0, cells_high - 1, cells_wide, 1)
    lesson = Box(1, cells_high - 1 - low, cells_wide - 2, low) if low else NOWHERE
    return Layout(places, hidden, Box(0, 0, cells_wide, 1), NOWHERE, lesson, NOWHERE, NOWHERE, footer)


def head(of: Head, cells: int) -> Row:
    """The lesson's name, the step, the clock."""
    name = of.crumbs[-1] if of.crumbs else ""
    right = f"{of.step} / {of.total}   {clock(of.now)} " if of.total else f"{clock(of.now)} "
    left: Row = ((f" {name}", "bright"), (f"   ✗ WRONG RULE: {of.wrong}" if of.wrong else "", "fail+bold"))
    gap = cells - width(left) - len(right)
    return fit((*left, (" " * max(1, gap), "text"), (right, "dim")), cells)


def words(lesson: LessonView, hand: Hand, cells: int, high: int) -> Picture:
    """One sentence or question, the answers A, B, C; once it is decided, why."""
    asked = question(lesson)
    rows: list[Row] = list(markdown.wrap(((asked, "bright"),), cells))
    spots: list[Spot] = []
    choices = [block for block in lesson.blocks if block.kind == "option"]
    lines = sum(1 + (len(plain(block.text)) + 6) // cells for block in choices)
    gap = 1 if len(rows) + lines + len(choices) + 1 <= high else 0
    for number, block in enumerate(choices):
        rows += [()] * gap
        here = number == hand.cursor and lesson_panel.can(lesson, "answer")
        glyph, role = {"right": ("✓", "ok"), "wrong": ("✗", "fail"), "chosen": ("●", "leader")}.get(block.state, (" ", "text"))
        said = "bright+selected" if here else "text"
        key: Row = ((f" {chr(ord('A') + number)}  ", "key+selected" if here else "key"),)
        wrapped = markdown.wrap((*key, (f"{plain(block.text)} ", said), (f" {glyph}", role)), cells, "    ")
        spots.append(Spot(len(rows), 0, cells, f"option {number}", len(wrapped)))
        rows += wrapped
    if lesson.phase == "done" and choices:
        because = next((plain(block.text) for block in lesson.blocks if block.kind == "feedback"), "")
        rows += [()] * gap + list(markdown.wrap(((because, "leader"),), cells))
    goals = [block for block in lesson.blocks if block.kind == "goal"]
    for block in goals:
        rows.append(
            (("✓ " if block.state == "met" else "◌ ", "ok" if block.state == "met" else "dim"), (plain(block.text), "text"))
        )
    return Picture("", (), tuple(rows[:high]), tuple(spots))


def plain(text: str) -> str:
    """Markdown without its marks."""
    return " ".join(_MARKUP.sub("", text).split())


def question(lesson: LessonView) -> str:
    """What the room is asked or told: the question, else the first sentence of the step."""
    for kind in ("question", "text"):
        for block in reversed(lesson.blocks) if lesson.phase == "done" else lesson.blocks:
            if block.kind == kind and block.text:
                text = plain(block.text)
                return text if kind == "question" else first_sentences(text, 160)
    return lesson.step_title


def first_sentences(text: str, most: int) -> str:
    """Whole sentences up to ``most`` characters; at least one."""
    kept = ""
    for sentence in re.split(r"(?<=[.!?:])\s+", text):
        if kept and len(kept) + len(sentence) > most:
            break
        kept = f"{kept} {sentence}".strip()
    return kept
