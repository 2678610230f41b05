"""Static pods: the kubelet runs what stands in its machine's folder, and shows it to the API server."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from node_world import Small, condition

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
       "spec": {"containers": [{"name": "main", "image": "nginx"}]}}  # fmt: skip
FILE = "/etc/kubernetes/manifests/web.json"
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def small() -> Small:
    found = Small()
    config = found.world.processes["shim-1"].config
    found.world.configure("shim-1", msgspec.structs.replace(config, files=((FILE, json.dumps(POD)),)))
    shim: Any = found.world.actor("shim-1")
    shim.disk.installed = False
    found.world.crash("shim-1")
    found.world.restart("shim-1")
    found.up()
    return found


def folder(small: Small) -> dict[str, str | None]:
    shim: Any = small.world.actor("shim-1")
    found: dict[str, str | None] = shim.files
    return found


def test_static_pod_has_a_mirror_that_comes_back(small: Small) -> None:
    pod = small.ready("web-node-1")
    notes = pod["metadata"]["annotations"]
    assert notes["kubernetes.io/config.mirror"] == notes["kubernetes.io/config.hash"] != pod["metadata"]["uid"]
    assert notes["kubernetes.io/config.source"] == "file"
    life = small.running()[0].id
    small.call("DELETE", f"{PODS}/web-node-1")
    small.run(2)
    again = small.ready("web-node-1")
    assert again["metadata"]["uid"] != pod["metadata"]["uid"] and [one.id for one in small.running()] == [life]


def test_static_pod_runs_without_an_api_server_and_is_adopted_by_a_new_kubelet(small: Small) -> None:
    small.ready("web-node-1")
    life = small.running()[0].id
    small.world.crash("api-1")
    small.world.crash("kubelet-1")
    small.world.restart("kubelet-1")
    small.run(30)
    assert [one.id for one in small.running()] == [life]
    folder(small)[f"host:{FILE}"] = None
    small.run(50)
    assert not small.running()
    folder(small)[f"host:{FILE}"] = json.dumps(POD)
    small.run(20)
    assert len(small.running()) == 1
    small.world.restart("api-1")
    small.run(40)
    assert condition(small.ready("web-node-1"), "Ready") == "True"


def test_manifest_that_changes_or_goes(small: Small) -> None:
    small.ready("web-node-1")
    other = {**POD, "spec": {"containers": [{"name": "main", "image": "httpd"}]}}
    folder(small)[f"host:{FILE}"] = json.dumps(other)
    small.until("web-node-1", lambda pod: pod.get("spec", {}).get("containers", [{}])[0].get("image") == "httpd")
    small.ready("web-node-1")
    folder(small)[f"host:{FILE}"] = "{"
    small.run(50)
    assert small.get("web-node-1")["kind"] == "Status" and not small.running()
    assert small.notes("kubelet.manifest.refused")


def test_manifest_written_through_a_host_path(small: Small) -> None:
    """Who may mount the folder of manifests may run what they like."""
    text = json.dumps({**POD, "metadata": {"name": "trick"}})
    script = f"echo '{text}' > /m/trick.json; sleep 600"
    container = {"command": ["sh", "-c", script], "volumeMounts": [{"name": "m", "mountPath": "/m"}]}
    volumes = [{"name": "m", "hostPath": {"path": "/etc/kubernetes/manifests"}}]
    small.pod("tool", "busybox", container=container, volumes=volumes)
    small.ready("trick-node-1")
