"""What an actor may do while it handles one message."""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Any

from k8s_tutor.sim.message import STREAM, TIMER, WORK, Note

if TYPE_CHECKING:
    from k8s_tutor.sim.faults import Faults


class Context:
    """The hands of an actor: the time, sending, timers, notes and chance. One per world; lent for one delivery at a time."""

    __slots__ = ("_believes", "_pending", "_plain", "_queue", "_skew", "_world", "cause", "ids", "name", "now", "work")

    def __init__(self, world: Faults) -> None:
        self._world = world
        # What sending and noting touch each time, at hand: the world changes these in place and never replaces them.
        self._queue, self._plain, self._believes = world.queue, world.network.plain, world.network.believes
        self._pending, self._skew = world.log.pending, world.skew
        self.ids = 0
        """The latest id that was given to a message, an input or a call."""
        self.now = 0
        """µs since the world began."""
        self.name = ""
        """Whose turn it is."""
        self.cause = 0
        """Id of the message that is being handled."""
        self.work = WORK
        """`WORK` while the delivery is part of somebody's work, else 0."""

    def send(self, dst: str, body: Any) -> None:
        """Sends a datagram: it may be lost, doubled or overtaken, as the link between the two hosts decides."""
        name = self.name
        latency = self._plain.get((name, dst))
        if latency is None:
            self._world.send_over_link(self, dst, body)
            return
        now = self.now
        self.ids = ident = self.ids + 1
        heappush(self._queue, (now + latency, ident, name, dst, body, self.cause, now, self.work))

    def stream(self, dst: str, body: Any) -> None:
        """Sends over the connection to ``dst``: reliable and in order until `Actor.disconnected`. Opens it at first use."""
        pair = (self.name, dst)
        latency = self._plain.get(pair)
        if latency is None or pair not in self._believes:
            self._world.send_over_connection(self, dst, body)
            return
        now = self.now
        self.ids = ident = self.ids + 1
        heappush(self._queue, (now + latency, ident, pair[0], dst, body, self.cause, now, self.work | STREAM))

    def reply(self, dst: str, body: Any) -> None:
        """Like `stream`, but only over a connection that is open: what a server sends. Otherwise nothing happens."""
        if (self.name, dst) in self._believes:
            self.stream(dst, body)

    def reset(self, peer: str) -> None:
        """Closes the connection to ``peer``, who is told."""
        self._world.close(self, peer)

    def after(self, delay: int, body: Any, work: bool | None = None) -> int:
        """Sends ``body`` to oneself in ``delay`` µs. ``work``: True, False (housekeeping) or None (as this delivery is).
        Returns the id for `cancel`."""
        now, name = self.now, self.name
        if self._skew:
            delay = self._skewed(name, delay)
        kind = (self.work if work is None else WORK if work else 0) | TIMER
        self.ids = ident = self.ids + 1
        heappush(self._queue, (now + delay, ident, name, name, body, self.cause, now, kind))
        return ident

    def _skewed(self, name: str, delay: int) -> int:
        """A delay by the clock of the machine on which ``name`` runs, which may be fast or slow."""
        percent = self._skew.get(self._world.network.hosts[name], 0)
        return delay * 100 // (100 + percent)

    @property
    def fsync(self) -> int:
        """How long the disk of this machine takes to write something down for good (µs)."""
        slow = self._world.slow_disks
        return slow.get(self._world.network.hosts[self.name], 0) if slow else 0

    def exit(self) -> None:
        """Ends one's own process, as if it had crashed: only its disk remains, and peers are told."""
        self._world.exit(self.name)

    def start(self, name: str) -> None:
        """Starts another process of this machine that is down, and becomes its parent, who is told of its end by `Ended`. One
        that runs is only adopted."""
        own = self.name
        self._world.parents[name] = own
        self._world.restart(name)
        self.name = own

    def stop(self, name: str) -> None:
        """Ends another process of this machine, if it runs."""
        if self._world.actor(name) is not None:
            self._world.exit(name)

    def cancel(self, timer: int) -> None:
        """Forgets a timer. It must not have fired yet."""
        self._world.cancelled[timer] = None

    def fresh(self) -> int:
        """An id that nothing else in this world has."""
        self.ids += 1
        return self.ids

    def decide(self) -> None:
        """Says that this delivery, though it began as housekeeping, has led to a decision: what follows is work."""
        if not self.work:
            self.work = WORK
            self._world.log.promote(self.cause)

    def note(self, kind: str, /, **fields: Any) -> None:
        """Adds to the event log what the actor has just done, e.g. ``note("raft.leader", term=3)``."""
        self._pending.append(Note(self.now, self.cause, self.name, kind, fields))

    def draw(self, stream: str, bound: int) -> int:
        """Chance in ``[0, bound)`` from a stream of this actor."""
        return self._world.chance.draw(f"{self.name}/{stream}", bound)
