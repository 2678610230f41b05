"""The Raft committee: who leads, what stands in each notebook, what flies between them, and whether they can decide."""

from __future__ import annotations

from k8s_tutor.cluster.views import MemberView
from k8s_tutor.ui.big import big_width, put_big
from k8s_tutor.ui.draw import Canvas, shorten
from k8s_tutor.ui.glyphs import member_mark, term_mark
from k8s_tutor.ui.panels.books import Books
from k8s_tutor.ui.panels.lamps import broken, draw_lamps
from k8s_tutor.ui.panels.lanes import draw_lanes
from k8s_tutor.ui.panels.ledger import LEAST, draw_ledger
from k8s_tutor.ui.panels.members import alarms, brains, incoming, refusals, stale, timer, waits
from k8s_tutor.ui.panels.panel import member_name, panel, picked
from k8s_tutor.ui.panels.tally import draw_tallies, room_row, tallies
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.rows import width as cells_of
from k8s_tutor.ui.scene import Picture, Scene

FULL, COMPACT, TINY = 9, 5, 4
"""Rows of a card in its three sizes."""
NARROWEST = 18
"""Cells of the narrowest card that still says all."""
GAP = 1
"""Cells between two cards at least."""


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """The committee as cards with messages between them; as a line a member where there is less room."""
    title = scene.lens.word("committee", "Raft committee")
    members = scene.view.raft.members
    canvas = Canvas(width, height)
    if not members:
        canvas.put(0, 0, "no etcd members", "dim")
        return canvas.picture(title)
    if scene.mode == "projector":
        _projector(canvas, scene)
    else:
        foot = _foot(scene, width, height)
        lamps = height >= 10 and draw_lamps(canvas, scene, height - 1, width)
        height -= lamps
        card = _card_rows(width, height - len(foot), len(members))
        if card:
            _cards(canvas, scene, card, foot, height)
        elif height > len(members):
            _lines(canvas, scene, foot, height)
        else:
            _flow(canvas, scene)
    return canvas.picture(title, status(scene, width))


def status(scene: Scene, width: int) -> Row:
    """How the committee stands, for the frame's title."""
    raft = scene.view.raft
    wrong: Row = (("WRONG RULE", "fail"), (" · ", "line")) if raft.wrong else ()
    deciding = brains(raft)
    if len(deciding) > 1:
        return (*wrong, (f"{len(deciding)} leaders at once", "fail"))
    if raft.lost:
        return (*wrong, (f"{raft.lost} decided and lost", "fail"))
    if not raft.has_quorum and raft.outgoing:
        told = "joint: old and new group have no majority of both" if width >= 56 else "joint: no majority of both"
        return (*wrong, (told, "fail"))
    if not raft.has_quorum:
        few = "no quorum" if width < 36 else f"no quorum: {raft.reach} of {raft.size}"
        return (*wrong, (f"no quorum: here {raft.reach}, needs {raft.quorum} of {raft.size}" if width >= 56 else few, "fail"))
    red = broken(scene)
    if red:
        return (*wrong, (f"{red[0].property} is broken", "fail"))
    words = f"quorum {raft.quorum} of {raft.size}"
    if raft.outgoing:
        words = f"joint: {raft.quorum} of {raft.size} and {len(raft.outgoing) // 2 + 1} of {len(raft.outgoing)}"
    if width >= 60:
        words += f" · here {raft.reach} · may lose {raft.may_lose} more"
    return (*wrong, (words, "leader"))


