"""The contract between a node and its caller: Ready, advance, committed, restart, copy."""

from __future__ import annotations

import msgspec
import pytest
from raft_harness import Faults, Group

from k8s_tutor.raft import (
    Config,
    Entry,
    HardState,
    Message,
    MessageType,
    ProposalDropped,
    RaftNode,
    Ready,
    Role,
    Snapshot,
)


def single() -> RaftNode:
    return RaftNode(Config(id=1, voters=(1,), seed=7))


def drain(node: RaftNode) -> list[Ready]:
    readies = []
    for _ in range(20):
        if not node.has_ready():
            return readies
        readies.append(node.ready())
        node.advance(readies[-1])
    raise AssertionError("has_ready never falls to false")


def test_a_new_node_wants_nothing() -> None:
    node = single()
    assert not node.has_ready()
    assert node.ready() == Ready()


def test_a_group_of_one_elects_itself_only_once_its_vote_is_stored() -> None:
    node = single()
    node.campaign()
    assert node.role is Role.CANDIDATE
    ready = node.ready()
    assert ready.hard_state == HardState(term=1, vote=1, commit=0)
    assert ready.must_sync
    assert ready.messages == ()
    assert node.role is Role.CANDIDATE
    node.advance(ready)
    assert node.role is Role.LEADER


def test_a_leader_counts_its_own_append_only_once_it_is_stored() -> None:
    node = single()
    node.campaign()
    node.advance(node.ready())
    ready = node.ready()
    assert ready.entries == (Entry(1, 1, b""),)
    assert ready.committed == ()
    node.advance(ready)
    ready = node.ready()
    assert ready.entries == ()
    assert ready.committed == (Entry(1, 1, b""),)
    assert not ready.must_sync, "a commit index alone may be lost"
    node.advance(ready)
    assert not node.has_ready()
    assert node.status().applied == 1


def test_ready_only_looks() -> None:
    node = single()
    node.campaign()
    assert node.ready() == node.ready()
    assert node.has_ready()


def test_what_happens_between_ready_and_advance_comes_with_the_next_ready() -> None:
    node = RaftNode(Config(id=2, voters=(1, 2, 3)))
    node.step(Message(MessageType.APPEND, 2, 1, 1, entries=(Entry(1, 1, b"a"), Entry(2, 1, b"b"))))
    ready = node.ready()
    node.step(Message(MessageType.APPEND, 2, 3, 2, 1, 1, entries=(Entry(2, 2, b"c"),)))
    node.advance(ready)
    again = node.ready()
    assert again.entries[-1] == Entry(2, 2, b"c")
    assert [message.to for message in again.messages] == [3]
    node.advance(again)
    assert not node.has_ready()


def test_messages_hard_state_and_committed_are_handed_out_once() -> None:
    group = Group(3)
    group.elect(1)
    for node in group.nodes.values():
        assert not node.has_ready()
        assert node.ready() == Ready()


def test_restart_hands_out_what_is_committed_again() -> None:
    group = Group(3)
    group.elect(1)
    for number in range(4):
        group.propose(1, b"%d" % number)
        group.settle()
    disk = group.disks[2]
    node = RaftNode.restart(group.configs[2], disk.hard_state, disk.entries)
    assert node.status().applied == 0
    assert node.status().commit == 5
    ready = node.ready()
    assert [entry.index for entry in ready.committed] == [1, 2, 3, 4, 5]
    assert ready.hard_state is None
    assert ready.entries == ()
    node.advance(ready)
    assert not node.has_ready()


def test_restart_after_a_snapshot_skips_what_it_covers() -> None:
    snapshot = Snapshot(index=3, term=2, data=b"state", voters=(1, 2, 3))
    stored = tuple(Entry(index, 2, b"x") for index in range(2, 6))
    node = RaftNode.restart(Config(id=1, voters=(1, 2)), HardState(4, 2, 5), stored, snapshot)
    assert node.status().voters == (1, 2, 3)
    assert (node.status().term, node.status().vote) == (4, 2)
    assert [entry.index for entry in node.ready().committed] == [4, 5]


