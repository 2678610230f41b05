"""Learners, changes of members, transfers and snapshots (paper, sections 6 and 7; thesis, 3.10 and 4)."""

from __future__ import annotations

import pytest
from raft_harness import Counts, Faults, Group, messages_of

from k8s_tutor.raft import (
    ConfChange,
    Config,
    Entry,
    EntryType,
    HardState,
    Membership,
    Message,
    MessageType,
    ProgressState,
    ProposalDropped,
    RaftNode,
    Role,
    Snapshot,
)

APPEND, SNAPSHOT, TIMEOUT_NOW = MessageType.APPEND, MessageType.SNAPSHOT, MessageType.TIMEOUT_NOW


def changes(group: Group, member: int) -> list[Entry]:
    return [entry for entry in group.applied[member] if entry.type is EntryType.CONF_CHANGE]


# ---- the arithmetic of configurations


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (Membership((1, 2, 3)), ((4,), (), ()), Membership((1, 2, 3, 4))),
        (Membership((1, 2, 3)), ((), (4,), ()), Membership((1, 2, 3), (), (4,))),
        (Membership((1, 2, 3)), ((), (), (2,)), Membership((1, 3))),
        (Membership((1, 2, 3)), ((), (), (9,)), Membership((1, 2, 3))),
        (Membership((1, 2), (), (3,)), ((3,), (), ()), Membership((1, 2, 3))),  # promotion
        (Membership((1, 2)), ((), (2,), ()), Membership((1,), (), (2,))),  # demotion
        (Membership((1, 2, 3)), ((4,), (), (1,)), Membership((2, 3, 4), (1, 2, 3))),
        (Membership((1, 2, 3)), ((5, 4), (6,), (1, 2)), Membership((3, 4, 5), (1, 2, 3), (6,))),
        (Membership((1, 2, 3)), ((4,), (3,), ()), Membership((1, 2, 4), (1, 2, 3), (), (3,))),
        (Membership((1, 2), (), (3,)), ((3,), (), (2,)), Membership((1, 3), (1, 2))),
        (Membership((1, 2, 4), (1, 2, 3), (5,), (3,)), ((), (), ()), Membership((1, 2, 4), (), (3, 5))),
    ],
)
def test_what_a_change_makes_of_a_configuration(
    before: Membership, change: tuple[tuple[int, ...], ...], after: Membership
) -> None:
    made = ConfChange(*change)
    assert before.after(made) == after
    assert ConfChange.decode(made.encode()) == made


