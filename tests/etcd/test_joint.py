"""Several members at once: joint consensus through the door, which etcd's own commands do not offer."""

from __future__ import annotations

import json

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, InputError, inputs

SECOND = 1_000_000


def group(managers: int = 3, **fields: object) -> Cluster:
    """A committee at rest."""
    return Cluster(ClusterSpec.model_validate({"managers": managers, "components": "etcd", "workers": 0, "seed": 5, **fields}))


def bring(cluster: Cluster, count: int) -> None:
    """New machines, whose etcd waits."""
    for _ in range(count):
        cluster.give(inputs.AddManager())


def test_two_go_and_two_come_and_both_majorities_count_in_between() -> None:
    of = group()
    of.give(inputs.Kubectl("etcdctl put a 1"))
    of.settle()
    bring(of, 2)
    of.give(inputs.Reconfigure(("cp-4", "cp-5"), ("cp-2", "cp-3")))
    assert of.run_until(lambda now: bool(now.view().raft.outgoing), limit=SECOND)
    raft = of.view().raft
    assert raft.voters == ("etcd-1", "etcd-4", "etcd-5") and raft.outgoing == ("etcd-1", "etcd-2", "etcd-3")
    assert of.run_until(lambda now: not now.view().raft.outgoing, limit=10 * SECOND)
    of.advance(of.now + 3 * SECOND)
    raft = of.view().raft
    assert raft.voters == ("etcd-1", "etcd-4", "etcd-5") and raft.has_quorum
    assert {member.name for member in raft.members if not member.up} == {"etcd-2", "etcd-3"}, "who has left ends"
    of.give(inputs.Kubectl("etcdctl get a"))
    of.give(inputs.Kubectl("etcdctl member list"))
    of.settle()
    got, listed = of.view().console.answers[-2:]
    assert got.stdout == "a\n1\n" and listed.stdout.count("started") == 3 and "etcd-2" not in listed.stdout
    assert not of.broken()
    saved = json.loads(json.dumps(of.save()))
    assert Cluster.load(saved).digest() == of.digest()


def test_a_joint_group_waits_for_a_majority_of_those_who_come() -> None:
    of = group()
    bring(of, 2)
    of.give(inputs.Crash("cp-4"))
    of.give(inputs.Crash("cp-5"))
    of.give(inputs.Reconfigure(("cp-4", "cp-5"), ("cp-2", "cp-3")))
    of.advance(of.now + 2 * SECOND)
    of.give(inputs.Kubectl("etcdctl put a 1"))
    of.advance(of.now + 9 * SECOND)
    assert of.view().raft.outgoing and not of.view().raft.has_quorum
    assert of.view().console.answers[-1].code != 0, "nothing is decided by the old ones alone"
    of.give(inputs.Restart("cp-4"))
    assert of.run_until(lambda now: not now.view().raft.outgoing and bool(now.view().raft.leaders), limit=20 * SECOND)
    assert of.view().raft.voters == ("etcd-1", "etcd-4", "etcd-5") and not of.broken()


def test_a_leader_may_lead_itself_out() -> None:
    of = group()
    bring(of, 1)
    of.give(inputs.Reconfigure(("cp-4",), ("cp-1",)))
    assert of.run_until(lambda now: now.view().raft.voters == ("etcd-2", "etcd-3", "etcd-4"), limit=10 * SECOND)
    assert of.run_until(lambda now: bool(now.view().raft.leaders) and not now.view().raft.outgoing, limit=10 * SECOND)
    assert of.view().raft.leaders[0] != "etcd-1" and not of.broken()


def test_a_member_that_slept_through_it_all_reads_it_up() -> None:
    """Also by snapshot, which carries who is about to leave."""
    of = group(5, etcd={"snapshot_count": 5, "catch_up": 1})
    bring(of, 1)
    of.give(inputs.Crash("cp-5"))
    of.give(inputs.Reconfigure(("cp-6",), ("cp-4",)))
    of.advance(of.now + 4 * SECOND)
    for number in range(12):
        of.give(inputs.Kubectl(f"etcdctl put a {number}"))
        of.settle()
    of.give(inputs.Restart("cp-5"))
    of.advance(of.now + 5 * SECOND)
    raft = of.view().raft
    late = next(member for member in raft.members if member.name == "etcd-5")
    assert late.commit == raft.commit and late.snapshot
    actor = of.world.actor("etcd-5")
    assert sorted(actor.backend.members) == [1, 2, 3, 5, 6] and list(actor.backend.removed) == [4]


def test_one_member_needs_no_joint_group() -> None:
    of = group()
    bring(of, 1)
    of.give(inputs.Reconfigure(("cp-4",)))
    assert of.run_until(lambda now: now.view().raft.size == 4, limit=5 * SECOND)
    assert not of.view().raft.outgoing


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (inputs.Reconfigure(("cp-9",)), "there is no manager named cp-9; there are cp-1, cp-2, cp-3, cp-4"),
        (inputs.Reconfigure((), ("cp-4",)), "etcdserver: member not found"),
        (inputs.Reconfigure(("cp-1",)), "etcdserver: Peer URLs already exists"),
        (inputs.Reconfigure((), ("cp-1", "cp-2", "cp-3")), "the change would leave no voter"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given: inputs.Input, says: str) -> None:
    of = group()
    bring(of, 1)
    with pytest.raises(InputError) as caught:
        of.give(given)
    assert str(caught.value).startswith(says)


def test_a_second_change_waits_for_the_end_of_the_first() -> None:
    of = group()
    bring(of, 3)
    of.give(inputs.Reconfigure(("cp-4", "cp-5"), ("cp-3",)))
    of.run_until(lambda now: bool(now.view().raft.outgoing))
    with pytest.raises(InputError, match="may be unapplied at index"):
        of.give(inputs.Reconfigure(("cp-6",)))


def test_without_a_leader_nobody_proposes() -> None:
    of = group()
    of.give(inputs.Crash("cp-1"))
    with pytest.raises(InputError, match="nobody leads"):
        of.give(inputs.Reconfigure((), ("cp-1", "cp-2")))


def test_the_naive_vote_is_not_capable() -> None:
    of = group(consensus="naive")
    bring(of, 2)
    with pytest.raises(InputError, match="etcdserver: not capable"):
        of.give(inputs.Reconfigure(("cp-4", "cp-5")))


def test_one_movement_of_the_hand_is_one_input() -> None:
    of = group()
    add, change = inputs.AddManager(), inputs.Reconfigure(("cp-4", "cp-5"), ("cp-3",))
    of.give(inputs.Together((add, add, change), "Carol goes, Dave and Erin come"))
    assert len(of.timeline.branch.inputs) == 1
    assert of.run_until(lambda now: now.view().raft.voters == ("etcd-1", "etcd-2", "etcd-4", "etcd-5"), limit=5 * SECOND)
    with pytest.raises(InputError, match="there is no manager named cp-7"):
        of.give(inputs.Together((add, inputs.Reconfigure(("cp-7",))), "too far"))
