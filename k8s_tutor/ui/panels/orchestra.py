"""The stage of the orchestra: sections are deployments, musicians are pods, desks are nodes.

Volume is how many play, tempo is how much of the desks' strength the score asks for: both are computed from the cluster.
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.cluster.views import DeploymentView, NodeView, PodView
from k8s_tutor.ui.big import big_width, put_big
from k8s_tutor.ui.draw import Canvas, gauge, load, shorten
from k8s_tutor.ui.glyphs import Mark, pod_mark
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.panels.workers import key
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import cores, count

FAMILIES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Strings", ("string", "violin", "viola", "cello", "bass"), ("violin", "viola", "cello", "bass")),
    ("Brass", ("brass", "trumpet", "horn", "trombone", "tuba"), ("trumpet", "horn", "trombone", "tuba")),
    ("Woodwind", ("wind", "flute", "oboe", "clarinet", "bassoon"), ("oboe", "flute", "clarinet", "bassoon")),
    ("Percussion", ("percussion", "drum", "timpani", "cymbal"), ("timpani", "drum", "triangle", "cymbal")),
    ("Keys", ("piano", "harp", "celesta", "organ"), ("piano", "harp", "celesta", "organ")),
)
"""Section, words in a deployment's name that choose it, its instruments."""


class Section(NamedTuple):
    """One deployment as a section of the orchestra; ``wanted`` is -1 for pods that belong to none."""

    name: str
    instruments: tuple[str, ...]
    deployment: str
    wanted: int
    pods: tuple[PodView, ...]


def sections(scene: Scene) -> list[Section]:
    """Deployments as sections, in order of their names in the cluster; pods of no deployment are the soloists."""
    work = scene.view.workload
    rest = list(work.pods)
    taken: set[str] = set()
    found: list[Section] = []
    for deployment in work.deployments:
        mine = [pod for pod in rest if _belongs(pod, deployment)]
        rest = [pod for pod in rest if pod not in mine]
        name, instruments = _family(deployment.name, taken)
        taken.add(name)
        ordered = tuple(sorted(mine, key=lambda pod: (pod.created, pod.name)))
        found.append(Section(name, instruments, f"{deployment.namespace}/{deployment.name}", deployment.desired, ordered))
    if rest:
        found.append(Section("Soloists", ("soloist",), "", -1, tuple(rest)))
    return found


def _belongs(pod: PodView, deployment: DeploymentView) -> bool:
    owner = pod.owner.removeprefix("ReplicaSet/")
    same = pod.namespace == deployment.namespace and pod.owner.startswith("ReplicaSet/")
    return same and owner.rpartition("-")[0] == deployment.name


def _family(name: str, taken: set[str]) -> tuple[str, tuple[str, ...]]:
    for family, words, instruments in FAMILIES:
        for word in words:
            if word in name:
                own = tuple(one for one in instruments if one == word) or instruments
                return (family if family not in taken else name.capitalize()), own
    free = next(((family, instruments) for family, _, instruments in FAMILIES if family not in taken), None)
    return free or (name.capitalize(), ("player",))


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """Musicians on sunk cards, section by section; narrower, as marks in a row; at the foot desks, tempo, volume."""
    canvas = Canvas(width, height)
    title = scene.lens.word("stage", "The stage")
    found = sections(scene)
    if scene.mode == "projector":
        _projector(canvas, scene, found)
        return canvas.picture(title, status(scene))
    foot = 4 if height >= 14 else 2 if height >= 7 else 1 if height >= 4 else 0
    desks = len(scene.view.workload.nodes)
    size = _size(found, width, height - foot)
    spare = height - foot - (size.used if size.tall else len(found)) - desks
    if 0 < desks <= 8 and spare >= 1 and foot >= 2:
        foot += desks - 1 + (1 if foot == 2 else 0)
        if spare > desks + 3 and foot - desks >= 3:
            foot += desks - 1
    rows = height - foot
    if not found:
        canvas.put(1 if rows > 3 else 0, 0, "The stage is empty: there is no score yet.", "dim")
    elif size.tall:
        row = 1 if rows - size.used >= 3 else 0
        for section in found:
            row = _cards(canvas, scene, section, row, size)
    else:
        _marks(canvas, scene, found, rows)
    if foot:
        _foot(canvas, scene, height - foot, foot)
    return canvas.picture(title, status(scene))


