"""The table of quorums, measured: every cell is a run of n etcd members of which f crash before somebody writes."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.lessons.models import Measure
from k8s_tutor.lessons.parts import part
from k8s_tutor.raft import Role
from k8s_tutor.sim import SECOND

LINE = "etcdctl put /measured yes"
ELECTION = 30 * SECOND


class Cell(NamedTuple):
    """``members`` of which ``lost`` crashed: whether a write was committed."""

    members: int
    lost: int
    committed: bool


class Measurement:
    """Runs the cells one by one, so that the table can be watched as it fills."""

    def __init__(self, measure: Measure, seed: int) -> None:
        self.measure = measure
        self.seed = seed
        first, last = measure.members
        self.sizes = tuple(range(first, last + 1))
        self.losses = tuple(range(measure.lost[0], measure.lost[1] + 1))
        self.cells: dict[tuple[int, int], Cell] = {}
        self._open = [(size, lost) for size in self.sizes for lost in self.losses if lost <= size]
        self._group: Cluster | None = None

    @property
    def done(self) -> bool:
        """Whether all cells are there."""
        return not self._open

    def step(self) -> None:
        """Runs one more cell."""
        if self._open:
            size, lost = self._open.pop(0)
            self.cells[size, lost] = Cell(size, lost, self._committed(size, lost))

    def _committed(self, size: int, lost: int) -> bool:
        """Crashes ``lost`` of ``size`` members, the leader first, and writes once."""
        if self._group is None or self._group.spec.managers != size:
            spec = ClusterSpec.model_validate({"managers": size, "workers": 0, "components": "etcd", "seed": self.seed})
            self._group = Cluster(spec)
        cluster = self._group.fork(onwards=True)
        members = sorted(part(cluster, "raft").members, key=lambda member: (member.role != "leader", member.name))
        for member in members[:lost]:
            cluster.give(inputs.Crash(member.machine))
        if lost < size:
            end = cluster.now + ELECTION
            cluster.run_until(lambda c: bool(_writers(c)) or c.now > end, ELECTION)
        before = max((answer.id for answer in part(cluster, "console").answers), default=0)
        cluster.give(inputs.Kubectl(LINE))
        cluster.run_until(lambda c: _code(c, before) != -1, self.measure.limit)
        return _code(cluster, before) == 0

    def tolerated(self, size: int) -> int | None:
        """The most members of ``size`` that crashed while the write was still committed; None while that is not measured."""
        cells = [self.cells.get((size, lost)) for lost in self.losses if lost <= size]
        if any(cell is None for cell in cells):
            return None
        return max((cell.lost for cell in cells if cell is not None and cell.committed), default=None)

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The table: a header, then a row for each size. ``·``: not run yet; ``buys``: what this size tolerates more than the
        one before."""
        header = ("members", "quorum", "may lose", "buys", *(f"{lost} away" for lost in self.losses))
        return (header, *(self._row(index, size) for index, size in enumerate(self.sizes)))

    def _row(self, index: int, size: int) -> tuple[str, ...]:
        may_lose = self.tolerated(size)
        before = self.tolerated(self.sizes[index - 1]) if index else None
        buys = "" if may_lose is None or before is None else "nothing" if may_lose == before else f"+{may_lose - before}"
        quorum = "" if may_lose is None else str(size - may_lose)
        return (
            str(size),
            quorum,
            "" if may_lose is None else str(may_lose),
            buys,
            *(self._cell(size, lost) for lost in self.losses),
        )

    def _cell(self, size: int, lost: int) -> str:
        if lost > size:
            return ""
        cell = self.cells.get((size, lost))
        return "·" if cell is None else "✓" if cell.committed else "✗ stops"


def _writers(cluster: Cluster) -> bool:
    _, roles = part(cluster, "roles")
    return any(found and found[0] is Role.LEADER for found in roles)


def _code(cluster: Cluster, before: int) -> int:
    mine = [answer for answer in part(cluster, "console").answers if answer.id > before]
    return mine[-1].code if mine else -1
