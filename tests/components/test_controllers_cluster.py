"""The controller manager at work on a whole control plane: lost nodes, garbage, namespaces, endpoints, two managers."""

from __future__ import annotations

from typing import Any

import msgspec
from control_world import DEPLOYMENTS, PODS, Cluster, deployment
from fake_kubelets import Return, Silence

from k8s_tutor.api import scheme, selectors
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers.manager import ControllerManager, ManagerConfig
from k8s_tutor.controllers.podgc import ENDED_MOST, surplus
from k8s_tutor.controllers.podowner import claim
from k8s_tutor.controllers.requests import adopting
from k8s_tutor.controllers.runner import succeeded

SERVICES = "/api/v1/namespaces/default/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
SETS = "/apis/apps/v1/namespaces/default/replicasets"


def pod(name: str, node: str = "node-3", tolerations: Any = None, image: str = "nginx:1") -> dict[str, Any]:
    """A pod's manifest."""
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": image}], "nodeName": node}
    if tolerations:
        spec["tolerations"] = tolerations
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "r"}}, "spec": spec}


def tolerate(key: str, seconds: int | None) -> dict[str, Any]:
    """A toleration of a NoExecute taint."""
    found: dict[str, Any] = {"key": key, "operator": "Exists", "effect": "NoExecute"}
    return found if seconds is None else {**found, "tolerationSeconds": seconds}


def ready(tree: dict[str, Any]) -> str:
    """Status of condition Ready."""
    return next((c["status"] for c in tree["status"].get("conditions", ()) if c["type"] == "Ready"), "")


def taints(cluster: Cluster, node: str) -> list[str]:
    """As ``key:effect``."""
    found = cluster("GET", f"/api/v1/nodes/{node}")["spec"].get("taints", ())
    return [f"{taint['key'].removeprefix('node.kubernetes.io/')}:{taint['effect']}" for taint in found]


def events(cluster: Cluster, kind: str) -> list[str]:
    """Reasons and texts of the events about objects of a kind."""
    return [f"{e['reason']}: {e['message']}" for e in cluster.list("Event") if e["involvedObject"]["kind"] == kind]


def test_a_silent_node_is_noticed_its_pods_leave_and_it_can_come_back() -> None:
    cluster = Cluster()
    short = [tolerate("node.kubernetes.io/not-ready", 10), tolerate("node.kubernetes.io/unreachable", 10)]
    cluster("POST", PODS, pod("default"))
    cluster("POST", PODS, pod("sec10", tolerations=short))
    cluster.settle()
    assert {p["metadata"]["name"]: ready(p) for p in cluster.list("Pod")} == {"default": "True", "sec10": "True"}
    cluster.world.inject("kubelets", Silence("node-3"))
    silent_since = cluster.world.now

    def is_unknown() -> bool:
        manager: Any = cluster.world.actor("controller-manager-1")
        conditions = manager.nodes.objects["node-3"].status.conditions
        return all(c.status == "Unknown" for c in conditions)

    assert cluster.until(is_unknown, 70)
    assert 45_000_000 <= cluster.world.now - silent_since <= 56_000_000
    node = cluster("GET", "/api/v1/nodes/node-3")
    texts = {(c["reason"], c["message"]) for c in node["status"]["conditions"]}
    assert texts == {("NodeStatusUnknown", "Kubelet stopped posting node status.")}
    cluster.run(1)
    assert taints(cluster, "node-3") == ["unreachable:NoSchedule", "unreachable:NoExecute"]
    assert {p["metadata"]["name"]: ready(p) for p in cluster.list("Pod")} == {"default": "False", "sec10": "False"}
    cluster.run(11)
    ending = {p["metadata"]["name"]: "deletionTimestamp" in p["metadata"] for p in cluster.list("Pod")}
    assert ending == {"default": False, "sec10": True}
    cluster.world.inject("kubelets", Return("node-3"))
    cluster.run(14)
    assert taints(cluster, "node-3") == []
    cluster.run(310)
    assert "default" in {p["metadata"]["name"] for p in cluster.list("Pod")}
    assert "NodeNotReady: Node node-3 status is now: NodeNotReady" in events(cluster, "Node")
    told = events(cluster, "Pod")
    assert told.count("NodeNotReady: Node is not ready") == 2
    assert "TaintManagerEviction: Cancelling deletion of Pod default/default" in told
    assert "TaintManagerEviction: Marking for deletion Pod default/sec10" in told


