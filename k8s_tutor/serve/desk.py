"""Where requests from outside are handed to a world, and its answers handed back.

A request becomes a logged input (`cluster.inputs.ApiCall`); what the world answers is read from the outboxes of its gateways
after each slice. Who runs the world, and how fast, is not decided here.
"""

from __future__ import annotations

import asyncio

from k8s_tutor.api.wire import Request, Response, StreamEnd, WatchEnd
from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.cluster.gateway import outboxes
from k8s_tutor.sim import Body, CallFailed


class Exchange:
    """One request, and what comes back: ``first`` is its answer; ``frames`` gets what follows on a stream."""

    __slots__ = ("answered", "client", "first", "frames", "id", "streams", "watches")

    def __init__(self, ident: int, client: str, watches: bool, loop: asyncio.AbstractEventLoop) -> None:
        self.id = ident
        self.client = client
        self.first: asyncio.Future[Response | CallFailed] = loop.create_future()
        self.frames: asyncio.Queue[Body] = asyncio.Queue()
        self.answered = False
        """Whether the world has answered. (``first`` is done too when whoever waited for it has been cancelled.)"""
        self.streams = False
        self.watches = watches


class Desk:
    """The requests of one world that are not done with."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._exchanges: dict[int, Exchange] = {}
        self.waiting = 0
        """Requests whose answer has not come yet."""
        self._ids = 0
        self._seen: dict[str, int] = {}
        """Gateway → how much of what it has put into its outbox has been read."""

    @property
    def cluster(self) -> Cluster:
        """The world."""
        raise NotImplementedError

    def give(self, given: inputs.Input) -> None:
        """Puts an input into the world, now. Raises `InputError`."""
        raise NotImplementedError

    # ------------------------------------------------------------------ for those who serve

    def ask(self, client: str, request: Request) -> Exchange:
        """Gives a request to the world. Raises `InputError`."""
        self._ids += 1
        self.give(inputs.ApiCall(client, self._ids, request))
        exchange = self._exchanges[self._ids] = Exchange(self._ids, client, request.flag("watch"), self._loop)
        self.waiting += 1
        self._seen.setdefault(client, 0)
        return exchange

    def send(self, exchange: Exchange, channel: int, data: bytes) -> None:
        """Sends bytes into a stream."""
        if exchange.id in self._exchanges:
            self.give(inputs.StreamInput(exchange.client, exchange.id, channel, data))

    def hang_up(self, client: str, exchanges: list[Exchange], closed: bool) -> None:
        """Nobody waits for these any more; ``closed``: nor does anybody use the connection of this client."""
        for exchange in exchanges:
            self._forget(exchange)
        if client in self._seen:
            self.give(inputs.HangUp(client, tuple(exchange.id for exchange in exchanges), closed))

    # ------------------------------------------------------------------ answers

    def collect(self) -> None:
        """Hands what the world has answered to those who wait for it."""
        for client, gateway in outboxes(self.cluster.world, list(self._seen)):
            seen, put = self._seen[client], len(gateway.outbox)
            if seen != put:
                self._seen[client] = put
                for ident, body in gateway.outbox[seen:]:
                    self._deliver(ident, body)

    def _deliver(self, ident: int, body: Body) -> None:
        exchange = self._exchanges.get(ident)
        if exchange is None:
            return
        if not exchange.answered:
            assert isinstance(body, Response | CallFailed)
            exchange.answered = True
            self.waiting -= 1
            if not exchange.first.done():
                exchange.first.set_result(body)
            exchange.streams = isinstance(body, Response) and body.streams
            if not exchange.streams:
                del self._exchanges[ident]
        else:
            exchange.frames.put_nowait(body)
            if isinstance(body, WatchEnd | StreamEnd | CallFailed):
                del self._exchanges[ident]

    def _forget(self, exchange: Exchange) -> None:
        if self._exchanges.pop(exchange.id, None) is not None and not exchange.answered:
            self.waiting -= 1
            exchange.first.cancel()

    def end_streams(self) -> None:
        """Ends all streams on this side: nobody serves any more."""
        for exchange in self._exchanges.values():
            if exchange.streams:
                exchange.frames.put_nowait(StreamEnd(0))
