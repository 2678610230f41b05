"""Leases: keys that hang on them, renewal through any member, expiry by the leader, and what a new leader knows."""

from __future__ import annotations

from k8s_tutor.etcd import errors
from k8s_tutor.etcd.admin import (
    LeaseGrant,
    LeaseGrantResult,
    LeaseKeepAlive,
    LeaseKeepAliveResult,
    LeaseLeases,
    LeaseLeasesResult,
    LeaseRevoke,
    LeaseTimeToLive,
    LeaseTimeToLiveResult,
)
from k8s_tutor.etcd.wire import Compare, EtcdError, Put, Range, Txn, WatchCreate
from k8s_tutor.sim import SECOND
from tests.etcd.clients import Group


def test_a_lease_is_granted_with_a_drawn_or_a_given_id_and_is_never_too_short() -> None:
    group = Group(3)
    drawn = group.ask("etcd-2", LeaseGrant(10))
    assert isinstance(drawn, LeaseGrantResult)
    assert (drawn.id > 0, drawn.ttl) == (True, 10)
    assert group.ask("etcd-1", LeaseGrant(1, 7)) == LeaseGrantResult(1, 7, 2)
    assert group.ask("etcd-1", LeaseGrant(9, 7)) == EtcdError(errors.ERR_LEASE_EXISTS)
    assert group.ask("etcd-1", LeaseGrant(9_000_000_001)) == EtcdError(errors.ERR_TTL_TOO_LARGE)
    assert group.ask("etcd-3", LeaseLeases()) == LeaseLeasesResult((7, drawn.id))


def test_a_put_hangs_a_key_on_a_lease_and_the_next_one_takes_it_off() -> None:
    group = Group(1)
    assert group.ask("etcd-1", Put("a", b"", lease=7)) == EtcdError(errors.ERR_LEASE_NOT_FOUND)
    group.ask("etcd-1", LeaseGrant(60, 7))
    group.ask("etcd-1", Put("a", b"1", lease=7))
    group.ask("etcd-1", Put("b", b"1", lease=7))
    assert group.ask("etcd-1", LeaseTimeToLive(7, keys=True)).keys == ("a", "b")
    assert group.ask("etcd-1", Txn((Compare("a", "lease", "=", 7),), ())).succeeded
    group.ask("etcd-1", Put("b", b"2"))
    group.ask("etcd-1", Put("a", b"2", ignore_lease=True))
    assert group.ask("etcd-1", LeaseTimeToLive(7, keys=True)).keys == ("a",)


def test_revoking_deletes_all_keys_in_one_revision() -> None:
    group = Group(3)
    group.ask("etcd-1", LeaseGrant(60, 7))
    for key in "abc":
        group.ask("etcd-1", Put(key, b"", lease=7))
    group.ask("etcd-1", WatchCreate("a", "z"))
    assert group.ask("etcd-2", LeaseRevoke(7)).revision == 5
    group.run(SECOND)
    frame = group.client().frames[-1]
    assert (frame.revision, [event.kv.key for event in frame.events]) == (5, ["a", "b", "c"])
    assert group.ask("etcd-2", LeaseRevoke(7)) == EtcdError(errors.ERR_LEASE_NOT_FOUND)
    group.assert_same_stores()


def test_a_lease_expires_and_takes_its_keys_on_every_member() -> None:
    group = Group(3)
    group.elect()
    group.ask("etcd-1", LeaseGrant(5, 7))
    group.ask("etcd-1", Put("a", b"", lease=7))
    group.run(4 * SECOND)
    assert group.ask("etcd-2", LeaseTimeToLive(7)).ttl <= 1
    assert group.ask("etcd-1", Range("a")).count == 1
    group.run(2 * SECOND)
    for name in group.names:
        assert group.ask(name, Range("a", serializable=True)).count == 0
    assert group.ask("etcd-1", LeaseTimeToLive(7)) == LeaseTimeToLiveResult(7, -1)
    assert group.ask("etcd-1", LeaseKeepAlive(7)) == LeaseKeepAliveResult(7, 0)
    assert [note.fields["keys"] for note in group.notes("etcd.lease.expired")] == [1]


def test_keep_alive_through_any_member_renews_it() -> None:
    group = Group(3)
    group.elect()
    group.ask("etcd-1", LeaseGrant(5, 7))
    for turn in range(6):
        group.run(3 * SECOND)
        assert group.ask(group.names[turn % 3], LeaseKeepAlive(7)) == LeaseKeepAliveResult(7, 5)
    assert group.ask("etcd-2", LeaseTimeToLive(7)).granted == 5


def test_a_new_leader_gives_every_lease_its_whole_time_again() -> None:
    group = Group(3)
    leader = group.elect()
    group.ask(leader, LeaseGrant(10, 7))
    group.run(9 * SECOND)
    group.world.crash(leader)
    other = next(name for name in group.names if name != leader)
    assert group.ask(other, LeaseTimeToLive(7)).ttl >= 8
    group.run(6 * SECOND)
    assert group.ask(other, LeaseTimeToLive(7)).ttl > 0
    group.run(8 * SECOND)
    assert group.ask(other, LeaseTimeToLive(7)).ttl == -1


def test_without_a_quorum_nothing_expires() -> None:
    group = Group(3)
    leader = group.elect()
    group.ask(leader, LeaseGrant(5, 7))
    for name in group.names:
        if name != leader:
            group.world.crash(name)
    group.run(20 * SECOND)
    assert group.member(leader).store.leases == {7: 5}


def test_leases_survive_a_restart_of_everybody() -> None:
    group = Group(3, clients=2)
    group.ask("etcd-1", LeaseGrant(30, 7))
    group.ask("etcd-1", Put("a", b"", lease=7))
    for name in group.names:
        group.world.crash(name)
    for name in group.names:
        group.world.restart(name)
    assert group.ask("etcd-1", LeaseTimeToLive(7, keys=True), "client-1").keys == ("a",)
