"""How a member is set up (etcd server/embed/config.go), and the timers that it keeps."""

from __future__ import annotations

from k8s_tutor.sim import MS, SECOND, Body

REQUEST_TIMEOUT = 7 * SECOND
"""5 s for disk and queue, and two election timeouts (etcd server/config ServerConfig.ReqTimeout)."""
RETRY = 500 * MS
"""How often an unanswered ReadIndex, or a proposal without a leader, is tried again (etcdserver v3_server.go); also how often
the leader looks for expired leases (server/lease lessor.runLoop)."""
HEALTH = 5 * SECOND
"""How long members must have been in touch before the group may be changed (etcdserver HealthInterval)."""
JOIN_RETRY = 1 * SECOND
"""How often a newcomer asks whether it may come in, and a member tells its name until that is known."""
MAX_GAP = 5_000
"""Committed entries that may wait to be applied before requests are refused (maxGapBetweenApplyAndCommitIndex)."""
CLUSTER_ID = 0xCDF818194E3A8C32
"""Of every cluster that was not restored from a backup."""


class MemberConfig(Body):
    """``peers``: (id, process name) of the founders, this member included unless it is to ``join`` them later; then ``id`` is
    given by the group, and the one here only fills the place. ``tick`` in µs, ``quota`` and ``max_request`` in bytes.
    ``variant``: see `raft.make_node`."""

    id: int
    peers: tuple[tuple[int, str], ...]
    variant: str = "raft"
    seed: int = 0
    tick: int = 100 * MS
    election_ticks: int = 10
    heartbeat_ticks: int = 1
    pre_vote: bool = True
    """--pre-vote"""
    first: bool = False
    """This member founds the group: it stands for election as soon as it is there, as the first of those does that others
    join later."""
    join: bool = False
    snapshot_count: int = 10_000
    """Applied entries after which the log is compacted (etcd 3.6 --snapshot-count)."""
    catch_up: int = 5_000
    """Entries that are kept then, for members that are a little behind (--snapshot-catchup-entries)."""
    quota: int = 2 << 30
    """--quota-backend-bytes"""
    max_request: int = 3 << 19
    """--max-request-bytes, 1.5 MiB"""
    progress_interval: int = 600 * SECOND
    """--watch-progress-notify-interval, µs"""

    @property
    def election_timeout(self) -> int:
        """µs."""
        return self.election_ticks * self.tick

    @property
    def min_ttl(self) -> int:
        """The shortest lease, in seconds: one and a half election timeouts (etcdserver NewServer)."""
        return -(-3 * self.election_timeout // (2 * SECOND))


class Tick(Body):
    """A member's clock."""


class RequestTimeout(Body):
    """A member gives up on a request."""

    id: int


class Retry(Body):
    """A member tries again what could not be started for want of a leader."""


class Knock(Body):
    """A newcomer asks again whether it may come in. ``turn``: whom of those that it knows."""

    turn: int


class Synced(Body):
    """The disk has finished writing."""
