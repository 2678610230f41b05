"""The log is compacted, slow members get snapshots, and what was acknowledged survives a crash at any point."""

from __future__ import annotations

import pytest

from k8s_tutor.etcd.admin import LeaseGrant, MemberAdd, Status
from k8s_tutor.etcd.member import Member
from k8s_tutor.etcd.wire import Compact, DeleteRange, EtcdError, Put, PutResult, Range, WatchCreate
from k8s_tutor.raft import Invariants
from k8s_tutor.sim import MS, SECOND, CallFailed
from k8s_tutor.sim.detect import Detector
from tests.etcd.clients import Group
from tests.etcd.test_group import newcomer, opened, url


def test_the_log_is_compacted_and_keeps_some_entries_for_those_a_little_behind() -> None:
    group = Group(3, snapshot_count=10, catch_up=4)
    for i in range(35):
        group.ask("etcd-1", Put("a", b"%d" % i))
    for name in group.names:
        disk = group.member(name).disk
        assert disk.snapshot is not None
        assert disk.snapshot.index >= 30
        assert disk.offset == disk.snapshot.index - 4
        assert disk.last == 36
        assert len(disk.entries) < 15
    assert len(group.notes("raft.compacted")) == 9


def test_who_is_far_behind_is_sent_a_snapshot() -> None:
    group = Group(3, snapshot_count=10, catch_up=4)
    leader = group.elect()
    behind = next(name for name in group.names if name != leader)
    group.ask(leader, LeaseGrant(600, 7))
    watch = group.ask(behind, WatchCreate("a"))
    group.world.cut(((behind,), tuple(name for name in group.names if name != behind)))
    for i in range(40):
        group.ask(leader, Put(f"k{i % 7}", b"%d" % i, lease=7))
    group.ask(leader, Compact(20))
    group.world.heal()
    group.run(3 * SECOND)
    assert [note.fields["to"] for note in group.notes("raft.snapshot.sent")] == [behind]
    group.assert_same_stores()
    assert group.member(behind).store.leases == {7: 600}
    assert [gone.watch for gone in group.client().canceled] == [watch.watch]
    assert isinstance(group.ask(behind, Put("after", b"")), PutResult)


def test_who_is_a_little_behind_is_sent_entries() -> None:
    group = Group(3, snapshot_count=10, catch_up=8)
    leader = group.elect()
    behind = next(name for name in group.names if name != leader)
    for i in range(4):
        group.ask(leader, Put("a", b"%d" % i))
    group.world.cut(((behind,), tuple(name for name in group.names if name != behind)))
    for i in range(8):
        group.ask(leader, Put("a", b"%d" % i))
    group.world.heal()
    group.run(3 * SECOND)
    assert group.notes("raft.compacted")
    assert not group.notes("raft.snapshot.sent")
    group.assert_same_stores()


def test_a_newcomer_gets_a_snapshot_of_a_log_that_was_compacted() -> None:
    group = opened(3, snapshot_count=10, catch_up=2)
    for i in range(25):
        group.ask("etcd-1", Put(f"k{i}", b""))
    group.ask("etcd-1", MemberAdd((url("etcd-4"),)))
    newcomer(group, 4)
    group.run(4 * SECOND)
    assert group.notes("raft.snapshot.sent")
    group.names.append("etcd-4")
    group.assert_same_stores()
    assert group.ask("etcd-4", Status()).name == "etcd-4"
    assert group.member("etcd-1").backend.members[4].started


def test_a_restart_reads_backend_and_the_rest_of_the_log_only() -> None:
    group = Group(1, clients=2, snapshot_count=10, catch_up=3)
    for i in range(47):
        group.ask("etcd-1", Put(f"k{i}", b""))
    before = group.member("etcd-1").store
    group.world.crash("etcd-1")
    group.world.restart("etcd-1")
    member = group.member("etcd-1")
    assert member.store.keys == before.keys
    assert member.node.log.offset >= 40
    assert isinstance(group.ask("etcd-1", Put("after", b""), "client-1"), PutResult)
    assert member.store.revision == 49


