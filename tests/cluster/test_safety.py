"""What the committee and the processes show of themselves is computed, not written down."""

from __future__ import annotations

import pytest

from k8s_tutor.cluster import Cluster, inputs
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


def test_two_rooms_of_the_naive_vote_break_state_machine_safety() -> None:
    one = cut_and_written("naive")
    assert any(text.startswith("state-machine safety: ") for text in one.view().raft.breaches)
    one.give(inputs.Heal())
    one.run_until(one.now + 5 * SECOND)
    assert one.view().raft.breaches == ()
    assert one.view().raft.lost > 0


def test_the_same_cut_breaks_nothing_under_raft() -> None:
    assert cut_and_written("raft").view().raft.breaches == ()


@pytest.mark.parametrize("kind", ["scheduler", "controller-manager"])
def test_a_component_shows_what_it_works_on(kind: str) -> None:
    one = cluster()
    one.give(inputs.Kubectl("create deployment web --image=nginx --replicas=3"))

    def doing(c: Cluster) -> str:
        processes = c.view().control_plane.machines[0].processes
        return next(process.doing for process in processes if process.kind == kind)

    assert one.run_until(lambda c: "default/web" in doing(c), 5 * SECOND)
    assert one.settle()
    assert doing(one) == ""
