"""A control plane made of static pods: who restarts the API server?"""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.sim import SECOND


@pytest.fixture(scope="module")
def start() -> Cluster:
    spec: dict[str, Any] = {"managers": 3, "workers": 1, "control_plane": "static-pods"}
    return Cluster(ClusterSpec.model_validate(spec))


def typed(cluster: Cluster, line: str, seconds: float = 2) -> str:
    cluster.give(inputs.Kubectl(line))
    cluster.run_until(cluster.now + int(seconds * SECOND))
    answer = cluster.world.actor("you").answers[-1]  # type: ignore[union-attr]
    return str(answer.stdout + answer.stderr)


def test_control_plane_shows_as_pods(start: Cluster) -> None:
    text = typed(start, "get pods -n kube-system")
    for name in ("etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager"):
        assert f"{name}-cp-1 " in text and f"{name}-cp-3 " in text
    assert text.count("1/1") == 12, text
    assert "cp-1" in typed(start, "get nodes") and "control-plane" in typed(start, "get nodes")


@pytest.mark.parametrize(("process", "pod"), [("api-1", "kube-apiserver-cp-1"), ("scheduler-2", "kube-scheduler-cp-2"),
                                               ("etcd-3", "etcd-cp-3")])  # fmt: skip
def test_kubelet_starts_a_process_again_that_has_ended(start: Cluster, process: str, pod: str) -> None:
    start.give(inputs.Crash(process))
    start.run_until(start.now + SECOND)
    assert process in start.world.running, "at once, the first time"
    assert "1 (" in typed(start, f"get pod -n kube-system {pod}", 3)
    start.give(inputs.Crash(process))
    start.run_until(start.now + 5 * SECOND)
    assert process not in start.world.running, "the second time after 10 s"
    start.run_until(start.now + 8 * SECOND)
    assert process in start.world.running


def test_nobody_starts_it_where_no_kubelet_runs(start: Cluster) -> None:
    start.give(inputs.Crash("kubelet-cp-2"))
    start.give(inputs.Crash("api-2"))
    start.run_until(start.now + 30 * SECOND)
    assert "api-2" not in start.world.running
    start.give(inputs.Restart("kubelet-cp-2"))
    start.run_until(start.now + 30 * SECOND)
    assert "api-2" in start.world.running


def test_machine_that_starts_again(start: Cluster) -> None:
    start.give(inputs.Crash("cp-3"))
    start.run_until(start.now + 5 * SECOND)
    start.give(inputs.Restart("cp-3"))
    assert "api-3" not in start.world.running, "the kubelet has to start it"
    start.run_until(start.now + 60 * SECOND)
    assert "api-3" in start.world.running and "etcd-3" in start.world.running
    again = Cluster.load(start.save())
    assert again.digest() == start.digest()
