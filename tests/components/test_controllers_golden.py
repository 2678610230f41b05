"""Deployments on a whole control plane, against what a real one did (recorded from Kubernetes 1.36.2)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from control_world import PODS, Cluster

GOLDEN = Path(__file__).parent / "golden" / "ctrl"
D = "/apis/apps/v1/namespaces/default/deployments/d"
ROLLOUTS = sorted(GOLDEN.glob("rollout-[1-9]*.json")) + [
    GOLDEN / f"{name}.json" for name in ("rollout-recreate", "rollout-scale-mid", "rollout-scaledown-mid", "rollover")
]  # fmt: skip


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return found


def image_patch(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}


def replica_sets(cluster: Cluster) -> dict[str, Any]:
    """By revision, as the recordings have it."""
    found = {}
    for rs in cluster.list("ReplicaSet"):
        status = rs["status"]
        found[rs["metadata"]["annotations"]["deployment.kubernetes.io/revision"]] = {
            "image": rs["spec"]["template"]["spec"]["containers"][0]["image"], "spec": rs["spec"]["replicas"],
            "replicas": status.get("replicas", 0), "ready": status.get("readyReplicas", 0),
            "available": status.get("availableReplicas", 0),
        }  # fmt: skip
    return found


def status(cluster: Cluster, expected: dict[str, Any]) -> dict[str, Any]:
    """The Deployment's status, reduced to what was recorded."""
    found = cluster("GET", D)["status"]
    reduced = {name: found.get(name, 0) for name in expected if name != "conditions"}
    conditions = [
        {**{name: c[name] for name in ("type", "status", "reason")}, "message": re.sub(r'"d-\w+"', '"d-<hash>"', c["message"])}
        for c in found["conditions"]
    ]  # fmt: skip
    return {**reduced, "conditions": sorted(conditions, key=lambda c: c["type"])}


def one_becomes_ready(cluster: Cluster, image: str) -> None:
    """The first unready pod of this image (the newest template) is told to be ready."""
    for pod in cluster.list("Pod"):
        ready = pod["metadata"].get("annotations", {}).get("golden.k8s-tutor/ready")
        fitting = pod["spec"]["containers"][0]["image"] == image and not pod["metadata"].get("deletionTimestamp")
        if fitting and ready != "true":
            mark = {"metadata": {"annotations": {"golden.k8s-tutor/ready": "true"}}}
            cluster.patch(f"{PODS}/{pod['metadata']['name']}", mark)
            return
    raise AssertionError("no unready pod")


def act(cluster: Cluster, case: dict[str, Any], action: str, image: str) -> str:
    """Does what the recording did; returns the image that is new from then on."""
    if action.startswith("initial"):
        cluster("POST", D.removesuffix("/d"), case["input"])
    elif action == "template image changed":
        image = case["newImage"]
        cluster.patch(D, image_patch(image))
    elif action.startswith("second update to "):
        image = action.rpartition(" ")[2]
        cluster.patch(D, image_patch(image))
    elif action == "one not-ready pod becomes Ready":
        one_becomes_ready(cluster, image)
    elif action.startswith("scale "):
        cluster.patch(D, {"spec": {"replicas": int(action.rpartition(" ")[2])}})
    elif action != "end":
        raise AssertionError(action)
    cluster.settle()
    return image


@pytest.mark.parametrize("path", ROLLOUTS, ids=lambda path: path.stem)
def test_rolls_out_as_the_real_controllers(path: Path) -> None:
    case = json.loads(path.read_text())
    cluster = Cluster()
    image = ""
    for step in case["trace"]:
        image = act(cluster, case, step["action"], image)
        assert replica_sets(cluster) == step["replicaSets"], step["action"]
        if "status" in step:
            expected = step["status"]
            expected["conditions"] = sorted(expected["conditions"], key=lambda c: c["type"])
            assert status(cluster, expected) == expected, step["action"]
    events = [
        (re.sub(r"d-\w+", "d-<hash>", event["message"]), event["count"])
        for event in cluster.list("Event") if event["involvedObject"]["kind"] == "Deployment"
    ]  # fmt: skip
    assert sorted(events) == sorted((event["message"], event["count"]) for event in case["deploymentEvents"])


def test_revisions_are_numbered_and_old_ones_cleaned_up() -> None:
    case = load("rollback-revisions")
    cluster = Cluster()
    for step in case["trace"]:
        action = step["action"]
        if action.startswith("create"):
            cluster("POST", D.removesuffix("/d"), case["input"])
        elif action.startswith("change-cause"):
            cluster.patch(D, {"metadata": {"annotations": {"kubernetes.io/change-cause": "because"}}})
        elif action.startswith("template label"):
            cluster.patch(D, {"spec": {"template": {"metadata": {"labels": {"more": "yes"}}}}})
        elif action.startswith("revisionHistoryLimit"):
            cluster.patch(D, {"spec": {"revisionHistoryLimit": 1}})
        else:
            cluster.patch(D, image_patch(action.rpartition(" ")[2]))
        cluster.settle()
        assert cluster("GET", D)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == step["deploymentRevision"]
        found = [
            {
                "image": rs["spec"]["template"]["spec"]["containers"][0]["image"], "replicas": rs["spec"]["replicas"],
                "annotations": rs["metadata"]["annotations"],
            }
            for rs in cluster.list("ReplicaSet")
        ]  # fmt: skip
        order = json.dumps
        assert sorted(found, key=order) == sorted(step["replicaSets"], key=order), action


def test_a_rollout_takes_one_step_at_a_time() -> None:
    case = load("rollout-auto")
    cluster = Cluster()
    cluster("POST", D.removesuffix("/d"), case["input"])
    cluster.settle()
    cluster.tell("PATCH", D, image_patch("nginx:2"), "application/merge-patch+json")
    seen: list[list[int]] = []

    def look() -> bool:
        manager: Any = cluster.world.actor("controller-manager-1")
        sizes = {rs.spec.template.spec.containers[0].image: rs.spec.replicas for rs in manager.replica_sets}
        pair = [sizes.get("nginx:1", 0), sizes.get("nginx:2", 0)]
        if not seen or seen[-1] != pair:
            seen.append(pair)
        return pair == [0, 4]

    assert cluster.until(look)
    assert seen in case["sequences[(old,new) spec.replicas]"]


def test_min_ready_seconds_delay_availability() -> None:
    case = load("min-ready")
    cluster = Cluster()
    cluster("POST", D.removesuffix("/d"), case["input"])
    cluster.run(3)
    first, second = (step["status"] for step in case["trace"])
    assert status(cluster, first) == {**first, "conditions": sorted(first["conditions"], key=lambda c: c["type"])}
    cluster.run(5)
    assert status(cluster, second) == {**second, "conditions": sorted(second["conditions"], key=lambda c: c["type"])}


def test_a_stuck_rollout_is_reported() -> None:
    case = load("progress-deadline")
    cluster = Cluster()
    cluster("POST", D.removesuffix("/d"), case["input"])
    cluster.settle()
    expected = [step["status"] for step in case["trace"]]
    for found in expected:
        found["conditions"] = sorted(found["conditions"], key=lambda c: c["type"])
    assert status(cluster, expected[0]) == expected[0]
    cluster.patch(D, image_patch("neverready:2"))
    cluster.run(2)
    assert status(cluster, expected[1]) == expected[1]
    cluster.run(5)
    assert status(cluster, expected[2]) == expected[2]
    cluster.patch(D, image_patch("nginx:1"))
    cluster.settle()
    assert status(cluster, expected[3]) == expected[3]
    assert replica_sets(cluster) == case["trace"][3]["replicaSets"]
