"""The naive twin: right while nothing is cut, and wrong in just the ways that the lesson shows."""

from __future__ import annotations

import pytest
from raft_harness import Group

from k8s_tutor.raft import BROKEN_RULES, Config, Invariants, NaiveNode, RaftNode, Role, make_node


def naive(size: int, **config: int) -> Group:
    return Group(size, kind=NaiveNode, invariants=Invariants(()), **config)


def until_led(group: Group, member: int, ticks: int = 200) -> int:
    """Ticks until ``member`` follows or is a leader; returns that leader."""
    for _ in range(ticks):
        group.tick()
        if group.nodes[member].leader in group.nodes and group.nodes[group.nodes[member].leader].role is Role.LEADER:
            return int(group.nodes[member].leader)
    raise AssertionError("no leader")


@pytest.mark.parametrize("size", range(1, 10))
def test_an_uncut_group_elects_one_leader_and_commits(size: int) -> None:
    group = naive(size, seed=size)
    leader = until_led(group, 1)
    group.tick(25)
    assert len(group.leaders()) == 1
    leader = group.leaders()[0]
    group.propose(leader, b"olives")
    group.settle()
    group.tick(2)
    assert all(group.data(member) == [b"olives"] for member in group.nodes)
    assert all(node.status().lost == 0 for node in group.nodes.values())


def test_alone_one_is_a_majority_of_one() -> None:
    group = naive(3)
    group.elect(1)
    group.isolate(3)
    group.tick(60)
    group.propose(3, b"mine")
    group.tick(2)
    assert group.data(3) == [b"mine"]
    assert group.leaders() == [1, 3]


@pytest.mark.parametrize(
    ("size", "rooms"), [(4, ((1, 2), (3, 4))), (5, ((1, 2, 3), (4, 5))), (5, ((1, 2), (3, 4, 5))), (2, ((1,), (2,)))]
)
@pytest.mark.parametrize("seed", range(4))
def test_both_rooms_of_a_cut_group_lead_and_commit(size: int, rooms: tuple[tuple[int, ...], ...], seed: int) -> None:
    group = naive(size, seed=seed)
    group.elect(1)
    group.propose(1, b"before")
    group.settle()
    group.cut(*rooms)
    group.tick(60)
    assert len(group.leaders()) == 2
    for room, order in zip(rooms, (b"scale to 5", b"scale to 3"), strict=True):
        leader = group.nodes[room[0]].leader
        assert leader in room
        group.propose(leader, order)
        group.tick(3)
        assert all(group.data(member) == [b"before", order] for member in room)


def test_raft_in_the_same_cut_lets_neither_room_go_on() -> None:
    group = Group(4)
    group.elect(1)
    group.cut((1, 2), (3, 4))
    group.tick(60)
    assert group.leaders() == []


def cut_in_two(seed: int = 0, orders: tuple[int, int] = (3, 1)) -> tuple[Group, int, int]:
    """Four cut two and two; each room commits so many orders. Returns the leaders of the rooms."""
    group = naive(4, seed=seed)
    group.elect(1)
    group.propose(1, b"before")
    group.settle()
    group.cut((1, 2), (3, 4))
    group.tick(60)
    leaders = (group.nodes[1].leader, group.nodes[3].leader)
    for leader, count, room in zip(leaders, orders, (b"left", b"right"), strict=True):
        for number in range(count):
            group.propose(leader, room + b" %d" % number)
    group.tick(3)
    return group, *leaders


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("orders", "winner"), [((4, 1), 0), ((1, 6), 1)])
def test_when_the_cable_is_mended_the_longer_log_wins(seed: int, orders: tuple[int, int], winner: int) -> None:
    group, *leaders = cut_in_two(seed, orders)
    lost_room, won_room = ((3, 4), (1, 2)) if winner == 0 else ((1, 2), (3, 4))
    word = (b"left", b"right")[winner]
    group.heal()
    group.tick(30)
    assert group.leaders() == [leaders[winner]]
    expected = [b"before", *(word + b" %d" % number for number in range(orders[winner]))]
    assert all(group.data(member) == expected for member in group.nodes)
    assert all(group.nodes[member].status().lost >= min(orders) for member in lost_room)
    assert all(group.nodes[member].status().lost == 0 for member in won_room)
    for member in lost_room:
        assert group.disks[member].snapshot is not None, "the stored log was replaced as a whole"
    group.propose(leaders[winner], b"after")
    group.tick(2)
    assert all(group.data(member) == [*expected, b"after"] for member in group.nodes)


