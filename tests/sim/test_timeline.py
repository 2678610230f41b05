"""Going back, going forward, and other futures."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.sim import MS, Timeline, World
from tests.sim.toys import Ball, pair


def apply(world: World, given: Any) -> None:
    verb, what = given
    if verb == "throw":
        world.inject("bob", Ball(what))
    else:
        getattr(world, verb)(what)


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(pair(), apply, every=10)


def test_rewinding_and_going_forward_again_gives_the_same_digest(timeline: Timeline) -> None:
    timeline.advance(100 * MS)
    timeline.give(("throw", 100), "throw")
    timeline.advance(200 * MS)
    events, digest = timeline.world.events, timeline.world.digest()
    for target in (5, 37, 0, events - 1):
        timeline.goto(target)
        assert timeline.world.events == target
        timeline.advance(200 * MS)
        assert (timeline.world.events, timeline.world.digest()) == (events, digest)


def test_every_moment_can_be_reached_from_every_other(timeline: Timeline) -> None:
    digests = []
    for _ in range(60):
        digests.append(timeline.world.digest())
        timeline.step()
    for target in (59, 3, 30, 29, 31, 58, 1):
        timeline.goto(target)
        assert timeline.world.digest() == digests[target]


def test_a_new_input_in_the_past_opens_a_branch_and_the_old_future_stays(timeline: Timeline) -> None:
    timeline.advance(50 * MS)
    end = timeline.world.digest()
    timeline.goto_time(20 * MS)
    timeline.give(("crash", "bob"), "crash bob")
    timeline.advance(50 * MS)
    assert [branch.name for branch in timeline.branches] == ["main", "crash bob"]
    assert timeline.world.actor("bob") is None
    timeline.checkout("main")
    assert timeline.world.actor("bob") is not None
    assert timeline.world.digest() == end
    timeline.checkout("crash bob")
    assert timeline.world.actor("bob") is None


def test_branches_of_branches_find_their_way_back(timeline: Timeline) -> None:
    timeline.advance(50 * MS)
    timeline.goto_time(30 * MS)
    timeline.give(("throw", 1000), "one")
    timeline.advance(60 * MS)
    inner = timeline.world.digest()
    timeline.goto_time(10 * MS)
    timeline.give(("throw", 2000), "two")
    timeline.advance(20 * MS)
    timeline.checkout("one")
    assert timeline.world.digest() == inner
    timeline.goto_time(5 * MS)
    timeline.advance(60 * MS)
    assert timeline.world.digest() == inner


def test_back_undoes_inputs_and_deliveries_one_by_one(timeline: Timeline) -> None:
    timeline.advance(20 * MS)
    before = (timeline.world.events, timeline.world.digest())
    timeline.give(("throw", 7), "throw")
    timeline.step()
    assert timeline.back()
    assert timeline.taken == 1
    assert timeline.back()
    assert (timeline.world.events, timeline.world.digest()) == before
    while timeline.back():
        pass
    assert timeline.world.events == 0


def test_inputs_between_two_events_keep_their_instants(timeline: Timeline) -> None:
    timeline.advance(20 * MS + 10)
    timeline.give(("pause", "bob"), "pause")
    timeline.advance(20 * MS + 500)
    timeline.give(("resume", "bob"), "resume")
    timeline.advance(40 * MS)
    digest = timeline.world.digest()
    timeline.goto_time(20 * MS + 100)
    assert "bob" in timeline.world.paused
    timeline.advance(40 * MS)
    assert timeline.world.digest() == digest


def test_checkpoints_thin_out_and_every_moment_stays_reachable() -> None:
    timeline = Timeline(pair(), apply, every=2)
    while timeline.world.events < 3000:
        timeline.step()
    assert len(timeline.branch.checkpoints) <= 401
    digest = timeline.world.digest()
    timeline.goto(1111)
    assert timeline.world.events == 1111
    timeline.goto(3000)
    assert timeline.world.digest() == digest


def test_a_fork_of_a_timeline_leaves_it_alone(timeline: Timeline) -> None:
    timeline.advance(20 * MS)
    digest = timeline.world.digest()
    fork = timeline.fork()
    fork.give(("crash", "bob"), "crash")
    fork.advance(90 * MS)
    assert timeline.world.digest() == digest
    assert timeline.world.actor("bob") is not None


def test_names_of_branches_are_unique_and_can_be_changed(timeline: Timeline) -> None:
    timeline.advance(20 * MS)
    for _ in range(2):
        timeline.goto_time(10 * MS)
        timeline.give(("throw", 5), "throw")
        timeline.advance(20 * MS)
        timeline.checkout("main")
    assert [branch.name for branch in timeline.branches] == ["main", "throw", "throw (2)"]
    timeline.rename("throw (2)", "mine")
    with pytest.raises(ValueError, match="exists already"):
        timeline.rename("throw", "mine")
    with pytest.raises(LookupError):
        timeline.checkout("nowhere")
