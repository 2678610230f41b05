"""The scheduling queue alone."""

from __future__ import annotations

from k8s_tutor.scheduler.queue import SchedulingQueue, backoff
from k8s_tutor.sim import SECOND


def test_priority_comes_first_then_arrival() -> None:
    queue = SchedulingQueue()
    for at, (key, priority) in enumerate((("a", 0), ("b", 10), ("c", 0), ("d", 10))):
        assert queue.add(key, priority, at)
    assert not queue.add("a", 0, 9)
    assert queue.keys("active") == ["b", "d", "a", "c"]
    assert [queue.pop() for _ in range(5)] == ["b", "d", "a", "c", None]


def test_backoff_doubles_up_to_ten_seconds() -> None:
    assert [backoff(attempts) // SECOND for attempts in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_an_unschedulable_pod_waits_for_an_event_and_finishes_its_backoff() -> None:
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    assert queue.pop() == "a"
    queue.fail("a", 0)
    assert queue.pop() is None
    assert queue.move(["a", "b"], SECOND // 2) == ["a"]
    assert queue.pods["a"].place == "backoff"
    assert queue.flush(SECOND // 2) == 0
    assert queue.flush(SECOND) == 1
    assert queue.pop() == "a"
    assert queue.attempts("a") == 2


def test_backoff_is_cut_short_when_nobody_else_is_active() -> None:
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.pop()
    queue.fail("a", 0)
    queue.move(["a"], 1)
    queue.add("b", 0, 2)
    assert [queue.pop(), queue.pop(), queue.pop()] == ["b", "a", None]


def test_backoff_after_a_failed_request_is_never_cut_short() -> None:
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.pop()
    assert queue.retry("a", 0) == SECOND
    assert queue.pop() is None
    assert queue.flush(SECOND) == 1
    assert queue.pop() == "a"


def test_a_pod_left_over_for_five_minutes_is_found_and_a_forgotten_one_is_not_popped() -> None:
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.add("b", 0, 0)
    queue.pop()
    queue.fail("a", 0)
    queue.forget("b")
    assert queue.pop() is None
    assert queue.leftover(299 * SECOND) == []
    assert queue.leftover(300 * SECOND) == ["a"]


def test_a_copy_goes_its_own_way() -> None:
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    twin = queue.copy()
    assert twin.pop() == "a"
    assert queue.pop() == "a"
