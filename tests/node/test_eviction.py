"""A machine that runs short: conditions, who must go, images that nobody uses."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from node_world import Small, condition

from k8s_tutor.api import scheme
from k8s_tutor.node.eviction import MEMORY, Used, binary, ranked

GI = 1 << 30
LEAK = {"metadata": {"annotations": {"golden.k8s-tutor/memory": "300Mi"}}}


def sized(**shape: Any) -> Small:
    """A worker of another size."""
    small = Small()
    for name, fields in {"kubelet-1": shape, "shim-1": {"memory": 1 << 30} if "memory" in shape else {}}.items():
        small.world.configure(name, msgspec.structs.replace(small.world.processes[name].config, **fields))
        small.world.crash(name)
        small.world.restart(name)
    small.up()
    return small


def node(small: Small) -> dict[str, Any]:
    return small.call("GET", "/api/v1/nodes/node-1")


def phases(small: Small) -> dict[str, str]:
    items = small.call("GET", "/api/v1/namespaces/default/pods")["items"]
    return {item["metadata"]["name"]: item["status"].get("reason", item["status"]["phase"]) for item in items}


def spec(small: Small, name: str, image: str = "nginx", **more: Any) -> Any:
    small.pod(name, image, **more)
    small.ready(name)
    return small


def test_quantities() -> None:
    assert [binary(amount) for amount in (0, 5, 2048, 100 << 20, 3 << 30)] == ["0", "5", "2Ki", "100Mi", "3Gi"]


def test_memory_runs_short_and_the_pod_goes_that_takes_more_than_it_asked_for() -> None:
    small = sized(memory="1Gi")
    asked = {"resources": {"requests": {"memory": "350Mi"}}}
    spec(small, "polite", container=asked, **LEAK)
    spec(small, "greedy", metadata={"annotations": {"golden.k8s-tutor/memory": "300Mi"}})
    small.pod("more", metadata={"annotations": {"golden.k8s-tutor/memory": "260Mi"}})
    pod = small.until("greedy", lambda pod: pod["status"].get("reason") == "Evicted")
    status = pod["status"]
    assert status["phase"] == "Failed" and status["message"].startswith(
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: "
    )
    assert "Container main was using 307200Ki, request is 0, has larger consumption of memory. " in status["message"]
    assert condition(pod, "DisruptionTarget") == "True"
    assert ("Evicted", status["message"]) in small.events("greedy")
    assert condition(node(small), "MemoryPressure") == "True"
    assert ("EvictionThresholdMet", "Attempting to reclaim memory") in small.events("node-1")
    small.run(20)
    assert phases(small)["polite"] == "Running"
    small.pod("late")
    small.run(1)
    late = small.get("late")["status"]
    assert (late["reason"], late["message"]) == ("Evicted", "Pod was rejected: The node had condition: [MemoryPressure]. ")
    small.run(310)
    assert condition(node(small), "MemoryPressure") == "False"


def test_full_disk_costs_unused_images_first_and_then_a_pod() -> None:
    small = sized(disk=2 * GI)
    small.pod("old", "mongo", container={"imagePullPolicy": "IfNotPresent"})
    small.ready("old")
    small.call("DELETE", "/api/v1/namespaces/default/pods/old")
    small.run(5)
    assert any("mongo" in name for row in node(small)["status"]["images"] for name in row["names"])
    filler = "dd if=/dev/zero of=/big bs=1M count=1500; trap 'exit 0' TERM; while true; do sleep 5; done"
    small.pod("filler", "busybox", container={"command": ["sh", "-c", filler]})
    small.run(45)
    removed = small.notes("kubelet.image.removed")
    assert removed and "mongo" in removed[0]["image"]
    more = "dd if=/dev/zero of=/big bs=1M count=400; trap 'exit 0' TERM; while true; do sleep 5; done"
    small.pod("more", "busybox", container={"command": ["sh", "-c", more], "imagePullPolicy": "IfNotPresent"})
    pod = small.until("filler", lambda pod: pod["status"].get("reason") == "Evicted")
    assert "The node was low on resource: ephemeral-storage. " in pod["status"]["message"]
    assert condition(node(small), "DiskPressure") == "True"


@pytest.mark.parametrize("volume", [{"emptyDir": {"sizeLimit": "10Mi"}}])
def test_pod_that_fills_its_empty_dir(volume: dict[str, Any]) -> None:
    small = Small()
    small.up()
    script = "fallocate -l 20M /d/x; du -sh /d; trap 'exit 0' TERM; while true; do sleep 5; done"
    container = {"command": ["sh", "-c", script], "volumeMounts": [{"name": "d", "mountPath": "/d"}]}
    small.pod("a", "busybox", container=container, volumes=[{"name": "d", **volume}])
    pod = small.until("a", lambda pod: pod["status"].get("reason") == "Evicted")
    assert pod["status"]["message"] == 'Usage of EmptyDir volume "d" exceeds the limit "10Mi". '
    assert pod["status"]["phase"] == "Failed"


def test_ranking() -> None:
    def used(name: str, priority: int, requests: str, memory: int) -> Used:
        container = {"name": "c", "image": "i", "resources": {"requests": {"memory": requests}}}
        tree = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": "d", "uid": name},
                "spec": {"priority": priority, "containers": [container]}}  # fmt: skip
        return Used(scheme.typed(msgspec.json.encode(tree)), {"c": memory << 20}, {})

    rows = [used("within", 0, "100Mi", 90), used("over", 0, "10Mi", 50), used("far", 0, "0", 70), used("dear", 10, "0", 500)]
    assert [row.pod.metadata.name for row in ranked(rows, MEMORY)] == ["far", "over", "dear", "within"]
