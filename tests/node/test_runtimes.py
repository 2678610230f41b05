"""Three runtimes behind one CRI: what is the same, and what is not."""

from __future__ import annotations

from functools import cache

import pytest
from pydantic import ValidationError

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.node import cni
from k8s_tutor.node.images import parse_reference
from k8s_tutor.node.pull_errors import pull_error
from k8s_tutor.node.registry import RegistryError
from k8s_tutor.node.runtimes import FLAVOURS
from k8s_tutor.sim import SECOND, CallFailed
from k8s_tutor.sim.detect import Detector

PROCESSES = {
    "containerd": ["containerd-1"],
    "cri-o": ["crio-1"],
    "docker": ["containerd-1", "dockerd-1", "cri-dockerd-1"],
}
KINDS = ("containerd", "cri-o", "docker")


@cache
def saved(runtime: str) -> bytes:
    """A session in which a pod serves."""
    cluster = Cluster(ClusterSpec(managers=1, workers=1, runtime=runtime))  # type: ignore[arg-type]
    typed(cluster, "run web --image=nginx", 12)
    return cluster.save()


def served(runtime: str) -> Cluster:
    return Cluster.load(saved(runtime))


def typed(cluster: Cluster, line: str, seconds: float = 2) -> str:
    """Types a line and lets time pass: what it has printed."""
    cluster.give(inputs.Kubectl(line))
    cluster.run_until(cluster.now + int(seconds * SECOND))
    answer = cluster.world.actor("you").answers[-1]  # type: ignore[union-attr]
    return str(answer.stdout + answer.stderr)


def rows(cluster: Cluster) -> str:
    """Whether the pod is ready, and how often it was restarted."""
    return " ".join(typed(cluster, "get pod web", 1).splitlines()[1].split()[1:4])


@pytest.mark.parametrize("kind", KINDS)
def test_a_pod_runs_and_the_runtime_names_itself(kind: str) -> None:
    cluster = served(kind)
    assert rows(cluster) == "1/1 Running 0"
    assert [name for name in cluster.world.processes if name.rpartition("-")[0] in
            {process for one in FLAVOURS.values() for process in one.processes}] == PROCESSES[kind]  # fmt: skip
    fields = " ".join(f"{{.status.containerStatuses[0].{name}}}" for name in ("containerID", "imageID"))
    status = typed(cluster, f"get pod web -o jsonpath='{fields}'")
    prefix = "docker-pullable://nginx@sha256:" if kind == "docker" else "docker.io/library/nginx@sha256:"
    assert status.startswith(f"{kind}://") and status.split()[1].startswith(prefix)
    version = typed(cluster, "get node node-1 -o jsonpath={.status.nodeInfo.containerRuntimeVersion}")
    assert version.strip() == f"{kind}://{FLAVOURS[kind].version}"
    assert typed(cluster, "exec web -- hostname") == "web\n"
    assert "start worker process" in typed(cluster, "logs web")
    typed(cluster, "delete pod web", 5)
    assert "No resources found" in typed(cluster, "get pods")
    shim = cluster.world.actor("shim-1")
    assert shim.tasks == {}  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_replays_and_changes_nothing_in_place(kind: str) -> None:
    cluster = served(kind)
    typed(cluster, "exec web -- sh -c 'for i in 1 2 3; do echo $i; sleep 0.1; done'")
    assert Cluster.load(cluster.save()).digest() == cluster.digest()
    detector = Detector(cluster.world)
    for line in ("exec web -- sh -c 'echo a > /tmp/a; sleep 0.2'", "logs -f web", "delete pod web"):
        cluster.give(inputs.Kubectl(line))
        for _ in range(300):
            detector.step()


