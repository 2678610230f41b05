"""A pod on a worker, from its binding to its end, through API server, kubelet, runtime, shim, CNI plugin and registry."""

from __future__ import annotations

import pytest
from node_world import Small, condition

from k8s_tutor.node import cri
from k8s_tutor.sim import SECOND, Note


@pytest.fixture
def small() -> Small:
    found = Small()
    found.up()
    return found


def test_bound_pod_becomes_ready_with_an_address(small: Small) -> None:
    small.pod("web")
    pod = small.ready("web")
    status = pod["status"]
    assert status["phase"] == "Running"
    assert status["podIP"] == "10.244.1.2"
    assert status["hostIP"] == "172.31.0.11"
    assert [row["type"] for row in status["conditions"]] == [
        "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled",
    ]  # fmt: skip
    assert all(row["status"] == "True" and "reason" not in row and "message" not in row for row in status["conditions"])
    container = status["containerStatuses"][0]
    assert container["ready"] and container["started"] and container["restartCount"] == 0
    assert container["imageID"].startswith("docker.io/library/nginx@sha256:")
    assert container["containerID"] == f"containerd://{small.running()[0].id}"


def test_events_have_the_kubelets_words(small: Small) -> None:
    small.pod("web")
    small.ready("web")
    small.pod("again", container={"imagePullPolicy": "IfNotPresent"})
    small.ready("again")
    assert small.events("web") == [
        ("Pulling", 'Pulling image "nginx"'),
        ("Pulled", 'Successfully pulled image "nginx" in 2.426s (2.426s including waiting). Image size: 72180000 bytes.'),
        ("Created", "Container created"),
        ("Started", "Container started"),
    ]
    text = 'Container image "nginx" already present on machine and can be accessed by the pod'
    assert small.events("again")[0] == ("Pulled", text)


def test_steps_happen_in_the_order_of_the_container_runtime_interface(small: Small) -> None:
    small.pod("web")
    small.ready("web")
    kinds = (
        "cni.add", "runtime.sandbox", "image.pulling", "image.pulled", "container.created", "container.started", "pod.ready",
    )  # fmt: skip
    order = [record.kind for record in small.world.log.records() if isinstance(record, Note) and record.kind in kinds]
    assert order == list(kinds)


def test_pull_is_seen_in_steps_and_shared_layers_are_not_fetched_again(small: Small) -> None:
    small.pod("web")
    seen: list[int] = []
    for _ in range(30):
        small.run(0.1)
        seen += [pull.percent for pull in small.runtime().pulls.values()]
    assert len(set(seen)) >= 8 and seen == sorted(seen)
    small.ready("web")
    small.pod("site", "httpd")
    small.ready("site")
    assert [note["bytes"] for note in small.notes("image.pulled")] == [72_180_000, 30_100_000]


def test_images_are_pulled_one_at_a_time(small: Small) -> None:
    small.pod("web")
    small.pod("site", "httpd")
    small.run(1)
    assert len(small.runtime().pulls) == 1
    small.ready("site")
    pulled = dict(small.events("site"))["Pulled"]
    took, waited = pulled.split(" in ")[1].split(" including")[0].split(" (")
    assert took < waited


