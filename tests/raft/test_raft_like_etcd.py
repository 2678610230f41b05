"""What etcd-io/raft's own tests expect (raft_test.go, raft_flow_control_test.go, raft_snap_test.go), through our API."""

from __future__ import annotations

import pytest
from raft_harness import Group, messages_of

from k8s_tutor.raft import (
    Config,
    Entry,
    HardState,
    Message,
    MessageType,
    ProgressState,
    ProposalDropped,
    RaftNode,
    Role,
    Snapshot,
)

APPEND, APPEND_RESPONSE = MessageType.APPEND, MessageType.APPEND_RESPONSE
HEARTBEAT, HEARTBEAT_RESPONSE = MessageType.HEARTBEAT, MessageType.HEARTBEAT_RESPONSE
SNAPSHOT, TIMEOUT_NOW = MessageType.SNAPSHOT, MessageType.TIMEOUT_NOW
VOTE, VOTE_RESPONSE = MessageType.VOTE, MessageType.VOTE_RESPONSE
QUIET = {"pre_vote": False, "check_quorum": False}


def drain(node: RaftNode) -> list[Message]:
    sent: list[Message] = []
    while node.has_ready():
        ready = node.ready()
        sent.extend(ready.messages)
        node.advance(ready)
    return sent


def leader(voters: tuple[int, ...] = (1, 2, 3), heard: bool = True, **config: object) -> RaftNode:
    """Node 1 leading term 1; the others have answered its first entry if ``heard``."""
    node = RaftNode(Config(id=1, voters=voters, **(QUIET | config)))  # type: ignore[arg-type]
    node.campaign()
    drain(node)
    for other in voters[1:]:
        node.step(Message(VOTE_RESPONSE, 1, other, 1))
    drain(node)
    if heard:
        for other in voters[1:]:
            node.step(Message(APPEND_RESPONSE, 1, other, 1, 1))
        drain(node)
    assert node.role is Role.LEADER
    return node


def heartbeat(node: RaftNode) -> list[Message]:
    for _ in range(node.config.heartbeat_tick):
        node.tick()
    return drain(node)


# ---- flow control


def test_a_probe_waits_for_a_heartbeat_response() -> None:
    """TestSendAppendForProgressProbe."""
    node = leader((1, 2), heard=False)
    for _ in range(3):
        for _ in range(5):
            node.propose(b"x")
            assert drain(node) == []
        assert [message.type for message in heartbeat(node)] == [HEARTBEAT]
        node.step(Message(HEARTBEAT_RESPONSE, 1, 2, 1))
        (append,) = drain(node)
        assert (append.type, append.index) == (APPEND, 0)


def test_replicating_sends_ahead_until_the_window_is_full() -> None:
    """TestMsgAppFlowControlFull, TestMsgAppFlowControlMoveForward, TestMsgAppFlowControlRecvHeartbeat."""
    node = leader((1, 2), max_inflight=4)
    for _ in range(4):
        node.propose(b"x")
        assert len(drain(node)) == 1
    for _ in range(3):
        node.propose(b"x")
        assert drain(node) == []
    assert node.status().progress[2].inflight == 4
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, 3))  # two of four
    assert [len(message.entries) for message in drain(node) if message.entries] == [3]
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, 2))  # old news frees nothing
    node.propose(b"y")
    drain(node)
    node.propose(b"y")
    assert drain(node) == []
    node.step(Message(HEARTBEAT_RESPONSE, 1, 2, 1))
    (probe,) = drain(node)
    assert (probe.type, probe.entries) == (APPEND, ())
    node.propose(b"z")
    assert drain(node) == [], "and the window is as full as before"


def test_a_rejected_append_of_long_ago_is_ignored() -> None:
    """TestLeaderAppResp, TestProgressMaybeDecr."""
    node = leader((1, 2))
    node.propose(b"x")
    drain(node)
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, 1, 1, reject=True, reject_hint=1))
    assert node.status().progress[2].state is ProgressState.REPLICATE
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, 9, 1, reject=True, reject_hint=0))
    assert node.status().progress[2].state is ProgressState.PROBE


