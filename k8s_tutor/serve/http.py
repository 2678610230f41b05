"""HTTP for the world: what comes over TLS becomes a `Request`, what the world answers becomes bytes.

This module knows HTTP and its limits, and nothing of Kubernetes but the shape of a Status; who may do what is decided by the
API server inside the world.
"""

from __future__ import annotations

import asyncio
import random
from urllib.parse import parse_qsl, unquote

import msgspec
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web_protocol import RequestHandler

from k8s_tutor.api import depth, numbers, status
from k8s_tutor.api.status import Refusal
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.cluster import InputError
from k8s_tutor.serve import answers, streams, yamls
from k8s_tutor.serve.clients import Client, Clients
from k8s_tutor.serve.desk import Desk, Exchange

BODY_LIMIT = 3 * 1024 * 1024
"""Bytes of a request body (MaxRequestBodyBytes)."""
HEADER_LIMIT = 64 * 1024
"""Bytes of a request line or of one header (Go's server allows a MiB for all of them together)."""
HEADERS = 256
REQUEST_TIMEOUT = 60.0
"""Seconds that a request may take, its body included (--request-timeout)."""
WATCH_TIMEOUT = 1_800
"""Seconds that a watch lives at least when it names no timeoutSeconds; at most twice that (--min-request-timeout)."""
FOREVER = 86_400.0
"""Seconds after which anything ends."""
IDLE_TIMEOUT = 90.0
"""Seconds after which a connection on which nothing is asked is closed."""
IN_FLIGHT = 1_000
"""Requests that wait for the world at the same time; beyond that the door itself says 429."""
_YAML = ("application/yaml", "application/apply-patch+yaml")
_PASSED_ON = "impersonate-"
_UPGRADED = ("/exec", "/attach", "/portforward")
_json = msgspec.json.Encoder().encode


class Front(web.Server):
    """Serves the API of one world. Use it as the protocol factory of `asyncio.loop.create_server`."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(
            self._handle, handler_cancellation=True, access_log=None, keepalive_timeout=IDLE_TIMEOUT, auto_decompress=False,
            max_line_size=HEADER_LIMIT, max_field_size=HEADER_LIMIT, max_headers=HEADERS,
        )  # fmt: skip
        self._clients = Clients(desk)

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        self._clients.closed(handler)
        super().connection_lost(handler, exc)

    # ------------------------------------------------------------------ one request

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        client = self._clients.of(http.protocol, http.transport)
        exchange: Exchange | None = None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                request = await _request(http, client)
                if self._clients.waiting >= IN_FLIGHT:
                    raise too_many()
                exchange = client.ask(request)
                answer = await exchange.first
            if not isinstance(answer, Response):
                return _cut_off(http)
            if answer.code == 101:
                return await streams.socket(http, client, exchange)
            if exchange.streams:
                return await streams.chunked(http, answer, exchange, _lifetime(request))
            return answers.whole(http, answer)
        except TimeoutError:
            refusal = status.request_timeout("request did not complete within the allotted timeout")
        except InputError as error:
            refusal = status.failure(503, "ServiceUnavailable", str(error))
        except Refusal as found:
            refusal = found
        finally:
            if exchange is not None:
                client.left(exchange)
        return answers.whole(http, _refused(refusal))


class _Connection(RequestHandler):
    """One connection, with Go's words for what is no request."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what cannot be read (net/http/server.go), or to a mistake of ours."""
        if status >= 500:
            reply = web.Response(status=500, text="Internal Server Error: " + type(exc).__name__)
        elif isinstance(exc, LineTooLong):
            reply = web.Response(status=431, text="431 Request Header Fields Too Large")
        else:
            reply = web.Response(status=400, text="400 Bad Request")
        reply.force_close()
        return reply


def _cut_off(http: web.BaseRequest) -> web.Response:
    """The connection inside the world is gone, and so is the one outside."""
    if http.transport is not None:
        http.transport.abort()
    return web.Response(status=502)


def _as_json(body: bytes, content_type: str) -> tuple[bytes, str]:
    """YAML becomes JSON, which is all that the API server inside reads. Raises Refusal for what is no YAML."""
    media = content_type.partition(";")[0].strip()
    if media not in _YAML or body.lstrip()[:1] in (b"{", b""):
        return body, "application/json" if media == "application/yaml" else content_type
    depth.check(body)
    try:
        found = yamls.to_json(body)
    except ValueError as error:
        head = "" if media == "application/yaml" else "error decoding YAML: "
        raise status.bad_request(f"{head}error converting YAML to JSON: {error}") from None
    return found, "application/json" if media == "application/yaml" else content_type


def _clean(text: str) -> str:
    """What came over the wire, without bytes that are no UTF-8: aiohttp keeps them as lone surrogates, which no JSON takes."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def _request(http: web.BaseRequest, client: Client) -> Request:
    """What an HTTP request asks of the world. Raises Refusal for one that is too large."""
    path, _, query = _clean(http.raw_path).partition("?")
    headers = http.headers
    scheme, _, token = _clean(headers.get("Authorization", "")).partition(" ")
    passed_on = [(name.lower(), value) for name, value in headers.items() if name.lower().startswith(_PASSED_ON)]
    others = [(_clean(name), _clean(value)) for name, value in passed_on]
    if path.endswith(_UPGRADED):
        others.append(("upgrade", _clean(headers.get("Upgrade", "none"))))
    content_type = _clean(headers.get("Content-Type", "application/json" if http.method != "PATCH" else ""))
    body, content_type = _as_json(await _body(http), content_type)
    return Request(
        _clean(http.method),
        unquote(path),
        tuple(parse_qsl(query, keep_blank_values=True)),
        body,
        content_type,
        _clean(headers.get("Accept", "application/json")),
        client.user,
        _clean(headers.get("User-Agent", "unknown")),
        managed=True,
        if_none_match=_clean(headers.get("If-None-Match", "")),
        groups=client.groups,
        token=token.strip() if scheme.lower() == "bearer" else "",
        headers=tuple(others),
    )


async def _body(http: web.BaseRequest) -> bytes:
    if not http.body_exists:
        return b""
    if (http.content_length or 0) > BODY_LIMIT:
        raise too_large()
    if http.headers.get("Expect", "").lower() == "100-continue":
        assert http.transport is not None
        http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    parts: list[bytes] = []
    size = 0
    try:
        async for part in http.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > BODY_LIMIT:
                raise too_large()
    except (ClientError, HttpProcessingError) as error:
        raise status.bad_request(f"the body of the request cannot be read: {error}") from None
    return b"".join(parts)


def too_large() -> Refusal:
    """413."""
    return status.failure(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}")


def too_many() -> Refusal:
    """429 of the door itself."""
    text = "Too many requests, please try again later."
    return status.failure(429, "TooManyRequests", text, {"retryAfterSeconds": 1})


def _refused(refusal: Refusal) -> Response:
    headers = (("Retry-After", "1"),) if refusal.code == 429 else ()
    return Response(refusal.code, _json(refusal.tree), headers=headers)


def _lifetime(request: Request) -> float:
    """Seconds that a watch lives, or a log is followed."""
    wanted = numbers.unsigned(request.parameter("timeoutSeconds"))
    if wanted:
        return min(float(wanted), FOREVER)
    return WATCH_TIMEOUT * (1 + random.random()) if request.flag("watch") else FOREVER
