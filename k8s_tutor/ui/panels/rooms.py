"""Rooms and the cable between them: who sits where, who leads, which orders were given, and what became of them."""

from __future__ import annotations

from k8s_tutor.cluster.views import AnswerView, MemberView, RoomView
from k8s_tutor.ui.big import put_big
from k8s_tutor.ui.draw import Canvas, ending, shorten, wrap
from k8s_tutor.ui.glyphs import is_stale, member_mark, pod_mark
from k8s_tutor.ui.panels.books import Books
from k8s_tutor.ui.panels.members import brains, called
from k8s_tutor.ui.panels.panel import apart, member_name, panel, picked, rooms_of
from k8s_tutor.ui.panels.tally import room_counts, takes_present_for_all
from k8s_tutor.ui.rows import Row, fit
from k8s_tutor.ui.rows import width as cells_of
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import count, listed

GAP = 5
"""Cells between two rooms: the cable; three where cells are few."""
NARROWEST = 15
ROOMY = 17
"""Rows from which on those who type sit in their rooms too."""


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """Rooms side by side with the cable between them, orders below, and one sentence that says how it stands."""
    canvas = Canvas(width, height)
    rooms = rooms_of(scene.view)
    title = scene.lens.word("rooms", "Rooms")
    if not rooms:
        canvas.put(0, 0, "no rooms", "dim")
        return canvas.picture(title)
    if scene.mode == "projector" and width >= 24 and height >= 6:
        _projector(canvas, scene, rooms)
        return canvas.picture(title, status(scene, width))
    role, lines = _sentence(scene, width, 3 if height >= 10 else 1 if height >= 4 else 0)
    rows = height - len(lines) - (1 if height >= 12 and lines else 0)
    gap = GAP if width >= 26 * len(rooms) else 3
    wide = (width - gap * (len(rooms) - 1)) // len(rooms)
    tall = _box_rows(scene, rooms, rows, _typing(scene, height))
    if wide >= NARROWEST and tall:
        _boxes(canvas, scene, rooms, wide, tall, gap)
        below = tall + (_far_cables(canvas, scene, rooms, wide, gap, tall) if rows > tall else 0)
        _orders(canvas, scene, below + (1 if rows - below >= 3 else 0), rows)
    else:
        _lines(canvas, scene, rooms, rows)
    for offset, line in enumerate(lines):
        canvas.put(height - len(lines) + offset, 0, line, f"{role}+bold")
    formula = _formula(scene)
    if lines and len(lines[-1]) + cells_of(formula) + 3 <= width:
        canvas.right(height - 1, formula)
    return canvas.picture(title, status(scene, width))


def _formula(scene: Scene) -> Row:
    """``5 // 2 + 1 = 3 of 5 must agree``: how the majority is reckoned."""
    raft = scene.view.raft
    return ((f"{raft.size} // 2 + 1 = {raft.quorum}", "bright"), (f" of all {raft.size} must agree", "dim"))


def status(scene: Scene, width: int) -> Row:
    """``2 brains, nothing lost``; ``2 brains`` where cells are few."""
    raft = scene.view.raft
    deciding = brains(raft)
    wrong: Row = (("WRONG RULE", "fail"), (" · ", "line")) if raft.wrong else ()
    lost = f"{raft.lost} decided and lost" if raft.lost else "nothing lost"
    role = "fail" if len(deciding) > 1 or raft.lost else "ok" if deciding else "leader"
    told = count(len(deciding), "brain")
    if width >= 50:
        return (*wrong, (f"{told}, {lost}", role))
    return (*(wrong if width >= 36 else ()), (f"{told}, {raft.lost} lost" if raft.lost and not wrong else told, role))


def _members(scene: Scene, room: RoomView) -> list[MemberView]:
    return [member for member in scene.view.raft.members if member.machine in room.machines]


