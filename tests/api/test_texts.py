"""What is wrong with an object, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import bodies, scheme
from k8s_tutor.api.status import Refusal
from k8s_tutor.api.wire import Request
from tests.api.conftest import Cluster

POD: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
    "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def container(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx:1", **fields}]}}


def deployment(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": POD["spec"]}
    base = {"selector": {"matchLabels": {"app": "a"}}, "template": template}
    return {"metadata": {"name": "d"}, "spec": {**base, **spec}}


PODS: list[tuple[dict[str, Any], str]] = [
    ({"metadata": {"name": "p"}, "spec": {}}, "spec.containers: Required value"),
    (container(name="Bad"), f'spec.containers[0].name: Invalid value: "Bad": {LABEL}'),
    (container(image=""), "spec.containers[0].image: Required value"),
    (container(ports=[{"containerPort": 70000}]),
     "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"),
    (container(ports=[{"containerPort": 80, "protocol": "tcp"}]),
     'spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"'),
    (container(imagePullPolicy="Maybe"), 'spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": supported '
     'values: "Always", "IfNotPresent", "Never"'),
    (container(volumeMounts=[{"name": "data", "mountPath": "/d"}]),
     'spec.containers[0].volumeMounts[0].name: Not found: "data"'),
    (container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
     'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'),
    (container(resources={"requests": {"cpu": "-1"}}),
     'spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'),
    (container(livenessProbe={}), "spec.containers[0].livenessProbe: Required value: must specify a handler type"),
    ({"metadata": {"name": "p"}, "spec": {**POD["spec"], "restartPolicy": "Sometimes"}},
     'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'),
    ({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]}},
     'spec.containers[1].name: Duplicate value: "c"'),
    ({"metadata": {}, "spec": POD["spec"]}, "metadata.name: Required value: name or generateName is required"),
]  # fmt: skip

DEPLOYMENTS: list[tuple[dict[str, Any], str]] = [
    (deployment(replicas=-1), "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    (deployment(selector={"matchLabels": {"app": "b"}}),
     'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'),
    (deployment(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
     "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"),
    (deployment(strategy={"type": "Slow"}),
     'spec.strategy: Unsupported value: {"Type":"Slow","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"'),
]  # fmt: skip

SERVICES: list[tuple[dict[str, Any], str]] = [
    ({"metadata": {"name": "s"}, "spec": {}}, "spec.ports: Required value"),
    ({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 0}]}},
     "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
    ({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}, {"port": 81}]}}, "spec.ports[0].name: Required value"),
    ({"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}},
     "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is "
     "30000-32767"),
]  # fmt: skip

ALL = [
    *(("/api/v1/namespaces/default/pods", *row) for row in PODS),
    *(("/apis/apps/v1/namespaces/default/deployments", *row) for row in DEPLOYMENTS),
    *(("/api/v1/namespaces/default/services", *row) for row in SERVICES),
]


def test_each_mistake_is_told_with_its_path(cluster: Cluster) -> None:
    for path, body, text in ALL:
        code, answer = cluster.ask("POST", path, body)
        assert code == 422, (body, answer)
        assert answer["reason"] == "Invalid"
        assert text in answer["message"], answer["message"]
        assert any(f"{cause['field']}: {cause['message']}" == text for cause in answer["details"]["causes"])


def test_all_causes_come_together(cluster: Cluster) -> None:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "C", "image": ""}], "restartPolicy": "x"}}
    _, answer = cluster.ask("POST", "/api/v1/namespaces/default/pods", body)
    fields = ["spec.containers[0].name", "spec.containers[0].image", "spec.restartPolicy"]
    assert [cause["field"] for cause in answer["details"]["causes"]] == fields
    assert answer["message"].startswith('Pod "p" is invalid: [spec.containers[0].name: ')


@pytest.mark.parametrize(
    ("query", "body", "text"),
    [
        ("?fieldValidation=Strict", {"spec": {"foo": 1}}, 'strict decoding error: unknown field "spec.foo"'),
        ("?fieldValidation=Strict", {"spec": {"containers": [{"nme": "x"}]}},
         'strict decoding error: unknown field "spec.containers[0].nme"'),
        ("", {"spec": {"containers": "x"}},
         "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container"),
        ("", {"metadata": {"labels": {"a": 1}}},
         "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"),
        ("", {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1x"}}}]}},
         "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_is_a_bad_request(cluster: Cluster, query: str, body: Any, text: str) -> None:
    code, answer = cluster.ask("POST", f"/api/v1/namespaces/default/pods{query}", body)
    assert (code, answer["reason"]) == (400, "BadRequest")
    assert answer["message"] == f'Pod in version "v1" cannot be handled as a Pod: {text}'


_HEADER = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{bad", "invalid character 'b' looking for beginning of object key string ({bad)"),
        ('{"a" 1}', "invalid character '1' after object key ({\"a\" 1})"),
        ('{"a":1 "b":2}', "invalid character '\"' after object key:value pair ({\"a\":1 \"b\":2})"),
        ('{"a":["}" 1]}', "invalid character '1' after array element ({\"a\":[\"}\" 1]})"),
        ('{"a":[1,]}', "invalid character ']' looking for beginning of value ({\"a\":[1,]})"),
        ('{}x', "invalid character 'x' after top-level value ({}x)"),
        ('{"kind":"ConfigMap","metadata":{', 'unexpected end of JSON input ({"kind":"ConfigMap","metadata" ...)'),
        ("", "unexpected end of JSON input (<empty>)"),
        ("[]", f"json: cannot unmarshal array into Go value of type {_HEADER} (5b5d)"),
    ],
)  # fmt: skip
def test_what_is_no_object_is_shown_again(body: str, text: str) -> None:
    with pytest.raises(Refusal) as refused:
        bodies.decode(scheme.BY_KIND["ConfigMap"], Request("POST", "/", (), body.encode()))
    head = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
    assert (refused.value.code, refused.value.tree["message"]) == (400, head + text)


@pytest.mark.parametrize(
    ("version", "kind", "text"),
    [
        ("v1", "Pod", "converting (v1.Pod) to (core.ConfigMap): unknown conversion"),
        ("v1", "Nope", 'no kind "Nope" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"'),
        ("apps/v9", "ConfigMap",
         'no kind "ConfigMap" is registered for version "apps/v9" in scheme "pkg/api/legacyscheme/scheme.go:30"'),
    ],
)  # fmt: skip
def test_an_object_of_another_kind_does_not_fit(cluster: Cluster, version: str, kind: str, text: str) -> None:
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}
    code, answer = cluster.ask("POST", "/api/v1/namespaces/default/configmaps", body)
    short = version.rpartition("/")[2]
    assert (code, answer["message"]) == (400, f'{kind} in version "{short}" cannot be handled as a ConfigMap: {text}')


def test_an_unknown_field_warns_and_is_dropped(cluster: Cluster) -> None:
    body = {"metadata": {"name": "c"}, "data": {"a": "b"}, "dta": {}}
    code, answer = cluster.ask("POST", "/api/v1/namespaces/default/configmaps", body)
    assert code == 201 and "dta" not in answer
    assert cluster.warnings == ('unknown field "dta"',)


def test_a_missing_namespace_is_told(cluster: Cluster) -> None:
    code, answer = cluster.ask("POST", "/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "c"}})
    assert (code, answer["message"]) == (404, 'namespaces "nowhere" not found')


def test_strangers_are_kept_out(cluster: Cluster) -> None:
    code, answer = cluster.ask("GET", "/api/v1/nodes", user="")
    why = 'User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope'
    assert (code, answer["message"]) == (403, f"nodes is forbidden: {why}")
    assert cluster.ask("GET", "/api/v1/nodes", user="", token="wrong")[0] == 401
    assert cluster.ask("GET", "/healthz", user="alice") == (200, "ok")
    code, answer = cluster.ask("DELETE", "/api/v1/nodes/n", user="system:kube-scheduler")
    assert code == 403


def _patched(cluster: Cluster, change: dict[str, object], form: str) -> tuple[int, str]:
    body = {"metadata": {"name": "c", "labels": {"a": "b"}}}
    cluster.ask("POST", "/api/v1/namespaces/default/configmaps", body)
    code, answer = cluster.ask("PATCH", "/api/v1/namespaces/default/configmaps/c", change, content_type=form)
    return code, answer.get("message", "")


def test_a_patch_makes_no_other_kind(cluster: Cluster) -> None:
    code, text = _patched(cluster, {"kind": "Secret"}, "application/merge-patch+json")
    assert code == 422 and "Secret" in text


def test_a_patch_names_a_known_directive(cluster: Cluster) -> None:
    form = "application/strategic-merge-patch+json"
    code, text = _patched(cluster, {"metadata": {"labels": {"$patch": "odd"}}}, form)
    assert code == 500 and "unknown patch type: odd in map: map[$patch:odd]" in text


DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "d"},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    },
}
POD_PATH, SCALE = "/api/v1/namespaces/default/pods", "/apis/apps/v1/namespaces/default/deployments/d/scale"
TOKEN = "/api/v1/namespaces/default/serviceaccounts/default/token"


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "text"),
    [
        ("POST", f"{POD_PATH}/p/binding", {"metadata": {"name": "q"}, "target": {"name": "n"}}, 400,
         "name in URL does not match name in Binding object"),
        ("POST", f"{POD_PATH}/p/binding", {"metadata": {"name": "p"}, "target": {}}, 500, "target.name: Required value"),
        ("POST", f"{POD_PATH}/p/binding", {"metadata": {"name": "p"}, "target": {"kind": "Pod"}}, 500,
         '[target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>", target.name: Required value]'),
        ("POST", f"{POD_PATH}/p/binding", {"metadata": {"name": "p"}, "target": {"name": "n"}}, 409,
         'Operation cannot be fulfilled on pods/binding "p": pod p has non-empty .spec.schedulingGates'),
        ("PUT", SCALE, {"metadata": {"name": "e"}, "spec": {"replicas": 1}}, 400,
         "the name of the object (e) does not match the name on the URL (d)"),
        ("PUT", SCALE.replace("/d/", "/e/"), {"metadata": {"name": "e"}}, 404, 'deployments/scale.apps "e" not found'),
        ("POST", TOKEN, {"metadata": {"name": "other"}, "spec": {}}, 422,
         'TokenRequest.authentication.k8s.io "default" is invalid: metadata.name: Invalid value: "other": '
         "must match the service account name if specified"),
        ("DELETE", f"{POD_PATH}/p", {"dryRun": ["Some"]}, 422,
         'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'),
        ("DELETE", SCALE.removesuffix("/scale"), {"preconditions": {"resourceVersion": "1"}}, 409,
         'Operation cannot be fulfilled on Deployment.apps "d": the ResourceVersion in the precondition (1) does not match '),
        ("GET", f"{POD_PATH}?timeoutSeconds=x", None, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("PUT", SCALE.replace("/scale", "/status"),
         {"metadata": {"name": "d"}, "spec": DEPLOYMENT["spec"], "status": {"replicas": -1}}, 422,
         'Deployment.apps "d" is invalid: [status.replicas: Invalid value: -1: must be greater than or equal to 0, '
         "status.updatedReplicas: Invalid value: 0: cannot be greater than status.replicas, "),
    ],
)  # fmt: skip
def test_a_subresource_refuses(cluster: Cluster, method: str, path: str, body: dict[str, Any], code: int, text: str) -> None:
    gated = {"containers": [{"name": "c", "image": "i"}], "schedulingGates": [{"name": "a/b"}]}
    assert cluster.ask("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})[0] in (201, 409)
    assert cluster.ask("POST", POD_PATH, {"metadata": {"name": "p"}, "spec": gated})[0] == 201
    assert cluster.ask("POST", SCALE.removesuffix("/d/scale"), DEPLOYMENT)[0] == 201
    found, answer = cluster.ask(method, path, body)
    assert (found, answer["message"][: len(text)]) == (code, text)


def test_a_table_has_rows_of_three_kinds(cluster: Cluster) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    code, answer = cluster.ask("GET", f"{POD_PATH}?includeObject=Odd", accept=accept)
    assert (code, answer["message"]) == (
        400,
        'Unable to convert to Table as requested: includeObject: Invalid value: "Odd": must be \'Metadata\', \'Object\', '
        "'None', or empty",
    )