def test_a_deployment_moves_away_from_a_lost_node_after_five_minutes() -> None:
    cluster = Cluster()
    cluster("POST", DEPLOYMENTS, deployment())
    cluster.settle()
    assert {p["spec"]["nodeName"] for p in cluster.list("Pod")} == {"node-1", "node-2", "node-3"}
    cluster.world.inject("kubelets", Silence("node-2"))
    cluster.run(120)
    assert len(cluster.list("Pod")) == 3
    cluster.run(260)
    pods = cluster.list("Pod")
    assert sorted(p["spec"]["nodeName"] for p in pods if ready(p) == "True")[0] == "node-1"
    assert len([p for p in pods if ready(p) == "True"]) == 3
    assert [p["spec"]["nodeName"] for p in pods if "deletionTimestamp" in p["metadata"]] == ["node-2"]
    assert cluster.notes("pod.evicted")[0].fields["node"] == "node-2"


def test_nobody_is_evicted_while_all_nodes_are_lost() -> None:
    cluster = Cluster(nodes=1)
    cluster("POST", PODS, pod("web", node="node-1"))
    cluster.settle()
    cluster.world.inject("kubelets", Silence("node-1"))
    cluster.run(400)
    assert taints(cluster, "node-1") == ["unreachable:NoSchedule"]
    assert [p["metadata"].get("deletionTimestamp") for p in cluster.list("Pod")] == [None]


def test_a_taint_evicts_at_once_later_or_never() -> None:
    cluster = Cluster()
    cluster("POST", PODS, pod("none"))
    cluster("POST", PODS, pod("sec5", tolerations=[tolerate("maint", 5)]))
    cluster("POST", PODS, pod("forever", tolerations=[tolerate("maint", None)]))
    cluster.settle()
    cluster.patch("/api/v1/nodes/node-3", {"spec": {"taints": [{"key": "maint", "value": "1", "effect": "NoExecute"}]}})
    cluster.run(2)
    assert [p["metadata"]["name"] for p in cluster.list("Pod")] == ["forever", "sec5"]
    cluster.run(5)
    assert [p["metadata"]["name"] for p in cluster.list("Pod")] == ["forever"]


def test_cordoning_a_node_taints_it() -> None:
    cluster = Cluster()
    cluster.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": True}})
    cluster.settle()
    assert taints(cluster, "node-1") == ["unschedulable:NoSchedule"]
    cluster.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": None}})
    cluster.settle()
    assert taints(cluster, "node-1") == []


def test_pods_of_a_deleted_node_are_collected_within_about_a_minute() -> None:
    cluster = Cluster()
    cluster("POST", PODS, pod("web"))
    cluster.settle()
    cluster.world.inject("kubelets", Silence("node-3"))
    cluster("DELETE", "/api/v1/nodes/node-3")
    cluster.run(35)
    assert len(cluster.list("Pod")) == 1
    cluster.run(30)
    assert cluster.list("Pod") == []
    assert cluster.notes("pod.collected")


def test_deleting_a_deployment_collects_all_that_it_owned() -> None:
    cluster = Cluster()
    cluster("POST", DEPLOYMENTS, deployment())
    cluster.settle()
    cluster("DELETE", f"{DEPLOYMENTS}/web")
    cluster.settle()
    assert (cluster.list("Deployment"), cluster.list("ReplicaSet"), cluster.list("Pod")) == ([], [], [])


def test_orphaning_leaves_the_dependents_behind() -> None:
    cluster = Cluster()
    cluster("POST", DEPLOYMENTS, deployment())
    cluster.settle()
    cluster("DELETE", f"{DEPLOYMENTS}/web?propagationPolicy=Orphan")
    cluster.settle()
    assert cluster.list("Deployment") == []
    assert ["ownerReferences" in rs["metadata"] for rs in cluster.list("ReplicaSet")] == [False]
    assert len(cluster.list("Pod")) == 3


def test_foreground_deletion_waits_for_the_dependents() -> None:
    cluster = Cluster()
    cluster("POST", DEPLOYMENTS, deployment())
    cluster.settle()
    order: list[str] = []

    def look() -> bool:
        manager: Any = cluster.world.actor("controller-manager-1")
        for kind, informer in (("pods", manager.pods), ("sets", manager.replica_sets), ("deployments", manager.deployments)):
            if not len(informer) and kind not in order:
                order.append(kind)
        return len(order) == 3

    cluster.tell("DELETE", f"{DEPLOYMENTS}/web?propagationPolicy=Foreground")
    assert cluster.until(look)
    assert order == ["pods", "sets", "deployments"]


