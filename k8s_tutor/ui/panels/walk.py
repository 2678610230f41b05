"""The packet walk: the way of one packet through the five layers and back, with its header at every place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_tutor.ui.draw import Canvas, shorten, squeeze, wrap
from k8s_tutor.ui.panels.bands import BANDS, TARGET, draw_bands, mark_of
from k8s_tutor.ui.panels.lamps import draw_rules
from k8s_tutor.ui.panels.panel import panel
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene

if TYPE_CHECKING:
    from k8s_tutor.cluster.walkviews import HopView, LegView, WalkView

PREFIX = 13
"""Cells for a hop's number, mark and band, which is left out where the addresses would not fit."""
BESIDE = 118
"""Cells from which on two walks stand side by side."""
ASK = "Follow a packet:  :walk POD shop:80"
MORE = (
    "From a pod, a node or outside; to a pod, a Service, a node or an address. Nothing is sent: the tables of the machines "
    "are read as they are. Another :walk stands beside the first; :walk - forgets them."
)


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """One walk, or two side by side; the lamps of the three rules below."""
    canvas = Canvas(width, height)
    title = scene.lens.word("walk", "Packet walk")
    lamps = height >= 8 and draw_rules(canvas, scene, height - 1, width)
    rows = height - (2 if lamps and height >= 14 else 1 if lamps else 0)
    walks = scene.walks
    if not walks:
        canvas.put(0, 0, ASK, "text")
        for row, line in enumerate(wrap(MORE, width)[: max(0, rows - 2)]):
            canvas.put(2 + row, 0, line, "dim")
        return canvas.picture(title)
    if len(walks) > 1 and width >= BESIDE:
        half = (width - 3) // 2
        canvas.down(half + 1, 0, rows - 1)
        for walk, column in ((walks[-2], 0), (walks[-1], half + 3)):
            _walk(canvas, scene, walk, (0, column, half, rows), headed=True)
        return canvas.picture(f"{title}: two compared", _status(walks[-1]))
    if len(walks) > 1 and rows >= 34:
        part = rows // 2
        _walk(canvas, scene, walks[-2], (0, 0, width, part), headed=True)
        _walk(canvas, scene, walks[-1], (part, 0, width, rows - part), headed=True)
        return canvas.picture(f"{title}: two compared", _status(walks[-1]))
    walk = walks[-1]
    _walk(canvas, scene, walk, (0, 0, width, rows), headed=False)
    return canvas.picture(f"{title}: {walk.origin} → {walk.target}", _status(walk))


def current(walk: WalkView, selected: str) -> int:
    """The hop that is looked at, from 0: the selected one; else the one at which the way ends badly; else the first."""
    hops = walk.hops
    chosen = selected.removeprefix(TARGET)
    if selected.startswith(TARGET) and chosen.isdigit():
        return max(0, min(int(chosen) - 1, len(hops) - 1))
    return next((number for number, hop in enumerate(hops) if hop.failed), 0)


def _status(walk: WalkView) -> Row:
    if walk.verdict == "delivered":
        return (("✓ delivered", "ok"),)
    return ((f"✗ {walk.verdict}", "fail"),)


