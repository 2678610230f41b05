"""Answers that go on: watches and logs as chunks, processes over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web

from k8s_tutor.api.wire import CLOSE, RESIZE, STDIN, Response, StreamData, StreamEnd, WatchFrame
from k8s_tutor.serve.answers import headers_of
from k8s_tutor.serve.clients import Client
from k8s_tutor.serve.desk import Exchange
from k8s_tutor.sim import Body

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""What a WebSocket may speak: the first byte of each message is its channel."""
MESSAGE_LIMIT = 1024 * 1024
"""Bytes of one message from a client."""


async def chunked(http: web.BaseRequest, answer: Response, exchange: Exchange, lifetime: float) -> web.StreamResponse:
    """A watch (one JSON object a line) or a log, until somebody ends it or its time is up."""
    reply = web.StreamResponse(status=answer.code)
    reply.headers.extend(headers_of(answer))
    reply.enable_chunked_encoding()
    await reply.prepare(http)
    try:
        async with asyncio.timeout(lifetime):
            async for frames in _frames(exchange):
                await reply.write(b"".join([_bytes_of(frame) for frame in frames]))
    except TimeoutError:
        pass
    return reply


def _bytes_of(frame: Body) -> bytes:
    if isinstance(frame, WatchFrame):
        return b'{"type":"%s","object":%s}\n' % (frame.type.encode(), frame.object)
    return frame.data if isinstance(frame, StreamData) else b""


async def _frames(exchange: Exchange) -> AsyncIterator[list[WatchFrame | StreamData]]:
    """The frames of a stream as they come, as many at a time as there are."""
    while True:
        found = [await exchange.frames.get()]
        while not exchange.frames.empty():
            found.append(exchange.frames.get_nowait())
        going_on = [frame for frame in found if isinstance(frame, WatchFrame | StreamData)]
        if going_on:
            yield going_on
        if len(going_on) < len(found):
            return


async def socket(http: web.BaseRequest, client: Client, exchange: Exchange) -> web.StreamResponse:
    """``exec`` and ``attach``: what the process writes and what it reads, until either side ends it."""
    reply = web.WebSocketResponse(protocols=PROTOCOLS, max_msg_size=MESSAGE_LIMIT)
    if not reply.can_prepare(http):
        text = "unable to upgrade: this server speaks WebSocket only"
        return web.Response(status=400, text=text)
    await reply.prepare(http)
    listening = asyncio.create_task(_listen(reply, client, exchange))
    try:
        async for frames in _frames(exchange):
            for frame in frames:
                if isinstance(frame, StreamData):
                    await reply.send_bytes(bytes([frame.channel]) + frame.data)
        await reply.close()
    finally:
        listening.cancel()
    return reply


async def _listen(reply: web.WebSocketResponse, client: Client, exchange: Exchange) -> None:
    """Passes on what the client sends; when it leaves, so does the process's terminal."""
    async for message in reply:
        if message.type is WSMsgType.BINARY and message.data and message.data[0] in (STDIN, RESIZE, CLOSE):
            client.send(exchange, message.data[0], message.data[1:])
    client.left(exchange)
    exchange.frames.put_nowait(StreamEnd(0))
