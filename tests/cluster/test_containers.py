"""Logs and commands typed at the console: they print what containers print, replay, and change nothing in place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.sim import SECOND
from k8s_tutor.sim.detect import Detector

TICKS = "run ticks --image=busybox -- sh -c 'i=0; while true; do i=$((i+1)); echo tick $i; sleep 1; done'"


def typed(cluster: Cluster, line: str, seconds: float = 2) -> tuple[str, int]:
    """Types a line and lets time pass: what it has printed, and its exit status."""
    cluster.give(inputs.Kubectl(line))
    cluster.run_until(cluster.now + int(seconds * SECOND))
    answer = cluster.world.actor("you").answers[-1]  # type: ignore[union-attr]
    return answer.stdout + answer.stderr, answer.code


@pytest.fixture
def one() -> Iterator[Cluster]:
    """A small cluster in which a script ticks and nginx serves."""
    cluster = Cluster(ClusterSpec(managers=1, workers=2))
    typed(cluster, TICKS, 0.1)
    typed(cluster, "create deployment web --image=nginx", 8)
    yield cluster


def test_what_is_typed_at_the_console(one: Cluster) -> None:
    assert typed(one, "exec ticks -- sh -c 'hostname; exit 4'") == ("ticks\ncommand terminated with exit code 4\n", 4)
    assert typed(one, "logs deploy/web --tail 1")[0].endswith("start worker process 29\n")
    typed(one, "logs -f ticks --tail 1", 3.2)
    assert typed(one, "get pods")[1] == 0
    followed = one.world.actor("you").answers[-2]  # type: ignore[union-attr]
    assert followed.line.startswith("logs -f") and followed.stdout.count("tick ") >= 4
    text, code = typed(one, "exec ticks -- nothere")
    assert code == 1 and "executable file not found in $PATH" in text


def test_a_cluster_with_a_script_that_never_ends_comes_to_rest(one: Cluster) -> None:
    assert one.quiet
    lines = len(one.world.actor("you").answers)  # type: ignore[union-attr]
    one.run_until(one.now + 60 * SECOND)
    assert one.quiet and len(one.world.actor("you").answers) == lines  # type: ignore[union-attr]


def test_a_session_with_commands_in_containers_replays(one: Cluster) -> None:
    typed(one, "exec ticks -- sh -c 'for i in 1 2 3; do echo $i > /tmp/$i; sleep 0.1; done; ls /tmp'")
    typed(one, "exec deploy/web -- curl -s localhost")
    typed(one, "exec ticks -- ls /tmp")
    again = Cluster.load(one.save())
    assert again.digest() == one.digest()
    events = one.events
    one.goto(events - 300)
    one.goto(events)
    assert one.digest() == again.digest()


def test_nobody_changes_what_is_stored(one: Cluster) -> None:
    detector = Detector(one.world)
    for line in ("exec ticks -- sh -c 'echo a > /tmp/a; cat /tmp/a; sleep 0.2'", "logs -f ticks", "exec deploy/web -- kill 1"):
        one.give(inputs.Kubectl(line))
        for _ in range(400):
            detector.step()


def test_containers_show_as_running_while_their_runtime_is_away(one: Cluster) -> None:
    home = next(pod.node for pod in one.view().workload.pods if pod.name == "ticks")
    before = next(node for node in one.view().workload.nodes if node.name == home)
    assert before.actual_containers > 0
    one.give(inputs.Crash(home.replace("node", "containerd")))
    one.run_until(one.now + 2 * SECOND)
    workload = one.view().workload
    assert next(node for node in workload.nodes if node.name == home).actual_containers == before.actual_containers
    assert not any(pod.differs for pod in workload.pods)
    one.run_until(one.now + 40 * SECOND)
    assert not all(pod.ready for pod in one.view().workload.pods), "their node is not ready"
    one.give(inputs.Restart(home.replace("node", "containerd")))
    one.run_until(one.now + 10 * SECOND)
    assert all(pod.ready for pod in one.view().workload.pods)


def test_two_containers_of_a_pod_cannot_listen_on_one_port() -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1))
    twin = '{"spec":{"containers":[{"name":"one","image":"nginx"},{"name":"two","image":"nginx"}]}}'
    typed(cluster, f"run twins --image=nginx --overrides='{twin}'", 12)
    assert typed(cluster, "get pod twins")[0].splitlines()[1].split()[1] == "1/2"
    assert "bind() to 0.0.0.0:80 failed (98: Address already in use)" in typed(cluster, "logs twins -c two")[0]
