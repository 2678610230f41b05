"""The backend: the database file of a member. It holds all that the group has agreed on (keys, leases, members, alarms), and
up to which entry of the log that is (etcd server/storage/backend, schema).

A member applies committed entries to it in order and only once: after a restart it skips those up to ``index``.
"""

from __future__ import annotations

from typing import Any, TypeAlias
from zlib import crc32

import msgspec

from k8s_tutor.etcd.admin import (
    NOSPACE,
    Alarm,
    AlarmResult,
    LeaseGrant,
    LeaseRevoke,
    MemberInfo,
    MemberPublish,
    MemberUpdate,
)
from k8s_tutor.etcd.errors import ERR_MEMBER_NOT_FOUND, ERR_NO_SPACE
from k8s_tutor.etcd.store import Result, Store
from k8s_tutor.etcd.wire import Compact, DeleteRange, EtcdError, Event, KeyValue, Put, Txn
from k8s_tutor.sim import Body, Grow, State

PAGE = 4096
"""Bytes of a page of the file."""
FRESH = 4 * PAGE
"""What the file of a member with no keys uses: it has one page more, which is free (20 kB, 20 % not in use)."""


class Reconfigure(Body):
    """A change of the group that goes into a configuration entry. ``action``: add, promote or remove."""

    action: str
    member: MemberInfo


class Exchange(Body):
    """A change of several members that goes into one configuration entry: who comes and who leaves. Both the old and the new
    group must agree to everything until a second entry ends this state; those who leave leave then."""

    come: tuple[MemberInfo, ...]
    leave: tuple[MemberInfo, ...]


Write: TypeAlias = Put | DeleteRange | Txn | Compact | LeaseGrant | LeaseRevoke | Alarm | MemberPublish | MemberUpdate
"""What goes through Raft. Membership itself changes by configuration entries."""