@pytest.mark.parametrize(
    ("kind", "process", "goes_on"),
    [
        ("containerd", "containerd-1", True), ("cri-o", "crio-1", True), ("docker", "cri-dockerd-1", True),
        ("docker", "containerd-1", True), ("docker", "dockerd-1", False),
    ],
)  # fmt: skip
def test_containers_outlive_the_runtime_but_not_a_restart_of_dockerd(kind: str, process: str, goes_on: bool) -> None:
    cluster = served(kind)
    shim = cluster.world.actor("shim-1")
    before = sorted(task.container for task in shim.tasks.values() if not task.exited)  # type: ignore[union-attr]
    cluster.give(inputs.Crash(process))
    cluster.run_until(cluster.now + 45 * SECOND)
    assert sorted(task.container for task in shim.tasks.values() if not task.exited) == before  # type: ignore[union-attr]
    ready = typed(cluster, "get nodes").splitlines()[-1].split()[1]
    assert ready == ("Ready" if (kind, process) == ("docker", "containerd-1") else "NotReady")
    cluster.give(inputs.Restart(process))
    cluster.run_until(cluster.now + 30 * SECOND)
    assert typed(cluster, "get nodes").splitlines()[-1].split()[1] == "Ready"
    assert rows(cluster) == ("1/1 Running 0" if goes_on else "1/1 Running 1")
    after = sorted(task.container for task in shim.tasks.values() if not task.exited)  # type: ignore[union-attr]
    assert (after == before) == goes_on and len(after) == len(before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_container_and_a_power_cut(kind: str) -> None:
    cluster = served(kind)
    cluster.give(inputs.Kill("web"))
    cluster.run_until(cluster.now + 5 * SECOND)
    assert rows(cluster) == "1/1 Running 1"
    cluster.give(inputs.Crash("node-1"))
    cluster.run_until(cluster.now + 5 * SECOND)
    cluster.give(inputs.Restart("node-1"))
    cluster.run_until(cluster.now + 40 * SECOND)
    assert rows(cluster) == "1/1 Running 2"


def test_with_docker_every_step_passes_all_processes() -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1, runtime="docker"))
    cluster.give(inputs.Kubectl("run web --image=nginx"))
    seen: list[tuple[str, str, str]] = []
    end = cluster.now + 12 * SECOND
    while cluster.now < end and (event := cluster.world.step()) is not None:
        _, _, src, dst, body, *_ = event
        seen.append((src, dst, type(getattr(body, "body", body)).__name__))
    for pair in (
        ("kubelet-1", "cri-dockerd-1", "PullImage"), ("cri-dockerd-1", "dockerd-1", "PullImage"),
        ("cri-dockerd-1", "cni-1", cni.CniAdd.__name__), ("dockerd-1", "containerd-1", "RunTask"),
        ("containerd-1", "shim-1", "RunTask"), ("dockerd-1", "registry", "GetManifest"),
    ):  # fmt: skip
        assert pair in seen


@pytest.mark.parametrize("plugin", ["calico", "flannel"])
@pytest.mark.parametrize("kind", ["cri-o", "docker"])
def test_agents_of_network_plugins_find_the_runtime(kind: str, plugin: str) -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1, runtime=kind, cni=plugin))  # type: ignore[arg-type]
    assert typed(cluster, "get nodes").splitlines()[-1].split()[1] == "Ready"


def test_each_worker_may_have_its_own() -> None:
    workers = [{"runtime": "cri-o"}, {}, {"runtime": "containerd"}]
    cluster = Cluster(ClusterSpec.model_validate({"managers": 1, "workers": workers, "runtime": "docker"}))
    found = [line.split()[-1] for line in typed(cluster, "get nodes -o wide").splitlines()[-3:]]
    assert [text.partition("://")[0] for text in found] == ["cri-o", "docker", "containerd"]


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(ValidationError, match="'containerd', 'cri-o' or 'docker'"):
        ClusterSpec(runtime="rkt")  # type: ignore[arg-type]


def test_what_each_says_of_a_pull_that_failed() -> None:
    image = parse_reference("nginx:nope")
    missing = RegistryError(404, "MANIFEST_UNKNOWN")
    said = {kind: pull_error(kind, image, missing) for kind in KINDS}
    assert said["containerd"].code == "NotFound"
    assert said["containerd"].message.startswith('failed to pull and unpack image "docker.io/library/nginx:nope"')
    reading = "reading manifest nope in docker.io/library/nginx: manifest unknown"
    assert said["cri-o"].message == (
        f"unable to pull image or OCI artifact: pull image err: initializing source docker://nginx:nope: {reading}; "
        f"artifact err: get manifest: build image source: {reading}"
    )
    assert said["docker"].message == (
        'Error response from daemon: failed to resolve reference "docker.io/library/nginx:nope": '
        "docker.io/library/nginx:nope: not found"
    )
    away = {kind: pull_error(kind, image, CallFailed("timeout")).message for kind in KINDS}
    assert all("dial tcp: i/o timeout" in text for text in away.values()) and len(set(away.values())) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_pull_shows_in_events(kind: str) -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1, runtime=kind))  # type: ignore[arg-type]
    typed(cluster, "run web --image=nginx:nope", 5)
    words = {"containerd": "failed to pull and unpack", "cri-o": "OCI artifact", "docker": "Error response from daemon"}
    assert words[kind] in typed(cluster, "describe pod web")


def test_the_control_plane_may_run_under_any() -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1, runtime="cri-o", control_plane="static-pods"))
    text = typed(cluster, "get nodes -o wide", 5)
    assert text.count("cri-o://") == 2 and " NotReady" not in text
