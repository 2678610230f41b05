"""Members on Raft: requests through any of them, watches, reads, lost quorums, crashes, and the naive twin."""

from __future__ import annotations

import pytest

from k8s_tutor.etcd.admin import MemberList, MemberListResult, Status, StatusResult
from k8s_tutor.etcd.member import REQUEST_TIMEOUT
from k8s_tutor.etcd.wire import (
    ERR_COMPACTED,
    ERR_TIMEOUT,
    Compact,
    Compare,
    DeleteRange,
    EtcdError,
    Put,
    PutResult,
    Range,
    RangeResult,
    Txn,
    TxnResult,
    WatchCancel,
    WatchCanceled,
    WatchCreate,
    WatchCreated,
)
from k8s_tutor.sim import MS, SECOND, CallFailed, Link, mix
from k8s_tutor.sim.detect import Detector
from tests.etcd.clients import Group

TIMED_OUT = EtcdError(ERR_TIMEOUT)


def value(answer: object) -> bytes:
    assert isinstance(answer, RangeResult), answer
    return answer.kvs[0].value


# ---------------------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize("size", range(1, 10))
def test_put_range_and_txn_through_any_member(size: int) -> None:
    group = Group(size)
    group.elect()
    for i, name in enumerate(group.names):
        assert group.ask(name, Put(f"key-{i}", b"1")).revision == 2 + 2 * i
        txn = Txn((Compare(f"key-{i}", "version", "=", 1),), (Put(f"key-{i}", b"2"), Range(f"key-{i}")))
        answer = group.ask(name, txn)
        assert isinstance(answer, TxnResult)
        assert answer.succeeded
        for other in group.names:
            assert value(group.ask(other, Range(f"key-{i}"))) == b"2"
    group.run(SECOND)
    group.assert_same_stores()
    assert len(group.member("etcd-1").store.keys) == size


def test_a_request_before_the_first_election_waits_for_the_leader() -> None:
    group = Group(3)
    assert group.ask("etcd-2", Put("a", b"1")) == PutResult(2)
    assert value(group.ask("etcd-3", Range("a"))) == b"1"


def test_status_and_member_list() -> None:
    group = Group(3)
    leader = group.elect()
    group.ask("etcd-1", Put("a", b"1"))
    status = group.ask("etcd-1", Status())
    assert isinstance(status, StatusResult)
    assert (status.name, status.id, status.revision, status.keys) == ("etcd-1", 1, 2, 1)
    assert f"etcd-{status.leader}" == leader
    assert status.index == status.applied == 2, "the leader's empty entry, and the put"
    listed = group.ask("etcd-2", MemberList())
    assert isinstance(listed, MemberListResult)
    assert [(one.id, one.name, one.learner) for one in listed.members] == [(i, f"etcd-{i}", False) for i in (1, 2, 3)]


def test_the_clock_of_a_member_is_housekeeping() -> None:
    group = Group(3)
    group.elect()
    group.ask("etcd-1", Put("a", b"1"))
    assert group.world.settle()
    records = len(group.world.log.records())
    group.run(60 * SECOND)
    assert len(group.world.log.records()) == records


# ---------------------------------------------------------------------------------------------------- watches


def test_a_watch_tells_each_revision_once_and_in_order_from_the_past_and_live() -> None:
    group = Group(3)
    group.elect()
    for i in range(5):
        group.ask("etcd-1", Put(f"/a/{i}", b"x"))
    created = group.ask("etcd-2", WatchCreate("/a/", "/a0", 3))
    assert isinstance(created, WatchCreated)
    group.ask("etcd-3", Txn((), (Put("/a/x", b""), DeleteRange("/a/0", "/a/2"), Put("/b", b""))))
    group.ask("etcd-1", Put("/b", b"not watched"))
    group.ask("etcd-1", Put("/a/y", b""))
    group.run(SECOND)
    frames = group.client().frames
    assert [frame.revision for frame in frames] == [3, 4, 5, 6, 7, 9]
    assert [event.kv.key for event in frames[4].events] == ["/a/x", "/a/0", "/a/1"]
    assert {frame.watch for frame in frames} == {created.watch}


def test_a_watch_from_now_on_and_one_from_the_future() -> None:
    group = Group(1)
    group.elect()
    group.ask("etcd-1", Put("a", b"1"))
    now = group.ask("etcd-1", WatchCreate("a"))
    later = group.ask("etcd-1", WatchCreate("a", start_revision=4))
    for number in (b"2", b"3"):
        group.ask("etcd-1", Put("a", number))
    group.run(SECOND)
    assert [event.kv.value for event in group.client().events(now.watch)] == [b"2", b"3"]
    assert [event.kv.value for event in group.client().events(later.watch)] == [b"3"]


