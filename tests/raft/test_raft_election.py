"""Elections: paper sections 5.1, 5.2 and 5.4.1; pre-vote (thesis 9.6), check-quorum and the lease (thesis 6.2)."""

from __future__ import annotations

import pytest
from raft_harness import Group, messages_of

from k8s_tutor.raft import Ballot, Config, Entry, Message, MessageType, RaftNode, Role

APPEND, APPEND_RESPONSE = MessageType.APPEND, MessageType.APPEND_RESPONSE
HEARTBEAT = MessageType.HEARTBEAT
VOTE, VOTE_RESPONSE = MessageType.VOTE, MessageType.VOTE_RESPONSE
PRE_VOTE, PRE_VOTE_RESPONSE = MessageType.PRE_VOTE, MessageType.PRE_VOTE_RESPONSE


def follower(*terms: int, term: int = 1, vote: int = 0, leader: int = 0, **config: object) -> RaftNode:
    """Node 1 of three with a stored log of these terms."""
    node = RaftNode.restart(
        Config(id=1, voters=(1, 2, 3), **config),  # type: ignore[arg-type]
        entries=[Entry(index, entry_term) for index, entry_term in enumerate(terms, 1)],
    )
    node.term, node.vote, node.leader = term, vote, leader
    return node


def answers(node: RaftNode) -> list[Message]:
    """What the node has to say, persisted and sent."""
    said: list[Message] = []
    while node.has_ready():
        ready = node.ready()
        said.extend(ready.messages)
        node.advance(ready)
    return said


@pytest.mark.parametrize("size", range(1, 10))
@pytest.mark.parametrize("seed", [1, 2])
def test_time_alone_elects_one_leader(size: int, seed: int) -> None:
    group = Group(size, seed=seed)
    group.tick(60)
    assert len(group.leaders()) == 1
    assert {node.status().leader for node in group.nodes.values()} == set(group.leaders())


def test_a_follower_campaigns_when_its_randomised_timeout_is_over_and_not_before() -> None:
    node = follower(pre_vote=False)
    timeout = node.status().election_timeout
    assert 10 <= timeout <= 19
    for _ in range(timeout - 1):
        node.tick()
    assert node.role is Role.FOLLOWER
    node.tick()
    assert node.role is Role.CANDIDATE
    assert [(m.type, m.to, m.term) for m in answers(node)] == [(VOTE, 2, 2), (VOTE, 3, 2)]


@pytest.mark.parametrize(
    ("mine", "candidate", "granted"),
    [  # the candidate's last (term, index) against mine: section 5.4.1
        ((1, 1), (1, 2), True),
        ((1, 1), (1, 1), False),
        ((1, 1), (1, 3), True),
        ((1, 1), (2, 1), True),
        ((1, 2), (1, 9), False),
        ((), (0, 0), True),
    ],
)
@pytest.mark.parametrize("kind", [VOTE, PRE_VOTE])
def test_a_vote_needs_a_log_as_up_to_date_as_the_voters(
    mine: tuple[int, ...], candidate: tuple[int, int], granted: bool, kind: MessageType
) -> None:
    node = follower(*mine, term=2)
    log_term, index = candidate
    node.step(Message(kind, 1, 2, 3, index, log_term))
    (answer,) = answers(node)
    assert answer.reject is not granted
    assert answer.context == (b"" if granted else b"log behind")


@pytest.mark.parametrize(
    ("state", "term", "reason"),
    [
        ({"term": 5}, 4, b"old term"),
        ({"term": 5, "vote": 3}, 5, b"already voted"),
        ({"term": 5, "vote": 3}, 6, b""),
        ({"term": 5, "vote": 2}, 5, b""),  # the same candidate again: its answer was lost
        ({"term": 5, "leader": 3}, 5, b"has a leader"),
        ({"term": 5, "leader": 3}, 6, b"hears a leader"),  # the lease
        ({"term": 5, "leader": 3, "check_quorum": False}, 6, b""),
    ],
)
def test_a_voter_says_why_it_refuses(state: dict[str, int], term: int, reason: bytes) -> None:
    node = follower(**state)  # type: ignore[arg-type]
    node.step(Message(VOTE, 1, 2, term))
    (answer,) = answers(node)
    assert (answer.type, answer.reject, answer.context) == (VOTE_RESPONSE, reason != b"", reason)
    assert node.vote == (state.get("vote", 0) if reason else 2)


def test_the_candidate_knows_who_refused_and_why() -> None:
    group = Group(3, pre_vote=False, check_quorum=False)
    group.elect(1)
    group.isolate(3)
    group.propose(1, b"x")
    group.settle()
    group.heal()
    group.campaign(3)
    group.settle()
    assert Ballot(1, False, "log behind") in group.nodes[3].status().ballots
    assert Ballot(2, False, "log behind") in group.nodes[3].status().ballots
    assert group.nodes[3].role is Role.FOLLOWER


def test_a_split_vote_is_resolved_by_another_draw() -> None:
    group = Group(4, pre_vote=False, seed=5)
    group.campaign(1)
    group.campaign(2)
    group.cut((1, 3), (2, 4))
    group.settle()
    group.heal()
    assert group.leaders() == []
    group.tick(60)
    assert len(group.leaders()) == 1


