"""``limit`` and ``continue``: lists in pages, all read at one revision (apiserver storage/continue.go)."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec

from k8s_tutor.api import numbers, status
from k8s_tutor.api.wire import Request


class Page(NamedTuple):
    """One page: at most ``limit`` items (0: all), from the key ``start`` on, as of ``revision`` (0: now)."""

    limit: int
    start: str
    revision: int


class Token(msgspec.Struct):
    """What a continue token holds."""

    rv: int
    start: str


def token(revision: int, start: str) -> str:
    """The token for the page that begins at a key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(Token(revision, start))).decode().rstrip("=")


def page_of(request: Request) -> Page:
    """The page that a request asks for. Raises a Refusal (400)."""
    text = request.parameter("limit")
    limit = numbers.signed(text or "0")
    if limit is None:
        raise status.bad_request(numbers.problem("ParseInt", text))
    seconds = request.parameter("timeoutSeconds")
    if seconds and numbers.signed(seconds) is None:
        raise status.bad_request(numbers.problem("ParseInt", seconds))
    given = request.parameter("continue")
    if not given:
        return Page(max(limit, 0), "", 0)
    try:
        raw = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        found = msgspec.json.decode(raw, type=Token)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        first = raw_character(given)
        problem = f"continue key is not valid: invalid character {first} looking for beginning of value"
        raise status.bad_request(f"invalid continue token: {problem}") from None
    return Page(max(limit, 0), found.start, found.rv)


_EXPIRED = "The resourceVersion for the provided list is too old."
_INCONSISTENT = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with "
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time "
    "the first chunk was returned and now may show up in the list."
)


def expired(page: Page) -> status.Refusal:
    """410: the revision is compacted. Who was in the middle gets a token that goes on with what is there now."""
    if not page.start:
        return status.expired(_EXPIRED)
    found = status.expired(_INCONSISTENT)
    found.tree["metadata"] = {"continue": token(0, page.start)}
    return found


def raw_character(given: str) -> str:
    """The first character behind a token that is none, as Go quotes it."""
    try:
        first = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))[:1]
    except (binascii.Error, ValueError):
        first = given[:1].encode()
    return f"'\\x{first[0]:02x}'" if first and first[0] > 126 else f"'{first.decode()}'"