def verdict(scene: Scene) -> tuple[str, str, str]:
    """(role, one sentence on how it stands, the same in few words), computed from what the members do."""
    raft = scene.view.raft
    deciding = brains(raft)
    rooms = rooms_of(scene.view)
    cut = any(apart(scene.view, one, other) for number, one in enumerate(rooms) for other in rooms[number + 1 :])
    if len(deciding) > 1:
        long = 'Two brains: both decide, and both call it "final". When the cable is mended, one decision is lost.'
        return "fail", long, "Two brains: one will lose."
    if raft.lost:
        gone = "is gone" if raft.lost == 1 else "are gone"
        return "fail", f"{count(raft.lost, 'decision')} that had been called final {gone}.", f"{raft.lost} decided, now gone."
    if deciding and not raft.has_quorum:
        name = called(scene, deciding[0].name)
        long = f"{name} decides with fewer than a majority of all {raft.size}: somebody else may decide otherwise."
        return "fail", long, f"{name} decides alone."
    if raft.outgoing:
        agree = "both can agree" if raft.has_quorum else "not both can agree: safe, and stuck"
        role = "leader" if raft.has_quorum else "fail"
        return role, f"The group is changing. A majority of the old and one of the new must agree, and {agree}.", "Joint."
    if not raft.has_quorum:
        until = " until the cable is mended" if cut else ""
        long = f"Nobody has a majority of all {raft.size}. No decision at all: safe, and stuck{until}."
        return "leader", long, "No majority: safe, stuck."
    if deciding and cut:
        return _going_on(scene, rooms, deciding[0])
    if deciding:
        return "ok", "One leader, one order of decisions.", "One leader."
    return "other", "A majority is there, but no leader yet.", "No leader yet."


def _going_on(scene: Scene, rooms: tuple[RoomView, ...], leader: MemberView) -> tuple[str, str, str]:
    """The verdict where one leader has a majority although cables are cut: its room goes on, and those that it reaches."""
    home = next((room for room in rooms if leader.machine in room.machines), None)
    peopled = [room for room in rooms if _members(scene, room)]
    together = [room for room in peopled if home is None or not apart(scene.view, home, room)]
    waiting = " The others wait, and will catch up." if len(together) < len(peopled) else ""
    names = listed([room.name for room in together], len(rooms))
    has, goes = (f"Room {names} has", "goes") if len(together) == 1 else (f"Rooms {names} have", "go")
    subject = has.rpartition(" ")[0]
    return "ok", f"{has} a majority of all {scene.view.raft.size} and {goes} on.{waiting}", f"{subject} {goes} on."


def _sentence(scene: Scene, width: int, rows: int) -> tuple[str, list[str]]:
    """The verdict's role, and its lines: the sentence where it fits, else its few words."""
    role, long, short = verdict(scene)
    lines = wrap(long, width)
    return role, lines if len(lines) <= rows else wrap(short, width)[:rows]


def conflicts(scene: Scene) -> frozenset[int]:
    """Indexes at which two members hold different decisions."""
    found: dict[int, set[tuple[int, str]]] = {}
    for member in scene.view.raft.members:
        for entry in member.entries:
            if entry.committed:
                found.setdefault(entry.index, set()).add((entry.term, entry.text))
    return frozenset(index for index, kinds in found.items() if len(kinds) > 1)


def _box_rows(scene: Scene, rooms: tuple[RoomView, ...], rows: int, typing: int) -> int:
    """Rows of a room's box: three a member, two, or one; 0 when not even that fits."""
    most = max(len(_members(scene, room)) for room in rooms)
    for each in (3, 2, 1):
        need = most * each + (3 if each == 3 else 2) + typing
        if need <= (rows - 4 if each > 1 else rows):
            return need
    return 0


def _boxes(
    canvas: Canvas, scene: Scene, rooms: tuple[RoomView, ...], wide: int, tall: int, gap: int
) -> None:
    counts = {name: (here, enough, alone) for name, here, enough, alone in room_counts(scene)}
    for number, room in enumerate(rooms):
        left = number * (wide + gap)
        name = f"Room {room.name}" if room.name else "One room"
        decides = [one for one in _members(scene, room) if one.up and one.role == "leader"]
        edge = "leader" if decides and not is_stale(decides[0], scene.view.raft) else "line"
        target = f"room {room.name}"
        here, enough, alone = counts[room.name]
        said = f"{here} of {scene.view.raft.size}"
        verdict = "can decide" if enough else "cannot decide"
        if takes_present_for_all(scene.view) and here < scene.view.raft.quorum:
            verdict, enough = "decides anyway" if enough else "nobody here", False
        if alone and wide >= len(name) + len(said) + max(len("cannot decide"), len(verdict)) + 12:
            said += f", {verdict}"
        elif wide < len(name) + len(said) + 9:
            said = f"{here}/{scene.view.raft.size}"
        canvas.box(0, left, wide, tall, edge, ((name, picked(scene, target, "title")),), ((said, "ok" if enough else "fail"),))
        canvas.spot(0, left, wide, target, tall)
        _seats(canvas, scene, _members(scene, room), left, wide, tall)
        if _typing(scene, canvas.height):
            _clients(canvas, scene, room, left, wide, tall)
        if number:
            _cable(canvas, scene, rooms[number - 1], room, left - gap, tall, gap)