@pytest.mark.parametrize(
    ("before", "change", "text"),
    [
        (Membership((1,)), ((), (), (1,)), "no voter"),
        (Membership((1,)), ((), (1,), ()), "no voter"),
        (Membership((1, 2), (1,)), ((3,), (), ()), "leave its joint"),
        (Membership((1, 2)), ((), (), ()), "not in a joint"),
    ],
)
def test_what_cannot_follow_a_configuration(
    before: Membership, change: tuple[tuple[int, ...], ...], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        before.after(ConfChange(*change))


@pytest.mark.parametrize("change", [((0,), (), ()), ((4,), (4,), ()), ((4, 4), (), ())])
def test_ids_that_cannot_be_are_an_error(change: tuple[tuple[int, ...], ...]) -> None:
    group = Group(3)
    group.elect(1)
    with pytest.raises(ValueError):
        group.nodes[1].propose_conf_change(*change)


# ---- one at a time


def test_a_newcomer_catches_up_and_votes() -> None:
    group = Group(3)
    group.elect(1)
    group.propose(1, b"before")
    group.settle()
    assert group.change(1, add=(4,))
    group.settle()
    assert all(node.status().voters == (1, 2, 3, 4) for node in group.nodes.values())
    assert group.data(4)[:1] == [b"before"]
    assert len(changes(group, 1)) == 1, "one member at a time needs no joint configuration"
    group.crash(1)
    group.crash(2)
    group.tick(60)
    assert group.leaders() == [], "two of four are no majority"


def test_a_change_counts_from_its_application_on() -> None:
    group = Group(1)
    group.elect(1)
    group.change(1, add=(2,))
    assert group.nodes[1].status().voters == (1, 2), "alone it commits at once"
    group.wire.clear()
    group.propose(1, b"x")
    assert b"x" not in group.data(1), "two must store it now"
    group.tick(3)
    assert group.data(2) == group.data(1)
    assert b"x" in group.data(2)


def test_a_smaller_quorum_commits_what_it_already_has() -> None:
    """etcd-io/raft, TestCommitAfterRemoveNode."""
    group = Group(2)
    group.elect(1)
    group.tick()
    group.nodes[1].propose_conf_change(remove=(2,))
    group.serve(1)
    group.settle(only=(APPEND,))
    (answer,) = messages_of(group, MessageType.APPEND_RESPONSE) or [
        Message(MessageType.APPEND_RESPONSE, 1, 2, group.nodes[1].term, group.nodes[1].log.last)
    ]
    group.propose(1, b"hello")
    assert b"hello" not in group.data(1)
    group.deliver(answer)
    assert group.nodes[1].status().voters == (1,)
    assert b"hello" in group.data(1)


def test_only_one_change_at_a_time() -> None:
    group = Group(3)
    group.elect(1)
    assert group.change(1, add=(4,))
    with pytest.raises(ProposalDropped, match="unapplied at index 2"):
        group.nodes[1].propose_conf_change(add_voters=(5,))
    group.settle()
    group.nodes[1].propose_conf_change(add_voters=(5,))


def test_a_new_leader_takes_no_change_until_it_has_applied_its_log() -> None:
    group = Group(3)
    group.elect(1)
    group.propose(1, b"x")
    group.settle()
    group.cut((2,), (1, 3))
    group.propose(1, b"late")
    group.heal()
    group.wire.clear()
    node = group.nodes[2]
    group.campaign(2)
    group.settle(until=lambda: node.role is Role.LEADER)
    if node.role is Role.LEADER and node.log.applied < node._last_change:
        with pytest.raises(ProposalDropped):
            node.propose_conf_change(remove=(3,))
    group.settle()
    group.tick(30)
    leader = group.nodes[group.leaders()[0]]
    leader.propose_conf_change(remove=(3,))


def test_a_refused_change_of_a_follower_leaves_an_empty_entry() -> None:
    group = Group(3)
    group.elect(1)
    group.nodes[1].propose_conf_change(add_voters=(4,))
    group.nodes[2].propose_conf_change(add_voters=(5,))
    group.join(4, (1, 2, 3))
    group.serve(1)
    group.serve(2)
    group.settle()
    assert [(entry.type, entry.data == b"") for entry in group.applied[1]] == [
        (EntryType.NORMAL, True), (EntryType.CONF_CHANGE, False), (EntryType.NORMAL, True),
    ]  # fmt: skip
    assert group.nodes[1].status().voters == (1, 2, 3, 4)


def test_a_follower_passes_a_change_on() -> None:
    group = Group(3)
    group.elect(1)
    group.change(3, remove=(2,))
    group.settle()
    assert group.nodes[1].status().voters == (1, 3)


def test_nobody_campaigns_before_a_committed_change_is_applied() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, add=(4,))
    group.settle()
    disk = group.disks[2]
    node = RaftNode.restart(group.configs[2], disk.hard_state, tuple(disk.entries))
    node.campaign()
    node.step(Message(TIMEOUT_NOW, 2, 1, node.term))
    assert node.role is Role.FOLLOWER
    while node.has_ready():
        node.advance(node.ready())
    assert node.status().voters == (1, 2, 3, 4)
    node.campaign()
    assert node.role is Role.PRE_CANDIDATE


def test_a_leader_that_leaves_steps_down_once_that_is_committed() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, remove=(1,))
    assert group.leaders() == [1], "it leads until the change is committed"
    group.settle()
    status = group.nodes[1].status()
    assert (status.role, status.leader, status.voters) == (Role.FOLLOWER, 0, (2, 3))
    group.tick(60, members=(2, 3))
    assert group.leaders() in ([2], [3])
    group.tick(60)
    assert group.nodes[1].role is Role.FOLLOWER, "who is out does not campaign"


