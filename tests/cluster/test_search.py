"""The search finds what each twin breaks, shrinks it, and what is left is a session that replays to its breach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.cluster.search import Hold, Move, Plan, hunt, play, tell
from k8s_tutor.cluster.search.adversary import ground
from k8s_tutor.cluster.search.shrink import Shrinker
from k8s_tutor.raft import BROKEN_RULES, MessageType
from k8s_tutor.sim import SECOND

STORIES = Path(__file__).parents[2] / "assets" / "stories"
TWINS = [name for name, rule in BROKEN_RULES.items() if rule]


@pytest.mark.parametrize("variant", TWINS)
def test_a_committed_story_replays_to_its_breach(variant: str) -> None:
    session = json.loads((STORIES / f"{variant}.json").read_text(encoding="utf-8"))
    story = session["story"]
    one = Cluster.load(session)
    (lamp, *_) = [lamp for lamp in one.view().raft.invariants if lamp.property == story["property"]]
    assert (lamp.ok, lamp.broken_at_event, lamp.sentence) == (False, story["broken_at_event"], story["sentence"])
    assert story["shrunk"]["inputs"][1] == len(session["inputs"]) <= story["shrunk"]["inputs"][0]
    assert one.why(lamp.message)[-1].id == lamp.message
    assert tell(session)[-1].endswith(lamp.sentence)


@pytest.mark.parametrize("variant", TWINS)
def test_raft_itself_survives_the_very_same_inputs(variant: str) -> None:
    session = json.loads((STORIES / f"{variant}.json").read_text(encoding="utf-8"))
    broken = Cluster.load(session)
    moves = tuple(Move(given.at, given.input) for given in broken.timeline.branch.inputs)
    raft = play(Plan(broken.spec.model_copy(update={"consensus": "raft"}), moves, broken.now + 2 * SECOND))
    assert raft.broken() == ()


def test_raft_breaks_nothing_under_the_same_adversary() -> None:
    assert hunt("raft", range(60)) is None


def test_a_search_finds_and_shrinks_a_breach() -> None:
    story = hunt("naive", range(10))
    assert story is not None
    assert len(story.session["inputs"]) <= story.moves_before
    again = Cluster.load(json.loads(json.dumps(story.session)))
    assert again.broken()[0] == story.lamp
    assert story.text().splitlines()[-1].endswith(story.lamp.sentence)


def test_a_move_that_means_nothing_is_left_out() -> None:
    spec = ground("raft", 3)
    nonsense = (Move(1 * SECOND, inputs.Crash("etcd-99")), Move(1 * SECOND, Hold("etcd-1", "etcd-9", MessageType.VOTE, 5)))
    assert play(Plan(spec, nonsense, 2 * SECOND)).timeline.branch.inputs == []


def test_a_plan_that_breaks_nothing_cannot_be_shrunk() -> None:
    with pytest.raises(ValueError, match="does not break"):
        Shrinker(Plan(ground("raft", 3), (), 2 * SECOND), "election safety")
