"""The control plane: everything goes through the API server; who leads, what waits in queues, how far requests have come."""

from __future__ import annotations

from k8s_tutor.cluster.views import AGENTS, FlightView, ProcessView, RequestView
from k8s_tutor.ui.big import put_big
from k8s_tutor.ui.draw import Canvas, ending, shorten
from k8s_tutor.ui.glyphs import process_mark
from k8s_tutor.ui.panels import gates
from k8s_tutor.ui.panels.panel import panel, picked, progress
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.rows import width as cells_of
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import count, stamp

KINDS = ("etcd", "api", "scheduler", "controller-manager")
SHORT = ("etcd", "api", "sched", "cm")
LETTERS = ("e", "a", "s", "c")
_NODE_KINDS = ("kubelet", "kube-proxy", "containerd", "crio", "cri-dockerd", "dockerd", "cni", "node", *AGENTS)

Moving = list[tuple[FlightView, bool]]
"""Messages on a cable; True: towards its right end, or towards the API server."""


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """The map with messages on it, the managers as a table, the latest requests: what fits, in that order."""
    machines = scene.view.control_plane.machines
    canvas = Canvas(width, height)
    title = scene.lens.word("control_plane", "Control plane")
    if not machines:
        canvas.put(0, 0, "no managers", "dim")
        return canvas.picture(title)
    if scene.mode == "projector":
        _projector(canvas, scene)
        return canvas.picture(title, status(scene))
    row = 0
    if width >= 44 and height >= 7:
        row = _map(canvas, scene, tall=height >= 11)
    left = height - row
    asked = min(len(scene.view.control_plane.requests), max(1, left - len(machines) - 8, 4 if left >= 8 else 1))
    if len(machines) > 1 or not row:
        table = min(len(machines) + 1, left - asked if left >= 4 else left)
        gap = 1 if row and left >= table + asked + 2 else 0
        if table > len(machines) or not row:
            row = _table(canvas, scene, row + gap, table)
    row = _queues(canvas, scene, row, height - row - asked)
    if asked and height - row >= 1:
        row += 1 if height - row > asked else 0
        _requests(canvas, scene, row, height - row)
    return canvas.picture(title, status(scene))


def status(scene: Scene) -> Row:
    """``3 managers · 1 down``."""
    machines = scene.view.control_plane.machines
    down = sum(not machine.up for machine in machines)
    row: Row = ((count(len(machines), "manager"), "dim"),)
    return (*row, (f" · {down} down", "fail")) if down else row


def _processes(scene: Scene, kind: str) -> list[ProcessView]:
    return [one for machine in scene.view.control_plane.machines for one in machine.processes if one.kind == kind]


def _dots(scene: Scene, kind: str) -> Row:
    """One mark a manager: ``★●○``."""
    return tuple((mark.glyph, mark.role) for mark in (process_mark(one) for one in _processes(scene, kind)))


def _kind(name: str) -> str:
    """``scheduler-2`` → ``scheduler``; nodes' processes → ``node``; everybody else → ``client``."""
    stem = name.rpartition("-")[0] or name
    if stem in KINDS or name == "lb":
        return stem if stem in KINDS else "lb"
    return "node" if stem in _NODE_KINDS else "client"


def _moving(scene: Scene, end: str, near: tuple[str, ...] = ("api", "lb")) -> Moving:
    """Messages in flight between a kind of process and the API server's side, with whether they go towards it."""
    kinds = [(flight, _kind(flight.src), _kind(flight.dst)) for flight in scene.view.wire.flying]
    towards = [(flight, True) for flight, src, dst in kinds if src == end and dst in near]
    return towards + [(flight, False) for flight, src, dst in kinds if dst == end and src in near]


def _arm(canvas: Canvas, scene: Scene, row: int, left: int, right: int, moving: Moving, role: str) -> None:
    """A cable of one row; what moves on it is a dot. ``True`` in ``moving``: from left to right."""
    cells = right - left + 1
    if cells < 2:
        return
    busy = any(flight.work for flight, _ in moving)
    canvas.across(row, left, right, role if busy else "line", "━" if busy else "─")
    for flight, forward in sorted(moving, key=lambda pair: pair[0].work):
        at = progress(flight, scene.view.now, cells)
        target = f"message {flight.id}"
        column = left + at if forward else right - at
        canvas.put(row, column, "●" if flight.work else "•", picked(scene, target, role if flight.work else "dim"))
        canvas.spot(row, column, 1, target)