def test_who_was_removed_disturbs_nobody() -> None:
    group = Group(3, pre_vote=False)
    group.elect(1)
    group.isolate(3)
    group.change(1, remove=(3,))
    group.settle()
    group.tick(40)
    group.heal()
    term = group.nodes[1].term
    group.tick(40)
    assert group.nodes[3].term > term
    assert (group.leaders(), group.nodes[1].term) == ([1], term)


# ---- several at once


def test_several_at_once_go_through_a_joint_configuration_and_leave_it() -> None:
    group = Group(3)
    group.elect(1)
    seen: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    group.change(1, add=(4, 5), learn=(3,), remove=(2,))
    for _ in range(200):
        status = group.nodes[1].status()
        if (status.voters, status.voters_outgoing) not in seen:
            seen.append((status.voters, status.voters_outgoing))
        if not group.wire:
            break
        group.deliver(group.wire.pop(0))
    assert seen == [((1, 2, 3), ()), ((1, 4, 5), (1, 2, 3)), ((1, 4, 5), ())]
    assert [bool(entry.data) for entry in changes(group, 1)] == [True, False]
    assert group.nodes[1].status().learners == (3,)
    assert group.nodes[5].status().voters == (1, 4, 5)


def test_a_joint_configuration_needs_both_majorities() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, add=(4, 5), remove=(2, 3))
    group.settle(until=lambda: group.nodes[1].status().voters_outgoing != ())
    group.wire.clear()
    group.cut((1, 4, 5), (2, 3))
    committed = group.nodes[1].log.committed
    group.propose(1, b"x")
    group.tick(5)
    assert group.nodes[1].log.committed == committed, "a majority of the new voters alone is not enough"
    group.tick(20)
    assert 1 not in group.leaders(), "nor may it lead; the others have not heard of the change and may"
    group.heal()
    group.calm(100)
    assert {group.nodes[member].status().voters for member in (1, 4, 5)} == {(1, 4, 5)}


def test_a_new_leader_ends_the_joint_configuration_that_it_finds() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, add=(4, 5))
    group.settle(until=lambda: group.nodes[2].status().voters_outgoing != ())
    group.crash(1)
    group.wire.clear()
    group.tick(80)
    (leader,) = group.leaders()
    assert leader != 1
    assert group.nodes[leader].status().voters == (1, 2, 3, 4, 5)
    assert group.nodes[leader].status().voters_outgoing == ()


def test_a_joint_configuration_takes_no_other_change() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, add=(4, 5))
    group.settle(until=lambda: group.nodes[1].status().voters_outgoing != ())
    with pytest.raises(ProposalDropped):
        group.nodes[1].propose_conf_change(remove=(3,))


def test_a_member_that_has_missed_several_changes_follows_a_leader_that_it_does_not_know() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    group.change(1, add=(4,))
    group.settle()
    group.transfer(1, 4)
    group.settle()
    assert group.leaders() == [4]
    group.tick(20)
    group.heal()
    group.calm(100)
    assert group.nodes[3].status().voters == (1, 2, 3, 4)


def test_who_is_out_and_has_more_log_still_tells_what_is_committed() -> None:
    """Otherwise neither could win: the one is out, and the other needs its vote until it knows that."""
    group = Group(2)
    group.elect(1)
    group.nodes[1].propose_conf_change(add_learners=(1,))
    group.nodes[1].propose(b"more")
    group.serve(1)
    group.settle(only=(APPEND, MessageType.APPEND_RESPONSE), until=lambda: group.nodes[1].role is Role.FOLLOWER)
    group.wire.clear()
    assert group.nodes[2].status().voters == (1, 2)
    group.calm(100)
    assert group.leaders() == [2]


# ---- learners


def test_a_learner_stores_and_does_not_count() -> None:
    group = Group(2, learners=(3,))
    group.elect(1)
    group.crash(2)
    group.propose(1, b"x")
    group.settle()
    assert group.nodes[3].log.last == 2
    assert group.nodes[1].log.committed == 1
    group.tick(60)
    assert group.nodes[3].role is Role.FOLLOWER