def _foot(scene: Scene, width: int, height: int) -> list[Row]:
    """Lines under the bar, the most alarming first; few of them where rows are few."""
    lines: list[Row] = [((shorten(f"✗ {text}", width), "fail"),) for text in alarms(scene)]
    lines += [((shorten(f"☆ {text}", width), "warn"),) for text in stale(scene)]
    lines += [((shorten(f"✗ {text}", width), "other"),) for text in refusals(scene)]
    kept = lines[: max(0, (height - 6) // 4)]
    alone = room_row(scene, width) if height >= 10 else ()
    return [alone, *kept] if alone else kept


def _card_rows(width: int, height: int, members: int) -> int:
    """Rows that each card gets, 0 when cards do not fit. Two rows go to the bar, at least two to what flies."""
    if (width - GAP * (members - 1)) // members < NARROWEST:
        return 0
    lanes = min(4, 2 * (members - 1)) if members > 1 else 0
    for rows in (FULL, COMPACT, TINY):
        if rows + 2 + (lanes if rows == FULL else min(1, lanes)) <= height:
            return rows
    return 0


def _cards(canvas: Canvas, scene: Scene, rows: int, foot: list[Row], bottom: int) -> None:
    """Cards, what flies between them, the bars, the foot, and the ledger where rows are left above ``bottom``."""
    members = scene.view.raft.members
    books = Books(scene)
    bars = 2 * len(tallies(scene))
    height = bottom - len(foot)
    count = len(members)
    between = 3 if (canvas.width - 3 * (count - 1)) // count >= NARROWEST + 2 else GAP
    wide = min(34, (canvas.width - between * (count - 1)) // count)
    gap = min(12, (canvas.width - wide * len(members)) // max(1, len(members) - 1)) if len(members) > 1 else 0
    left = max(0, (canvas.width - wide * len(members) - gap * (len(members) - 1)) // 2)
    spare = height - rows - bars
    top = 1 if spare >= 7 else 0
    columns: dict[str, int] = {}
    for number, member in enumerate(members):
        column = left + number * (wide + gap)
        _card(canvas, scene, books, member, (top, column, wide, rows))
        columns[member.name] = column + wide // 2
    below = 1 if spare >= 4 + top else 0
    lanes = height - top - rows - bars - below
    most = 2 * max(2, len(members) - 1) + 2
    row = height - bars
    if lanes - most > LEAST + 1 + len(foot):
        lanes, row = most, top + rows + most + below
    draw_lanes(canvas, scene, top + rows, lanes, columns)
    row += draw_tallies(canvas, scene, row, bars)
    for line in foot:
        canvas.row(row, 0, line)
        row += 1
    draw_ledger(canvas, scene, books, row + 1, bottom - row - 1)


def _card(canvas: Canvas, scene: Scene, books: Books, member: MemberView, where: tuple[int, int, int, int]) -> None:
    """One member in its frame. ``where``: (row, column, cells, rows)."""
    top, left, wide, rows = where
    mark = member_mark(member, scene.view.raft, scene.lens)
    edge = "line" if not member.up or member.paused else mark.role
    inner = wide - 4
    name = shorten(member_name(scene.lens, member), inner - 1)
    says = f"{mark.glyph} {mark.word}"
    if len(says) + cells_of(((name, ""),)) + 9 > wide:
        says = mark.glyph if len(mark.word) + len(name) + 9 > wide else mark.word
    canvas.box(top, left, wide, rows, edge, ((name, picked(scene, member.machine, "bright+bold")),), ((says, mark.role),))
    canvas.spot(top, left, wide, member.machine, rows)
    column = left + 2
    roomy = rows == FULL
    row = top + (2 if roomy else 1)
    at = canvas.row(row, column, _term(scene, member))
    room = left + wide - 2 - (at + 1)
    clock = timer(scene, member, room)
    canvas.row(row, at + 1 + max(0, room - max(14, cells_of(clock))), clock)
    if roomy:
        at = canvas.put(row + 2, column, scene.lens.word("notebook", "log"), "dim")
        at = canvas.put(row + 2, at + 1, f"▤ 1..{member.snapshot}", "dim") if member.snapshot else at
        _newest(canvas, member, row + 2, at + 1, left + wide - 2)
        row += 2
    canvas.row(row + 1, column, books.notebook(member, inner, compact=inner < 22))
    if rows >= COMPACT:
        canvas.row(row + (3 if roomy else 2), column, waits(scene, member, inner))


def _term(scene: Scene, member: MemberView) -> Row:
    """``term ▲3``: by number, colour and shape."""
    mark = term_mark(member.term)
    role = mark.role if member.up else "dim"
    return ((f"{scene.lens.word('term')} ", "dim"), (mark.glyph, role), (mark.word, "bright" if member.up else "dim"))


def _newest(canvas: Canvas, member: MemberView, row: int, left: int, right: int) -> None:
    """What the newest undecided line says, right of the word notebook."""
    text = next((entry.text for entry in reversed(member.entries) if not entry.committed and entry.text), "")
    if text and right - left >= 12:
        said = shorten(text.replace("/registry/", ""), right - left)
        canvas.put(row, right - len(said), said, "warn")


def _lines(canvas: Canvas, scene: Scene, foot: list[Row], bottom: int) -> None:
    """A line a member, the bar under them when a row is left."""
    members = scene.view.raft.members
    books = Books(scene)
    foot = foot[: max(0, bottom - len(members) - 2)]
    spare = bottom - len(foot) - len(members)
    bar = 3 if spare >= 4 else 2 if spare >= 3 else 1 if spare >= 1 else 0
    roomy = bottom - len(foot) >= 2 * len(members) + len(members) + LEAST + 5
    step = 2 if len(members) <= spare - bar < len(members) + LEAST + 2 or roomy else 1
    wide = max(len(member_name(scene.lens, member)) for member in members)
    words = max(len(member_mark(member, scene.view.raft, scene.lens).word) for member in members)
    for number, member in enumerate(members):
        _line(canvas, scene, books, member, number * step, wide, words)
    row = len(members) * step + (1 if bar == 3 else 0)
    bars = len(tallies(scene))
    row += draw_tallies(canvas, scene, row, max(0, min(2 * bars if bar >= 2 else bars, bottom - len(foot) - row)))
    for line in foot:
        canvas.row(row, 0, line)
        row += 1
    draw_ledger(canvas, scene, books, row + 1, bottom - row - 1)


def _line(canvas: Canvas, scene: Scene, books: Books, member: MemberView, row: int, wide: int, words: int) -> None:
    mark = member_mark(member, scene.view.raft, scene.lens)
    canvas.put(row, 0, mark.glyph, mark.role)
    canvas.put(row, 2, member_name(scene.lens, member), picked(scene, member.machine, "bright"))
    canvas.spot(row, 0, canvas.width, member.machine)
    column = wide + 4
    canvas.put(row, column, shorten(mark.word, canvas.width - column), mark.role)
    column += words + 2
    left = canvas.width - column
    if left >= 5:
        term = _term(scene, member)
        canvas.row(row, column, term if left >= 26 else term[1:])
        column += cells_of(term[:1]) + 5 if left >= 26 else 5
    left = canvas.width - column
    if left >= 34:
        clock = 15 if left >= 46 else 8
        canvas.row(row, column, timer(scene, member, clock))
        column += clock + 2
        left -= clock + 2
    if left < 6:
        return
    said = max(0, min(34, left - 18))
    book = left - said - 2 if said >= 8 else left
    canvas.row(row, column, books.notebook(member, min(40, book), compact=True))
    if said >= 8:
        column += min(42, left - said)
        canvas.row(row, column, incoming(scene, member, canvas.width - column) or waits(scene, member, canvas.width - column))


def _flow(canvas: Canvas, scene: Scene) -> None:
    """Too low for a line each: names with their glyphs, one behind the other, the leader's word first."""
    raft = scene.view.raft
    row = column = 0
    for member in raft.members:
        mark = member_mark(member, raft, scene.lens)
        text = f"{mark.glyph} {member_name(scene.lens, member)}"
        if column and column + len(text) > canvas.width:
            row, column = row + 1, 0
        canvas.spot(row, column, len(text), member.machine)
        column = canvas.put(row, column, text, picked(scene, member.machine, mark.role)) + 2
    if row + 1 < canvas.height:
        draw_tallies(canvas, scene, canvas.height - 1, 1)


def _projector(canvas: Canvas, scene: Scene) -> None:
    """Three numerals for the back of the room, and who is who."""
    raft = scene.view.raft
    numbers = (
        ("needed", raft.quorum, "leader"),
        ("here", raft.reach, "ok" if raft.has_quorum else "fail"),
        ("may leave", raft.may_lose, "fail" if raft.may_lose == 0 else "ok"),
    )
    warned = [f"✗ {text}" for text in alarms(scene)][: max(0, (canvas.height - 8) // 2)]
    large = canvas.height >= 7 and canvas.width >= 42
    scale = 2 if canvas.height >= 16 + len(warned) and canvas.width >= 110 else 1
    column = 2 if canvas.width >= 60 else 0
    top = 1 if canvas.height >= 10 else 0
    for label, number, role in numbers:
        canvas.put(top, column, label, "dim")
        if large:
            put_big(canvas, top + 2, column, str(number), role, scale)
        else:
            canvas.put(top, column + len(label) + 1, str(number), role)
        column += max(14, (big_width(str(number)) + 6) * scale) if large else len(label) + 5
    below = top + 3 + 5 * scale
    if large and canvas.width >= column + 18:
        _roll(canvas, scene, top, column + 2 * scale, canvas.height - len(warned))
    elif not large or canvas.height >= below + 1 + len(warned):
        _roll(canvas, scene, below if large else 1, 2 if large else 0, canvas.height - len(warned))
    for offset, text in enumerate(warned):
        canvas.put(canvas.height - len(warned) + offset, 2 if large else 0, shorten(text, canvas.width - 2), "fail")


def _roll(canvas: Canvas, scene: Scene, top: int, column: int, bottom: int) -> None:
    """Names with what they are, as far apart as the rows allow."""
    members = scene.view.raft.members
    step = max(1, min(4 if bottom - top > 16 else 3, (bottom - top) // max(1, len(members))))
    wide = max(len(member_name(scene.lens, member)) for member in members)
    half = column + (canvas.width - column) // 2
    two = (bottom - top) < len(members) and half - column >= wide + 4
    for number, member in enumerate(members):
        mark = member_mark(member, scene.view.raft, scene.lens)
        row = top + (number // 2 if two else number * step + (1 if step > 1 else 0))
        if row >= bottom:
            break
        left = half if two and number % 2 else column
        canvas.put(row, left, member_name(scene.lens, member), picked(scene, member.machine, "bright+bold"))
        mark_at = left + wide + (1 if two else 4 if canvas.width - left - wide >= 24 else 2)
        says = mark.glyph if two else shorten(f"{mark.glyph} {mark.word}", canvas.width - mark_at)
        canvas.put(row, mark_at, says, mark.role)
        canvas.spot(row, left, wide + len(mark.word) + 6, member.machine)
