"""Takes away from a plan everything without which it still breaks the same promise (delta debugging: Zeller 2002)."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_tutor.cluster.cluster import Cluster
from k8s_tutor.cluster.search.plan import Move, Plan, breach, play
from k8s_tutor.cluster.views import LampView
from k8s_tutor.sim import MS

TRIES = 600
"""Plans that are played at most."""
SHORTEST = 10 * MS
"""Waits that differ by less than this are not told apart."""


class Shrinker:
    """Makes a plan smaller while it still breaks ``wanted``: fewer moves first, then fewer events before the breach."""

    def __init__(self, plan: Plan, wanted: str) -> None:
        self._wanted = wanted
        self._start = Cluster(plan.spec)
        self._tries = 0
        found = self._try(plan)
        if found is None:
            raise ValueError(f"this plan does not break {wanted}")
        self.plan, self.lamp = plan, found

    def run(self) -> Plan:
        """The smallest plan that was found."""
        before: Plan | None = None
        while before != self.plan and self._tries < TRIES:
            before = self.plan
            self._improve(_without(self.plan), fewer_moves=True)
            self._improve(_sooner(self.plan, self._start.now), fewer_moves=False)
        self.plan = self.plan._replace(end=self.lamp.broken_at)
        return self.plan

    def _improve(self, candidates: Iterator[Plan], fewer_moves: bool) -> None:
        """Takes the first candidate that serves, and begins again with its own candidates, until none does."""
        while self._tries < TRIES:
            better = next((plan for plan in candidates if self._serves(plan, fewer_moves)), None)
            if better is None:
                return
            candidates = _without(better) if fewer_moves else _sooner(better, self._start.now)

    def _serves(self, plan: Plan, fewer_moves: bool) -> bool:
        found = self._try(plan) if self._tries < TRIES else None
        if found is None or (not fewer_moves and found.broken_at_event >= self.lamp.broken_at_event):
            return False
        self.plan, self.lamp = plan, found
        return True

    def _try(self, plan: Plan) -> LampView | None:
        self._tries += 1
        return breach(play(plan, self._wanted, self._start), self._wanted)


def _without(plan: Plan) -> Iterator[Plan]:
    """The plan without some of its moves: halves first, then less and less, single ones last."""
    moves = plan.moves
    size = len(moves)
    while size:
        for begin in range(0, len(moves), size):
            yield plan._replace(moves=moves[:begin] + moves[begin + size :])
        size //= 2


def _sooner(plan: Plan, begin: int) -> Iterator[Plan]:
    """The plan with one wait shortened, and everything after it earlier by as much; then with single moves earlier."""
    moves = plan.moves
    for index, move in enumerate(moves):
        wait = move.at - (moves[index - 1].at if index else begin)
        for less in (wait, wait // 2, wait // 4, wait // 8, SHORTEST):
            if SHORTEST <= less <= wait:
                yield plan._replace(moves=moves[:index] + tuple(Move(one.at - less, one.act) for one in moves[index:]))
                yield plan._replace(moves=(*moves[:index], Move(move.at - less, move.act), *moves[index + 1 :]))
