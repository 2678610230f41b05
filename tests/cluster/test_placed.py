"""What is written into a pod when it gets its place, and requests that are set to nothing."""

from __future__ import annotations

import json

from k8s_tutor.cluster import inputs
from tests.cluster.helpers import cluster, kubectl, settled


def test_a_pod_with_a_place_is_promised_none_any_more() -> None:
    one = cluster(workers=[{"cpu": "1"}])
    manifests = [
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 100},
        *({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"terminationGracePeriodSeconds": 1, **more, "containers": [
                {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "600m"}}},
            ]},
        } for name, more in (("low", {}), ("till", {"priorityClassName": "high"}))),
    ]  # fmt: skip
    for manifest in manifests:
        one.give(inputs.Kubectl("apply -f x.yaml", files=(("x.yaml", json.dumps([manifest])),)))
        assert one.settle()
    placed = kubectl(one, "get pod till -o jsonpath={.spec.nodeName}:{.status.nominatedNodeName}").stdout
    assert placed == "node-1:"


def test_a_pod_gets_the_zone_of_its_node_as_a_label() -> None:
    one = cluster(workers=[{"labels": {"topology.kubernetes.io/zone": "north"}}])
    settled(one, "run web --image=nginx")
    assert kubectl(one, r"get pod web -o jsonpath='{.metadata.labels.topology\.kubernetes\.io/zone}'").stdout == "north"


def test_a_request_of_nothing_is_written_as_zero() -> None:
    one = cluster()
    settled(one, "create deployment web --image=nginx")
    settled(one, "set resources deployment web --requests=cpu=100m,memory=1Mi")
    settled(one, "set resources deployment web --requests=cpu=0")
    wanted = kubectl(one, "get deployment web -o jsonpath={.spec.template.spec.containers[0].resources.requests}").stdout
    assert wanted == '{"cpu":"0","memory":"1Mi"}'
