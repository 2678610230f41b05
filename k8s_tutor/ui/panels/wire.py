"""The wire: what is in the air, and how the latest messages fared. The picture's sentence stands beside the real kind."""

from __future__ import annotations

from k8s_tutor.cluster.views import FlightView
from k8s_tutor.ui.draw import Canvas, ending, gauge, shorten, squeeze
from k8s_tutor.ui.glyphs import flight_mark, flight_role
from k8s_tutor.ui.panels.panel import flights, named, panel, picked, progress
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import count, stamp


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """Somebody's work first, the newest on top; housekeeping (heartbeats, leases) below it, quietly."""
    canvas = Canvas(width, height)
    every = list(reversed(flights(scene.view)))
    work = [flight for flight in every if flight.work]
    quiet = [flight for flight in every if not flight.work]
    work = work[min(scene.scroll, max(0, len(work) - 1)) :]
    title = scene.lens.word("wire", "Wire")
    if not every:
        canvas.put(0, 0, "nothing moves", "dim")
        return canvas.picture(title, (("quiet", "dim"),))
    if scene.mode == "projector":
        _large(canvas, scene, work or quiet)
        return canvas.picture(title, status(scene))
    top = height if not quiet or height < 8 else height - min(len(quiet), max(2, height - len(work) - 1))
    shown = (work or quiet)[:top]
    ways = _room(scene, (*shown, *quiet[:6]), width)
    for row, flight in enumerate(shown):
        _line(canvas, scene, flight, row, ways)
    if work and len(work) < height - 1:
        row = len(work) + (1 if len(work) + 1 < height else 0)
        for flight in quiet[: height - row]:
            _line(canvas, scene, flight, row, ways)
            row += 1
    return canvas.picture(title, status(scene))


def status(scene: Scene) -> Row:
    """How many are in the air; quiet, when only housekeeping is."""
    work = sum(flight.work for flight in scene.view.wire.flying)
    held = sum(flight.outcome == "held" for flight in scene.view.wire.flying)
    rest = len(scene.view.wire.flying) - work
    if not work:
        return ((f"quiet · {count(rest, 'sign')} of life" if rest else "quiet", "dim"),)
    row: Row = ((f"{work} in the air", "you"),)
    return (*row, (f" · {held} held", "fail")) if held else row


def _ways(scene: Scene, flight: FlightView, cells: int = 200) -> str:
    """``Alice → Carol``; where cells are few both names give way in their middle."""
    src, dst = named(scene, flight.src), named(scene, flight.dst)
    spare = cells - 3
    half = spare // 2
    if len(src) + len(dst) > spare:
        src = squeeze(src, max(half, spare - len(dst)))
        dst = squeeze(dst, spare - len(src))
    return f"{src} → {dst}"


def _room(scene: Scene, shown: tuple[FlightView, ...], width: int) -> int:
    """Cells of the column of senders and receivers: as wide as the widest of them, within reason, in steps of four, so that it
    seldom moves."""
    most = 44 if width >= 96 else 32 if width >= 76 else 24 if width >= 50 else 20
    widest = max((len(_ways(scene, flight)) for flight in shown), default=8)
    return max(8, min(most, (widest + 3) // 4 * 4, width // 2))


def _line(canvas: Canvas, scene: Scene, flight: FlightView, row: int, room: int) -> None:
    """``03.214  Alice → Carol   write down 5: olives   AppendEntries   ▰▰▰▰▱▱``."""
    width = canvas.width
    role = flight_role(flight)
    landed = flight.outcome == "arrived"
    lost = flight.outcome not in ("flying", "held", "arrived")
    target = f"message {flight.id}"
    canvas.spot(row, 0, width, target)
    mark = flight_mark(flight)
    bar = 6 if width >= 40 else 0
    if bar:
        done = progress(flight, scene.view.now, bar + 1)
        tail = "╳ " + gauge(done, bar, bar)[2:] if lost else gauge(bar if landed else done, bar, bar)
        canvas.put(row, width - bar, tail, "dim" if landed else role)
    else:
        canvas.put(row, width - 1, mark.glyph, "dim" if landed else role)
    left, right = 0, width - max(bar, 1) - 2
    if width >= 50:
        left = canvas.put(row, 0, f"{stamp(flight.sent_at):>{len(stamp(scene.view.now))}}", "dim") + 2
    canvas.put(row, left, _ways(scene, flight, room), picked(scene, target, "dim" if landed else role))
    left += room + 2
    kind = 22 if width >= 84 else 0
    said = scene.lens.message(flight)
    if lost or flight.outcome == "held":
        said = f"{mark.word}: {said}" if not kind else said
    if right - left >= 6:
        told = ending(said, right - left - kind, said.find("/") + 1 if "/" in said[:14] else 12) if "/" in said else said
        canvas.put(row, left, shorten(told, right - left - kind), "dim" if landed or not flight.work else "text")
    if kind:
        words = mark.word if lost or flight.outcome == "held" else flight.kind if said != flight.kind else ""
        canvas.put(row, right - kind + 2, shorten(words, kind - 2), "fail" if lost else "dim")


def _large(canvas: Canvas, scene: Scene, chosen: list[FlightView]) -> None:
    """Three messages, with a long way each."""
    step = 4 if canvas.height >= 11 else 2 if canvas.height >= 5 else 1
    for number, flight in enumerate(chosen[: max(1, min(3, (canvas.height + 1) // step))]):
        row = number * step
        role = flight_role(flight)
        column = canvas.put(row, 0, _ways(scene, flight), f"{role}+bold") + 3
        canvas.put(row, column, shorten(scene.lens.message(flight), canvas.width - column), "text")
        if step > 1:
            at = progress(flight, scene.view.now, canvas.width)
            canvas.across(row + 1, 0, canvas.width - 1, "line")
            canvas.put(row + 1, 0, "━" * at, role)
            canvas.put(row + 1, at, flight_mark(flight).glyph if flight.outcome != "arrived" else "●", role)
        canvas.spot(row, 0, canvas.width, f"message {flight.id}", min(2, step))
