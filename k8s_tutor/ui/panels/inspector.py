"""The inspector: all that the view tells about the selected thing, and why it is so: the chain of its causes."""

from __future__ import annotations

from k8s_tutor.ui.draw import Canvas, shorten, wrap
from k8s_tutor.ui.panels.facts import facts
from k8s_tutor.ui.panels.panel import named, panel
from k8s_tutor.ui.panels.verdict_rows import cases, explain
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Cause, Picture, Scene
from k8s_tutor.ui.words import age, count, stamp


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """Facts as label and value, then details as they were given, then the causes, oldest first."""
    canvas = Canvas(width, height)
    if not scene.selected and not scene.details and not scene.why:
        for row, line in enumerate(wrap("Select something: an arrow key or a click. Then w asks why.", width)[:height]):
            canvas.put(row, 0, line, "dim")
        return canvas.picture("Inspector")
    told = _verdict(scene, width) if scene.why else []
    lines = told or _facts(scene, width)
    if scene.details:
        lines += [(), *(((line, "text"),) for line in scene.details)]
    chain = why_rows(scene.why, width, scene.selected)
    targets = [cause.target for cause in scene.why]
    room = height - len(lines) - 1
    if chain and room < min(len(chain), 6):
        lines = lines[: max(1, height - 1 - min(len(chain), height // 3 if told else height * 2 // 3))]
    if chain:
        lines += [(), *chain]
    if lines and not lines[0]:
        lines = lines[1:]
    top = min(scene.scroll, max(0, len(lines) - height))
    first = len(lines) - len(chain)
    if chain and scene.selected in targets:
        top = _in_view(top, first + targets.index(scene.selected), len(lines), height)
    for row, spans in enumerate(lines[top : top + height]):
        canvas.row(row, 0, spans)
        if chain and first <= row + top and targets[row + top - first]:
            canvas.spot(row, 0, width, targets[row + top - first])
    if len(lines) - top > height > 1:
        canvas.fill(height - 1, 0, width, 1, "text")
        canvas.put(height - 1, 0, f"… {count(len(lines) - top - height + 1, 'more line')}", "dim")
    return canvas.picture(named(scene, scene.selected) or "Inspector", _status(scene))


def _verdict(scene: Scene, width: int) -> list[Row]:
    """Of a pod: why it is where it is, as its scheduler sees it."""
    pod = scene.selected.removeprefix("verdict ").partition(" ")[0]
    case = next((one for one in cases(scene.view) if one.pod == pod), None)
    return [line.row for line in explain(case, width)] if case is not None else []


def _in_view(top: int, line: int, lines: int, height: int) -> int:
    """The first row to show so that a line is seen with its neighbours: the arrows lead on to them."""
    lowest, highest = line + 3 - height, max(0, line - 1)
    return max(0, min(max(top, lowest) if lowest <= highest else highest, highest, max(0, lines - height)))


def _status(scene: Scene) -> Row:
    if scene.why:
        return ((count(len(scene.why), "cause"), "leader"),)
    return (("w asks why", "dim"),) if scene.selected else ()


def _facts(scene: Scene, width: int) -> list[Row]:
    """Labels in one column, values beside them; long values go on in the next row."""
    found = facts(scene)
    if not found and scene.selected and not scene.details and not scene.why:
        return [(("it is not there any more", "dim"),)]
    wide = min(14, max((len(label) for label, _, _ in found), default=0) + 2)
    rows: list[Row] = []
    for label, value, role in found:
        parts = wrap(value, max(8, width - wide)) or [""]
        for number, part in enumerate(parts[:4]):
            rows.append((((label if not number else "").ljust(wide), "dim"), (part, role)))
    return rows


def why_rows(causes: tuple[Cause, ...], width: int, selected: str = "") -> list[Row]:
    """``03.100  you typed …`` and below it, step by step, what followed; the time between two steps at the right."""
    rows: list[Row] = []
    before = causes[0].at if causes else 0
    for number, cause in enumerate(causes):
        last = number == len(causes) - 1
        rail = "●" if not number else "╰" if last else "├"
        role = "you" if not number else "bright" if last else "text"
        role = "bright+selected" if selected and cause.target == selected else role
        head: Row = ((stamp(cause.at).ljust(8), "dim"),) if width >= 36 else ()
        gap = f"+{age(cause.at - before)}" if number and width >= 56 else ""
        room = width - sum(len(text) for text, _ in head) - 2 - (len(gap) + 2 if gap else 0)
        words = shorten(cause.words, max(1, room))
        tail: Row = ((f"  {gap}", "dim"),) if gap else ()
        rows.append((*head, (f"{rail} ", "line" if number else "you"), (words.ljust(max(0, room)), role), *tail))
        before = cause.at
    return rows
