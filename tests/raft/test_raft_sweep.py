"""The seed sweep: whatever crashes, cuts, losses, changes of members and of leaders do, the five properties hold at every
step, clients see registers that change at one instant, and once all faults end there is progress within a bounded time."""

from __future__ import annotations

import pytest

from k8s_tutor.raft import RaftNode, Ready, variants
from k8s_tutor.raft.lab import Figures, group, run_seed
from k8s_tutor.raft.lab.machine import Disk

CHUNK = 50
SEEDS = 500
LEAST = {
    "elections": 3, "crashes": 5, "torn": 2, "cuts": 5, "changes": 2, "compactions": 2, "commits": 10, "writes": 5, "reads": 5,
}  # fmt: skip
"""How often something happens in a seed, on average: a sweep in which nothing happens proves nothing."""


def sweep(seeds: range) -> None:
    total, broken, undecided = Figures(), [], 0
    for seed in seeds:
        outcome = run_seed(seed)
        total.add(outcome.figures)
        undecided += outcome.undecided
        if outcome.breach:
            broken.append(f"seed {seed}: {outcome.breach}\n  again: k8s-tutor sweep --first {seed} --seeds 1")
    print(f"seeds {seeds.start}..{seeds.stop - 1}: {total}")
    assert broken == []
    assert undecided == 0, "histories that were too long to judge"
    assert {name: getattr(total, name) for name, least in LEAST.items() if getattr(total, name) < least * len(seeds)} == {}
    assert total.snapshots > len(seeds) // 4 and total.transfers > len(seeds)


@pytest.mark.parametrize("start", range(0, SEEDS, CHUNK))
def test_everything_holds_at_every_step_and_progress_returns(start: int) -> None:
    sweep(range(start, start + CHUNK))


@pytest.mark.long
@pytest.mark.parametrize("start", range(SEEDS, SEEDS + 10_000, 10 * CHUNK))
def test_everything_holds_over_ten_thousand_seeds(start: int) -> None:
    sweep(range(start, start + 10 * CHUNK))


@pytest.mark.parametrize(
    ("variant", "seeds", "what"),
    [
        ("naive", range(20), "leader completeness"),
        ("no-random-timeouts", range(40), "no progress"),
        ("send-before-persist", range(20), "beyond its last entry"),
    ],
)
def test_the_same_sweep_catches_broken_twins(variant: str, seeds: range, what: str) -> None:
    found = [outcome.breach for outcome in (run_seed(seed, variant) for seed in seeds) if outcome.breach]
    assert any(what in breach for breach in found), found


def test_a_seed_gives_the_same_run_every_time() -> None:
    first, second = run_seed(11, tell=True), run_seed(11, tell=True)
    assert first == second
    assert first.told and first.figures.steps > 500


class HastyReader(RaftNode):
    """A leader that answers reads without asking whether it still leads."""

    __slots__ = ()

    def _begin_read(self, requester: int, context: bytes) -> None:
        self._answer_read(requester, context, self.log.committed)


class ForgetfulDisk(Disk):
    """Loses the newest entry of each write."""

    __slots__ = ()

    def save(self, ready: Ready) -> None:
        self.save_some(ready, max(0, len(ready.entries) - 1))


def test_clients_notice_a_leader_that_answers_reads_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(variants._KINDS, "raft", HastyReader)
    found = [outcome.breach for outcome in map(run_seed, range(40, 120)) if outcome.breach]
    assert found and all(breach.startswith("linearizability") for breach in found), found


def test_a_disk_that_lies_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "Disk", ForgetfulDisk)
    assert run_seed(0).breach
