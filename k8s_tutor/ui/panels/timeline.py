"""The timeline: how much was going on when, where we stand, what was done, and the other futures."""

from __future__ import annotations

from k8s_tutor.cluster.views import BranchView
from k8s_tutor.ui.draw import Canvas, shorten, spark
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.rows import width as cells_of
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import clock

_MARKS = {"cut": "✂", "heal": "○", "crash": "✗", "restart": "○", "kill": "✗", "drop": "╳"}


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """One row: the rail. Two: what was going on above it. Three and more: words and branches below."""
    canvas = Canvas(width, height)
    title = "Timeline"
    words = _status(scene, max(10, width // 8))
    if width < 8 or height < 1:
        return canvas.picture(title, words)
    beside = cells_of(words) + 3 if width >= 60 else 0
    left, cells = (2, width - beside - 3) if width >= 24 else (0, width)
    rail = 1 if height >= 2 else 0
    here = _column(scene, scene.view.now, cells)
    if height >= 2:
        strip = spark(scene.timeline.heat, cells)
        canvas.put(0, left, strip[: here + 1], "load")
        canvas.put(0, left + here + 1, strip[here + 1 :], "line")
    if left:
        canvas.put(rail, 0, "◀", "dim")
    canvas.put(rail, left, "━" * (here + 1), "you")
    canvas.put(rail, left + here + 1, "╌" * (cells - here - 1), "line")
    _branches(canvas, scene, rail, left, cells, height)
    _marks(canvas, scene, rail, left, cells, height)
    canvas.put(rail, left + here, "●", "bright")
    if beside:
        canvas.right(rail, words)
    return canvas.picture(title, words)


def _status(scene: Scene, cells: int) -> Row:
    now = scene.view.now
    row: Row = ((clock(now), "bright"), (f" of {clock(max(now, scene.timeline.head_at))}", "dim"))
    current = next((branch.name for branch in scene.timeline.branches if branch.current), "")
    return (*row, (f"  {shorten(current, cells)}", "other")) if len(scene.timeline.branches) > 1 else row


def _column(scene: Scene, at: int, cells: int) -> int:
    end = max(1, scene.timeline.head_at, scene.view.now)
    return max(0, min(cells - 1, at * (cells - 1) // end))


def _marks(canvas: Canvas, scene: Scene, rail: int, left: int, cells: int, height: int) -> None:
    """Inputs: a glyph on the rail, its words below; the newest words win where there is no room for all."""
    free = canvas.width
    for at, words in sorted(scene.timeline.marks, key=lambda mark: -mark[0]):
        column = left + _column(scene, at, cells)
        glyph = _MARKS.get(words.split(" ")[0], "◆")
        canvas.put(rail, column, glyph, "fail" if glyph in "✂✗╳" else "leader")
        if height < 3:
            continue
        text = shorten(words, 24)
        start = max(0, min(column - len(text) // 2, canvas.width - len(text)))
        if start + len(text) < free:
            canvas.put(rail + 1, start, text, "dim")
            free = start - 1


def _branches(canvas: Canvas, scene: Scene, rail: int, left: int, cells: int, height: int) -> None:
    """Other futures, each from the place where it left: ``╰╌╌╌ with 4 managers``."""
    row = rail + 2
    for branch in scene.timeline.branches:
        if branch.current or row >= height or (not branch.parent and branch.fork == 0 and branch.head == 0):
            continue
        column = left + _fork(scene, branch, cells)
        canvas.down(column, rail + 1, row - 1, "other", "┆")
        canvas.put(rail, column, "┯", "other")
        name = shorten(branch.name, 24)
        end = min(canvas.width - len(name) - 2, max(column + 4, left + _column(scene, branch.head_at, cells)))
        if end > column + 1:
            canvas.put(row, column, "╰" + "╌" * (end - column - 1), "other")
            canvas.put(row, end + 1, name, picked(scene, f"branch {branch.name}", "other"))
        canvas.spot(row, column, max(1, end + 1 + len(name) - column), f"branch {branch.name}")
        row += 1


def _fork(scene: Scene, branch: BranchView, cells: int) -> int:
    """Where a branch leaves: its fork is an event number, placed by the share of events before it."""
    fork = branch.fork
    if branch.parent == "":
        fork = min((other.fork for other in scene.timeline.branches if other.parent == branch.name), default=0)
    return max(0, min(cells - 1, fork * (cells - 1) // max(1, scene.timeline.head)))
