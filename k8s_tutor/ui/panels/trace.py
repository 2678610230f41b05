"""The trace: what became of the line that was typed last, step by step, and how far the moment on the screen has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_tutor.ui.draw import Canvas, shorten, squeeze, wrap
from k8s_tutor.ui.glyphs import flight_mark, flight_role
from k8s_tutor.ui.panels import events, gates
from k8s_tutor.ui.panels.panel import named, panel
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import age, stamp

if TYPE_CHECKING:
    from k8s_tutor.cluster.views import NoteView, TraceStepView, TraceView

QUIET = ("console.answered",)
"""Notes whose message says enough."""


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """A row a step: when, in whose hands, what; what is to come stands dim below where we are."""
    canvas = Canvas(width, height)
    title = scene.lens.word("trace", "Trace")
    trace = scene.trace
    if trace is None:
        told = "Type a line (k): here you see what becomes of it, one step at a time."
        for row, line in enumerate(wrap(told, width)[:height]):
            canvas.put(row, 0, line, "dim")
        return canvas.picture(title)
    here = current(trace, scene.view.now, scene.selected)
    if scene.mode == "projector":
        _large(canvas, scene, trace, here)
    else:
        _steps(canvas, scene, trace, here)
    which = f" {trace.number} of {trace.of}" if trace.of > 1 and width >= 60 else ""
    said = shorten(trace.line, max(8, width - 40 - len(which)))
    return canvas.picture(f"{title}{which}: {said}", _status(trace, here))


def current(trace: TraceView, now: int, selected: str = "") -> int:
    """The step that is on: the selected one while its moment is on the screen, else the last that happened; -1: none yet."""
    chosen = selected.removeprefix("step ")
    if chosen.isdigit() and int(chosen) < len(trace.steps) and trace.steps[int(chosen)].at == now:
        return int(chosen)
    return max((number for number, step in enumerate(trace.steps) if step.at <= now), default=-1)


def _status(trace: TraceView, here: int) -> Row:
    told = f"step {here + 1} of {len(trace.steps)}" if here >= 0 else f"{len(trace.steps)} steps to come"
    return ((told, "leader"),) + (((f" · +{age(trace.steps[here].at - trace.at)}", "dim"),) if here >= 0 else ())


def _steps(canvas: Canvas, scene: Scene, trace: TraceView, here: int) -> None:
    width, height = canvas.width, canvas.height
    whole = wrap(words(scene, trace, here), width) if here >= 0 and height >= 10 else []
    below = whole[:3] if len(whole) > 1 or (whole and len(whole[0]) > width - 40) else []
    rows = height - (len(below) + 1 if below else 0)
    steps = trace.steps
    top = max(0, min(here - rows * 2 // 3, len(steps) - rows)) if len(steps) > rows else 0
    when = max(len(stamp(step.at)) for step in steps) if width >= 50 else 0
    wide = min(22 if width >= 90 else 13, max(len(named(scene, step.actor)) for step in steps))
    start = (when + 1 if when else 0) + wide + 4
    for row, number in enumerate(range(top, min(len(steps), top + rows))):
        step = steps[number]
        glyph, role = ("▶", "leader") if number == here else ("│", "line") if number <= here else ("╎", "line")
        column = canvas.put(row, 0, stamp(step.at).rjust(when), "dim") + 1 if when else 0
        canvas.put(row, column, glyph, role)
        who = squeeze(named(scene, step.actor), wide).ljust(wide + 2)
        said = shorten(words(scene, trace, number), width - start).ljust(width - start)
        roles = ("dim", "dim") if number > here else ("bright", _role(step))
        if number == here:
            roles = ("bright+selected", f"{roles[1]}+selected")
        canvas.row(row, column + 2, ((who, roles[0]), (said, roles[1])))
        canvas.spot(row, 0, width, f"step {number}")
    for offset, line in enumerate(below):
        canvas.put(height - len(below) + offset, 0, line, "text")


def words(scene: Scene, trace: TraceView, number: int) -> str:
    """A step in the lens's words: what arrived, and what the receiver made of it."""
    step = trace.steps[number]
    if not number:
        return trace.line
    if step.flight is None and step.text:
        return _gate(scene, step)
    said = _message(scene, trace, number)
    noted = [_note(scene, note) for note in step.notes if note.kind not in QUIET or not said]
    return "; ".join(part for part in (said, *noted) if part)


def _gate(scene: Scene, step: TraceStepView) -> str:
    """A stage of a request, with what else the server noted there; a refusal with its reason."""
    why = next((str(note.fields["message"]) for note in step.notes if note.fields.get("message")), "")
    rest = [_note(scene, note) for note in step.notes if not note.kind.startswith("api.")]
    return "; ".join((gates.told(step.text, why), *rest))


def _message(scene: Scene, trace: TraceView, number: int) -> str:
    flight = trace.steps[number].flight
    if flight is None:
        return ""
    said = scene.lens.message(flight)
    if said == flight.text:
        said = f"{flight.kind}: {flight.text}" if flight.text else flight.kind
    if flight.outcome not in ("arrived", "flying"):
        return f"{flight_mark(flight).word}: {said}"
    if flight.kind == "AppendEntriesReply" and flight.text.startswith("have "):
        have = 1 + sum(_same(step, flight.text) for step in trace.steps[: number + 1])
        return f"{said} ({have} of {scene.view.raft.size})"
    return said


def _same(step: TraceStepView, text: str) -> bool:
    return step.flight is not None and step.flight.kind == "AppendEntriesReply" and step.flight.text == text


def _note(scene: Scene, note: NoteView) -> str:
    if note.kind == "api.request":
        return " ".join(str(stage) for stage in note.fields.get("stages", ()))
    return events.briefly(scene.lens.note(note) or events.words(note))


def _role(step: TraceStepView) -> str:
    if step.flight is not None and step.flight.outcome != "arrived":
        return "fail"
    if step.message and step.flight is None and step.text:
        return gates.role_of(step.text)
    told = next((role for note in step.notes if (role := events.role_of(note)) != "text"), "")
    return told or (flight_role(step.flight) if step.flight is not None else "text" if step.message else "you")


def _large(canvas: Canvas, scene: Scene, trace: TraceView, here: int) -> None:
    """The step that is on, large enough for the last row; the one before and the one after it, quietly."""
    row, around = 0, 2 if canvas.height >= 16 else 1
    for number in range(here - around, here + around + 1):
        if not 0 <= number < len(trace.steps):
            continue
        role = "bright+bold" if number == here else "dim"
        canvas.put(row, 0, named(scene, trace.steps[number].actor), "leader+bold" if number == here else "dim")
        canvas.spot(row, 0, canvas.width, f"step {number}", 2)
        for line in wrap(words(scene, trace, number), canvas.width - 2)[: 4 if number == here else 1]:
            row += 1
            canvas.put(row, 2, line, role)
        row += 2
