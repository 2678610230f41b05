"""The load balancer before the API servers: each new connection goes to the next healthy server, and stays there.

It works on connections, as a TCP load balancer does: what a client sends over its connection goes to the server that this
connection was given. When that server is gone, so is the connection; the client opens a new one and gets another server.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.wire import RelayClosed, Relayed, Request, Response
from k8s_tutor.sim import SECOND, Body, CallFailed, Calling, Context

PROBE_EVERY = 2 * SECOND
PROBE_SOONER = 1 * SECOND
"""While a server is down."""
PROBE_TIMEOUT = 2 * SECOND


CONNECT_TIMEOUT = 1 * SECOND
"""How long a server may take to accept a connection before the next one is tried."""


class LoadBalancerConfig(Body):
    """The API servers, in the order in which they take their turns."""

    servers: tuple[str, ...]


class Probe(Body):
    """The load balancer's own timer: ask every server how it is."""


class LoadBalancer(Calling):
    """The process ``lb``. Config: `LoadBalancerConfig`."""

    config: LoadBalancerConfig

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.down: dict[str, int] = {}
        """Servers that get no new connections → since when, µs."""
        self.heard: dict[str, int] = {}
        """Server → when it last answered that it is ready, µs."""
        self.server_of: dict[str, str] = {}
        """Client → the server that its connection was given."""
        self.dialling: dict[str, tuple[Any, ...]] = {}
        """Client that waits for a connection to a server → what it has sent so far."""
        self.turn = 0

    def start(self, ctx: Context) -> None:
        ctx.after(0, Probe(), work=False)

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Probe):
            self._probe(ctx)
        elif src not in self.config.servers:
            self._from_client(ctx, src, body)
        elif isinstance(body, Relayed):
            if self.server_of.get(body.client) == src:
                ctx.reply(body.client, body.frame)
        elif isinstance(body, RelayClosed) and self.server_of.get(body.client) == src:
            self._drop(ctx, body.client)

    # ------------------------------------------------------------------ connections

    def _from_client(self, ctx: Context, client: str, frame: Any) -> None:
        server = self.server_of.get(client)
        if server is not None:
            ctx.stream(server, Relayed(client, frame))
        elif client in self.dialling:
            self.dialling[client] = (*self.dialling[client], frame)
        else:
            self._dial(ctx, client, (frame,))

    def _dial(self, ctx: Context, client: str, frames: tuple[Any, ...]) -> None:
        """Connects to the next healthy server on behalf of a client; what the client has sent so far waits."""
        server = self._next_healthy()
        if server is None:
            ctx.note("lb.refused", client=client)
            ctx.reset(client)
            return
        self.dialling[client] = frames
        request = Request("GET", "/livez", user="", agent="lb")
        self.ask(ctx, server, request, "_dialled", (client, server), CONNECT_TIMEOUT)

    def _dialled(self, ctx: Context, answer: Response | CallFailed, client: str, server: str) -> None:
        frames = self.dialling.pop(client, None)
        if frames is None:
            return
        if isinstance(answer, CallFailed):
            if answer.reason == "timeout":
                ctx.reset(server)
            self._lost(ctx, server, answer.reason)
            self._dial(ctx, client, frames)
            return
        self.server_of[client] = server
        ctx.note("lb.connected", client=client, server=server)
        for frame in frames:
            ctx.stream(server, Relayed(client, frame))

    def _next_healthy(self) -> str | None:
        servers = self.config.servers
        for step in range(len(servers)):
            server = servers[(self.turn + step) % len(servers)]
            if server not in self.down:
                self.turn = (self.turn + step + 1) % len(servers)
                return server
        return None

    def _drop(self, ctx: Context, client: str) -> None:
        """Closes a client's connection; it will come again."""
        server = self.server_of.pop(client)
        ctx.note("lb.reset", client=client, server=server)
        ctx.reset(client)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        if peer not in self.config.servers:
            self.dialling.pop(peer, None)
            server = self.server_of.pop(peer, None)
            if server is not None:
                ctx.reply(server, RelayClosed(peer))
            return
        if reason == "timeout" and peer not in self.down and ctx.now - self.heard.get(peer, 0) <= PROBE_EVERY + PROBE_TIMEOUT:
            return  # An attempt to connect that began while the server was away; by now there is a connection.
        super().disconnected(ctx, peer, reason)
        self._lost(ctx, peer, reason)

    # ------------------------------------------------------------------ health

    def _probe(self, ctx: Context) -> None:
        ctx.after(PROBE_SOONER if self.down else PROBE_EVERY, Probe(), work=False)
        for server in self.config.servers:
            request = Request("GET", "/readyz", user="", agent="lb")
            self.ask(ctx, server, request, "_probed", (server, ctx.now), PROBE_TIMEOUT)

    def _probed(self, ctx: Context, answer: Response | CallFailed, server: str, asked_at: int) -> None:
        if isinstance(answer, Response) and answer.code == 200:
            self.heard[server] = ctx.now
            if self.down.pop(server, None) is not None:
                ctx.decide()
                ctx.note("lb.up", server=server)
        elif self.heard.get(server, -1) >= asked_at:
            return  # A later probe was answered before this one was given up.
        elif isinstance(answer, CallFailed):
            if answer.reason == "timeout":
                ctx.reset(server)
            self._lost(ctx, server, answer.reason)
        else:
            self._unhealthy(ctx, server, f"readyz: {answer.code}")

    def _unhealthy(self, ctx: Context, server: str, reason: str) -> None:
        """A server gets no new connections. Those that it has are closed when another server could take them."""
        if server in self.down:
            return
        ctx.decide()
        self.down[server] = ctx.now
        ctx.note("lb.down", server=server, reason=reason)
        if len(self.down) < len(self.config.servers):
            self._drop_clients(ctx, server)

    def _lost(self, ctx: Context, server: str, reason: str) -> None:
        """A server is not there any more: the connections that it had are closed."""
        self._unhealthy(ctx, server, reason)
        self._drop_clients(ctx, server)

    def _drop_clients(self, ctx: Context, server: str) -> None:
        """Closes all connections that a server was given."""
        for client in [client for client, chosen in self.server_of.items() if chosen == server]:
            ctx.decide()
            self._drop(ctx, client)
