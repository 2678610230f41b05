"""Replication, repair, commitment and flow control: paper sections 5.3 and 5.4.2."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from raft_harness import Group, messages_of

from k8s_tutor.raft import Config, Entry, HardState, Message, MessageType, ProgressState, RaftNode, Role

APPEND, APPEND_RESPONSE = MessageType.APPEND, MessageType.APPEND_RESPONSE
HEARTBEAT = MessageType.HEARTBEAT


def entries(*terms: int) -> tuple[Entry, ...]:
    return tuple(Entry(index, term) for index, term in enumerate(terms, 1))


def with_logs(logs: dict[int, tuple[int, ...]], term: int) -> Group:
    """A group whose members come back with these logs, all in ``term``."""
    group = Group(len(logs), check_quorum=False)
    for member, terms in logs.items():
        group.disks[member].entries = list(entries(*terms))
        group.disks[member].hard_state = HardState(term, 0, 0)
        group.restart(member)
    return group


def terms(node: RaftNode) -> list[int]:
    return [node.log.term(index) for index in range(1, node.log.last + 1)]


def test_a_commit_takes_a_majority_and_reaches_everybody() -> None:
    group = Group(5)
    group.elect(1)
    for member in (3, 4, 5):
        group.crash(member)
    group.propose(1, b"x")
    group.settle()
    assert group.nodes[1].status().commit == 1, "two of five are no majority"
    group.restart(3)
    group.tick(3)
    assert group.data(1) == group.data(2) == group.data(3) == [b"x"]


def test_one_proposal_on_the_wire() -> None:
    """The whole conversation, as the wire panel shows it."""
    group = Group(3)
    group.elect(1)
    group.tick()
    group.keep = True
    group.propose(1, b"x")
    group.settle()
    lines = [
        f"{m.sender}>{m.to} {m.type.name} index={m.index} entries={len(m.entries)} commit={m.commit}"
        for m in group.log
    ]
    assert lines == [
        "1>2 APPEND index=1 entries=1 commit=1",
        "1>3 APPEND index=1 entries=1 commit=1",
        "2>1 APPEND_RESPONSE index=2 entries=0 commit=0",
        "3>1 APPEND_RESPONSE index=2 entries=0 commit=0",
        "1>2 APPEND index=2 entries=0 commit=2",
        "1>3 APPEND index=2 entries=0 commit=2",
        "2>1 APPEND_RESPONSE index=2 entries=0 commit=0",
        "3>1 APPEND_RESPONSE index=2 entries=0 commit=0",
    ]


FIGURE_7 = (1, 1, 1, 4, 4, 5, 5, 6, 6, 6)


@pytest.mark.parametrize(
    "log",
    [
        (1, 1, 1, 4, 4, 5, 5, 6, 6),  # (a) one missing
        (1, 1, 1, 4),  # (b) many missing
        (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),  # (c) one too many
        (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),  # (d) an unknown term too many
        (1, 1, 1, 4, 4, 4, 4),  # (e) missing and too many
        (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),  # (f) two foreign terms
        (),
    ],
)
def test_figure_7_any_follower_is_brought_to_the_leaders_log(log: tuple[int, ...]) -> None:
    group = with_logs({1: FIGURE_7, 2: log, 3: FIGURE_7[:-1]}, term=7)
    group.campaign(1)
    group.settle()
    assert group.nodes[1].role is Role.LEADER
    assert terms(group.nodes[2]) == [*FIGURE_7, 8]
    assert group.nodes[2].status().commit == 11


@pytest.mark.parametrize(
    ("leader", "other", "probes"),
    [
        ((1, 3, 3, 3, 5, 5, 5, 5, 5), (1, 1, 1, 1, 2, 2), 3),
        ((1, 3, 3, 3, 3, 3, 3, 3, 7), (1, 3, 3, 4, 4, 5, 5, 5, 6), 3),
        ((1,) * 200, (1,) * 50, 2),
    ],
)
def test_repair_skips_whole_terms(leader: tuple[int, ...], other: tuple[int, ...], probes: int) -> None:
    """The examples of etcd's raft.go: a few probes find where the logs part, whatever their length."""
    group = with_logs({1: leader, 2: other, 3: leader}, term=8)
    group.campaign(1)
    group.settle(until=lambda: group.nodes[1].role is Role.LEADER)
    group.keep = True
    group.settle()
    appends = [m for m in group.log if m.to == 2 and m.type is APPEND]
    refused = [m for m in group.log if m.sender == 2 and m.type is APPEND_RESPONSE and m.reject]
    assert len(refused) < probes
    assert len(appends) <= probes + 2
    assert terms(group.nodes[2]) == [*leader, 9]


