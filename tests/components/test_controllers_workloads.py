"""StatefulSets, DaemonSets, budgets, autoscalers, claims and volumes, Endpoints, custom resources: on a whole control plane."""

from __future__ import annotations

from typing import Any

import pytest
from control_world import DEPLOYMENTS, PODS, Cluster, deployment
from test_controllers_parts import CLOCK, pod, typed

from k8s_tutor.controllers import history
from k8s_tutor.controllers.daemonset import placement
from k8s_tutor.controllers.disruption import expectation
from k8s_tutor.controllers.statefulset.reconcile import max_unavailable
from k8s_tutor.controllers.statefulset.reconcile import reconcile as reconcile_stateful_set
from k8s_tutor.sim import SECOND

SETS = "/apis/apps/v1/namespaces/default/statefulsets"
DAEMONS = "/apis/apps/v1/namespaces/default/daemonsets"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
SCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
VOLUMES = "/api/v1/persistentvolumes"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


def workload(kind: str, name: str, image: str = "nginx:1", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }  # fmt: skip


def new_image(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}


def images(cluster: Cluster) -> dict[str, str]:
    return {one["metadata"]["name"]: one["spec"]["containers"][0]["image"] for one in cluster.list("Pod")}


def mark(cluster: Cluster, name: str, **notes: str) -> None:
    cluster.patch(f"{PODS}/{name}", {"metadata": {"annotations": {f"golden.k8s-tutor/{k}": v for k, v in notes.items()}}})


def texts(cluster: Cluster, name: str) -> list[str]:
    """Reason and message of the events about an object, sorted."""
    found = [e for e in cluster.list("Event") if e["involvedObject"]["name"] == name]
    return sorted(f"{event['reason']}: {event['message']}" for event in found)


# ---------------------------------------------------------------------- StatefulSets


def stateful(replicas: int = 3, **spec: Any) -> Any:
    return typed(workload("StatefulSet", "s", replicas=replicas, serviceName="s", **spec))


def member(number: int, ready: bool = True, revision: str = "", **more: Any) -> Any:
    labels = {
        "app": "s", "statefulset.kubernetes.io/pod-name": f"s-{number}", "apps.kubernetes.io/pod-index": str(number),
        "controller-revision-hash": revision or history.look(stateful(), (), unique_label=False).update.name,
    }  # fmt: skip
    return pod(f"s-{number}", ready=ready, labels=labels, **more)


def decided(sts: Any, *pods: Any) -> list[str]:
    """What is done about pods: ``POST s-1``."""
    known = history.look(sts, (), unique_label=False)
    writes = reconcile_stateful_set(sts, pods, known, {}, True, CLOCK).writes
    return [f"{one.method} {one.name or (one.tree or {})['metadata']['name']}" for one in writes if one.kind == "Pod"]


def test_pods_come_one_after_the_other() -> None:
    assert decided(stateful()) == ["POST s-0"]
    assert decided(stateful(), member(0, ready=False)) == []
    assert decided(stateful(), member(0)) == ["POST s-1"]
    assert decided(stateful(podManagementPolicy="Parallel")) == ["POST s-0", "POST s-1", "POST s-2"]


def test_pods_go_from_the_highest_down() -> None:
    assert decided(stateful(1), member(0), member(1), member(2)) == ["DELETE s-2"]
    assert decided(stateful(1), member(0), member(1, ready=False), member(2)) == ["DELETE s-2"]
    ending = {"deletionTimestamp": "2026-01-01T00:16:00Z"}
    assert decided(stateful(1), member(0), member(1), member(2, **ending)) == []


def test_an_update_begins_at_the_top_and_ends_at_the_partition() -> None:
    old = [member(number, revision="s-old") for number in range(3)]
    assert decided(stateful(), *old) == ["DELETE s-2"]
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    assert decided(stateful(updateStrategy=rolling), *old[:2], member(2)) == []
    assert decided(stateful(updateStrategy={"type": "OnDelete"}), *old) == []