@pytest.mark.parametrize(
    ("hard_state", "entries", "text"),
    [
        (HardState(1, 0, 3), (Entry(1, 1),), "commit index 3 is beyond the last entry 1"),
        (None, (Entry(1, 1), Entry(3, 1)), "do not follow one another from index 1"),
    ],
)
def test_restart_refuses_a_disk_that_does_not_fit_together(
    hard_state: HardState | None, entries: tuple[Entry, ...], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        RaftNode.restart(Config(id=1, voters=(1,)), hard_state, entries)


def test_a_vote_survives_a_crash() -> None:
    group = Group(3, pre_vote=False)
    group.campaign(1)
    group.settle(until=lambda: group.nodes[2].vote == 1)
    group.crash(2)
    group.restart(2)
    group.nodes[2].step(Message(MessageType.VOTE, 2, 3, 1, 0, 0))
    answer = group.nodes[2].ready().messages[0]
    assert answer.reject
    assert answer.context == b"already voted"


@pytest.mark.parametrize(("index", "text"), [(2, "no leader"), (3, "no leader")])
def test_without_a_leader_proposals_are_dropped(index: int, text: str) -> None:
    node = RaftNode(Config(id=1, voters=(1, 2, 3), pre_vote=index == 2))
    node.campaign()
    with pytest.raises(ProposalDropped, match=text):
        node.propose(b"x")


def test_a_followers_proposal_is_forwarded_and_committed() -> None:
    group = Group(3)
    group.elect(1)
    assert group.propose(3, b"from afar")
    group.settle()
    assert all(group.data(member) == [b"from afar"] for member in group.nodes)


def test_forwarding_can_be_switched_off() -> None:
    group = Group(3, disable_proposal_forwarding=True)
    group.elect(1)
    with pytest.raises(ProposalDropped, match="not forwarding to leader 1"):
        group.nodes[2].propose(b"x")


def test_the_uncommitted_tail_is_bounded_but_takes_one_of_any_size() -> None:
    group = Group(3, max_uncommitted_size=10)
    group.elect(1)
    group.nodes[1].propose(b"x" * 50)
    with pytest.raises(ProposalDropped, match="too many uncommitted bytes"):
        group.nodes[1].propose(b"y")
    group.serve(1)
    group.settle()
    group.propose(1, b"y")
    group.settle()
    assert group.data(2) == [b"x" * 50, b"y"]


@pytest.mark.parametrize("kind", list(MessageType))
def test_strangers_and_strays_are_ignored(kind: MessageType) -> None:
    group = Group(3)
    group.elect(1)
    for node in group.nodes.values():
        before = node.status()
        node.step(Message(kind, node.id, 9, 50, 7, 7, (Entry(8, 7),), 9, context=b"x"))
        node.step(Message(kind, 7, 2, 50, 7, 7, (Entry(8, 7),), 9, context=b"x"))
        assert node.status() == before
        assert not node.has_ready()


def test_doubled_messages_change_nothing() -> None:
    """The same run with every message delivered twice commits the same."""
    once, twice = Group(3, seed=3), Group(3, seed=3)
    deliver = twice.deliver

    def double(message: Message) -> None:
        deliver(message)
        if message.type is not MessageType.PROPOSE:
            deliver(message)

    twice.deliver = double  # type: ignore[method-assign]
    for group in (once, twice):
        group.elect(1)
        for number in range(5):
            group.propose(1, b"%d" % number)
            group.settle()
    assert once.data(3) == twice.data(3) == [b"0", b"1", b"2", b"3", b"4"]


def test_a_learner_follows_but_neither_votes_nor_leads() -> None:
    group = Group(3, learners=(4,))
    group.elect(1)
    group.propose(1, b"x")
    group.settle()
    assert group.data(4) == [b"x"]
    assert 4 in group.nodes[1].status().progress
    group.crash(2)
    group.crash(3)
    group.propose(1, b"alone with a learner")
    group.settle()
    assert group.data(1) == [b"x"]
    group.tick(60, members=[4])
    group.nodes[4].campaign()
    assert group.nodes[4].role is Role.FOLLOWER


def test_values_are_frozen_hashable_and_travel() -> None:
    message = Message(MessageType.APPEND, 1, 2, 3, entries=(Entry(1, 1, b"x"),), snapshot=Snapshot(voters=(1,)))
    assert hash(message) == hash(msgspec.structs.replace(message))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Message) == message
    with pytest.raises(AttributeError):
        message.term = 4  # type: ignore[misc]


def test_a_copy_is_independent_and_goes_on_alike() -> None:
    """A checkpoint in the midst of a storm: both go on from it in the same way, and neither disturbs the other."""
    group = Group(3, seed=11)
    group.storm(120, Faults(crash=0.0))
    twins = {member: node.copy() for member, node in group.nodes.items()}
    before = {member: (twin.status(), twin.ready()) for member, twin in twins.items()}
    group.storm(60, Faults(crash=0.0))
    assert {member: (twin.status(), twin.ready()) for member, twin in twins.items()} == before
    again = {member: node.copy() for member, node in twins.items()}
    for _ in range(30):
        for member in twins:
            twins[member].tick()
            again[member].tick()
            assert twins[member].ready() == again[member].ready()
    assert {member: twin.status() for member, twin in twins.items()} == {
        member: twin.status() for member, twin in again.items()
    }


def test_a_copy_shares_no_container_but_the_log() -> None:
    group = Group(3)
    group.elect(1)
    node = group.nodes[1]
    node.read_index(b"r")
    twin = node.copy()
    names = [name for owner in type(node).__mro__ for name in getattr(owner, "__slots__", ())]
    for name in names:
        value = getattr(node, name)
        if isinstance(value, (list, dict)) or name in ("log", "peers"):
            assert getattr(twin, name) is not value, name
    assert twin.log.entries is node.log.entries
    assert all(twin.peers[member] is not peer for member, peer in node.peers.items())
