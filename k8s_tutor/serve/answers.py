"""What the world answers, as HTTP."""

from __future__ import annotations

import re

from aiohttp import web

from k8s_tutor.api.wire import Response

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def headers_of(answer: Response) -> list[tuple[str, str]]:
    """All headers of an answer."""
    found = [("Content-Type", answer.content_type), ("Cache-Control", "no-cache, private"), *answer.headers]
    for text in answer.warnings:
        escaped = _CONTROLS.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"')
        found.append(("Warning", f'299 - "{escaped}"'))
    return found


def whole(http: web.BaseRequest, answer: Response) -> web.Response:
    """An answer that is complete."""
    reply = web.Response(status=answer.code, body=answer.body)
    reply.headers.extend(headers_of(answer))
    if not http.content.is_eof():
        reply.force_close()  # part of the body was never read
    return reply
