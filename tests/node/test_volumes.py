"""Volumes that a kubelet fills, and variables from other objects."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from node_world import Small

from k8s_tutor.node import cri

MERGE = "application/merge-patch+json"
NS = "/api/v1/namespaces/default"


@pytest.fixture(scope="module")
def small() -> Small:
    found = Small()
    found.up()
    found.call("POST", f"{NS}/configmaps", {"metadata": {"name": "settings"}, "data": {"color": "red", "size": "9"}})
    secret = {"metadata": {"name": "login"}, "data": {"user": b64encode(b"ada").decode()}}
    found.call("POST", f"{NS}/secrets", secret)
    service = {"metadata": {"name": "my-db"}, "spec": {"ports": [{"name": "sql", "port": 5432}], "selector": {"a": "b"}}}
    found.call("POST", f"{NS}/services", service)
    found.pod("pull", "busybox", container={"imagePullPolicy": "IfNotPresent", "args": ["true"]}, restartPolicy="Never")
    found.run(6)
    return found


def pod(small: Small, name: str, script: str = "", volumes: Any = (), **container: Any) -> None:
    script += "; trap 'exit 0' TERM; while true; do sleep 5; done"
    container = {"imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script.removeprefix("; ")], **container}
    small.pod(name, "busybox", container=container, volumes=list(volumes))


def run(small: Small, name: str, script: str) -> str:
    """What a command in a pod's container writes."""
    life = next(one for one in small.running() if one.uid == small.get(name)["metadata"]["uid"])
    answers: list[Any] = []
    shim: Any = small.world.actor("shim-1")
    task = shim.tasks[life.id]
    from k8s_tutor.node.processes import commands
    from k8s_tutor.node.shell.machine import Burst, Proc

    box = shim.box(small.world.actor("shim-1") and _Now(small.world.now), task)
    burst = Burst(box, Proc(life.id, 99, ("sh",), script, 0), commands)
    burst.go()
    answers += [text for _, text in burst.written]
    assert isinstance(life, cri.CriContainer)
    return "".join(answers)


class _Now:
    """As much of a context as a look into a container needs."""

    def __init__(self, now: int) -> None:
        self.now = now


def test_config_map_and_secret_as_files(small: Small) -> None:
    volumes = [
        {"name": "c", "configMap": {"name": "settings"}},
        {"name": "s", "secret": {"secretName": "login", "items": [{"key": "user", "path": "who/name"}]}},
    ]
    mounts = [{"name": "c", "mountPath": "/etc/settings"}, {"name": "s", "mountPath": "/etc/login"},
              {"name": "c", "mountPath": "/etc/one.txt", "subPath": "color"}]  # fmt: skip
    pod(small, "a", volumes=volumes, volumeMounts=mounts)
    small.ready("a")
    shown = run(small, "a", "cat /etc/settings/color /etc/login/who/name /etc/one.txt; ls /etc/settings")
    assert shown == "redadaredcolor\nsize\n"
    assert "Read-only file system" in run(small, "a", "echo blue > /etc/settings/color")
    small.call("PATCH", f"{NS}/configmaps/settings", {"data": {"color": "blue", "extra": "1"}}, MERGE)
    small.run(1)
    assert run(small, "a", "cat /etc/settings/color") == "red"
    small.run(60)
    assert run(small, "a", "cat /etc/settings/color /etc/one.txt; ls /etc/settings") == "blueredcolor\nextra\nsize\n"


def test_pod_waits_for_a_config_map_that_is_not_there(small: Small) -> None:
    late = [{"name": "late", "configMap": {"name": "late"}}]
    pod(small, "b", volumes=late, volumeMounts=[{"name": "late", "mountPath": "/x"}])
    small.run(5)
    state = small.get("b")["status"]["containerStatuses"][0]["state"]
    assert state == {"waiting": {"reason": "ContainerCreating"}}
    assert ("FailedMount", 'MountVolume.SetUp failed for volume "late" : configmap "late" not found') in small.events("b")
    small.call("POST", f"{NS}/configmaps", {"metadata": {"name": "late"}, "data": {"k": "v"}})
    small.ready("b")
    pod(small, "c", volumes=[{"name": "v", "configMap": {"name": "late", "items": [{"key": "no", "path": "no"}]}}])
    small.run(3)
    text = 'MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: no'
    assert ("FailedMount", text) in small.events("c")
    pod(small, "d", volumes=[{"name": "v", "configMap": {"name": "never", "optional": True}}])
    small.ready("d")


