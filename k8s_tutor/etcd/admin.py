"""What operators say to etcd: leases, members, alarms, upkeep. Names as in etcd's v3 API (api/etcdserverpb/rpc.proto)."""

from __future__ import annotations

from k8s_tutor.sim import Body

NOSPACE = "NOSPACE"
CORRUPT = "CORRUPT"

# ---------------------------------------------------------------------- leases


class LeaseGrant(Body):
    """Asks for a lease of ``ttl`` seconds. ``id`` 0: the member draws one."""

    ttl: int
    id: int = 0


class LeaseGrantResult(Body):
    """``ttl`` may be more than was asked for: no lease is shorter than one and a half election timeouts."""

    revision: int
    id: int
    ttl: int


class LeaseRevoke(Body):
    """Ends a lease and deletes its keys, in one revision. The leader asks for this itself when a lease expires."""

    id: int
    expired: bool = False


class LeaseRevokeResult(Body):
    """The store's revision after the keys are gone."""

    revision: int


class LeaseKeepAlive(Body):
    """Renews a lease; any member passes it on to the leader."""

    id: int


class LeaseKeepAliveResult(Body):
    """``ttl`` 0: there is no such lease (any more)."""

    id: int
    ttl: int


class LeaseTimeToLive(Body):
    """Asks how long a lease still lives, and with ``keys`` also for what hangs on it."""

    id: int
    keys: bool = False


class LeaseTimeToLiveResult(Body):
    """Seconds. ``ttl`` -1: there is no such lease (any more)."""

    id: int
    ttl: int
    granted: int = 0
    keys: tuple[str, ...] = ()


class LeaseLeases(Body):
    """Asks for all leases that this member knows."""


class LeaseLeasesResult(Body):
    """Their ids, in order."""

    ids: tuple[int, ...]


# ---------------------------------------------------------------------- members


class MemberInfo(Body):
    """One member. Its ``name`` and client addresses are empty until its process has started and told them."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...] = ()
    learner: bool = False

    @property
    def started(self) -> bool:
        """Whether its process has ever been part of the group."""
        return bool(self.name)


class MemberList(Body):
    """Asks for the members (`etcdctl member list`). ``linearizable``: only with a quorum, as etcdctl does."""

    linearizable: bool = True


class MemberListResult(Body):
    """The members, in order of their ids; those that have left for good; the voters with whom the log began."""

    cluster_id: int
    members: tuple[MemberInfo, ...]
    removed: tuple[int, ...] = ()
    founders: tuple[int, ...] = ()


class MemberAdd(Body):
    """Lets a newcomer in, as a voter or as a learner. Its id is given by the group."""

    peer_urls: tuple[str, ...]
    learner: bool = False


class MemberRemove(Body):
    """Shuts a member out for good."""

    id: int


class MemberPromote(Body):
    """Makes a learner a voter."""

    id: int


class MembersChange(Body):
    """Lets newcomers in, each by its peer address, and shuts members out, all in one change: what Raft's joint consensus is
    for. The leader is told; no client of etcd can ask for this."""

    add: tuple[str, ...] = ()
    remove: tuple[int, ...] = ()


class MemberUpdate(Body):
    """Changes the addresses at which a member's peers reach it."""

    id: int
    peer_urls: tuple[str, ...]


class MemberPublish(Body):
    """A member tells its name and client addresses when it has started (no client asks for this)."""

    id: int
    name: str
    client_urls: tuple[str, ...]


class MemberChanged(Body):
    """What add, remove, promote and update answer: the member concerned, and all of them afterwards."""

    cluster_id: int
    member: MemberInfo
    members: tuple[MemberInfo, ...]


class Removed(Body):
    """A member to one that is no member any more: its process may end (etcd: 410 Gone)."""


# ---------------------------------------------------------------------- alarms and upkeep


class Alarm(Body):
    """``action``: get, activate or deactivate. ``member`` 0 and an empty ``alarm`` mean all."""

    action: str
    member: int = 0
    alarm: str = ""


class AlarmResult(Body):
    """(member id, alarm) of those that are on, or that were switched by this request."""

    alarms: tuple[tuple[int, str], ...]


class Status(Body):
    """Asks a member how it stands (`etcdctl endpoint status`)."""


class StatusResult(Body):
    """A member's own view: name, id, leader's id (0: none), Raft term and indices, revision, number of keys, sizes of its
    database in bytes (the file, and what is in use of it), quota, and errors."""

    name: str
    id: int
    leader: int
    term: int
    index: int
    applied: int
    revision: int
    keys: int
    cluster_id: int = 0
    learner: bool = False
    db_size: int = 0
    in_use: int = 0
    quota: int = 0
    errors: tuple[str, ...] = ()


class HashKV(Body):
    """Asks for a hash over all revisions up to one (0: the latest)."""

    revision: int = 0


class HashKVResult(Body):
    """CRC-32 over keys and values up to ``hash_revision``, from ``compact_revision`` on."""

    hash: int
    compact_revision: int
    hash_revision: int


class Defragment(Body):
    """Gives back the space that the database file does not need any more, on this member alone."""


class DefragmentResult(Body):
    """Sizes of the file in bytes."""

    before: int
    after: int


class SnapshotRequest(Body):
    """Asks for a copy of the whole database, as this member has it."""


class SnapshotBlob(Body):
    """A database: what `backend.load` reads."""

    data: bytes


class MoveLeader(Body):
    """Asks the leader to hand over to another member."""

    target: int


class MoveLeaderResult(Body):
    """Done: the other one leads."""
