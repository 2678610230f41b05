"""Linearizable reads by ReadIndex (thesis, section 6.4)."""

from __future__ import annotations

from typing import Any

import pytest
from raft_harness import Faults, Group

from k8s_tutor.raft import MessageType, RaftNode, ReadState, Role


def test_a_leader_answers_after_a_heartbeat_round() -> None:
    group = Group(3)
    group.elect(1)
    group.propose(1, b"x")
    group.settle()
    group.read(1, b"r")
    assert group.read_states[1] == []
    group.settle()
    assert group.read_states[1] == [ReadState(2, b"r")]


def test_a_follower_asks_the_leader() -> None:
    group = Group(3)
    group.elect(1)
    group.propose(1, b"x")
    group.settle()
    group.read(3, b"r")
    group.settle()
    assert group.read_states[3] == [ReadState(2, b"r")]
    assert group.read_states[1] == []


def test_a_group_of_one_answers_at_once() -> None:
    group = Group(1)
    group.elect(1)
    group.read(1, b"r")
    assert group.read_states[1] == [ReadState(1, b"r")]


def test_many_reads_are_answered_in_their_order_by_one_late_round() -> None:
    group = Group(5)
    group.elect(1)
    for number in range(4):
        group.read(1, b"%d" % number)
    group.wire = group.wire[-4:]  # only the last round arrives
    group.settle()
    assert [state.context for state in group.read_states[1]] == [b"0", b"1", b"2", b"3"]


def test_a_lost_round_is_repeated_by_the_next_heartbeat() -> None:
    group = Group(3)
    group.elect(1)
    group.read(1, b"r")
    group.wire.clear()
    group.tick()
    assert [state.context for state in group.read_states[1]] == [b"r"]


def test_a_new_leader_waits_for_its_first_commit() -> None:
    """Until then it does not know which of its entries are committed."""
    group = Group(3)
    group.elect(1)
    group.propose(1, b"x")
    group.settle()
    group.nodes[2].forget_leader()
    group.campaign(3)
    group.settle(until=lambda: group.nodes[3].role is Role.LEADER)
    group.read(3, b"r")
    assert group.read_states[3] == []
    group.settle()
    assert group.read_states[3] == [ReadState(3, b"r")]


def test_a_leader_in_a_minority_never_answers() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(1)
    group.read(1, b"r")
    group.tick(60)
    assert group.read_states[1] == []


def test_nobody_is_asked_without_a_leader() -> None:
    group = Group(3)
    group.nodes[1].read_index(b"r")
    assert not group.nodes[1].has_ready()


def test_a_doubled_answer_counts_once() -> None:
    group = Group(3)
    group.elect(1)
    group.read(2, b"r")
    group.settle(until=lambda: group.wire[0].type is MessageType.READ_INDEX_RESPONSE)
    group.wire.append(group.wire[0])
    group.settle()
    assert [state.context for state in group.read_states[2]] == [b"r"]


class HastyReader(RaftNode):
    """A leader that answers reads without asking whether it still leads."""

    def _begin_read(self, requester: int, context: bytes) -> None:
        self._answer_read(requester, context, self.log.committed)


def reading_storm(kind: Any, seed: int) -> Group:
    """The harness checks each answer against what anybody had applied when the read began."""
    group = Group(3 + 2 * (seed % 2), seed=seed, kind=kind, check_quorum=seed % 3 != 0)
    group.storm(250, Faults(read=0.6, cut=0.06, crash=0.03))
    return group


def test_no_read_is_older_than_a_write_acknowledged_before_it_began() -> None:
    groups = [reading_storm(RaftNode, seed) for seed in range(30)]
    assert sum(group.counts.reads for group in groups) > 500
    assert sum(group.counts.elections for group in groups) > 60


def test_the_read_check_finds_a_leader_that_does_not_ask() -> None:
    with pytest.raises(AssertionError, match="stale read"):
        for seed in range(100):
            reading_storm(HastyReader, seed)
