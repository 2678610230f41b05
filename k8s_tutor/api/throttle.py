"""How fast a component may speak: the rate limit of its client, a bucket of tokens (client-go flowcontrol)."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api.component import TIMEOUT
from k8s_tutor.api.election import Elected
from k8s_tutor.api.wire import Request
from k8s_tutor.sim import SECOND, Body, Context, State


class Deferred(Body):
    """A request that has to wait; ``then`` and ``args`` as for `Component.request`. It dies with the reign that made it."""

    reign: int
    request: Request
    then: str
    args: tuple[Any, ...]


class Throttle(State):
    """A bucket of tokens: ``qps`` a second, and ``burst`` at once after a quiet time. Kept as one instant: when it would be
    full again if nothing more were taken."""

    def __init__(self, qps: int, burst: int) -> None:
        self.interval = SECOND // qps
        self.burst = burst
        self.full_at = 0

    def wait(self, now: int) -> int:
        """Takes a token. Returns how long the request has to wait for it, µs."""
        full_at = max(self.full_at, now)
        self.full_at = full_at + self.interval
        return max(0, full_at - now - (self.burst - 1) * self.interval)


class Throttled(Elected):
    """A process that works while it leads, and whose requests wait for tokens."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.reign = 0
        """Raised each time that work begins or ends: answers and timers of an earlier reign are not acted upon."""

    def say(
        self, ctx: Context, throttle: Throttle, method: str, path: str, tree: Any, then: str = "done",
        args: tuple[Any, ...] = (), query: tuple[tuple[str, str], ...] = (), content_type: str = "application/json",
    ) -> None:  # fmt: skip
        """Sends a request as soon as the bucket has a token for it; else as `Component.request`."""
        body = b"" if tree is None else msgspec.json.encode(tree)
        request = Request(method, path, query, body, content_type, user=self.config.user, agent=self.agent)
        wait = throttle.wait(ctx.now)
        if wait:
            ctx.after(wait, Deferred(self.reign, request, then, args))
        else:
            self.ask(ctx, self.config.api, request, then, args, TIMEOUT)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if not isinstance(body, Deferred):
            super().event(ctx, src, body)
        elif body.reign == self.reign:
            self.ask(ctx, self.config.api, body.request, body.then, body.args, TIMEOUT)