def _walk(canvas: Canvas, scene: Scene, walk: WalkView, box: tuple[int, int, int, int], headed: bool) -> None:
    """One walk in its box (row, column, width, height): its verdict, the bands, the list of hops, the hop that is looked at."""
    row, column, width, height = box
    if headed:
        name = shorten(f"{walk.origin} → {walk.target}", width - 14)
        canvas.row(row, column, ((name, "bright+bold"), ("  ", "text"), *_status(walk)))
        row, height = row + 1, height - 1
    if not walk.hops:
        for offset, line in enumerate(wrap(walk.told, width)[:height]):
            canvas.put(row + offset, column, line, "fail")
        return
    here = current(walk, scene.selected)
    leg, first = _leg_of(walk, here)
    drawn = draw_bands(canvas, leg.hops, here - first, first, (row, column, width, height))
    row, height = row + drawn, height - drawn
    below = _details(walk, walk.hops[here], width)
    below = below[: max(0, min(6, height // 3))]
    _list(canvas, scene, walk, here, (row, column, width, height - len(below) - bool(below)))
    for offset, spans in enumerate(below):
        canvas.row(row + height - len(below) + offset, column, spans)


def _leg_of(walk: WalkView, here: int) -> tuple[LegView, int]:
    """The leg in which a hop is, and the number of its first hop."""
    first = 0
    for leg in walk.legs:
        if here < first + len(leg.hops):
            return leg, first
        first += len(leg.hops)
    return walk.legs[-1], first - len(walk.legs[-1].hops)


def _details(walk: WalkView, hop: HopView, width: int) -> list[Row]:
    """What happens at the hop that is looked at."""
    found: list[Row] = [((hop.where, "bright+bold"), (f"  {BANDS[hop.layer][0]}", "dim"))]
    role = "fail+bold" if hop.failed else "text"
    found += [((line, role),) for line in wrap(hop.what, width)]
    if hop.failed:
        found += [((line, "warn"),) for line in wrap(f"The sender sees: {walk.told}", width)]
    if hop.tunnel:
        found.append((("around it  ", "dim"), (shorten(hop.tunnel, width - 11), "other")))
    if hop.size:
        limit = f" of {hop.mtu}" if hop.mtu else ""
        found.append((("bytes      ", "dim"), (f"{hop.size}{limit}", "fail" if hop.mtu and hop.size > hop.mtu else "text")))
    if hop.rule:
        found += [((line, "dim"),) for line in wrap(hop.rule, width)]
    return found


# ------------------------------------------------------------------------------------------------------- the list


def _list(canvas: Canvas, scene: Scene, walk: WalkView, here: int, box: tuple[int, int, int, int]) -> None:
    """A row a hop, with a line before each leg and each answer; the hop that is looked at stays in sight."""
    row, column, width, height = box
    lines: list[tuple[int, str]] = []
    number = 0
    for leg in walk.legs:
        if len(walk.legs) > 1:
            lines.append((-1, leg.title))
        for at, hop in enumerate(leg.hops):
            if hop.back and (not at or not leg.hops[at - 1].back):
                lines.append((-1, "the answer"))
            lines.append((number, ""))
            number += 1
    place = next(index for index, line in enumerate(lines) if line[0] == here)
    top = max(0, min(place - height * 2 // 3, len(lines) - height))
    widths = (*_columns(walk, width), width)
    for offset, (index, words) in enumerate(lines[top : top + max(0, height)]):
        if index < 0:
            canvas.across(row + offset, column, column + width - 1)
            canvas.put(row + offset, column + 2, f" {shorten(words, width - 6)} ", "dim")
        else:
            _hop(canvas, scene, walk.hops[index], index, index == here, (row + offset, column), widths)


def _columns(walk: WalkView, width: int) -> tuple[int, int, int, int]:
    """Cells for the place, the sender, the receiver and the words."""
    hops = walk.hops
    source = max(len(hop.source) for hop in hops)
    destination = max(len(hop.destination) for hop in hops)
    rest = width - PREFIX - source - destination - 3 - 2
    where = max(0, min(max(len(_where(hop)) for hop in hops), 30, rest - (26 if rest >= 44 else 0)))
    return where, source, destination, max(0, rest - where)


def _where(hop: HopView) -> str:
    """The place without the machine's name, which the bands tell."""
    return hop.where.removeprefix(f"{hop.machine} ") if hop.machine else hop.where


def _hop(
    canvas: Canvas, scene: Scene, hop: HopView, index: int, here: bool, at: tuple[int, int], widths: tuple[int, ...]
) -> None:  # fmt: skip
    """One hop in its row; ``widths``: cells for place, sender, receiver, words and the whole row."""
    row, column = at
    where, source, destination, words, width = widths
    tight = PREFIX + source + destination + 3 > width
    target = f"{TARGET}{index + 1}"
    ground = "+selected" if here else ""
    mark, role = mark_of(hop)
    short = BANDS[hop.layer][1]
    spans: list[tuple[str, str]] = [
        (f"{index + 1:>2} ", "dim"), (mark + " ", role), ("" if tight else f"{short:<7} ", "bright" if here else "text"),
    ]  # fmt: skip
    if where >= 8:
        spans.append((squeeze(_where(hop), where).ljust(where) + "  ", "text"))
    spans += [
        (hop.source if tight else hop.source.rjust(source), _changed(hop, "source")), (" → ", "dim"),
        (hop.destination.ljust(destination), _changed(hop, "destination")),
    ]  # fmt: skip
    if words >= 16:
        spans.append(("  " + shorten(hop.what, words - 2), "fail" if hop.failed else "dim"))
    canvas.fill(row, column, width, 1, f"text{ground}")
    end = column
    for text, span_role in spans:
        end = canvas.put(row, end, text, span_role + ground)
    canvas.spot(row, column, width, target)


def _changed(hop: HopView, end: str) -> str:
    return "leader+bold" if end in hop.changed else "text" if not hop.back else "dim"
