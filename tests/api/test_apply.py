"""Who set which field, and server-side apply."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = "application/apply-patch+yaml"


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def deployment(image: str = "nginx:1", *more: str) -> dict[str, Any]:
    containers = [{"name": "c", "image": image, "ports": [{"containerPort": 80}]}]
    containers += [{"name": name, "image": "x"} for name in more]
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}}},
    }  # fmt: skip


def apply(cluster: Cluster, path: str, body: Any, manager: str, query: str = "") -> tuple[int, Any]:
    name = body["metadata"]["name"]
    return cluster.ask("PATCH", f"{path}/{name}?fieldManager={manager}{query}", body, content_type=APPLY, managed=True)


def owners(tree: Any) -> dict[str, Any]:
    return {f"{one['manager']} {one['operation']}": one["fieldsV1"] for one in tree["metadata"]["managedFields"]}


def test_an_apply_creates_what_is_not_there(cluster: Cluster) -> None:
    code, made = apply(cluster, MAPS, config(a="1"), "alice")
    assert code == 201
    assert owners(made) == {"alice Apply": {"f:data": {"f:a": {}}}}


def test_what_another_one_set_is_a_conflict_unless_forced(cluster: Cluster) -> None:
    apply(cluster, MAPS, config(a="1", b="2"), "alice")
    code, refusal = apply(cluster, MAPS, config(a="1", b="3"), "bob")
    assert (code, refusal["message"]) == (409, 'Apply failed with 1 conflict: conflict with "alice": .data.b')
    assert refusal["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "alice"', "field": ".data.b"}
    ]
    code, made = apply(cluster, MAPS, config(a="1", b="3"), "bob", "&force=true")
    assert (code, made["data"]) == (200, {"a": "1", "b": "3"})
    assert owners(made) == {"alice Apply": {"f:data": {"f:a": {}}}, "bob Apply": {"f:data": {"f:a": {}, "f:b": {}}}}


def test_several_conflicts_are_told_by_manager(cluster: Cluster) -> None:
    cluster.ask("POST", f"{MAPS}?fieldManager=cli", config(a="1", b="2"))
    _, refusal = apply(cluster, MAPS, config(a="x", b="y"), "bob")
    assert refusal["message"] == 'Apply failed with 2 conflicts: conflicts with "cli" using v1:\n- .data.a\n- .data.b'


def test_a_field_goes_when_the_last_one_lets_go_of_it(cluster: Cluster) -> None:
    apply(cluster, MAPS, config(a="1", b="2"), "alice")
    apply(cluster, MAPS, config(b="2"), "bob")
    _, made = apply(cluster, MAPS, config(c="3"), "alice")
    assert made["data"] == {"b": "2", "c": "3"}
    _, made = apply(cluster, MAPS, {key: value for key, value in config().items() if key != "data"}, "bob")
    assert made["data"] == {"c": "3"}


def test_lists_with_keys_are_merged_item_by_item(cluster: Cluster) -> None:
    apply(cluster, DEPLOYMENTS, deployment("nginx:1", "side"), "alice")
    _, made = apply(cluster, DEPLOYMENTS, deployment("nginx:1"), "alice")
    assert [one["name"] for one in made["spec"]["template"]["spec"]["containers"]] == ["c"]


def test_a_number_that_an_autoscaler_set_stays_when_the_file_no_longer_says_it(cluster: Cluster) -> None:
    apply(cluster, DEPLOYMENTS, deployment(), "alice")
    merge = "application/merge-patch+json"
    cluster.ask("PATCH", f"{DEPLOYMENTS}/web/scale?fieldManager=hpa", {"spec": {"replicas": 5}}, content_type=merge)
    code, refusal = apply(cluster, DEPLOYMENTS, deployment(), "alice")
    what = 'conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas'
    assert (code, refusal["message"]) == (409, f"Apply failed with 1 conflict: {what}")
    body = deployment()
    del body["spec"]["replicas"]
    code, made = apply(cluster, DEPLOYMENTS, body, "alice")
    assert (code, made["spec"]["replicas"]) == (200, 5)


def test_kubectl_takes_over_what_its_own_client_side_apply_left(cluster: Cluster) -> None:
    body = config(a="1")
    note = '{"apiVersion":"v1","data":{"a":"1"},"kind":"ConfigMap","metadata":{"name":"c"}}'
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": note}
    cluster.ask("POST", f"{MAPS}?fieldManager=kubectl-client-side-apply", body)
    assert apply(cluster, MAPS, config(a="2"), "kubectl")[0] == 200
    assert apply(cluster, MAPS, config(a="3"), "somebody")[0] == 409


def test_an_apply_that_does_not_fit_the_type_is_refused(cluster: Cluster) -> None:
    code, refusal = apply(cluster, MAPS, {**config(a="1"), "foo": 1}, "alice")
    text = "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .foo: field not declared in schema"
    assert (code, refusal["message"]) == (500, text)
    code, refusal = cluster.ask("PATCH", f"{MAPS}/c", config(), content_type=APPLY)
    assert (code, refusal["details"]["causes"][0]["field"]) == (422, "fieldManager")


def test_an_apply_that_changes_nothing_writes_nothing(cluster: Cluster) -> None:
    _, first = apply(cluster, MAPS, config(a="1"), "alice")
    cluster.pause(3_000_000)
    _, second = apply(cluster, MAPS, config(a="1"), "alice")
    assert second == first


def test_a_create_owns_what_it_sent_and_defaults_but_nothing_that_admission_adds(cluster: Cluster) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
    _, made = cluster.ask("POST", "/api/v1/namespaces/default/pods", pod, agent="kubectl/1.32", managed=True)
    spec = owners(made)["kubectl Update"]["f:spec"]
    assert set(spec) == {
        "f:containers", "f:dnsPolicy", "f:enableServiceLinks", "f:restartPolicy", "f:schedulerName", "f:securityContext",
        "f:terminationGracePeriodSeconds",
    }  # fmt: skip
    assert "." in spec["f:containers"]['k:{"name":"c"}']


def test_pods_of_one_mould_are_owned_like_any_other(cluster: Cluster) -> None:
    pod = {"metadata": {"generateName": "p-"}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
    _, made = cluster.ask("POST", "/api/v1/namespaces/default/pods", pod, agent="rs/1", managed=True)
    alone = {"metadata": {"name": "q"}, "spec": pod["spec"]}
    _, other = cluster.ask("POST", "/api/v1/namespaces/default/pods", alone, agent="rs/1", managed=True)
    assert owners(made)["rs Update"]["f:spec"] == owners(other)["rs Update"]["f:spec"]
    assert owners(made)["rs Update"]["f:metadata"] == {"f:generateName": {}}


def test_only_who_asks_gets_managed_fields(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config(a="1"))
    assert "managedFields" not in cluster.ask("GET", f"{MAPS}/c")[1]["metadata"]
    assert "managedFields" in cluster.ask("GET", f"{MAPS}/c", managed=True)[1]["metadata"]
    assert all("managedFields" in one["metadata"] for one in cluster.ask("GET", MAPS, managed=True)[1]["items"])


def test_a_client_may_write_the_entries_itself(cluster: Cluster) -> None:
    cluster.ask("POST", MAPS, config(a="1"))
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    kind = "application/json-patch+json"
    _, found = cluster.ask("PATCH", f"{MAPS}/c", patch, content_type=kind, managed=True)
    assert "managedFields" not in found["metadata"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"replicas": "2"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"paused": "yes"}, ".spec.paused: expected boolean, got &{yes}"),
        ({"strategy": {"type": 7}}, ".spec.strategy.type: expected string, got &value.valueUnstructured{Value:7}"),
        ({"selector": []}, ".spec.selector: expected map, got &{[]}"),
        ({"template": {"spec": {"containers": "nginx"}}}, ".spec.template.spec.containers: expected list, got &{nginx}"),
        ({"template": {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}},
         '.spec.template.spec.containers: duplicate entries for key [name="a"]'),
        ({"template": {"spec": {"tolerations": [{"kee": "a"}]}}},
         ".spec.template.spec.tolerations[0].kee: field not declared in schema"),
        ({"paused": 1, "replicas": True},
         "errors:\n  .spec.paused: expected boolean, got &{1}\n  .spec.replicas: expected numeric (int or float), got bool"),
    ],
)  # fmt: skip
def test_an_apply_of_other_types_is_refused(cluster: Cluster, spec: dict[str, Any], why: str) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    code, refusal = apply(cluster, DEPLOYMENTS, body, "alice")
    text = f"failed to create typed patch object (/d; apps/v1, Kind=Deployment): {why}"
    assert (code, refusal["message"]) == (500, text)


def test_an_apply_says_what_it_is(cluster: Cluster) -> None:
    code, refusal = apply(cluster, MAPS, {**config(a="1"), "kind": "Secret"}, "alice")
    assert (code, refusal["message"]) == (400, "invalid object type: /v1, Kind=Secret")