def _clients(canvas: Canvas, scene: Scene, room: RoomView, left: int, wide: int, tall: int) -> None:
    """Who sits at a console in this room, with their latest line and how it went: in the lowest row of the box."""
    latest: dict[str, AnswerView] = {}
    for answer in scene.view.console.answers:
        if answer.client in room.machines or f"{answer.client}-host" in room.machines:
            latest[answer.client] = answer
    members = len(_members(scene, room))
    for row, answer in zip(range(tall - 2, members, -1), latest.values(), strict=False):
        if row <= members * max(1, (tall - 3) // max(1, members)):
            break
        glyph, role = {-1: ("◌", "warn"), 0: ("✓", "ok")}.get(answer.code, ("✗", "fail"))
        line = answer.line.removeprefix("etcdctl ")
        canvas.row(row, left + 2, ((f"{glyph} ", role), (shorten(f"{answer.client}: {line}", wide - 6), "you")))
        canvas.spot(row, left + 2, wide - 4, f"answer {answer.id}")


def _cable(canvas: Canvas, scene: Scene, one: RoomView, other: RoomView, left: int, tall: int, gap: int) -> None:
    middle = tall // 2
    target = f"cable {one.name} {other.name}"
    canvas.spot(0, left, gap, target, tall)
    if apart(scene.view, one, other):
        canvas.down(left + gap // 2, 0, tall - 1, "fail", "┊")
        canvas.put(middle, left + gap // 2, "✂", picked(scene, target, "fail"))
    else:
        canvas.put(middle, left, "━" * gap, picked(scene, target, "ok"))


def _far_cables(canvas: Canvas, scene: Scene, rooms: tuple[RoomView, ...], wide: int, gap: int, row: int) -> int:
    """Below the boxes the cables between rooms that are no neighbours: of three rooms the one that leads around, of more a word
    for each. How many rows it took."""
    pairs = [(one, other) for number, one in enumerate(rooms) for other in rooms[number + 2 :]]
    column = 0
    for one, other in pairs:
        target, cut = f"cable {one.name} {other.name}", apart(scene.view, one, other)
        role = picked(scene, target, "fail" if cut else "ok")
        if len(rooms) == 3:
            start, half = wide // 2, wide + gap - 1
            way = ("┈" if cut else "━") * half
            canvas.put(row, start, f"╰{way}{'✂' if cut else '━'}{way}╯", role)
            canvas.spot(row, start, 2 * half + 3, target)
            continue
        text = f"{one.name} {'✂' if cut else '━'} {other.name}"
        if column + len(text) <= canvas.width:
            canvas.spot(row, column, len(text), target)
            column = canvas.put(row, column, text, role) + 3
    return 1 if pairs else 0


def _seats(canvas: Canvas, scene: Scene, members: list[MemberView], left: int, wide: int, tall: int) -> None:
    """Name, what it is, its term; its notebook below. Decisions that contradict each other stand on a red ground."""
    if not members:
        return
    each = max(1, (tall - 2 - _typing(scene, canvas.height)) // len(members))
    books, clash = Books(scene), conflicts(scene)
    inner = wide - 4
    named = max(len(member_name(scene.lens, member)) for member in scene.view.raft.members) + 2
    for number, member in enumerate(members):
        row = 1 + number * min(3, each) + (1 if each >= 3 else 0)
        mark = member_mark(member, scene.view.raft, scene.lens)
        canvas.put(row, left + 2, member_name(scene.lens, member), picked(scene, member.machine, "bright+bold"))
        canvas.spot(row, left + 2, inner, member.machine, 2 if each >= 2 else 1)
        says = f"{mark.glyph} {mark.word}"
        term: Row = (("term ", "dim"), (str(member.term), "bright")) if inner >= named + len(says) + 8 else ()
        if len(says) > inner - named:
            says = mark.glyph
        canvas.put(row, left + 2 + named, says, mark.role)
        canvas.row(row, left + 2 + inner - 6 - (len(str(member.term)) - 1), term)
        if each >= 2:
            start = named if inner - named >= 12 else 0
            book = books.notebook(member, inner - start, compact=inner - start < 16)
            if member.lost:
                book = ((shorten(f"✗ {member.lost} decided and lost", inner - start), "fail"),)
            canvas.row(row + 1, left + 2 + start, _clashing(book, clash))


def _typing(scene: Scene, rows: int) -> int:
    """Rows of a room's box for those who sit at its console: one, where anybody does and rows are plenty."""
    return int(rows >= ROOMY and any(_room_of(scene, answer.client) for answer in scene.view.console.answers))


def _clashing(book: Row, clash: frozenset[int]) -> Row:
    def role_of(text: str, role: str) -> str:
        digits = text.strip(" ✓○✎?≠")
        return role.replace("ok", "fail") if digits.isdigit() and int(digits) in clash else role

    return tuple((text, role_of(text, role)) for text, role in book)


def _orders(canvas: Canvas, scene: Scene, row: int, bottom: int) -> None:
    """What was ordered by whom and how it went, what each deployment should have and has, what runs on each node."""
    given, copies = _orders_given(scene, canvas.width), _copies(scene)
    rest = _running(scene) + [((line, "other"),) for line in _asking(scene)]
    few = bottom - row < len(given) + len(copies)
    lines = (copies + given if few else given + copies) + rest
    if bottom - row >= len(lines) + 2 and lines:
        canvas.put(row, 0, scene.lens.word("orders", "what was ordered"), "dim")
        row += 2
    for offset, line in enumerate(lines[: max(0, bottom - row)]):
        canvas.row(row + offset, 0, fit(line, canvas.width))


_FATES = {-1: ("… waits", "warn"), 0: ("✓ accepted", "ok")}


def _orders_given(scene: Scene, width: int) -> list[Row]:
    """The latest order of each; where cells are few, how it went stands before it, and its end is kept."""
    latest: dict[str, AnswerView] = {}
    for answer in scene.view.console.answers:
        if answer.line.split(" ")[0] not in ("get", "describe"):
            latest[answer.client] = answer
    rows: list[Row] = []
    rooms = {client: _room_of(scene, client) for client in latest}
    for client, answer in sorted(latest.items(), key=lambda one: not rooms[one[0]]):
        room = rooms[client]
        who = f"{scene.lens.name(client)} in room {room}" if room else scene.lens.name(client)
        said = answer.stderr.strip().splitlines() or ["refused"]
        fate, role = _FATES.get(answer.code, (f"✗ {said[0]}", "fail"))
        if len(who) + len(answer.line) + len(fate) + 5 <= width:
            rows.append(((f"{who}: ", "you"), (answer.line, "text"), (f"   {fate}", role)))
            continue
        name = scene.lens.name(client)
        told = ending(answer.line, max(8, width - len(name) - 4), answer.line.find(" ") + 1)
        rows.append(((f"{name}: ", "you"), (f"{fate[0]} ", role), (told, "text")))
    return rows


def _room_of(scene: Scene, client: str) -> str:
    hosts = (client, f"{client}-host")
    return next((room.name for room in scene.view.network.rooms if any(host in room.machines for host in hosts)), "")


def _copies(scene: Scene) -> list[Row]:
    rooms = [room for room in scene.view.network.rooms if room.orders or room.holders]
    if len(rooms) > 1:
        return [_said_in(scene, room, len(max((r.name for r in rooms), key=len))) for room in rooms]
    work = scene.view.workload
    return [
        (
            (f"{one.name}: ", "bright"),
            (f"asked for {one.desired}, {one.ready} ready", "ok" if one.ready == one.desired else "warn"),
            (f"   says {scene.lens.name(work.server)}", "dim"),
        )
        for one in work.deployments[:2]
    ]


def _said_in(scene: Scene, room: RoomView, wide: int) -> Row:
    """What one room's own API server says: copies of each deployment, and who holds the controller manager's Lease."""
    spans: list[tuple[str, str]] = [(f"Room {room.name:<{wide}}  ", "bright")]
    for one in room.orders[:2]:
        spans.append((f"{one.name} {one.desired} copies, {one.ready} ready   ", "ok" if one.ready == one.desired else "warn"))
    for lease, holder in room.holders[:1]:
        spans.append((f"{lease.removeprefix('kube-')}: {scene.lens.name(holder) if holder else 'nobody'}   ", "text"))
    spans.append((f"says {scene.lens.name(room.server)}", "dim"))
    return tuple(spans)


def _running(scene: Scene) -> list[Row]:
    spans: list[tuple[str, str]] = []
    work = scene.view.workload
    for node in work.nodes:
        spans.append((f"{scene.lens.name(node.name)} ", picked(scene, node.name, "text")))
        for pod in work.pods:
            if pod.node == node.name:
                mark = pod_mark(pod, scene.lens)
                spans.append((f"{mark.glyph} ", mark.role))
        spans.append((f"({node.actual_containers} run)   ", "dim"))
    return [tuple(spans)] if spans else []


def _asking(scene: Scene) -> list[str]:
    raft, lines = scene.view.raft, []
    for one in raft.members:
        if one.up and "candidate" in one.role:
            what = "pre-votes" if one.role.startswith("pre") else "votes"
            lines.append(f"{called(scene, one.name)} asks for {what}: {len(one.granted)} of {raft.size}, needs {raft.quorum}")
    return lines


def _lines(canvas: Canvas, scene: Scene, rooms: tuple[RoomView, ...], rows: int) -> None:
    """A row a room: its members with their glyphs; ✂ in front of a room that is cut off from the one above."""
    for number, room in enumerate(rooms[: max(0, rows)]):
        cut = number > 0 and apart(scene.view, rooms[number - 1], room)
        column = canvas.put(number, 0, "✂ " if cut else "  ", "fail")
        target = f"room {room.name}"
        column = canvas.put(number, column, f"{room.name or 'all'}: ", picked(scene, target, "bright"))
        canvas.spot(number, 0, column, target)
        for member in _members(scene, room):
            mark = member_mark(member, scene.view.raft, scene.lens)
            text = f"{mark.glyph} {member_name(scene.lens, member)}"
            if column + len(text) > canvas.width:
                break
            canvas.spot(number, column, len(text), member.machine)
            column = canvas.put(number, column, text, picked(scene, member.machine, mark.role)) + 2


def _projector(canvas: Canvas, scene: Scene, rooms: tuple[RoomView, ...]) -> None:
    """Each room with its number of members large, what its best member is, and the sentence."""
    wide = canvas.width // len(rooms)
    quorum = scene.view.raft.quorum
    large = canvas.height >= 11 and wide >= 16
    for number, room in enumerate(rooms):
        left = number * wide
        members = _members(scene, room)
        here = sum(member.up for member in members)
        role = "ok" if here >= quorum else "fail"
        canvas.put(0, left, f"Room {room.name}" if room.name else "One room", "bright+bold")
        if large:
            put_big(canvas, 2, left, str(here), role)
            canvas.put(6, left + 10, f"needs {quorum}"[: wide - 11], "dim")
        else:
            canvas.put(1, left, f"{here}, needs {quorum}", role)
        best = next((one for one in members if one.up and one.role == "leader"), None) or (members[0] if members else None)
        if best is not None and canvas.height >= (10 if large else 4):
            mark = member_mark(best, scene.view.raft, scene.lens)
            says = f"{member_name(scene.lens, best)} {mark.glyph} {mark.word}"
            canvas.put(8 if large else 2, left, shorten(says, wide - 2), mark.role)
        if number and apart(scene.view, rooms[number - 1], room):
            canvas.down(left - 3, 0, 8 if large else 2, "fail", "┊")
            canvas.put(4 if large else 1, left - 3, "✂", "fail")
    role, lines = _sentence(scene, canvas.width, max(0, canvas.height - (10 if large else 4)))
    for offset, line in enumerate(lines):
        canvas.put(10 + offset if large else 4 + offset, 0, line, f"{role}+bold")
