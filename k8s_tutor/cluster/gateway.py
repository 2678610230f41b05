"""The way in for clients from outside the world: a real kubectl, a Python program, k9s.

A *gateway* is a process ``client-1`` ... that stands for one connection of such a client. Its requests come in as inputs; it
sends them to the load balancer as any client does, and puts what comes back into its outbox, where whoever serves the world
reads it.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.wire import Request, Response, StreamData, StreamEnd, WatchCancel, WatchEnd, WatchFrame
from k8s_tutor.sim import SECOND, Body, CallFailed, Calling, Context, Grow, Link, World

PATIENCE = 3_600 * SECOND
"""How long a gateway waits for an answer. Who waits outside has a clock of their own."""
BALANCER = "lb"
"""The load balancer's process."""
CABLE = 100
"""µs to the load balancer: who comes from outside brings the length of their own way along."""


class GatewayConfig(Body):
    """The process that serves the API."""

    api: str = BALANCER


class Outside(Body):
    """A request from outside; ``id`` is what the outside calls it."""

    id: int
    request: Request


class Said(Body):
    """What the outside sends into a stream that a request has opened: bytes on a channel."""

    id: int
    channel: int
    data: bytes


class Left(Body):
    """The outside does not wait for these requests any more; ``closed``: nor does anybody else use this connection."""

    ids: tuple[int, ...]
    closed: bool


class Gateway(Calling):
    """The process ``client-i``. Config: `GatewayConfig`."""

    config: GatewayConfig

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.streams: dict[int, tuple[int, bool]] = {}
        """Id of a call that opened a stream → (what the outside calls it, whether it is a watch)."""
        self.outbox: Grow[tuple[int, Body]] = Grow()
        """(request, `Response`, frame or `CallFailed`), oldest first; the event log keeps them all too."""

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Outside):
            ident = self.ask(ctx, self.config.api, body.request, "_answered_for", (body.id,), PATIENCE)
            if body.request.opens_stream:
                self.streams[ident] = body.id, body.request.flag("watch")
        elif isinstance(body, WatchFrame | WatchEnd):
            self._frame(body.watch, body)
        elif isinstance(body, StreamData | StreamEnd):
            self._frame(body.stream, body)
        elif isinstance(body, Said):
            for call in self._calls((body.id,)):
                ctx.reply(self.config.api, StreamData(call, body.channel, body.data))
        elif isinstance(body, Left):
            self._left(ctx, body)

    def _frame(self, call: int, body: Body) -> None:
        if call in self.streams:
            self.outbox.append((self.streams[call][0], body))
            if isinstance(body, WatchEnd | StreamEnd):
                del self.streams[call]

    def _calls(self, idents: tuple[int, ...]) -> list[int]:
        """The calls behind some streams of the outside."""
        return [call for call, (ident, _) in self.streams.items() if ident in idents]

    def _answered_for(self, ctx: Context, answer: Any, ident: int) -> None:
        if not isinstance(answer, Response) or not answer.streams:
            for call in self._calls((ident,)):
                del self.streams[call]
        self.outbox.append((ident, answer))

    def _left(self, ctx: Context, body: Left) -> None:
        if body.closed:
            self.streams.clear()
            for call in list(self.calls):
                ctx.cancel(self.calls.pop(call).timer)
            ctx.reset(self.config.api)
            return
        for call in self._calls(body.ids):
            _, watching = self.streams.pop(call)
            ctx.reply(self.config.api, WatchCancel(call) if watching else StreamEnd(call))

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        for ident, _ in self.streams.values():
            self.outbox.append((ident, CallFailed("disconnected")))
        self.streams.clear()


def enter(world: World, client: str) -> None:
    """Makes the process of a client when it comes for the first time."""
    if client not in world.processes:
        host = f"{client}-host"
        world.add(Gateway, client, GatewayConfig(), host=host)
        world.set_link(host, world.network.hosts[BALANCER], Link(latency=CABLE))


def outboxes(world: World, clients: list[str]) -> list[tuple[str, Gateway]]:
    """The gateways of these clients, as far as they are there."""
    found = [(client, world.running.get(client)) for client in clients]
    return [(client, actor) for client, actor in found if isinstance(actor, Gateway)]
