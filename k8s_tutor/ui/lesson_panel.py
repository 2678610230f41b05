"""The lesson's column: what a `LessonView` says, as rows. Pure.

From top to bottom: the story, one question or task, its options or goals, what came of it. At the foot, set apart, where the
picture breaks, and the keys that work now. It always asks for one thing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from k8s_tutor.ui import markdown
from k8s_tutor.ui.rows import Row, fit, width
from k8s_tutor.ui.scene import Picture, Spot

if TYPE_CHECKING:
    from k8s_tutor.lessons.view import Block, LessonView


@dataclass(frozen=True, slots=True)
class Hand:
    """What the learner has on their mind and not yet said."""

    cursor: int = 0
    """Which option the cursor is on, from 0."""
    sure: bool | None = None
    typed: str = ""
    """The answer typed so far."""
    scroll: int | None = None
    """Rows scrolled down; None: to where the step is."""


_HEADS = {
    "predict": "Before you go on",
    "ask": "A question",
    "review": "Do you remember?",
    "task": "Your turn",
    "compare": "Side by side",
    "do": "Watch",
    "wait": "Watch",
    "debrief": "What happened",
    "end": "Done",
}
_STATES = {
    "right": ("●", "ok"),
    "wrong": ("●", "fail"),
    "chosen": ("●", "leader"),
    "met": ("✓", "ok"),
    "done": ("✓", "ok"),
    "broken": ("✗", "fail"),
    "now": ("▸", "leader"),
    "open": ("◌", "dim"),
}
_ANCHORS = {
    "asking": ("question",),
    "running": ("caption",),
    "showing": ("caption",),
    "working": ("goal", "hint", "warning"),
    "failed": ("warning",),
    "done": ("feedback",),
}
"""Phase → kinds of blocks that say what it is about now."""
_PHASES = {
    "running": ("◌ the system is at work …", "warn"),
    "showing": ("◌ the solution plays …", "warn"),
    "failed": ("✗ not this time", "fail"),
}
_KEYS = {
    "next": "Enter",
    "answer": "Enter",
    "hint": "h",
    "solve": "S",
    "reset": "R",
    "imagine": "I",
    "skip": "n",
}


def options(view: LessonView) -> tuple[Block, ...]:
    """The options of the step, in order."""
    return tuple(block for block in view.blocks if block.kind == "option")


def can(view: LessonView, action: str) -> bool:
    """Whether the lesson offers this action now."""
    return any(key.action == action for key in view.keys)


def render(view: LessonView, hand: Hand, breaks: str, cells_wide: int, cells_high: int) -> Picture:
    """The column, ``cells_wide`` by ``cells_high`` inside its frame. ``breaks``: where the lens's picture breaks."""
    body, spots, anchor = _body(view, hand, cells_wide)
    foot = _keys_row(view, cells_wide)
    truth, own = _truth(view, breaks, cells_wide)
    if len(body) + len(truth) + len(foot) + 2 <= cells_high:
        foot = [*truth, (), *foot] if truth else foot
    elif own:  # it is read by scrolling
        body = [*body, (), *truth]
    room = max(1, cells_high - len(foot))
    if len(body) > room:
        body, spots, anchor = _denser(body, spots, anchor)
        foot = [row for row in foot if row]
        room = max(1, cells_high - len(foot))
    roomy = len(body) + 1 <= room
    start = 0 if roomy else max(0, min(anchor if hand.scroll is None else hand.scroll, len(body) - room))
    rows: list[Row] = [(), *body] if roomy else list(body[start : start + room])
    shift = 1 if roomy else -start
    if not roomy and len(body) - start > room:
        rows[-1] = fit((("… more: Shift-↓", "dim"),), cells_wide)
    rows += [()] * (room - len(rows))
    kept = tuple(Spot(s.row + shift, s.column, s.width, s.target) for s in spots if 0 <= s.row + shift < room)
    return Picture("Lesson", _status(view), (*rows, *foot), kept)


def _denser(body: list[Row], spots: list[Spot], anchor: int) -> tuple[list[Row], list[Spot], int]:
    """The same without its empty rows, for where rows are few."""
    above = list(itertools.accumulate((not row for row in body), initial=0))
    kept = [Spot(spot.row - above[spot.row], spot.column, spot.width, spot.target) for spot in spots]
    return [row for row in body if row], kept, anchor - above[min(anchor, len(body))]


