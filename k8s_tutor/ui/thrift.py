"""Thrift: what is drawn again, and how often.

A panel is drawn again when a part of the view that it reads is a new object. What is costly to draw is drawn less often, so
that a crowded cluster still leaves the frame its time: a drawing that took t seconds is not repeated for `REST` times t.
"""

from __future__ import annotations

from typing import Any

READS: dict[str, tuple[str, ...]] = {
    "committee": ("raft", "wire", "network"),
    "control_plane": ("control_plane", "wire", "raft"),
    "workers": ("workload", "raft", "usage"),
    "orchestra": ("workload", "raft"),
    "stage_map": ("workload", "raft"),
    "rooms": ("raft", "network", "console", "workload"),
    "wire": ("wire", "raft"),
    "log": ("log", "workload", "raft"),
    "service": ("workload", "raft"),
    "verdicts": ("verdicts", "queue", "raft"),
    "queues": ("controllers",),
    "desired": ("controllers", "workload"),
    "storage": ("storage",),
    "console": ("console", "workload"),
}
"""Panel → parts of the view that it reads; a panel that is not named here reads everything."""
MOVES = frozenset({"committee", "control_plane", "wire", "queues"})
"""Panels in which something moves with the clock alone."""
REST = 4.0


def parts(panel: str, view: Any) -> tuple[Any, ...]:
    """What a panel's picture depends on; compare with ``is``."""
    reads = READS.get(panel)
    if reads is None:
        return (view,)
    found = tuple(getattr(view, part) for part in reads)
    moves = panel in MOVES or (panel == "console" and view.console.busy)
    return (*found, view.now) if moves else found


def same(one: tuple[Any, ...], other: tuple[Any, ...] | None) -> bool:
    """Whether two of those are the same; numbers and words by their value."""
    return other is not None and len(one) == len(other) and all(map(_same, one, other))


def _same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, (str, int, tuple)) and one == other)


class Thrift:
    """Who may be drawn when. Instants are seconds of wall time."""

    def __init__(self) -> None:
        self._due: dict[object, float] = {}

    def may(self, what: object, now: float) -> bool:
        """Whether its rest is over."""
        return now >= self._due.get(what, 0.0)

    def spent(self, what: object, began: float, ended: float) -> None:
        """It was drawn, and took that long."""
        self._due[what] = ended + (ended - began) * REST

    def at_once(self) -> None:
        """Everything may be drawn: somebody did something and looks at what it does."""
        self._due.clear()
