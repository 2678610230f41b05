"""The log of decisions: the picture's sentence at the left, Kubernetes' words at the right, so that one opens the other."""

from __future__ import annotations

from k8s_tutor.cluster.views import NoteView
from k8s_tutor.ui.draw import Canvas, shorten
from k8s_tutor.ui.panels import events
from k8s_tutor.ui.panels.panel import named, panel, picked
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import stamp


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """The latest notes, the newest at the foot."""
    canvas = Canvas(width, height)
    title = scene.lens.word("log", "What happened")
    analogy = scene.lens.id != "kubernetes"
    notes = events.folded(_chosen(scene, analogy))
    step = 2 if scene.mode == "projector" and height >= 5 else 1
    lines = max(1, (height + step - 1) // step) if height else 0
    end = len(notes) - min(scene.scroll, max(0, len(notes) - lines))
    shown = notes[max(0, end - lines) : end]
    if not shown:
        canvas.put(0, 0, "nothing has happened yet", "dim")
    two = analogy and width >= 88
    split = _split(scene, [note for note, _ in shown], width) if two else 0
    for number, (note, more) in enumerate(shown):
        row = number * step
        plain = events.words(note) + more
        told = _told(scene, note) if analogy else ""
        told += more if told else ""
        role = events.role_of(note)
        left = canvas.put(row, 0, f"{stamp(note.at):>{len(stamp(scene.view.now))}}", "dim") + 2 if width >= 36 else 0
        half = split if two else width - left
        first = told or (plain if not two else "")
        target = f"message {note.cause}" if note.cause else ""
        if first:
            canvas.put(row, left, _fit(first, half - 2 if two else half), picked(scene, target, role))
        if two:
            canvas.put(row, left + half, _fit(plain, width - left - half), "dim" if told else picked(scene, target, role))
        elif not told and width - left > len(plain) + 14:
            canvas.right(row, ((shorten(named(scene, note.actor), 22), "dim"),))
        if target:
            canvas.spot(row, 0, width, target)
    return canvas.picture(title, _status(scene, two))


def _split(scene: Scene, shown: list[NoteView], width: int) -> int:
    """Cells of the picture's column: what its sentences take, as far as Kubernetes' words beside them leave it."""
    room = width - len(stamp(scene.view.now)) - 2
    told = max((len(events.briefly(_told(scene, note))) for note in shown), default=0) + 2
    plain = max((len(events.briefly(events.words(note))) for note in shown), default=0)
    return min((max(told, room * 9 // 20) + 3) // 4 * 4, max(room * 9 // 20, room - plain))


def _told(scene: Scene, note: NoteView) -> str:
    return scene.lens.note(note).replace("default/", "")


def _fit(text: str, cells: int) -> str:
    """The text; where it is too long, with shorter names of pods first."""
    return shorten(text if len(text) <= cells else events.briefly(text), cells)


def _chosen(scene: Scene, analogy: bool) -> list[NoteView]:
    """What is worth a line: no requests and answers, no single commits where there is more than a committee to watch, and in a
    picture only what it tells or what matters anyway."""
    every = scene.view.log.notes
    whole = bool(scene.view.workload.nodes)
    notes = [note for note in every if not events.quiet(note) and not (whole and note.kind == "raft.commit")]
    if analogy:
        notes = [note for note in notes if scene.lens.note(note) or events.role_of(note) in ("fail", "leader", "other")]
    return notes or list(every)


def _status(scene: Scene, two: bool) -> Row:
    back: Row = ((f"{scene.scroll} back", "leader"), (" · ", "line")) if scene.scroll else ()
    return (*back, ("the same moment in Kubernetes" if two else "newest last", "dim"))
