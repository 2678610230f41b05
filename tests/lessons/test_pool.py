"""Jobs in several processes."""

from __future__ import annotations

import os

import pytest

from k8s_tutor.lessons.pool import spread


def square(number: int) -> int:
    return number * number


def process(number: int) -> int:
    return os.getpid()


def fail(number: int) -> int:
    raise ValueError(f"no {number}")


def test_results_come_in_the_order_of_the_jobs() -> None:
    assert spread(square, range(20), processes=2) == [number * number for number in range(20)]


def test_few_jobs_and_one_processor_stay_here() -> None:
    assert set(spread(process, range(3), processes=2)) == {os.getpid()}
    assert set(spread(process, range(20), processes=1)) == {os.getpid()}
    assert os.getpid() not in spread(process, range(20), processes=2)


def test_what_a_job_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="no 0"):
        spread(fail, range(20), processes=2)


def test_without_processes_the_jobs_are_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    import multiprocessing

    def none(*args: object) -> object:
        raise OSError("no semaphores")

    monkeypatch.setattr(multiprocessing, "get_context", none)
    assert spread(square, range(8), processes=2) == [number * number for number in range(8)]
