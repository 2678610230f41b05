"""How fast controllers speak, what they gather, and what they remember."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.api import depth, scheme
from k8s_tutor.api.status import Refusal
from k8s_tutor.api.structs import once
from k8s_tutor.api.throttle import Throttle
from k8s_tutor.bench.rollout import CONTROLLERS, rate
from k8s_tutor.cluster import ClusterSpec, inputs
from k8s_tutor.cluster.apply import apply
from k8s_tutor.cluster.cluster import booted
from k8s_tutor.controllers.base import Index
from k8s_tutor.sim import MS, SECOND, World
from k8s_tutor.sim.message import Note


def test_a_client_may_burst_and_then_goes_at_its_pace() -> None:
    bucket = Throttle(20, 3)
    assert [bucket.wait(0) for _ in range(5)] == [0, 0, 0, 50 * MS, 100 * MS]
    assert bucket.wait(10 * SECOND) == 0


def test_an_index_and_its_copy_go_their_own_ways() -> None:
    index = Index()
    index.move("a", (), ("red",))
    index.move("b", (), ("red", "blue"))
    other = index.copy()
    other.move("a", ("red",), ("blue",))
    index.move("b", ("red", "blue"), ())
    assert (index.of("red"), index.of("blue")) == (("a",), ())
    assert (other.of("red"), other.of("blue")) == (("b",), ("b", "a"))


def test_a_question_about_a_struct_is_asked_once() -> None:
    asked: list[Any] = []

    @once
    def name(pod: Any) -> str:
        asked.append(pod)
        return str(pod.metadata.name)

    pods = [
        scheme.typed(json.dumps({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": one}}).encode()) for one in ("a", "b")
    ]  # fmt: skip
    assert [name(one) for one in (*pods, *pods)] == ["a", "b", "a", "b"]
    assert asked == pods


@pytest.mark.parametrize("text", ["[", '"]', "\\\\"])
def test_brackets_in_texts_do_not_count_as_depth(text: str) -> None:
    deep = depth.DEEPEST - 1
    depth.check(json.dumps([json.loads("[" * deep + "]" * deep), text * 400]).encode())
    with pytest.raises(Refusal):
        depth.check(json.dumps([json.loads("[" * (deep + 1) + "]" * (deep + 1)), text * 400]).encode())


def _looks(world: World, controller: str) -> int:
    notes = [one for one in world.log.records() if isinstance(one, Note) and one.kind == "controller.decided"]
    return sum(one.fields["controller"] == controller for one in notes)


def test_changes_of_pods_are_gathered_when_the_flag_says_so() -> None:
    found = {}
    for name, flags in (("default", {}), ("gathered", CONTROLLERS)):
        world = booted(ClusterSpec.model_validate({"managers": 1, "workers": 4, "kubelets": "plain", "controllers": flags}))
        apply(world, inputs.Kubectl("create deployment web --image=nginx --replicas=12"))
        apply(world, inputs.Kubectl("expose deployment web --port=80"))
        world.run_until(world.now + 10 * SECOND)
        found[name] = _looks(world, "endpoint-controller")
    assert 1 <= found["gathered"] < found["default"]


def test_the_rollout_that_is_measured_comes_up() -> None:
    assert rate(20, 5) > 0
