"""The multi-version store: keys, revisions, transactions, leases, compaction (etcd server/storage/mvcc, server/lease).

One revision is one transaction that changed something. ``create_revision``, ``mod_revision`` and ``version`` of a key mean
what they mean in etcd; a deletion is an event of its own.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from zlib import crc32

from k8s_tutor.etcd import errors
from k8s_tutor.etcd.admin import LeaseGrant, LeaseGrantResult, LeaseRevoke, LeaseRevokeResult
from k8s_tutor.etcd.checks import MAX_OPS, malformed
from k8s_tutor.etcd.reading import Reading
from k8s_tutor.etcd.wire import (
    Compact,
    CompactResult,
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
    Response,
    Txn,
    TxnResult,
)
from k8s_tutor.sim import Grow

RECORD = 48
"""Bytes that a stored version of a key takes beside key and value: its revision, its numbers, its place on the page."""
TOMBSTONE = 36
"""The same for a deletion, which has no value and no numbers."""

Result = RangeResult | PutResult | DeleteResult | TxnResult | CompactResult | LeaseGrantResult | LeaseRevokeResult | EtcdError
Change = Operation | Compact | LeaseGrant | LeaseRevoke


class Store(Reading):
    """The state machine that every member keeps: the same log gives the same store."""

    def __init__(self) -> None:
        super().__init__()
        self.leases: dict[int, int] = {}
        """Lease → granted seconds."""
        self.used = 0
        """Bytes that all stored versions and deletions take."""

    # ------------------------------------------------------------------ writing

    def apply(self, operation: Change) -> Result:
        """Carries out one committed operation. What is wrong with it comes back as an `EtcdError`."""
        if isinstance(operation, Txn):
            return self._txn(operation)
        if isinstance(operation, (Put, DeleteRange)):
            refusal = malformed(operation) or self._unwritable(operation)
            if refusal is not None:
                return refusal
            revision = self.revision + 1
            result, events = self._write(operation, revision)
            if events:
                self.revision = revision
            return result
        if isinstance(operation, Range):
            return self.range(operation)
        if isinstance(operation, LeaseGrant):
            return self._grant(operation)
        if isinstance(operation, LeaseRevoke):
            return self._revoke(operation)
        return self._compact(operation)

    def _unwritable(self, operation: Operation) -> EtcdError | None:
        """Why a put names something that is not there, or None."""
        if not isinstance(operation, Put):
            return None
        if operation.lease and operation.lease not in self.leases:
            return EtcdError(errors.ERR_LEASE_NOT_FOUND)
        if (operation.ignore_value or operation.ignore_lease) and operation.key not in self.latest:
            return EtcdError(errors.ERR_KEY_NOT_FOUND)
        return None

    def _write(self, operation: Put | DeleteRange, revision: int) -> tuple[PutResult | DeleteResult, int]:
        """Carries out one write as part of ``revision``; returns its result and how many events it made."""
        if isinstance(operation, Put):
            return self._put(operation, revision), 1
        keys = self.between(operation.key, operation.end)
        gone = self._delete(keys, revision)
        previous = tuple(gone) if operation.prev_kv else ()
        return DeleteResult(revision if gone else self.revision, len(gone), previous), len(gone)

    def _put(self, put: Put, revision: int) -> PutResult:
        key, value, lease, old = put.key, put.value, put.lease, self.latest.get(put.key)
        if old is None:
            insort(self.keys, key)
            kv = KeyValue(key, value, revision, revision, 1, lease)
        else:
            if put.ignore_value:
                value = old.value
            if put.ignore_lease:
                lease = old.lease
            kv = KeyValue(key, value, old.create_revision, revision, old.version + 1, lease)
        self.latest[key] = kv
        self.used += RECORD + len(key) + len(value)
        self.history.append(Event("PUT", kv, old))
        return PutResult(revision, old if put.prev_kv else None)

    def _delete(self, keys: list[str], revision: int) -> list[KeyValue]:
        """Deletes keys, which are sorted, and returns them as they were."""
        gone = [self.latest.pop(key) for key in keys]
        if keys:
            first, last = bisect_left(self.keys, keys[0]), bisect_left(self.keys, keys[-1]) + 1
            if last - first == len(keys):
                del self.keys[first:last]
            else:
                self.keys = [key for key in self.keys if key in self.latest]
        self.used += sum([TOMBSTONE + len(key) for key in keys])
        self.history.extend([Event("DELETE", KeyValue(old.key, b"", 0, revision, 0), old) for old in gone])
        return gone

    # ------------------------------------------------------------------ transactions

    def _txn(self, txn: Txn) -> TxnResult | EtcdError:
        refusal = malformed(txn)
        if refusal is not None:
            return refusal
        paths: list[bool] = []
        refusal = self._impossible(txn, paths)
        if refusal is not None:
            return refusal
        before = self.revision
        result = self._carry_out(txn, before + 1, before, iter(paths))
        self.revision = result.revision
        return result

    def _impossible(self, txn: Txn, paths: list[bool]) -> EtcdError | None:
        """All of a transaction can be done, or nothing is (etcd server/etcdserver/txn checkTxn). Which way each transaction
        goes is decided before anything is written, and noted in ``paths``, outer ones first (compareToPath)."""
        succeeded = all(map(self.holds, txn.compares))
        paths.append(succeeded)
        for part in txn.success if succeeded else txn.failure:
            if isinstance(part, Txn):
                refusal = self._impossible(part, paths)
            else:
                refusal = self.unreadable(part) if isinstance(part, Range) else self._unwritable(part)
            if refusal is not None:
                return refusal
        return None

    def _carry_out(self, txn: Txn, revision: int, current: int, paths: Iterator[bool]) -> TxnResult:
        """``current`` is the revision that a reader inside sees: ``revision`` once something is written."""
        succeeded = next(paths)
        responses: list[Response] = []
        for part in txn.success if succeeded else txn.failure:
            if isinstance(part, Txn):
                nested = self._carry_out(part, revision, current, paths)
                current = nested.revision
                responses.append(nested)
            elif isinstance(part, Range):
                responses.append(self.read(part, current))
            else:
                result, events = self._write(part, revision)
                current = revision if events else current
                responses.append(result)
        return TxnResult(current, succeeded, tuple(responses))

    # ------------------------------------------------------------------ leases

    def leased(self, lease: int) -> list[str]:
        """The keys that hang on a lease, sorted."""
        return [key for key in self.keys if self.latest[key].lease == lease]

    def _grant(self, ask: LeaseGrant) -> LeaseGrantResult | EtcdError:
        if ask.id in self.leases:
            return EtcdError(errors.ERR_LEASE_EXISTS)
        self.leases[ask.id] = ask.ttl
        return LeaseGrantResult(self.revision, ask.id, ask.ttl)

    def _revoke(self, ask: LeaseRevoke) -> LeaseRevokeResult | EtcdError:
        if self.leases.pop(ask.id, None) is None:
            return EtcdError(errors.ERR_LEASE_NOT_FOUND)
        if self._delete(self.leased(ask.id), self.revision + 1):
            self.revision += 1
        return LeaseRevokeResult(self.revision)

    # ------------------------------------------------------------------ compaction

    def _compact(self, ask: Compact) -> CompactResult | EtcdError:
        if ask.revision > self.revision:
            return EtcdError(errors.ERR_FUTURE)
        if ask.revision <= self.compacted:
            return EtcdError(errors.ERR_COMPACTED)
        alive = self.as_of(ask.revision, "\0", "\U0010ffff")
        events = self.events_since(ask.revision)
        kept = [Event(event.type, event.kv) if event.kv.mod_revision == ask.revision else event for event in events]
        self.history = Grow(kept)  # the version before the oldest event that is kept is gone
        self.compacted = ask.revision
        self.used = sum([_size(event) for event in kept])
        self.used += sum([RECORD + len(kv.key) + len(kv.value) for kv in alive.values() if kv.mod_revision < ask.revision])
        return CompactResult(self.revision)

    def hash(self, revision: int) -> int:
        """CRC-32 over keys and values as they are stored up to a revision, the same on all members that agree."""
        text = [f"{self.compacted} {revision}".encode()]
        past = self.as_of(max(self.compacted, 1), "\0", "\U0010ffff")
        text += [past[key].key.encode() + past[key].value for key in sorted(past)]
        text += [event.kv.key.encode() + event.kv.value for event in self.history if event.kv.mod_revision <= revision]
        return crc32(b"\n".join(text))


def _size(event: Event) -> int:
    kv = event.kv
    return RECORD + len(kv.key) + len(kv.value) if event.type == "PUT" else TOMBSTONE + len(kv.key)


__all__ = ["MAX_OPS", "RECORD", "TOMBSTONE", "Change", "Result", "Store"]