def test_more_than_one_may_be_unavailable() -> None:
    old = [member(number, revision="s-old") for number in range(3)]
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "60%"}}
    assert decided(stateful(updateStrategy=rolling), *old) == ["DELETE s-2", "DELETE s-1"]
    assert [max_unavailable(value, 3) for value in (None, 2, "10%", 0)] == [1, 2, 1, 1]


def test_a_broken_pod_blocks_even_after_a_revert() -> None:
    cluster = Cluster(recorded=True)
    cluster("POST", SETS, workload("StatefulSet", "s", "manual:1", replicas=2, serviceName="s"))
    cluster.settle()
    assert sorted(images(cluster)) == ["s-0"]
    for number in range(2):
        mark(cluster, f"s-{number}", ready="true")
        cluster.settle()
    cluster.patch(f"{SETS}/s", new_image("neverready:2"))
    cluster.settle()
    assert images(cluster) == {"s-0": "manual:1", "s-1": "neverready:2"}
    cluster.patch(f"{SETS}/s", new_image("manual:1"))
    cluster.settle()
    assert images(cluster) == {"s-0": "manual:1", "s-1": "neverready:2"}


TEMPLATE = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": ""},
}


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_claims_stay_or_go_with_the_set(policy: str) -> None:
    cluster = Cluster(recorded=True)
    for number in range(2):
        spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/d"}}
        tree = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"v{number}"}, "spec": spec}
        cluster("POST", VOLUMES, tree)
    keep = {"whenDeleted": policy, "whenScaled": policy}
    spec = {"volumeClaimTemplates": [TEMPLATE], "persistentVolumeClaimRetentionPolicy": keep, "replicas": 2}
    cluster("POST", SETS, workload("StatefulSet", "s", serviceName="s", **spec))
    cluster.settle()
    claims = {one["metadata"]["name"]: one for one in cluster.list("PersistentVolumeClaim")}
    assert {name: one["metadata"]["labels"] for name, one in claims.items()} == {
        "data-s-0": {"app": "s"}, "data-s-1": {"app": "s"},
    }  # fmt: skip
    assert [one["status"]["phase"] for one in claims.values()] == ["Bound", "Bound"]
    volume = cluster("GET", f"{PODS}/s-0")["spec"]["volumes"][0]
    assert volume == {"name": "data", "persistentVolumeClaim": {"claimName": "data-s-0"}}
    owners = [len(one["metadata"].get("ownerReferences", ())) for one in claims.values()]
    assert owners == ([0, 0] if policy == "Retain" else [1, 1])
    cluster.patch(f"{SETS}/s", {"spec": {"replicas": 1}})
    cluster.settle()
    left = ["data-s-0", "data-s-1"] if policy == "Retain" else ["data-s-0"]
    assert [one["metadata"]["name"] for one in cluster.list("PersistentVolumeClaim")] == left
    cluster("DELETE", f"{SETS}/s?propagationPolicy=Background")
    cluster.settle()
    assert [one["metadata"]["name"] for one in cluster.list("PersistentVolumeClaim")] == (left if policy == "Retain" else [])


# ---------------------------------------------------------------------- DaemonSets


def node(name: str, labels: dict[str, str] | None = None, *taints: str) -> Any:
    spec = {"taints": [{"key": "dedicated", "effect": effect} for effect in taints]} if taints else {}
    return typed({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels or {}}, "spec": spec})


def test_which_nodes_fit() -> None:
    plain = typed(workload("DaemonSet", "d"))
    assert placement.fit(plain, node("n")) == (True, True)
    assert placement.fit(plain, node("n", None, "NoSchedule")) == (False, True)
    assert placement.fit(plain, node("n", None, "NoExecute")) == (False, False)
    tree = workload("DaemonSet", "d")
    tree["spec"]["template"]["spec"] |= {"nodeSelector": {"disk": "ssd"}}
    assert [placement.fit(typed(tree), node("n", labels)).run for labels in ({"disk": "ssd"}, {"disk": "hdd"})] == [True, False]


