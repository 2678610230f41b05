"""The multi-version store: keys, revisions, transactions (etcd server/storage/mvcc).

One revision is one transaction that changed something. ``create_revision``, ``mod_revision`` and ``version`` of a key mean
what they mean in etcd; a deletion is an event of its own. Older revisions are read by walking the history back.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from k8s_tutor.etcd.wire import (
    ERR_COMPACTED,
    ERR_DUPLICATE_KEY,
    ERR_EMPTY_KEY,
    ERR_FUTURE,
    ERR_TOO_MANY_OPS,
    Compact,
    CompactResult,
    Compare,
    DeleteRange,
    DeleteResult,
    EtcdError,
    Event,
    KeyValue,
    Operation,
    Put,
    PutResult,
    Range,
    RangeResult,
    Txn,
    TxnResult,
    covers,
)
from k8s_tutor.sim import Grow, State

MAX_OPS = 128
"""Operations of one transaction (etcd --max-txn-ops)."""

Result = RangeResult | PutResult | DeleteResult | TxnResult | CompactResult | EtcdError


class Store(State):
    """The state machine that every member keeps: the same log gives the same store."""

    def __init__(self) -> None:
        self.revision = 1
        """The latest revision; a fresh store stands at 1, as etcd's does."""
        self.compacted = 0
        self.latest: dict[str, KeyValue] = {}
        self.keys: list[str] = []
        """The keys of ``latest``, sorted."""
        self.history: Grow[Event] = Grow()
        """All events in order; several may share a revision."""

    # ------------------------------------------------------------------ reading

    def _between(self, key: str, end: str) -> list[str]:
        if not end:
            return [key] if key in self.latest else []
        return self.keys[bisect_left(self.keys, key) : bisect_left(self.keys, end)]

    def range(self, ask: Range) -> RangeResult | EtcdError:
        """Keys in order, now or as they were at a revision."""
        return self._unreadable(ask) or self._read(ask, self.revision)

    def _unreadable(self, ask: Range) -> EtcdError | None:
        """Why a range cannot be read, or None."""
        if not ask.key:
            return EtcdError(ERR_EMPTY_KEY)
        if ask.revision > self.revision:
            return EtcdError(ERR_FUTURE)
        if 0 < ask.revision < self.compacted:
            return EtcdError(ERR_COMPACTED)
        return None

    def _read(self, ask: Range, current: int) -> RangeResult:
        """A range that was found to be readable. ``current`` is the revision of ``latest``, which inside a transaction that
        has written is one ahead of the store's."""
        if 0 < ask.revision < current:
            past = self._as_of(ask.revision, ask.key, ask.end)
            found = [past[key] for key in sorted(past)]
        else:
            found = [self.latest[key] for key in self._between(ask.key, ask.end)]
        count = len(found)
        if ask.limit > 0:
            found = found[: ask.limit]
        more = len(found) < count
        if ask.count_only:
            found, more = [], False
        if ask.keys_only:
            found = [KeyValue(kv.key, b"", kv.create_revision, kv.mod_revision, kv.version) for kv in found]
        return RangeResult(current, tuple(found), count, more)

    def _as_of(self, revision: int, key: str, end: str) -> dict[str, KeyValue]:
        past = {name: self.latest[name] for name in self._between(key, end)}
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

    # ------------------------------------------------------------------ writing

    def apply(self, operation: Operation | Txn | Compact) -> Result:
        """Carries out one committed operation. What is wrong with it comes back as an `EtcdError`."""
        if isinstance(operation, Range):
            return self.range(operation)
        if isinstance(operation, Compact):
            return self._compact(operation)
        if isinstance(operation, Txn):
            return self._txn(operation)
        if not operation.key:
            return EtcdError(ERR_EMPTY_KEY)
        revision = self.revision + 1
        result, events = self._write(operation, revision)
        if events:
            self.revision = revision
        return result

    def _compact(self, ask: Compact) -> CompactResult | EtcdError:
        if ask.revision > self.revision:
            return EtcdError(ERR_FUTURE)
        if ask.revision <= self.compacted:
            return EtcdError(ERR_COMPACTED)
        self.compacted = ask.revision
        return CompactResult(self.revision)

    def _txn(self, txn: Txn) -> TxnResult | EtcdError:
        refusal = _malformed(txn)
        if refusal is not None:
            return refusal
        succeeded = all(self._holds(compare) for compare in txn.compares)
        branch = txn.success if succeeded else txn.failure
        for operation in branch:  # all of it can be read, or nothing is written (etcd server/etcdserver/txn checkTxn)
            unreadable = self._unreadable(operation) if isinstance(operation, Range) else None
            if unreadable is not None:
                return unreadable
        revision, changed = self.revision + 1, False
        responses: list[RangeResult | PutResult | DeleteResult] = []
        for operation in branch:
            if isinstance(operation, Range):
                responses.append(self._read(operation, revision if changed else self.revision))
                continue
            result, events = self._write(operation, revision)
            changed = changed or bool(events)
            responses.append(result)
        if changed:
            self.revision = revision
        return TxnResult(self.revision, succeeded, tuple(responses))

    def _holds(self, compare: Compare) -> bool:
        kv = self.latest.get(compare.key)
        actual: int | bytes
        if compare.target == "value":
            if kv is None:
                return False
            actual = kv.value
        else:
            actual = (
                0 if kv is None else getattr(kv, "version" if compare.target == "version" else f"{compare.target}_revision")
            )
        match compare.op:
            case "=":
                return actual == compare.value
            case "!=":
                return actual != compare.value
            case "<":
                return actual < compare.value  # type: ignore[operator]
            case _:
                return actual > compare.value  # type: ignore[operator]

    def _write(self, operation: Put | DeleteRange, revision: int) -> tuple[PutResult | DeleteResult, int]:
        """Carries out one write as part of ``revision``; returns its result and how many events it made."""
        if isinstance(operation, Put):
            key, old = operation.key, self.latest.get(operation.key)
            if old is None:
                insort(self.keys, key)
                kv = KeyValue(key, operation.value, revision, revision, 1)
            else:
                kv = KeyValue(key, operation.value, old.create_revision, revision, old.version + 1)
            self.latest[key] = kv
            self.history.append(Event("PUT", kv, old))
            return PutResult(revision, old), 1
        keys = self._between(operation.key, operation.end)
        gone = [self.latest.pop(key) for key in keys]
        if gone:
            first = bisect_left(self.keys, keys[0])
            del self.keys[first : first + len(keys)]
        self.history.extend([Event("DELETE", KeyValue(old.key, b"", 0, revision, 0), old) for old in gone])
        return DeleteResult(revision if gone else self.revision, len(gone), tuple(gone)), len(gone)


def _malformed(txn: Txn) -> EtcdError | None:
    """What is wrong with a transaction whatever the store holds (etcd server/etcdserver/api/v3rpc/key.go checkTxnRequest)."""
    if max(len(txn.compares), len(txn.success), len(txn.failure)) > MAX_OPS:
        return EtcdError(ERR_TOO_MANY_OPS)
    if not all(part.key for part in (*txn.compares, *txn.success, *txn.failure)):
        return EtcdError(ERR_EMPTY_KEY)
    if _writes_twice(txn.success) or _writes_twice(txn.failure):
        return EtcdError(ERR_DUPLICATE_KEY)
    return None


def _writes_twice(branch: tuple[Operation, ...]) -> bool:
    """Whether a key is put twice, or put and deleted: one revision holds one event of a key. Overlapping deletes are fine."""
    if len(branch) < 2:
        return False
    puts = [operation.key for operation in branch if isinstance(operation, Put)]
    if len(set(puts)) != len(puts):
        return True
    gone = [operation for operation in branch if isinstance(operation, DeleteRange)]
    return any(covers(one.key, one.end, key) for one in gone for key in puts)
