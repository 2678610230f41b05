"""Raft under test, from the command line: the sweep over many seeds, and the search for what a broken twin breaks."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from k8s_tutor.raft import BROKEN_RULES
from k8s_tutor.raft.lab import Figures, run_seed

OK, FAILED, BAD = 0, 1, 2
CHUNK = 25
"""Seeds that one process plays in a row."""
CHECKED = (
    "election safety, leader append-only, log matching, leader completeness and state-machine safety after every step; "
    "a leader and progress at the end; linearizability of what clients saw"
)


class Share(msgspec.Struct):
    """What some seeds have come to; ``broken``: (seed, breach)."""

    seeds: int
    figures: Figures
    broken: list[tuple[int, str]]
    undecided: int


def sweep(seeds: int, first: int, jobs: int, variant: str, as_json: bool) -> int:
    """Plays ``seeds`` seeds from ``first`` on in ``jobs`` processes, and says what they came to."""
    if variant not in BROKEN_RULES:
        return _unknown(variant)
    if seeds == 1 and not as_json:
        return _tell(first, variant)
    begun = time.monotonic()
    total = Share(0, Figures(), [], 0)
    progress = Progress(seeds)
    for share in _shares(seeds, first, jobs, variant):
        total.seeds += share.seeds
        total.figures.add(share.figures)
        total.broken += share.broken
        total.undecided += share.undecided
        progress.show(total.seeds, f"{len(total.broken)} breaches")
    progress.clear()
    took = time.monotonic() - begun
    print(json.dumps(_as_json(total, variant, first, took)) if as_json else _as_text(total, variant, first, jobs, took))
    return FAILED if total.broken else OK


def _shares(seeds: int, first: int, jobs: int, variant: str) -> Iterator[Share]:
    """The seeds in shares, in their order."""
    end = first + seeds
    work = [(begin, min(begin + CHUNK, end), variant) for begin in range(first, end, CHUNK)]
    if jobs == 1:
        yield from map(_play, work)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_play, work)


def _play(work: tuple[int, int, str]) -> Share:
    begin, end, variant = work
    share = Share(end - begin, Figures(), [], 0)
    for seed in range(begin, end):
        outcome = run_seed(seed, variant)
        share.figures.add(outcome.figures)
        share.undecided += outcome.undecided
        if outcome.breach:
            share.broken.append((seed, outcome.breach))
    return share


def _tell(seed: int, variant: str) -> int:
    """One seed, with the end of its run in words."""
    outcome = run_seed(seed, variant, tell=True)
    print("\n".join(outcome.told))
    print(f"{variant}, seed {seed}: {outcome.breach or 'nothing is broken'}")
    return FAILED if outcome.breach else OK


def _as_json(total: Share, variant: str, first: int, took: float) -> dict[str, object]:
    return {
        "variant": variant,
        "first": first,
        "seeds": total.seeds,
        "seconds": round(took, 1),
        **msgspec.to_builtins(total.figures),
        "undecided": total.undecided,
        "breaches": [{"seed": seed, "what": what} for seed, what in total.broken],
    }


def _as_text(total: Share, variant: str, first: int, jobs: int, took: float) -> str:
    figures = msgspec.to_builtins(total.figures)
    steps = figures.pop("steps")
    counted = " · ".join(f"{name} {count:,}" for name, count in figures.items())
    workers = "1 process" if jobs == 1 else f"{jobs} processes"
    lines = [
        f"{variant}: {total.seeds:,} seeds from {first} on, {steps:,} steps, in {took:.0f} s with {workers}",
        f"  {counted}",
        f"  checked: {CHECKED}",
    ]
    if total.undecided:
        lines.append(f"  histories that were too long to judge: {total.undecided}")
    lines.append(f"breaches: {len(total.broken)}")
    for seed, what in total.broken[:10]:
        lines.append(f"  seed {seed}: {what}")
        lines.append(f"    again: k8s-tutor sweep --variant {variant} --first {seed} --seeds 1")
    if len(total.broken) > 10:
        lines.append(f"  ... and {len(total.broken) - 10} more seeds")
    return "\n".join(lines)


def search(variant: str, seeds: int, first: int, among: int, wanted: str, save: str | None) -> int:
    """Looks for a run that breaks a promise of consensus, and tells the smallest one."""
    from k8s_tutor.cluster.safety import PROMISES
    from k8s_tutor.cluster.search import hunt

    if variant not in BROKEN_RULES:
        return _unknown(variant)
    if wanted and wanted not in PROMISES:
        sys.stderr.write(f"k8s-tutor: there is no property {wanted!r}; there are {', '.join(PROMISES)}\n")
        return BAD
    progress = Progress(seeds)
    story = hunt(variant, range(first, first + seeds), lambda seed: progress.show(seed - first, ""), among, wanted)
    progress.clear()
    if story is None:
        print(f"{variant}: nothing is broken in {seeds} seeds from {first} on")
        return OK if variant == "raft" else FAILED
    print(story.text())
    if save:
        try:
            Path(save).write_text(json.dumps(story.session, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            sys.stderr.write(f"k8s-tutor: {save}: {error.strerror or error}\n")
            return BAD
        print(f"saved: k8s-tutor replay {save}")
    return FAILED if variant == "raft" else OK


def _unknown(variant: str) -> int:
    sys.stderr.write(f"k8s-tutor: there is no variant {variant!r}; there are {', '.join(BROKEN_RULES)}\n")
    return BAD


def processes(jobs: int | None) -> int:
    """How many processes to use: as asked for, or one a core."""
    return max(1, jobs if jobs is not None else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


class Progress:
    """How far long work has come, on standard error: one line that is written over, or, where nobody watches, ten in all."""

    def __init__(self, goal: int) -> None:
        self._goal = goal
        self._watched = sys.stderr.isatty()
        self._next = 0

    def show(self, done: int, more: str) -> None:
        """So much is done."""
        if self._watched:
            sys.stderr.write(f"\r{done:,} of {self._goal:,} seeds  {more}")
        elif self._goal >= 1_000 and done >= self._next:
            self._next += self._goal // 10
            sys.stderr.write(f"{done:,} of {self._goal:,} seeds  {more}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """The work is done: the line goes away."""
        if self._watched:
            sys.stderr.write("\r\x1b[K")
