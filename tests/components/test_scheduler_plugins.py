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


# ---------------------------------------------------------------------- whole answers

HELPLESS = "no new claims to deallocate, preemption: 0/{n} nodes are available: {n} Preemption is not helpful for scheduling."
NOBODY = "no new claims to deallocate, preemption: 0/{n} nodes are available: {n} No preemption victims found for incoming pod."


def where(*expressions: tuple[str, str, list[str]]) -> Tree:
    found = [{"key": key, "operator": operator, "values": values} for key, operator, values in expressions]
    term = {"matchExpressions": found}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def tainted(name: str, *effects: str) -> Any:
    one = node(name)
    taints = [{"key": f"k{number}", "value": "v", "effect": effect} for number, effect in enumerate(effects)]
    tree = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": one.metadata.labels}}
    room = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    return typed({**tree, "spec": {"taints": taints}, "status": {"capacity": room, "allocatable": room}})


def spread(key: str = ZONE, **more: Any) -> list[Tree]:
    rule = {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": DB}}
    return [{**rule, **more}]


ZONED = [node("n1", zone="a"), node("n2", zone="b")]
DISKS = [node("n1", disk="ssd", size="3"), node("n2", disk="hdd", size="7")]


@pytest.mark.parametrize(
    ("new", "nodes", "pods", "answer"),
    [
        (pod(affinity=where(("disk", "In", ["ssd", "nvme"]))), DISKS, [], {"n1"}),
        (pod(affinity=where(("disk", "NotIn", ["ssd"]))), DISKS, [], {"n2"}),
        (pod(affinity=where(("none", "NotIn", ["ssd"]))), DISKS, [], {"n1", "n2"}),
        (pod(affinity=where(("size", "Lt", ["5"]))), DISKS, [], {"n1"}),
        (pod(affinity=where(("disk", "Lt", ["5"]))), DISKS, [],
         f"2 node(s) didn't match Pod's node affinity/selector. {HELPLESS}"),
        (pod(affinity=where(("disk", "Exists", []), ("size", "Gt", ["5"]))), DISKS, [], {"n2"}),
        (pod(requests={"memory": "9Gi"}), ZONED, [], f"2 Insufficient memory. {HELPLESS}"),
        (pod(requests={"cpu": "5", "memory": "9Gi"}), ZONED, [], f"2 Insufficient cpu, 2 Insufficient memory. {HELPLESS}"),
        (pod(requests={"ephemeral-storage": "1Gi"}), ZONED, [], f"2 Insufficient ephemeral-storage. {HELPLESS}"),
        (pod(requests={"cpu": "3"}), ZONED, [pod("e", "n1", requests={"cpu": "2"}), pod("f", "n2", requests={"cpu": "2"})],
         f"2 Insufficient cpu. {NOBODY}"),
        (pod(), [tainted("n1", "NoExecute"), tainted("n2", "NoSchedule", "PreferNoSchedule")], [],
         f"2 node(s) had untolerated taint(s). {HELPLESS}"),
        (pod(tolerations=[{"key": "k0", "operator": "Exists"}]), [tainted("n1", "NoExecute"), tainted("n2", "NoSchedule")], [],
         {"n1", "n2"}),
        (pod(tolerations=[{"operator": "Exists", "effect": "NoSchedule"}]),
         [tainted("n1", "NoExecute"), tainted("n2", "NoSchedule")], [], {"n2"}),
        (pod(tolerations=[{"key": "k0", "value": "w"}]),
         [tainted("n1", "NoSchedule"), tainted("n2", "PreferNoSchedule")], [], {"n2"}),
        (pod(nodeName="n3"), ZONED, [], f"2 node(s) didn't match the requested node name. {HELPLESS}"),
        (pod(labels=DB, topologySpreadConstraints=spread()), ZONED, [pod("e", "n1", DB)], {"n2"}),
        (pod(labels=DB, topologySpreadConstraints=spread(labelSelector={})), ZONED, [pod("e", "n1", DB), pod("f", "n1", DB)],
         {"n1", "n2"}),
        (pod(labels=DB, topologySpreadConstraints=spread("rack")), ZONED, [],
         f"2 node(s) didn't match pod topology spread constraints (missing required label). {HELPLESS}"),
        (pod(topologySpreadConstraints=spread()), ZONED, [pod("e", "n1", DB)], {"n1", "n2"}),
        (pod(labels=DB, topologySpreadConstraints=spread(minDomains=3)), ZONED, [pod("e", "n1", DB), pod("f", "n2", DB)],
         f"2 node(s) didn't match pod topology spread constraints. {NOBODY}"),
        (pod(affinity=affinity("podAffinity", near(ZONE))), ZONED, [],
         f"2 node(s) didn't match pod affinity rules. {HELPLESS}"),
        (pod(affinity=affinity("podAntiAffinity", near("rack"))), ZONED, [pod("e", "n1", DB)], {"n1", "n2"}),
    ],
)  # fmt: skip
def test_whole_answers(new: Any, nodes: list[Any], pods: list[Any], answer: str | set[str]) -> None:
    verdict = decide(new, nodes, pods)
    if isinstance(answer, str):
        assert verdict.message == f"0/{len(nodes)} nodes are available: {answer.replace('{n}', str(len(nodes)))}"
    else:
        assert set(verdict.feasible) == answer, verdict.message


def old(name: str, on: str, priority: int, cpu: str = "2", minute: int = 0, **more: Any) -> Any:
    one = pod(name, on, requests={"cpu": cpu}, **more)
    status = {"phase": "Running", "startTime": f"2026-01-01T00:{minute:02}:00Z"}
    tree = {"metadata": {"name": name, "namespace": "default", "labels": one.metadata.labels}}
    container = {"name": "c", "image": "app:1", "resources": {"requests": {"cpu": cpu}}}
    spec = {"containers": [container], "nodeName": on, "priority": priority}
    return typed({"apiVersion": "v1", "kind": "Pod", **tree, "spec": spec, "status": status})


def budget(allowed: int) -> Tree:
    about = {"namespace": "default", "name": "b"}
    return {"metadata": about, "spec": {"selector": {"matchLabels": DB}}, "status": {"disruptionsAllowed": allowed}}


FULL = old("x", "n2", 100, "4")
BOSS = pod("boss", requests={"cpu": "3"}, priority=100)


@pytest.mark.parametrize(
    ("pods", "budgets", "node_name", "victims"),
    [
        # the lower of the highest priorities
        ([old("a", "n1", 10), old("b", "n2", 5)], [], "n2", ["b"]),
        # the lower sum: two small ones of priority 1 weigh more than one
        ([old("a", "n1", 1, "1500m"), old("c", "n1", 1, "1500m"), old("b", "n2", 1)], [], "n2", ["b"]),
        # who started last goes first
        ([old("a", "n1", 1, minute=1), old("b", "n2", 1, minute=9)], [], "n2", ["b"]),
        # the most important are put back first
        ([old("a", "n1", 9, "1"), old("c", "n1", 1, "1"), old("e", "n1", 0, "1"), FULL], [], "n1", ["c", "e"]),
        # a node without a broken budget is better, whatever else
        ([old("a", "n1", 1, labels=DB), old("b", "n2", 50)], [budget(0)], "n2", ["b"]),
        # budgets may be broken where nothing else helps
        ([old("a", "n1", 1, labels=DB), old("b", "n2", 1, labels=DB)], [budget(0)], "n1", ["a"]),
        # the protected are put back before the others
        ([old("a", "n1", 1, "1", labels=DB), old("c", "n1", 1, "1", minute=5), old("e", "n1", 1, "1"), FULL],
         [budget(0)], "n1", ["e", "c"]),
    ],
)  # fmt: skip
def test_who_must_go(pods: list[Any], budgets: list[Tree], node_name: str, victims: list[str]) -> None:
    verdict = decide(BOSS, ZONED, pods, PodDisruptionBudget=budgets)
    assert verdict.preemption is not None
    assert verdict.message == "0/2 nodes are available: 2 Insufficient cpu."
    assert (verdict.preemption.node, [key.partition("/")[2] for key in verdict.preemption.victims]) == (node_name, victims)


def test_anti_affinity_of_the_less_important_gives_way() -> None:
    shy = pod("shy", "n1", priority=1, affinity=affinity("podAntiAffinity", near()))
    verdict = decide(pod("boss", labels=DB, priority=100, nodeSelector={HOST: "n1"}), ZONED, [shy])
    assert verdict.preemption is not None and verdict.preemption.victims == ("default/shy",)
    assert verdict.message == (
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
        "1 node(s) didn't satisfy existing pods anti-affinity rules."
    )
