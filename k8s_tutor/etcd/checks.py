"""What is wrong with a request whatever the store holds (etcd server/etcdserver/api/v3rpc/key.go). The member that takes a
request checks this before it asks anybody else."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from k8s_tutor.etcd import errors
from k8s_tutor.etcd.admin import LeaseGrant
from k8s_tutor.etcd.wire import DeleteRange, EtcdError, Put, Range, Txn, covers

MAX_OPS = 128
"""Operations of one transaction (etcd --max-txn-ops)."""
MAX_TTL = 9_000_000_000
"""The longest lease, in seconds (lease.MaxLeaseTTL)."""


def malformed(body: Any) -> EtcdError | None:
    """Why a request cannot be carried out by any store, or None."""
    text = ""
    if isinstance(body, Txn):
        text = _whole_txn(body)
    elif isinstance(body, Put):
        text = _put(body)
    elif isinstance(body, (Range, DeleteRange)):
        text = "" if body.key else errors.ERR_EMPTY_KEY
    elif isinstance(body, LeaseGrant):
        text = errors.ERR_TTL_TOO_LARGE if body.ttl > MAX_TTL else ""
    return EtcdError(text) if text else None


def _put(put: Put) -> str:
    if not put.key:
        return errors.ERR_EMPTY_KEY
    if put.ignore_value and put.value:
        return errors.ERR_VALUE_PROVIDED
    if put.ignore_lease and put.lease:
        return errors.ERR_LEASE_PROVIDED
    return ""


@lru_cache(maxsize=256)
def _whole_txn(txn: Txn) -> str:
    """Remembered, for it is asked by the member that takes the request and by each that applies it."""
    text = _txn(txn, MAX_OPS)
    if not text:
        try:
            _written(txn.success)
            _written(txn.failure)
        except _Twice:
            text = errors.ERR_DUPLICATE_KEY
    return text


def _txn(txn: Txn, most: int) -> str:
    """A nested transaction may have as many operations as those around it leave over (checkTxnRequest)."""
    largest = max(len(txn.compares), len(txn.success), len(txn.failure))
    if largest > most:
        return errors.ERR_TOO_MANY_OPS
    if not all(compare.key for compare in txn.compares):
        return errors.ERR_EMPTY_KEY
    for part in (*txn.success, *txn.failure):
        if isinstance(part, Txn):
            wrong = _txn(part, most - largest)
        elif isinstance(part, Put):
            wrong = _put(part)
        else:
            wrong = "" if part.key else errors.ERR_EMPTY_KEY
        if wrong:
            return wrong
    return ""


class _Twice(Exception):
    """A key is put twice, or put and deleted."""


def _written(branch: tuple[Any, ...]) -> tuple[dict[str, None], list[DeleteRange]]:
    """Keys that a branch puts, and ranges that it deletes. One revision holds one event of a key, so a key must not be put
    twice, or put and deleted; overlapping deletes are fine, and so are the two ways of a nested transaction (checkIntervals).
    """
    if len(branch) == 1 and isinstance(branch[0], Put):
        return {branch[0].key: None}, []
    puts: dict[str, None] = {}
    gone = [part for part in branch if isinstance(part, DeleteRange)]
    below: list[DeleteRange] = []
    for part in branch:
        if isinstance(part, Txn):
            (then, then_gone), (other, other_gone) = _written(part.success), _written(part.failure)
            for key in {**then, **other}:
                _take(key, puts, gone)
            below += then_gone + other_gone
    for part in branch:
        if isinstance(part, Put):
            _take(part.key, puts, gone + below)
    return puts, gone + below


def _take(key: str, puts: dict[str, None], gone: list[DeleteRange]) -> None:
    if key in puts or any(covers(one.key, one.end, key) for one in gone):
        raise _Twice
    puts[key] = None
