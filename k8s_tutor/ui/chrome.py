"""What stands around the panels: the header line, the footer, the row of tabs, the home screen's head. Pure rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8s_tutor.ui.actions import Action, shown
from k8s_tutor.ui.rows import Row, fit, width

MARK = "⎈ k8s-tutor"


@dataclass(frozen=True, slots=True)
class Head:
    """What the header tells."""

    crumbs: tuple[str, ...]
    """From the widest to the narrowest: track, lesson."""
    step: int = 0
    """From 1; 0: no steps."""
    total: int = 0
    now: int = 0
    playing: bool = False
    holding: bool = False
    """The clock waits for an answer."""
    past: bool = False
    """The screen shows a moment that has a future already."""
    speed: str = ""
    seed: int = 0
    lens: str = ""
    wrong: str = ""
    """The variant of consensus, when it is a broken one."""


def clock(micros: int) -> str:
    """``01:02:03.456``; hours only when there are any."""
    millis = micros // 1000
    seconds, millis = divmod(millis, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02}:{seconds:02}.{millis:03}"
    return f"{hours}:{text}" if hours else text


def header(head: Head, cells: int) -> Row:
    """Crumbs at the left, step meter in the middle, time at the right; the less important gives way."""
    state = ("‖" if head.holding or not head.playing else "▶", "warn" if head.holding or not head.playing else "ok")
    right: list[tuple[str, str]] = [(state[0] + " ", state[1]), (clock(head.now), "bright")]
    if head.past:
        right.append(("  ◂ past", "other"))
    right.append((f"   {head.speed}", "dim"))
    if head.wrong:
        right.insert(0, (f"✗ WRONG RULE: {head.wrong}   ", "fail+bold"))
    wide: list[tuple[str, str]] = [(f"   seed {head.seed}", "dim")]
    if head.lens:
        wide += [("   lens ", "dim"), (head.lens, "leader")]
    left: list[tuple[str, str]] = [(f" {MARK}", "accent")]
    names = [(crumb, "bright" if number == len(head.crumbs) - 1 else "dim") for number, crumb in enumerate(head.crumbs)]
    for skip_names, bar, with_wide in (
        (0, 20, True),
        (0, 10, True),
        (1, 10, True),
        (1, 10, False),
        (1, 0, False),
        (2, 0, False),
    ):
        middle = meter(head, bar)
        shown_left = _crumbs(left, names[min(skip_names, max(0, len(names) - 1)) :])
        shown_right = [*right, *(wide if with_wide else []), (" ", "text")]
        room = cells - width(tuple(shown_left)) - width(middle) - width(tuple(shown_right))
        if room >= 4:
            before = room // 2
            return (*shown_left, (" " * before, "text"), *middle, (" " * (room - before), "text"), *shown_right)
    rest = width(tuple(right)) + 3
    name = fit(((f" {names[-1][0]}" if names else MARK, "bright"),), max(0, cells - rest))
    return (*name, ("  ", "text"), *right, (" ", "text"))


def _crumbs(left: list[tuple[str, str]], names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    out = list(left)
    for name in names:
        out += [("  ›  ", "line"), name]
    return out


def meter(head: Head, bar: int) -> Row:
    """``4/11 ━━━━━━─────``."""
    if not head.total:
        return ()
    count = (f"{head.step}/{head.total}", "dim")
    if not bar:
        return (count,)
    full = bar * head.step // head.total
    return (count, (" ", "text"), ("━" * full, "leader"), ("━" * (bar - full), "line"))


def footer(actions: Sequence[Action], cells: int, words: dict[str, str] | None = None) -> Row:
    """``Space play   . one message   …``: as many as fit one line, help always at the right end. ``words``: other labels for
    now, by id."""
    last = next((action for action in actions if action.id == "help"), None)
    end: Row = ((shown(last.keys[0]), "key"), (f" {last.label} ", "dim")) if last is not None else ()
    out: list[tuple[str, str]] = [(" ", "text")]
    used = 1 + width(end)
    for action in actions:
        if action is last:
            continue
        label = (words or {}).get(action.id, action.label)
        key = shown(action.keys[0])
        size = len(key) + 1 + len(label) + 3
        if used + size > cells:
            break
        out += [(key, "key"), (f" {label}   ", "dim")]
        used += size
    return (*out, (" " * max(0, cells - used), "text"), *end)


def tabs(names: Sequence[tuple[str, bool, bool]], cells: int) -> Row:
    """Panels as (title, visible, focused): what Tab walks through."""
    out: list[tuple[str, str]] = [(" Tab ", "key")]
    for name, visible, focused in names:
        role = "bright" if focused else "text" if visible else "dim"
        out += [(f" {name} ", role), (" ", "text")]
    return fit(tuple(out), cells) if width(tuple(out)) > cells else tuple(out)


def notice(text: str, cells: int, role: str = "warn") -> Row:
    """One line that says what went wrong or was done."""
    return fit(((" " + text, role),), cells)