def test_heartbeats_tell_no_more_than_the_follower_holds() -> None:
    """TestBcastBeat."""
    node = leader((1, 2, 3))
    node.propose(b"x")
    drain(node)
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, 2))
    drain(node)
    assert {message.to: message.commit for message in heartbeat(node)} == {2: 2, 3: 1}


@pytest.mark.parametrize("size", [600, 1000])
def test_messages_fill_up_to_their_size(size: int) -> None:
    """TestProgressFlowControl."""
    node = leader((1, 2), heard=False, max_size_per_message=2048, max_inflight=3)
    for _ in range(10):
        node.propose(bytes(size))
    drain(node)
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, 1))
    assert [len(message.entries) for message in drain(node) if message.entries] == [2048 // size] * 3


def test_the_uncommitted_tail() -> None:
    """TestUncommittedEntryLimit."""
    node = leader((1, 2, 3), max_uncommitted_size=64, max_inflight=1000)
    for _ in range(8):
        node.propose(b"12345678")
    with pytest.raises(ProposalDropped):
        node.propose(b"1")
    node.propose(b"")
    drain(node)
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, node.log.last))
    with pytest.raises(ProposalDropped):
        node.propose(b"1")  # committed is not applied yet
    drain(node)
    node.propose(bytes(1000))
    with pytest.raises(ProposalDropped):
        node.propose(b"1")
    node.propose(b"")
    drain(node)
    node.step(Message(APPEND_RESPONSE, 1, 3, 1, node.log.last))
    drain(node)
    assert node.uncommitted == 0


# ---- elections


@pytest.mark.parametrize("kind", [VOTE, MessageType.PRE_VOTE])
@pytest.mark.parametrize("role", list(Role))
def test_a_vote_from_any_role(kind: MessageType, role: Role) -> None:
    """TestVoteFromAnyState, TestPreVoteFromAnyState: a pre-vote changes nothing, a vote of a later term everything."""
    node = RaftNode(Config(id=1, voters=(1, 2, 3), pre_vote=role is Role.PRE_CANDIDATE, check_quorum=False))
    if role is Role.LEADER:
        node = leader()
    elif role is not Role.FOLLOWER:
        node.campaign()
        drain(node)
    assert node.role is role
    term = node.term
    node.step(Message(kind, 1, 2, term + 1, 5, term + 1))
    (answer,) = drain(node)
    assert (answer.reject, answer.term) == (False, term + 1)
    if kind is VOTE:
        assert (node.role, node.term, node.vote) == (Role.FOLLOWER, term + 1, 2)
    else:
        assert (node.role, node.term) == (role, term)


def test_a_stuck_candidate_is_freed_by_the_leaders_heartbeat() -> None:
    """TestFreeStuckCandidateWithCheckQuorum."""
    group = Group(3, pre_vote=False)
    group.elect(1)
    group.isolate(1)
    group.campaign(3)
    group.settle()
    assert (group.nodes[2].role, group.nodes[3].role, group.nodes[3].term) == (Role.FOLLOWER, Role.CANDIDATE, 2)
    group.campaign(3)
    group.settle()
    assert (group.nodes[3].role, group.nodes[3].term) == (Role.CANDIDATE, 3)
    group.heal()
    group.nodes[1].tick()
    group.serve(1)
    group.settle(until=lambda: group.nodes[1].role is Role.FOLLOWER)
    assert group.nodes[1].term == group.nodes[3].term
    group.campaign(3)
    group.settle()
    assert group.leaders() == [3]


def test_who_ignores_a_candidate_leaves_it_a_candidate() -> None:
    """TestLeaderSupersedingWithCheckQuorum: it wins once the lease is over, without beginning anew in between."""
    group = Group(3, pre_vote=False)
    group.elect(1)
    group.campaign(3)
    group.settle()
    assert group.nodes[3].role is Role.CANDIDATE
    for _ in range(10):
        group.nodes[2].tick()
    group.wire.clear()
    group.campaign(3)
    group.settle()
    assert group.leaders() == [1, 3] or group.leaders() == [3]