def test_a_candidate_gives_way_to_a_leader_of_its_term() -> None:
    node = follower(term=1, pre_vote=False)
    node.campaign()
    assert (node.role, node.term) == (Role.CANDIDATE, 2)
    node.step(Message(HEARTBEAT, 1, 3, 2))
    assert (node.role, node.leader) == (Role.FOLLOWER, 3)


@pytest.mark.parametrize("kind", [APPEND, HEARTBEAT])
def test_a_leader_of_an_old_term_learns_the_new_one(kind: MessageType) -> None:
    node = follower(term=5)
    node.step(Message(kind, 1, 2, 3))
    (answer,) = answers(node)
    assert (answer.type, answer.term, answer.reject) == (APPEND_RESPONSE, 5, True)
    leader = Group(3)
    leader.elect(2)
    leader.deliver(Message(APPEND_RESPONSE, 2, 1, 5, reject=True))
    assert (leader.nodes[2].role, leader.nodes[2].term) == (Role.FOLLOWER, 5)


# ---- pre-vote


def test_a_pre_vote_changes_neither_term_nor_vote() -> None:
    node = follower(term=4)
    node.step(Message(PRE_VOTE, 1, 2, 5))
    (answer,) = answers(node)
    assert (answer.type, answer.term, answer.reject) == (PRE_VOTE_RESPONSE, 5, False)
    assert (node.term, node.vote) == (4, 0)


def test_a_pre_candidate_that_cannot_win_keeps_its_term() -> None:
    group = Group(3)
    group.elect(1)
    term = group.nodes[1].term
    group.isolate(3)
    group.tick(200)
    assert group.nodes[3].term == term
    assert group.nodes[3].role is Role.PRE_CANDIDATE
    group.heal()
    group.tick(5)
    assert group.leaders() == [1]
    assert group.nodes[1].term == term, "whoever returns disturbs nobody"


def test_without_pre_vote_a_returning_member_forces_an_election() -> None:
    group = Group(3, pre_vote=False)
    group.elect(1)
    term = group.nodes[1].term
    group.isolate(3)
    group.tick(60)
    assert group.nodes[3].term > term
    group.heal()
    group.tick(60)
    assert len(group.leaders()) == 1
    assert group.nodes[group.leaders()[0]].term > term


def test_a_forgotten_leader_frees_the_pre_vote() -> None:
    group = Group(3)
    group.elect(1)
    term, timeout = group.nodes[2].term, group.nodes[2].election_timeout
    group.nodes[2].forget_leader()
    assert (group.nodes[2].leader, group.nodes[2].term, group.nodes[2].election_timeout) == (0, term, timeout)
    group.campaign(3)
    group.settle()
    assert group.leaders() == [3]
    group.nodes[3].forget_leader()
    assert group.nodes[3].leader == 3, "a leader does not forget itself"


# ---- check-quorum and the lease


def test_a_leader_without_a_quorum_steps_down_within_two_election_timeouts() -> None:
    group = Group(5)
    group.elect(1)
    group.cut((1, 2), (3, 4, 5))
    group.tick(20, members=[1, 2])
    assert group.nodes[1].role is not Role.LEADER
    assert group.nodes[1].term == 1, "it steps down within its term"


def test_without_check_quorum_an_old_leader_goes_on_believing() -> None:
    group = Group(5, check_quorum=False)
    group.elect(1)
    group.cut((1, 2), (3, 4, 5))
    group.tick(60)
    assert 1 in group.leaders()
    assert len(group.leaders()) == 2
    group.propose(1, b"in vain")
    group.settle()
    assert group.data(1) == []


def test_a_leader_that_hears_a_quorum_stays() -> None:
    group = Group(5)
    group.elect(1)
    group.crash(4)
    group.crash(5)
    group.tick(100)
    assert group.leaders() == [1]


@pytest.mark.parametrize("pre_vote", [True, False])
def test_nobody_votes_against_a_leader_that_it_still_hears(pre_vote: bool) -> None:
    group = Group(3, pre_vote=pre_vote)
    group.elect(1)
    group.blocked.add((1, 3))  # 3 does not hear the leader, but is heard
    group.campaign(3)
    group.settle(until=lambda: bool(messages_of(group, APPEND_RESPONSE)))
    assert [ballot.reason for ballot in group.nodes[3].status().ballots if ballot.voter == 2] == ["hears a leader"]
    assert group.nodes[2].leader == 1


@pytest.mark.parametrize("rooms", [((1, 2), (3, 4)), ((1, 2), (3, 4), (5,)), ((1,), (2,))])
def test_no_room_without_a_majority_of_all_elects(rooms: tuple[tuple[int, ...], ...]) -> None:
    group = Group(sum(map(len, rooms)))
    group.elect(1)
    group.cut(*rooms)
    group.tick(80)
    assert group.leaders() == []


def test_five_cut_three_and_two_go_on_in_the_room_of_three() -> None:
    group = Group(5)
    group.elect(1)
    group.cut((1, 2), (3, 4, 5))
    group.tick(80)
    (leader,) = group.leaders()
    assert leader in (3, 4, 5)
    group.propose(leader, b"x")
    group.settle()
    assert group.data(leader) == [b"x"]
    group.heal()
    group.tick(20)
    assert all(group.data(member) == [b"x"] for member in group.nodes)
