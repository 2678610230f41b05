"""Plain kubelets do with pods what the recorded cluster's did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.serve import specs
from tests.cluster.helpers import kubectl, until

GOLDEN = Path(__file__).parents[1] / "golden_cluster.yaml"


def pods(on: Cluster) -> dict[str, tuple[str, str]]:
    """Name → (phase, reason of the first container's state)."""
    found = {}
    for tree in on.objects("Pod").values():
        rows = tree["status"].get("containerStatuses") or [{"state": {}}]
        state = next(iter(rows[0]["state"].values()), {})
        found[tree["metadata"]["name"]] = (tree["status"]["phase"], state.get("reason", ""))
    return found


def ready(on: Cluster, name: str) -> bool:
    tree: Any = on.objects("Pod")[f"default/{name}"]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in tree["status"].get("conditions", ()))


def test_images_do_what_the_specification_says() -> None:
    one = Cluster(specs.load(str(GOLDEN)))
    for name, image, flags in (
        ("runs", "nginx:1", ""), ("done", "ok:1", " --restart=Never"), ("bad", "fail:3", " --restart=Never"),
        ("loop", "ok:1", ""),
        ("absent", "nopull:1", ""), ("never", "neverready:1", ""), ("steered", "manual:2", ""), ("held", "hold:1", ""),
    ):  # fmt: skip
        kubectl(one, f"run {name} --image={image}{flags}")
    one.run_until(one.now + 3_000_000)
    assert pods(one) == {
        "runs": ("Running", ""), "done": ("Succeeded", "Completed"), "bad": ("Failed", "Error"),
        "loop": ("Running", "CrashLoopBackOff"), "absent": ("Pending", "ErrImagePull"), "never": ("Running", ""),
        "steered": ("Running", ""), "held": ("Running", ""),
    }  # fmt: skip
    assert one.objects("Pod")["default/bad"]["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    assert [ready(one, name) for name in ("runs", "never", "steered", "held")] == [True, False, False, True]
    kubectl(one, "annotate pod steered golden.k8s-tutor/ready=true")
    until(one, lambda on: ready(on, "steered"))
    kubectl(one, "annotate pod held golden.k8s-tutor/exit=2")
    until(one, lambda on: pods(on)["held"] == ("Failed", "Error"))
    one.give(inputs.Kubectl("delete pod runs"))
    until(one, lambda on: "runs" not in pods(on))
    assert [event["reason"] for event in one.objects("Event").values() if event["source"].get("component") == "kubelet"] == []