def test_a_deleted_namespace_is_emptied_first() -> None:
    cluster = Cluster()
    cluster("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    cluster("POST", DEPLOYMENTS.replace("default", "shop"), deployment())
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
    cluster("POST", "/api/v1/namespaces/shop/configmaps", config)
    cluster.settle()
    cluster("DELETE", "/api/v1/namespaces/shop")
    cluster.run(30)
    assert "shop" not in {found["metadata"]["name"] for found in cluster.list("Namespace")}
    assert (cluster.list("Pod", "shop"), cluster.list("ConfigMap", "shop")) == ([], [])


def test_endpoints_follow_the_pods() -> None:
    cluster = Cluster()
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }  # fmt: skip
    cluster("POST", SERVICES, service)
    cluster.settle()
    mine = [s for s in cluster.list("EndpointSlice") if s["metadata"]["name"].startswith("web-")]
    assert [s.get("endpoints") for s in mine] == [None]
    cluster("POST", DEPLOYMENTS, deployment())
    cluster.settle()
    mine = [s for s in cluster.list("EndpointSlice") if s["metadata"]["name"].startswith("web-") and s["endpoints"]]
    assert len(mine) == 1
    assert {e["nodeName"] for e in mine[0]["endpoints"]} == {"node-1", "node-2", "node-3"}
    assert all(e["conditions"] == {"ready": True, "serving": True, "terminating": False} for e in mine[0]["endpoints"])
    cluster.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 1}})
    cluster.settle()
    mine = [s for s in cluster.list("EndpointSlice") if s["metadata"]["name"].startswith("web-")]
    assert [len(s["endpoints"]) for s in mine] == [1]
    cluster("DELETE", f"{SERVICES}/web")
    cluster.settle()
    assert [s for s in cluster.list("EndpointSlice") if s["metadata"]["name"].startswith("web-")] == []


def test_a_pod_that_loses_its_label_is_let_go_and_replaced_and_taken_back() -> None:
    cluster = Cluster()
    cluster("POST", DEPLOYMENTS, deployment(replicas=2))
    cluster.settle()
    name = cluster.list("Pod")[0]["metadata"]["name"]
    cluster.patch(f"{PODS}/{name}", {"metadata": {"labels": {"app": "debug"}}})
    cluster.settle()
    pods = {p["metadata"]["name"]: p["metadata"].get("ownerReferences") for p in cluster.list("Pod")}
    assert len(pods) == 3
    assert pods[name] is None
    cluster.patch(f"{PODS}/{name}", {"metadata": {"labels": {"app": "web"}}})
    cluster.settle()
    assert len(cluster.list("Pod")) == 2


def test_the_second_manager_takes_over_and_starts_afresh() -> None:
    cluster = Cluster(managers=2)
    cluster("POST", DEPLOYMENTS, deployment(replicas=1))
    cluster.settle()
    managers: list[Any] = [cluster.world.actor(f"controller-manager-{i}") for i in (1, 2)]
    assert [manager.working for manager in managers].count(True) == 1
    leader = next(manager for manager in managers if manager.working)
    schedulers: list[Any] = [cluster.world.actor(f"scheduler-{i}") for i in (1, 2)]
    head = next(scheduler for scheduler in schedulers if scheduler.working)
    cluster.world.pause(leader.name)
    cluster.world.pause(head.name)
    cluster.tell("PATCH", f"{DEPLOYMENTS}/web", {"spec": {"replicas": 4}}, "application/merge-patch+json")
    cluster.run(5)
    assert len(cluster.list("Pod")) == 1
    cluster.run(20)
    assert len([p for p in cluster.list("Pod") if ready(p) == "True"]) == 4
    cluster.world.resume(leader.name)
    cluster.world.resume(head.name)
    cluster.run(10)
    assert not leader.working
    assert not head.working
    assert len(cluster.list("Pod")) == 4


