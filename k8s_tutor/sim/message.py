"""What moves in a world: bodies, envelopes, and the units of time."""

from __future__ import annotations

from typing import Any, NamedTuple, dataclass_transform

import msgspec

US = 1
MS = 1_000
SECOND = 1_000_000

WORK = 1
"""Flag of an envelope: part of somebody's work (the opposite is housekeeping: ticks, heartbeats, resyncs)."""
TIMER = 2
"""Flag of an envelope: a message to oneself that was set with `Context.after`."""
STREAM = 4
"""Flag of an envelope: travels over a connection, reliable and in order."""
CLOSED = 8
"""Flag of an envelope: tells its receiver that the connection to ``src`` is gone; the body says why."""


@dataclass_transform(frozen_default=True)
class Body(msgspec.Struct, frozen=True, array_like=True, tag=True, tag_field="$", gc=False):
    """Base of all message bodies: a small frozen value of integers, strings, bytes, tuples, other bodies or JSON trees."""


class Envelope(NamedTuple):
    """One message on its way. Times are µs since the world began; ``cause`` is the id of the message whose delivery
    sent this one, or of the input that did, or 0 for what was there at the start.

    The queue and the log hold the same eight values as a plain tuple (`Message`): Python makes and takes apart plain tuples
    many times faster than named ones, and the world does little else.
    """

    due: int
    id: int
    src: str
    dst: str
    body: Any
    cause: int
    sent_at: int
    kind: int


Message = tuple[int, int, str, str, Any, int, int, int]
"""An `Envelope` as the queue and the log keep it."""


class Note(NamedTuple):
    """What an actor says about itself while it handles the message ``cause``."""

    at: int
    cause: int
    actor: str
    kind: str
    fields: dict[str, Any]


class Lost(NamedTuple):
    """A message that never arrived, and why: ``down``, ``cut``, ``lost`` (bad luck on the link) or ``dropped`` (by hand)."""

    at: int
    envelope: Message
    reason: str


class Given(NamedTuple):
    """An input from outside, taken between two steps. Its ``id`` is the cause of all that it sends."""

    at: int
    id: int
    input: Any


Record = Message | Note | Lost | Given
"""What the log keeps; `Envelope._make` gives a message its names."""


class Ended(Body):
    """A parent is told: a process that it has started has ended (SIGCHLD)."""

    name: str


class Closed(Body):
    """Body of a `CLOSED` envelope. ``reason``: ``reset`` (the other process is gone), ``refused`` (nobody listens there),
    ``timeout`` (keep-alive or dialling had no answer)."""

    reason: str
    since: int = 0