def status(scene: Scene) -> Row:
    """``13 of 14 playing in tune``."""
    work = scene.view.workload
    wanted = sum(one.desired for one in work.deployments)
    playing = sum(in_tune(pod) for section in sections(scene) if section.wanted >= 0 for pod in section.pods)
    word = scene.lens.word("in_tune", "playing in tune")
    return ((f"{playing} of {wanted} {word}", "ok" if playing >= wanted else "leader"),)


def _plays(pod: PodView) -> bool:
    return pod.status == "Running" and pod.ready and not pod.deleting


def in_tune(pod: PodView) -> bool:
    """It is reported to play, and it does."""
    return _plays(pod) and not pod.differs


class Cards(NamedTuple):
    """How musicians are laid out; ``tall`` 0 when cards do not fit."""

    tall: int
    """Rows of a card."""
    pitch: int
    """Cells from card to card."""
    gap: int
    """Blank rows below a card."""
    used: int
    """Rows of all."""


def _size(found: list[Section], width: int, rows: int) -> Cards:
    """The largest cards that fit, with some air left for tall ones, so that they do not shrink at the next musician."""
    for tall, gap, pitches in ((5, 2, (20, 16)), (3, 2, (16, 13)), (3, 1, (16, 13)), (2, 1, (16, 13)), (2, 0, (16, 13))):
        for pitch in pitches:
            across = (width - 18) // pitch
            if across < 2:
                continue
            lines = sum(max(1, -(-max(len(section.pods), section.wanted) // across)) for section in found)
            used = lines * (tall + gap) - gap
            if used + (6 if tall > 3 else 0) <= rows:
                return Cards(tall, pitch, gap, used)
    return Cards(0, 0, 0, 0)


def _cards(canvas: Canvas, scene: Scene, section: Section, row: int, size: Cards) -> int:
    """One section; an empty chair for each musician that the score wants and nobody plays. Returns the next row."""
    tall, pitch, gap, _ = size
    _label(canvas, scene, section, row + (1 if tall > 3 else 0), tall)
    across = max(1, (canvas.width - 18) // pitch)
    chairs = max(len(section.pods), section.wanted)
    for number in range(chairs):
        at, column = row + number // across * (tall + gap), 18 + number % across * pitch
        if number < len(section.pods):
            _musician(canvas, scene, section, section.pods[number], number, at, column, tall, pitch - 2)
        else:
            top = at + (1 if tall > 3 else 0)
            canvas.put(top, column + 1, "◌", "warn")
            canvas.put(top + 1, column + 1, "empty chair"[: pitch - 3], "dim")
    return row + max(1, -(-chairs // across)) * (tall + gap)


def _label(canvas: Canvas, scene: Scene, section: Section, row: int, tall: int) -> None:
    target = f"deployment {section.deployment}" if section.deployment else ""
    canvas.put(row, 0, shorten(section.name, 16), picked(scene, target, "bright+bold"))
    if target:
        canvas.spot(row, 0, 16, target, tall)
        canvas.put(row + 1, 0, f"score asks for {section.wanted}"[:17], "dim")
        if tall >= 3:
            canvas.put(row + 2, 0, shorten(section.deployment.removeprefix("default/"), 16), "line")


def _musician(
    canvas: Canvas, scene: Scene, section: Section, pod: PodView, number: int, row: int, column: int, tall: int, wide: int
) -> None:
    mark = musician(scene, pod)
    target = key(pod)
    ground = "selected" if scene.selected == target else "on-dim"
    canvas.fill(row, column, wide, tall, ground)
    canvas.spot(row, column, wide, target, tall)
    if tall > 3:
        row, column, wide = row + 1, column + 1, wide - 1
    suffix = "+selected" if ground == "selected" else "+sunk"
    plays = mark.glyph == "♪"
    canvas.put(row, column + 1, "♪♪♪" if plays else shorten(f"{mark.glyph} {mark.word}", wide - 1), mark.role + suffix)
    name = section.instruments[number % len(section.instruments)]
    canvas.put(row + 1, column + 1, shorten(name, wide - 2), "bright" + suffix if plays else mark.role + suffix)
    if tall >= 3:
        last = f"{pod.name.rsplit('-', 1)[-1]} {_desk(pod)}".strip()
        again = f"again ×{pod.restarts}" if pod.restarts else ""
        canvas.put(row + 2, column + 1, shorten(again or last, wide - 1), ("warn" if again else "dim") + suffix)


def _desk(pod: PodView) -> str:
    return f"@{pod.node.rpartition('-')[2]}" if pod.node else ""


def musician(scene: Scene, pod: PodView) -> Mark:
    """How a musician is drawn: ♪ who plays, and in the lens's words who does not."""
    mark = pod_mark(pod, scene.lens)
    if in_tune(pod):
        return Mark("♪", mark.word, "ok")
    if _plays(pod):
        return Mark("✗", scene.lens.word("differs", "silent"), "fail")
    return mark


def _marks(canvas: Canvas, scene: Scene, found: list[Section], rows: int) -> None:
    """A row a section: ``Strings  ♪♪♪♪✗◌  5 of 6``; the last row gathers those that do not fit."""
    wide = min(12, max((len(section.name) for section in found), default=0) + 2)
    step = 2 if rows >= 2 * len(found) else 1
    fits = max(0, rows if len(found) <= rows else rows - 1)
    for number, section in enumerate(found[:fits]):
        row = number * step
        target = f"deployment {section.deployment}" if section.deployment else ""
        canvas.put(row, 0, shorten(section.name, wide - 1), picked(scene, target, "bright"))
        if target:
            canvas.spot(row, 0, wide - 1, target)
        column = wide
        room = max(1, canvas.width - wide - 9)
        for pod in section.pods[:room]:
            mark = musician(scene, pod)
            canvas.put(row, column, mark.glyph, picked(scene, key(pod), mark.role))
            canvas.spot(row, column, 1, key(pod))
            column += 1
        column = canvas.put(row, column, "·" * max(0, min(room, section.wanted) - len(section.pods)), "warn")
        playing = sum(in_tune(pod) for pod in section.pods)
        wanted = section.wanted if section.wanted >= 0 else len(section.pods)
        canvas.put(row, column + 2, f"{playing} of {wanted}", "dim" if playing >= wanted else "warn")
        off = next((musician(scene, pod) for pod in section.pods if musician(scene, pod).glyph != "♪"), None)
        if off is not None and canvas.width - column >= 24:
            canvas.put(row, column + 11, shorten(f"{off.glyph} {off.word}", canvas.width - column - 11), off.role)
    if fits < len(found) and rows:
        canvas.put(fits, 0, f"and {count(len(found) - fits, 'section')} more", "dim")


def _foot(canvas: Canvas, scene: Scene, row: int, rows: int) -> None:
    """Desks with what is asked of them; tempo and volume."""
    desks = len(scene.view.workload.nodes)
    if rows >= 2:
        top = row + (1 if rows >= 4 or rows - desks >= 2 else 0)
        canvas.put(top, 0, "seats", "dim")
        if rows > 4 or rows >= desks + 2:
            _desks(canvas, scene, top, 2 if rows >= 2 * desks + 2 else 1)
        else:
            _desk_row(canvas, scene, top)
    _tempo(canvas, scene, row + rows - 1)


def _desks(canvas: Canvas, scene: Scene, top: int, step: int) -> None:
    """A row a desk: its bar, and who sits there."""
    left = 18 if canvas.width >= 70 else 7
    for number, node in enumerate(scene.view.workload.nodes):
        row = top + number * step
        away = node.ready != "True"
        name = _node_name(scene, node)
        canvas.put(row, left, name, picked(scene, node.name, "fail" if away else "text"))
        canvas.spot(row, left, 12, node.name)
        column = canvas.put(row, left + max(12, len(name) + 2), load(node.cpu_requested, node.cpu, 6), "load") + 2
        for pod in scene.view.workload.pods:
            if pod.node == node.name:
                mark = musician(scene, pod)
                column = canvas.put(row, column, mark.glyph, picked(scene, key(pod), mark.role)) + 1
        if away:
            canvas.put(row, column + 1, "✗ dark", "fail")


def _desk_row(canvas: Canvas, scene: Scene, top: int) -> None:
    """All desks in one row."""
    nodes = scene.view.workload.nodes
    column = 18 if canvas.width >= 70 else 7
    for number, node in enumerate(nodes):
        room = canvas.width - column
        name = _node_name(scene, node)
        if room < len(name) + 9:
            canvas.put(top, column - 2, f"+{len(nodes) - number}", "dim")
            break
        away = node.ready != "True"
        canvas.put(top, column, name, picked(scene, node.name, "fail" if away else "text"))
        canvas.spot(top, column, len(name) + 7, node.name)
        bar = "✗ dark" if away else load(node.cpu_requested, node.cpu, 6)
        column = canvas.put(top, column + len(name) + 1, bar, "fail" if away else "load") + 4


def _tempo(canvas: Canvas, scene: Scene, last: int) -> None:
    """How much of the desks' strength is asked for, and how many play."""
    work = scene.view.workload
    asked = sum(node.cpu_requested for node in work.nodes)
    able = sum(node.cpu for node in work.nodes)
    playing = sum(in_tune(pod) for pod in work.pods)
    limit = max(1, sum(one.desired for one in work.deployments), playing)
    roomy = canvas.width >= 96
    wide = 10 if roomy else 5
    canvas.put(last, 0, "tempo", "dim")
    column = canvas.put(last, 18 if canvas.width >= 70 else 7, gauge(asked, able, wide), "you")
    words = f" {cores(asked)} of {cores(able)} cpu" if canvas.width >= 60 else f" {cores(asked)}"
    column = canvas.put(last, column, f"{words} asked for" if roomy else words, "dim") + (5 if roomy else 3)
    column = canvas.put(last, column, "volume " if canvas.width >= 60 else "vol ", "dim")
    column = canvas.put(last, column, gauge(playing, limit, wide), "you")
    for words in (f" {count(playing, scene.lens.word('pod'))} playing", f" {playing} play", f" {playing}"):
        if len(words) <= canvas.width - column:
            canvas.put(last, column, words, "dim")
            break


def _node_name(scene: Scene, node: NodeView) -> str:
    """``desk 1``, where the lens calls a node a desk."""
    word = scene.lens.word("node")
    own = scene.lens.name(node.name)
    return f"{word} {node.name.rpartition('-')[2]}" if word != "node" and own == node.name else own


def _projector(canvas: Canvas, scene: Scene, found: list[Section]) -> None:
    """Two numerals and a row of notes a section."""
    wanted = sum(one.desired for one in scene.view.workload.deployments)
    playing = sum(in_tune(pod) for section in found if section.wanted >= 0 for pod in section.pods)
    large = canvas.height >= 8 + len(found)
    column = 0
    for label, number, role in (
        ("the score asks for", wanted, "leader"), ("playing", playing, "ok" if playing >= wanted else "fail"),
    ):  # fmt: skip
        canvas.put(0, column, label, "dim")
        if large:
            put_big(canvas, 2, column, str(number), role)
            column += max(big_width(str(number)), len(label)) + 8
        else:
            column = canvas.put(0, column + len(label) + 1, str(number), role) + 4
    top = 8 if large else 1
    inner = Canvas(canvas.width, canvas.height - top)
    _marks(inner, scene, found, inner.height)
    for number, row in enumerate(inner.rows()):
        canvas.row(top + number, 0, row)
