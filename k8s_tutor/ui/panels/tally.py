"""The quorum bar: who counts, who is missing, where the majority of *all* lies."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.cluster.views import ClusterView, MemberView
from k8s_tutor.ui.draw import Canvas, shorten
from k8s_tutor.ui.panels.members import agreeing, undecided
from k8s_tutor.ui.panels.panel import member_name, picked
from k8s_tutor.ui.scene import Scene

_LOOK: dict[str, tuple[str, str]] = {
    "yes": ("█", "ok"),
    "no": ("▒", "fail"),
    "open": ("░", "warn"),
    "away": ("░", "line"),
}


class Tally(NamedTuple):
    """``what`` is counted, and how each member stands: ``yes``, ``no``, ``open`` (may still come) or ``away``."""

    what: str
    stands: tuple[tuple[MemberView, str], ...]

    @property
    def yes(self) -> int:
        """How many count."""
        return sum(stand == "yes" for _, stand in self.stands)


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


def tally(scene: Scene) -> Tally:
    """Votes while somebody is a candidate, yeses to an open entry while there is one, else who is here."""
    raft = scene.view.raft
    candidates = [member for member in raft.members if member.up and member.role == "candidate"]
    if candidates:
        best = max(candidates, key=lambda member: (member.term, len(member.granted)))
        no = [name for name, _ in best.refused]
        return _sorted(scene, f"votes for {member_name(scene.lens, best)}", best.granted, no)
    leaders = [member for member in raft.members if member.up and member.role == "leader"]
    for leader in sorted(leaders, key=lambda member: -member.term):
        index = undecided(leader)
        if index:
            return _sorted(scene, f"yes to entry {index}", agreeing(leader, index), [])
    here = together(scene.view)
    gone = [member.name for member in raft.members if member.name not in here]
    return _sorted(scene, "here", list(here), gone, missing="away")


def _sorted(
    scene: Scene, what: str, yes: list[str] | tuple[str, ...], no: list[str], missing: str = "no"
) -> Tally:
    stands = []
    for member in scene.view.raft.members:
        stand = "yes" if member.name in yes else "away" if not member.up else missing if member.name in no else "open"
        stands.append((member, stand))
    order = ("yes", "open", "no", "away")
    return Tally(what, tuple(sorted(stands, key=lambda pair: order.index(pair[1]))))


def draw_tally(canvas: Canvas, scene: Scene, row: int, column: int, width: int, names: bool) -> None:
    """One row of segments with the mark ┃ behind the last that a majority needs, and the names below."""
    counted = tally(scene)
    raft = scene.view.raft
    total = len(counted.stands)
    label = counted.what if width >= 50 else counted.what.split()[0]
    start = column + (max(7, len(label) + 2) if width >= 30 else 0)
    if start > column:
        canvas.put(row, column, label, "dim")
    cells, words = _size(scene, counted, width - (start - column), names)
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
        if number < total or number == raft.quorum:
            canvas.put(row, at, "┃" if number == raft.quorum else " ", "bright")
            at += 1
    if at + 2 + len(words) <= column + width:
        canvas.put(row, at + 2, words, "ok" if counted.yes >= raft.quorum else "dim")


def _size(scene: Scene, counted: Tally, room: int, names: bool) -> tuple[int, str]:
    """(cells of a segment, words behind the bar): wide enough for the names first, then as many words as there is room for."""
    total = len(counted.stands)
    quorum = scene.view.raft.quorum
    longest = max(len(member_name(scene.lens, member)) for member, _ in counted.stands) if names else 3
    most = max(longest, 12 if total < 7 else 9)
    best = (1, "")
    for words in (
        f"needs {quorum} of all {total}, here or not",
        f"{counted.yes} of {total}, needs {quorum}",
        f"{counted.yes} of {total}",
        "",
    ):
        cells = max(1, min(most, (room - (len(words) + 3 if words else 0) - (total - 1)) // total))
        best = (cells, words)
        if cells >= longest:
            break
    return best
