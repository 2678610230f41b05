"""A pod's life: sidecars, hooks, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest
from node_world import Small, condition


@pytest.fixture(scope="module")
def small() -> Small:
    found = Small()
    found.up()
    for name in ("busybox", "nginx"):
        found.pod(f"pull-{name}", name, container={"imagePullPolicy": "IfNotPresent", "args": ["sleep", "1"]},
                  restartPolicy="Never")  # fmt: skip
    found.run(8)
    return found


def box(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script], **more}


def starts(small: Small, pod: str) -> list[str]:
    return [note["container"] for note in small.notes("container.started") if note["pod"] == f"default/{pod}"]


def ends(small: Small, pod: str) -> list[str]:
    return [note["container"] for note in small.notes("container.died") if note["pod"] == f"default/{pod}"]


def delete(small: Small, name: str, seconds: int = 30, **options: Any) -> int:
    """Deletes a pod and tells after how many tenths of a second it is gone."""
    small.call("DELETE", f"/api/v1/namespaces/default/pods/{name}", {"kind": "DeleteOptions", "apiVersion": "v1", **options})
    for tenths in range(seconds * 10):
        if small.get(name).get("kind") == "Status":
            return tenths
        small.run(0.1)
    raise AssertionError("the pod is still there")


LOOP = "trap 'exit 0' TERM; while true; do sleep 0.2; done"


def test_sidecars_start_in_order_and_end_last_in_reverse_order(small: Small) -> None:
    started = {"exec": {"command": ["cat", "/tmp/up"]}, "periodSeconds": 1, "failureThreshold": 30}
    inits = [
        box("first", "sleep 1"),
        box("proxy", "sleep 3; touch /tmp/up; " + LOOP, restartPolicy="Always", startupProbe=started),
        box("second", "sleep 1"), box("log", LOOP, restartPolicy="Always"),
    ]  # fmt: skip
    small.pod("a", initContainers=inits, container={"imagePullPolicy": "IfNotPresent"})
    small.until("a", lambda pod: starts(small, "a") == ["first", "proxy"])
    pod = small.get("a")
    assert pod["status"]["phase"] == "Pending" and condition(pod, "Initialized") == "False"
    pod = small.ready("a")
    assert starts(small, "a") == ["first", "proxy", "second", "log", "main"]
    rows = {row["name"]: row for row in pod["status"]["initContainerStatuses"]}
    assert rows["proxy"]["started"] and rows["proxy"]["ready"] and "running" in rows["proxy"]["state"]
    assert rows["first"]["ready"] and "terminated" in rows["first"]["state"]
    delete(small, "a")
    assert ends(small, "a") == ["first", "second", "main", "log", "proxy"]


def test_sidecar_that_ends_is_started_again_and_does_not_hold_a_finished_pod(small: Small) -> None:
    sidecar = box("side", "sleep 2; exit 3", restartPolicy="Always")
    small.pod("b", "busybox", restartPolicy="Never", initContainers=[sidecar],
              container={"imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", "sleep 7"]})  # fmt: skip
    pod = small.until("b", lambda pod: pod["status"]["phase"] in ("Succeeded", "Failed"))
    assert pod["status"]["phase"] == "Succeeded"
    assert pod["status"]["initContainerStatuses"][0]["restartCount"] >= 1
    assert not [one for one in small.running() if one.name == "side"]


def test_init_containers_run_again_in_a_new_sandbox(small: Small) -> None:
    small.pod("c", initContainers=[box("first", "sleep 1")], container={"imagePullPolicy": "IfNotPresent"})
    pod = small.ready("c")
    small.world.crash("shim-1")
    small.world.restart("shim-1")
    small.until("c", lambda pod: starts(small, "c") == ["first", "main", "first", "main"])
    assert pod["status"]["phase"] == "Running"


def test_pre_stop_hook_runs_first_and_counts_against_the_grace_period(small: Small) -> None:
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "sleep 3; echo bye > /proc/1/fd/1"]}}}
    small.pod("d", "busybox", container={"command": ["sh", "-c", LOOP], "imagePullPolicy": "IfNotPresent", "lifecycle": hook})
    small.ready("d")
    assert 28 <= delete(small, "d") <= 36
    long = {"preStop": {"exec": {"command": ["sleep", "20"]}}}
    small.pod("e", "busybox", terminationGracePeriodSeconds=4,
              container={"command": ["sleep", "600"], "imagePullPolicy": "IfNotPresent", "lifecycle": long})  # fmt: skip
    small.ready("e")
    assert 55 <= delete(small, "e") <= 70, "4 s of the hook, and the smallest grace of 2 s after it"


def test_pre_stop_hook_that_fails_is_told(small: Small) -> None:
    hook = {"preStop": {"httpGet": {"path": "/bye", "port": 81}}}
    small.pod("f", container={"imagePullPolicy": "IfNotPresent", "lifecycle": hook})
    small.ready("f")
    delete(small, "f")
    assert ("FailedPreStopHook", "PreStopHook failed") in small.events("f")
    nap = {"preStop": {"sleep": {"seconds": 4}}}
    small.pod("j", container={"imagePullPolicy": "IfNotPresent", "lifecycle": nap})
    small.ready("j")
    assert 38 <= delete(small, "j") <= 46


def test_container_runs_for_others_when_its_post_start_hook_is_over(small: Small) -> None:
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "sleep 3; echo hello > /tmp/hello"]}}}
    small.pod("g", "busybox", container={"command": ["sh", "-c", LOOP], "imagePullPolicy": "IfNotPresent", "lifecycle": hook})
    small.until("g", lambda pod: starts(small, "g"))
    small.run(1)
    assert small.get("g")["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    small.ready("g")
    bad = {"postStart": {"exec": {"command": ["false"]}}}
    small.pod("h", "busybox", container={"command": ["sh", "-c", LOOP], "imagePullPolicy": "IfNotPresent", "lifecycle": bad})
    small.until("h", lambda pod: pod["status"].get("containerStatuses", [{"restartCount": 0}])[0]["restartCount"] == 1)
    events = small.events("h")
    assert ("FailedPostStartHook", "PostStartHook failed") in events and ("Killing", "FailedPostStartHook") in events


def test_events_about_one_pod_are_limited(small: Small) -> None:
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": 1}
    small.pod("i", container={"imagePullPolicy": "IfNotPresent", "readinessProbe": probe})
    small.run(60)
    found = small.call("GET", "/api/v1/namespaces/default/events")["items"]
    mine = [event for event in found if event["involvedObject"]["name"] == "i" and event["reason"] == "Unhealthy"]
    assert len(mine) == 1 and mine[0]["count"] <= 25
