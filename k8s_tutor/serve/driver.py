"""The driver of a served world: it owns wall time, lets the world keep up with it, and wakes at once for a request.

Everything runs in one asyncio loop. A request becomes a logged input (`cluster.inputs.ApiCall`); what the world answers is
read from the outboxes of its gateways after each slice.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from k8s_tutor.api.wire import Request, Response, StreamEnd, WatchEnd
from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.cluster.gateway import outboxes
from k8s_tutor.sim import SECOND, Body, CallFailed

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


class Exchange:
    """One request, and what comes back: ``first`` is its answer; ``frames`` gets what follows on a stream."""

    __slots__ = ("client", "first", "frames", "id", "streams")

    def __init__(self, ident: int, client: str, loop: asyncio.AbstractEventLoop) -> None:
        self.id = ident
        self.client = client
        self.first: asyncio.Future[Response | CallFailed] = loop.create_future()
        self.frames: asyncio.Queue[Body] = asyncio.Queue()
        self.streams = False


class Driver:
    """Runs a cluster at ``speed`` × wall time (`math.inf`: as fast as it can while there is work)."""

    def __init__(self, cluster: Cluster, speed: float = 1.0, wall: Callable[[], float] | None = None) -> None:
        self.cluster = cluster
        self.speed = speed
        self._loop = asyncio.get_running_loop()
        self._wall = wall or self._loop.time
        self._origin = (self._wall(), cluster.now)
        """An instant of the wall (s), and of the world (µs), that belong together."""
        self._exchanges: dict[int, Exchange] = {}
        self.waiting = 0
        """Requests whose answer has not come yet."""
        self._ids = 0
        self._seen: dict[str, int] = {}
        """Gateway → how much of what it has put into its outbox has been read."""
        self._alarm: asyncio.Future[None] | None = None
        self._ended = False

    # ------------------------------------------------------------------ for those who serve

    def ask(self, client: str, request: Request) -> Exchange:
        """Gives a request to the world. Raises `InputError`."""
        self._ids += 1
        self._pass_time()
        self.cluster.give(inputs.ApiCall(client, self._ids, request))
        exchange = self._exchanges[self._ids] = Exchange(self._ids, client, self._loop)
        self.waiting += 1
        self._seen.setdefault(client, 0)
        self._wake()
        return exchange

    def send(self, exchange: Exchange, channel: int, data: bytes) -> None:
        """Sends bytes into a stream."""
        if exchange.id in self._exchanges:
            self._pass_time()
            self.cluster.give(inputs.StreamInput(exchange.client, exchange.id, channel, data))
            self._wake()

    def hang_up(self, client: str, exchanges: list[Exchange], closed: bool) -> None:
        """Nobody waits for these any more; ``closed``: nor does anybody use the connection of this client."""
        for exchange in exchanges:
            self._forget(exchange)
        if client in self._seen:
            self.cluster.give(inputs.HangUp(client, tuple(exchange.id for exchange in exchanges), closed))
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
            self._collect()
            if reached and (self.waiting or self.speed == FOREVER):
                target, reached = self._ahead(target)
            if reached:
                await self._sleep(target)
            else:
                await asyncio.sleep(0)

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
            self._collect()
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

    # ------------------------------------------------------------------ answers

    def _collect(self) -> None:
        """Hands what the world has answered to those who wait for it."""
        for client, gateway in outboxes(self.cluster.world, list(self._seen)):
            fresh = gateway.put - self._seen[client]
            if fresh:
                self._seen[client] = gateway.put
                for ident, body in list(gateway.outbox)[-fresh:]:
                    self._deliver(ident, body)

    def _deliver(self, ident: int, body: Body) -> None:
        exchange = self._exchanges.get(ident)
        if exchange is None:
            return
        if not exchange.first.done():
            assert isinstance(body, Response | CallFailed)
            self.waiting -= 1
            exchange.first.set_result(body)
            exchange.streams = isinstance(body, Response) and body.streams
            if not exchange.streams:
                del self._exchanges[ident]
        else:
            exchange.frames.put_nowait(body)
            if isinstance(body, WatchEnd | StreamEnd | CallFailed):
                del self._exchanges[ident]

    def _forget(self, exchange: Exchange) -> None:
        if self._exchanges.pop(exchange.id, None) is not None and not exchange.first.done():
            self.waiting -= 1
            exchange.first.cancel()
