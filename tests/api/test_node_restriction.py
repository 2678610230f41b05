"""What a kubelet may change."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import ClusterSpec
from tests.api.conftest import Cluster

NODES, PODS = "/api/v1/nodes", "/api/v1/namespaces/default/pods"
ME = "system:node:one"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"


def pod(name: str, node: str, **metadata: Any) -> dict[str, Any]:
    spec = {"nodeName": node, "containers": [{"name": "c", "image": "nginx"}]}
    return {"metadata": {"name": name, **metadata}, "spec": spec}


@pytest.fixture(scope="module")
def shared() -> Cluster:
    found = Cluster()
    for name in ("one", "two"):
        labels = {"kubernetes.io/hostname": name}
        assert found.ask("POST", NODES, {"metadata": {"name": name, "labels": labels}}, user=f"system:node:{name}")[0] == 201
        assert found.ask("POST", PODS, pod(f"on-{name}", name))[0] == 201
    return found


@pytest.mark.parametrize(("path", "body", "why"), [
    (NODES, {"metadata": {"name": "other"}}, 'nodes "other" is forbidden: node "one" is not allowed to modify node "other"'),
    (PODS, pod("p", "one"), 'pods "p" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "one" can '
     "only create mirror pods"),
    (PODS, pod("p", "two", annotations={"kubernetes.io/config.mirror": "x"}),
     'pods "p" is forbidden: node "one" can only create pods with spec.nodeName set to itself'),
])  # fmt: skip
def test_what_it_may_not_create(shared: Cluster, path: str, body: Any, why: str) -> None:
    code, answer = shared.ask("POST", path, body, user=ME)
    assert (code, answer["message"]) == (403, why)


@pytest.mark.parametrize(("path", "change", "words"), [
    (f"{NODES}/two", {"metadata": {"labels": {"a": "b"}}}, 'node "one" is not allowed to modify node "two"'),
    (f"{NODES}/one", {"metadata": {"labels": {"node-role.kubernetes.io/master": ""}}},
     'node "one" is not allowed to modify labels: node-role.kubernetes.io/master'),
    (f"{NODES}/one", {"spec": {"taints": []}}, 'node "one" is not allowed to modify taints'),
    (f"{PODS}/on-two/status", {"status": {"phase": "Failed"}},
     'node "one" can only update pod status for pods with spec.nodeName set to itself'),
    (f"{PODS}/on-one/status", {"metadata": {"labels": {"a": "b"}}}, 'node "one" cannot update labels through pod status'),
])  # fmt: skip
def test_what_it_may_not_change(shared: Cluster, path: str, change: Any, words: str) -> None:
    code, answer = shared.ask("PATCH", path, change, user=ME, content_type=MERGE)
    assert (code, words in answer["message"]) == (403, True), answer


def test_what_it_may_not_delete_or_evict(shared: Cluster) -> None:
    code, answer = shared.ask("DELETE", f"{PODS}/on-two", user=ME)
    assert (code, 'node "one" can only delete pods with spec.nodeName set to itself' in answer["message"]) == (403, True)
    code, answer = shared.ask("POST", f"{PODS}/on-two/eviction", {"metadata": {"name": "on-two"}}, user=ME)
    assert (code, 'node "one" can only evict pods with spec.nodeName set to itself' in answer["message"]) == (403, True)


def test_its_own_business(shared: Cluster) -> None:
    for label in ("color", "node.kubernetes.io/shape", "topology.kubernetes.io/zone"):
        change = {"metadata": {"labels": {label: "x"}}}
        assert shared.ask("PATCH", f"{NODES}/one", change, user=ME, content_type=MERGE)[0] == 200
    status = {"status": {"phase": "Running"}}
    assert shared.ask("PATCH", f"{PODS}/on-one/status", status, user=ME, content_type=STRATEGIC)[0] == 200
    code, made = shared.ask("POST", PODS, pod("mirror", "one", annotations={"kubernetes.io/config.mirror": "x"}), user=ME)
    assert code == 201
    assert "serviceAccountName" not in made["spec"]
    assert "volumes" not in made["spec"]
    assert shared.ask("DELETE", f"{PODS}/mirror?gracePeriodSeconds=0", user=ME)[0] == 200


def test_a_specification_gives_no_worker_a_label_that_its_kubelet_may_not_set() -> None:
    assert ClusterSpec.model_validate({"workers": [{"labels": {"disk": "ssd", "topology.kubernetes.io/zone": "a"}}]})
    with pytest.raises(ValueError, match=r"a kubelet may not give its node node-role\.kubernetes\.io/gpu: use"):
        ClusterSpec.model_validate({"workers": [{"labels": {"node-role.kubernetes.io/gpu": ""}}]})
