"""Why this node? The scheduler's own table: which filter refused a node, and what each plugin gave the others."""

from __future__ import annotations

from k8s_tutor.cluster.verdictwords import PLACES, scores
from k8s_tutor.cluster.views import VerdictView
from k8s_tutor.ui.draw import Canvas, shorten, squeeze, wrap
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.panels.verdict_rows import (
    ROLES,
    Case,
    Line,
    brief,
    cases,
    headline,
    node_lines,
    past_lines,
    picked_case,
    sentence,
    table,
    waiting_lines,
)
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import count, stamp

BESIDE = 112
"""From this width on the queue stands beside the table, not below it."""
QUEUE = 44


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """The verdict on the selected pod, else the newest, as a table; the queue and other pods below or beside it."""
    canvas = Canvas(width, height)
    title = scene.lens.word("verdicts", "Why this node?")
    case, node = picked_case(scene.view, scene.selected)
    if case is None:
        canvas.put(0, 0, "the scheduler has decided nothing yet", "dim")
        return canvas.picture(title)
    rest = [one for one in cases(scene.view) if one is not case and one.pod != case.pod]
    room = width
    if width >= BESIDE and rest:
        room = width - QUEUE - 3
        canvas.down(room + 1, 0, height - 1)
        _beside(canvas, scene, [case, *rest], room + 3)
    below = [] if room < width else rest
    foot = min(len(below), max(1, height // 4)) if height >= 5 else 0
    ruled = bool(foot) and height >= 12
    _verdict(canvas, scene, case, node, room, foot + ruled)
    if ruled:
        canvas.across(height - foot - 1, 0, width - 1)
    if foot:
        _below(canvas, scene, below, foot)
    return canvas.picture(title, _status(case))


def _status(case: Case) -> Row:
    if case.verdict is None:
        return ()
    rows = case.verdict.rows
    feasible = sum(not reason for _, reason, _, _ in rows)
    return ((f"{feasible} of {count(len(rows), 'node')} would do", "ok" if feasible else "fail"),)


# ------------------------------------------------------------------------------------------------------ one verdict


def _verdict(canvas: Canvas, scene: Scene, case: Case, node: str, width: int, below: int) -> None:
    """Head, sentence, what the pod waits for, the table page by page, the selected node, earlier attempts. ``below``: rows
    that others need at the foot."""
    rows = canvas.height - below
    _head(canvas, scene, case, width)
    words, role = sentence(case)
    nodes = len(case.verdict.rows) if case.verdict is not None else 0
    most = max(1, min(4, rows - 3 - min(nodes, 3))) if rows > 4 else 0
    said = wrap(words, width)
    if len(said) > most > 0:
        said = [*said[: most - 1], shorten(" ".join(said[most - 1 :]), width)]
    top: list[Row] = [((line, role),) for line in said[:most]]
    waits = waiting_lines(case, width)
    if rows - 1 - len(top) - len(waits) < min(nodes, 3) + 1:
        waits = waits[: max(0, rows - 2 - len(top) - min(nodes, 3))]
    top += waits
    row = 1
    for spans in top:
        canvas.row(row, 0, spans)
        row += 1
    if case.verdict is None:
        return
    found = table(case.verdict, width, node, scene.lens.name)
    past = past_lines(case, width)
    left = rows - row
    about = _about(case.verdict, node, width, left - 3 - min(nodes, 3 if node else left))
    left -= len(about) + bool(about)
    past = past[: max(0, left - nodes - 3)]
    left -= len(past) + bool(past)
    if left > len(found.lines) + bool(found.head) and top:
        row, left = row + 1, left - 1
    if found.head and left > min(nodes, 2):
        canvas.row(row, 0, found.head)
        row, left = row + 1, left - 1
    row = _page(canvas, scene, found.lines, row, left, width, f"verdict {case.pod} {node}" if node else "")
    for block in (about, past):
        row += bool(block)
        for spans in block:
            canvas.row(row, 0, spans)
            row += 1


def _about(verdict: VerdictView, node: str, width: int, room: int) -> list[Row]:
    """All that was said of the selected node; when none is selected of the best, one by one, as far as there is room."""
    found: list[Row] = []
    for one in [node] if node else [score.node for score in scores(verdict)]:
        rows = node_lines(verdict, one, width)
        if len(found) + len(rows) > room:
            break
        found += rows
    return found


def _head(canvas: Canvas, scene: Scene, case: Case, width: int) -> None:
    target = f"verdict {case.pod}"
    spans = headline(case, width)
    (name, role), *more = spans
    end = canvas.row(0, 0, ((name, picked(scene, target, role)), *more))
    canvas.spot(0, 0, width, target)
    when = stamp(case.verdict.at) if case.verdict is not None else ""
    if when and end + len(when) + 2 <= width:
        canvas.put(0, width - len(when), when, "dim")


def _page(
    canvas: Canvas, scene: Scene, lines: tuple[Line, ...], row: int, room: int, width: int, selected: str
) -> int:
    """As many rows of the table as fit, from where it was scrolled to, the selected one among them; returns the next row."""
    if room <= 0:
        return row
    whole = len(lines) <= room
    size = room if whole else max(1, room - 1)
    top = max(0, min(scene.scroll, len(lines) - size))
    place = next((i for i, line in enumerate(lines) if selected and line.target == selected), -1)
    if place >= 0:
        top = min(max(top, place - size + 1), place)
    for line in lines[top : top + size]:
        canvas.row(row, 0, line.row)
        canvas.spot(row, 0, width, line.target)
        row += 1
    if not whole and room > 1:
        above, more = top, len(lines) - top - size
        words = [f"{above} above"] if above else []
        words += [f"{more} below"] if more else []
        canvas.put(row, 2, f"… {' · '.join(words)}  (⇧↑ ⇧↓)", "dim")
        row += 1
    return row


# ------------------------------------------------------------------------------------------------------ the others


def _below(canvas: Canvas, scene: Scene, rest: list[Case], room: int) -> None:
    """Other pods as lines at the foot: the latest, and how many more there are."""
    first = canvas.height - room
    for number, case in enumerate(rest[:room]):
        if number == room - 1 and len(rest) > room:
            canvas.put(first + number, 0, f"… {count(len(rest) - number, 'more pod')}", "dim")
            return
        _other(canvas, scene, case, first + number, 0, canvas.width)


def _other(canvas: Canvas, scene: Scene, case: Case, row: int, column: int, width: int) -> None:
    target = f"verdict {case.pod}"
    name = squeeze(case.name, max(8, width // 2))
    at = canvas.put(row, column, name, picked(scene, target, "text")) + 2
    words, role = _outcome(case)
    canvas.put(row, at, shorten(words, column + width - at), role)
    canvas.spot(row, column, width, target)


def _outcome(case: Case) -> tuple[str, str]:
    """What became of a pod in a few words."""
    verdict, queued = case.verdict, case.queued
    if queued is not None and queued.place == "permit":
        return f"◌ {PLACES['permit']}", ROLES["permit"]
    if verdict is not None and verdict.chosen:
        return f"→ {verdict.chosen}", "dim"
    if verdict is not None and verdict.nominated:
        return f"◌ {verdict.nominated} is being emptied", "leader"
    if queued is not None and queued.place in ("gated", "active", "flying"):
        return f"◌ {PLACES[queued.place]}", ROLES[queued.place]
    if verdict is not None:
        return f"✗ {brief(verdict.message).partition(': ')[2] or verdict.message}", "warn"
    return "", "dim"


def _beside(canvas: Canvas, scene: Scene, every: list[Case], column: int) -> None:
    """The queue by its places, and below it what has been decided."""
    width = canvas.width - column
    row = 0
    waiting = [case for case in every if case.queued is not None]
    groups = [
        (words, ROLES[place], [case for case in waiting if case.queued is not None and case.queued.place == place])
        for place, words in PLACES.items()
    ]
    groups += [("decided", "ok", [case for case in every if case.queued is None])]
    full = [group for group in groups if group[2]]
    for number, (name, role, members) in enumerate(full):
        left = canvas.height - row - 2 * (len(full) - number - 1)
        if left < 2:
            return
        canvas.put(row, column, f"{name} ", role)
        canvas.put(row, column + len(name) + 1, str(len(members)), "dim")
        row += 1
        room = left - 2 if number < len(full) - 1 else left - 1
        shown = members if len(members) <= room else members[: max(0, room - 1)]
        for case in shown:
            _other(canvas, scene, case, row, column + 2, width - 2)
            row += 1
        if len(shown) < len(members):
            canvas.put(row, column + 2, f"… {len(members) - len(shown)} more", "dim")
            row += 1
        row += 1
