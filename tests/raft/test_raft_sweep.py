"""The seed sweep: whatever crashes, cuts, losses, doubles and reorderings do, the five properties hold at every step.

Once all faults end there is a leader again, and progress, within a bounded time.
"""

from __future__ import annotations

import pytest
from raft_harness import Counts, Faults, Group

ROUNDS = 320
CHUNK = 50
SEEDS = 500


def storm(seed: int) -> Counts:
    group = Group(
        3 if seed % 2 else 5,
        seed=seed,
        election_tick=(6, 10)[seed // 2 % 2],
        pre_vote=seed % 5 != 0,
        check_quorum=seed % 7 != 0,
        max_size_per_message=(1, 1 << 20)[seed // 4 % 2],
        max_inflight=(1, 2, 64)[seed % 3],
    )
    try:
        group.storm(ROUNDS, Faults(cut=0.05, crash=(0.01, 0.04)[seed // 3 % 2], loss=(0.02, 0.15)[seed // 5 % 2]))
        group.calm(limit=300)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    return group.counts


def sweep(seeds: range) -> None:
    total = Counts()
    for seed in seeds:
        total.add(storm(seed))
    print(f"seeds {seeds.start}..{seeds.stop - 1}: {total}")
    size = len(seeds)
    assert total.elections >= 3 * size, f"too few elections: {total}"
    assert total.commits >= 20 * size, f"too few commits: {total}"
    assert total.truncations >= size // 4, f"too few truncations: {total}"
    assert total.restarts >= 2 * size, f"too few restarts: {total}"
    assert total.reads >= 2 * size, f"too few reads: {total}"


@pytest.mark.parametrize("start", range(0, SEEDS, CHUNK))
def test_safety_holds_at_every_step_and_progress_returns(start: int) -> None:
    sweep(range(start, start + CHUNK))


@pytest.mark.long
@pytest.mark.parametrize("start", range(SEEDS, SEEDS + 10_000, 10 * CHUNK))
def test_safety_holds_over_ten_thousand_seeds(start: int) -> None:
    sweep(range(start, start + 10 * CHUNK))