def test_a_surge_makes_the_new_pod_first() -> None:
    cluster = Cluster(recorded=True)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    cluster("POST", DAEMONS, workload("DaemonSet", "d", updateStrategy=rolling))
    cluster.settle()
    least = [3]

    def done() -> bool:
        manager: Any = cluster.world.actor("controller-manager-1")
        pods = [one for one in manager.pods if not one.metadata.deletionTimestamp]
        ready = [one for one in pods if any(c.type == "Ready" and c.status == "True" for c in one.status.conditions or ())]
        least[0] = min(least[0], len(ready))
        return len(pods) == 3 and all(one.spec.containers[0].image == "nginx:2" for one in pods)

    cluster.tell("PATCH", f"{DAEMONS}/d", new_image("nginx:2"), "application/strategic-merge-patch+json")
    assert cluster.until(done)
    assert least == [3]


def test_a_failed_daemon_pod_is_replaced() -> None:
    cluster = Cluster(recorded=True)
    cluster("POST", DAEMONS, workload("DaemonSet", "d"))
    cluster.settle()
    name = next(iter(images(cluster)))
    cluster.patch(f"{PODS}/{name}/status", {"status": {"phase": "Failed"}})
    cluster.settle()
    assert name not in images(cluster) and len(images(cluster)) == 3
    told = f"FailedDaemonPod: Found failed daemon pod default/{name} on node"
    assert any(text.startswith(told) for text in texts(cluster, "d"))


# ---------------------------------------------------------------------- budgets, autoscalers


def budget(**spec: Any) -> Any:
    return typed({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"},
        "spec": {"selector": {"matchLabels": {"app": "r"}}, **spec},
    })  # fmt: skip


def test_what_a_budget_demands() -> None:
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "r", "controller": True}]
    pods = [pod(f"p{number}", ownerReferences=owner) for number in range(5)]
    scales = {one.metadata.uid: 7 for one in pods}
    assert expectation(budget(minAvailable=2), pods, scales)[:2] == (5, 2)
    assert expectation(budget(minAvailable="50%"), pods, scales)[:2] == (7, 4)
    assert expectation(budget(maxUnavailable=3), pods, scales)[:2] == (7, 4)
    assert expectation(budget(maxUnavailable="30%"), pods, scales)[:2] == (7, 4)
    assert expectation(budget(maxUnavailable=1), pods, {}).strays == tuple(one.metadata.name for one in pods)


def test_budgets_follow_their_pods() -> None:
    cluster = Cluster(recorded=True)
    cluster("POST", DEPLOYMENTS, deployment("r", 3))
    tree = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}}
    cluster("POST", BUDGETS, {**tree, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "r"}}}})
    cluster.settle()
    found = cluster("GET", f"{BUDGETS}/b")["status"]
    counts = {name: value for name, value in found.items() if name != "conditions"}
    assert counts == {
        "currentHealthy": 3, "desiredHealthy": 2, "disruptionsAllowed": 1, "expectedPods": 3, "observedGeneration": 1,
    }  # fmt: skip
    condition = {**found["conditions"][0], "lastTransitionTime": ""}
    assert condition == {
        "type": "DisruptionAllowed", "status": "True", "reason": "SufficientPods", "message": "", "observedGeneration": 1,
        "lastTransitionTime": "",
    }  # fmt: skip
    cluster("POST", f"{PODS}/{next(iter(images(cluster)))}/eviction", {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": next(iter(images(cluster)))},
    })  # fmt: skip
    cluster.settle()
    assert cluster("GET", f"{BUDGETS}/b")["status"]["disruptionsAllowed"] == 1


