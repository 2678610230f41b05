"""Events of the controllers, as client-go's recorder writes them: the same again raises a count, many similar ones are
combined, too many are dropped (client-go tools/record/events_cache.go)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.sim import SECOND, State

SIMILAR_MOST = 10
"""So many different texts about one object and reason within ten minutes are combined."""
SIMILAR_SPAN = 600 * SECOND
BURST = 25
"""So many events about one object at once; then one every five minutes."""
REFILL = 300 * SECOND
KEPT = 4096


class Known(NamedTuple):
    """An Event that exists: its name, how often it happened, when first."""

    name: str
    times: int
    first: str


class Similar(NamedTuple):
    """Texts of one kind of event, and when the last came (µs)."""

    texts: tuple[str, ...]
    at: int


class Bucket(NamedTuple):
    """Tokens left for one object, counted at this instant (µs)."""

    tokens: int
    at: int


class Record(NamedTuple):
    """A request of the recorder: POST a new Event, or PATCH the one that is there."""

    method: str
    path: str
    tree: Tree


class Recorder(State):
    """What was written before decides how the next event is written."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, ...], Known] = {}
        self.similar: dict[tuple[str, ...], Similar] = {}
        self.buckets: dict[tuple[str, ...], Bucket] = {}
        self.last = 0

    def record(self, component: str, about: Tree, kind: str, reason: str, text: str, clock: Clock) -> Record | None:
        """What to send for an event; None when there are too many about this object."""
        place = (component, about.get("kind", ""), about.get("namespace", ""), about.get("name", ""), about.get("uid", ""))
        if not self._allowed(place, clock.now):
            return None
        text, key = self._combined((*place, kind, reason), text, clock.now)
        namespace = about.get("namespace") or "default"
        path = f"/api/v1/namespaces/{namespace}/events"
        known = self.known.pop(key, None)
        if known is not None:
            self.known[key] = known._replace(times=known.times + 1)
            changes = {"count": known.times + 1, "lastTimestamp": clock.stamp, "message": text}
            return Record("PATCH", f"{path}/{known.name}", changes)
        self.last = max(self.last + 1, (clock.epoch * SECOND + clock.now) * 1000)
        name = f"{about.get('name', '')}.{self.last:x}"
        self.known[key] = Known(name, 1, clock.stamp)
        for table in (self.known, self.similar, self.buckets):
            _trim(table)
        return Record("POST", path, {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
            "involvedObject": about, "reason": reason, "message": text, "type": kind, "count": 1,
            "firstTimestamp": clock.stamp, "lastTimestamp": clock.stamp, "eventTime": None,
            "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
        })  # fmt: skip

    def _allowed(self, place: tuple[str, ...], now: int) -> bool:
        bucket = self.buckets.pop(place, Bucket(BURST, now))
        gained = (now - bucket.at) // REFILL
        tokens = min(BURST, bucket.tokens + gained)
        at = now if tokens == BURST else bucket.at + gained * REFILL
        self.buckets[place] = Bucket(max(tokens - 1, 0), at)
        return tokens > 0

    def _combined(self, group: tuple[str, ...], text: str, now: int) -> tuple[str, tuple[str, ...]]:
        found = self.similar.pop(group, Similar((), now))
        if now - found.at > SIMILAR_SPAN:
            found = Similar((), now)
        texts = found.texts if text in found.texts else (*found.texts, text)
        if len(texts) < SIMILAR_MOST:
            self.similar[group] = Similar(texts, now)
            return text, (*group, text)
        self.similar[group] = Similar(texts[1:], now)
        return f"(combined from similar events): {text}", group


def _trim(table: dict[tuple[str, ...], Any]) -> None:
    while len(table) > KEPT:
        del table[next(iter(table))]