def _status(view: LessonView) -> Row:
    return (("done", "ok"),) if view.kind == "end" else ((f"step {view.index + 1} of {view.total}", "dim"),)


def _body(view: LessonView, hand: Hand, cells: int) -> tuple[list[Row], list[Spot], int]:
    """Everything but the foot, the spots of the options, and the row that should be seen first when not all fits."""
    rows: list[Row] = []
    spots: list[Spot] = []
    before = ""
    number = 0
    answering = can(view, "answer")
    asked = False
    anchor = 0
    for block in view.blocks:
        if block.kind == "truth":
            continue
        drawn = _draw(block, cells, hand, number if answering else -1, view)
        if rows and (block.kind != before or block.kind in ("text", "feedback", "hint")):
            rows.append(())
        concludes = view.phase == "done" and block.kind == "text" and before not in ("", "text", "feedback")
        if concludes or (block.kind in _ANCHORS.get(view.phase, ()) and not (anchor and before == block.kind)):
            anchor = len(rows)
        if block.kind in ("question", "goal") and before not in ("question", "goal"):
            head = view.step_title or _HEADS.get(view.kind, "")
            if head and not asked:
                rows += [(), ((head, "you+bold"),)] if rows else [((head, "you+bold"),)]
                asked = True
        if block.kind == "option":
            if before == "option" and cells >= 40:
                rows.append(())
            spots += [Spot(len(rows) + n, 0, cells, f"option {number}") for n in range(len(drawn))]
            number += 1
        rows += drawn
        before = block.kind
    rows += _asking(view, hand, cells, bool(number))
    if view.phase in _PHASES:
        rows += [(), (_PHASES[view.phase],)]
    return rows, spots, anchor


def _draw(block: Block, cells: int, hand: Hand, number: int, view: LessonView) -> list[Row]:
    """One block as rows; ``number``: of an option that may be chosen, else -1."""
    text = block.text
    if block.kind == "question":
        return list(markdown.render(text, cells, "bright"))
    if block.kind == "option":
        return _option(block, cells, hand, number)
    if block.kind == "table":
        return table(block.rows, cells)
    if block.kind in ("goal", "caption"):
        glyph, role = _STATES.get(block.state, ("◌", "dim"))
        words = "text" if block.state in ("met", "now", "broken", "done") else "dim"
        return list(markdown.wrap(((f"  {glyph}  ", role), *markdown.spans(text, words)), cells, "     "))
    if block.kind == "hint":
        return list(markdown.wrap((("hint  ", "key"), *markdown.spans(text)), cells, "      "))
    if block.kind == "feedback":
        glyph, role = {"right": ("✓ ", "ok+bold"), "wrong": ("✗ ", "fail+bold")}.get(block.state, ("", "text"))
        head = (((glyph, role),) if glyph else ()) + markdown.spans(text)
        return list(markdown.wrap(head, cells, "  " if glyph else ""))
    if block.kind == "imagine":
        return list(markdown.wrap((("◇ ", "other"), *markdown.spans(text, "other")), cells, "  "))
    if block.kind == "timeline":
        return list(markdown.wrap(((f"{block.mark:>9}  ", "dim"), *markdown.spans(text)), cells, " " * 11))
    if block.kind == "warning":
        return list(markdown.wrap((("! ", "warn+bold"), *markdown.spans(text, "warn")), cells, "  "))
    return list(markdown.render(text, cells))


def _option(block: Block, cells: int, hand: Hand, number: int) -> list[Row]:
    """``● text`` on a raised ground while the cursor is on it."""
    here = number >= 0 and number == hand.cursor
    glyph, role = _STATES.get(block.state, ("●", "leader") if here else ("○", "dim"))
    suffix = "+selected" if here else ""
    label = (f" {glyph}  ", role + suffix)
    words = markdown.spans(block.text, "bright" if here else "text", strong="bright", code="you")
    words = tuple((text, span + suffix) for text, span in words)
    rows = markdown.wrap((label, *words), cells, "    ")
    if not here:
        return list(rows)
    return [tuple((text, _on(span)) for text, span in fit(row, cells)) for row in rows]