# ---------------------------------------------------------------------------------------------------- crashes at every event


def _run(group: Group, crash_at: int, victim: int) -> Group:
    """A short story with a crash after event ``crash_at`` of member ``victim``, restarted a second later; 0: none."""
    world = group.world
    script = [
        LeaseGrant(600, 7), Put("a", b"1", lease=7), Put("b", b"1"), DeleteRange("b"), Put("c", b"1"), Compact(3),
        Put("a", b"2"),
    ]  # fmt: skip
    sent, restart = 0, 0
    while world.now < 4 * SECOND:
        if sent < len(script) and world.now >= (10 + sent) * 150 * MS:
            group.send(group.names[sent % 3], script[sent])
            sent += 1
        world.step(world.now + 50 * MS) or world.run_until(world.now + 50 * MS)
        if world.events == crash_at and group.names[victim] in world.running:
            world.crash(group.names[victim])
            restart = world.now + SECOND
        if restart and world.now >= restart:
            world.restart(group.names[victim])
            restart = 0
    for name in group.names:
        world.restart(name)
    group.run(12 * SECOND)
    return group


def _check(group: Group) -> None:
    """All members agree, and hold what was acknowledged."""
    group.assert_same_stores()
    first = group.member("etcd-1")
    for other in group.up():
        assert other.backend.index == first.backend.index
        assert other.store.leases == first.store.leases
    done = [answer for answer in group.client().answers.values() if not isinstance(answer, (EtcdError, CallFailed))]
    revision = max((answer.revision for answer in done), default=0)
    assert first.store.revision >= revision
    events = {event.kv.mod_revision for event in first.store.history}
    for answer in done:
        if isinstance(answer, PutResult) and answer.revision >= first.store.compacted:
            assert answer.revision in events
    assert isinstance(group.ask("etcd-2", Put("end", b""), "client-1"), PutResult)


def _stories(victim: int, slow: int, step: int) -> None:
    """The story as it is, and with a crash at every ``step``-th event."""

    def story(crash_at: int) -> Group:
        group = Group(3, seed=5, clients=2, snapshot_count=4, catch_up=2)
        for name in group.names:
            group.world.slow_disk(name, slow)
        return _run(group, crash_at, victim)

    whole = story(0)
    _check(whole)
    assert whole.notes("raft.compacted")
    for crash_at in range(60 + victim, 420, step):
        _check(story(crash_at))


@pytest.mark.parametrize("slow", [0, 3 * MS])
@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_crash_at_many_events_of_a_run(victim: int, slow: int) -> None:
    _stories(victim, slow, 12 if slow else 9)


@pytest.mark.long
@pytest.mark.parametrize("slow", [0, 3 * MS])
@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_crash_at_every_event_of_a_run(victim: int, slow: int) -> None:
    _stories(victim, slow, 1)


# ---------------------------------------------------------------------------------------------------- slow disks


def test_a_slow_disk_delays_what_it_must_keep_and_nothing_else() -> None:
    group = Group(1)
    group.elect()
    group.ask("etcd-1", Put("a", b"1"))
    group.world.slow_disk("etcd-1", 40 * MS)
    before = group.world.now
    group.ask("etcd-1", Put("a", b"2"))
    assert 40 * MS <= group.world.now - before < 60 * MS
    before = group.world.now
    group.ask("etcd-1", Range("a"))
    assert group.world.now - before < 10 * MS


def test_a_commit_waits_for_the_second_fastest_disk_of_three() -> None:
    group = Group(3)
    leader = group.elect()
    quick, slow = [name for name in group.names if name != leader]
    group.world.slow_disk(slow, 500 * MS)
    before = group.world.now
    group.ask(leader, Put("a", b"1"))
    assert group.world.now - before < 50 * MS
    group.world.slow_disk(quick, 100 * MS)
    before = group.world.now
    group.ask(leader, Put("a", b"2"))
    assert 100 * MS < group.world.now - before < 200 * MS