def test_a_learner_is_promoted() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, learn=(4,))
    group.settle()
    assert group.nodes[4].status().learners == (4,)
    group.change(1, add=(4,))
    group.settle()
    assert group.nodes[4].status().voters == (1, 2, 3, 4)
    group.transfer(1, 4)
    group.settle()
    assert group.leaders() == [4]


def test_a_learner_answers_who_asks_for_its_vote() -> None:
    """It may have been promoted without knowing (etcd-io/raft, campaign_learner_must_vote.txt)."""
    group = Group(2, learners=(3,))
    group.elect(1)
    group.isolate(3)
    group.change(1, add=(3,))
    group.settle()
    assert group.nodes[3].status().learners == (3,)
    group.heal()
    group.crash(1)
    group.wire.clear()
    group.tick(40)
    assert group.leaders() == [2]
    assert group.nodes[3].status().voters == (1, 2, 3)


# ---- transfer


def test_a_transfer_to_who_is_up_to_date() -> None:
    group = Group(3)
    group.elect(1)
    group.transfer(1, 3)
    assert [message.to for message in messages_of(group, TIMEOUT_NOW)] == [3]
    group.settle()
    assert group.leaders() == [3]
    assert group.nodes[3].term == 2, "no pre-vote, and no lease stands against it"


def test_a_transfer_waits_until_the_successor_has_the_log() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    group.propose(1, b"x")
    group.settle()
    group.heal()
    group.transfer(1, 3)
    assert messages_of(group, TIMEOUT_NOW) == []
    with pytest.raises(ProposalDropped, match="handed over to 3"):
        group.nodes[1].propose(b"y")
    group.tick(2)
    assert group.leaders() == [3]
    assert group.data(3) == [b"x"]


def test_a_transfer_that_takes_too_long_is_given_up() -> None:
    group = Group(3)
    group.elect(1)
    group.crash(3)
    group.transfer(1, 3)
    assert group.nodes[1].status().transferee == 3
    group.tick(9)
    assert not group.propose(1, b"x")
    group.tick(1)
    assert group.propose(1, b"x")
    assert group.leaders() == [1]


@pytest.mark.parametrize("to", [1, 4, 9])
def test_a_transfer_to_oneself_a_learner_or_a_stranger_is_nothing(to: int) -> None:
    group = Group(3, learners=(4,))
    group.elect(1)
    group.transfer(1, to)
    assert group.nodes[1].status().transferee == 0
    assert group.propose(1, b"x")


def test_another_transfer_replaces_the_first_and_oneself_ends_it() -> None:
    group = Group(3)
    group.elect(1)
    group.crash(3)
    group.transfer(1, 3)
    group.transfer(1, 2)
    assert group.nodes[1].status().transferee == 2
    group.transfer(1, 1)
    assert group.nodes[1].status().transferee == 0


def test_a_transfer_to_who_leaves_the_group_is_given_up() -> None:
    group = Group(3)
    group.elect(1)
    group.crash(3)
    group.nodes[1].propose_conf_change(remove=(3,))
    group.nodes[1].transfer_leadership(3)
    group.serve(1)
    group.settle()
    assert group.nodes[1].status().transferee == 0
    assert group.nodes[1].status().voters == (1, 2)


def test_a_follower_asks_its_leader_to_hand_over() -> None:
    group = Group(3)
    group.elect(1)
    group.transfer(2, 3)
    group.settle()
    assert group.leaders() == [3]


def test_only_a_follower_heeds_the_wish_to_campaign() -> None:
    group = Group(3, learners=(4,))
    group.elect(1)
    group.deliver(Message(TIMEOUT_NOW, 4, 1, 1))
    assert group.nodes[4].role is Role.FOLLOWER
    group.isolate(2)
    group.campaign(2)
    before = group.nodes[2].status()
    group.nodes[2].step(Message(TIMEOUT_NOW, 2, 1, 1))
    assert group.nodes[2].status() == before


# ---- snapshots


