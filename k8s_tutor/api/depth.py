"""How deep a body is nested. The real server stops at 10,000 levels; here everything that walks an object is recursive."""

from __future__ import annotations

import re

from k8s_tutor.api import status

DEEPEST = 150
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"?')
_BRACKET = re.compile(rb"[\[\]{}]")


def check(body: bytes) -> None:
    """Raises a Refusal (400) for a body that is nested too deep."""
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return
    depth = 0
    # Without a backslash every second part between quotes is text: no need to look for its end letter by letter.
    bare = _TEXT.sub(b"", body) if b"\\" in body else b"".join(body.split(b'"')[::2])
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in b"{[" else -1
        if depth > DEEPEST:
            raise status.bad_request("exceeded max depth")
