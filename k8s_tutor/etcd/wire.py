"""What clients and etcd members say to each other. Names and meaning are those of etcd's v3 API (api/etcdserverpb/rpc.proto).

Requests travel inside a `sim.Call`, answers inside a `sim.Reply`. Keys are text, values are bytes. A range is one ``key``
(``end`` empty) or all keys in ``[key, end)``; `prefix_end` gives the ``end`` of a prefix.
"""

from __future__ import annotations

from k8s_tutor.sim import Body

ERR_TIMEOUT = "etcdserver: request timed out"
ERR_NO_LEADER = "etcdserver: no leader"
ERR_COMPACTED = "etcdserver: mvcc: required revision has been compacted"
ERR_FUTURE = "etcdserver: mvcc: required revision is a future revision"
ERR_TOO_LARGE = "etcdserver: request is too large"
ERR_TOO_MANY_OPS = "etcdserver: too many operations in txn request"
ERR_EMPTY_KEY = "etcdserver: key is not provided"
ERR_DUPLICATE_KEY = "etcdserver: duplicate key given in txn request"


def prefix_end(prefix: str) -> str:
    """The first key after all keys that begin with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else "\U0010ffff"


def covers(key: str, end: str, name: str) -> bool:
    """Whether a range (one ``key``, or ``[key, end)``) takes the key ``name``."""
    return key <= name < end if end else name == key


class KeyValue(Body):
    """One key at one revision. ``version`` counts the writes since the key was created."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    version: int


class Range(Body):
    """Reads keys. ``revision`` 0 means now. ``serializable`` reads what this member has, without asking a quorum."""

    key: str
    end: str = ""
    revision: int = 0
    limit: int = 0
    serializable: bool = False
    count_only: bool = False
    keys_only: bool = False


class RangeResult(Body):
    """``revision`` is the store's revision at the read; ``count`` ignores the limit."""

    revision: int
    kvs: tuple[KeyValue, ...]
    count: int
    more: bool = False


class Put(Body):
    """Writes one key."""

    key: str
    value: bytes


class PutResult(Body):
    """``previous`` is what the key held before, or None."""

    revision: int
    previous: KeyValue | None = None


class DeleteRange(Body):
    """Deletes one key or a range."""

    key: str
    end: str = ""


class DeleteResult(Body):
    """``previous`` holds the deleted keys as they were."""

    revision: int
    deleted: int
    previous: tuple[KeyValue, ...] = ()


class Compare(Body):
    """A condition on one key. ``target``: mod, create, version (integers; 0 for an absent key) or value (bytes);
    ``op``: ``=``, ``!=``, ``<`` or ``>``."""

    key: str
    target: str
    op: str
    value: int | bytes


Operation = Range | Put | DeleteRange


class Txn(Body):
    """If all compares hold, ``success`` is carried out as one revision, else ``failure``."""

    compares: tuple[Compare, ...]
    success: tuple[Operation, ...]
    failure: tuple[Operation, ...] = ()


class TxnResult(Body):
    """``responses`` are the results of the branch that was taken, in order."""

    revision: int
    succeeded: bool
    responses: tuple[RangeResult | PutResult | DeleteResult, ...]


class WatchCreate(Body):
    """Opens a watch on a key or range, from ``start_revision`` on (0: from now). Answered by `WatchCreated` or `EtcdError`."""

    key: str
    end: str = ""
    start_revision: int = 0


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
    """All events of one revision, in order, for one watch. No events: progress up to ``revision``."""

    watch: int
    revision: int
    events: tuple[Event, ...]


class WatchCanceled(Body):
    """The watch has ended on the server's side, e.g. because the store was replaced by a snapshot."""

    watch: int
    reason: str
    compact_revision: int = 0


class WatchCancel(Body):
    """Sent by a client, outside a call: it does not want more events of this watch."""

    watch: int


class Compact(Body):
    """Forgets all revisions below this one that are not the latest of their key."""

    revision: int


class CompactResult(Body):
    """The store's revision."""

    revision: int


class Status(Body):
    """Asks a member how it stands (`etcdctl endpoint status`)."""


class StatusResult(Body):
    """A member's own view: name, id, leader's id (0: none), Raft term and indices, revision, number of keys."""

    name: str
    id: int
    leader: int
    term: int
    index: int
    applied: int
    revision: int
    keys: int


class MemberList(Body):
    """Asks for the members (`etcdctl member list`)."""


class MemberListResult(Body):
    """(id, name) of each member."""

    members: tuple[tuple[int, str], ...]


class EtcdError(Body):
    """A request that was refused or ran out of time; ``message`` is etcd's own text."""

    message: str