def test_a_member_that_lags_does_not_tell_what_is_older_than_the_watch() -> None:
    group = Group(3)
    leader = group.elect()
    behind = next(name for name in group.names if name != leader)
    others = tuple(name for name in group.names if name != behind)
    group.world.cut(((behind,), others))
    for i in range(3):
        group.ask(leader, Put("a", b"%d" % i))
    created = group.ask(behind, WatchCreate("a", start_revision=4))
    assert created.revision == 1
    group.world.heal()
    group.run(3 * SECOND)
    assert [event.kv.mod_revision for event in group.client().events(created.watch)] == [4]


def test_a_watch_from_a_compacted_revision_is_refused() -> None:
    group = Group(1)
    group.elect()
    for i in range(4):
        group.ask("etcd-1", Put("a", b"%d" % i))
    group.ask("etcd-1", Compact(4))
    refused = group.ask("etcd-1", WatchCreate("a", start_revision=3))
    group.run(SECOND)
    assert group.client().canceled == [WatchCanceled(refused.watch, ERR_COMPACTED, 4)]
    created = group.ask("etcd-1", WatchCreate("a", start_revision=4))
    group.run(SECOND)
    assert [event.kv.mod_revision for event in group.client().events(created.watch)] == [4, 5]


def test_a_cancelled_watch_is_silent_and_the_other_goes_on() -> None:
    group = Group(1)
    group.elect()
    one, other = (group.ask("etcd-1", WatchCreate("a")) for _ in range(2))
    group.world.context.name = "client-0"
    group.world.context.stream("etcd-1", WatchCancel(one.watch))
    group.run(SECOND)
    group.ask("etcd-1", Put("a", b"1"))
    group.run(SECOND)
    assert [frame.watch for frame in group.client().frames] == [other.watch]


def test_a_client_that_is_gone_takes_its_watches_with_it() -> None:
    group = Group(3, clients=2)
    group.elect()
    group.ask("etcd-1", WatchCreate("a"), "client-0")
    group.ask("etcd-1", WatchCreate("a"), "client-1")
    group.world.crash("client-0")
    group.world.dead_hosts.clear()
    group.run(60 * SECOND)
    assert [watcher.client for watcher in group.member("etcd-1").watchers.values()] == ["client-1"]
    group.ask("etcd-1", Put("a", b"1"), "client-1")
    group.run(SECOND)
    assert len(group.client("client-1").events()) == 1


def test_order_is_kept_when_a_cable_is_mended() -> None:
    group = Group(3, clients=2)
    group.elect()
    group.ask("etcd-1", WatchCreate("a", start_revision=1))
    group.world.cut((("client-0",), ("etcd-1",)))
    for i in range(3):
        group.ask("etcd-1", Put("a", b"%d" % i), "client-1")
    group.world.heal()
    for i in range(3, 30):
        group.ask("etcd-1", Put("a", b"%d" % i), "client-1")
    group.run(3 * SECOND)
    assert [frame.revision for frame in group.client().frames] == list(range(2, 32))


# ---------------------------------------------------------------------------------------------------- reads


@pytest.mark.parametrize("seed", range(6))
def test_a_linearizable_read_is_never_older_than_an_acknowledged_put(seed: int) -> None:
    """Members answer at very different speeds; each put is followed at once by a read through every other member."""
    group = Group(5, seed, clients=6, link=Link(latency=MS, jitter=40 * MS, reorder=100_000, loss=150_000))
    group.elect()
    serializable = []
    for number in range(15):
        group.ask(group.names[mix(seed * 100 + number) % 5], Put("a", b"%03d" % number), "client-5")
        if not isinstance(group.client("client-5").answers[f"{group._count}"], PutResult):
            continue
        labels = [group.send(name, Range("a"), f"client-{i}") for i, name in enumerate(group.names)]
        stale = [group.send(name, Range("a", serializable=True), f"client-{i}") for i, name in enumerate(group.names)]
        group.run(8 * SECOND)
        for i, label in enumerate(labels):
            answer = group.client(f"client-{i}").answers[label]
            assert answer == TIMED_OUT or value(answer) == b"%03d" % number
        for i, label in enumerate(stale):
            answer = group.client(f"client-{i}").answers[label]
            serializable.append(bool(answer.kvs) and answer.kvs[0].value == b"%03d" % number)
    assert True in serializable
    assert False in serializable, "no serializable read was ever behind: the test shows nothing"


