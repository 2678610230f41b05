"""The deterministic world: one clock, one queue, one step at a time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

from k8s_tutor.sim.actor import Actor, Panic
from k8s_tutor.sim.context import Context
from k8s_tutor.sim.faults import Faults
from k8s_tutor.sim.ground import Process
from k8s_tutor.sim.message import CLOSED, MS, SECOND, TIMER, WORK, Given, Lost, Message

QUIET_AHEAD = 10 * SECOND
"""A work timer farther away than this does not keep the world busy."""
FOREVER = 1 << 62
DEFAULT_LIMIT = 1_000_000
"""Steps after which a run that was given no limit stops."""


class World(Faults):
    """All actors, all messages on their way, and the log of what happened.

    The same actors, seed and inputs give the same log. `step` delivers one message; everything else that changes a world
    (crashes, cuts, ...) is called between two steps, on behalf of an input.
    """

    # ------------------------------------------------------------------ building

    def add(self, actor: type[Actor], name: str, config: Any = None, disk: Any = None, host: str = "") -> Actor:
        """Puts a new process on a host (its own name by default) and starts it."""
        if name in self.processes:
            raise ValueError(f"a process named {name} exists already")
        self.processes[name] = Process(actor, name, config, host or name)
        self.network.hosts[name] = host or name
        return self._boot(name, disk)

    # ------------------------------------------------------------------ stepping

    def step(self, until: int = FOREVER) -> Message | None:
        """Delivers the next message to its actor and returns it; None when nothing is left to deliver up to ``until`` (µs).
        On the way, what cannot be delivered (receiver down or paused, timer cancelled) is put where it belongs."""
        queue, running, cancelled, context = self.queue, self.running, self.cancelled, self.context
        while queue and queue[0][0] <= until:
            message = heappop(queue)
            due, ident, src, dst, body, _, _, kind = message
            if cancelled and ident in cancelled:
                del cancelled[ident]
                continue
            actor = running.get(dst)
            if actor is None or (kind & CLOSED and not self._is_true(dst, src, body.since)):
                self._not_delivered(message)
                continue
            self.now = context.now = due
            self.events += 1
            self.stamp = actor.version = self.stamp + 1
            context.name = dst
            context.cause = ident
            context.work = kind & WORK
            self.pending.append(message)
            try:
                if kind & CLOSED:
                    self._closed(dst, src)
                    actor.disconnected(context, src, body.reason)
                else:
                    actor.receive(context, src, body)
            except Panic as panic:
                context.note("panic", text=str(panic))
                self.crash(dst)
            if not self.events & 1023:
                self.log.flush()
                self._forget_cancelled()
            return message
        return None

    def _forget_cancelled(self) -> None:
        """Takes cancelled timers out of the queue when they have become many."""
        if 2 * len(self.cancelled) > len(self.queue):
            self.queue[:] = [message for message in self.queue if message[1] not in self.cancelled]
            heapify(self.queue)
            self.cancelled.clear()

    def _not_delivered(self, message: Message) -> None:
        due, dst, kind = message[0], message[3], message[7]
        if dst in self.paused:
            self.waiting[dst] = (*self.waiting.get(dst, ()), message)
        elif not kind & (CLOSED | TIMER):
            self.now = due
            self.pending.append(Lost(due, message, "down"))

    def shed(self, until: int) -> None:
        """Puts aside what cannot be delivered at the head of the queue, up to an instant (µs), and delivers nothing."""
        while self.queue and self.queue[0][0] <= until:
            _, ident, src, dst, body, _, _, kind = self.queue[0]
            if ident in self.cancelled:
                del self.cancelled[ident]
                heappop(self.queue)
            elif dst not in self.running or (kind & CLOSED and not self._is_true(dst, src, body.since)):
                self._not_delivered(heappop(self.queue))
            else:
                break

    def peek(self) -> int | None:
        """When the next message is due (µs), or None."""
        while self.queue:
            head = self.queue[0]
            if head[1] not in self.cancelled:
                return head[0]
            heappop(self.queue)
            del self.cancelled[head[1]]
        return None

    def run_until(self, until: int | Callable[[World], bool], limit: int = DEFAULT_LIMIT) -> bool:
        """Steps until an instant (µs) is reached or a condition holds, at most ``limit`` steps. Says whether it was."""
        if callable(until):
            for _ in range(limit):
                if until(self):
                    return True
                if self.step() is None:
                    break
            return until(self)
        for _ in range(limit):
            if self.step(until) is None:
                self.now = max(self.now, until)
                return True
        return False

    def is_quiet(self) -> bool:
        """No work in flight, and no work timer due within 10 s."""
        horizon = self.now + QUIET_AHEAD
        cancelled = self.cancelled
        return not any(m[7] & WORK and m[0] <= horizon and m[1] not in cancelled for m in self.queue)

    def next_work(self) -> int | None:
        """When the next piece of work is due (µs), or None."""
        cancelled = self.cancelled
        return min((m[0] for m in self.queue if m[7] & WORK and m[1] not in cancelled), default=None)

    def settle(self, limit: int = DEFAULT_LIMIT, within: int = 600 * SECOND) -> bool:
        """Steps until the world is quiet, at most ``limit`` steps and ``within`` µs. Says whether it is."""
        end = self.now + within
        for _ in range(limit):
            if self.is_quiet():
                return True
            if self.step(end) is None:
                break
        return self.is_quiet()

    # ------------------------------------------------------------------ inputs

    def take(self, given: Any, apply: Callable[[World, Any], None]) -> int:
        """Logs an input and carries it out between two steps; what it sends has its id as cause. Returns that id."""
        self.shed(self.now)
        self.ids += 1
        self.stamp += 1
        context = self.context
        context.now, context.cause, context.work, context.name = self.now, self.ids, WORK, ""
        self.pending.append(Given(self.now, self.ids, given))
        ident = self.ids
        apply(self, given)
        return ident

    def inject(self, dst: str, body: Any) -> None:
        """Hands a message to a process from outside the world, e.g. a line typed at a console."""
        self.ids += 1
        heappush(
            self.queue,
            (self.now, self.ids, dst, dst, body, self.context.cause, self.now, WORK),
        )

    # ------------------------------------------------------------------ copies

    def copy(self, like: World | None = None) -> World:
        """An independent world with the same future. Actors that have not been stepped since ``like`` was copied from this
        world are shared with it, so both must only ever be copied again, never stepped."""
        new = World.__new__(World)
        new.now, new.events, new.stamp = self.now, self.events, self.stamp
        new.queue, new.cancelled = self.queue.copy(), self.cancelled.copy()
        new.running = _copy_actors(self.running, like.running if like else {})
        new.paused = _copy_actors(self.paused, like.paused if like else {})
        new.waiting, new.processes = self.waiting.copy(), self.processes.copy()
        new.disks = {name: disk.copy() if disk is not None else None for name, disk in self.disks.items()}
        new.dead_hosts, new.down = self.dead_hosts.copy(), self.down.copy()
        new.slow_disks, new.skew = self.slow_disks.copy(), self.skew.copy()
        new.parents = self.parents.copy()
        new.network, new.chance, new.log = self.network.copy(), self.chance.copy(), self.log.copy()
        new.pending = new.log.pending
        new.context = Context(new)
        new.ids = self.ids
        return new

    def fork(self) -> World:
        """A copy that can be stepped without disturbing this world."""
        return self.copy()

    def digest(self) -> str:
        """32 hex digits over everything that happened so far."""
        return self.log.digest()


def _copy_actors(actors: dict[str, Actor], known: dict[str, Actor]) -> dict[str, Actor]:
    found = {}
    for name, actor in actors.items():
        old = known.get(name)
        found[name] = old if old is not None and old.version == actor.version else actor.copy()
    return found


__all__ = ["DEFAULT_LIMIT", "MS", "SECOND", "Process", "World"]
