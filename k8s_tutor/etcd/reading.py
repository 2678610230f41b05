"""Ranges: which keys, as of which revision, in which order, and how many (etcd server/etcdserver/txn/range.go)."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter

from k8s_tutor.etcd import errors
from k8s_tutor.etcd.wire import Compare, EtcdError, Event, KeyValue, Range, RangeResult, covers
from k8s_tutor.sim import Grow, State

_FIELD = {"version": "version", "create": "create_revision", "mod": "mod_revision", "lease": "lease"}
_SORT = {
    "version": attrgetter("version"), "create": attrgetter("create_revision"), "mod": attrgetter("mod_revision"),
    "value": attrgetter("value"),
}  # fmt: skip


class Reading(State):
    """A store that can be read. Older revisions are read by walking the history back."""

    def __init__(self) -> None:
        self.revision = 1
        """The latest revision; a fresh store stands at 1, as etcd's does."""
        self.compacted = 0
        """Revisions below this one are gone."""
        self.latest: dict[str, KeyValue] = {}
        self.keys: list[str] = []
        """The keys of ``latest``, sorted."""
        self.history: Grow[Event] = Grow()
        """All events from the compacted revision on, in order; several may share a revision."""

    def between(self, key: str, end: str) -> list[str]:
        """The keys of a range that are there now, sorted."""
        if not end:
            return [key] if key in self.latest else []
        return self.keys[bisect_left(self.keys, key) : bisect_left(self.keys, end)]

    def range(self, ask: Range) -> RangeResult | EtcdError:
        """Keys now, or as they were at a revision."""
        return self.unreadable(ask) or self.read(ask, self.revision)

    def unreadable(self, ask: Range) -> EtcdError | None:
        """Why a range cannot be read, or None."""
        if not ask.key:
            return EtcdError(errors.ERR_EMPTY_KEY)
        if ask.revision > self.revision:
            return EtcdError(errors.ERR_FUTURE)
        if 0 < ask.revision < self.compacted:
            return EtcdError(errors.ERR_COMPACTED)
        return None

    def read(self, ask: Range, current: int) -> RangeResult:
        """A range that was found to be readable. ``current`` is the revision of ``latest``, which inside a transaction that
        has written is one ahead of the store's."""
        if 0 < ask.revision < current:
            past = self.as_of(ask.revision, ask.key, ask.end)
            found = [past[key] for key in sorted(past)]
        else:
            found = [self.latest[key] for key in self.between(ask.key, ask.end)]
        count = len(found)
        if ask.min_mod or ask.max_mod or ask.min_create or ask.max_create:
            found = [kv for kv in found if _within(ask, kv)]
        found = _ordered(ask, found)
        more = 0 < ask.limit < len(found)
        if more:
            found = found[: ask.limit]
        if ask.count_only:
            found, more = [], False
        if ask.keys_only:
            found = [KeyValue(kv.key, b"", kv.create_revision, kv.mod_revision, kv.version, kv.lease) for kv in found]
        return RangeResult(current, tuple(found), count, more)

    def as_of(self, revision: int, key: str, end: str) -> dict[str, KeyValue]:
        """The keys of a range as they were right after a revision that is not compacted."""
        past = {name: self.latest[name] for name in self.between(key, end)}
        for index in range(len(self.history) - 1, -1, -1):
            event = self.history[index]
            if event.kv.mod_revision <= revision:
                break
            name = event.kv.key
            if covers(key, end, name):
                if event.previous is None:
                    past.pop(name, None)
                else:
                    past[name] = event.previous
        return past

    def events_since(self, revision: int) -> list[Event]:
        """All events at ``revision`` or later, in order."""
        start = self.history.first(revision, lambda event: event.kv.mod_revision)
        return self.history[start:]

    def holds(self, compare: Compare) -> bool:
        """Whether a condition is true of its key, or of all keys of its range; of no key it asks about none
        (txn.go applyCompare)."""
        found = [self.latest[key] for key in self.between(compare.key, compare.end)]
        if not found:
            return compare.target != "value" and _compared(0, compare)
        if compare.target == "value":
            return all(_compared(kv.value, compare) for kv in found)
        field = _FIELD[compare.target]
        return all(_compared(getattr(kv, field), compare) for kv in found)


def _within(ask: Range, kv: KeyValue) -> bool:
    mod, create = kv.mod_revision, kv.create_revision
    return (
        ask.min_mod <= mod
        and (not ask.max_mod or mod <= ask.max_mod)
        and ask.min_create <= create
        and (not ask.max_create or create <= ask.max_create)
    )


def _ordered(ask: Range, found: list[KeyValue]) -> list[KeyValue]:
    """By another target than the key, ascending is the default."""
    if ask.sort_target != "key":
        return sorted(found, key=_SORT[ask.sort_target], reverse=ask.sort_order == "descend")
    return found[::-1] if ask.sort_order == "descend" else found


def _compared(actual: int | bytes, compare: Compare) -> bool:
    match compare.op:
        case "=":
            return actual == compare.value
        case "!=":
            return actual != compare.value
        case "<":
            return actual < compare.value  # type: ignore[operator]
        case _:
            return actual > compare.value  # type: ignore[operator]
