"""What a worker does when a part of it, its machine or its cable fails."""

from __future__ import annotations

import pytest
from node_world import Small, condition

from k8s_tutor.sim import SECOND


@pytest.fixture
def small() -> Small:
    found = Small()
    found.up()
    found.pod("web")
    found.ready("web")
    return found


def fault(small: Small, what: str, target: str) -> None:
    small.world.take((what, target), lambda world, _: getattr(world, what)(target))


def test_machine_crash_and_restart_brings_pods_back(small: Small) -> None:
    first = small.running()[0].id
    fault(small, "crash", "node-1")
    small.run(5)
    assert small.get("web")["status"]["podIP"] == "10.244.1.2"
    fault(small, "restart", "node-1")
    pod = small.until("web", lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1)
    pod = small.ready("web")
    container = pod["status"]["containerStatuses"][0]
    assert container["lastState"]["terminated"]["exitCode"] == 255
    assert container["lastState"]["terminated"]["reason"] == "Unknown"
    assert container["lastState"]["terminated"]["containerID"] == f"containerd://{first}"
    assert pod["status"]["podIP"] == "10.244.1.3" and pod["status"]["podIPs"] == [{"ip": "10.244.1.3"}]
    reasons = [reason for reason, _ in small.events("web")]
    assert "SandboxChanged" in reasons and reasons.count("Pulling") == 2
    assert list(small.world.actor("cni-1").disk.leases) == ["10.244.1.3"]  # type: ignore[union-attr]


def test_containers_outlive_a_crash_of_the_runtime(small: Small) -> None:
    first = small.running()[0]
    fault(small, "crash", "containerd-1")
    small.run(11)
    assert list(small.world.actor("shim-1").tasks) == [first.sandbox, first.id]  # type: ignore[union-attr]
    assert condition(small.call("GET", "/api/v1/nodes/node-1"), "Ready") == "True", "it may be silent for 30 s"
    small.run(22)
    node = small.call("GET", "/api/v1/nodes/node-1")
    ready = next(row for row in node["status"]["conditions"] if row["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "KubeletNotReady")
    small.pod("late")
    small.run(5)
    assert "containerStatuses" not in small.get("late")["status"]
    fault(small, "restart", "containerd-1")
    small.ready("late")
    assert first.id in [life.id for life in small.running()]
    assert small.get("web")["status"]["containerStatuses"][0]["restartCount"] == 0
    small.run(11)
    assert condition(small.call("GET", "/api/v1/nodes/node-1"), "Ready") == "True"


def test_exit_while_the_runtime_is_away_is_found_later(small: Small) -> None:
    fault(small, "crash", "containerd-1")
    small.run(1)
    path = "/api/v1/namespaces/default/pods/web"
    fault(small, "crash", "shim-1")
    fault(small, "restart", "shim-1")
    fault(small, "restart", "containerd-1")
    small.until("web", lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1)
    small.ready("web")
    assert small.call("GET", path)["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 255


def test_restarted_kubelet_adopts_what_runs(small: Small) -> None:
    first = small.running()[0].id
    fault(small, "crash", "kubelet-1")
    small.run(3)
    assert [life.id for life in small.running()] == [first]
    fault(small, "restart", "kubelet-1")
    small.run(5)
    assert [life.id for life in small.running()] == [first]
    pod = small.get("web")
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0 and condition(pod, "Ready") == "True"
    small.call("DELETE", "/api/v1/namespaces/default/pods/web")
    small.run(2)
    assert small.running() == [] and small.get("web")["code"] == 404


def test_pod_deleted_by_force_while_the_kubelet_is_down_is_cleaned_up(small: Small) -> None:
    fault(small, "crash", "kubelet-1")
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
    small.call("DELETE", "/api/v1/namespaces/default/pods/web", options)
    small.run(1)
    assert small.get("web")["code"] == 404 and len(small.running()) == 1
    fault(small, "restart", "kubelet-1")
    small.run(3)
    assert small.running() == [] and small.runtime().disk.sandboxes == {}


def test_cut_off_node_goes_on_and_hears_of_a_delete_when_the_cable_is_mended(small: Small) -> None:
    groups = (("node-1",), ("lb-host",))
    small.world.take("cut", lambda world, _: world.cut(groups))
    small.call("DELETE", "/api/v1/namespaces/default/pods/web")
    small.run(120)
    assert len(small.running()) == 1
    assert small.get("web")["metadata"]["deletionTimestamp"]
    small.world.take("heal", lambda world, _: world.heal(groups))
    small.until("web", lambda pod: pod.get("code") == 404, 90)
    assert small.running() == []


def test_cut_off_kubelet_still_restarts_containers_and_reports_later(small: Small) -> None:
    groups = (("node-1",), ("lb-host",))
    small.world.take("cut", lambda world, _: world.cut(groups))
    fault(small, "crash", "shim-1")
    fault(small, "restart", "shim-1")
    small.run(60)
    assert len(small.running()) == 1
    assert small.get("web")["status"]["containerStatuses"][0]["restartCount"] == 0
    small.world.take("heal", lambda world, _: world.heal(groups))
    small.until("web", lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1, 90)


def test_registry_that_is_away_fails_the_pull_until_it_is_back(small: Small) -> None:
    fault(small, "crash", "registry")
    small.pod("site", "httpd")
    small.run(1)
    message = small.get("site")["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert 'failed to do request: Head "https://registry-1.docker.io/v2/library/httpd/manifests/latest"' in message
    fault(small, "restart", "registry")
    small.ready("site")


def test_conditions_that_somebody_else_wrote_are_put_right(small: Small) -> None:
    status = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    path = "/api/v1/namespaces/default/pods/web/status"
    small.call("PATCH", path, status, "application/strategic-merge-patch+json")
    small.run(1)
    assert condition(small.get("web"), "Ready") == "True"


def test_heartbeats_leave_the_world_quiet(small: Small) -> None:
    small.run(30)
    kept = len(small.world.log.records())
    assert small.world.is_quiet()
    small.run(60)
    assert len(small.world.log.records()) == kept
    lease = small.call("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1")
    assert lease["spec"]["holderIdentity"] == "node-1" and lease["spec"]["leaseDurationSeconds"] == 40


def test_same_seed_gives_the_same_run() -> None:
    def play() -> str:
        small = Small(workers=2)
        small.up()
        small.pod("web")
        small.pod("site", "httpd", node="node-2")
        small.run(10)
        return small.world.digest()

    assert play() == play()


def test_forked_world_goes_on_alone(small: Small) -> None:
    small.pod("site", "httpd")
    fork = small.world.fork()
    digest = fork.digest()
    small.ready("site")
    assert fork.digest() == digest
    now = small.world.now
    fork.run_until(now)
    runtime = fork.actor("containerd-1")
    assert len(runtime.disk.containers) == len(small.runtime().disk.containers)  # type: ignore[union-attr]
    assert now > SECOND