def test_who_lacks_what_is_compacted_gets_the_snapshot() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    for data in (b"a", b"b", b"c"):
        group.propose(1, data)
    group.settle()
    group.compact(1)
    assert group.nodes[1].status().compacted == 4
    group.heal()
    group.tick(2)
    assert group.data(3) == [b"a", b"b", b"c"]
    assert group.disks[3].snapshot == group.nodes[1].snapshot
    assert group.nodes[1].status().progress[3].state is ProgressState.REPLICATE
    group.propose(1, b"d")
    group.settle()
    assert group.data(3) == [b"a", b"b", b"c", b"d"]


def test_a_few_entries_may_be_kept_for_who_is_only_a_little_behind() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    for data in (b"a", b"b"):
        group.propose(1, data)
    group.settle()
    group.compact(1, keep=2)
    group.heal()
    group.keep = True
    group.tick(2)
    assert group.data(3) == [b"a", b"b"]
    assert not [message for message in group.log if message.type is SNAPSHOT]


def test_a_lost_snapshot_is_sent_again() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    group.propose(1, b"a")
    group.settle()
    group.compact(1)
    group.heal()
    group.tick(members=(1,))  # the probe after the heartbeat shows what is lacking
    for ticks in range(1, 30):
        for member in (1, 2, 3):
            group.nodes[member].tick()
            group.serve(member)
        if ticks < 3:
            group.settle(only=tuple(kind for kind in MessageType if kind is not SNAPSHOT))
        group.settle()
        if group.data(3) == [b"a"]:
            break
    assert group.data(3) == [b"a"]


def test_a_snapshot_that_is_lost_is_sent_again_after_an_election_timeout_of_heartbeats() -> None:
    leader = RaftNode.restart(
        Config(id=1, voters=(1, 2)), HardState(3, 1, 5), (Entry(6, 3, b"x"),), Snapshot(5, 3, b"s", (1, 2))
    )
    leader.campaign()
    drain(leader)
    leader.step(Message(MessageType.PRE_VOTE_RESPONSE, 1, 2, 4))
    drain(leader)
    leader.step(Message(MessageType.VOTE_RESPONSE, 1, 2, 4))
    drain(leader)
    leader.step(Message(MessageType.APPEND_RESPONSE, 1, 2, 4, 6, 0, reject=True, reject_hint=0))
    (sent,) = drain(leader)
    assert (sent.type, sent.snapshot) == (SNAPSHOT, leader.snapshot)
    progress = leader.status().progress[2]
    assert (progress.match, progress.next, progress.state, progress.inflight) == (0, 6, ProgressState.SNAPSHOT, 0)
    for _ in range(9):
        leader.step(Message(MessageType.HEARTBEAT_RESPONSE, 1, 2, 4))
        assert drain(leader) == []
    leader.step(Message(MessageType.HEARTBEAT_RESPONSE, 1, 2, 4))
    assert [message.type for message in drain(leader)] == [SNAPSHOT]
    leader.step(Message(MessageType.APPEND_RESPONSE, 1, 2, 4, 5))
    assert [(message.type, message.index) for message in drain(leader)] == [(APPEND, 5)]


def test_no_snapshot_goes_to_who_has_not_been_heard() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    group.propose(1, b"a")
    group.settle()
    group.compact(1)
    group.wire.clear()
    group.blocked.clear()
    group.keep = True
    group.nodes[1].propose(b"b")
    group.serve(1)
    assert not [message for message in group.log if message.type is SNAPSHOT]


def test_an_old_snapshot_is_answered_with_what_is_committed() -> None:
    group = Group(3)
    group.elect(1)
    group.propose(1, b"x")
    group.settle()
    node = group.nodes[2]
    node.step(Message(SNAPSHOT, 2, 1, 1, snapshot=Snapshot(1, 1, b"", (1, 2, 3))))
    ready = node.ready()
    assert ready.snapshot is None
    assert [(message.type, message.index, message.reject) for message in ready.messages] == [
        (MessageType.APPEND_RESPONSE, 2, False)
    ]


