"""What the server tells about itself."""

from __future__ import annotations

from k8s_tutor.api import discovery, openapi, protobuf, scheme, swagger
from tests.api.conftest import Cluster

ALL = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def test_plain_discovery_lists_resources_with_their_subresources(cluster: Cluster) -> None:
    _, found = cluster.ask("GET", "/apis/apps/v1")
    rows = {row["name"]: row for row in found["resources"]}
    assert rows["deployments"]["shortNames"] == ["deploy"]
    assert rows["deployments/scale"] == {
        "name": "deployments/scale", "singularName": "", "namespaced": True, "group": "autoscaling", "version": "v1",
        "kind": "Scale", "verbs": ["get", "patch", "update"],
    }  # fmt: skip


def test_aggregated_discovery_says_the_same_in_one_document(cluster: Cluster) -> None:
    _, found = cluster.ask("GET", "/apis", accept=ALL)
    assert found["kind"] == "APIGroupDiscoveryList"
    apps = next(item for item in found["items"] if item["metadata"]["name"] == "apps")
    names = [row["resource"] for row in apps["versions"][0]["resources"]]
    plain = [row["name"] for row in cluster.ask("GET", "/apis/apps/v1")[1]["resources"] if "/" not in row["name"]]
    assert names == plain


def test_who_has_the_document_already_is_told_so(cluster: Cluster) -> None:
    tag = discovery.etag(discovery.aggregated(scheme.SERVED, False, "v2"))
    assert cluster.ask("GET", "/apis", accept=ALL, if_none_match=tag)[0] == 304


def test_the_better_version_of_a_group_comes_first() -> None:
    assert dict(discovery.versions(scheme.SERVED))["autoscaling"] == ["v2", "v1"]


def test_openapi_says_that_the_server_validates_fields() -> None:
    schema = openapi._of_rows(tuple(row for row in scheme.SERVED if (row.group, row.version) == ("apps", "v1")))
    assert b'"name":"fieldValidation"' in schema
    assert b'"x-kubernetes-patch-merge-key":"name"' in schema
    assert openapi.schema_of("io.k8s.api.apps.v1.DeploymentStrategy")["properties"]["type"]["enum"]


def test_paths_that_are_nothing_are_not_found(cluster: Cluster) -> None:
    assert cluster.ask("GET", "/apis/nope/v1/things") == (404, "404 page not found\n")
    code, found = cluster.ask("GET", "/api/v1/namespaces/default/things")
    assert (code, found["message"]) == (404, "the server could not find the requested resource")


def test_a_protobuf_body_is_the_object_that_it_says(cluster: Cluster) -> None:
    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    pair = field(1, b"a") + field(2, b"1")
    raw = field(1, field(1, b"c") + field(2, b"") + field(8, b"")) + field(2, pair)
    body = protobuf.MAGIC + field(1, field(1, b"v1") + field(2, b"ConfigMap")) + field(2, raw)
    assert protobuf.to_json(body) == (
        b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","generateName":""},"data":{"a":"1"}}'
    )


def test_a_field_says_what_its_values_mean() -> None:
    spec = openapi.schema_of("io.k8s.api.core.v1.PodSpec")["properties"]
    assert spec["restartPolicy"]["description"].endswith(
        '\n\nPossible enum values:\n - `"Always"`\n - `"Never"`\n - `"OnFailure"`'
    )
    strategy = openapi.schema_of("io.k8s.api.apps.v1.DeploymentStrategy")["properties"]["type"]
    assert ' - `"Recreate"` Kill all existing pods before creating new ones.\n' in strategy["description"]


def test_the_older_openapi_is_given_as_json_and_as_the_protobuf_that_kubectl_asks_for(cluster: Cluster) -> None:
    _, found = cluster.ask("GET", "/openapi/v2")
    either = found["definitions"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]
    assert (either["type"], either["format"]) == ("string", "int-or-string")
    pod = found["definitions"]["io.k8s.api.core.v1.Pod"]
    assert pod["properties"]["spec"]["$ref"] == "#/definitions/io.k8s.api.core.v1.PodSpec"
    assert cluster.ask("GET", "/openapi/v2", accept="text/html")[0] == 406
    body = swagger.document(scheme.SERVED, swagger.PROTOBUF)
    fields = {number: value for number, _, value in protobuf._parts(body)}
    assert fields[1] == b"2.0"
    names = [protobuf._first(one)[1] for _, _, one in protobuf._parts(fields[9])]
    assert names == [name.encode() for name in found["definitions"]]
