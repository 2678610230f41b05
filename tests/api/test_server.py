"""The API server between its clients and etcd: outages, watches, races, the load balancer."""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.api.watchcache import CAPACITY
from k8s_tutor.api.wire import Relayed, Request, Response, WatchCancel, WatchFrame
from k8s_tutor.sim import MS, SECOND, Call, Calling, Context, Note, Reply
from tests.api.conftest import Client, Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}], **spec}}


def events(cluster: Cluster, call: int) -> list[tuple[str, str]]:
    frames = [frame for frame in cluster.client.frames if frame.watch == call]
    return [(frame.type, json.loads(frame.object)["metadata"].get("name", "")) for frame in frames]


def notes(cluster: Cluster, kind: str) -> list[dict[str, Any]]:
    return [record.fields for record in cluster.world.log.records() if isinstance(record, Note) and record.kind == kind]


def test_the_cluster_begins_with_its_namespaces_and_its_service(cluster: Cluster) -> None:
    _, found = cluster.ask("GET", "/api/v1/namespaces")
    assert [item["metadata"]["name"] for item in found["items"]] == ["default", "kube-node-lease", "kube-public", "kube-system"]
    _, service = cluster.ask("GET", "/api/v1/namespaces/default/services/kubernetes")
    assert service["spec"]["clusterIP"] == "10.96.0.1"


def test_the_stages_of_a_request_are_noted_in_order(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config_map("c"))
    stages = ("authn ✓", "audit ✓", "fairness ✓", "authz ✓", "decode ✓", "default ✓", "mutate ✓", "validate ✓",
              "admit ✓", "store …")  # fmt: skip
    assert notes(cluster, "api.request")[-1]["stages"] == stages
    assert notes(cluster, "api.answer")[-1]["code"] == 201
    cluster.ask("POST", MAPS, config_map("C"))
    assert notes(cluster, "api.request")[-1]["stages"] == (*stages[:7], "validate ✗")


def test_without_etcd_a_request_ends_as_the_real_one_does(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config_map("c", k="v"))
    cluster.world.pause("etcd-1")
    before = cluster.world.now
    code, answer = cluster.ask("GET", f"{MAPS}/c")
    assert (code, answer["message"]) == (500, "etcdserver: request timed out")
    assert cluster.world.now - before < 11 * SECOND
    code, answer = cluster.ask("GET", f"{MAPS}/c?resourceVersion=0")
    assert (code, answer["data"]) == (200, {"k": "v"})


def test_without_a_quorum_writes_end_and_the_cache_still_answers() -> None:
    cluster = Cluster(members=3)
    cluster.world.run_until(lambda world: cluster.server.caches.ready)
    cluster.pause(2 * SECOND)
    for name in ("cp-2", "cp-3"):
        cluster.world.crash(name)
    code, answer = cluster.ask("POST", MAPS, config_map("c"))
    assert (code, answer["message"]) == (500, "etcdserver: request timed out")
    assert cluster.ask("GET", "/api/v1/namespaces?resourceVersion=0")[0] == 200


def test_when_etcd_restarts_the_watches_end_and_nothing_is_lost(cluster: Cluster) -> None:
    watch = cluster.send("GET", f"{MAPS}?watch=1&resourceVersion={cluster.server.caches.revision}")
    cluster.ask("POST", MAPS, config_map("a"))
    cluster.world.crash("etcd-1")
    cluster.pause(2 * SECOND)
    assert watch not in cluster.client.ended
    cluster.world.restart("etcd-1")
    cluster.world.run_until(lambda world: watch in cluster.client.ended)
    assert events(cluster, watch) == [("ADDED", "a")]
    _, found = cluster.ask("GET", f"{MAPS}?resourceVersion=0")
    assert [item["metadata"]["name"] for item in found["items"]] == ["a"]
    cluster.ask("POST", MAPS, config_map("b"))
    cluster.pause()
    _, found = cluster.ask("GET", f"{MAPS}?resourceVersion=0")
    assert [item["metadata"]["name"] for item in found["items"]] == ["a", "b"]


def binding(node: str) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": node}}


