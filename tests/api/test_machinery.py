"""Collections that are deleted, evictions, reads ahead of time, metadata alone, names that the server makes up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Cluster
from tests.api.test_server import config_map, events, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"


def test_a_collection_is_deleted_as_far_as_the_selector_goes(cluster: Cluster) -> None:
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        body = config_map(name)
        body["metadata"]["labels"] = {"l": label}
        cluster.ask("POST", MAPS, body)
    code, found = cluster.ask("DELETE", f"{MAPS}?labelSelector=l%3Dx".replace("%3D", "="))
    assert (code, [one["metadata"]["name"] for one in found["items"]]) == (200, ["a", "b"])
    assert [one["metadata"]["name"] for one in cluster.ask("GET", MAPS)[1]["items"]] == ["c"]


def ready(cluster: Cluster, name: str) -> None:
    body = pod(name)
    body["metadata"]["labels"] = {"app": "web"}
    cluster.ask("POST", PODS, body)
    cluster.ask("POST", f"{PODS}/{name}/binding", {"metadata": {"name": name}, "target": {"name": "node-1"}})
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    assert cluster.merge(f"{PODS}/{name}/status", {"status": status})[0] == 200


def budget(cluster: Cluster, name: str, allowed: int) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    cluster.ask("POST", BUDGETS, {"metadata": {"name": name}, "spec": spec})
    healthy = {"currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    status = {"observedGeneration": 1, "disruptionsAllowed": allowed, **healthy}
    assert cluster.merge(f"{BUDGETS}/{name}/status", {"status": status})[0] == 200


def test_a_budget_without_room_stops_an_eviction(cluster: Cluster) -> None:
    ready(cluster, "p")
    budget(cluster, "b", 0)
    cluster.pause()
    code, answer = cluster.ask("POST", f"{PODS}/p/eviction", {"metadata": {"name": "p"}})
    assert (code, answer["message"]) == (429, "Cannot evict pod as it would violate the pod's disruption budget.")
    text = "The disruption budget b needs 1 healthy pods and has 1 currently"
    assert answer["details"] == {"causes": [{"reason": "DisruptionBudget", "message": text}]}


def test_a_budget_with_room_pays_for_an_eviction(cluster: Cluster) -> None:
    ready(cluster, "p")
    budget(cluster, "b", 1)
    cluster.pause()
    assert cluster.ask("POST", f"{PODS}/p/eviction", {"metadata": {"name": "p"}})[0] == 201
    _, left = cluster.ask("GET", f"{BUDGETS}/b")
    assert left["status"].get("disruptionsAllowed", 0) == 0
    assert list(left["status"]["disruptedPods"]) == ["p"]
    assert cluster.ask("GET", f"{PODS}/p")[1]["metadata"]["deletionTimestamp"]


def test_two_budgets_over_one_pod_are_too_many(cluster: Cluster) -> None:
    ready(cluster, "p")
    budget(cluster, "a", 1)
    budget(cluster, "b", 1)
    cluster.pause()
    code, answer = cluster.ask("POST", f"{PODS}/p/eviction", {"metadata": {"name": "p"}})
    assert (code, answer["message"].startswith("This pod has more than one PodDisruptionBudget")) == (500, True)


def test_a_read_at_a_revision_to_come_waits_for_it(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config_map("a"))
    ahead = cluster.server.caches.revision + 1
    call = cluster.send("GET", f"{MAPS}/a?resourceVersion={ahead}")
    cluster.pause(1_000_000)
    assert call not in cluster.client.answers
    cluster.ask("POST", MAPS, config_map("b"))
    cluster.pause()
    assert cluster.client.answers[call].code == 200


def test_it_does_not_wait_for_ever(cluster: Cluster) -> None:
    before = cluster.world.now
    code, answer = cluster.ask("GET", f"{MAPS}?resourceVersion=99999")
    assert (code, answer["details"]["causes"][0]["reason"]) == (504, "ResourceVersionTooLarge")
    assert 2_900_000 < cluster.world.now - before < 3_500_000


def test_a_list_of_metadata_alone(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config_map("a", k="v"))
    _, found = cluster.ask("GET", MAPS, accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert [(one["kind"], one["metadata"]["name"], "data" in one) for one in found["items"]] == [
        ("PartialObjectMetadata", "a", False)
    ]


def test_what_a_client_does_not_take_is_not_given(cluster: Cluster) -> None:
    code, answer = cluster.ask("GET", MAPS, accept="text/html")
    assert (code, answer["reason"]) == (406, "NotAcceptable")
    code, answer = cluster.ask("PATCH", f"{MAPS}/a", {}, content_type="text/plain")
    assert code in (404, 415)


def test_a_watch_with_initial_events_says_where_they_end(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config_map("a"))
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    watch = cluster.send("GET", f"{MAPS}?{query}")
    cluster.pause()
    assert events(cluster, watch) == [("ADDED", "a"), ("BOOKMARK", "")]
    last = json.loads(cluster.client.frames[-1].object)
    assert last["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("watch=1&sendInitialEvents=true", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ("watch=1&resourceVersionMatch=NotOlderThan",
         "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
        ("sendInitialEvents=true", "sendInitialEvents is forbidden for list"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_refused(cluster: Cluster, query: str, text: str) -> None:
    code, answer = cluster.ask("GET", f"{MAPS}?{query}")
    assert (code, answer["details"]["causes"][0]["message"]) == (422, f"Forbidden: {text}")


def test_a_json_patch_that_cannot_be_carried_out(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config_map("a"))
    for change in ([{"op": "test", "path": "/data/x", "value": "y"}], [{"op": "remove", "path": "/data/x"}]):
        code, answer = cluster.ask("PATCH", f"{MAPS}/a", change, content_type="application/json-patch+json")
        assert (code, answer["message"]) == (422, "the server rejected our request due to an error in our request")


def test_unknown_fields_are_told_as_the_client_wishes(cluster: Cluster) -> None:
    body: dict[str, Any] = {**config_map("a"), "foo": 1}
    assert cluster.ask("POST", f"{MAPS}?fieldValidation=Ignore", body)[0] == 201
    assert cluster.warnings == ()
    assert cluster.merge(f"{MAPS}/a", {"bar": 1})[0] == 200
    assert cluster.warnings == ('unknown field "bar"',)
    code, answer = cluster.merge(f"{MAPS}/a?fieldValidation=Strict", {"bar": 1})
    head = ' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\",'
    assert (code, answer["message"].startswith(head)) == (422, True)
    assert answer["message"].endswith('strict decoding error: unknown field "bar"')
    kind = "application/strategic-merge-patch+json"
    code, answer = cluster.ask("PATCH", f"{MAPS}/a?fieldValidation=Strict", {"bar": 1}, content_type=kind)
    text = ' "" is invalid: patch: Invalid value: "map[bar:1]": strict decoding error: unknown field "bar"'
    assert (code, answer["message"]) == (422, text)
    code, answer = cluster.ask("PATCH", f"{MAPS}/a", {"data": {"k": 1}}, content_type=kind)
    text = ' "" is invalid: patch: Invalid value: "map[data:map[k:1]]": cannot convert int64 to string'
    assert (code, answer["message"]) == (422, text)
    code, answer = cluster.ask("POST", f"{MAPS}?fieldValidation=Foo", config_map("b"))
    assert (code, answer["details"]["causes"][0]["field"]) == (422, "fieldValidation")
