"""Desired beside actual: how many pods each workload shall have, and the pods that it has."""

from __future__ import annotations

from k8s_tutor.cluster.views import PodView, SetView
from k8s_tutor.ui.draw import Canvas, gauge, shorten, squeeze
from k8s_tutor.ui.glyphs import pod_mark
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import count


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """A line for each workload, those that are not as wanted first; below a Deployment its ReplicaSets."""
    canvas = Canvas(width, height)
    title = scene.lens.word("desired", "Desired and actual")
    families = _families(scene.view.controllers.sets)
    if not families:
        canvas.put(0, 0, "nobody has asked for anything to run", "dim")
        return canvas.picture(title)
    pods = _pods(scene)
    families.sort(key=lambda family: _as_wanted(family[0]))
    wanted = sum(_as_wanted(family[0]) for family in families)
    status: Row = ((f"{wanted} of {len(families)} as wanted", "ok" if wanted == len(families) else "warn"),)
    row, name = 0, max(18, min(38, width // 2 - 12))
    if height > len(families) + 1:
        _head(canvas, name)
        row = 1
    for number, family in enumerate(families):
        room = height - row - (len(families) - number - 1)
        if height - row < 1 or (height - row == 1 and number < len(families) - 1):
            canvas.put(height - 1, 0, f"and {count(len(families) - number, 'more workload')}", "dim")
            break
        row = _family(canvas, scene, family, pods, row, max(1, room), name)
    return canvas.picture(title, status)


def _families(sets: tuple[SetView, ...]) -> list[tuple[SetView, list[SetView]]]:
    """Each workload that nobody owns, with the ReplicaSets (or Jobs) below it that count: they want pods or have some."""
    known = {(one.namespace, f"{one.kind}/{one.name}") for one in sets}
    families: list[tuple[SetView, list[SetView]]] = []
    for one in sets:
        if one.owner and (one.namespace, one.owner) in known:
            if one.desired or one.actual:
                families[-1][1].append(one)
        else:
            families.append((one, []))
    return families


def _pods(scene: Scene) -> dict[tuple[str, str], list[PodView]]:
    """Pods by namespace and owner, the oldest first."""
    found: dict[tuple[str, str], list[PodView]] = {}
    for pod in sorted(scene.view.workload.pods, key=lambda one: (one.created, one.name)):
        found.setdefault((pod.namespace, pod.owner), []).append(pod)
    return found


def _as_wanted(one: SetView) -> bool:
    return one.desired == one.actual == one.ready


def _head(canvas: Canvas, name: int) -> None:
    canvas.put(0, 2, "what", "dim")
    for column, word in ((name, "wants"), (name + 7, "has"), (name + 12, "ready")):
        canvas.put(0, column, word, "dim")


def _family(
    canvas: Canvas, scene: Scene, family: tuple[SetView, list[SetView]], pods: dict[tuple[str, str], list[PodView]], row: int,
    room: int, name: int,
) -> int:  # fmt: skip
    """The workload's line, and one for each below it as far as there is room; returns the next row."""
    top, below = family
    mine = [pod for one in (top, *below) for pod in pods.get((one.namespace, f"{one.kind}/{one.name}"), ())]
    shown = below[: room - 1] if top.kind == "Deployment" else []
    _line(canvas, scene, top, [] if shown else mine, row, name, "")
    for number, one in enumerate(shown, 1):
        corner = "╰" if number == len(shown) else "├"
        _line(canvas, scene, one, pods.get((one.namespace, f"{one.kind}/{one.name}"), []), row + number, name, corner)
    return row + 1 + len(shown)


def _line(canvas: Canvas, scene: Scene, one: SetView, mine: list[PodView], row: int, name: int, corner: str) -> None:
    good = _as_wanted(one)
    target = f"{one.kind.lower()} {one.namespace}/{one.name}"
    if corner:
        canvas.put(row, 2, f"{corner}─", "line")
    else:
        canvas.put(row, 0, "✓" if good else "≠", "ok" if good else "warn")
    left = 5 if corner else 2
    kind = scene.lens.word(one.kind.lower(), one.kind) if name >= 30 else _SHORT[one.kind]
    column = canvas.put(row, left, kind, "dim") + 1
    full = one.name if one.namespace == "default" else f"{one.namespace}/{one.name}"
    canvas.put(row, column, squeeze(full, name - column - 1), picked(scene, target, "text" if corner else "bright+bold"))
    canvas.spot(row, left, name - left, target)
    canvas.put(row, name, str(one.desired).rjust(4), "bright")
    canvas.put(row, name + 6, str(one.actual).rjust(4), "ok" if one.actual == one.desired else "warn")
    canvas.put(row, name + 13, str(one.ready).rjust(3), "ok" if one.ready == one.desired else "warn")
    column = name + 19
    shows_pods = bool(mine) or one.kind != "Deployment" or not one.actual
    if shows_pods:
        column = _slots(canvas, scene, one, mine, row, column)
    elif canvas.width - column >= 4:
        cells = min(one.desired, 12, canvas.width - column)
        canvas.put(row, column, gauge(one.ready, one.desired, cells), "ok" if good else "load")
    note = f"{f'#{one.revision} ' if one.revision else ''}{one.image}"
    if canvas.width - column >= 12 and (corner or one.kind != "Deployment" or shows_pods):
        canvas.put(row, column + 2, shorten(note, canvas.width - column - 2), "dim")


_SHORT = {"Deployment": "deploy", "ReplicaSet": "rs", "StatefulSet": "sts", "DaemonSet": "ds", "Job": "job"}
"""As kubectl abbreviates them."""


def _slots(canvas: Canvas, scene: Scene, one: SetView, mine: list[PodView], row: int, column: int) -> int:
    """A mark for each pod, an empty place for each that is missing; what is too many stands behind a bar."""
    room = max(4, canvas.width - column - 14)
    here = [pod for pod in mine if one.kind == "Job" or pod.phase not in ("Succeeded", "Failed")]
    counted = [pod for pod in here if not pod.deleting]
    ending = [pod for pod in here if pod.deleting]
    for pod in counted[: min(room, one.desired)]:
        column = _mark(canvas, scene, pod, row, column)
    missing = max(0, min(one.desired - len(counted), room - len(counted)))
    column = canvas.put(row, column, "○" * missing, "fail")
    over = [*counted[one.desired :], *ending]
    if over:
        column = canvas.put(row, column, "│", "line")
        for pod in over[: max(1, room - one.desired)]:
            column = _mark(canvas, scene, pod, row, column)
    return column


def _mark(canvas: Canvas, scene: Scene, pod: PodView, row: int, column: int) -> int:
    mark, target = pod_mark(pod, scene.lens), f"{pod.namespace}/{pod.name}"
    canvas.spot(row, column, 1, target)
    return canvas.put(row, column, mark.glyph, picked(scene, target, mark.role))
