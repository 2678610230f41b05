"""How fast a scheduler may speak: 50 requests a second, and 100 at once after a quiet time (client-go flowcontrol, with the
scheduler's qps and burst). Events have a client of their own."""

from __future__ import annotations

from typing import Any

from k8s_tutor.sim import MS, Body, State

INTERVAL = 20 * MS
BURST = 100


class Deferred(Body):
    """A request that has to wait; ``then`` and ``args`` as for `Component.request`. It dies with the reign that made it."""

    reign: int
    method: str
    path: str
    body: bytes
    content_type: str
    then: str
    args: tuple[Any, ...]


class Throttle(State):
    """A bucket of tokens, kept as one instant: when it would be full again if nothing more were taken."""

    def __init__(self) -> None:
        self.full_at = 0

    def wait(self, now: int) -> int:
        """Takes a token. Returns how long the request has to wait for it, µs."""
        full_at = max(self.full_at, now)
        self.full_at = full_at + INTERVAL
        return max(0, full_at - now - (BURST - 1) * INTERVAL)