class Backend(State):
    """State that the same log makes the same on every member, but for ``size``: files differ by when they were defragmented."""

    def __init__(self, cluster_id: int = 0, members: tuple[MemberInfo, ...] = (), founders: tuple[int, ...] = ()) -> None:
        self.cluster_id = cluster_id
        self.founders = founders
        """The voters with whom the log began."""
        self.index = 0
        """The last entry of the log that is in here."""
        self.term = 0
        """Its term."""
        self.store = Store()
        self.members: dict[int, MemberInfo] = {member.id: member for member in members}
        self.removed: dict[int, None] = {}
        """Ids that have left for good and are never given again."""
        self.leaving: dict[int, None] = {}
        """Ids that leave when the joint configuration ends."""
        self.alarms: dict[tuple[int, str], None] = {}
        """(member, alarm) → on."""
        self.size = FRESH + PAGE

    # ------------------------------------------------------------------ size

    @property
    def in_use(self) -> int:
        """Bytes of all pages that hold something."""
        return FRESH + -(-self.store.used // PAGE) * PAGE

    def grow(self) -> None:
        """The file grows when it must and never shrinks by itself: freed pages are used again."""
        self.size = max(self.size, self.in_use + PAGE)

    def defragment(self) -> None:
        """Writes the file anew without its free pages."""
        self.size = self.in_use + PAGE

    # ------------------------------------------------------------------ applying

    def apply(self, write: Write) -> Any:
        """Carries out one committed write. While space is short only what frees some is done (etcdserver applierV3Capped)."""
        if isinstance(write, Alarm):
            return self._alarm(write)
        if isinstance(write, (MemberPublish, MemberUpdate)):
            return self._member(write)
        if self.alarms and self.is_full and grows(write):
            return EtcdError(ERR_NO_SPACE)
        result: Result = self.store.apply(write)
        self.grow()
        return result

    @property
    def is_full(self) -> bool:
        """Whether the alarm NOSPACE is on, of any member."""
        return any(alarm == NOSPACE for _, alarm in self.alarms)

    def _alarm(self, ask: Alarm) -> AlarmResult:
        if ask.action == "activate":
            self.alarms[ask.member, ask.alarm] = None
            return AlarmResult(((ask.member, ask.alarm),))
        found = tuple(
            (member, alarm) for member, alarm in self.alarms if ask.member in (0, member) and ask.alarm in ("", alarm)
        )  # fmt: skip
        if ask.action == "deactivate":
            for one in found:
                del self.alarms[one]
        return AlarmResult(found)

    # ------------------------------------------------------------------ members

    def _member(self, ask: MemberPublish | MemberUpdate) -> MemberInfo | EtcdError:
        known = self.members.get(ask.id)
        if known is None:
            return EtcdError(ERR_MEMBER_NOT_FOUND)
        if isinstance(ask, MemberUpdate):
            return self.keep(MemberInfo(known.id, known.name, ask.peer_urls, known.client_urls, known.learner))
        return self.keep(MemberInfo(known.id, ask.name, known.peer_urls, ask.client_urls, known.learner))

    def reconfigure(self, change: Reconfigure) -> MemberInfo:
        """The group has changed. Returns the member concerned."""
        member = change.member
        if change.action == "remove":
            self.expel(member.id)
            return member
        known = self.members.get(member.id, member)
        if change.action == "promote":
            known = MemberInfo(known.id, known.name, known.peer_urls, known.client_urls, False)
        return self.keep(known)

    def exchange(self, change: Exchange) -> None:
        """The group has begun to change: newcomers belong to it from now on, and so do those who leave, for a while."""
        for member in change.come:
            self.keep(self.members.get(member.id, member))
        self.leaving = dict.fromkeys(member.id for member in change.leave)

    def settle(self) -> None:
        """The joint configuration ends, and who was to leave has left."""
        gone, self.leaving = self.leaving, {}
        for ident in gone:
            self.expel(ident)

    def keep(self, member: MemberInfo) -> MemberInfo:
        """A member is new or has changed."""
        self.members[member.id] = member
        return member

    def expel(self, ident: int) -> None:
        """A member has left for good; its alarms go with it."""
        self.members.pop(ident, None)
        self.removed[ident] = None
        for one in [one for one in self.alarms if one[0] == ident]:
            del self.alarms[one]

    def ordered(self) -> tuple[MemberInfo, ...]:
        """All members by id."""
        return tuple(self.members[ident] for ident in sorted(self.members))

    def next_id(self) -> int:
        """An id that nobody has or had."""
        return max((*self.members, *self.removed), default=0) + 1


def cost(write: Any) -> int:
    """Bytes that a request may add to the file (etcd server/storage/quota.go)."""
    if isinstance(write, Put):
        return 256 + len(write.key) + len(write.value)
    if isinstance(write, Txn):
        return max(sum(map(cost, write.success)), sum(map(cost, write.failure)))
    return 64 if isinstance(write, LeaseGrant) else 0


def grows(write: Any) -> bool:
    """Whether a request may make the file larger."""
    return cost(write) > 0


# ---------------------------------------------------------------------- copies of the whole file


class Image(Body):
    """A backend as one value: what a snapshot carries and a backup holds."""

    cluster_id: int
    founders: tuple[int, ...]
    index: int
    term: int
    revision: int
    compacted: int
    used: int
    size: int
    keys: tuple[KeyValue, ...]
    history: tuple[Event, ...]
    leases: tuple[tuple[int, int], ...]
    members: tuple[MemberInfo, ...]
    removed: tuple[int, ...]
    alarms: tuple[tuple[int, str], ...]
    leaving: tuple[int, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Image).decode


def dump(backend: Backend) -> bytes:
    """The whole file as bytes."""
    store = backend.store
    return _encode(Image(
        backend.cluster_id, backend.founders, backend.index, backend.term, store.revision, store.compacted, store.used,
        backend.size, tuple(store.latest[key] for key in store.keys), tuple(store.history), tuple(store.leases.items()),
        backend.ordered(), tuple(backend.removed), tuple(backend.alarms), tuple(backend.leaving),
    ))  # fmt: skip


def load(data: bytes) -> Backend:
    """The backend that `dump` wrote. Raises ValueError for anything else."""
    try:
        image = _decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError("this is no database of etcd") from error
    backend = Backend(image.cluster_id, image.members, image.founders)
    backend.index, backend.term, backend.size = image.index, image.term, image.size
    backend.removed, backend.alarms = dict.fromkeys(image.removed), dict.fromkeys(image.alarms)
    backend.leaving = dict.fromkeys(image.leaving)
    store = backend.store
    store.revision, store.compacted, store.used = image.revision, image.compacted, image.used
    store.latest = {kv.key: kv for kv in image.keys}
    store.keys, store.history, store.leases = list(store.latest), Grow(list(image.history)), dict(image.leases)
    return backend


def restored(data: bytes, members: tuple[MemberInfo, ...], cluster_id: int, bump: int = 0, compacted: bool = False) -> Backend:
    """A backend for a new cluster with the keys and leases of an old one (``etcdutl snapshot restore``).

    Members, alarms and the place in the log are new. ``bump`` raises the revision, so that no client meets one that it has
    seen before with another content; ``compacted`` marks all up to there as compacted, so that every watch begins anew.
    Raises ValueError for data that is no database.
    """
    old = load(data)
    new = Backend(cluster_id, members, tuple(member.id for member in members))
    new.store = old.store
    if bump:
        new.store.revision += bump
    if compacted:
        new.store.compacted, new.store.history = new.store.revision, Grow()
    new.size = old.size
    return new


def checksum(data: bytes) -> int:
    """What ``etcdutl snapshot status`` calls the hash of a file."""
    return crc32(data)
