"""The console: what was typed, what came back, what still runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from k8s_tutor.cluster.views import AnswerView
from k8s_tutor.ui.draw import Canvas, plain
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.rows import Row, Span
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import age, stamp


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """The latest answers, as kubectl printed them, above the line that is being typed."""
    answers = scene.view.console.answers
    lines: list[tuple[Row, str]] = []
    for answer in answers:
        if lines:
            lines.append(((), ""))
        lines += [(row, f"answer {answer.id}") for whole in _answer(scene, answer) for row in broken(whole, width)]
    prompt = _prompt(scene, width) if scene.cursor >= 0 or scene.line else None
    room = height - (1 if prompt else 0) - (1 if prompt and lines and height > 2 else 0)
    if not lines and not prompt:
        lines = [((("type a kubectl line", "dim"),), "")]
    end = len(lines) - min(scene.scroll, max(0, len(lines) - room))
    shown = lines[max(0, end - room) : end] if room > 0 else []
    canvas = Canvas(width, height)
    for row, (spans, target) in enumerate(shown):
        canvas.row(row, 0, spans)
        if target:
            canvas.spot(row, 0, width, target)
    if prompt:
        canvas.row(len(shown) + (1 if shown and height > 2 else 0), 0, prompt)
    return canvas.picture("Console" if scene.client == "you" else f"Console of {scene.client}", status(scene, answers))


def status(scene: Scene, answers: Sequence[AnswerView]) -> Row:
    """What the console is busy with."""
    running = [answer for answer in answers if answer.code == -1]
    if scene.view.console.editors:
        return (("waits for the editor", "warn"),)
    if running:
        return ((f"waiting for {age(scene.view.now - running[-1].at)}", "leader"),)
    return ((f"server {scene.view.workload.server}", "dim"),) if scene.view.workload.server else ()


def _answer(scene: Scene, answer: AnswerView) -> list[Row]:
    target = f"answer {answer.id}"
    verb = answer.line if answer.line.startswith(("kubectl ", "etcdctl ", "ssh ")) else f"kubectl {answer.line}"
    who = () if answer.client == scene.client else ((f" {answer.client}", "bright"),)
    rows: list[Row] = [((stamp(answer.at), "dim"), *who, (" ▸ ", "you"), (verb, picked(scene, target, "you")))]
    rows += [((plain(line.expandtabs(8)), "text"),) for line in answer.stdout.splitlines()]
    rows += [((plain(line.expandtabs(8)), "fail"),) for line in answer.stderr.splitlines()]
    if answer.code == -1:
        rows.append(((f"… for {age(scene.view.now - answer.at)}", "warn"),))
    elif answer.code > 0 and not answer.stderr:
        rows.append(((f"exit status {answer.code}", "fail"),))
    return rows


def broken(row: Row, cells: int) -> list[Row]:
    """A row that is too long as several, as terminals break lines; those after the first are set in."""
    rows: list[list[Span]] = [[]]
    left = max(8, cells)
    for text, role in row:
        part = ""
        for character in text:
            size = cell_len(character)
            if size > left:
                rows[-1].append((part, role))
                rows.append([("  ", "text")])
                part, left = "", max(8, cells) - 2
            part, left = part + character, left - size
        rows[-1].append((part, role))
    return [tuple(spans) for spans in rows]


def _prompt(scene: Scene, width: int) -> Row:
    """``kubectl ▸ get pods█``; a long line shows the part around the cursor."""
    room = max(1, width - 11)
    cursor = max(0, min(len(scene.line), scene.cursor))
    start = max(0, cursor - room + 1)
    text = scene.line[start : start + room]
    head: Row = (("kubectl", "you+bold"), (" ▸ ", "you"))
    if scene.cursor < 0:
        return (*head, (text, "text"))
    at = cursor - start
    under = text[at : at + 1]
    return (*head, (text[:at], "text"), (under or "█", "selected" if under else "you"), (text[at + 1 :], "text"))