def test_a_kubelet_hears_only_of_its_own_pods(cluster: Cluster) -> None:
    _, found = cluster.ask("GET", PODS)
    revision = found["metadata"]["resourceVersion"]
    query = f"?watch=true&resourceVersion={revision}&fieldSelector=spec.nodeName="
    one, two = cluster.send("GET", f"/api/v1/pods{query}node-1"), cluster.send("GET", f"/api/v1/pods{query}node-2")
    cluster.ask("POST", PODS, pod("p"))
    assert cluster.ask("POST", f"{PODS}/p/binding", binding("node-1"))[0] == 201
    code, refused = cluster.ask("POST", f"{PODS}/p/binding", binding("node-2"))
    text = 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "node-1"'
    assert (code, refused["message"]) == (409, text)
    cluster.ask("DELETE", f"{PODS}/p?gracePeriodSeconds=0")
    cluster.pause()
    assert events(cluster, one) == [("ADDED", "p"), ("MODIFIED", "p"), ("DELETED", "p")]
    assert events(cluster, two) == []


def test_a_watch_from_too_long_ago_is_told_to_list(cluster: Cluster) -> None:
    cache = cluster.server.caches.kinds["ConfigMap"]
    cluster.ask("POST", MAPS, config_map("a"))
    cache.since = 100
    watch = cluster.send("GET", f"{MAPS}?watch=1&resourceVersion=3")
    cluster.pause()
    frame = next(frame for frame in cluster.client.frames if frame.watch == watch)
    status = json.loads(frame.object)
    assert (frame.type, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
    assert status["message"] == "too old resource version: 3 (100)"
    assert cache.history.maxlen == CAPACITY


def test_bookmarks_come_as_housekeeping(cluster: Cluster) -> None:
    watch = cluster.send("GET", f"{MAPS}?watch=1&resourceVersion={cluster.server.caches.revision}&allowWatchBookmarks=true")
    cluster.ask("POST", MAPS, config_map("a"))
    cluster.pause()
    assert cluster.world.is_quiet()
    cluster.pause(61 * SECOND)
    frames = [frame for frame in cluster.client.frames if frame.watch == watch]
    assert [frame.type for frame in frames] == ["ADDED", "BOOKMARK"]
    body = json.loads(frames[1].object)
    assert body == {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": str(frames[1].revision)}}


def test_of_two_writers_with_one_revision_one_wins(cluster: Cluster) -> None:
    _, made = cluster.ask("POST", MAPS, config_map("c", k="0"))
    calls = [cluster.send("PUT", f"{MAPS}/c", {**made, "data": {"k": value}}) for value in ("1", "2")]
    cluster.world.run_until(lambda world: all(call in cluster.client.answers for call in calls))
    assert sorted(cluster.client.answers[call].code for call in calls) == [200, 409]


def test_of_two_patches_at_once_both_arrive(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config_map("c", k="0"))
    kind = "application/merge-patch+json"
    calls = [cluster.send("PATCH", f"{MAPS}/c", {"data": {key: "1"}}, content_type=kind) for key in "ab"]
    cluster.world.run_until(lambda world: all(call in cluster.client.answers for call in calls))
    assert [cluster.client.answers[call].code for call in calls] == [200, 200]
    assert cluster.ask("GET", f"{MAPS}/c")[1]["data"] == {"k": "0", "a": "1", "b": "1"}


def test_status_and_spec_are_written_through_their_own_doors(cluster: Cluster) -> None:
    root = "/apis/apps/v1/namespaces/default/replicasets"
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}}
    _, made = cluster.ask("POST", root, {"metadata": {"name": "r"}, "spec": spec, "status": {"replicas": 7}})
    assert made["status"] == {"replicas": 0}
    status = {"replicas": 1, "readyReplicas": 1}
    _, made = cluster.ask("PUT", f"{root}/r/status", {**made, "spec": {**made["spec"], "replicas": 9}, "status": status})
    assert (made["spec"]["replicas"], made["status"], made["metadata"]["generation"]) == (1, status, 1)
    _, made = cluster.merge(f"{root}/r", {"spec": {"replicas": 2}, "status": {"replicas": 9}})
    assert (made["spec"]["replicas"], made["status"], made["metadata"]["generation"]) == (2, status, 2)
    code, refused = cluster.merge(f"{root}/r/status", {"status": {"readyReplicas": 5}})
    assert (code, refused["details"]["causes"][0]["field"]) == (422, "status.readyReplicas")


def test_a_lease_is_created_by_put_and_needs_its_revision_after(cluster: Cluster) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1"
    lease = {"metadata": {"name": "node-1"}, "spec": {"holderIdentity": "node-1", "leaseDurationSeconds": 40}}
    code, made = cluster.ask("PUT", path, lease, user="system:node:node-1")
    assert code == 201
    code, refused = cluster.ask("PUT", path, lease)
    assert (code, refused["details"]["causes"][0]["field"]) == (422, "metadata.resourceVersion")
    made["spec"]["renewTime"] = "2026-01-01T00:00:10.000000Z"
    assert cluster.ask("PUT", path, made)[0] == 200