def test_variables_from_elsewhere(small: Small) -> None:
    env = [
        {"name": "SIZE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "size"}}},
        {"name": "USER", "valueFrom": {"secretKeyRef": {"name": "login", "key": "user"}}},
        {"name": "MAYBE", "valueFrom": {"secretKeyRef": {"name": "nowhere", "key": "user", "optional": True}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "requests.memory", "divisor": "1Mi"}}},
        {"name": "BOTH", "value": "$(SIZE)-$(MY_DB_SERVICE_PORT_SQL)-$(NOBODY)"},
    ]
    resources = {"limits": {"cpu": "1500m"}, "requests": {"memory": "20Mi"}}
    pod(small, "e", env=env, envFrom=[{"prefix": "CM_", "configMapRef": {"name": "settings"}}], resources=resources)
    small.ready("e")
    found = dict(line.split("=", 1) for line in run(small, "e", "env").splitlines())
    picked = {name: found.get(name) for name in ("SIZE", "USER", "MAYBE", "CPU", "MEMORY", "BOTH", "CM_size")}
    assert picked == {"SIZE": "9", "USER": "ada", "MAYBE": None, "CPU": "1500", "MEMORY": "20", "BOTH": "9-5432-$(NOBODY)",
                      "CM_size": "9"}  # fmt: skip
    service = small.call("GET", f"{NS}/services/my-db")["spec"]["clusterIP"]
    assert found["MY_DB_PORT"] == f"tcp://{service}:5432" and found["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert found["MY_DB_PORT_5432_TCP_ADDR"] == service


def test_container_without_its_config_map(small: Small) -> None:
    env = [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "missing", "key": "x"}}}]
    pod(small, "f", env=env)
    small.run(3)
    state = small.get("f")["status"]["containerStatuses"][0]["state"]
    assert state == {"waiting": {"reason": "CreateContainerConfigError", "message": 'configmap "missing" not found'}}
    assert ("Failed", 'Error: configmap "missing" not found') in small.events("f")
    small.call("POST", f"{NS}/configmaps", {"metadata": {"name": "missing"}, "data": {"y": "1"}})
    small.run(12)
    state = small.get("f")["status"]["containerStatuses"][0]["state"]
    assert state["waiting"]["message"] == "couldn't find key x in ConfigMap default/missing"
    small.call("PATCH", f"{NS}/configmaps/missing", {"data": {"x": "1"}}, MERGE)
    small.ready("f")


def test_downward_api_projected_token_and_host_path(small: Small) -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
             {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu"}}]  # fmt: skip
    volumes = [
        {"name": "all", "projected": {"sources": [
            {"downwardAPI": {"items": items}}, {"serviceAccountToken": {"path": "token"}},
            {"configMap": {"name": "settings", "items": [{"key": "size", "path": "size"}]}}]}},
        {"name": "host", "hostPath": {"path": "/data", "type": "DirectoryOrCreate"}},
        {"name": "tmp", "emptyDir": {"medium": "Memory"}},
    ]  # fmt: skip
    mounts = [{"name": "all", "mountPath": "/all"}, {"name": "host", "mountPath": "/host"}, {"name": "tmp", "mountPath": "/t"}]
    pod(small, "g", "echo once >> /host/log", volumes=volumes, volumeMounts=mounts)
    small.ready("g")
    assert run(small, "g", "cat /all/cpu /all/size") == "49"
    assert run(small, "g", "cat /all/token").count(".") == 2
    small.call("PATCH", f"{NS}/pods/g", {"metadata": {"labels": {"b": "2", "a": "1"}}}, MERGE)
    small.run(1)
    assert run(small, "g", "cat /all/labels") == 'a="1"\nb="2"'
    pod(small, "h", "echo twice >> /host/log", volumes=volumes[1:2], volumeMounts=mounts[1:2])
    small.ready("h")
    assert run(small, "h", "cat /host/log") == "once\ntwice\n"
    wrong = [{"name": "host", "hostPath": {"path": "/nowhere", "type": "Directory"}}]
    pod(small, "i", volumes=wrong)
    small.run(2)
    text = 'MountVolume.SetUp failed for volume "host" : hostPath type check failed: /nowhere is not a directory'
    assert ("FailedMount", text) in small.events("i")


def test_empty_dir_outlives_containers_and_the_machine_but_not_the_pod(small: Small) -> None:
    volumes = [{"name": "d", "emptyDir": {}}, {"name": "m", "emptyDir": {"medium": "Memory"}}]
    mounts = [{"name": "d", "mountPath": "/d"}, {"name": "m", "mountPath": "/m"}]
    pod(small, "j", "echo x >> /d/x; echo x >> /m/x; cat /d/x /m/x", volumes=volumes, volumeMounts=mounts)
    small.ready("j")
    uid = small.get("j")["metadata"]["uid"]
    small.world.crash("shim-1")
    small.world.restart("shim-1")
    small.until("j", lambda found: found["status"]["containerStatuses"][0]["restartCount"] == 1)
    small.ready("j")
    assert run(small, "j", "cat /d/x /m/x") == "x\nx\nx\n"
    small.call("DELETE", f"{NS}/pods/j")
    small.run(35)
    shim: Any = small.world.actor("shim-1")
    assert not [key for key in shim.files if uid in key]


def test_scripts_that_may_go_round_for_ever() -> None:
    from k8s_tutor.node.shell.syntax import endless

    assert endless("while true; do sleep 1; done") and endless("if true; then until false; do :; done; fi")
    assert not endless("echo while; for i in 1 2; do if true; then continue; fi; done; echo until")