def test_a_returning_pre_candidate_disturbs_nobody() -> None:
    """TestDisruptiveFollowerPreVote."""
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    for data in (b"a", b"b", b"c"):
        group.propose(1, data)
    group.settle()
    group.campaign(3)
    group.heal()
    group.settle()
    term = group.nodes[1].term
    group.tick(3)
    assert (group.leaders(), group.nodes[1].term, group.nodes[3].role) == ([1], term, Role.FOLLOWER)
    assert group.data(3) == [b"a", b"b", b"c"]


def test_a_smaller_term_completes_an_election_by_pre_vote() -> None:
    """TestNodeWithSmallerTermCanCompleteElection."""
    group = Group(3, check_quorum=False)
    group.isolate(3)
    group.elect(1)
    group.campaign(3)
    group.settle()
    assert group.nodes[3].role is Role.PRE_CANDIDATE
    group.transfer(1, 2)
    group.settle()
    group.heal()
    group.isolate(1)
    group.wire.clear()
    group.nodes[2].forget_leader()
    for _ in range(4):
        group.campaign(3)
        group.settle()
        group.campaign(2)
        group.settle()
    assert [group.nodes[member].role for member in (2, 3)].count(Role.LEADER) == 1


def test_a_newcomer_counts_as_active_until_check_quorum_has_looked() -> None:
    """TestAddNodeCheckQuorum."""
    node = leader((1,), check_quorum=True)
    for _ in range(9):
        node.tick()
    node.propose_conf_change(add_voters=(2,))
    drain(node)
    node.tick()
    assert node.role is Role.LEADER
    for _ in range(10):
        node.tick()
    assert node.role is Role.FOLLOWER


def test_who_is_not_in_its_own_configuration_does_not_campaign() -> None:
    """TestPromotable, TestTransferNonMember."""
    node = RaftNode(Config(id=1, voters=(2, 3, 4), pre_vote=False))
    node.step(Message(TIMEOUT_NOW, 1, 2, 1))
    node.step(Message(VOTE_RESPONSE, 1, 2, 1))
    node.campaign()
    for _ in range(100):
        node.tick()
    assert node.role is Role.FOLLOWER


# ---- membership


def test_nobody_is_elected_with_a_change_committed_and_not_applied() -> None:
    """TestConfChangeCheckBeforeCampaign: neither by time, nor by transfer."""
    node = RaftNode.restart(
        Config(id=2, voters=(1, 2, 3), **QUIET), HardState(1, 0, 0), (Entry(1, 1, b""),)  # type: ignore[arg-type]
    )
    drain(node)
    group = Group(3, **QUIET)
    group.elect(1)
    group.nodes[1].propose_conf_change(remove=(2,))
    entry = group.nodes[1].log.entry(2)
    node.step(Message(APPEND, 2, 1, 1, 1, 1, (entry,), 2))
    node.step(Message(TIMEOUT_NOW, 2, 1, 1))
    for _ in range(40):
        node.tick()
    assert node.role is Role.FOLLOWER
    drain(node)
    assert node.status().voters == (1, 3)


def test_a_joint_configuration_is_left_after_a_transfer_that_failed() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, add=(4, 5))
    group.crash(3)
    group.nodes[1].transfer_leadership(3)
    group.serve(1)
    group.settle(until=lambda: group.nodes[1].status().voters_outgoing != ())
    group.settle()
    assert group.nodes[1].status().voters_outgoing == (1, 2, 3), "not while it hands over"
    group.tick(12)
    assert group.nodes[1].status().voters_outgoing == ()


def test_a_transfer_through_a_snapshot() -> None:
    """TestLeaderTransferAfterSnapshot."""
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    group.propose(1, b"x")
    group.settle()
    group.compact(1)
    group.heal()
    group.transfer(1, 3)
    group.settle(until=lambda: bool(messages_of(group, TIMEOUT_NOW)))
    assert group.disks[3].snapshot == group.nodes[1].snapshot
    group.settle()
    assert group.leaders() == [3]


