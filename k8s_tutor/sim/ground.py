"""What a world consists of: its clock, its queue, its processes, its network, its log."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.sim.actor import Actor
from k8s_tutor.sim.chance import Chance
from k8s_tutor.sim.log import EventLog
from k8s_tutor.sim.message import Message
from k8s_tutor.sim.network import Link, Network


class Process(NamedTuple):
    """How to build an actor again after a crash."""

    actor: type[Actor]
    name: str
    config: Any
    host: str


class Ground:
    """The state of a world. What happens on it stands in `cables`, `faults` and `world`."""

    def __init__(self, seed: int = 0, link: Link | None = None, loopback: Link | None = None) -> None:
        self.now = 0
        """µs since the world began."""
        self.events = 0
        """Deliveries so far."""
        self.stamp = 0
        self.queue: list[Message] = []
        self.cancelled: dict[int, None] = {}
        self.running: dict[str, Actor] = {}
        self.paused: dict[str, Actor] = {}
        self.waiting: dict[str, tuple[Message, ...]] = {}
        self.processes: dict[str, Process] = {}
        self.disks: dict[str, Any] = {}
        """Process → its disk, while it is down; else the actor holds it."""
        self.dead_hosts: dict[str, None] = {}
        self.down: dict[str, int] = {}
        """Process → when it went down, µs, while it is down."""
        self.parents: dict[str, str] = {}
        """Process → the process of the same machine that started it, and is told of its end."""
        self.slow_disks: dict[str, int] = {}
        """Host → how long its disk takes to write something down for good, µs, where that is not nothing."""
        self.skew: dict[str, int] = {}
        """Host → by how many percent its clock is fast (negative: slow)."""
        self.network = Network(link or Link(), loopback or Link(latency=50))
        self.chance = Chance(seed)
        self.log = EventLog()
        self.pending = self.log.pending
        """What the log takes at its next flush."""

    def actor(self, name: str) -> Actor | None:
        """The living actor of that name, paused or not, or None while it is down."""
        return self.running.get(name) or self.paused.get(name)
