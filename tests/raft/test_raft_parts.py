"""The small parts: quorum arithmetic, the shared log, progress, chance."""

from __future__ import annotations

import pytest

from k8s_tutor.raft import Config, Entry, ProgressState, quorum, tolerates
from k8s_tutor.raft.chance import election_timeout
from k8s_tutor.raft.log import NO_TERM, Log
from k8s_tutor.raft.progress import Peer
from k8s_tutor.raft.quorum import VoteResult, reached_by_quorum, vote_result


def entries(first: int, *terms: int) -> tuple[Entry, ...]:
    return tuple(Entry(index, term, b"%d" % index) for index, term in enumerate(terms, first))


def log_of(*terms: int) -> Log:
    log = Log()
    log.append(entries(1, *terms))
    return log


def terms(log: Log) -> list[int]:
    return [entry.term for entry in log.between(log.offset, log.last)]


@pytest.mark.parametrize(
    ("members", "majority", "lost"),
    [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 5, 4)],
)
def test_quorum_is_more_than_half_of_all(members: int, majority: int, lost: int) -> None:
    assert (quorum(members), tolerates(members)) == (majority, lost)


@pytest.mark.parametrize(
    ("values", "reached"), [([5], 5), ([5, 3], 3), ([5, 3, 1], 3), ([9, 5, 3, 1], 3), ([1, 9, 5, 3, 7], 5)]
)
def test_reached_by_quorum_is_what_a_majority_has(values: list[int], reached: int) -> None:
    assert reached_by_quorum(values) == reached


@pytest.mark.parametrize(
    ("voters", "votes", "result"),
    [
        ((1, 2, 3), {1: True}, VoteResult.PENDING),
        ((1, 2, 3), {1: True, 2: True}, VoteResult.WON),
        ((1, 2, 3), {1: True, 2: False}, VoteResult.PENDING),
        ((1, 2, 3), {2: False, 3: False}, VoteResult.LOST),
        ((1, 2, 3, 4), {1: True, 2: True}, VoteResult.PENDING),
        ((1, 2, 3, 4), {1: True, 2: True, 3: False, 4: False}, VoteResult.LOST),
        ((1, 2, 3), {1: True, 9: True}, VoteResult.PENDING),  # a stranger's vote does not count
    ],
)
def test_vote_result(voters: tuple[int, ...], votes: dict[int, bool], result: VoteResult) -> None:
    assert vote_result(voters, votes) is result


@pytest.mark.parametrize(
    ("mine", "first", "theirs", "after"),
    [
        ((1, 1), 3, (2, 2), [1, 1, 2, 2]),  # simply more
        ((1, 1, 2), 2, (1, 2), [1, 1, 2]),  # nothing new
        ((1, 1, 2), 2, (1,), [1, 1, 2]),  # a late, shorter append cuts nothing off
        ((1, 1, 2, 2), 3, (3,), [1, 1, 3]),  # a conflict drops all that follows it
        ((1, 1, 2, 2), 2, (1, 3, 3), [1, 1, 3, 3]),
        ((), 1, (1, 1), [1, 1]),
    ],
)
def test_merge_keeps_what_agrees_and_drops_what_conflicts(
    mine: tuple[int, ...], first: int, theirs: tuple[int, ...], after: list[int]
) -> None:
    log = log_of(*mine)
    log.merge(entries(first, *theirs))
    assert terms(log) == after


def test_a_copied_log_shares_entries_until_the_two_part() -> None:
    log = log_of(1, 1, 1)
    twin = log.copy()
    assert twin.entries is log.entries
    log.append(entries(4, 2))
    assert twin.entries is log.entries
    assert twin.last == 3
    twin.append(entries(4, 3))
    assert terms(log) == [1, 1, 1, 2]
    assert terms(twin) == [1, 1, 1, 3]


def test_a_truncated_copy_leaves_the_original_alone() -> None:
    log = log_of(1, 1, 1)
    log.stable = 3
    twin = log.copy()
    twin.truncate(1)
    assert twin.stable == 1
    twin.append(entries(2, 2))
    assert terms(log) == [1, 1, 1]
    assert terms(twin) == [1, 2]
    assert log.stable == 3


def test_a_log_after_a_snapshot_knows_the_term_at_its_offset_only() -> None:
    log = Log(offset=5, offset_term=2)
    log.append(entries(6, 3, 3))
    assert [log.term(index) for index in (4, 5, 6, 7, 8)] == [NO_TERM, 2, 3, 3, NO_TERM]
    assert [entry.index for entry in log.between(5, 7)] == [6, 7]
    with pytest.raises(IndexError, match=r"no entry 5 in 6\.\.7"):
        log.entry(5)


def test_a_page_holds_at_least_one_entry_and_no_more_than_fits() -> None:
    log = Log()
    log.append([Entry(index, 1, b"x" * 10) for index in range(1, 6)])
    assert [len(log.page(0, size)) for size in (0, 9, 10, 25, 50, 1000)] == [1, 1, 1, 2, 5, 5]
    assert log.page(5, 100) == ()


def test_hints_skip_whole_terms() -> None:
    """The example of section 5.3: the follower's tail of later terms cannot match an append of term 3."""
    follower = log_of(1, 3, 3, 4, 4, 5, 5, 5, 6)
    assert follower.last_at_or_below_term(8, 3) == 3
    assert follower.last_at_or_below_term(20, 9) == 9
    assert follower.last_at_or_below_term(5, 0) == 0


def test_progress_probes_then_replicates_then_falls_back() -> None:
    peer = Peer(next_index=6)
    peer.sent(5, 1, 0, 2)
    assert peer.paused
    assert peer.refused(5, 2)
    assert peer.next == 3
    assert not peer.refused(5, 2), "a doubled refusal is stale"
    assert peer.acknowledged(4)
    assert (peer.state, peer.next) == (ProgressState.REPLICATE, 5)
    peer.sent(4, 1, 0, 2)
    assert not peer.paused
    peer.sent(5, 1, 0, 2)
    assert peer.paused
    assert len(peer.inflight) == 2
    assert peer.acknowledged(5)
    assert not peer.paused
    assert not peer.acknowledged(5)
    assert not peer.refused(5, 0), "what is known to match cannot be refused"
    assert peer.refused(6, 5)
    assert (peer.state, peer.next) == (ProgressState.PROBE, 6)


def test_timeouts_are_in_range_and_of_the_seed_node_and_draw() -> None:
    drawn = [election_timeout(seed, node, draw, 10) for seed in range(9) for node in range(9) for draw in range(9)]
    assert set(drawn) == set(range(10, 20))
    assert election_timeout(7, 1, 0, 10) == election_timeout(7, 1, 0, 10)
    assert len({tuple(election_timeout(seed, 1, draw, 100) for draw in range(5)) for seed in range(50)}) == 50


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"id": 0, "voters": (1,)}, "positive"),
        ({"id": 1, "voters": (1, 1)}, "twice"),
        ({"id": 1, "voters": (1, 2), "learners": (2,)}, "twice"),
        ({"id": 1, "voters": ()}, "at least one voter"),
        ({"id": 1, "voters": (1,), "election_tick": 1}, "greater than heartbeat_tick"),
        ({"id": 1, "voters": (1,), "max_inflight": 0}, "max_inflight"),
        ({"id": 1, "voters": (1,), "read_only": "FAST"}, "SAFE or LEASE"),
        ({"id": 1, "voters": (1,), "read_only": "LEASE", "check_quorum": False}, "needs check_quorum"),
    ],
)
def test_a_config_that_cannot_work_is_refused(config: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Config(**config)  # type: ignore[arg-type]
