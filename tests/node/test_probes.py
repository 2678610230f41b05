"""Probes: what the kubelet asks containers, and what follows from the answers."""

from __future__ import annotations

from typing import Any

import pytest
from node_world import Small, condition

HTTP = {"httpGet": {"path": "/healthz", "port": 80}}


@pytest.fixture(scope="module")
def small() -> Small:
    found = Small()
    found.up()
    return found


def annotate(small: Small, pod: str, **values: str) -> None:
    tree = {"metadata": {"annotations": {f"golden.k8s-tutor/{key}": value for key, value in values.items()}}}
    content = "application/merge-patch+json"
    assert small.call("PATCH", f"/api/v1/namespaces/default/pods/{pod}", tree, content)["kind"] == "Pod"


def row(pod: dict[str, Any], kind: str = "containerStatuses", place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = pod["status"].get(kind, [{"state": {}, "restartCount": 0}])[place]
    return found


def unhealthy(small: Small, pod: str) -> set[str]:
    return {message for reason, message in small.events(pod) if reason == "Unhealthy"}


def test_readiness_follows_the_answers_over_http(small: Small) -> None:
    probe = {"httpGet": {"path": "/healthz", "port": "web"}, "periodSeconds": 2, "failureThreshold": 2}
    ports = [{"name": "web", "containerPort": 80}]
    small.pod("a", "traefik/whoami", container={"readinessProbe": probe, "ports": ports})
    small.until("a", lambda pod: row(pod)["state"].get("running"))
    assert condition(small.get("a"), "Ready") == "False"
    small.ready("a")
    assert unhealthy(small, "a") == set()
    annotate(small, "a", health="sick")
    small.run(1.9)
    assert condition(small.get("a"), "Ready") == "True", "one failure is below the threshold"
    pod = small.until("a", lambda pod: condition(pod, "Ready") == "False")
    assert row(pod)["started"] and not row(pod)["ready"] and row(pod)["restartCount"] == 0
    assert unhealthy(small, "a") == {"Readiness probe failed: HTTP probe failed with statuscode: 500"}
    annotate(small, "a", health="ok")
    small.ready("a")


def test_liveness_failure_restarts_the_container(small: Small) -> None:
    probe = {**HTTP, "periodSeconds": 1, "failureThreshold": 3}
    small.pod("b", "traefik/whoami", container={"livenessProbe": probe})
    small.ready("b")
    annotate(small, "b", health="hang")
    pod = small.until("b", lambda pod: row(pod)["restartCount"] == 1)
    ip = pod["status"]["podIP"]
    text = f'Get "http://{ip}:80/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    assert unhealthy(small, "b") == {f"Liveness probe failed: {text}"}
    assert ("Killing", "Container main failed liveness probe, will be restarted") in small.events("b")
    assert row(pod)["lastState"]["terminated"]["exitCode"] in (0, 2)


def test_program_that_turns_sick_with_time_is_restarted_again_and_again(small: Small) -> None:
    small.pod("c", "registry.k8s.io/e2e-test-images/agnhost:2.40", container={
        "args": ["liveness"], "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 3,
                                                "periodSeconds": 3}})  # fmt: skip
    pod = small.until("c", lambda pod: row(pod)["restartCount"] == 2, 120)
    assert unhealthy(small, "c") == {"Liveness probe failed: HTTP probe failed with statuscode: 500"}
    small.until("c", lambda pod: row(pod)["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff", 120)
    assert pod["status"]["phase"] == "Running"
    small.call("DELETE", "/api/v1/namespaces/default/pods/c")


def test_exec_probe_as_in_the_documentation(small: Small) -> None:
    script = "touch /tmp/healthy; sleep 8; rm -f /tmp/healthy; sleep 600"
    probe = {"exec": {"command": ["cat", "/tmp/healthy"]}, "initialDelaySeconds": 2, "periodSeconds": 2}
    spec = {"args": ["/bin/sh", "-c", script], "livenessProbe": probe}
    small.pod("d", "busybox", container=spec, terminationGracePeriodSeconds=2)
    pod = small.until("d", lambda pod: row(pod)["restartCount"] == 1, 90)
    assert unhealthy(small, "d") == {"Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory\n"}
    assert row(pod)["lastState"]["terminated"]["exitCode"] == 137
    small.call("DELETE", "/api/v1/namespaces/default/pods/d")


def test_exec_probe_that_takes_too_long_or_is_not_there(small: Small) -> None:
    slow = {"exec": {"command": ["sh", "-c", "sleep 5"]}, "periodSeconds": 2}
    small.pod("e", "busybox", container={"args": ["sleep", "600"], "readinessProbe": slow})
    wrong = {"exec": {"command": ["nothere"]}, "periodSeconds": 2}
    small.pod("f", "busybox", container={"args": ["sleep", "600"], "readinessProbe": wrong})
    small.until("e", lambda pod: unhealthy(small, "e"))
    assert unhealthy(small, "e") == {'Readiness probe failed: command timed out: "sh -c sleep 5" timed out after 1s'}
    small.until("f", lambda pod: unhealthy(small, "f"))
    text = unhealthy(small, "f").pop()
    assert text.startswith("Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to")
    for name in "ef":
        assert condition(small.get(name), "Ready") == "False"
        small.call("DELETE", f"/api/v1/namespaces/default/pods/{name}")


def test_startup_probe_holds_the_others_back_and_ends_who_never_starts(small: Small) -> None:
    startup = {"tcpSocket": {"port": 5432}, "periodSeconds": 1, "failureThreshold": 30}
    live = {"tcpSocket": {"port": 5432}, "periodSeconds": 1, "failureThreshold": 1}
    small.pod("g", "postgres", container={"startupProbe": startup, "livenessProbe": live, "readinessProbe": live})
    pod = small.ready("g")
    assert row(pod)["restartCount"] == 0, "the liveness probe would have ended it"
    texts = unhealthy(small, "g")
    assert texts == {f"Startup probe failed: dial tcp {pod['status']['podIP']}:5432: connect: connection refused"}
    never = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 2}
    small.pod("h", container={"startupProbe": never})
    small.until("h", lambda pod: row(pod)["restartCount"] == 1)
    assert ("Killing", "Container main failed startup probe, will be restarted") in small.events("h")
    small.call("DELETE", "/api/v1/namespaces/default/pods/h")


