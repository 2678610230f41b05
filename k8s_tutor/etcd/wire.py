"""What clients say to etcd about keys: ranges, writes, transactions, watches. Names and meaning are those of etcd's v3 API
(api/etcdserverpb/rpc.proto). Leases, members, alarms and upkeep are in `admin`.

Requests travel inside a `sim.Call`, answers inside a `sim.Reply`. Keys are text, values are bytes. A range is one ``key``
(``end`` empty) or all keys in ``[key, end)``; `prefix_end` gives the ``end`` of a prefix.
"""

from __future__ import annotations

from typing import Union

from k8s_tutor.etcd.errors import (
    ERR_COMPACTED,
    ERR_DUPLICATE_KEY,
    ERR_EMPTY_KEY,
    ERR_FUTURE,
    ERR_TIMEOUT,
    ERR_TOO_LARGE,
    ERR_TOO_MANY_OPS,
)
from k8s_tutor.sim import Body

LAST = "\U0010ffff"
"""The end of a range that goes on to the last key (etcd: a zero byte)."""


def prefix_end(prefix: str) -> str:
    """The first key after all keys that begin with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else LAST


def covers(key: str, end: str, name: str) -> bool:
    """Whether a range (one ``key``, or ``[key, end)``) takes the key ``name``."""
    return key <= name < end if end else name == key


class KeyValue(Body):
    """One key at one revision. ``version`` counts the writes since the key was created; ``lease`` 0: none."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    lease: int = 0


class Range(Body):
    """Reads keys. ``revision`` 0 means now. ``serializable`` reads what this member has, without asking a quorum.

    ``sort_order``: ascend, descend or empty; ``sort_target``: key, version, create, mod or value. The revision bounds
    (0: none) take keys away after the range was counted.
    """

    key: str
    end: str = ""
    revision: int = 0
    limit: int = 0
    serializable: bool = False
    count_only: bool = False
    keys_only: bool = False
    sort_order: str = ""
    sort_target: str = "key"
    min_mod: int = 0
    max_mod: int = 0
    min_create: int = 0
    max_create: int = 0


class RangeResult(Body):
    """``revision`` is the store's revision at the read; ``count`` ignores the limit."""

    revision: int
    kvs: tuple[KeyValue, ...]
    count: int
    more: bool = False


class Put(Body):
    """Writes one key. ``ignore_value`` and ``ignore_lease`` keep what the key has, which must then exist."""

    key: str
    value: bytes
    lease: int = 0
    prev_kv: bool = False
    ignore_value: bool = False
    ignore_lease: bool = False


class PutResult(Body):
    """``previous``, when it was asked for, is what the key held before, or None."""

    revision: int
    previous: KeyValue | None = None


class DeleteRange(Body):
    """Deletes one key or a range."""

    key: str
    end: str = ""
    prev_kv: bool = False


class DeleteResult(Body):
    """``previous``, when it was asked for, holds the deleted keys as they were."""

    revision: int
    deleted: int
    previous: tuple[KeyValue, ...] = ()


class Compare(Body):
    """A condition on one key, or on all keys in ``[key, end)``. ``target``: mod, create, version, lease (integers; 0 for an
    absent key) or value (bytes); ``op``: ``=``, ``!=``, ``<`` or ``>``."""

    key: str
    target: str
    op: str
    value: int | bytes
    end: str = ""


class Txn(Body):
    """If all compares hold, ``success`` is carried out as one revision, else ``failure``. A part may be a `Txn` itself."""

    compares: tuple[Compare, ...]
    success: tuple[Operation, ...]
    failure: tuple[Operation, ...] = ()


Operation = Union[Range, Put, DeleteRange, "Txn"]


class TxnResult(Body):
    """``responses`` are the results of the branch that was taken, in order."""

    revision: int
    succeeded: bool
    responses: tuple[Response, ...]


Response = Union[RangeResult, PutResult, DeleteResult, "TxnResult"]


class WatchCreate(Body):
    """Opens a watch on a key or range, from ``start_revision`` on (0: from now). Answered by `WatchCreated` or `EtcdError`.

    ``no_put`` and ``no_delete`` leave such events out; ``prev_kv`` adds what was there before; ``progress_notify`` asks for
    an empty frame now and then while nothing happens.
    """

    key: str
    end: str = ""
    start_revision: int = 0
    prev_kv: bool = False
    progress_notify: bool = False
    no_put: bool = False
    no_delete: bool = False


class WatchCreated(Body):
    """``watch`` is the id that the events carry; it is the id of the call that created the watch."""

    watch: int
    revision: int


class Event(Body):
    """``type``: PUT or DELETE. A DELETE has only key and revision in ``kv``; ``previous`` is what was there."""

    type: str
    kv: KeyValue
    previous: KeyValue | None = None


class WatchEvents(Body):
    """All events of one revision, in order, for one watch. No events: progress up to ``revision``; it was asked for by hand
    when ``watch`` is -1, and then concerns all watches of the connection."""

    watch: int
    revision: int
    events: tuple[Event, ...]


class WatchCanceled(Body):
    """The watch has ended on the server's side: revisions that it still needed were compacted (then ``compact_revision`` is
    the oldest that there is), or the store was replaced by a snapshot."""

    watch: int
    reason: str
    compact_revision: int = 0


class WatchCancel(Body):
    """Sent by a client, outside a call: it does not want more events of this watch."""

    watch: int


class WatchProgress(Body):
    """Sent by a client, outside a call: up to which revision do my watches know everything?"""


class Compact(Body):
    """Forgets all revisions below this one that are not the latest of their key. ``physical``: answered when they are
    gone, which here they are at once."""

    revision: int
    physical: bool = False


class CompactResult(Body):
    """The store's revision."""

    revision: int


class EtcdError(Body):
    """A request that was refused or ran out of time; ``message`` is etcd's own text."""

    message: str


__all__ = [
    "ERR_COMPACTED", "ERR_DUPLICATE_KEY", "ERR_EMPTY_KEY", "ERR_FUTURE", "ERR_TIMEOUT", "ERR_TOO_LARGE", "ERR_TOO_MANY_OPS",
    "LAST", "Compact", "CompactResult", "Compare", "DeleteRange", "DeleteResult", "EtcdError", "Event", "KeyValue",
    "Operation", "Put", "PutResult", "Range", "RangeResult", "Response", "Txn", "TxnResult", "WatchCancel", "WatchCanceled",
    "WatchCreate", "WatchCreated", "WatchEvents", "WatchProgress", "covers", "prefix_end",
]  # fmt: skip
