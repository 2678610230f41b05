"""Views are extended, not built anew: that gives what a fresh look gives, and what has not changed is the same object."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api.server import ApiServer
from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.sim import SECOND
from tests.cluster.helpers import cluster, kubectl, settled

PARTS = ("raft", "wire", "log", "network", "console", "control_plane", "workload", "verdicts", "controllers")


def fresh(one: Cluster) -> Cluster:
    """The same cluster, seen by somebody who sees it for the first time."""
    return Cluster(one.spec, timeline=one.timeline)


def assert_fresh(one: Cluster) -> None:
    seen, first = one.view(), fresh(one).view()
    for name in PARTS:
        assert getattr(seen, name) == getattr(first, name), f"{name} at event {one.events}"
    assert one.timeline_view() == fresh(one).timeline_view()


def play(one: Cluster, steps: int, every: int = 17) -> None:
    for count in range(steps):
        one.step()
        if count % 3 == 0:
            one.view()
        if count % every == 0:
            assert_fresh(one)


@pytest.fixture
def rooms() -> Cluster:
    return cluster(managers=3, workers=3, rooms={"A": ["cp-1", "cp-2", "node-1"], "B": ["cp-3", "node-2", "node-3"]})


def test_an_extended_view_is_a_fresh_view(rooms: Cluster) -> None:
    one = rooms
    for given in (
        inputs.Kubectl("create deployment web --image=nginx --replicas=4"),
        inputs.Kubectl("expose deployment web --port=80"),
        inputs.Crash("node-1"),
        inputs.Kubectl("scale deployment web --replicas=7"),
        inputs.Cut((("A",), ("B",))),
        inputs.Kubectl("delete deployment web"),
        inputs.Crash("api-1"),
        inputs.Heal(),
        inputs.Pause("node-2"),
        inputs.Restart("api-1"),
        inputs.Restart("node-1"),
        inputs.Resume("node-2"),
    ):
        one.give(given)
        assert_fresh(one)
        play(one, 400)


def test_a_view_after_a_rewind_is_a_fresh_view(rooms: Cluster) -> None:
    one = rooms
    start = one.events
    settled(one, "create deployment web --image=nginx --replicas=3")
    one.view()
    end = one.events
    for target in (end - 1, start + 5, end - 40, (start + end) // 2, end):
        one.goto(target)
        assert_fresh(one)
        play(one, 60)


def test_another_future_is_not_mistaken_for_this_one() -> None:
    """Both futures reach the same revisions, with other objects at them."""
    one = cluster(managers=1, workers=0)
    one.run_until(one.now + SECOND)
    start = one.events
    for back, name in enumerate(("web", "api")):
        one.goto(start - back)
        kubectl(one, f"create deployment {name} --image=nginx")
        assert [deployment.name for deployment in one.view().workload.deployments] == [name]
        assert list(one.objects("Deployment")) == [f"default/{name}"]
        assert_fresh(one)


def test_items_that_have_not_changed_are_the_same_objects() -> None:
    one = cluster(managers=1, workers=3)
    settled(one, "create deployment web --image=nginx --replicas=3")
    settled(one, "expose deployment web --port=80")
    before = one.view()
    settled(one, "create deployment other --image=nginx --replicas=1")
    after = one.view()
    pods = {pod.name: pod for pod in after.workload.pods}
    assert len(pods) == 4
    assert all(pods[pod.name] is pod for pod in before.workload.pods)
    assert sum(new is old for new, old in zip(after.workload.nodes, before.workload.nodes, strict=True)) == 2
    assert after.workload.services[0] is before.workload.services[0]
    known = {verdict.pod: verdict for verdict in after.verdicts}
    assert all(known[verdict.pod] is verdict for verdict in before.verdicts)


def test_housekeeping_leaves_most_of_a_view_as_it_is() -> None:
    one = cluster(managers=3, workers=2)
    settled(one, "create deployment web --image=nginx --replicas=2")
    before: Any = one.view()
    changed = dict.fromkeys(PARTS, 0)
    for _ in range(300):
        one.step()
        after: Any = one.view()
        for name in PARTS:
            changed[name] += getattr(after, name) is not getattr(before, name)
        before = after
    assert changed["verdicts"] == changed["network"] == changed["console"] == 0
    assert changed["log"] <= 5
    assert changed["workload"] <= 10, "leases and heartbeats are no news"


def test_a_manager_that_comes_or_goes_is_seen_and_balanced_at_once() -> None:
    one = cluster(managers=3)
    one.view()
    one.give(inputs.AddManager())
    assert [machine.name for machine in one.view().control_plane.machines][-1] == "cp-4"
    one.run_until(one.now + 2 * SECOND)
    names = [server.name for server in one._workload._running(one.world, ApiServer)]
    assert names == ["api-1", "api-2", "api-3", "api-4"]
    one.give(inputs.RemoveManager("cp-2"))
    assert one.world.processes["lb"].config.servers == ("api-1", "api-3", "api-4")
    assert "api-2" not in [server.name for server in one._workload._running(one.world, ApiServer)]
