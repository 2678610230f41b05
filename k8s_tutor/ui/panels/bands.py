"""The five bands of the packet walk: one a layer, and the packet's way through them as a line from place to place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_tutor.ui.draw import Canvas, shorten

if TYPE_CHECKING:
    from k8s_tutor.cluster.walkviews import HopView

BANDS: dict[str, tuple[str, str]] = {
    "pod": ("Pod", "pod"),
    "namespace": ("network namespace", "netns"),
    "cni": ("CNI plugin", "CNI"),
    "node": ("node network", "node"),
    "cluster": ("cluster network", "cluster"),
}
"""Layer → its name, and a short one."""
ROWS = {layer: number for number, layer in enumerate(BANDS)}
WIDE, NARROW = 19, 9
"""Cells for the names of the bands."""
LEAST, MOST = 2, 8
"""Cells from one place to the next."""
HIGH = 6
"""Rows that the bands and the machines above them take."""
TARGET = "hop "
"""What the selected hop is called, before its number from 1."""
Box = tuple[int, int, int, int]


def mark_of(hop: HopView) -> tuple[str, str]:
    """The mark of a hop: where the way ends badly, where the header was rewritten, where a tunnel is around it, or neither."""
    if hop.failed:
        return "✗", "fail+bold"
    if hop.changed:
        return "◆", "leader+bold"
    if hop.rule.startswith("NetworkPolicy"):
        return "✓", "ok"
    if hop.tunnel:
        return "◇", "other"
    return "●", "peer" if hop.back else "you"


def draw_bands(canvas: Canvas, hops: tuple[HopView, ...], here: int, first: int, box: Box) -> int:
    """The bands of one connection in a box (row, column, width, height): where there is room both ways, else the one in which
    the hop ``here`` is. ``first``: what the first hop's number is. Returns how many rows are used, 0 where there is no room."""
    row, column, width, height = box
    there = [hop for hop in hops if not hop.back]
    back = [hop for hop in hops if hop.back]
    if height < HIGH + 7 or not _step(max(len(there), len(back)), width):
        return 0
    both = bool(back) and height >= 2 * HIGH + 16
    if both or here < len(there):
        _way(canvas, there, here, first, (row, column, width, HIGH), False)
    if both:
        row += HIGH + 1
    if both or here >= len(there):
        _way(canvas, back, here - len(there), first + len(there), (row, column, width, HIGH), True)
    return HIGH + 1 + (HIGH + 1 if both else 0)


def _step(count: int, width: int) -> int:
    """Cells from one place to the next; 0 where they do not fit."""
    for names in (WIDE, NARROW):
        step = min(MOST, (width - names - 1) // max(1, count))
        if step >= (4 if names == WIDE else LEAST):
            return step
    return 0


def _way(canvas: Canvas, hops: list[HopView], here: int, first: int, box: Box, back: bool) -> None:
    """One direction: the request from left to right, the answer from right to left."""
    row, column, width, _ = box
    step = _step(len(hops), width)
    names = WIDE if step >= 4 else NARROW
    left, top = column + names, row + 1
    for layer, (name, short) in BANDS.items():
        line = top + ROWS[layer]
        ground = _ground(line, top)
        canvas.fill(line, column, width, 1, f"text{ground}")
        used = any(hop.layer == layer for hop in hops)
        canvas.put(line, column, name if names == WIDE else short, f"{'text' if used else 'dim'}{ground}")
    called = ("request ▶", "◀ answer") if names == WIDE else ("there ▶", "◀ back")
    canvas.put(row, column, called[back], "peer" if back else "you")
    last = left + step * (len(hops) - 1)
    places = [(last - step * n if back else left + step * n, top + ROWS[hop.layer]) for n, hop in enumerate(hops)]
    _machines(canvas, hops, places, row, column + width, step, back)
    role = "peer" if back else "you"
    for number in range(1, len(hops)):
        _line(canvas, places[number - 1], places[number], role, top)
    for number, (hop, (x, y)) in enumerate(zip(hops, places, strict=True)):
        mark, mark_role = mark_of(hop)
        if number == here:
            canvas.put(y, x - 1, f"▸{mark}◂", f"{mark_role.removesuffix('+bold')}+bold+selected")
        else:
            canvas.put(y, x, mark, mark_role + _ground(y, top))
        canvas.spot(y, x, 1, f"{TARGET}{first + number + 1}")


def _ground(row: int, top: int) -> str:
    """Every other band stands on a ground of its own."""
    return "+sunk" if (row - top) % 2 == 0 else ""


def _line(canvas: Canvas, one: tuple[int, int], other: tuple[int, int], role: str, top: int) -> None:
    """From one place to the next: along the band, then up or down at the other's column."""
    (x, y), (to_x, to_y) = one, other
    across = 1 if to_x > x else -1
    canvas.across(y, x + across, to_x, role + _ground(y, top))
    if y == to_y:
        return
    down = to_y > y
    corner = {(True, 1): "╮", (False, 1): "╯", (True, -1): "╭", (False, -1): "╰"}[down, across]
    canvas.put(y, to_x, corner, role + _ground(y, top))
    for row in range(min(y, to_y) + 1, max(y, to_y)):
        canvas.put(row, to_x, "│", role + _ground(row, top))


def _machines(
    canvas: Canvas, hops: list[HopView], places: list[tuple[int, int]], row: int, right: int, step: int, back: bool
) -> None:  # fmt: skip
    """The names of the machines above the part of the way that is on them."""
    start = 0
    for number in range(1, len(hops) + 1):
        if number < len(hops) and hops[number].machine == hops[start].machine:
            continue
        edges = places[start][0], places[number - 1][0]
        room = min(max(edges) + step - 1, right) - min(edges)
        if hops[start].machine and room >= 3:
            canvas.put(row, min(edges), shorten(hops[start].machine, room), "bright")
            used = min(len(hops[start].machine), room) + 1
            canvas.across(row, min(edges) + used, max(edges)) if max(edges) > min(edges) + used else None
        start = number