def test_a_snapshot_of_what_the_log_holds_only_moves_the_commit_index() -> None:
    node = RaftNode.restart(Config(id=2, voters=(1, 2, 3)), HardState(1, 0, 1), tuple(Entry(i, 1) for i in (1, 2, 3)))
    drain(node)
    node.step(Message(SNAPSHOT, 2, 1, 1, snapshot=Snapshot(3, 1, b"s", (1, 2, 3))))
    ready = node.ready()
    assert ready.snapshot is None
    assert [entry.index for entry in ready.committed] == [2, 3]


def test_a_snapshot_replaces_another_log_and_brings_its_members() -> None:
    node = RaftNode.restart(Config(id=2, voters=(1, 2, 3)), HardState(1, 0, 1), tuple(Entry(i, 1) for i in (1, 2, 3)))
    drain(node)
    snapshot = Snapshot(9, 2, b"s", (1, 2), (1, 2, 3), (4,), (3,))
    node.step(Message(SNAPSHOT, 2, 1, 2, snapshot=snapshot))
    node.campaign()
    assert node.role is Role.FOLLOWER, "not before it is stored"
    ready = node.ready()
    assert (ready.snapshot, ready.entries, ready.committed, ready.hard_state) == (snapshot, (), (), HardState(2, 0, 9))
    assert ready.must_sync
    node.advance(ready)
    assert not node.has_ready()
    status = node.status()
    assert (status.voters, status.voters_outgoing, status.learners, status.learners_next) == ((1, 2), (1, 2, 3), (4,), (3,))
    assert (status.applied, status.commit, status.last, status.compacted) == (9, 9, 9, 9)


def test_a_snapshot_names_the_members_of_its_own_index() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, add=(4,))
    group.settle()
    group.change(1, add=(5,))
    group.settle()
    node = group.nodes[1]
    for index, voters in ((1, (1, 2, 3)), (2, (1, 2, 3, 4)), (3, (1, 2, 3, 4, 5))):
        node.compact(index, b"s")
        assert node.snapshot == Snapshot(index, 1, b"s", voters)
    assert not node.has_ready()


def test_compaction_needs_what_is_applied_and_never_goes_back() -> None:
    group = Group(3)
    group.elect(1)
    group.propose(1, b"x")
    group.settle()
    node = group.nodes[1]
    with pytest.raises(ValueError, match="only 2 entries are applied"):
        node.compact(3, b"")
    node.compact(2, b"two")
    node.compact(1, b"one")
    assert node.snapshot is not None and node.snapshot.data == b"two"


def test_a_restart_from_snapshot_and_log() -> None:
    group = Group(3)
    group.elect(1)
    group.change(1, add=(4,))
    for number in range(5):
        group.propose(1, b"%d" % number)
    group.settle()
    group.compact(2, 4)
    before = list(group.applied[2])
    group.crash(2)
    group.restart(2)
    assert group.applied[2] == before
    assert group.nodes[2].status().voters == (1, 2, 3, 4)
    assert group.nodes[2].status().compacted == 4


def drain(node: RaftNode) -> list[Message]:
    """Serves a node that stands alone; returns what it sends."""
    sent: list[Message] = []
    while node.has_ready():
        ready = node.ready()
        sent.extend(ready.messages)
        node.advance(ready)
    return sent


# ---- all of it at once


def test_safety_and_progress_while_members_change() -> None:
    total = Counts()
    for seed in range(60):
        group = Group(
            3 if seed % 2 else 5,
            seed=seed,
            election_tick=(6, 10)[seed // 2 % 2],
            pre_vote=seed % 5 != 0,
            check_quorum=seed % 7 != 0,
            read_only="LEASE" if seed % 7 and seed % 3 == 0 else "SAFE",
            max_size_per_message=(1, 1 << 20)[seed // 4 % 2],
            max_inflight=(1, 2, 64)[seed % 3],
            max_uncommitted_size=(0, 40)[seed // 3 % 2],
        )
        try:
            group.storm(320, Faults(cut=0.05, change=0.1, transfer=0.05, compact=0.1))
            group.calm(limit=300)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        total.add(group.counts)
    print(total)
    assert total.changes > 1000 and total.snapshots > 50 and total.compactions > 400