def test_killed_container_is_restarted_at_once_and_then_with_back_off(small: Small) -> None:
    small.pod("web")
    small.ready("web")

    def kill() -> None:
        small.world.take("kill", lambda world, _: world.inject("containerd-1", cri.Kill("default/web")))
        small.run(0.05)

    first = small.running()[0].id
    kill()
    pod = small.until("web", lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1)
    container = pod["status"]["containerStatuses"][0]
    assert container["lastState"]["terminated"]["exitCode"] == 137
    assert container["lastState"]["terminated"]["containerID"] == f"containerd://{first}"
    small.ready("web")
    kill()
    small.run(1)
    pod = small.get("web")
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    uid = pod["metadata"]["uid"]
    assert waiting == {
        "reason": "CrashLoopBackOff", "message": f"back-off 10s restarting failed container=main pod=web_default({uid})",
    }  # fmt: skip
    assert pod["status"]["phase"] == "Running" and condition(pod, "Ready") == "False"
    text = f"Back-off restarting failed container main in pod web_default({uid})"
    assert ("BackOff", text) in small.events("web")
    small.ready("web")
    kill()
    small.run(1)
    message = small.get("web")["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert message.startswith("back-off 20s restarting")


def test_deleted_pod_is_stopped_gracefully_and_then_goes_away(small: Small) -> None:
    small.pod("web")
    small.ready("web")
    small.call("DELETE", "/api/v1/namespaces/default/pods/web")
    small.run(1)
    assert small.get("web")["code"] == 404
    assert small.running() == []
    assert small.runtime().disk.sandboxes == {} and small.runtime().disk.containers == {}
    assert ("Killing", "Stopping container main") in small.events("web")
    assert small.notes("cni.del")[0]["ip"] == "10.244.1.2"
    assert [note["exit_code"] for note in small.notes("container.died")] == [0]


def test_program_that_ignores_sigterm_is_killed_after_the_grace_period(small: Small) -> None:
    container = {"command": ["sleep", "infinity"]}
    small.pod("sleepy", "busybox", container=container, terminationGracePeriodSeconds=5)
    small.ready("sleepy")
    begun = small.world.now
    small.call("DELETE", "/api/v1/namespaces/default/pods/sleepy")
    small.until("sleepy", lambda pod: pod.get("code") == 404)
    assert 5 * SECOND <= small.world.now - begun < 6 * SECOND
    assert [note["exit_code"] for note in small.notes("container.died")] == [137]


@pytest.mark.parametrize(("image", "why"), [
    ("nginx:9.99", 'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:9.99": '
     'failed to resolve reference "docker.io/library/nginx:9.99": docker.io/library/nginx:9.99: not found'),
    ("ngnix", 'rpc error: code = Unknown desc = failed to pull and unpack image "docker.io/library/ngnix:latest": '
     'failed to resolve reference "docker.io/library/ngnix:latest": pull access denied, repository does not exist or may '
     "require authorization: server message: insufficient_scope: authorization failed"),
])  # fmt: skip
def test_unknown_image_backs_off(small: Small, image: str, why: str) -> None:
    small.pod("lost", image)
    small.run(1)
    pod = small.get("lost")
    assert pod["status"]["phase"] == "Pending"
    assert pod["status"]["containerStatuses"][0]["state"]["waiting"] == {"reason": "ErrImagePull", "message": why}
    small.run(3)
    waiting = small.get("lost")["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting == {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}": ErrImagePull: {why}'}
    assert small.events("lost")[:3] == [
        ("Pulling", f'Pulling image "{image}"'), ("Failed", f'Failed to pull image "{image}": {why}'),
        ("Failed", "Error: ErrImagePull"),
    ]  # fmt: skip
    tries = len(small.notes("image.failed"))
    small.run(40)
    assert len(small.notes("image.failed")) == tries + 2


def test_bad_image_name(small: Small) -> None:
    small.pod("odd", "Nginx")
    small.run(1)
    waiting = small.get("odd")["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "InvalidImageName"
    assert waiting["message"].endswith("invalid reference format: repository name must be lowercase")


@pytest.mark.parametrize(("image", "policy", "phase", "reason"), [
    ("ok:1", "Never", "Succeeded", "Completed"), ("fail:3", "Never", "Failed", "Error"),
    ("ok:1", "OnFailure", "Succeeded", "Completed"),
])  # fmt: skip
def test_pod_that_ends_by_itself(small: Small, image: str, policy: str, phase: str, reason: str) -> None:
    small.pod("job", image, restartPolicy=policy)
    pod = small.until("job", lambda pod: pod["status"]["phase"] == phase)
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert ended["reason"] == reason and ended["exitCode"] == (3 if image == "fail:3" else 0)
    small.run(2)
    assert small.running() == [] and [box.state for box in small.runtime().disk.sandboxes.values()] == [cri.NOT_READY]
    assert small.get("job")["status"]["phase"] == phase
    small.call("DELETE", "/api/v1/namespaces/default/pods/job")
    small.run(1)
    assert small.get("job")["code"] == 404 and small.runtime().disk.sandboxes == {}


def test_init_containers_come_first_and_in_order(small: Small) -> None:
    init = [{"name": "one", "image": "ok:1"}, {"name": "two", "image": "ok:2"}]
    small.pod("app", initContainers=init)
    small.run(0.3)
    pod = small.get("app")
    assert pod["status"]["containerStatuses"][0]["state"]["waiting"] == {"reason": "PodInitializing"}
    assert condition(pod, "Initialized") == "False"
    small.ready("app")
    assert [note["container"] for note in small.notes("container.started")] == ["one", "two", "main"]


def test_annotations_steer_programs(small: Small) -> None:
    path, merge = "/api/v1/namespaces/default/pods/m", "application/merge-patch+json"
    small.pod("m", "manual:2")
    small.run(3)
    assert condition(small.get("m"), "Ready") == "False" and small.get("m")["status"]["phase"] == "Running"
    small.call("PATCH", path, {"metadata": {"annotations": {"golden.k8s-tutor/ready": "true"}}}, merge)
    small.ready("m")
    small.call("PATCH", path, {"metadata": {"annotations": {"golden.k8s-tutor/ready": "false"}}}, merge)
    small.until("m", lambda pod: condition(pod, "Ready") == "False")
    small.pod("h", "hold:1", restartPolicy="Never")
    small.ready("h")
    small.call("PATCH", path[:-1] + "h", {"metadata": {"annotations": {"golden.k8s-tutor/exit": "4"}}}, merge)
    pod = small.until("h", lambda pod: pod["status"]["phase"] == "Failed")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 4
    small.pod("never", "neverready:1")
    small.run(5)
    assert condition(small.get("never"), "Ready") == "False"


def test_pod_that_does_not_fit_is_refused(small: Small) -> None:
    small.pod("big", container={"resources": {"requests": {"cpu": "3"}}})
    small.ready("big")
    small.pod("more", container={"resources": {"requests": {"cpu": "1500m"}}})
    pod = small.until("more", lambda pod: pod["status"]["phase"] == "Failed")
    assert pod["status"]["reason"] == "OutOfcpu"
    text = "Node didn't have enough resource: cpu, requested: 1500, used: 3000, capacity: 4000"
    assert pod["status"]["message"] == f"Pod was rejected: {text}"
    assert small.events("more") == [("OutOfcpu", text)]
    assert len(small.running()) == 1
