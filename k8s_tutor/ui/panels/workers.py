"""Workers and pods: what each node has to give, what was asked of it, what runs there, and where report and truth differ."""

from __future__ import annotations

from rich.cells import cell_len

from k8s_tutor.cluster.views import NodeView, PodView
from k8s_tutor.ui.big import big_width, put_big
from k8s_tutor.ui.draw import Canvas, load, shorten, squeeze
from k8s_tutor.ui.glyphs import node_mark, pod_mark, process_mark
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import cores, count, memory

_SHOWN = ("kubelet", "proxy", "cri", "docker", "runtime", "network")
"""Kinds of a worker's processes that have a mark."""


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """Nodes as blocks, as lines, or as tiles: as much of each as fits, and never a node without its state."""
    work = scene.view.workload
    canvas = Canvas(width, height)
    title = scene.lens.word("workers", "Workers")
    if not work.nodes and not work.pods:
        canvas.put(0, 0, "no nodes yet", "dim")
        return canvas.picture(title)
    if scene.mode == "projector":
        _projector(canvas, scene)
        return canvas.picture(title, status(scene))
    homeless = _homeless(scene)
    rows = height - (1 if homeless and height > 2 else 0)
    cells, blocks = _heights(scene, width, rows)
    if sum(blocks) <= rows:
        _blocks(canvas, scene, rows, blocks, cells)
    elif len(work.nodes) <= rows:
        for number, node in enumerate(work.nodes):
            _line(canvas, scene, node, number, 0, width)
    else:
        _many(canvas, scene, rows)
    if homeless and height > 2:
        _waiting(canvas, scene, height - 1, homeless)
    return canvas.picture(title, status(scene))


def status(scene: Scene) -> Row:
    """``9 of 10 pods running``, and what is wrong with nodes."""
    work = scene.view.workload
    running = sum(pod.status == "Running" and pod.ready and not pod.deleting for pod in work.pods)
    wanted = sum(not pod.deleting for pod in work.pods)
    away = sum(node.registered and node.ready != "True" for node in work.nodes)
    row: Row = ((f"{running} of {count(wanted, 'pod')} running", "ok" if running >= wanted else "leader"),)
    return (*row, (f" · {count(away, 'node')} NotReady", "fail")) if away else row


def _homeless(scene: Scene) -> list[PodView]:
    return [pod for pod in scene.view.workload.pods if not pod.node]


def _pods_of(scene: Scene) -> dict[str, list[PodView]]:
    found: dict[str, list[PodView]] = {node.name: [] for node in scene.view.workload.nodes}
    for pod in scene.view.workload.pods:
        if pod.node in found:
            found[pod.node].append(pod)
    return found


def key(pod: PodView) -> str:
    """Name under which a pod is selected."""
    return f"{pod.namespace}/{pod.name}"


def pod_row(scene: Scene, pod: PodView, cells: int) -> Row:
    """``▣ web-x7k2p``, with its state as a word while it is not simply running, and ≠ where report and truth differ."""
    mark = pod_mark(pod, scene.lens)
    calm = mark.glyph == "▣" and not pod.differs
    word = "" if calm else f" {mark.word}"
    if pod.differs:
        actual = next((box.actual for box in pod.containers if box.actual != box.state), "")
        word = f"{word} ≠ {actual or 'gone'}"
    again = f" ×{pod.restarts}" if pod.restarts else ""
    if cells < len(word) + 8:
        word, again = (" ≠" if pod.differs else ""), ""
    room = max(3, cells - 2 - len(word) - len(again))
    name = squeeze(short_name(pod), room)
    role = "fail" if mark.role == "fail" else "warn" if pod.differs else mark.role
    return ((f"{mark.glyph} ", mark.role), (name, picked(scene, key(pod), "text")), (f"{word}{again}", role))


