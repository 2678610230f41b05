"""Independent jobs in several processes, with their results in the order of the jobs."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

WORTH = 6
"""Fewer jobs than this are done here: starting processes would cost more than it saves."""


def spread(work: Callable[[Job], Result], jobs: Sequence[Job], processes: int | None = None) -> list[Result]:
    """``work`` of every job, in order. ``work`` must be a function of a module, jobs and results plain data.

    ``processes``: how many at most (None: as many as there are processors). One process is used where there are few jobs, and
    where the system has no processes to give. Ctrl-C ends them all. What ``work`` raises is raised here.
    """
    count = min(processes or _processors(), len(jobs))
    if count < 2 or len(jobs) < WORTH:
        return [work(job) for job in jobs]
    try:
        pool: Any = multiprocessing.get_context().Pool(count, _deaf)
    except (ImportError, OSError):  # no semaphores, or no more processes
        return [work(job) for job in jobs]
    with pool:  # its end terminates the processes, also after Ctrl-C
        return list(pool.imap(work, jobs))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _deaf() -> None:
    """Ctrl-C reaches the whole group of processes; only the first one answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
