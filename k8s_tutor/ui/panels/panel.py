"""What all panels share: the promise about sizes, names through the lens, what is selected."""

from __future__ import annotations

from functools import wraps

from k8s_tutor.cluster.views import ClusterView, FlightView, MemberView, RoomView
from k8s_tutor.ui.draw import plain, to_ascii
from k8s_tutor.ui.rows import Row, fit
from k8s_tutor.ui.scene import Lens, Picture, Render, Scene, Spot


def panel(render: Render) -> Render:
    """Keeps a panel's promise whatever it draws: rows exactly ``width`` cells by at most ``height``, spots inside, ASCII when
    asked for."""

    @wraps(render)
    def kept(scene: Scene, width: int, height: int) -> Picture:
        width, height = max(0, width), max(0, height)
        picture = render(scene, width, height)
        rows = tuple(fit(clean(row), width) for row in picture.rows[:height])
        spots = _inside(picture.spots, width, len(rows))
        if not scene.ascii:
            return Picture(plain(picture.title), clean(picture.status), rows, spots)
        return Picture(to_ascii(plain(picture.title)), _ascii(clean(picture.status)), tuple(map(_ascii, rows)), spots)

    return kept


def _inside(spots: tuple[Spot, ...], width: int, height: int) -> tuple[Spot, ...]:
    return tuple(
        Spot(spot.row, spot.column, min(spot.width, width - spot.column), spot.target, min(spot.height, height - spot.row))
        for spot in spots
        if 0 <= spot.row < height and 0 <= spot.column < width
    )


def clean(row: Row) -> Row:
    """A row without empty spans and control characters."""
    return tuple((plain(text), role) for text, role in row if text)


def _ascii(row: Row) -> Row:
    return tuple((to_ascii(text), role) for text, role in row)


def picked(scene: Scene, target: str, role: str) -> str:
    """The role of something that can be selected: on the ground of the selected thing while it is."""
    return f"{role}+selected" if target and scene.selected == target else role


def member_name(lens: Lens, member: MemberView) -> str:
    """What a committee member is called: the lens's name for its machine, else its own (``etcd-1``)."""
    name = lens.name(member.machine)
    return name if name != member.machine else member.name


def named(scene: Scene, process: str) -> str:
    """What any process or machine is called; committee members as in the committee."""
    for member in scene.view.raft.members:
        if process in (member.name, member.machine):
            return member_name(scene.lens, member)
    return scene.lens.name(process)


def progress(flight: FlightView, now: int, cells: int) -> int:
    """Cells that a message has come on a way of ``cells`` cells: 0 at its start, ``cells - 1`` at its end."""
    if flight.outcome == "arrived":
        return max(0, cells - 1)
    span = flight.due - flight.sent_at
    share = max(0, min(span, now - flight.sent_at))
    if flight.outcome not in ("flying", "held"):
        share = span * 2 // 3
    return max(0, min(cells - 1, share * (cells - 1) // span)) if span > 0 else 0


def flights(view: ClusterView) -> tuple[FlightView, ...]:
    """All messages that the wire knows, oldest first by the instant of sending."""
    seen: dict[int, FlightView] = {flight.id: flight for flight in view.wire.recent}
    seen.update((flight.id, flight) for flight in view.wire.flying)
    return tuple(sorted(seen.values(), key=lambda flight: (flight.sent_at, flight.id)))


def rooms_of(view: ClusterView) -> tuple[RoomView, ...]:
    """Rooms in which somebody of the committee sits or could sit: who has left one may come back. Without rooms, everybody
    sits in one."""
    seats = {member.machine for member in view.raft.members}
    workers = {node.name for node in view.workload.nodes}
    rooms = tuple(room for room in view.network.rooms if seats & set(room.machines) or not workers & set(room.machines))
    if any(seats & set(room.machines) for room in rooms) or not view.raft.members:
        return rooms
    return (RoomView(name="", machines=tuple(member.machine for member in view.raft.members)),)


def apart(view: ClusterView, one: RoomView, other: RoomView) -> bool:
    """No member of one room reaches a member of the other."""
    cuts = {frozenset(pair) for pair in view.network.cuts}
    if frozenset((one.name, other.name)) in cuts:
        return True
    seats = {member.machine for member in view.raft.members}
    pairs = [(a, b) for a in one.machines for b in other.machines if a in seats and b in seats]
    return bool(pairs) and all(frozenset(pair) in cuts for pair in pairs)
