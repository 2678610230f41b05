"""Each twin is one rule away from Raft, and Raft itself keeps the rule in the same place."""

from __future__ import annotations

import pytest

from k8s_tutor.raft import (
    BROKEN_RULES,
    Config,
    Entry,
    HardState,
    Message,
    MessageType,
    RaftNode,
    Role,
    make_node,
    sends_first,
)
from k8s_tutor.raft.variants import _KINDS

VOTERS = (1, 2, 3)


def config(member: int = 1) -> Config:
    return Config(id=member, voters=VOTERS, pre_vote=False, seed=7)


def test_every_variant_has_a_kind_and_says_what_it_breaks() -> None:
    assert list(BROKEN_RULES) == list(_KINDS)
    assert [name for name, rule in BROKEN_RULES.items() if not rule] == ["raft"]


@pytest.mark.parametrize(("variant", "granted"), [("raft", False), ("forgotten-vote", True)])
def test_a_vote_survives_a_restart_only_if_it_was_written_down(variant: str, granted: bool) -> None:
    node = make_node(variant, config(), HardState(5, vote=2))
    node.step(Message(MessageType.VOTE, to=1, sender=3, term=5))
    (answer,) = node.ready().messages
    assert answer.reject is not granted


@pytest.mark.parametrize(("variant", "committed"), [("raft", 0), ("old-term-commit", 1)])
def test_an_old_terms_entry_is_not_committed_by_counting(variant: str, committed: int) -> None:
    node = make_node(variant, config(), HardState(1), (Entry(1, 1, b"old"),))
    assert isinstance(node, RaftNode)
    node.campaign()
    node.advance(node.ready())
    node.step(Message(MessageType.VOTE_RESPONSE, to=1, sender=2, term=2))
    assert node.role is Role.LEADER
    node.advance(node.ready())
    node.step(Message(MessageType.APPEND_RESPONSE, to=1, sender=2, term=2, index=1))
    assert node.status().commit == committed


@pytest.mark.parametrize(("variant", "different"), [("raft", True), ("no-random-timeouts", False)])
def test_timeouts_differ_unless_chance_is_taken_away(variant: str, different: bool) -> None:
    timeouts = {make_node(variant, Config(id=member, voters=tuple(range(1, 10)))).election_timeout for member in range(1, 10)}
    assert (len(timeouts) > 1) is different


def test_only_one_variant_asks_its_caller_to_send_first() -> None:
    assert [name for name in BROKEN_RULES if sends_first(name)] == ["send-before-persist"]
