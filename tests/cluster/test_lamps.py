"""The promises of consensus, watched at every message, over the whole run so far."""

from __future__ import annotations

import pytest

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.cluster.views import LampView
from k8s_tutor.sim import SECOND
from tests.cluster.helpers import cluster, kubectl

ROOMS = {"A": ["cp-1", "cp-2"], "B": ["cp-3", "cp-4"]}
CLIENTS = {"amy": {"room": "A"}, "ben": {"room": "B"}}


def cut_and_written(consensus: str) -> Cluster:
    one = cluster(managers=4, workers=0, components="etcd", consensus=consensus, rooms=ROOMS, clients=CLIENTS)
    one.give(inputs.Cut((("A",), ("B",))))
    one.run_until(one.now + 6 * SECOND)
    kubectl(one, "etcdctl put site five", client="amy")
    kubectl(one, "etcdctl put site three", client="ben")
    return one


def broken(one: Cluster) -> dict[str, LampView]:
    return {lamp.property: lamp for lamp in one.view().raft.invariants if not lamp.ok}


def test_lamps_name_the_event_that_broke_a_promise() -> None:
    one = cut_and_written("naive")
    lamp = broken(one)["state-machine safety"]
    assert "etcd-" in lamp.sentence and lamp.message
    assert one.why(lamp.message)[-1].id == lamp.message
    one.goto(lamp.broken_at_event)
    assert broken(one)["state-machine safety"] == lamp
    assert one.back()
    assert "state-machine safety" not in broken(one)
    one.checkout("main")
    assert broken(one)["state-machine safety"] == lamp


def test_lamps_stay_red_after_the_wound_has_healed() -> None:
    one = cut_and_written("naive")
    one.give(inputs.Heal())
    one.run_until(one.now + 5 * SECOND)
    view = one.view().raft
    assert view.breaches == ()
    assert not next(lamp for lamp in view.invariants if lamp.property == "state-machine safety").ok


def test_raft_keeps_all_lamps_green_in_the_same_run() -> None:
    view = cut_and_written("raft").view().raft
    assert [lamp.property for lamp in view.invariants] == [
        "election safety", "leader append-only", "log matching", "leader completeness", "state-machine safety", "progress",
    ]  # fmt: skip
    assert all(lamp.ok for lamp in view.invariants)
    assert len({lamp.promise for lamp in view.invariants}) == 6


@pytest.mark.parametrize("consensus", ["raft", "naive"])
def test_another_future_has_lamps_of_its_own(consensus: str) -> None:
    one = cut_and_written(consensus)
    expected = broken(one)
    one.goto(one.timeline.branch_start)
    one.give(inputs.Crash("cp-4"))
    one.run_until(one.now + 5 * SECOND)
    assert broken(one) == {}
    one.checkout("main")
    assert broken(one) == expected
    assert broken(one.fork()) == expected


def test_members_that_come_and_go_and_a_restored_group_break_nothing() -> None:
    one = cluster(managers=3, workers=0, components="etcd")
    one.give(inputs.AddManager())
    kubectl(one, "etcdctl member add etcd-4 --peer-urls=https://etcd-4:2380")
    one.run_until(one.now + 8 * SECOND)
    kubectl(one, "etcdctl snapshot save backup.db")
    kubectl(one, "etcdctl put a b")
    one.give(inputs.RemoveManager("cp-2"))
    one.give(inputs.Crash("cp-1"))
    one.run_until(one.now + 4 * SECOND)
    one.give(inputs.Restart("cp-1"))
    one.run_until(one.now + 4 * SECOND)
    kubectl(one, "etcdutl snapshot restore backup.db")
    one.run_until(one.now + 4 * SECOND)
    assert kubectl(one, "etcdctl put a c").code == 0
    assert broken(one) == {}


def test_a_calm_hour_before_a_restore_is_no_time_without_a_leader() -> None:
    one = cluster(managers=3, workers=0, components="etcd")
    kubectl(one, "etcdctl snapshot save f.db")
    one.run_until(one.now + 60 * SECOND)
    one.give(inputs.Restore("f.db"))
    one.run_until(one.now + 10 * SECOND)
    assert one.view().raft.leaders and not broken(one)


def test_managers_thrown_away_without_a_vote_are_missed_and_nobody_is_to_blame() -> None:
    one = cluster(managers=3, workers=0, components="etcd")
    for machine in ("cp-2", "cp-3"):
        one.give(inputs.RemoveManager(machine))
    one.run_until(one.now + 90 * SECOND)
    assert not one.view().raft.leaders and not broken(one)


@pytest.mark.parametrize("fault", [inputs.SlowDisk("cp-1", 3 * SECOND), inputs.ClockSkew("cp-1", 900)])
def test_a_slow_disk_or_a_wrong_clock_is_no_calm_time(fault: inputs.Input) -> None:
    one = cluster(managers=1, workers=0, components="etcd")
    one.give(fault)
    one.give(inputs.Restart("etcd-1"))
    one.run_until(one.now + 60 * SECOND)
    assert not broken(one)
