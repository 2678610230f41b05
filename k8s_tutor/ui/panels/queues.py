"""The controllers at work: who leads, what waits in each work queue, what was done last, and what went wrong."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from k8s_tutor.cluster.views import LeaseView, QueueView
from k8s_tutor.ui.draw import Canvas, gauge, shorten, squeeze
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import age, count, stamp


class Columns(NamedTuple):
    """Where the columns of the table begin; 0: there is no room for it."""

    queue: int
    work: int
    later: int
    last: int


def columns(width: int) -> Columns:
    """The columns of a panel of that width."""
    if width >= 92:
        return Columns(24, 34, 51, 67)
    return Columns(24, 0, 34, 50) if width >= 72 else Columns(18, 0, 0, 25)


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """Leases, then a line for each controller that has had something to do, the busiest first."""
    canvas = Canvas(width, height)
    known = scene.view.controllers
    title = scene.lens.word("queues", "Work queues")
    if not known.queues and not known.leases:
        canvas.put(0, 0, "there are no controllers here", "dim")
        return canvas.picture(title)
    row = 0
    leases = known.leases if height >= 8 + len(known.leases) else known.leases[:1] if height >= 6 else ()
    for lease in leases:
        row = _lease(canvas, scene, lease, row)
    if not known.queues:
        canvas.put(row, 0, "nobody leads: no controller works, and whatever changes has to wait", "warn")
        return canvas.picture(title, (("nobody works", "warn"),))
    row += 1 if leases and height - row > 6 else 0
    _table(canvas, scene, row)
    return canvas.picture(title, _status(known.queues))


def _status(queues: tuple[QueueView, ...]) -> Row:
    waiting = sum(len(one.waiting) for one in queues)
    busy = sum(len(one.busy) for one in queues)
    retries = sum(later.failures > 0 for one in queues for later in one.delayed)
    row: Row = ((f"{waiting} waiting · {busy} at work", "warn" if waiting + busy else "dim"),)
    return (*row, (f" · {count(retries, 'retry', 'retries')}", "fail")) if retries else row


def _lease(canvas: Canvas, scene: Scene, lease: LeaseView, row: int) -> int:
    """Who holds it, how long it is good for, how often it has changed hands."""
    left = max(0, lease.renewed + lease.duration - scene.view.now)
    name = lease.name.removeprefix("kube-")
    canvas.put(row, 0, "★" if lease.holder and left else "○", "leader" if left else "warn")
    canvas.put(row, 2, shorten(name, 20), "text")
    canvas.put(row, 23, shorten(lease.holder or "nobody", 22), picked(scene, lease.holder, "leader" if left else "warn"))
    canvas.spot(row, 0, 45, lease.holder)
    if canvas.width >= 66:
        canvas.put(row, 46, gauge(left, lease.duration or 1, 8), "leader" if left else "line")
        canvas.put(row, 55, f"free in {age(left)}" if left else "anybody's", "dim" if left else "warn")
    words = count(len(lease.candidates), "candidate")
    if lease.transitions:
        words += f" · handed over {'once' if lease.transitions == 1 else f'{lease.transitions} times'}"
    if canvas.width >= 72 + len(words):
        canvas.put(row, 72, words, "dim")
    return row + 1


def _table(canvas: Canvas, scene: Scene, row: int) -> None:
    """A head, and as many controllers as fit; errors take a line of their own where there is room."""
    queues = sorted(scene.view.controllers.queues, key=_rank)
    active = [one for one in queues if one.at]
    at = columns(canvas.width)
    if canvas.height - row > 3:
        canvas.put(row, 2, "controller", "dim")
        for column, word in zip(at, ("queue", "at work", "later", "did last"), strict=True):
            canvas.put(row, column, word if column else "", "dim")
        row += 1
    for number, one in enumerate(active):
        errors = bool(one.error) and any(later.failures for later in one.delayed)
        left = canvas.height - row
        rest = len(active) - number
        if left < 1 or (left == 1 and rest > 1):
            canvas.put(canvas.height - 1, 0, f"and {count(rest, 'more controller')}", "dim")
            return
        _line(canvas, scene, one, row, at)
        row += 1
        if errors and canvas.height - row >= min(rest, 3):
            again = min((later.due for later in one.delayed if later.failures), default=0)
            tries = max((later.failures for later in one.delayed), default=0)
            words = f"✗ {one.failed}: {one.error}"
            end = f"try {tries + 1} in {age(again - scene.view.now)}"
            canvas.put(row, 2, shorten(words, canvas.width - len(end) - 5), "fail")
            canvas.right(row, ((end, "warn"),))
            row += 1
    idle = len(queues) - len(active)
    if idle and row < canvas.height:
        canvas.put(row, 0, f"{count(idle, 'controller')} had nothing to look at so far", "dim")


def _rank(one: QueueView) -> tuple[bool, bool, int]:
    """Who works or waits first, then who has done something last."""
    troubled = any(later.failures for later in one.delayed)
    return not (one.waiting or one.busy), not troubled, -max(one.acted_at, one.at // 1000)


def _line(canvas: Canvas, scene: Scene, one: QueueView, row: int, at: Columns) -> None:
    name = one.controller.removesuffix("-controller")
    working = bool(one.waiting or one.busy)
    canvas.put(row, 0, "●" if one.busy else "◌" if one.waiting else "·", "warn" if working else "line")
    canvas.put(row, 2, shorten(name, at.queue - 3), picked(scene, one.process, "bright" if working else "text"))
    canvas.spot(row, 0, at.queue - 1, one.process)
    depth = len(one.waiting)
    bar = "▪" * min(depth, 5 if at.later else 2)
    canvas.put(row, at.queue, f"{bar} {depth}" if depth else "empty", "warn" if depth else "line")
    if at.work:
        canvas.put(row, at.work, _keys(one.busy, at.later - at.work - 1), "warn")
    if at.later:
        later = shorten(_later(one, scene.view.now), at.last - at.later - 1)
        canvas.put(row, at.later, later, "fail" if any(each.failures for each in one.delayed) else "dim")
    column, room = at.last, canvas.width - at.last
    if one.acted_at:
        done = deeds(one)
        key = squeeze(_key(one.acted_on), max(8, room - len(done) - 2 - (10 if room >= 36 else 0)))
        column = canvas.put(row, column, key, "text") + 2
        column = canvas.put(row, column, shorten(done, canvas.width - column), "you")
        if canvas.width - column >= 10:
            canvas.right(row, ((stamp(one.acted_at), "dim"),))
    else:
        canvas.put(row, column, "all was as wanted", "line")


def deeds(one: QueueView) -> str:
    """``POST Pod ×3, PUT ReplicaSet``: what its latest look that led to anything asked for."""
    parts = [(request, len(list(same))) for request, same in groupby(one.requests)]
    if parts and one.total > len(one.requests):
        parts[-1] = parts[-1][0], parts[-1][1] + one.total - len(one.requests)
    return ", ".join(f"{request} ×{times}" if times > 1 else request for request, times in parts)


def _key(key: str) -> str:
    return key.removeprefix("default/")


def _keys(keys: tuple[str, ...], cells: int) -> str:
    if not keys:
        return ""
    more = f" +{len(keys) - 1}" if len(keys) > 1 else ""
    return squeeze(_key(keys[0]), cells - len(more)) + more


def _later(one: QueueView, now: int) -> str:
    """``retry 3 in 40 ms`` or ``2 in 9m58s``."""
    if not one.delayed:
        return ""
    failing = [later for later in one.delayed if later.failures]
    first = failing[0] if failing else one.delayed[0]
    when = f"in {age(first.due - now)}"
    return f"try {first.failures + 1} {when}" if failing else f"{len(one.delayed)} {when}"