def _map(canvas: Canvas, scene: Scene, tall: bool) -> int:
    """You and the workers at the left, etcd at the right, scheduler and controller manager below; returns the next row."""
    width = canvas.width
    dots = _dots(scene, "api")
    wide = max(18, 2 * len(dots) + 5) if width >= 56 else 14
    box_left = max(15, (width - wide) // 2 - (2 if width >= 56 else 0))
    box_right = box_left + wide - 1
    rows = 5 if tall else 3
    canvas.box(0, box_left, wide, rows, "you")
    beside = 0 if tall or wide < 14 + len(dots) else len(dots) + 1
    canvas.put(1, box_left + (wide - 10 - beside) // 2, "API server", "you+bold")
    if tall or beside:
        row, step = (3, 2) if tall else (1, 1)
        at = box_left + ((wide - (2 * len(dots) - 1)) // 2 if tall else (wide - 10 - beside) // 2 + 11)
        for process, dot in zip(_processes(scene, "api"), dots, strict=True):
            canvas.spot(row, at, 1, process.name)
            canvas.put(row, at, dot[0], picked(scene, process.name, dot[1]))
            at += step
    canvas.put(1, 0, "you", "bright")
    canvas.put(1, box_left - 2, "▶", "you")
    _arm(canvas, scene, 1, 4, box_left - 3, _moving(scene, "client"), "you")
    if tall:
        canvas.put(3, 0, "workers", "text")
        canvas.put(3, box_left - 2, "▶", "line")
        _arm(canvas, scene, 3, 8, box_left - 3, _moving(scene, "node"), "peer")
    etcd = _dots(scene, "etcd")
    label = width - 1 - max(4, len(etcd))
    canvas.put(1, box_right + 2, "◀", "leader")
    canvas.put(1, label - 2, "▶", "leader")
    stored = [(flight, not to) for flight, to in _moving(scene, "etcd", ("api",))]
    _arm(canvas, scene, 1, box_right + 3, label - 3, stored, "leader")
    canvas.put(1, label, "etcd", "leader+bold")
    at = label
    for process, dot in zip(_processes(scene, "etcd"), etcd, strict=True):
        canvas.spot(2, at, 1, process.name)
        at = canvas.put(2, at, dot[0], picked(scene, process.name, dot[1]))
    _below(canvas, scene, rows, box_left, box_right)
    return rows + 2


def _below(canvas: Canvas, scene: Scene, rows: int, box_left: int, box_right: int) -> None:
    """Scheduler and controller manager: they hang on the API server too."""
    first, second = box_left + 4, box_right - 4
    for column in (first, second):
        canvas.put(rows - 1, column, "▲", "dim")
    canvas.put(rows, first, "╯", "line")
    canvas.put(rows, second, "╰", "line")
    name = "scheduler"
    canvas.put(rows, max(0, first - 6 - len(name)), name, "bright")
    _arm(canvas, scene, rows, first - 5, first - 1, _moving(scene, "scheduler"), "you")
    long = "controller-manager" if second + 25 <= canvas.width else "controllers"
    canvas.put(rows, second + 7, long, "bright")
    moving = [(flight, not to) for flight, to in _moving(scene, "controller-manager")]
    _arm(canvas, scene, rows, second + 1, second + 5, moving, "you")
    canvas.row(rows + 1, max(0, first - 6 - len(name)), _leader(scene, "scheduler", second - first + 9))
    canvas.row(rows + 1, second + 7, _leader(scene, "controller-manager", canvas.width - second - 7))


def _leader(scene: Scene, kind: str, cells: int) -> Row:
    """Who holds the Lease, and what waits in its queue."""
    every = _processes(scene, kind)
    leading = [one for one in every if one.leading and one.up]
    if not every:
        return (("none", "dim"),)
    if not any(one.up for one in every):
        return (("✗ down", "fail"),)
    if not leading:
        return (("no Lease held", "warn"),)
    if len(leading) > 1:
        return ((shorten(f"✗ {len(leading)} hold the Lease", cells), "fail"),)
    one = leading[0]
    head: Row = (("★ ", "leader"), (scene.lens.name(one.machine), "leader")) if len(every) > 1 else ()
    if one.queue:
        return (*head, (" queue " if head else "queue ", "dim"), (f"{'▪' * min(4, len(one.queue))} {len(one.queue)}", "warn"))
    said = shorten(one.doing or "idle", max(4, cells - cells_of(head) - 1))
    return (*head, (f" {said}" if head else said, "dim"))


def _table(canvas: Canvas, scene: Scene, row: int, rows: int) -> int:
    """Managers with their processes; returns the next row."""
    machines = scene.view.control_plane.machines
    roomy = canvas.width >= 62
    names = dict(zip(KINDS, KINDS if roomy else SHORT, strict=True))
    wide = max(len(scene.lens.name(machine.name)) for machine in machines) + 2
    if wide + sum(len(name) + 2 for name in names.values()) > canvas.width:
        names = dict(zip(KINDS, LETTERS, strict=True))
    columns, at = {}, wide
    for kind, name in names.items():
        columns[kind] = at
        canvas.put(row, at, name, "dim")
        at += max(len(name), 7) + 3 if roomy else len(name) + 2
    shown = machines[: max(0, rows - 1)]
    for offset, machine in enumerate(shown, 1):
        role = "bright" if machine.up else "fail"
        canvas.put(row + offset, 0, scene.lens.name(machine.name), picked(scene, machine.name, role))
        canvas.spot(row + offset, 0, wide - 1, machine.name)
        for process in machine.processes:
            if process.kind not in columns:
                continue
            mark = process_mark(process)
            canvas.put(row + offset, columns[process.kind], mark.glyph, picked(scene, process.name, mark.role))
            canvas.spot(row + offset, columns[process.kind], 1, process.name)
            if roomy and mark.word != "up":
                canvas.put(row + offset, columns[process.kind] + 2, mark.word, mark.role)
    if 0 < len(shown) < len(machines):
        canvas.fill(row + len(shown), 0, canvas.width, 1, "text")
        canvas.put(row + len(shown), 0, f"and {len(machines) - len(shown) + 1} more", "dim")
    return row + 1 + len(shown)


def _queues(canvas: Canvas, scene: Scene, row: int, spare: int) -> int:
    """Keys that wait in work queues, a row for each process that has any; returns the next row."""
    waiting = [one for kind in ("scheduler", "controller-manager") for one in _processes(scene, kind) if one.queue and one.up]
    if not waiting or spare < 3:
        return row
    row += 1
    for process in waiting[: spare - 2]:
        name = process.name if canvas.width >= 50 else process.name.replace("controller-manager", "cm")
        column = canvas.put(row, 0, f"{name} ", picked(scene, process.name, "dim"))
        canvas.spot(row, 0, column - 1, process.name)
        keys = "  ".join(key.removeprefix("default/") for key in process.queue)
        canvas.put(row, column, shorten(f"▪ {keys}", canvas.width - column), "warn")
        row += 1
    return row


def _requests(canvas: Canvas, scene: Scene, row: int, rows: int) -> None:
    """The latest requests, the newest on top: how far each has come, or what it was answered."""
    for offset, request in enumerate(reversed(scene.view.control_plane.requests[-rows:])):
        target = f"request {request.id}"
        role = "you" if not request.code else "dim"
        left = canvas.put(row + offset, 0, stamp(request.at), "dim") + 2 if canvas.width >= 70 else 0
        tail = _fate(request, canvas.width - left, not offset)
        room = canvas.width - left - cells_of(tail) - 2
        text = f"{request.verb} {request.path}"
        canvas.put(row + offset, left, ending(text, room, len(request.verb) + 1), picked(scene, target, role))
        canvas.right(row + offset, tail)
        canvas.spot(row + offset, 0, canvas.width, target)


def _fate(request: RequestView, cells: int, newest: bool) -> Row:
    """Its gates and its answer; gates of the newest one and of those that were refused stay to be seen."""
    if not request.code:
        return gates.row(request.stages, cells - 30)
    code: Row = ((str(request.code), "ok" if request.code < 400 else "fail"),)
    if gates.is_refused(request.stages):
        return (*gates.row(request.stages, cells - 50), ("  ", "text"), *code)
    mark = gates.PASSED if request.code < 400 else gates.REFUSED  # after all gates, etcd has the last word
    done = tuple(stage.replace(gates.OPEN, mark) for stage in request.stages)
    return (*gates.row(done, cells - 50), ("  ", "text"), *code) if newest and len(done) > 1 else code


def _projector(canvas: Canvas, scene: Scene) -> None:
    """How many managers there are and how many work, then who leads what."""
    machines = scene.view.control_plane.machines
    up = sum(machine.up for machine in machines)
    large = canvas.height >= 7
    column = 0
    working = "ok" if up == len(machines) else "fail"
    for label, number, role in (("managers", len(machines), "leader"), ("working", up, working)):
        canvas.put(0, column, label, "dim")
        if large:
            put_big(canvas, 2, column, str(number), role)
        else:
            canvas.put(0, column + len(label) + 1, str(number), role)
        column += 14
    beside = canvas.width >= 64
    row, left = (0, column + 4) if beside or not large else (8, 0)
    row = row if large else 1
    left = left if large else 0
    for kind in KINDS:
        leading = [scene.lens.name(one.machine) for one in _processes(scene, kind) if one.leading and one.up]
        canvas.put(row, left, kind, "bright+bold")
        words = f"★ {', '.join(leading)}" if leading else "● each" if kind == "api" else "nobody leads"
        role = "fail" if len(leading) > 1 or (not leading and kind != "api") else "leader" if leading else "ok"
        canvas.put(row, left + 21, words, role)
        row += 2 if canvas.height >= 8 else 1