def short_name(pod: PodView) -> str:
    """A pod's name without the hash of its ReplicaSet: ``web-5d9c6b7f4-x7k2p`` → ``web-x7k2p``."""
    parts = pod.name.split("-")
    if pod.owner.startswith("ReplicaSet/") and len(parts) >= 3:
        return "-".join((*parts[:-2], parts[-1]))
    return pod.name


def _heights(scene: Scene, width: int, rows: int) -> tuple[int, list[int]]:
    """Cells of a column of pods, and rows of each node's block: words as long as they are, or shorter where rows are few."""
    groups = _pods_of(scene)
    margin = _margin(scene, width)
    widest = max((_long(scene, pod) for pod in scene.view.workload.pods), default=8)
    found: tuple[int, list[int]] = (1, [])
    for limit in (34, 24, 18, 13):
        cells = max(6, min(widest, limit, width - margin))
        across = max(1, (width - margin + 2) // (cells + 2))
        found = cells, [1 + max(1, -(-len(groups[node.name]) // across)) for node in scene.view.workload.nodes]
        if sum(found[1]) + len(found[1]) - 1 <= rows:
            break
    return found


def _long(scene: Scene, pod: PodView) -> int:
    """Cells that a pod likes."""
    if pod.status == "Running" and pod.ready and not (pod.differs or pod.deleting or pod.restarts):
        return min(40, len(short_name(pod)) + 2)
    return sum(len(text) for text, _ in pod_row(scene, pod, 40))


def _margin(scene: Scene, width: int) -> int:
    """Cells of the column of names: as wide as the longest, within a sixth of the panel."""
    longest = max((cell_len(scene.lens.name(node.name)) for node in scene.view.workload.nodes), default=0)
    return max(8, min(longest + 2, 16, width // 6))


def _blocks(canvas: Canvas, scene: Scene, rows: int, heights: list[int], cells: int) -> None:
    groups = _pods_of(scene)
    margin = _margin(scene, canvas.width)
    across = max(1, (canvas.width - margin + 2) // (cells + 2))
    gap = 1 if sum(heights) + len(heights) - 1 <= rows else 0
    row = 0
    for node, tall in zip(scene.view.workload.nodes, heights, strict=True):
        _head(canvas, scene, node, row, margin)
        pods = groups[node.name]
        for number, pod in enumerate(pods):
            at, column = row + 1 + number // across, margin + (number % across) * (cells + 2)
            canvas.row(at, column, pod_row(scene, pod, cells))
            canvas.spot(at, column, cells, key(pod))
        if not pods:
            canvas.put(row + 1, margin, f"no {scene.lens.word('pod')}s", "dim")
        row += tall + gap
    spare = rows - row
    if spare >= 2 and canvas.width >= 40:
        asked, measured = "bars: cpu asked for, of what the node can give", "bars: cpu asked for · cpu and memory used"
        words = measured if scene.view.usage.nodes else asked
        canvas.put(rows - 1, 0, shorten(words, canvas.width), "dim")


def _head(canvas: Canvas, scene: Scene, node: NodeView, row: int, margin: int) -> None:
    """``node-1  ▇▇▅▁▁▁▁▁ 1250m of 2   kubelet ● proxy ● runtime ●``."""
    mark = node_mark(node, scene.lens)
    canvas.put(row, 0, shorten(scene.lens.name(node.name), margin - 1), picked(scene, node.name, "bright"))
    canvas.spot(row, 0, margin - 1, node.name)
    column = canvas.put(row, margin, load(node.cpu_requested, node.cpu, 8), "load") + 1
    said = _trouble(node, mark.word if mark.role != "ok" else "")
    tail = _dots(node, named=canvas.width >= (100 if scene.view.usage.nodes else 62))
    room = canvas.width - column - sum(len(text) for text, _ in tail) - 2
    if said:
        canvas.put(row, column + 1, shorten(f"{mark.glyph} {said}", max(3, room)), mark.role)
    elif room >= 34:
        canvas.put(row, column, f"{cores(node.cpu_requested)} of {cores(node.cpu)} cpu", "dim")
        _second(canvas, scene, node, row, column + 17, room - 17)
    elif room >= 16:
        canvas.put(row, column, f"{cores(node.cpu_requested)} of {cores(node.cpu)} cpu", "dim")
    if room >= 3:
        canvas.right(row, tail)
        _process_spots(canvas, node, row, tail)


def _second(canvas: Canvas, scene: Scene, node: NodeView, row: int, column: int, room: int) -> None:
    """What was asked of a node's memory, and what is used of it all, when somebody measures: the first makes way."""
    asked = f"{memory(node.memory_requested)} of {memory(node.memory)}"
    used = scene.view.usage.nodes.get(node.name)
    if used is None:
        canvas.put(row, column, asked, "dim")
        return
    words = f"uses {cores(used.cpu)}, {memory(used.memory)}".ljust(18)
    bar = load(used.cpu, node.cpu, 4) + " " + load(used.memory, node.memory, 4)
    if room >= 18 + len(words) + len(bar) + 1:
        canvas.put(row, column, asked, "dim")
        column += 18
    end = canvas.put(row, column, words, "text")
    if column + len(words) + len(bar) + 1 <= canvas.width and room >= len(words) + len(bar) + 1:
        canvas.put(row, end + 1, bar, "load")


def _trouble(node: NodeView, word: str) -> str:
    said = word
    extra = [taint for taint in node.taints if not taint.startswith("node.kubernetes.io/")]
    if extra:
        said = f"{said}, taint {extra[0]}" if said else f"taint {extra[0]}"
    if word and not node.up:
        said += ", no power"
    if node.ready != "True" and node.actual_containers:
        said += f", {node.actual_containers} still run"
    return said


def _dots(node: NodeView, named: bool) -> Row:
    spans: list[tuple[str, str]] = []
    for kind in _SHOWN:
        for process in node.processes:
            if process.kind == kind:
                mark = process_mark(process)
                spans += [(f"{kind} ", "dim")] if named else []
                spans += [(mark.glyph, mark.role), (" ", "text")]
    return tuple(spans[:-1])


def _process_spots(canvas: Canvas, node: NodeView, row: int, tail: Row) -> None:
    column = canvas.width - sum(len(text) for text, _ in tail)
    shown = [one for kind in _SHOWN for one in node.processes if one.kind == kind]
    named = tail and tail[0][1] == "dim"
    for process in shown:
        cells = len(process.kind) + 2 if named else 1
        canvas.spot(row, column, cells, process.name)
        column += cells + 1


def _line(canvas: Canvas, scene: Scene, node: NodeView, row: int, left: int, width: int) -> None:
    """One node in one row: name, bar, state, its pods as glyphs and their number."""
    mark = node_mark(node, scene.lens)
    pods = [pod for pod in scene.view.workload.pods if pod.node == node.name]
    named = max(9, _margin(scene, width))
    canvas.put(row, left, shorten(scene.lens.name(node.name), named - 1), picked(scene, node.name, "bright"))
    canvas.spot(row, left, width - 1, node.name)
    at = left + named
    if width >= 26:
        at = canvas.put(row, at, load(node.cpu_requested, node.cpu, 5), "load") + 1
    word = f"{mark.glyph} {mark.word}" if width >= 44 else mark.glyph
    at = canvas.put(row, at, word, mark.role) + 1
    if width >= 44:
        at = max(at, left + named + 24 if width >= 60 else left + named + 16)
    room = left + width - at - 5
    for pod in pods[: max(0, room)]:
        look = pod_mark(pod, scene.lens)
        canvas.put(row, at, look.glyph, picked(scene, key(pod), "warn" if pod.differs else look.role))
        canvas.spot(row, at, 1, key(pod))
        at += 1
    if room >= 0:
        canvas.put(row, at + (1 if pods else 0), str(len(pods)), "dim")


def _many(canvas: Canvas, scene: Scene, rows: int) -> None:
    """More nodes than rows: lines in columns; beyond that tiles, the troubled ones by name."""
    nodes = scene.view.workload.nodes
    columns = canvas.width // 26
    if columns * rows >= len(nodes):
        wide = canvas.width // columns
        for number, node in enumerate(nodes):
            _line(canvas, scene, node, number % rows, number // rows * wide, wide - 1)
        return
    troubled = [node for node in nodes if node_mark(node, scene.lens).role != "ok"]
    named = min(len(troubled), max(0, rows - 3))
    row = column = 0
    hidden = 0
    for node in nodes:
        mark = node_mark(node, scene.lens)
        if column + 2 > canvas.width:
            row, column = row + 1, 0
        if row >= max(1, rows - 1 - named):
            hidden += 1
            continue
        glyph = load(node.cpu_requested, node.cpu, 1) if mark.role == "ok" else mark.glyph
        canvas.put(row, column, glyph, picked(scene, node.name, "load" if mark.role == "ok" else mark.role))
        canvas.spot(row, column, 1, node.name)
        column += 2
    for offset, node in enumerate(troubled[:named]):
        _line(canvas, scene, node, rows - 1 - named + offset, 0, canvas.width)
    if rows > 1:
        more = f", {hidden} not drawn" if hidden else ""
        ready = sum(node.ready == "True" for node in nodes)
        words = f"{len(nodes)} nodes, {ready} ready, {len(scene.view.workload.pods)} pods{more}"
        canvas.put(rows - 1, 0, shorten(words, canvas.width), "dim")


def _waiting(canvas: Canvas, scene: Scene, row: int, pods: list[PodView]) -> None:
    """Pods that no node has yet."""
    label = f"no {scene.lens.word('node')} yet"
    column = canvas.put(row, 0, label if canvas.width >= 36 else "", "warn")
    column = max(8, column + 2) if column else 0
    for number, pod in enumerate(pods):
        room = canvas.width - column
        name = squeeze(short_name(pod), 20)
        spans = ((f"{pod_mark(pod, scene.lens).glyph} ", "warn"), (name, picked(scene, key(pod), "text")))
        cells = sum(len(text) for text, _ in spans)
        rest = len(pods) - number
        if cells + (9 if rest > 1 else 0) > room and number:
            canvas.put(row, column, f"and {rest} more", "dim")
            return
        canvas.spot(row, column, cells, key(pod))
        column = canvas.row(row, column, spans) + 2


def _projector(canvas: Canvas, scene: Scene) -> None:
    """Three numerals: wanted, running, nodes that are ready; then one line a node."""
    work = scene.view.workload
    wanted = sum(one.desired for one in work.deployments) or sum(not pod.deleting for pod in work.pods)
    running = sum(pod.status == "Running" and pod.ready and not pod.deleting for pod in work.pods)
    ready = sum(node.ready == "True" for node in work.nodes)
    numbers = (
        ("wanted", wanted, "leader"),
        ("running", running, "ok" if running >= wanted else "fail"),
        (f"{scene.lens.word('node')}s ready", ready, "ok" if ready == len(work.nodes) else "fail"),
    )
    large = canvas.height >= 7 and canvas.width >= sum(big_width(str(number)) + 6 for _, number, _ in numbers)
    column = 0
    for label, number, role in numbers:
        canvas.put(0, column, label, "dim")
        if large:
            put_big(canvas, 2, column, str(number), role)
            column += max(big_width(str(number)), len(label)) + 6
        else:
            column = canvas.put(0, column + len(label) + 1, str(number), role) + 4
    top = 8 if large else 1
    step = 2 if canvas.height - top >= 2 * len(work.nodes) else 1
    for number, node in enumerate(work.nodes[: max(0, (canvas.height - top + step - 1) // step)]):
        _line(canvas, scene, node, top + number * step, 0, canvas.width)
