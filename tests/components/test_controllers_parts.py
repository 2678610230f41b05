"""The pure parts of the controllers, alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.api import defaults, scheme
from k8s_tutor.controllers import endpointslice, eviction, garbage, namespace, nodelifecycle
from k8s_tutor.controllers.deployment import maths
from k8s_tutor.controllers.deployment.reconcile import reconcile as reconcile_deployment
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.podowner import slow_start
from k8s_tutor.controllers.recorder import Recorder
from k8s_tutor.controllers.replicaset import reconcile as reconcile_replica_set
from k8s_tutor.controllers.requests import Write
from k8s_tutor.controllers.victims import deletion_order
from k8s_tutor.controllers.workqueue import WorkQueue
from k8s_tutor.sim import MS, SECOND

GOLDEN = Path(__file__).parent / "golden" / "ctrl"
CLOCK = Clock(1000 * SECOND)


def typed(tree: dict[str, Any], **metadata: Any) -> Any:
    metadata = {"namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "1", **metadata}
    fresh = {**tree, "metadata": {**metadata, **tree["metadata"]}}
    fresh["metadata"].setdefault("uid", f"uid-{fresh['metadata']['name']}")
    defaults.apply(scheme.resource(tree["kind"]), fresh)
    return scheme.typed(json.dumps(fresh).encode())


def pod(name: str, node: str = "node-1", ready: bool = True, **more: Any) -> Any:
    status = {
        "phase": more.pop("phase", "Running"), "podIP": more.pop("ip", "10.244.0.9"),
        "conditions": [{
            "type": "Ready", "status": "True" if ready else "False",
            "lastTransitionTime": more.pop("since", "2026-01-01T00:10:00Z"),
        }],
        "containerStatuses": [{
            "name": "c", "restartCount": more.pop("restarts", 0), "ready": ready, "image": "", "imageID": "",
        }],
    }  # fmt: skip
    spec = {"containers": [{"name": "c", "image": "nginx:1"}], "nodeName": node, **more.pop("spec", {})}
    labels = more.pop("labels", {"app": "r"})
    return typed({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels, **more}, "spec": spec,
        "status": status,
    })  # fmt: skip


# ---------------------------------------------------------------------- queue, recorder


def test_a_key_waits_once_and_is_worked_on_once_at_a_time() -> None:
    queue = WorkQueue()
    assert queue.add("a")
    assert not queue.add("a")
    assert queue.add("b")
    assert queue.take() == "a"
    assert not queue.add("a")
    assert list(queue.waiting) == ["b"]
    assert queue.finish("a")
    assert list(queue.waiting) == ["b", "a"]
    assert [queue.failed("a", 0) // MS for _ in range(4)] == [5, 10, 20, 40]
    queue.forget("a")
    assert queue.failed("a", 0) == 5 * MS


def test_the_same_event_again_raises_its_count_and_too_many_are_dropped() -> None:
    recorder, about = Recorder(), {"kind": "Pod", "namespace": "default", "name": "web", "uid": "u"}
    first = recorder.record("c", about, "Normal", "R", "text", CLOCK)
    again = recorder.record("c", about, "Normal", "R", "text", CLOCK)
    assert first is not None
    assert again is not None
    assert (first.method, again.method, again.tree["count"]) == ("POST", "PATCH", 2)
    assert again.path == f"{first.path}/{first.tree['metadata']['name']}"
    texts = [recorder.record("c", about, "Normal", "R", f"text {i}", CLOCK) for i in range(30)]
    assert sum(1 for record in texts if record is not None) == 23
    assert texts[8] is not None
    assert texts[8].tree["message"] == "(combined from similar events): text 8"


# ---------------------------------------------------------------------- ReplicaSets


def replica_set(replicas: int, **status: int) -> Any:
    labels = {"app": "r"}
    return typed({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web", "generation": 1},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}},
        },
        "status": {"replicas": 0, **status},
    })  # fmt: skip


OWNER = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "uid-web", "controller": True}]


def test_pods_are_created_in_growing_batches() -> None:
    decision = reconcile_replica_set(replica_set(10), [], [], True, "", CLOCK)
    assert [len(batch) for batch in decision.batches] == [1, 2, 4, 3]
    assert decision.writes[0].tree is not None
    assert decision.writes[0].tree["metadata"]["generateName"] == "web-"
    assert [len(batch) for batch in slow_start([Write("POST", "Pod", "")] * 7)] == [1, 2, 4]


def test_nothing_is_created_while_ordered_pods_have_not_shown_up() -> None:
    decision = reconcile_replica_set(replica_set(3), [], [], False, "", CLOCK)
    assert [write for write in decision.writes if write.kind == "Pod"] == []


def test_orphans_are_adopted_and_strangers_let_go() -> None:
    orphan = pod("orphan")
    stray = pod("stray", labels={"app": "other"}, ownerReferences=OWNER)
    decision = reconcile_replica_set(replica_set(1), [orphan, stray], [], True, "", CLOCK)
    assert [write.method for write in decision.batches[0]] == ["GET"], "does the owner still live?"
    patches = {write.name: write.tree for write in decision.batches[1]}
    assert patches["orphan"] is not None
    assert patches["orphan"]["metadata"]["ownerReferences"][0]["uid"] == "uid-web"
    assert patches["stray"] == {
        "metadata": {"ownerReferences": [{"$patch": "delete", "uid": "uid-web"}], "uid": "uid-stray"}
    }
    assert [write.method for write in decision.writes if write.kind == "Pod"] == ["PATCH", "PATCH"]


def test_too_many_pods_are_deleted_together() -> None:
    pods = [pod(f"p{i}", ownerReferences=OWNER) for i in range(4)]
    decision = reconcile_replica_set(replica_set(1), pods, pods, True, "", CLOCK)
    assert [[write.method for write in batch] for batch in decision.batches] == [["DELETE"] * 3]
    assert decision.last[0].tree is not None
    assert decision.last[0].tree["status"]["readyReplicas"] == 4


COST = {"controller.kubernetes.io/pod-deletion-cost": "-1"}
ORDER: list[tuple[str, list[Any], str]] = [
    ("unassigned", [pod("a"), pod("b", node="", phase="Pending", ready=False)], "b"),
    ("pending", [pod("a"), pod("b", phase="Pending", ready=False)], "b"),
    ("not ready", [pod("a"), pod("b", ready=False)], "b"),
    ("deletion cost", [pod("a"), pod("b", annotations=COST)], "b"),
    ("crowded node", [pod("a", node="node-2"), pod("b"), pod("c")], "b"),
    ("ready for a shorter time", [pod("a", since="2026-01-01T00:01:00Z"), pod("b", since="2026-01-01T00:16:00Z")], "b"),
    ("restarted more often", [pod("a"), pod("b", restarts=2)], "b"),
    ("created later", [pod("a"), pod("b", creationTimestamp="2026-01-01T00:16:00Z")], "b"),
    ("close ages go by uid", [pod("a", uid="2", since="2026-01-01T00:10:01Z"), pod("b", uid="1")], "b"),
]


@pytest.mark.parametrize(("_", "pods", "first"), ORDER, ids=[row[0] for row in ORDER])
def test_deletion_order(_: str, pods: list[Any], first: str) -> None:
    assert deletion_order(pods, pods, CLOCK)[0].metadata.name == first


# ---------------------------------------------------------------------- Deployments


@pytest.mark.parametrize(
    ("replicas", "surge", "missing", "expected"),
    [(4, "25%", "25%", (1, 1)), (3, "25%", "25%", (1, 0)), (10, "30%", "10%", (3, 1)), (3, 0, 0, (0, 1)), (5, 2, 2, (2, 2)),
     (1, "25%", "25%", (1, 0)), (2, 0, "100%", (0, 2))],
)  # fmt: skip
def test_surge_rounds_up_and_unavailable_rounds_down(
    replicas: int, surge: int | str, missing: int | str, expected: tuple[int, int]
) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": missing}}
    assert maths.fenceposts(deployment(replicas, strategy=strategy)) == expected


def test_shares_round_to_the_nearest() -> None:
    assert [maths.fraction(size, 12, 6) for size in (2, 4)] == [2, 4]
    assert (maths.fraction(7, 8, 13), maths.fraction(6, 8, 13)) == (-3, -2)


def deployment(replicas: int, image: str = "nginx:1", **spec: Any) -> Any:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return typed({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    })  # fmt: skip


def test_a_new_deployment_gets_its_replica_set_and_then_its_status() -> None:
    decision = reconcile_deployment(deployment(3), [], [], CLOCK)
    create, update = decision.writes
    assert create.tree is not None
    assert update.tree is not None
    digest = create.tree["metadata"]["labels"]["pod-template-hash"]
    assert create.tree["metadata"]["name"] == f"web-{digest}"
    assert create.tree["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": digest}
    assert create.tree["metadata"]["annotations"] == {
        "deployment.kubernetes.io/revision": "1", "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }  # fmt: skip
    assert create.done is not None
    assert create.done.text == f"Scaled up replica set web-{digest} from 0 to 3"
    assert update.subresource == "status"
    assert update.tree["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "1"}
    assert {c["reason"] for c in update.tree["status"]["conditions"]} == {
        "NewReplicaSetCreated", "MinimumReplicasUnavailable",
    }  # fmt: skip


def test_a_taken_name_raises_the_collision_count() -> None:
    first = reconcile_deployment(deployment(3), [], [], CLOCK).writes[0].tree
    assert first is not None
    stranger = typed({**first, "metadata": {**first["metadata"], "ownerReferences": []}})
    decision = reconcile_deployment(deployment(3), [], [], CLOCK, [stranger])
    assert decision.writes[0].tree is not None
    assert decision.writes[0].tree["status"]["collisionCount"] == 1
    assert len(decision.writes) == 1


# ---------------------------------------------------------------------- EndpointSlices


def _case() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "endpointslice.json").read_text())
    for service in found["services"]:
        service["spec"] = {name: value for name, value in service["spec"].items() if value is not None}
    return found


def _pods(case: dict[str, Any]) -> list[Any]:
    """The recorded pods as they stood while p-term was terminating."""
    found = []
    for number, tree in enumerate(case["pods"]):
        image = tree["spec"]["containers"][0]["image"]
        ready = image == "nginx:1"
        status = {
            "phase": "Succeeded" if image == "ok:1" else "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            **({} if image == "nopull:1" else {"podIP": f"10.244.0.{number}"}),
        }
        gone = {"deletionTimestamp": "2026-01-01T00:01:00Z"} if tree["metadata"]["name"] == "p-term" else {}
        found.append(typed({**tree, "metadata": {**tree["metadata"], **gone}, "status": status}))
    return found


@pytest.mark.parametrize("name", ["s", "named", "pub", "head", "nomatch", "headnoport"])
def test_slices_as_the_real_controller_wrote_them(name: str) -> None:
    case = _case()
    service = typed(next(tree for tree in case["services"] if tree["metadata"]["name"] == name))
    wanted = service.spec.selector.items()
    pods = [pod for pod in _pods(case) if wanted <= (pod.metadata.labels or {}).items()]
    decision = endpointslice.reconcile(service, pods, [], {})
    trees = [write.tree for write in decision.writes]
    recorded = case["endpointSlices(while p-term is terminating)"][name]
    assert len(trees) == len(recorded) == 1
    tree, expected = trees[0], recorded[0]
    assert tree is not None
    assert tree["metadata"]["labels"] == expected["labels"]
    assert (tree["ports"] or None) == expected["ports"]
    found = [
        {
            "conditions": e["conditions"], "nodeName": e["nodeName"], "zone": e.get("zone"), "hostname": e.get("hostname"),
            "targetRef": {"kind": "Pod", "name": e["targetRef"]["name"]}, "addresses": [f"<ip of {e['targetRef']['name']}>"],
        }
        for e in sorted(tree["endpoints"], key=lambda e: str(e["targetRef"]["name"]))
    ]  # fmt: skip
    assert found == expected["endpoints"]


def test_a_slice_holds_a_hundred_endpoints_and_what_is_right_stays() -> None:
    service = typed({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
        "spec": {"selector": {"app": "r"}, "ports": [{"port": 80}]},
    })  # fmt: skip
    pods = [pod(f"p{i:03}", ip=f"10.244.1.{i}") for i in range(150)]
    first = endpointslice.reconcile(service, pods, [], {})
    sizes = [len(write.tree["endpoints"]) for write in first.writes if write.tree]
    assert sizes == [100, 50]
    trees = [write.tree for write in first.writes if write.tree]
    slices = [typed({**tree, "metadata": {**tree["metadata"], "name": f"s-{i}"}}) for i, tree in enumerate(trees)]
    assert not endpointslice.reconcile(service, pods, slices, {})
    more = endpointslice.reconcile(service, [*pods, pod("new", ip="10.244.2.1")], slices, {})
    assert [(write.method, write.name) for write in more.writes] == [("PUT", "s-1")]
    none = endpointslice.reconcile(service, [], slices, {})
    assert sorted(write.method for write in none.writes) == ["DELETE", "DELETE", "POST"]


# ---------------------------------------------------------------------- nodes


def node(ready: str = "True", taints: Any = ()) -> Any:
    conditions = [{"type": "Ready", "status": ready, "reason": "KubeletReady", "message": ""}] if ready else []
    return typed({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "namespace": None},
        "spec": {"taints": list(taints)}, "status": {"conditions": conditions},
    })  # fmt: skip


def test_a_lost_node_is_dealt_with_in_three_steps() -> None:
    health = nodelifecycle.Health(CLOCK.now - 51 * SECOND, "", "")
    first = nodelifecycle.reconcile(node(), [], health, "", CLOCK)
    assert [(w.method, w.subresource) for w in first.writes] == [("PUT", "status")]
    lost, health = node("Unknown"), health._replace(heard=CLOCK.now)
    second = nodelifecycle.reconcile(lost, [pod("a"), pod("b", ready=False)], health, "", CLOCK)
    assert [(w.kind, w.name) for w in second.writes] == [("Pod", "a"), ("Node", "n1")]
    assert second.writes[1].tree is not None
    assert [t["effect"] for t in second.writes[1].tree["spec"]["taints"]] == ["NoSchedule"]
    tainted = node("Unknown", second.writes[1].tree["spec"]["taints"])
    third = nodelifecycle.reconcile(tainted, [], health._replace(marked=True), nodelifecycle.UNREACHABLE, CLOCK)
    assert third.writes[0].tree is not None
    assert [t["effect"] for t in third.writes[0].tree["spec"]["taints"]] == ["NoSchedule", "NoExecute"]
    assert not nodelifecycle.reconcile(tainted, [], health._replace(marked=True), None, CLOCK)


def test_a_node_counts_as_heard_of_only_when_this_controller_sees_a_change() -> None:
    lease = typed({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n1"},
        "spec": {"renewTime": "2026-01-01T00:00:01.000000Z"},
    })  # fmt: skip
    first = nodelifecycle.observe(node(), lease, None, CLOCK)
    later = Clock(CLOCK.now + 30 * SECOND)
    assert first.heard == CLOCK.now
    assert nodelifecycle.observe(node(), lease, first, later).heard == CLOCK.now
    assert nodelifecycle.observe(node(), lease, first._replace(lease="older"), later).heard == later.now


@pytest.mark.parametrize(
    ("ready", "lost", "state", "interval"),
    [(3, 0, "Normal", 10), (1, 2, "Normal", 10), (2, 3, "PartialDisruption", None), (20, 40, "PartialDisruption", 100),
     (0, 2, "FullDisruption", 10)],
)  # fmt: skip
def test_zones_slow_eviction_down(ready: int, lost: int, state: str, interval: int | None) -> None:
    zone = nodelifecycle.Zone(ready, lost)
    found = zone.interval(all_lost=False)
    assert (zone.state, found and found // SECOND) == (state, interval)
    assert zone.interval(all_lost=True) is None


def test_a_pod_stays_as_long_as_its_shortest_toleration() -> None:
    taint = node(taints=[{"key": "k", "effect": "NoExecute"}]).spec.taints
    tolerations = [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 7}]
    assert eviction.stay(pod("a", spec={"tolerations": tolerations}), taint) == (False, 7 * SECOND)
    assert eviction.stay(pod("a"), taint) == (False, 0)
    assert eviction.stay(pod("a", spec={"tolerations": [{"operator": "Exists"}]}), taint).forever
    assert eviction.stay(pod("a"), ()).forever


# ---------------------------------------------------------------------- garbage, namespaces


def _owner(state: str, uid: str = "u") -> garbage.Owner:
    ref = pod("x", ownerReferences=[{**OWNER[0], "uid": uid}]).metadata.ownerReferences[0]
    return garbage.Owner(ref, state)


@pytest.mark.parametrize(
    ("states", "dependents", "expected"),
    [
        (["solid"], 0, []),
        (["solid", "absent"], 0, [("PATCH", None)]),
        (["absent"], 0, [("DELETE", "Background")]),
        (["waiting"], 0, [("DELETE", "Background")]),
        (["waiting"], 1, [("DELETE", "Foreground")]),
        (["unknown"], 0, [("GET", None)]),
    ],
)
def test_what_the_collector_does(states: list[str], dependents: int, expected: list[tuple[str, str | None]]) -> None:
    owners = [_owner(state, str(index)) for index, state in enumerate(states)]
    decision = garbage.reconcile(pod("a"), owners, [pod("b")] * dependents)
    assert [(w.method, (w.tree or {}).get("propagationPolicy")) for w in decision.writes] == expected


def test_a_namespace_is_emptied_before_it_goes() -> None:
    ending = typed({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "namespace": None},
        "spec": {"finalizers": ["kubernetes"]},
    })  # fmt: skip
    content = namespace.Content("Pod", "a", "u", ending=False)
    stamp = "2026-01-01T00:00:00Z"
    first = namespace.reconcile(ending, [content], stamp)
    assert [(w.method, w.kind, w.name) for w in first.writes] == [("DELETE", "Pod", "a")]
    waiting = namespace.reconcile(ending, [content._replace(ending=True, grace=30)], stamp)
    assert (waiting.writes[0].subresource, waiting.again) == ("status", 16 * SECOND)
    assert waiting.writes[0].tree is not None
    messages = [one["message"] for one in waiting.writes[0].tree["status"]["conditions"]]
    assert "Some resources are remaining: pods. has 1 resource instances" in messages
    thing = namespace.Content("things.ex.io", "t", "u", ending=False, root="/apis/ex.io/v1/namespaces/shop/things")
    assert namespace.reconcile(ending, [thing], stamp).writes[0].path == "/apis/ex.io/v1/namespaces/shop/things/t"
    last = namespace.reconcile(ending, [], stamp).writes[0]
    assert last.tree is not None
    assert (last.subresource, last.tree["spec"]["finalizers"]) == ("finalize", [])