def test_an_autoscaler_without_metrics_keeps_its_bounds() -> None:
    cluster = Cluster(recorded=True)
    for name, size in (("few", 1), ("many", 9), ("none", 0)):
        cluster("POST", DEPLOYMENTS, deployment(name, size))
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        spec = {"minReplicas": 2, "maxReplicas": 5, "scaleTargetRef": target}
        tree = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec}
        cluster("POST", SCALERS, tree)
    cluster.run(35)
    sizes = {one["metadata"]["name"]: one["spec"]["replicas"] for one in cluster.list("Deployment")}
    assert sizes == {"few": 2, "many": 5, "none": 0}
    status = {one["metadata"]["name"]: one["status"] for one in cluster.list("HorizontalPodAutoscaler")}
    reasons = {name: [(c["type"], c["reason"]) for c in found["conditions"]] for name, found in status.items()}
    fine = ("AbleToScale", "SucceededGetScale")
    assert reasons["few"] == [fine, ("ScalingActive", "FailedGetResourceMetric")]
    assert reasons["none"] == [fine, ("ScalingActive", "ScalingDisabled")]
    assert (status["few"]["desiredReplicas"], status["few"]["currentMetrics"]) == (2, [{"type": ""}])
    assert "SuccessfulRescale: New size: 5; reason: Current number of replicas above Spec.MaxReplicas" in texts(cluster, "many")


# ---------------------------------------------------------------------- volumes


def volume(name: str, size: str, **spec: Any) -> dict[str, Any]:
    base = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "nfs": {"server": "s", "path": "/"}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {**base, **spec}}


def claim(name: str, size: str, **spec: Any) -> dict[str, Any]:
    base = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {**base, **spec}}


def test_a_claim_takes_the_smallest_volume_that_fits() -> None:
    cluster = Cluster(recorded=True)
    for tree in (volume("v9", "9Gi"), volume("v2", "2Gi"), volume("vd", "3Gi", storageClassName="d",
                 persistentVolumeReclaimPolicy="Delete"), volume("vs", "4Gi", storageClassName="w")):  # fmt: skip
        cluster("POST", VOLUMES, tree)
    later = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    storage = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "w"}, **later}
    cluster("POST", "/apis/storage.k8s.io/v1/storageclasses", storage)
    cluster.settle()
    for tree in (claim("a", "1Gi"), claim("big", "50Gi"), claim("b", "1Gi", storageClassName="d"),
                 claim("lost", "1Gi", storageClassName="nope"), claim("w", "1Gi", storageClassName="w")):  # fmt: skip
        cluster("POST", CLAIMS, tree)
    cluster.settle()
    cluster.run(20)
    claims = {one["metadata"]["name"]: one for one in cluster.list("PersistentVolumeClaim")}
    bound = {name: one["spec"].get("volumeName") for name, one in claims.items()}
    assert bound == {"a": "v2", "b": "vd", "big": None, "lost": None, "w": None}
    assert claims["a"]["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "2Gi"}}
    yes = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
    assert claims["a"]["metadata"]["annotations"] == yes
    assert texts(cluster, "big") == [
        "FailedBinding: no persistent volumes available for this claim and no storage class is set"
    ]
    assert texts(cluster, "lost") == ['ProvisioningFailed: storageclass.storage.k8s.io "nope" not found']
    assert texts(cluster, "w") == ["WaitForFirstConsumer: waiting for first consumer to be created before binding"]
    for name in ("a", "b"):
        cluster("DELETE", f"{CLAIMS}/{name}")
    cluster.settle()
    phases = {one["metadata"]["name"]: one["status"]["phase"] for one in cluster.list("PersistentVolume")}
    assert phases == {"v2": "Released", "v9": "Available", "vd": "Failed", "vs": "Available"}


# ---------------------------------------------------------------------- Endpoints, custom resources


def test_endpoints_say_what_the_slices_say() -> None:
    cluster = Cluster(recorded=True)
    cluster("POST", DEPLOYMENTS, deployment("web", 2, "manual:1"))
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    cluster("POST", "/api/v1/namespaces/default/services",
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec})  # fmt: skip
    cluster.settle()
    mark(cluster, next(iter(images(cluster))), ready="true")
    cluster.settle()
    path = "/api/v1/namespaces/default/endpoints/web"
    found = cluster("GET", path)["subsets"]
    assert [(len(one["addresses"]), len(one["notReadyAddresses"]), one["ports"]) for one in found] == [
        (1, 1, [{"port": 8080, "protocol": "TCP"}])
    ]
    cluster("DELETE", "/api/v1/namespaces/default/services/web")
    cluster.settle()
    assert "web" not in [one["metadata"]["name"] for one in cluster.list("Endpoints")]