def test_a_manager_that_is_cut_off_stops_and_catches_up_when_the_cable_is_mended() -> None:
    cluster = Cluster()
    cluster.world.crash("controller-manager-1")
    access = ManagerConfig("api-1", "system:kube-controller-manager")
    cluster.world.add(ControllerManager, "controller-manager-2", access, None, "cp-2")
    cluster.run(20)
    cluster("POST", DEPLOYMENTS, deployment())
    cluster.settle()
    cluster.world.cut((("cp-2",), ("cp-1",)))
    victim = cluster.list("Pod")[0]["metadata"]["name"]
    cluster("DELETE", f"{PODS}/{victim}")
    cluster("POST", PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other"}, "spec": pod("x")["spec"]})
    cluster.run(30)
    alone: Any = cluster.world.actor("controller-manager-2")
    assert {ready(p) for p in cluster.list("Pod")} == {"True"}
    assert len(cluster.list("Pod")) == 3
    assert f"default/{victim}" in alone.pods.objects
    assert not alone.working
    cluster.world.heal()
    cluster.run(60)
    assert len(cluster.list("Pod")) == 4
    assert f"default/{victim}" not in alone.pods.objects


def test_a_copy_of_the_world_goes_the_same_way_and_disturbs_nobody() -> None:
    cluster = Cluster()
    cluster("POST", DEPLOYMENTS, deployment())
    cluster.settle()
    cluster.tell("PATCH", f"{DEPLOYMENTS}/web", {"spec": {"replicas": 9}}, "application/merge-patch+json")
    cluster.until(lambda: len(cluster.notes("scheduler.bound")) > 5)
    twin, end = cluster.world.fork(), cluster.world.now + 20_000_000
    twin.run_until(end)
    before = cluster.world.digest()
    cluster.world.run_until(end)
    assert cluster.world.digest() == twin.digest() != before
    assert len(cluster.list("Pod")) == 9


def test_nobody_is_adopted_by_an_owner_that_is_gone() -> None:
    cluster = Cluster()
    sets = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": "r"}},
        "template": {"metadata": {"labels": {"app": "r"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}},
    }}  # fmt: skip
    cluster("POST", SETS, sets)
    cluster.settle()
    manager: Any = cluster.world.actor("controller-manager-1")
    known = manager.replica_sets.objects["default/r"]
    cluster("DELETE", f"{SETS}/r", {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"})
    cluster.settle()
    orphan = next(iter(manager.pods.objects.values()))
    batches = adopting(known, claim(known, selectors.from_object(known.spec.selector), [orphan])[1])
    assert [[write.method for write in batch] for batch in batches] == [["GET"], ["PATCH"]]
    asked = batches[0][0]
    assert not succeeded(asked, Response(404, b"{}"))
    other = msgspec.json.encode({"metadata": {"uid": "another"}})
    assert not succeeded(asked, Response(200, other))
    assert succeeded(asked, Response(200, msgspec.json.encode({"metadata": {"uid": known.metadata.uid}})))
    cluster("POST", SETS, sets)
    cluster.settle()
    refs = [pod["metadata"]["ownerReferences"][0]["uid"] for pod in cluster.list("Pod")]
    assert refs == [cluster("GET", f"{SETS}/r")["metadata"]["uid"]]


def test_pods_of_a_node_out_of_service_are_given_up() -> None:
    cluster = Cluster(recorded=True)
    for name in ("leaving", "staying"):
        cluster("POST", PODS, pod(name, tolerations=[{"operator": "Exists"}]))
    cluster.settle()
    cluster.world.crash("node-3")
    cluster.run(60)
    cluster("DELETE", f"{PODS}/leaving")
    cluster.run(25)
    assert len(cluster.list("Pod")) == 2
    taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    node = cluster("GET", "/api/v1/nodes/node-3")
    cluster.patch("/api/v1/nodes/node-3", {"spec": {"taints": [*node["spec"]["taints"], taint]}})
    cluster.run(22)
    assert [one["metadata"]["name"] for one in cluster.list("Pod")] == ["staying"]


def test_very_many_ended_pods_are_too_many() -> None:
    def ended(name: str, minute: int, reason: str = "") -> Any:
        tree = pod(name)
        tree["metadata"]["creationTimestamp"] = f"2026-01-01T00:{minute:02}:00Z"
        tree["status"] = {"phase": "Failed" if reason else "Succeeded", **({"reason": reason} if reason else {})}
        return scheme.typed(msgspec.json.encode(tree))

    pods = [ended("new", 3), ended("old", 1), ended("evicted", 5, "Evicted")]
    assert surplus(pods) == []
    many = pods + [ended("last", 9)] * (ENDED_MOST - 1)
    assert [one.metadata.name for one in surplus(many)] == ["evicted", "old"]