@pytest.mark.parametrize(
    ("message", "log", "answer"),
    [
        (Message(APPEND, 1, 2, 2, 2, 2, (Entry(3, 2),)), [1, 2, 2], (3, False)),
        (Message(APPEND, 1, 2, 2, 1, 1, (Entry(2, 2), Entry(3, 2))), [1, 2, 2], (3, False)),
        (Message(APPEND, 1, 2, 2, 0, 0, (Entry(1, 1),)), [1, 2], (1, False)),  # late and short: nothing is cut off
        (Message(APPEND, 1, 2, 2, 3, 2, (Entry(4, 2),)), [1, 2], (3, True)),  # a gap
        (Message(APPEND, 1, 2, 3, 2, 3, (Entry(3, 3),)), [1, 2], (2, True)),  # another term there
        (Message(APPEND, 1, 2, 3, 1, 1, (Entry(2, 3),)), [1, 3], (2, False)),  # a conflict is overwritten
    ],
)
def test_the_consistency_check_of_append_entries(message: Message, log: list[int], answer: tuple[int, bool]) -> None:
    node = RaftNode.restart(Config(id=1, voters=(1, 2, 3)), HardState(2, 0, 0), entries(1, 2))
    node.step(message)
    assert terms(node) == log
    (response,) = node.ready().messages
    assert (response.index, response.reject) == answer


def test_figure_8_an_old_terms_entry_waits_for_one_of_the_new_term() -> None:
    group = with_logs({1: (1, 2), 2: (1, 2), 3: (1,)}, term=3)
    group.campaign(1)
    group.settle(until=lambda: group.nodes[1].role is Role.LEADER)
    node = group.nodes[1]
    node.step(Message(APPEND_RESPONSE, 1, 2, node.term, 2))
    assert node.status().progress[2].match == 2
    assert node.status().commit == 0, "on a majority, but of an old term"
    group.settle()
    assert node.status().commit == 3


def test_a_follower_commits_no_further_than_it_has_been_told_its_log_agrees() -> None:
    node = RaftNode.restart(Config(id=1, voters=(1, 2, 3)), HardState(2, 0, 0), entries(1, 2, 2))
    node.step(Message(APPEND, 1, 2, 3, 1, 1, (), commit=3))
    assert node.status().commit == 1


def test_appends_are_split_by_size() -> None:
    group = Group(3, max_size_per_message=20)
    group.elect(1)
    group.isolate(3)
    for _ in range(6):
        group.propose(1, b"x" * 10)
        group.settle()
    group.heal()
    group.keep = True
    group.tick(2)
    counts = [len(m.entries) for m in group.log if m.to == 3 and m.type is APPEND and m.entries]
    assert max(counts) == 2
    assert group.data(3) == [b"x" * 10] * 6


def test_no_more_appends_are_in_flight_than_the_window_allows() -> None:
    group = Group(3, max_inflight=2)
    group.elect(1)
    for number in range(5):
        group.propose(1, b"%d" % number)
    assert len([m for m in messages_of(group, APPEND) if m.to == 2]) == 2
    progress = group.nodes[1].status().progress[2]
    assert (progress.state, progress.inflight) == (ProgressState.REPLICATE, 2)
    group.settle()
    assert group.data(2) == [b"0", b"1", b"2", b"3", b"4"]
    assert group.nodes[1].status().progress[2].inflight == 0


@pytest.mark.parametrize("window", [1, 2, 64])
@pytest.mark.parametrize("lost", [lambda number: True, lambda number: number % 2 == 0], ids=["all", "every other"])
def test_lost_appends_are_found_by_heartbeats(window: int, lost: Callable[[int], bool]) -> None:
    group = Group(3, max_inflight=window)
    group.elect(1)
    for number in range(6):
        group.propose(1, b"%d" % number)
        group.wire = [m for m in group.wire if m.to != 2 or not lost(number)]
    group.settle()
    group.tick(12)
    assert group.data(2) == [b"0", b"1", b"2", b"3", b"4", b"5"]


def test_a_restarted_leader_starts_as_a_follower_and_catches_up() -> None:
    group = Group(3)
    group.elect(1)
    group.propose(1, b"a")
    group.crash(1)
    group.wire.clear()  # nobody else has seen it
    group.tick(60)
    (leader,) = group.leaders()
    group.propose(leader, b"b")
    group.settle()
    group.restart(1)
    assert group.nodes[1].role is Role.FOLLOWER
    group.tick(5)
    assert all(group.data(member) == [b"b"] for member in group.nodes)
    assert group.counts.truncations == 1
