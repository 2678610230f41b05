"""Messages between members, drawn as a sequence chart: a lifeline under each card, a lane for each pair that talks."""

from __future__ import annotations

from collections.abc import Mapping

from k8s_tutor.cluster.views import FlightView
from k8s_tutor.ui.draw import Canvas, shorten
from k8s_tutor.ui.glyphs import flight_role
from k8s_tutor.ui.panels.panel import flights, picked, progress
from k8s_tutor.ui.scene import Scene

LINGER = 400_000
"""µs for which a lost message stays on its lane."""

Pair = tuple[str, str]


def talking(scene: Scene, order: Mapping[str, int]) -> dict[Pair, list[FlightView]]:
    """Pairs of members with what flies between them or has just been lost there; pairs in the order of the members."""
    now = scene.view.now
    found: dict[Pair, list[FlightView]] = {}
    for flight in flights(scene.view):
        if flight.src not in order or flight.dst not in order or flight.src == flight.dst:
            continue
        if flight.outcome == "arrived" or (flight.outcome not in ("flying", "held") and flight.sent_at < now - LINGER):
            continue
        pair = (flight.src, flight.dst) if order[flight.src] < order[flight.dst] else (flight.dst, flight.src)
        found.setdefault(pair, []).append(flight)
    return {pair: found[pair] for pair in sorted(found, key=lambda pair: (order[pair[0]], order[pair[1]]))}


def draw_lanes(canvas: Canvas, scene: Scene, top: int, rows: int, columns: Mapping[str, int]) -> None:
    """Lifelines and lanes in ``rows`` rows from ``top`` on; ``columns``: where each member's lifeline runs."""
    if rows < 1:
        return
    order = {name: number for number, name in enumerate(columns)}
    pairs = talking(scene, order)
    labelled = len(pairs) * 2 <= rows
    step = 2 if labelled else 1
    chosen = sorted(pairs, key=lambda pair: not any(flight.work for flight in pairs[pair]))[: rows // step]
    chosen.sort(key=lambda pair: (order[pair[0]], order[pair[1]]))
    up = {member.name for member in scene.view.raft.members if member.up}
    for name, column in columns.items():
        canvas.down(column, top, top + rows - 1, "line", "│" if name in up else "┊")
    for number, pair in enumerate(chosen):
        row = top + number * step + step - 1
        _rail(canvas, row, pair, columns)
        shown = _shown(pairs[pair])
        for flight in shown:
            _flight(canvas, scene, flight, row, columns, labelled and flight is shown[-1])


def _shown(waiting: list[FlightView]) -> list[FlightView]:
    """What is drawn on one lane, the most important last: a lost message only while nothing newer of its kind flies there."""
    flying = [flight for flight in waiting if flight.outcome in ("flying", "held")]
    work = any(flight.work for flight in flying)
    lost = [flight for flight in waiting if flight not in flying and not (work or (flying and not flight.work))]
    return sorted(flying, key=lambda flight: (flight.work, flight.sent_at)) + lost[-1:]


def _rail(canvas: Canvas, row: int, ends: Pair, columns: Mapping[str, int]) -> None:
    """The lane between two lifelines; it crosses those that stand between."""
    left, right = columns[ends[0]], columns[ends[1]]
    canvas.across(row, left + 1, right - 1)
    for column in columns.values():
        if left < column < right:
            canvas.put(row, column, "┼", "line")
    canvas.put(row, left, "├", "line")
    canvas.put(row, right, "┤", "line")


def _flight(
    canvas: Canvas, scene: Scene, flight: FlightView, row: int, columns: Mapping[str, int], labelled: bool
) -> None:
    """The way that a message has come, as a thick line with its dot; lost ones end with a cross."""
    start, end = columns[flight.src], columns[flight.dst]
    forward = 1 if end > start else -1
    way = abs(end - start) - 1
    if way < 1:
        return
    at = progress(flight, scene.view.now, way)
    role = flight_role(flight)
    if at:
        canvas.across(row, start + forward, start + forward * at, role, "━")
    lost = flight.outcome not in ("flying", "held")
    spot = start + forward * (at + 1)
    canvas.put(row, spot, "╳" if lost else "●" if flight.work else "•", picked(scene, f"message {flight.id}", role))
    canvas.spot(row, min(start, end) + 1, way, f"message {flight.id}")
    if labelled and flight.work:
        text = shorten(scene.lens.message(flight), way - 2)
        canvas.put(row - 1, min(start, end) + 1 + max(1, (way - len(text)) // 2), text, role)
