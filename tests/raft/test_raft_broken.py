"""Each property checker fires: seeds find what one broken rule does. Plus the naive twin in the same storm."""

from __future__ import annotations

from typing import Any

import pytest
from raft_harness import Faults, Group, SafetyBreach

from k8s_tutor.raft import (
    Invariants,
    Message,
    MessageType,
    NaiveNode,
    Property,
    RaftNode,
    Role,
)
from k8s_tutor.raft.twins import ForgottenVote, OldTermCommit


class RewritingLeader(RaftNode):
    """Puts a new proposal in the place of its last entry while that is not committed."""

    def _append(self, data: Any) -> None:
        if self.role is Role.LEADER and self.log.last > self.log.committed:
            self.log.truncate(self.log.last - 1)
        super()._append(data)


class TrustingFollower(RaftNode):
    """Takes new entries without asking whether the one before them is the leader's."""

    def _matches(self, m: Message) -> bool:
        return m.index <= self.log.last


class GenerousVoter(RaftNode):
    """Votes for candidates whose log is behind its own."""

    def _is_up_to_date(self, m: Message) -> bool:
        return True


class LonelyLeader(RaftNode):
    """Commits what it alone has stored."""

    def _quorum_index(self) -> int:
        return self.peers[self.id].match


QUICK_CRASHES = Faults(crash=0.4, restart=0.9, cut=0.0, delay=0.5, loss=0.0, double=0.2)
ROUGH = Faults(crash=0.06, restart=0.4, cut=0.06, loss=0.1, read=0.0)

BROKEN = [
    (ForgottenVote, Property.ELECTION_SAFETY),
    (RewritingLeader, Property.LEADER_APPEND_ONLY),
    (TrustingFollower, Property.LOG_MATCHING),
    (GenerousVoter, Property.LEADER_COMPLETENESS),
    (LonelyLeader, Property.STATE_MACHINE_SAFETY),
    (NaiveNode, Property.ELECTION_SAFETY),
    (NaiveNode, Property.STATE_MACHINE_SAFETY),
]


def first_breach(kind: Any, wanted: Property, seeds: int) -> tuple[int, SafetyBreach] | None:
    """The first seed whose storm breaks ``wanted``, looking for nothing else."""
    for seed in range(seeds):
        group = Group(
            3, seed=seed, kind=kind, invariants=Invariants((wanted,)),
            election_tick=5, pre_vote=False, check_quorum=False,
        )  # fmt: skip
        try:
            group.storm(300, QUICK_CRASHES if kind is ForgottenVote else ROUGH)
        except SafetyBreach as breach:
            return seed, breach
        except AssertionError:
            continue  # the node's own assertions, or the reader's, were quicker
    return None


@pytest.mark.parametrize(("kind", "wanted"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_rule_is_found_by_seeds(kind: Any, wanted: Property) -> None:
    found = first_breach(kind, wanted, seeds=400)
    assert found is not None, f"no seed shows that {kind.__name__} breaks {wanted.name}"
    seed, error = found
    print(f"{kind.__name__}, seed {seed}: {error}")
    assert error.breach.property is wanted
    assert "node" in error.breach.text


@pytest.mark.parametrize("wanted", list(Property))
def test_the_unbroken_node_passes_the_same_storm(wanted: Property) -> None:
    assert first_breach(RaftNode, wanted, seeds=10) is None


def test_figure_8_an_old_terms_entry_committed_by_counting_is_lost() -> None:
    """Paper, Figure 8, with the rule of section 5.4.2 taken away; the real node refuses at step (c)."""
    with pytest.raises(SafetyBreach) as broken:
        figure_8(OldTermCommit)
    assert broken.value.breach.property is Property.LEADER_COMPLETENESS
    assert figure_8(RaftNode).nodes[5].role is Role.LEADER


def figure_8(kind: Any) -> Group:
    """S1 is 1, and so on; "two" is the entry of the figure's term 2."""
    group = Group(5, kind=kind, pre_vote=False, check_quorum=False, max_size_per_message=0)
    group.elect(1)
    group.cut((1, 2), (3, 4, 5))
    group.propose(1, b"two")  # (a) 1 leads and stores an entry on itself and 2
    group.settle()
    group.crash(1)
    group.heal()
    win(group, 5)  # (b) 5 leads with the votes of 3 and 4 and writes something else there, on itself only
    group.crash(5)
    group.restart(1)
    group.isolate(4)
    win(group, 1, spread=True)  # (c) 1 leads again and brings its old entry to 3: now a majority holds it
    group.settle(until=lambda: group.nodes[1].peers[3].match == 2)
    group.crash(1)
    group.heal()
    group.wire.clear()
    group.restart(5)
    win(group, 5)  # (d) 5 wins with the votes of 3 and 4 and will overwrite the entry everywhere
    return group


def win(group: Group, member: int, spread: bool = False) -> None:
    """Campaigns until ``member`` leads; what it then says is lost unless ``spread``."""
    while group.nodes[member].role is not Role.LEADER:
        group.campaign(member)
        group.settle(
            only=(MessageType.VOTE, MessageType.VOTE_RESPONSE),
            until=lambda: group.nodes[member].role is Role.LEADER,
        )
    if not spread:
        group.wire.clear()