def test_grpc_probe(small: Small) -> None:
    probe = {"grpc": {"port": 2379}, "periodSeconds": 2}
    small.pod("i", "registry.k8s.io/etcd:3.5.1-0", container={"livenessProbe": probe, "readinessProbe": probe})
    small.ready("i")
    small.pod("j", container={"readinessProbe": {"grpc": {"port": 80}, "periodSeconds": 2}})
    small.until("j", lambda pod: unhealthy(small, "j"))
    assert "does not implement the grpc health protocol" in unhealthy(small, "j").pop()


def test_ready_container_stays_ready_when_the_kubelet_restarts(small: Small) -> None:
    assert condition(small.get("i"), "Ready") == "True"
    small.world.crash("kubelet-1")
    small.world.restart("kubelet-1")
    for _ in range(40):
        small.run(0.1)
        assert condition(small.get("i"), "Ready") == "True"
    annotate(small, "i", health="sick")
    small.until("i", lambda pod: row(pod)["restartCount"] == 1)
    annotate(small, "i", health="ok")
    small.ready("i")


def test_image_of_a_running_container_can_be_changed(small: Small) -> None:
    small.pod("k", "busybox", container={"args": ["sleep", "600"]}, terminationGracePeriodSeconds=1)
    small.ready("k")
    tree = {"spec": {"containers": [{"name": "main", "image": "alpine"}]}}
    content = "application/strategic-merge-patch+json"
    small.call("PATCH", "/api/v1/namespaces/default/pods/k", tree, content)
    pod = small.until("k", lambda pod: row(pod)["restartCount"] == 1 and "running" in row(pod)["state"])
    assert row(pod)["image"].endswith("alpine:latest")
    assert ("Killing", "Container main definition changed, will be restarted") in small.events("k")