def test_a_member_that_is_cut_off_answers_serializable_reads_only() -> None:
    group = Group(3)
    leader = group.elect()
    group.ask(leader, Put("a", b"old"))
    group.run(SECOND)
    alone = next(name for name in group.names if name != leader)
    group.world.cut(((alone,), tuple(name for name in group.names if name != alone)))
    group.ask(leader, Put("a", b"new"))
    assert value(group.ask(alone, Range("a", serializable=True))) == b"old"
    assert group.ask(alone, Range("a")) == TIMED_OUT


# ---------------------------------------------------------------------------------------------------- quorum


def test_without_a_quorum_a_request_ends_after_seven_seconds_and_is_served_again_later() -> None:
    group = Group(3)
    leader = group.elect()
    others = [name for name in group.names if name != leader]
    for name in others:
        group.world.crash(name)
    for body in (Put("a", b"lost?"), Range("a")):
        label = group.send(leader, body)
        group.run(REQUEST_TIMEOUT + SECOND)
        assert group.client().answers[label] == TIMED_OUT
        waited = group.client().answered_at[label] - group.client().asked[label]
        assert REQUEST_TIMEOUT <= waited <= REQUEST_TIMEOUT + 10 * MS
    group.world.restart(others[0])
    assert isinstance(group.ask(leader, Put("a", b"1")), PutResult)
    assert value(group.ask(others[0], Range("a"))) == b"1"
    assert not group.member(leader).waiting
    assert not group.member(leader).to_read


def test_a_request_that_waits_for_a_member_to_come_back_is_served_within_its_time() -> None:
    group = Group(3)
    leader = group.elect()
    group.world.crash(leader)
    alone, other = [name for name in group.names if name != leader]
    group.world.crash(other)
    group.run(3 * SECOND)
    label = group.send(alone, Put("a", b"1"))
    group.run(2 * SECOND)
    assert label not in group.client().answers
    group.world.restart(other)
    group.run(5 * SECOND)
    assert isinstance(group.client().answers[label], PutResult)


def test_a_leader_of_a_minority_cannot_commit() -> None:
    group = Group(5)
    old = group.elect()
    friend, *rest = [name for name in group.names if name != old]
    group.ask(old, Put("a", b"before"))
    group.run(SECOND)
    group.world.cut(((old, friend), tuple(rest)))
    commit = group.member(old).node.log.committed
    lonely = group.send(old, Put("a", b"minority"))
    group.run(10 * MS)
    assert old in group.leaders()
    group.run(9 * SECOND)
    assert group.client().answers[lonely] == TIMED_OUT
    assert group.member(old).node.log.committed == commit
    assert old not in group.leaders(), "it has noticed that it reaches no majority"
    assert isinstance(group.ask(rest[0], Put("a", b"majority")), PutResult)
    group.world.heal()
    group.run(5 * SECOND)
    assert value(group.ask(old, Range("a"))) == b"majority"
    group.assert_same_stores()
    assert group.notes("raft.truncated"), "the entry of the minority was thrown away, and said so"


def test_every_commit_names_a_majority() -> None:
    group = Group(5, link=Link(latency=MS, jitter=5 * MS, loss=100_000))
    group.elect()
    for i in range(10):
        group.ask(group.names[i % 5], Put("a", b"%d" % i))
    commits = group.notes("raft.commit")
    assert len(commits) >= 8
    for note in commits:
        assert len(note.fields["acks"]) >= 3
        assert note.actor in note.fields["acks"]
        assert note.fields["members"] == 5


# ---------------------------------------------------------------------------------------------------- crashes


@pytest.mark.parametrize("size", [1, 3])
def test_a_restart_rebuilds_the_same_store(size: int) -> None:
    group = Group(size)
    group.elect()
    for i in range(20):
        group.ask("etcd-1", Put(f"k{i % 7}", b"%d" % i))
    group.ask("etcd-1", DeleteRange("k1", "k3"))
    group.run(SECOND)
    before = group.member("etcd-1").store.copy()
    group.world.crash("etcd-1")
    group.run(3 * SECOND)
    group.world.restart("etcd-1")
    group.run(5 * SECOND)
    after = group.member("etcd-1").store
    assert (after.revision, after.latest, after.keys) == (before.revision, before.latest, before.keys)
    assert list(after.history) == list(before.history)
    assert group.member("etcd-1").watchers == {}


def test_a_request_to_a_member_that_crashes_fails() -> None:
    group = Group(1)
    group.elect()
    group.ask("etcd-1", WatchCreate("a"))
    label = group.send("etcd-1", Put("a", b"1"))
    group.run(1 * MS)
    group.world.crash("etcd-1")
    group.run(60 * SECOND)
    assert isinstance(group.client().answers[label], CallFailed)


