"""The scheduler at work on a whole control plane."""

from __future__ import annotations

from typing import Any

from control_world import DEPLOYMENTS, PODS, Cluster, deployment

from k8s_tutor.api.component import Access
from k8s_tutor.scheduler import Scheduler
from k8s_tutor.sim import SECOND

FULL = (
    "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: "
    "0/3 nodes are available: 3 No preemption victims found for incoming pod."
)


def pod(name: str, cpu: str = "", **spec: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "c", "image": "nginx:1"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def nodes_of(cluster: Cluster) -> dict[str, str]:
    return {p["metadata"]["name"]: p["spec"].get("nodeName", "") for p in cluster.list("Pod")}


def scheduler(cluster: Cluster, name: str = "scheduler-1") -> Scheduler:
    actor = cluster.world.actor(name)
    assert isinstance(actor, Scheduler)
    return actor


def scheduled(tree: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in tree["status"]["conditions"] if c["type"] == "PodScheduled")
    return found


def test_replicas_are_spread_and_each_choice_can_be_explained() -> None:
    cluster = Cluster()
    cluster("POST", DEPLOYMENTS, deployment(replicas=6))
    cluster.settle()
    placed = sorted(nodes_of(cluster).values())
    assert placed == ["node-1", "node-1", "node-2", "node-2", "node-3", "node-3"]
    verdicts = scheduler(cluster).verdicts
    assert len(verdicts) == 6
    for key, verdict in verdicts.items():
        assert verdict.chosen == nodes_of(cluster)[key.removeprefix("default/")]
        assert [node.node for node in verdict.nodes] == ["node-1", "node-2", "node-3"]
        best = max(verdict.nodes, key=lambda node: node.total)
        assert best.total == verdict.score
        assert {score.plugin for score in best.scores} >= {"NodeResourcesFit", "TaintToleration", "PodTopologySpread"}
    assert len(cluster.notes("scheduler.bound")) == 6


def test_a_pod_that_fits_nowhere_says_why_and_is_placed_when_room_is_made() -> None:
    cluster = Cluster()
    for i in range(3):
        cluster("POST", PODS, pod(f"big-{i}", "3"))
    cluster("POST", PODS, pod("late", "2"))
    cluster.settle()
    late = cluster("GET", f"{PODS}/late")
    condition = scheduled(late)
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", FULL)
    failed = [e for e in cluster.list("Event") if e["reason"] == "FailedScheduling"]
    assert [(e["message"], e["type"], e["reportingComponent"]) for e in failed] == [(FULL, "Warning", "default-scheduler")]
    verdict = scheduler(cluster).verdicts["default/late"]
    assert (verdict.chosen, verdict.message) == ("", FULL)
    assert verdict.nodes[0].reasons == ("Insufficient cpu",)
    cluster("DELETE", f"{PODS}/big-1")
    cluster.settle()
    assert nodes_of(cluster)["late"] == verdict_node(cluster, "big-1")
    assert scheduled(cluster("GET", f"{PODS}/late"))["status"] == "True"


def verdict_node(cluster: Cluster, name: str) -> str:
    return scheduler(cluster).verdicts[f"default/{name}"].chosen


def test_a_cordoned_node_gets_nothing_until_it_is_uncordoned() -> None:
    cluster = Cluster(nodes=1)
    cluster.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": True}})
    cluster.settle()
    cluster("POST", PODS, pod("web"))
    cluster.settle()
    assert nodes_of(cluster) == {"web": ""}
    assert "1 node(s) were unschedulable" in scheduled(cluster("GET", f"{PODS}/web"))["message"]
    cluster.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": None}})
    cluster.settle()
    assert nodes_of(cluster) == {"web": "node-1"}


def test_assumed_pods_count_before_their_binding_is_seen() -> None:
    cluster = Cluster(nodes=2)
    for i in range(2):
        cluster.tell("POST", PODS, pod(f"p-{i}", "3"))
    cluster.settle()
    assert sorted(nodes_of(cluster).values()) == ["node-1", "node-2"]
    assert scheduler(cluster).cache.assumed == {}


def test_a_pod_for_another_scheduler_or_with_gates_is_left_alone() -> None:
    cluster = Cluster()
    cluster("POST", PODS, pod("other", schedulerName="mine"))
    cluster("POST", PODS, pod("gated", schedulingGates=[{"name": "ex.io/g"}]))
    cluster.settle()
    assert nodes_of(cluster) == {"other": "", "gated": ""}


def test_a_scheduler_that_is_cut_off_stops_and_catches_up_when_the_cable_is_mended() -> None:
    cluster = Cluster()
    cluster.world.crash("scheduler-1")
    access = Access("api-1", "system:kube-scheduler")
    cluster.world.add(Scheduler, "scheduler-2", access, None, "cp-2")
    cluster.run(20)
    cluster("POST", PODS, pod("before"))
    cluster.settle()
    assert nodes_of(cluster)["before"]
    cluster.world.cut((("cp-2",), ("cp-1",)))
    cluster("POST", PODS, pod("during"))
    cluster("DELETE", f"{PODS}/before?gracePeriodSeconds=0")
    cluster.run(30)
    alone = scheduler(cluster, "scheduler-2")
    assert nodes_of(cluster) == {"during": ""}
    assert "default/before" in alone.pods.objects
    assert not alone.working
    cluster.world.heal()
    cluster.run(60)
    assert nodes_of(cluster)["during"]
    assert "default/before" not in alone.pods.objects


def test_a_binding_that_is_refused_is_forgotten_and_tried_again() -> None:
    cluster = Cluster(managers=2)
    cluster.run(5)
    actors = [scheduler(cluster, f"scheduler-{i}") for i in (1, 2)]
    leader = next(actor for actor in actors if actor.working)
    cluster.tell("POST", PODS, pod("web"))
    assert cluster.until(lambda: "default/web" in leader.cache.assumed)
    cluster.world.pause("api-1")
    cluster.world.run_until(cluster.world.now + 40 * SECOND)
    cluster.world.resume("api-1")
    cluster.run(60)
    assert nodes_of(cluster)["web"]
    assert all(actor.cache.assumed == {} for actor in actors)


CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"


def priority(name: str, value: int) -> dict[str, Any]:
    return {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value}


def test_a_pod_of_higher_priority_pushes_the_fewest_away_and_keeps_its_place() -> None:
    cluster = Cluster(nodes=1)
    for name, value in (("low", 10), ("mid", 50), ("high", 1000)):
        cluster("POST", CLASSES, priority(name, value))
    for name, cpu, kind in (("a", "1", "low"), ("b", "1", "low"), ("c", "2", "mid")):
        cluster("POST", PODS, pod(name, cpu, priorityClassName=kind))
        cluster.run(2)
    cluster.settle()
    cluster.tell("POST", PODS, pod("late", "2", priorityClassName="high"))
    cluster.settle()
    assert nodes_of(cluster) == {"c": "node-1", "late": "node-1"}
    assert len(cluster.notes("scheduler.preempted")) == 1
    told = [(e["reason"], e["involvedObject"]["name"], e["message"]) for e in cluster.list("Event")]
    uid = cluster("GET", f"{PODS}/late")["metadata"]["uid"]
    text = f"Preempted by pod {uid} on node node-1"
    assert sorted(one for one in told if one[0] == "Preempted") == [("Preempted", "a", text), ("Preempted", "b", text)]
    failed = [text for reason, name, text in told if (reason, name) == ("FailedScheduling", "late")]
    assert failed[0] == "0/1 nodes are available: 1 Insufficient cpu."
    assert all("terminating pod on the nominated node" in text for text in failed[1:])
    assert scheduler(cluster).nominated == scheduler(cluster).preempting == {}


def test_a_gated_pod_queues_up_when_its_last_gate_is_gone() -> None:
    cluster = Cluster()
    cluster("POST", PODS, pod("gated", schedulingGates=[{"name": "ex.io/g"}]))
    cluster.settle()
    assert scheduler(cluster).queue.pods["default/gated"].place == "gated"
    assert scheduled(cluster("GET", f"{PODS}/gated"))["reason"] == "SchedulingGated"
    cluster.patch(f"{PODS}/gated", {"spec": {"schedulingGates": None}})
    cluster.settle()
    assert nodes_of(cluster)["gated"]


def test_a_change_that_cannot_help_wakes_nobody() -> None:
    cluster = Cluster(nodes=1)
    cluster("POST", PODS, pod("picky", nodeSelector={"disk": "ssd"}))
    cluster.run(15)
    cluster.patch("/api/v1/nodes/node-1", {"metadata": {"labels": {"colour": "blue"}}})
    cluster("POST", PODS, pod("other"))
    cluster.run(5)
    assert scheduler(cluster).queue.attempts("default/picky") == 1
    cluster.patch("/api/v1/nodes/node-1", {"metadata": {"labels": {"disk": "ssd"}}})
    cluster.settle()
    assert nodes_of(cluster)["picky"] == "node-1"


def test_a_claim_that_waits_for_its_first_consumer_gets_a_volume_near_the_pod_before_the_pod_is_bound() -> None:
    cluster = Cluster()
    storage = "/apis/storage.k8s.io/v1/storageclasses"
    kind = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    cluster("POST", storage, {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "local"}, **kind})
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-2"]}
    wanted: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": "local"}
    spec: dict[str, Any] = {
        **wanted, "capacity": {"storage": "2Gi"}, "local": {"path": "/mnt/disk"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
    }  # fmt: skip
    claim = {**wanted, "resources": {"requests": {"storage": "1Gi"}}}
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    cluster("POST", claims, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim})
    cluster("POST", PODS, pod("db", volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]))
    cluster.run(2)
    text = scheduled(cluster("GET", f"{PODS}/db"))["message"]
    assert text.startswith("0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind. no new claims")
    volumes = "/api/v1/persistentvolumes"
    cluster("POST", volumes, {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": spec})
    cluster.patch(f"{volumes}/disk/status", {"status": {"phase": "Available"}})
    cluster.run(2)
    assert cluster("GET", f"{volumes}/disk")["spec"]["claimRef"]["name"] == "data"
    done = {"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": "disk"}}
    cluster.patch(f"{claims}/data", done)  # as the volume controller does
    cluster.run(2)
    assert nodes_of(cluster) == {"db": "node-2"}
    assert scheduler(cluster).waiting == scheduler(cluster).reserved == {}


def test_the_room_that_victims_leave_is_kept_for_whom_they_were_sent_away() -> None:
    cluster = Cluster(nodes=1)
    for name, value in (("low", 10), ("high", 1000)):
        cluster("POST", CLASSES, priority(name, value))
    cluster("POST", PODS, pod("v1", "3", priorityClassName="low"))
    cluster.settle()
    cluster.world.pause("kubelets")
    cluster("POST", PODS, pod("hp", "3", priorityClassName="high"))
    cluster.run(2)
    assert cluster("GET", f"{PODS}/hp")["status"]["nominatedNodeName"] == "node-1"
    assert cluster("GET", f"{PODS}/v1")["metadata"]["deletionTimestamp"]
    cluster("POST", PODS, pod("sneak", "1"))
    cluster.run(2)
    assert scheduled(cluster("GET", f"{PODS}/sneak"))["message"] == (
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )
    cluster("DELETE", f"{PODS}/v1?gracePeriodSeconds=0")
    cluster.run(15)
    assert nodes_of(cluster) == {"hp": "node-1", "sneak": "node-1"}


def test_after_the_first_hundred_fifty_pods_a_second_are_bound() -> None:
    cluster = Cluster()
    began = cluster.world.now
    for i in range(150):
        cluster.tell("POST", PODS, pod(f"p-{i}"))
    actor = scheduler(cluster)
    assert cluster.until(lambda: len(actor.cache.placed) == 150 and not actor.queue.pods)
    assert 900_000 < cluster.world.now - began < 1_300_000
    assert not cluster.notes("scheduler.refused")