def test_a_second_wish_for_the_same_successor_does_not_extend_the_time() -> None:
    """TestLeaderTransferSecondTransferToSameNode."""
    group = Group(3)
    group.elect(1)
    group.crash(3)
    group.transfer(1, 3)
    group.tick(5)
    group.transfer(1, 3)
    group.tick(5)
    assert group.nodes[1].status().transferee == 0


def test_a_later_term_ends_a_transfer() -> None:
    """TestLeaderTransferReceiveHigherTermVote."""
    group = Group(3, **QUIET)
    group.elect(1)
    group.crash(3)
    group.transfer(1, 3)
    group.nodes[2].campaign()
    group.serve(2)
    group.settle()
    assert (group.leaders(), group.nodes[1].status().transferee) == ([2], 0)


# ---- snapshots


def test_a_snapshot_pauses_replication_until_it_is_acknowledged() -> None:
    """TestSendingSnapshotSetPendingSnapshot, TestPendingSnapshotPauseReplication, TestSnapshotSucceed."""
    node = leader((1, 2, 3))
    for _ in range(10):
        node.propose(b"x")
    drain(node)
    node.step(Message(APPEND_RESPONSE, 1, 3, 1, 11))
    drain(node)
    node.compact(11, b"state")
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, node.status().progress[2].next - 1, 1, reject=True, reject_hint=1))
    (sent,) = drain(node)
    assert (sent.type, sent.snapshot) == (SNAPSHOT, Snapshot(11, 1, b"state", (1, 2, 3)))
    assert node.status().progress[2].state is ProgressState.SNAPSHOT
    node.propose(b"y")
    assert [message.to for message in drain(node)] == [3]
    node.step(Message(APPEND_RESPONSE, 1, 2, 1, 11))
    assert [(message.index, len(message.entries)) for message in drain(node)] == [(11, 1)]
    assert node.status().progress[2].state is ProgressState.REPLICATE


def test_a_snapshot_is_of_use_whatever_its_index_if_the_log_goes_on_from_there() -> None:
    """snapshot_succeed_via_app_resp_behind.txt: an acknowledgement below the snapshot, but not below the log."""
    node = RaftNode.restart(
        Config(id=1, voters=(1, 2), **QUIET), HardState(1, 0, 8),  # type: ignore[arg-type]
        tuple(Entry(index, 1, b"x") for index in range(1, 9)),
    )  # fmt: skip
    drain(node)
    node.compact(8, b"s", keep=4)
    node.campaign()
    drain(node)
    node.step(Message(VOTE_RESPONSE, 1, 2, 2))
    drain(node)
    node.step(Message(APPEND_RESPONSE, 1, 2, 2, 8, 1, reject=True, reject_hint=1))
    (sent,) = drain(node)
    assert sent.type is SNAPSHOT
    node.step(Message(APPEND_RESPONSE, 1, 2, 2, 5))
    assert [(message.type, message.index) for message in drain(node)] == [(APPEND, 5)]
    assert node.status().progress[2].state is ProgressState.REPLICATE


def test_the_lease_is_never_longer_than_the_voters() -> None:
    """The sound half of ReadOnlyLeaseBased: when a voter may vote for somebody else, nobody answers from a lease any more."""
    for phase in range(10):
        group = Group(3, read_only="LEASE")
        group.elect(1)
        group.tick(phase)
        group.isolate(1)
        for ticks in range(1, 25):
            for member in (1, 2, 3):
                group.nodes[member].tick()
                group.serve(member)
            group.wire.clear()
            mark = b"%d" % ticks
            before = len(group.read_states[1])
            group.nodes[1].read_index(mark)
            group.serve(1)
            answered = len(group.read_states[1]) > before
            free = any(group.nodes[member].election_elapsed >= 10 or not group.nodes[member].leader for member in (2, 3))
            assert not (answered and free), f"a lease of {ticks} ticks"
            assert answered == (ticks < 9)
