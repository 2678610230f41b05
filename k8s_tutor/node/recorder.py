"""Events: what a component tells people about an object (client-go tools/record).

The same event again is not a second object but a higher count of the first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import times
from k8s_tutor.api.component import Component
from k8s_tutor.sim import SECOND, CallFailed, Context

KEPT = 4_096
"""Events whose count is remembered (the real correlator's cache size)."""
BURST = 25
REFILL = 300 * SECOND
"""Events about one object: so many at once, and one more each 5 min; others are dropped (events_cache.go, spam filter)."""


class Subject(NamedTuple):
    """The object that an event is about."""

    kind: str
    namespace: str
    name: str
    uid: str
    revision: str = ""
    field_path: str = ""


class Recorder(Component):
    """A component that records events."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.recorded: dict[tuple[str, ...], tuple[str, int]] = {}
        """(uid, field path, reason, message) → (name of the event, count)."""
        self.allowance: dict[str, tuple[int, int]] = {}
        """Uid → when it was last counted (µs), and what it may still cost: a µs of `REFILL` each."""

    @property
    def host(self) -> str:
        """The node that events come from, or empty."""
        return ""

    def record(self, ctx: Context, about: Subject, kind: str, reason: str, message: str) -> None:
        """Writes an event; ``kind`` is Normal or Warning. Nobody waits for the answer, and it is not tried twice."""
        if not self._may_speak(ctx, about.uid):
            return
        key = (about.uid, about.field_path, reason, message)
        namespace = about.namespace or "default"
        path = f"/api/v1/namespaces/{namespace}/events"
        now = times.rfc3339(ctx.now, self.config.epoch)
        known = self.recorded.pop(key, None)
        if known is not None:
            name, count = known[0], known[1] + 1
            self.recorded[key] = (name, count)
            patch = {"count": count, "lastTimestamp": now, "message": message}
            content = "application/strategic-merge-patch+json"
            self.request(ctx, "PATCH", f"{path}/{name}", patch, "_recorded", (key,), content_type=content)
            return
        name = f"{about.name}.{(self.config.epoch * 1_000_000 + ctx.now) * 1_000 + len(self.recorded) % 1_000:x}"
        self.recorded[key] = (name, 1)
        while len(self.recorded) > KEPT:
            del self.recorded[next(iter(self.recorded))]
        source = {"component": self.agent, **({"host": self.host} if self.host else {})}
        tree = {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved(about), "reason": reason, "message": message, "source": source,
            "firstTimestamp": now, "lastTimestamp": now, "count": 1, "type": kind,
            "reportingComponent": self.agent, "reportingInstance": self.host,
        }  # fmt: skip
        self.request(ctx, "POST", path, tree, "_recorded", (key,))

    def _may_speak(self, ctx: Context, uid: str) -> bool:
        since, left = self.allowance.pop(uid, (ctx.now, BURST * REFILL))
        left = min(left + ctx.now - since, BURST * REFILL)
        spent = REFILL if left >= REFILL else 0
        self.allowance[uid] = (ctx.now, left - spent)
        while len(self.allowance) > KEPT:
            del self.allowance[next(iter(self.allowance))]
        return bool(spent)

    def _recorded(self, ctx: Context, answer: Any, key: tuple[str, ...]) -> None:
        """An event that could not be counted up (it has expired) is written anew the next time."""
        if isinstance(answer, CallFailed) or answer.code >= 400:
            self.recorded.pop(key, None)


def involved(about: Subject) -> dict[str, str]:
    """The ``involvedObject`` of an event."""
    found = {"kind": about.kind, "namespace": about.namespace, "name": about.name, "uid": about.uid, "apiVersion": "v1"}
    found |= {"resourceVersion": about.revision, "fieldPath": about.field_path}
    return {key: value for key, value in found.items() if value}
