"""Priority and fairness: who gets a seat in the server, who waits, and who is told to come again
(vendor/k8s.io/apiserver/pkg/util/flowcontrol).

Each request belongs to a flow of a priority level (`flows`). A level has seats; a request holds one until it is answered. When
all are taken, requests wait in a queue for each flow, and the flows take turns.
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.api.base import Op
from k8s_tutor.api.flows import Flow, Level
from k8s_tutor.api.watchcache import Hop
from k8s_tutor.sim import SECOND, State

PATIENCE = 15 * SECOND
"""How long a request waits for a seat: a quarter of its time."""


class Waiting(NamedTuple):
    """A request that waits for a seat."""

    flow: Flow
    op: Op
    since: int

    @property
    def own(self) -> tuple[str, str]:
        """What tells its flow from others of its level."""
        return self.flow.schema, self.flow.owner


class Counts(NamedTuple):
    """What has become of the requests of a level."""

    dispatched: int = 0
    rejected: int = 0
    timed_out: int = 0


class Fairness(State):
    """The seats of one server. Levels are known by their names."""

    def __init__(self) -> None:
        self.seats: dict[Hop, str] = {}
        """Request → level in which it holds a seat."""
        self.taken: dict[str, int] = {}
        self.queues: dict[str, tuple[Waiting, ...]] = {}
        """Level → who waits, in order of arrival."""
        self.served: dict[str, tuple[str, str]] = {}
        """Level → whose request got the last free seat."""
        self.counts: dict[str, Counts] = {}

    def take(self, level: Level, hop: Hop) -> bool:
        """Takes a seat, if there is one and nobody waits for it."""
        if self._full(level) or self.queues.get(level.name):
            return False
        self._sit(level, hop)
        return True

    def _full(self, level: Level) -> bool:
        return level.seats is not None and self.taken.get(level.name, 0) >= level.seats

    def _sit(self, level: Level, hop: Hop) -> None:
        name = level.name
        self.seats[hop] = name
        self.taken[name] = self.taken.get(name, 0) + 1
        counts = self.counts.get(name) or Counts()
        self.counts[name] = counts._replace(dispatched=counts.dispatched + 1)

    def wait(self, waiting: Waiting) -> bool:
        """Puts a request into its queue; False when that is full."""
        level = waiting.flow.level
        queue = self.queues.get(level.name, ())
        if len(queue) >= level.room and sum(other.own == waiting.own for other in queue) >= level.room:
            counts = self.counts.get(level.name) or Counts()
            self.counts[level.name] = counts._replace(rejected=counts.rejected + 1)
            return False
        self.queues[level.name] = (*queue, waiting)
        return True

    def leave(self, hop: Hop) -> str:
        """A request is answered. Returns the level in which somebody waits for its seat, or nothing."""
        level = self.seats.pop(hop, "")
        if not level:
            return ""
        self.taken[level] -= 1
        return level if self.queues.get(level) else ""

    def next(self, level: Level) -> Waiting | None:
        """Gives a free seat of a level to the next flow: not twice to the same one while others wait."""
        queue = self.queues.get(level.name, ())
        if not queue or self._full(level):
            return None
        last = self.served.get(level.name)
        place = next((place for place, waiting in enumerate(queue) if waiting.own != last), 0)
        chosen = queue[place]
        self.served[level.name] = chosen.own
        self.queues[level.name] = queue[:place] + queue[place + 1 :]
        self._sit(level, chosen.op.hop)
        return chosen

    def give_up(self, hop: Hop) -> Waiting | None:
        """Takes a request out of its queue: it has waited too long."""
        for level, queue in self.queues.items():
            for waiting in queue:
                if waiting.op.hop == hop:
                    self.queues[level] = tuple(other for other in queue if other is not waiting)
                    counts = self.counts.get(level) or Counts()
                    self.counts[level] = counts._replace(timed_out=counts.timed_out + 1)
                    return waiting
        return None


_COLUMNS = (
    "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests", "DispatchedRequests",
    "RejectedRequests", "TimedoutRequests", "CancelledRequests",
)  # fmt: skip


def dump(fairness: Fairness, levels: dict[str, Level]) -> str:
    """``/debug/api_priority_and_fairness/dump_priority_levels`` (apf_controller_debug.go)."""
    rows: list[tuple[str, ...]] = [_COLUMNS]
    for name in sorted(levels):
        queue, taken = fairness.queues.get(name, ()), fairness.taken.get(name, 0)
        active = len({waiting.own for waiting in queue})
        counts = fairness.counts.get(name) or Counts()
        cells = (active, str(not queue and not taken).lower(), "false", len(queue), taken, *counts, 0)
        rows.append((name, *(str(cell) for cell in cells)))
    widths = [max(len(row[column]) for row in rows) + 2 for column in range(len(_COLUMNS))]
    return "".join(
        "".join(f"{cell},".ljust(width) for cell, width in zip(row[:-1], widths, strict=False)) + row[-1] + "\n" for row in rows
    )