def _crash_while_writing(variant: str) -> tuple[int, int]:
    """Entries on a follower's disk that its leader has heard of, and those it had before it crashed in the middle of that."""
    group = Group(3, variant=variant)
    leader = group.elect()
    follower = next(name for name in group.names if name != leader)
    group.ask(leader, Put("a", b"1"))
    group.run(SECOND)
    group.world.slow_disk(follower, 50 * MS)
    group.send(leader, Put("a", b"2"))
    group.world.run_until(lambda world: group.member(follower).syncing is not None)
    group.run(20 * MS)
    told = group.member(leader).node.status().progress[group.member(follower).id].match
    group.world.crash(follower)
    return told, group.world.disks[follower].last


def test_what_was_acknowledged_is_on_disk_unless_the_twin_sends_first() -> None:
    told, kept = _crash_while_writing("raft")
    assert told <= kept
    told, kept = _crash_while_writing("send-before-persist")
    assert told > kept, "it has promised what it does not have"


# ---------------------------------------------------------------------------------------------------- invariants


def test_the_safety_properties_hold_while_members_come_go_and_take_snapshots() -> None:
    group = opened(3, clients=8, snapshot_count=8, catch_up=3)
    group.ask("etcd-1", MemberAdd((url("etcd-4"),)))
    newcomer(group, 4)
    invariants = Invariants()
    for round_ in range(6):
        victim = ["etcd-2", "etcd-3", "etcd-4"][round_ % 3]
        group.world.crash(victim)
        for i in range(12):
            group.ask("etcd-1", Put("a", b"%d" % i), f"client-{round_}")
        group.world.restart(victim)
        end = group.world.now + SECOND
        while group.world.now < end and group.world.step(end):
            for actor in group.world.running.values():
                if isinstance(actor, Member) and actor.id:
                    assert invariants.observe(actor.node) is None
    assert group.notes("raft.snapshot.sent")


def test_nothing_that_is_stored_is_changed_in_place() -> None:
    """Leases, watches, a newcomer, a slow disk, compaction of log and store, a snapshot: all under the detector."""
    group = opened(3, snapshot_count=6, catch_up=2)
    group.world.slow_disk("etcd-2", 3 * MS)
    behind = next(name for name in group.names if name not in ("etcd-1", *group.leaders()))
    group.ask("etcd-1", LeaseGrant(3, 7))
    group.ask("etcd-1", WatchCreate("a", "z", prev_kv=True))
    group.ask("etcd-1", MemberAdd((url("etcd-4"),)))
    newcomer(group, 4)
    group.world.pause(behind)
    for i in range(12):
        group.send("etcd-1", Put(f"k{i % 3}", b"%d" % i, lease=7))
    group.send("etcd-1", Compact(4))
    detector = Detector(group.world)
    for _ in range(250):
        detector.step()
    group.world.resume(behind)
    for _ in range(250):
        detector.step()


def test_a_read_that_waits_is_answered_from_the_snapshot_that_arrives() -> None:
    group = opened(3, snapshot_count=10, catch_up=2)
    slow = next(name for name in group.names if name not in group.leaders())
    leader = group.leaders()[0]
    group.world.cut(((slow,), tuple(name for name in group.names if name != slow)))
    for i in range(25):
        group.ask(leader, Put(f"k{i}", b"x"))
    member = group.member(slow)
    label = group.send(slow, Range("k24"))
    group.run(100 * MS)
    waiting = next(iter(member.to_propose))
    del member.to_propose[waiting]
    member.round = ()
    member.to_read[waiting] = group.member(leader).node.log.applied  # confirmed, and not applied yet
    group.world.heal()
    group.run(3 * SECOND)
    assert group.notes("raft.snapshot.sent")
    assert group.client().answers[label].kvs[0].value == b"x"
