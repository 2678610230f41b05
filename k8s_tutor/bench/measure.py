"""How things are measured: CPU time, the two sides in turn, the median of several samples."""

from __future__ import annotations

import gc
import importlib.util
import time
from collections.abc import Callable
from typing import NamedTuple

SAMPLES = 5


class Row(NamedTuple):
    """One line of the result. ``ours`` and ``peer`` are in ``unit``; ``ratio`` says how much better ours is, or how much of
    the budget it takes; it is None with a ``reason`` where there is no peer."""

    id: str
    what: str
    unit: str
    ours: float
    peer: float | None
    ratio: float | None
    goal: str
    samples: int
    reason: str = ""


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds that ``work`` takes."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def present(module: str) -> bool:
    """Whether a peer is installed."""
    return importlib.util.find_spec(module) is not None


def median(values: list[float]) -> float:
    """The middle value."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def rates(ours: Callable[[], float], peer: Callable[[], float] | None, samples: int = SAMPLES) -> tuple[float, float | None]:
    """Medians of two measurements (each returns a rate), taken in turn so that the machine's moods meet both."""
    left, right = [], []
    for _ in range(samples):
        left.append(ours())
        if peer is not None:
            right.append(peer())
    return median(left), median(right) if right else None