def test_nothing_that_is_stored_is_changed_in_place() -> None:
    group = Group(3)
    leader = group.elect()
    group.send(leader, WatchCreate("a", "z", 1))
    for name in group.names:
        group.send(name, Put("a", name.encode()))
        group.send(name, Range("a"))
    detector = Detector(group.world)
    for _ in range(600):
        detector.step()
    assert len(group.client().events()) == 3


# ---------------------------------------------------------------------------------------------------- the naive twin


def test_the_naive_loser_takes_the_winners_log_and_cancels_its_watches() -> None:
    group = Group(3, variant="naive", clients=2)
    group.elect()
    group.ask("etcd-1", Put("a", b"before"))
    group.run(2 * SECOND)
    group.world.cut((("etcd-1", "etcd-2", "client-0"), ("etcd-3", "client-1")))
    group.run(5 * SECOND)
    assert len(group.leaders()) == 2
    for i in range(3):
        assert isinstance(group.ask("etcd-1", Put("a", b"%d" % i), "client-0"), PutResult)
    assert isinstance(group.ask("etcd-3", Put("b", b"lost"), "client-1"), PutResult)
    group.ask("etcd-3", WatchCreate("", "\U0010ffff"), "client-1")
    group.run(SECOND)
    told = len(group.client("client-1").events())
    group.world.heal()
    group.run(10 * SECOND)
    assert len(group.leaders()) == 1
    assert [note.actor for note in group.notes("raft.reset")] == ["etcd-3"]
    assert group.notes("raft.reset")[0].fields["lost"] >= 1
    assert len(group.client("client-1").canceled) == 1
    assert len(group.client("client-1").events()) == told, "the watch is over: the winner's log is not told"
    assert group.member("etcd-3").watchers == {}
    group.assert_same_stores()
    assert "b" not in group.member("etcd-3").store.latest
    assert value(group.ask("etcd-3", Range("a"), "client-1")) == b"2"


# ---------------------------------------------------------------------------------------------------- the sweep


@pytest.mark.parametrize("seed", range(20))
def test_all_stores_are_equal_in_the_end_whatever_happens(seed: int) -> None:
    """Cuts, crashes, pauses and loss, while clients write; every acknowledged write is there in the end, in order."""
    size = (3, 5, 4, 7)[seed % 4]
    group = Group(size, seed, clients=3, link=Link(latency=MS, jitter=3 * MS, loss=30_000, duplicate=30_000, reorder=50_000))
    world, names = group.world, group.names
    group.ask(names[0], WatchCreate("k", "l", 1), "client-2", limit=SECOND)
    sent: dict[str, tuple[str, bytes]] = {}

    def chance(turn: int, bound: int) -> int:
        return mix(seed * 100_000 + turn) % bound

    for turn in range(40):
        victim = names[chance(4 * turn, size)]
        match chance(4 * turn + 1, 8):
            case 0:
                world.crash(victim)
            case 1 | 2:
                for name in names:
                    world.restart(name)
            case 3:
                world.cut(((victim,), tuple(name for name in names if name != victim)))
            case 4:
                half = tuple(names[: chance(4 * turn + 2, size - 1) + 1])
                world.cut((half, tuple(name for name in names if name not in half)), one_way=bool(turn % 3))
            case 5:
                world.heal()
            case 6:
                world.pause(victim)
            case _:
                for name in names:
                    world.resume(name)
        for client in ("client-0", "client-1"):
            content = b"%s %d" % (client.encode(), turn)
            label = group.send(names[chance(4 * turn + 3, size)], Put(f"k{turn % 5}", content), client)
            sent[label] = (client, content)
        group.run(900 * MS)
    world.heal()
    for name in names:
        world.resume(name)
        world.restart(name)
    group.run(35 * SECOND)
    group.assert_same_stores()
    history = [event.kv for event in group.member(names[0]).store.history]
    by_revision = {kv.mod_revision: kv.value for kv in history}
    acknowledged = 0
    for label, (client, content) in sent.items():
        answer = group.client(client).answers[label]
        if isinstance(answer, PutResult):
            acknowledged += 1
            assert by_revision[answer.revision] == content
    assert acknowledged >= 10
    revisions = [frame.revision for frame in group.client("client-2").frames]
    assert revisions == list(range(2, 2 + len(revisions)))
    assert value(group.ask(names[-1], Range(history[-1].key))) == history[-1].value