def _on(role: str) -> str:
    return role if role.endswith("+selected") else role + "+selected"


def table(cells_of: tuple[tuple[str, ...], ...], cells: int) -> list[Row]:
    """A table: dim head, columns lined up; a row that begins with ``*`` is where the learner is. Where it is too wide, outcomes
    shrink to their mark, then columns give way from the right."""
    if not cells_of:
        return []
    columns = max(len(row) for row in cells_of)
    padded = [tuple(row) + ("",) * (columns - len(row)) for row in cells_of]
    if _table_width(padded, 1) > cells:
        padded = _marks_only(padded)
    while len(padded[0]) > 2 and _table_width(padded, 1) > cells:
        padded = [row[:-1] for row in padded]
    gap = 3 if _table_width(padded, 3) <= cells else 2 if _table_width(padded, 2) <= cells else 1
    widths = _widths(padded)
    rows: list[Row] = []
    for number, row in enumerate(padded):
        here = row[0].startswith("*")
        role = "dim" if number == 0 else "bright" if here else "text"
        spans = tuple(
            (text.lstrip("*").ljust(wide + (gap if column < len(widths) - 1 or here else 0)), _cell_role(text, role))
            for column, (text, wide) in enumerate(zip(row, widths, strict=True))
        )
        rows.append((*spans, ("◀ you are here", "leader")) if here else spans)
    return [fit(row, cells) if width(row) > cells else row for row in rows]


def _widths(rows: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(len(text.lstrip("*")) for text in column) for column in zip(*rows, strict=True)]


def _table_width(rows: Sequence[tuple[str, ...]], gap: int) -> int:
    widths = _widths(rows)
    return sum(widths) + gap * (len(widths) - 1)


def _marks_only(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Columns of outcomes (``✗ stops``) with their marks alone, and the first word of their heads."""
    columns = []
    for head, *rest in zip(*rows, strict=True):
        outcome = all(text[:1] in ("✓", "✗", "·", "") for text in rest)
        columns.append((head.split(" ")[0], *(text[:1] for text in rest)) if outcome else (head, *rest))
    return [tuple(row) for row in zip(*columns, strict=True)]


def _cell_role(text: str, role: str) -> str:
    """Outcomes in a table have their colours; the word stays."""
    if role == "dim":
        return role
    mark = text.strip()[:1]
    return {"✓": "ok", "✗": "fail"}.get(mark, role)


def _asking(view: LessonView, hand: Hand, cells: int, has_options: bool) -> list[Row]:
    """What is asked for beside the options: a typed answer, and how sure."""
    if not can(view, "answer"):
        return []
    rows: list[Row] = []
    if not has_options:
        rows += [(), (("your answer ▸ ", "you"), (hand.typed or "type it", "bright" if hand.typed else "dim"), ("█", "you"))]
    sure = tuple(
        (f" {word} ", "on-warn" if hand.sure is value else "on-dim") for word, value in (("sure", True), ("unsure", False))
    )
    rows += [(), (("How sure? ", "dim"), sure[0], (" ", "text"), sure[1], ("  s", "key"))]
    return rows


def _truth(view: LessonView, breaks: str, cells: int) -> tuple[list[Row], bool]:
    """Where the picture breaks, and whether this step says so itself (else the lens does)."""
    own = view.truth or "\n\n".join(block.text for block in view.blocks if block.kind == "truth")
    words = markdown.render(own or breaks, cells, "dim") if own or breaks else ()
    return ([(("Where the picture breaks", "dim+bold"),), *words] if words else []), bool(own)


def _keys_row(view: LessonView, cells: int) -> list[Row]:
    """The keys that the lesson offers, gold, in as many rows as they need; a key and its words stay together."""
    rows: list[list[tuple[str, str]]] = []
    used = cells
    for key in view.keys:
        shown, words = _KEYS.get(key.action, key.action), key.words
        size = len(shown) + 1 + len(words)
        if used + 3 + size > cells:
            rows.append([])
            used = -3
        if rows[-1]:
            rows[-1].append(("   ", "text"))
        rows[-1] += [(f"{shown} ", "key"), (words, "text")]
        used += 3 + size
    return [(), *(tuple(row) for row in rows)] if rows else []
