"""A committee on paper: how many managers, who sits in which room, which rule decides. Pure: a design and its picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from k8s_tutor.ui.draw import Canvas, shorten, wrap
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.words import count

if TYPE_CHECKING:
    from k8s_tutor.ui.scene import Lens, Picture

MOST = 9
"""Managers at most; rooms at most as many."""
NAMES = "ABCDEFGHI"
CLIENTS = ("amy", "ben", "cleo", "dan", "eva", "finn", "gus", "hal", "ida")
"""Who sits at the console of each room."""
RULES = ("raft", "naive", "forgotten-vote", "old-term-commit", "no-random-timeouts", "send-before-persist")
"""Ways to decide, the right one first."""


@dataclass(frozen=True, slots=True)
class Design:
    """``seats``: the room of each manager, from 0. ``whole``: with all of Kubernetes, else etcd alone."""

    seats: tuple[int, ...] = (0, 0, 0, 1, 1)
    rooms: int = 2
    chosen: int = 0
    """The manager that is held, from 0."""
    whole: bool = False
    rule: str = "raft"

    @property
    def size(self) -> int:
        """How many managers there are."""
        return len(self.seats)

    @property
    def quorum(self) -> int:
        """How many must agree."""
        return self.size // 2 + 1

    def sits(self, room: int) -> list[int]:
        """Who sits in a room."""
        return [number for number, seat in enumerate(self.seats) if seat == room]

    def resized(self, size: int) -> Design:
        """With so many managers; new ones go where fewest sit."""
        seats = list(self.seats[: max(1, min(MOST, size))])
        while len(seats) < min(MOST, size):
            seats.append(min(range(self.rooms), key=lambda room: (seats.count(room), room)))
        return replace(self, seats=tuple(seats), chosen=min(self.chosen, len(seats) - 1))

    def divided(self, rooms: int) -> Design:
        """With so many rooms; who sat in one that is gone goes to the last."""
        rooms = max(1, min(MOST, rooms))
        return replace(self, rooms=rooms, seats=tuple(min(seat, rooms - 1) for seat in self.seats))

    def moved(self, number: int, room: int) -> Design:
        """With one manager in another room."""
        seats = tuple(room % self.rooms if one == number else seat for one, seat in enumerate(self.seats))
        return replace(self, seats=seats, chosen=number)

    def next_rule(self) -> Design:
        """By the next way to decide."""
        return replace(self, rule=RULES[(RULES.index(self.rule) + 1) % len(RULES)])

    def spec(self) -> dict[str, Any]:
        """The specification of this cluster: somebody sits at a console in every room with a manager."""
        used = [room for room in range(self.rooms) if self.sits(room)]
        rooms = {NAMES[room]: [f"cp-{number + 1}" for number in self.sits(room)] for room in used}
        spec: dict[str, Any] = {"managers": self.size, "consensus": self.rule}
        if not self.whole:
            spec |= {"components": "etcd", "workers": 0}
        if len(rooms) > 1:
            spec |= {"rooms": rooms, "clients": {CLIENTS[room]: {"room": NAMES[room]} for room in used}}
        return spec


def of_rooms(rooms: Mapping[str, tuple[str, ...]], managers: tuple[str, ...], whole: bool, rule: str) -> Design:
    """The design of a cluster that runs: machines of each room, all managers in order. An empty room is one, too."""
    used = (name for name, machines in rooms.items() if not machines or set(machines) & set(managers))
    names = sorted(used)[:MOST]
    seats = [next((number for number, name in enumerate(names) if manager in rooms[name]), 0) for manager in managers[:MOST]]
    return Design(tuple(seats) or (0,), max(1, len(names)), 0, whole, rule if rule in RULES else "raft")


# ---------------------------------------------------------------------------------------------------- picture


def picture(design: Design, lens: Lens, width: int, height: int) -> Picture:
    """Rooms side by side with their managers and what each could decide, and below it what that means for all of them."""
    canvas = Canvas(width, height)
    told = _consequences(design)
    foot = [part for role, text in told for part in [((line, role),) for line in wrap(text, width)]]
    tall = max(3, min(height - len(foot) - 2, 3 + max(2, max(len(design.sits(room)) for room in range(design.rooms)))))
    gap = 2 if width >= design.rooms * 16 else 1
    wide = (width - gap * (design.rooms - 1)) // design.rooms
    for room in range(design.rooms):
        _room(canvas, design, lens, room, (room * (wide + gap), wide, tall))
    for row, line in enumerate(foot[: max(0, height - tall - 1)], tall + 1):
        canvas.row(row, 0, line)
    return canvas.picture("Design a committee", _status(design))


def _status(design: Design) -> Row:
    words = "Kubernetes" if design.whole else "etcd alone"
    if design.rule == "raft":
        return (("Raft", "ok"), (f" · {words}", "dim"))
    return ((f"WRONG RULE: {design.rule}", "fail"), (f" · {words}", "dim"))


def _room(canvas: Canvas, design: Design, lens: Lens, room: int, where: tuple[int, int, int]) -> None:
    left, wide, tall = where
    here = design.sits(room)
    enough = len(here) >= design.quorum
    title: Row = ((f"Room {NAMES[room]}" if wide >= 16 else NAMES[room], "bright"),)
    counted: Row = ((f"{len(here)} of {design.size}", "ok" if enough else "fail"),)
    canvas.box(0, left, wide, tall, "ok" if enough else "line", title, counted if wide >= 18 else ())
    canvas.spot(0, left, wide, f"room {room}", tall)
    for row, number in enumerate(here[: tall - 3], 1):
        called = lens.name(f"cp-{number + 1}")
        chosen = number == design.chosen
        mark = "▶ " if chosen else "● "
        said = shorten(f"{mark}{called}", wide - 4)
        canvas.put(row, left + 2, said, "bright+selected" if chosen else "peer")
        canvas.spot(row, left + 2, wide - 4, f"manager {number}")
    said = ("can decide alone" if enough else "cannot decide") if here else "nobody"
    short = ("enough" if enough else "too few") if here else "nobody"
    if here and not enough and design.rule == "naive":
        said = short = "decides anyway"
    words = said if wide >= 20 else short
    canvas.put(tall - 2, left + 2, shorten(words, wide - 4), "dim" if not here else "ok" if enough else "fail")


def _consequences(design: Design) -> list[tuple[str, str]]:
    """(role, sentence): the formula, what a cut between all rooms would do, what one more manager buys."""
    size, quorum = design.size, design.quorum
    lose = size - quorum
    lines = [("bright", f"quorum = {size} // 2 + 1 = {quorum}; {count(lose, 'manager')} may be lost")]
    able = [NAMES[room] for room in range(design.rooms) if len(design.sits(room)) >= quorum]
    if design.rooms > 1:
        if design.rule == "naive":
            lines.append(("fail", "All cables cut: each room takes those whom it sees for all, and decides."))
        elif able:
            lines.append(("ok", f"All cables cut: room {able[0]} goes on, the others wait."))
        else:
            lines.append(("leader", f"All cables cut: no room has {quorum}. Nobody decides: safe, and stuck."))
    if size < MOST:
        more = (size + 1) - ((size + 1) // 2 + 1)
        buys = "may lose one more" if more > lose else "buys nothing: no more may be lost"
        lines.append(("dim", f"One more manager: {size + 1}, quorum {(size + 1) // 2 + 1}: {buys}."))
    if design.rule != "raft":
        lines.append(("fail", f"✗ {design.rule} is a broken twin of Raft: expect a red lamp."))
    return lines
