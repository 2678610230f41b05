"""The quorum bar: who counts, who is missing, where the majority of *all* lies; while the group changes, one bar for each of
its two configurations; and what each room could decide alone."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.cluster.views import ClusterView, MemberView
from k8s_tutor.ui.draw import Canvas, shorten
from k8s_tutor.ui.panels.members import agreeing, undecided
from k8s_tutor.ui.panels.panel import apart, member_name, picked, rooms_of
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.rows import width as cells_of
from k8s_tutor.ui.scene import Scene

_LOOK: dict[str, tuple[str, str]] = {
    "yes": ("█", "ok"),
    "no": ("▒", "fail"),
    "open": ("░", "warn"),
    "away": ("░", "line"),
}


class Tally(NamedTuple):
    """``what`` is counted, and how each voter stands: ``yes``, ``no``, ``open`` (may still come) or ``away``."""

    what: str
    stands: tuple[tuple[MemberView, str], ...]

    @property
    def quorum(self) -> int:
        """How many must count."""
        return len(self.stands) // 2 + 1

    def number(self, stand: str) -> int:
        """How many stand so."""
        return sum(one == stand for _, one in self.stands)

    @property
    def yes(self) -> int:
        """How many count."""
        return self.number("yes")


def together(view: ClusterView) -> frozenset[str]:
    """Names of the members of the largest group that is up and can talk with each other."""
    cuts = {frozenset(pair) for pair in view.network.cuts}
    rest = [member for member in view.raft.members if member.up and not member.paused]
    best: list[MemberView] = []
    while rest:
        group = [rest.pop(0)]
        for member in group:
            near = [other for other in rest if not _cut(cuts, member, other)]
            group += near
            rest = [other for other in rest if other not in near]
        best = max(best, group, key=len)
    return frozenset(member.name for member in best)


def _cut(cuts: set[frozenset[str]], one: MemberView, other: MemberView) -> bool:
    ends = ((one.machine, other.machine), (one.name, other.name), (one.room, other.room))
    return any(a != b and frozenset((a, b)) in cuts for a, b in ends)


def tallies(scene: Scene) -> list[Tally]:
    """What is counted now: one bar, one for each of two candidates, or one for the new and the old configuration while the
    group is changed in two steps."""
    raft = scene.view.raft
    voters = raft.voters or tuple(member.name for member in raft.members)
    counted = _votes(scene) or [_yeses(scene) or _present(scene)]
    if not raft.outgoing:
        return [_among(scene, one, voters, one[0]) for one in counted]
    return [_among(scene, counted[0], voters, "new group"), _among(scene, counted[0], raft.outgoing, "old group")]


class Counted(NamedTuple):
    """What is counted: who says yes, who says no and what that means, and from whom nothing can come."""

    what: str
    yes: list[str] | tuple[str, ...]
    no: list[str]
    means: str
    away: tuple[str, ...] = ()


def _votes(scene: Scene) -> list[Counted]:
    """While somebody stands for election: the votes of the two who have most, those of the latest term first."""
    for role, what in (("candidate", "votes for"), ("pre-candidate", "pre-votes for")):
        asking = [member for member in scene.view.raft.members if member.up and member.role == role]
        asking.sort(key=lambda member: (-member.term, -len(member.granted)))
        rivals = [member for member in asking[:2] if member.term == asking[0].term]
        if rivals:
            return [_ballot(scene, one, f"{what} {member_name(scene.lens, one)}") for one in rivals]
    return []


def _ballot(scene: Scene, one: MemberView, what: str) -> Counted:
    """The votes of one who stands; whoever is cut off from it and has not answered cannot."""
    cuts = {frozenset(pair) for pair in scene.view.network.cuts}
    refused = [name for name, _ in one.refused]
    heard = (one.name, *one.granted, *refused)
    apart = [other.name for other in scene.view.raft.members if other.name not in heard and _cut(cuts, one, other)]
    return Counted(what, one.granted, refused, "no", tuple(apart))


def _yeses(scene: Scene) -> Counted | None:
    """While an entry of the latest leader is open: who has it."""
    raft = scene.view.raft
    leader = max((one for one in raft.members if one.up and one.role == "leader"), key=lambda one: one.term, default=None)
    index = undecided(leader) if leader is not None else 0
    if leader is None or not index:
        return None
    cuts = {frozenset(pair) for pair in scene.view.network.cuts}
    away = [member.name for member in raft.members if _cut(cuts, leader, member)]
    return Counted(f"yes to entry {index}", agreeing(leader, index), away, "away")


def _present(scene: Scene) -> Counted:
    """Who is here."""
    here = together(scene.view)
    return Counted("here", list(here), [one.name for one in scene.view.raft.members if one.name not in here], "away")


def _among(scene: Scene, counted: Counted, voters: tuple[str, ...], what: str) -> Tally:
    _, yes, no, means, away = counted
    stands = []
    for member in scene.view.raft.members:
        if member.name in voters:
            gone = not member.up or member.name in away
            stand = "yes" if member.name in yes else "away" if gone else means if member.name in no else "open"
            stands.append((member, stand))
    order = ("yes", "open", "no", "away")
    return Tally(what, tuple(sorted(stands, key=lambda pair: order.index(pair[1]))))


def draw_tallies(canvas: Canvas, scene: Scene, row: int, rows: int) -> int:
    """The bars, with names where rows allow; returns how many rows they took."""
    counted = tallies(scene)
    names = rows >= 2 * len(counted)
    each = 2 if names else 1
    taken = 0
    labels = [one.what if canvas.width >= 50 else one.what.split()[0] for one in counted]
    start = max(7, *(len(label) + 2 for label in labels)) if canvas.width >= 30 else 0
    for number, tally in enumerate(counted[: max(0, rows // each)]):
        if start:
            canvas.put(row + number * each, 0, labels[number], "dim")
        draw_tally(canvas, scene, tally, (row + number * each, start), names)
        taken += each
    return taken


def draw_tally(canvas: Canvas, scene: Scene, counted: Tally, where: tuple[int, int], names: bool) -> None:
    """One row of segments with the mark ┃ behind the last that a majority needs, and the names below. ``where``: (row, first
    column)."""
    row, start = where
    width = canvas.width
    total = len(counted.stands)
    if not total:
        return
    cells, words = _size(scene, counted, width - start, names)
    at = start
    for number, (member, stand) in enumerate(counted.stands, 1):
        block, role = _LOOK[stand]
        canvas.put(row, at, block * cells, role)
        if names:
            name = member_name(scene.lens, member)
            short = shorten(name, cells) if cells >= 4 else name[:cells]
            canvas.put(row + 1, at, short, picked(scene, member.machine, "text" if stand == "yes" else "dim"))
        canvas.spot(row, at, cells, member.machine, 2 if names else 1)
        at += cells
        if number < total or number == counted.quorum:
            canvas.put(row, at, "┃" if number == counted.quorum else " ", "bright")
            at += 1
    if at + 2 + len(words) <= width:
        canvas.put(row, at + 2, words, "ok" if counted.yes >= counted.quorum else "dim")


def _size(scene: Scene, counted: Tally, room: int, names: bool) -> tuple[int, str]:
    """(cells of a segment, words behind the bar): wide enough for the names first, then as many words as there is room for."""
    total = len(counted.stands)
    longest = max(len(member_name(scene.lens, member)) for member, _ in counted.stands) if names else 3
    most = max(longest, 12 if total < 7 else 9)
    best = (1, "")
    for words in _words(counted):
        cells = max(1, min(most, (room - (len(words) + 3 if words else 0) - (total - 1)) // total))
        best = (cells, words)
        if cells >= longest:
            break
    return best


def _words(counted: Tally) -> tuple[str, ...]:
    """What the bar says, the longest first."""
    total, quorum, yes = len(counted.stands), counted.quorum, counted.yes
    short = (f"{yes} of {total}, needs {quorum}", f"{yes} of {total}", "")
    if counted.what == "here":
        return (f"needs {quorum} of all {total}, here or not", *short)
    counts = ((counted.number("no"), "no"), (counted.number("open"), "to come"), (counted.number("away"), "away"))
    rest = "".join(f", {number} {what}" for number, what in counts if number)
    return (f"{yes} yes{rest}: needs {quorum} of all {total}", f"{yes} yes{rest}, needs {quorum}", *short)


# ---------------------------------------------------------------------------------------------------- rooms


def room_counts(scene: Scene) -> list[tuple[str, int, bool, bool]]:
    """(room, voters that are up in it, whether they are enough by the rule that is on, whether it is cut off from every other
    room). Raft and most of its twins want a majority of all; the naive vote takes those who are here for all."""
    raft = scene.view.raft
    rooms = rooms_of(scene.view)
    voters = raft.voters or tuple(member.name for member in raft.members)
    found = []
    for room in rooms:
        here = sum(m.up and not m.paused and m.name in voters and m.machine in room.machines for m in raft.members)
        alone = len(rooms) > 1 and all(apart(scene.view, room, other) for other in rooms if other is not room)
        found.append((room.name, here, here > 0 if takes_present_for_all(scene.view) else here >= raft.quorum, alone))
    return found


def takes_present_for_all(view: ClusterView) -> bool:
    """Whether whoever is here decides, however many are missing: the naive vote."""
    return view.raft.variant == "naive"


def room_row(scene: Scene, width: int) -> Row:
    """``room A: 3 of 5 can decide alone   room B: 2 of 5 cannot``; empty where there is but one room, or no width."""
    counts = room_counts(scene)
    if len(counts) < 2:
        return ()
    size = scene.view.raft.size
    for long in (True, False):
        spans: list[tuple[str, str]] = []
        for name, here, enough, cut in counts:
            said = "enough" if enough else "too few"
            if long:
                said = f"{'can' if enough else 'cannot'} decide{'' if cut else ' alone'}"
            if takes_present_for_all(scene.view) and here < scene.view.raft.quorum:
                anyway = "decides" if not long else "decides anyway" if cut else "would decide alone"
                said, enough = (anyway if enough else "nobody here"), False
            spans += [(f"room {name}: " if long else f"{name}: ", picked(scene, f"room {name}", "dim"))]
            spans += [(f"{here} of {size} {said}", "ok" if enough else "fail"), ("   ", "text")]
        row = tuple(spans[:-1])
        if cells_of(row) <= width:
            return row
    return ()
