"""Single plugins of the scheduler, by tables: a pod, some nodes and pods, and what is said of each node."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.api import defaults, scheme
from k8s_tutor.scheduler.framework import Cluster, enough, run
from k8s_tutor.scheduler.nodeinfo import Cache
from k8s_tutor.scheduler.plugins import DEFAULT
from k8s_tutor.scheduler.preemption import preempt
from k8s_tutor.scheduler.resources import pod_info
from k8s_tutor.scheduler.verdict import Verdict

Tree = dict[str, Any]
HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


def typed(tree: Tree) -> Any:
    defaults.apply(scheme.resource(tree["kind"]), tree)
    return scheme.typed(json.dumps(tree).encode())


def node(name: str, cpu: str = "4", **labels: str) -> Any:
    room = {"cpu": cpu, "memory": "8Gi", "pods": "110", "example.com/gpu": "1"}
    known = {HOST: name, **{key.replace("zone", ZONE): value for key, value in labels.items()}}
    return typed({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": known},
        "status": {"capacity": room, "allocatable": room},
    })  # fmt: skip


def pod(name: str = "p", on: str = "", labels: Tree | None = None, requests: Tree | None = None, **spec: Any) -> Any:
    container: Tree = {"name": "c", "image": "app:1", "resources": {"requests": requests or {}}}
    where = {"nodeName": on} if on else {}
    about = {"name": name, "namespace": spec.pop("namespace", "default"), "labels": labels or {}}
    return typed({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": [container], **where, **spec}})


def decide(new: Any, nodes: list[Any], pods: list[Any] = [], **objects: list[Tree]) -> Verdict:  # noqa: B006
    cache = Cache()
    for one in nodes:
        cache.set_node(one.metadata.name, one)
    for one in pods:
        cache.put(pod_info(one), one.spec.nodeName)
    known: dict[str, dict[str, Any]] = {}
    for kind, trees in objects.items():
        for tree in trees:
            about = tree["metadata"]
            key = f"{about['namespace']}/{about['name']}" if "namespace" in about else about["name"]
            known.setdefault(kind, {})[key] = typed({"apiVersion": scheme.resource(kind).api_version, "kind": kind, **tree})
    cluster = Cluster(cache.snapshot(), cache.nodes, cache.groups, [cache.nodes[name] for name in cache.affine], known)
    verdict, filters = run(pod_info(new), cluster, DEFAULT)
    return verdict if verdict.chosen else preempt(verdict, filters, cluster)


def near(key: str = HOST, **more: Any) -> Tree:
    return {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": key, **more}


def affinity(kind: str, *terms: Tree) -> Tree:
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


def prefer(kind: str, term: Tree, weight: int = 10) -> Tree:
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "podAffinityTerm": term}]}}


DB = {"app": "db"}
THREE = [node("n1", zone="a"), node("n2", zone="a"), node("n3", zone="b")]


@pytest.mark.parametrize(
    ("new", "pods", "feasible"),
    [
        (pod(affinity=affinity("podAffinity", near(ZONE))), [pod("e", "n1", DB)], {"n1", "n2"}),
        (pod(labels=DB, affinity=affinity("podAffinity", near())), [], {"n1", "n2", "n3"}),
        (pod(affinity=affinity("podAffinity", near())), [], set()),
        (pod(affinity=affinity("podAffinity", near())), [pod("e", "n1", DB, namespace="other")], set()),
        (pod(affinity=affinity("podAffinity", near(namespaces=["other"]))), [pod("e", "n1", DB, namespace="other")], {"n1"}),
        (pod(affinity=affinity("podAffinity", near(namespaceSelector={}))), [pod("e", "n1", DB, namespace="other")], {"n1"}),
        (pod(affinity=affinity("podAntiAffinity", near(ZONE))), [pod("e", "n1", DB)], {"n3"}),
        (pod(labels=DB), [pod("e", "n3", affinity=affinity("podAntiAffinity", near(ZONE)))], {"n1", "n2"}),
        (
            pod(labels={"app": "db", "v": "2"}, affinity=affinity("podAntiAffinity", near(matchLabelKeys=["v"]))),
            [pod("e", "n1", {"app": "db", "v": "1"}), pod("f", "n2", {"app": "db", "v": "2"})], {"n1", "n3"},
        ),
    ],
)  # fmt: skip
def test_inter_pod_affinity_filters(new: Any, pods: list[Any], feasible: set[str]) -> None:
    assert set(decide(new, THREE, pods, Namespace=[{"metadata": {"name": "other"}}]).feasible) == feasible


@pytest.mark.parametrize(
    ("new", "pods", "scores"),
    [
        (pod(affinity=prefer("podAffinity", near(ZONE))), [pod("e", "n1", DB)], [100, 100, 0]),
        (pod(affinity=prefer("podAntiAffinity", near())), [pod("e", "n1", DB)], [0, 100, 100]),
        (pod(labels=DB), [pod("e", "n2", affinity=prefer("podAffinity", near()))], [0, 100, 0]),
        (pod(labels=DB), [pod("e", "n2", affinity=affinity("podAffinity", near(ZONE)))], [100, 100, 0]),
    ],
)
def test_inter_pod_affinity_scores_both_ways(new: Any, pods: list[Any], scores: list[int]) -> None:
    verdict = decide(new, THREE, pods)
    column = next(column for column in verdict.columns if column.plugin == "InterPodAffinity")
    assert [score for _, score in sorted(zip(verdict.feasible, column.normalised, strict=True))] == scores


def test_match_fields_narrow_the_search_before_any_filter() -> None:
    field = {"key": "metadata.name", "operator": "In", "values": ["n2"]}
    terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    bound = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    assert decide(pod(affinity=bound), THREE).feasible == ("n2",)
    verdict = decide(pod(affinity=bound, requests={"cpu": "9"}), THREE)
    assert verdict.message == (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. "
        "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )


CLAIM: Tree = {
    "metadata": {"namespace": "default", "name": "c"}, "spec": {"storageClassName": "sc", "accessModes": ["ReadWriteOnce"]},
}  # fmt: skip
MOUNT = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]


def volume(name: str, on: str, **about: Any) -> Tree:
    here = {"matchExpressions": [{"key": HOST, "operator": "In", "values": [on]}]}
    spec = {
        "storageClassName": "sc", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
    }  # fmt: skip
    return {"metadata": {"name": name, **about}, "spec": spec, "status": {"phase": "Available"}}


def kind(mode: str, provisioner: str = "kubernetes.io/no-provisioner") -> Tree:
    return {"metadata": {"name": "sc"}, "provisioner": provisioner, "volumeBindingMode": mode}


def bound(claim: Tree, to: str) -> Tree:
    about = {**claim["metadata"], "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
    return {**claim, "metadata": about, "spec": {**claim["spec"], "volumeName": to}}


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ({}, 'persistentvolumeclaim "c" not found. no new claims'),
        ({"PersistentVolumeClaim": [CLAIM]}, "pod has unbound immediate PersistentVolumeClaims. no new"),
        (
            {"PersistentVolumeClaim": [CLAIM], "StorageClass": [kind("WaitForFirstConsumer")]},
            "3 node(s) didn't find available persistent volumes to bind. no new",
        ),
        (
            {"PersistentVolumeClaim": [bound(CLAIM, "pv")], "PersistentVolume": [volume("pv", "n9")]},
            "3 node(s) didn't match PersistentVolume's node affinity. no new",
        ),
        (
            {"PersistentVolumeClaim": [bound(CLAIM, "gone")]},
            "3 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s). no new",
        ),
        (
            {
                "PersistentVolumeClaim": [bound(CLAIM, "pv")],
                "PersistentVolume": [{**volume("pv", "n1", labels={ZONE: "c"}), "spec": {"capacity": {"storage": "1Gi"}}}],
            },
            "3 node(s) had no available volume zone. no new",
        ),
    ],
)
def test_volumes_that_keep_a_pod_waiting(objects: dict[str, list[Tree]], text: str) -> None:
    assert decide(pod(volumes=MOUNT), THREE, **objects).message.startswith(f"0/3 nodes are available: {text}")


def test_a_claim_finds_a_volume_or_a_provisioner() -> None:
    wait = kind("WaitForFirstConsumer")
    found = {"PersistentVolumeClaim": [CLAIM], "StorageClass": [wait], "PersistentVolume": [volume("pv", "n2")]}
    assert decide(pod(volumes=MOUNT), THREE, **found).feasible == ("n2",)
    made = {"PersistentVolumeClaim": [CLAIM], "StorageClass": [kind("WaitForFirstConsumer", "csi.example.com")]}
    assert set(decide(pod(volumes=MOUNT), THREE, **made).feasible) == {"n1", "n2", "n3"}


def test_one_pod_alone_may_use_a_claim_that_says_so() -> None:
    claim = {**bound(CLAIM, "pv"), "spec": {**bound(CLAIM, "pv")["spec"], "accessModes": ["ReadWriteOncePod"]}}
    verdict = decide(
        pod(volumes=MOUNT), THREE, [pod("e", "n1", volumes=MOUNT)], PersistentVolumeClaim=[claim],
        PersistentVolume=[volume("pv", "n1")],
    )  # fmt: skip
    assert "unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use" in verdict.message


def test_only_so_many_volumes_of_a_driver_on_a_node() -> None:
    wait = kind("WaitForFirstConsumer", "csi.example.com")
    driver = {"name": "csi.example.com", "nodeID": "n1", "allocatable": {"count": 0}}
    limits = [{"metadata": {"name": "n1"}, "spec": {"drivers": [driver]}}]
    verdict = decide(pod(volumes=MOUNT), THREE[:1], PersistentVolumeClaim=[CLAIM], StorageClass=[wait], CSINode=limits)
    assert "1 node(s) exceed max volume count" in verdict.message


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"initContainers": [{"name": "i", "image": "a:1", "resources": {"requests": {"cpu": "3"}}}]}, 3000),
        (
            {"initContainers": [
                {"name": "s", "image": "a:1", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
                {"name": "i", "image": "a:1", "resources": {"requests": {"cpu": "3"}}},
            ]}, 4000,
        ),
        ({"overhead": {"cpu": "250m"}}, 1250),
        ({"resources": {"requests": {"cpu": "2"}}}, 2000),
    ],
)  # fmt: skip
def test_what_a_pod_asks_for(spec: Tree, cpu: int) -> None:
    assert pod_info(pod(requests={"cpu": "1"}, **spec)).cpu == cpu


def test_equal_nodes_take_turns_by_zone_and_large_clusters_are_sampled() -> None:
    cache = Cache()
    for one in (node("a1", zone="x"), node("a2", zone="x"), node("b1", zone="y")):
        cache.set_node(one.metadata.name, one)
    assert [info.name for info in cache.snapshot()] == ["a1", "b1", "a2"]
    assert [enough(nodes) for nodes in (50, 100, 500, 1000, 5000, 10000)] == [50, 100, 230, 420, 500, 500]


def test_sums_of_a_node_follow_its_pods() -> None:
    cache = Cache()
    cache.set_node("n1", THREE[0])
    before = cache.nodes["n1"]
    ports = pod("e", "n1", DB, {"cpu": "1", "example.com/gpu": "1"}, affinity=affinity("podAffinity", near()))
    cache.put(pod_info(ports), "n1")
    assert (cache.nodes["n1"].cpu, cache.nodes["n1"].extended, list(cache.affine)) == (1000, (("example.com/gpu", 1),), ["n1"])
    cache.remove("default/e")
    assert cache.nodes["n1"] == before
    assert cache.groups == cache.affine == {}
