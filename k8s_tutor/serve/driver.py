"""The driver of a served world: it owns wall time, lets the world keep up with it, and wakes at once for a request.

Everything runs in one asyncio loop.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.serve.desk import Desk
from k8s_tutor.sim import SECOND

SLICE = 250
"""Messages that are delivered before the loop gets its turn again: a few milliseconds."""
STEPS = 5
"""The same while the world runs ahead of the wall: it goes no farther than to the next answer."""
LEAD = 50_000
"""µs by which the world may run ahead of the wall while somebody waits for an answer, so that a request takes no longer than
its computing."""
LAG = 2 * SECOND
"""µs by which the world may fall behind the wall and still catch up; what is more is given up (a machine that slept)."""
FOREVER = math.inf


class Driver(Desk):
    """Runs a cluster at ``speed`` × wall time (`math.inf`: as fast as it can while there is work)."""

    def __init__(self, cluster: Cluster, speed: float = 1.0, wall: Callable[[], float] | None = None) -> None:
        super().__init__()
        self._cluster = cluster
        self.speed = speed
        self._wall = wall or self._loop.time
        self._origin = (self._wall(), cluster.now)
        """An instant of the wall (s), and of the world (µs), that belong together."""
        self._alarm: asyncio.Future[None] | None = None
        self._ended = False

    @property
    def cluster(self) -> Cluster:
        """The world."""
        return self._cluster

    def give(self, given: inputs.Input) -> None:
        """Puts an input into the world, now. Raises `InputError`."""
        self._pass_time()
        self.cluster.give(given)
        self._wake()

    def align(self, now: float) -> None:
        """Says how many seconds after its beginning the world should be now; it catches up, but never waits."""
        self._origin = (self._wall(), max(self.cluster.now, int(now * SECOND)))

    def end(self) -> None:
        """Lets `run` return soon."""
        self._ended = True
        self._wake()

    async def run(self) -> None:
        """Drives until `end` is called."""
        while not self._ended:
            target = self._clock()
            reached = self.cluster.advance(target, SLICE)
            self.collect()
            if reached and (self.waiting or self.speed == FOREVER):
                target, reached = self._ahead(target)
            if reached:
                await self._sleep(target)
            else:
                await asyncio.sleep(0)
        self.cluster.run_until(self.cluster.now)  # a session ends when all that is due has happened, also what was given last

    # ------------------------------------------------------------------ time

    def _clock(self) -> int:
        """Where the world should be now (µs)."""
        wall, world = self._origin
        speed = self.speed if self.speed != FOREVER else 1.0
        now = self._wall()
        due = world + int((now - wall) * speed * SECOND)
        if due - self.cluster.now > LAG * speed:
            due = self.cluster.now + int(LAG * speed)
            self._origin = (now, due)
        return due

    def _ahead(self, clock: int) -> tuple[int, bool]:
        """Runs ahead of the wall, for somebody who waits or because the speed is ``max``: (how far, whether it came there)."""
        target = clock + LEAD
        if self.speed == FOREVER:
            due = self.cluster.next_work()
            if due is not None and due > clock and not self.cluster.quiet:
                self._origin = (self._wall(), due)
                target = due
            elif not self.waiting:
                return clock, True
        for _ in range(SLICE // STEPS):
            waited = self.waiting
            reached = self.cluster.advance(target, STEPS)
            self.collect()
            if reached or self.waiting < waited:
                return target, reached
        return target, False

    def _pass_time(self) -> None:
        """An input is stamped with the present: what the world has not reached yet because nothing was due is passed."""
        clock = self._clock()
        following = self.cluster.world.peek()
        if clock > self.cluster.now and (following is None or following > clock):
            self.cluster.advance(clock, 1)

    async def _sleep(self, target: int) -> None:
        """Waits for the next instant at which something is due, or for an input."""
        following = self.cluster.world.peek()
        speed = self.speed if self.speed != FOREVER else 1.0
        self._alarm = self._loop.create_future()
        timer = None
        if following is not None:
            delay = (following - target) / SECOND / speed
            timer = self._loop.call_later(min(delay, 1.0), self._wake)
        try:
            await self._alarm
        finally:
            self._alarm = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)