def test_endpoints_by_hand_are_mirrored() -> None:
    cluster = Cluster()
    services, endpoints = "/api/v1/namespaces/default/services", "/api/v1/namespaces/default/endpoints"
    cluster("POST", services, {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432}]},
    })  # fmt: skip
    subsets = [{"addresses": [{"ip": "192.0.2.7"}], "ports": [{"port": 5432}]}]
    tree = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "db"}, "subsets": subsets}
    cluster("POST", endpoints, tree)
    cluster.settle()
    cluster.patch(f"{endpoints}/db", {"subsets": [{**subsets[0], "addresses": [{"ip": "192.0.2.8"}]}]})
    cluster.settle()
    found = [one for one in cluster.list("EndpointSlice") if one["metadata"]["name"].startswith("db-")]
    assert [(one["endpoints"], one["ports"][0]["port"]) for one in found] == [
        ([{"addresses": ["192.0.2.8"], "conditions": {"ready": True}}], 5432)
    ]
    cluster("DELETE", f"{endpoints}/db")
    cluster.settle()
    assert [one for one in cluster.list("EndpointSlice") if one["metadata"]["name"].startswith("db-")] == []


WIDGETS = "/apis/ex.io/v1/namespaces/default/widgets"


def test_custom_resources_own_and_are_owned() -> None:
    cluster = Cluster()
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    cluster("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.ex.io"},
        "spec": {"group": "ex.io", "scope": "Namespaced", "names": names, "versions": versions},
    })  # fmt: skip
    cluster.run(3)

    def widget(name: str, *owners: dict[str, Any]) -> dict[str, Any]:
        tree = {"apiVersion": "ex.io/v1", "kind": "Widget", "metadata": {"name": name, "ownerReferences": list(owners)}}
        made: dict[str, Any] = cluster("POST", WIDGETS, tree)
        return {"apiVersion": "ex.io/v1", "kind": "Widget", "name": name, "uid": made["metadata"]["uid"]}

    def secret(name: str, owner: dict[str, Any]) -> None:
        metadata = {"name": name, "ownerReferences": [owner]}
        cluster("POST", "/api/v1/namespaces/default/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": metadata})

    above = widget("above")
    secret("below", widget("between", above))
    orphaner = widget("orphaner")
    secret("kept", orphaner)
    last = widget("last")
    secret("first", {**last, "blockOwnerDeletion": True})
    widget("stray", {**above, "name": "nobody", "uid": "none"})
    cluster.settle()
    assert sorted(one["metadata"]["name"] for one in cluster("GET", WIDGETS)["items"]) == [
        "above", "between", "last", "orphaner",
    ]  # fmt: skip
    for name, policy in (("above", "Background"), ("orphaner", "Orphan"), ("last", "Foreground")):
        cluster("DELETE", f"{WIDGETS}/{name}?propagationPolicy={policy}")
    cluster.settle()
    assert cluster("GET", WIDGETS)["items"] == []
    left = [(one["metadata"]["name"], one["metadata"].get("ownerReferences")) for one in cluster.list("Secret")]
    assert left == [("kept", None)]


def test_only_the_leader_watches() -> None:
    cluster = Cluster(managers=2)
    managers: list[Any] = [cluster.world.actor(f"controller-manager-{number}") for number in (1, 2)]
    watching = {one.election.leading: sum(1 for informer in one.informers() if informer.watch) for one in managers}
    assert watching[False] == 0 and watching[True] > 50
    leader = next(one for one in managers if one.election.leading)
    cluster.world.crash(leader.name)
    cluster.world.run_until(cluster.world.now + 20 * SECOND)
    cluster("POST", DEPLOYMENTS, deployment("web", 2))
    cluster.settle()
    assert len(cluster.list("Pod")) == 2