def test_a_tie_goes_to_the_lower_id_even_when_terms_are_equal() -> None:
    group = naive(2)
    group.isolate(1)
    group.nodes[1].campaign()
    group.nodes[2].campaign()
    group.serve(1)
    group.serve(2)
    group.tick(15)
    assert group.leaders() == [1, 2]
    assert group.nodes[1].term == group.nodes[2].term
    group.propose(1, b"one")
    group.propose(2, b"two")
    assert group.nodes[1].log.last == group.nodes[2].log.last
    group.heal()
    group.tick(5)
    assert group.leaders() == [1]
    assert group.data(1) == group.data(2) == [b"one"]
    assert group.nodes[2].status().lost == 1


def test_the_loser_starts_its_state_machine_again_from_index_1() -> None:
    group, _, loser = cut_in_two(orders=(3, 1))
    before = list(group.applied[loser])
    group.heal()
    group.tick(30)
    assert group.applied[loser] != before
    assert [entry.index for entry in group.applied[loser]] == list(range(1, len(group.applied[loser]) + 1))


@pytest.mark.parametrize("member", [1, 2, 3])
def test_a_restarted_member_comes_back_with_its_log(member: int) -> None:
    group = naive(3)
    group.elect(1)
    for number in range(5):
        group.propose(1, b"%d" % number)
        group.settle()
    group.crash(member)
    group.tick(40)
    group.restart(member)
    group.tick(60)
    assert len(group.leaders()) == 1
    group.propose(group.leaders()[0], b"more")
    group.tick(3)
    assert all(group.data(other) == [b"0", b"1", b"2", b"3", b"4", b"more"] for other in group.nodes)
    assert all(node.status().lost == 0 for node in group.nodes.values())


def test_a_loser_that_restarts_after_its_loss_comes_back_with_the_winners_log() -> None:
    group, winner, loser = cut_in_two(orders=(3, 1))
    group.heal()
    group.tick(30)
    group.crash(loser)
    group.restart(loser)
    group.tick(30)
    assert group.data(loser) == group.data(winner)


def test_reads_are_answered_in_both_rooms_and_disagree() -> None:
    group, left, right = cut_in_two(orders=(3, 1))
    for leader in (left, right):
        group.nodes[leader].read_index(b"how many?")
        group.serve(leader)
    assert group.read_states[left][-1].index != group.read_states[right][-1].index


def test_a_copy_goes_its_own_way() -> None:
    group = naive(1)
    group.elect(1)
    node = group.nodes[1]
    twin = node.copy()
    node.propose(b"original")
    twin.propose(b"copy")
    assert node.ready().entries[-1].data == b"original"
    assert twin.ready().entries[-1].data == b"copy"


def test_variants_are_chosen_by_name_and_say_what_they_break() -> None:
    config = Config(id=1, voters=(1, 2, 3))
    assert type(make_node("raft", config)) is RaftNode
    assert type(make_node("naive", config)) is NaiveNode
    assert {"raft", "naive"} <= set(BROKEN_RULES)
    assert BROKEN_RULES["naive"]
    with pytest.raises(ValueError, match="'paxos' does not exist; choose one of raft, naive,"):
        make_node("paxos", config)


@pytest.mark.parametrize("seed", range(30))
def test_a_storm_leaves_naive_members_agreeing_in_the_end(seed: int) -> None:
    """Whatever it loses, its Ready contract holds (the harness checks it) and it goes on once all is mended."""
    from raft_harness import Faults

    group = naive(3 + seed % 3, seed=seed)
    group.storm(200, Faults(read=0.0))
    group.calm(limit=300)
    logs = {tuple(entry.data for entry in group.applied[member]) for member in group.nodes}
    assert len(logs) == 1
