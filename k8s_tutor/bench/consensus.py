"""B3: Raft with three members in memory, one proposal an append, beside pysyncobj."""

from __future__ import annotations

from typing import Any

from k8s_tutor.bench.measure import SAMPLES, Row, cpu, present, rates
from k8s_tutor.raft import Config, RaftNode, Role

COMMITS = 10_000
GO_RATE = 147_000
"""Commits a second of etcd-io/raft in Go on a machine of two cores, as BUDGETS gives it: not measured in this run."""


class Trio:
    """Three members that hand each other their messages, and persist to lists, as the etcd member does."""

    def __init__(self) -> None:
        self.nodes = {i: RaftNode(Config(id=i, voters=(1, 2, 3), seed=7)) for i in (1, 2, 3)}
        self.disks: dict[int, list[Any]] = {1: [], 2: [], 3: []}
        self.applied = dict.fromkeys(self.nodes, 0)
        self.nodes[1].campaign()
        self.settle()
        assert self.nodes[1].role is Role.LEADER

    def settle(self) -> None:
        """Runs every `Ready` until nobody has one."""
        nodes, disks, applied = self.nodes, self.disks, self.applied
        busy = True
        while busy:
            busy = False
            for ident, node in nodes.items():
                while node.has_ready():
                    busy = True
                    ready = node.ready()
                    disks[ident].extend(ready.entries)
                    for message in ready.messages:
                        nodes[message.to].step(message)
                    applied[ident] += len(ready.committed)
                    node.advance(ready)


def ours() -> float:
    """Commits a second."""
    trio = Trio()
    leader = trio.nodes[1]

    def work() -> None:
        for _ in range(COMMITS):
            leader.propose(b"x")
            trio.settle()

    rate = COMMITS / cpu(work)
    assert min(trio.applied.values()) >= COMMITS
    return rate


def _peer() -> float:
    from k8s_tutor.bench.syncobj import Trio as Peer

    peer = Peer()
    wanted = COMMITS // 10

    def work() -> None:
        peer.commit(wanted)

    return wanted / cpu(work)


def rows() -> list[Row]:
    """B3."""
    reason = "" if present("pysyncobj") else "pysyncobj is not installed: pip install k8s-tutor[bench]"
    mine, theirs = rates(ours, None if reason else _peer)
    ratio = mine / theirs if theirs else None
    return [
        Row("B3", "Raft, 3 members, one proposal an append", "1/s", mine, theirs, ratio, ">= 3, then 5", SAMPLES, reason),
        Row("B3-go", "the same beside etcd-io/raft in Go", "1/s", mine, None, None, ">= 0.25, then 0.5", SAMPLES,
            f"no Go here; etcd-io/raft was seen at {GO_RATE} commits/s elsewhere"),
    ]  # fmt: skip
