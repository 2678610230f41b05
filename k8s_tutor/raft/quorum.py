"""The arithmetic of majorities, as small pure functions over a set of voters.

A majority is always one of *all* voters: whoever is away still counts (paper, section 5.1). Any two majorities of
one set share a voter, and that one shared voter is what every safety argument of Raft rests on.

While the members change there are two such sets, the *electorates* of before and after, and whatever needs a majority
needs both (section 6, joint consensus).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum


def quorum(members: int) -> int:
    """How many of ``members`` make a majority: 3 → 2, 4 → 3, 5 → 3."""
    return members // 2 + 1


def tolerates(members: int) -> int:
    """How many of ``members`` may be lost while a majority remains: 3 → 1, 4 → 1, 5 → 2."""
    return members - quorum(members)


class VoteResult(Enum):
    """How an election stands."""

    PENDING = "pending"
    WON = "won"
    LOST = "lost"


def vote_result(voters: Collection[int], votes: Mapping[int, bool]) -> VoteResult:
    """The state of an election in which ``votes`` (voter to yes or no) have come in; votes of others do not count."""
    needed = quorum(len(voters))
    yes = sum(1 for voter in voters if votes.get(voter) is True)
    if yes >= needed:
        return VoteResult.WON
    silent = sum(1 for voter in voters if voter not in votes)
    return VoteResult.PENDING if yes + silent >= needed else VoteResult.LOST


def joint_vote_result(electorates: Sequence[Collection[int]], votes: Mapping[int, bool]) -> VoteResult:
    """As `vote_result` over one or two electorates: won where all have elected, lost as soon as one has not."""
    results = [vote_result(voters, votes) for voters in electorates]
    if VoteResult.LOST in results:
        return VoteResult.LOST
    return VoteResult.PENDING if VoteResult.PENDING in results else VoteResult.WON


def reached_by_quorum(values: list[int]) -> int:
    """The greatest value that a majority has reached, given one value a voter (sorts ``values`` in place).

    With match indices it is the commit index (paper, Figure 2, "rules for servers"); with acknowledged heartbeat
    rounds it is the round up to which reads are confirmed.
    """
    values.sort()
    return values[(len(values) - 1) // 2]