def test_foreground_deletion_leaves_the_object_to_the_collector(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config_map("c"))
    code, held = cluster.ask("DELETE", f"{MAPS}/c", {"propagationPolicy": "Foreground"})
    assert (code, held["metadata"]["finalizers"]) == (200, ["foregroundDeletion"])
    assert held["metadata"]["deletionTimestamp"]
    cluster.merge(f"{MAPS}/c", {"metadata": {"finalizers": None}})
    assert cluster.ask("GET", f"{MAPS}/c")[0] == 404


def test_a_table_has_the_columns_of_kubectl(cluster: Cluster) -> None:
    cluster.ask("POST", PODS, pod("p"))
    cluster.pause(5 * SECOND)
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    _, table = cluster.ask("GET", PODS, accept=accept)
    assert table["kind"] == "Table"
    names = [column["name"] for column in table["columnDefinitions"] if column["priority"] == 0]
    assert names == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert table["rows"][0]["cells"] == ["p", "0/1", "Pending", "0", "5s", "<none>", "<none>", "<none>", "<none>"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


class Balancer(Calling):
    """Passes frames between a client behind it and ``api-1``."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.frames: list[Any] = []

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Relayed) and src == "api-1":
            self.frames.append(body)
        else:
            ctx.stream("api-1", body)


def test_a_client_behind_the_load_balancer_is_answered_through_it(cluster: Cluster) -> None:
    world = cluster.world
    world.add(Balancer, "lb", None, None, "rack")
    watch = Request("GET", MAPS, (("watch", "true"), ("resourceVersion", str(cluster.server.caches.revision))))
    world.inject("lb", Relayed("kubelet-1", Call(900_001, watch)))
    world.inject("lb", Relayed("kubelet-2", Call(900_002, watch)))
    cluster.pause()
    world.inject("lb", Relayed("kubelet-2", WatchCancel(900_002)))
    cluster.ask("POST", MAPS, config_map("c"))
    cluster.pause()
    balancer = world.actor("lb")
    assert isinstance(balancer, Balancer)
    heard = [(found.client, type(found.frame)) for found in balancer.frames]
    assert heard == [("kubelet-1", Reply), ("kubelet-2", Reply), ("kubelet-1", WatchFrame)]
    assert balancer.frames[0].frame.body == Response(200, streams=True)
    world.crash("lb")
    cluster.pause(100 * MS)
    assert not cluster.server.caches.kinds["ConfigMap"].watchers


def test_a_client_that_is_gone_leaves_no_watch_behind(cluster: Cluster) -> None:
    cluster.send("GET", f"{MAPS}?watch=1")
    cluster.pause()
    assert cluster.server.caches.kinds["ConfigMap"].watchers
    cluster.world.crash("client")
    cluster.pause()
    assert not cluster.server.caches.kinds["ConfigMap"].watchers
    assert cluster.world.actor("client") is None or isinstance(cluster.world.actor("client"), Client)


def test_a_copy_of_the_server_goes_its_own_way(cluster: Cluster) -> None:
    twin = cluster.world.fork()
    cluster.ask("POST", MAPS, config_map("c"))
    other = twin.actor("api-1")
    assert len(cluster.server.caches.kinds["ConfigMap"].items) == 1
    assert len(other.caches.kinds["ConfigMap"].items) == 0  # type: ignore[union-attr]


def test_pods_from_one_body_are_as_if_each_was_made_alone(cluster: Cluster) -> None:
    body = {"metadata": {"generateName": "web-"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    _, first = cluster.ask("POST", PODS, body)
    cluster.pause(2 * SECOND)
    _, second = cluster.ask("POST", PODS, body)
    own = [(pod["metadata"]["name"], pod["metadata"]["uid"], pod["spec"]["volumes"][0]["name"]) for pod in (first, second)]
    assert all(a != b for a, b in zip(*own, strict=True))
    for made in (first, second):
        volume = made["spec"]["volumes"][0]["name"]
        assert [mount["name"] for mount in made["spec"]["containers"][0]["volumeMounts"]] == [volume]
    assert first["metadata"]["creationTimestamp"] != second["metadata"]["creationTimestamp"]
    text = json.dumps(first)
    for mine, other in zip(*own, strict=True):
        text = text.replace(mine, other)
    twin = json.loads(text)
    for field in ("creationTimestamp", "resourceVersion"):
        twin["metadata"][field] = second["metadata"][field]
    assert twin == second
    bad = {"metadata": {"generateName": "web-"}, "spec": {"containers": []}}
    assert cluster.ask("POST", PODS, bad)[0] == 422
