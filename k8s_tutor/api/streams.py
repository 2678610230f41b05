"""Streams on their way through a process: what comes from one side goes on to the other (see `wire`).

A log that is followed, or a process that exec has started, is read over a chain of connections: client, API server, kubelet,
runtime, shim. Each of them only knows its neighbours, and both ends of a stream by the calls that opened it there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api.watchcache import Hop
from k8s_tutor.api.wire import StreamData, StreamEnd
from k8s_tutor.sim import Body, Calling, Context


class Pipe(NamedTuple):
    """A stream that passes through: who reads it, and the call by which it was opened on the ``far`` side."""

    near: Hop
    far: str
    call: int


class Streams(Calling):
    """The part of a process through which streams pass."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.pipes: dict[int, Pipe] = {}
        """Call on the far side → pipe."""

    def send_near(self, ctx: Context, hop: Hop, frame: Body) -> None:
        """Sends a frame to who reads a stream."""
        ctx.reply(hop.via, frame)

    def open_stream(
        self, ctx: Context, near: Hop, far: str, asked: Body, then: str, args: tuple[Any, ...], timeout: int
    ) -> None:  # fmt: skip
        """Asks the far side for a stream; ``then`` gets the answer first, as with `ask`, and the call as its last argument."""
        call = ctx.ids + 1
        ident = self.ask(ctx, far, asked, then, (*args, call), timeout)
        assert ident == call
        self.pipes[call] = Pipe(near, far, call)

    def close_stream(self, call: int) -> None:
        """The far side has refused, or has nothing more to say."""
        self.pipes.pop(call, None)

    def passed(self, ctx: Context, src: str, client: str, frame: StreamData | StreamEnd) -> None:
        """A frame of a stream goes on to the other side. ``client``: who is behind ``src``, where that is the load balancer."""
        pipe = self.pipes.get(frame.stream)
        if pipe is not None and pipe.far == src:
            if isinstance(frame, StreamEnd):
                del self.pipes[frame.stream]
            self.send_near(ctx, pipe.near, _renamed(frame, pipe.near.call))
            return
        near = Hop(src, client, frame.stream)
        for call, pipe in self.pipes.items():
            if pipe.near == near:
                if isinstance(frame, StreamEnd):
                    del self.pipes[call]
                ctx.reply(pipe.far, _renamed(frame, call))
                return

    def drop_streams(self, ctx: Context, peer: str, client: str | None = None) -> None:
        """The connection to a peer, or to one client behind it, is gone: the other sides are told."""
        for call, pipe in list(self.pipes.items()):
            if pipe.far == peer and client is None:
                del self.pipes[call]
                self.send_near(ctx, pipe.near, StreamEnd(pipe.near.call))
            elif pipe.near.via == peer and client in (None, pipe.near.client):
                del self.pipes[call]
                ctx.reply(pipe.far, StreamEnd(call))

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        self.drop_streams(ctx, peer)


def _renamed(frame: StreamData | StreamEnd, stream: int) -> StreamData | StreamEnd:
    return StreamEnd(stream) if isinstance(frame, StreamEnd) else StreamData(stream, frame.channel, frame.data)
