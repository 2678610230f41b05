"""What admission policies, their bindings and webhooks must say (pkg/apis/admissionregistration/validation)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Cluster

GROUP = "/apis/admissionregistration.k8s.io/v1"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
MATCH = {"resourceRules": [RULE]}
NOTHING = "Required value: validations or auditAnnotations must contain at least one item"


def rule(**more: Any) -> dict[str, Any]:
    return {"matchConstraints": {"resourceRules": [{**RULE, **more}]}, "validations": [{"expression": "true"}]}


def hook(**more: Any) -> dict[str, Any]:
    client = {"url": "https://example.com/x"}
    return {"name": "a.b.c", "clientConfig": client, "sideEffects": "None", "admissionReviewVersions": ["v1"], **more}


def refusals(cluster: Cluster, plural: str, body: dict[str, Any]) -> set[str]:
    code, answer = cluster.ask("POST", f"{GROUP}/{plural}", {"metadata": {"name": "x"}, **body})
    assert code == 422, answer
    return {f"{cause['field']}: {cause['message']}" for cause in answer["details"]["causes"]}


R = "spec.matchConstraints.resourceRules"


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({}, {"spec.matchConstraints: Required value", f"spec.validations: {NOTHING}", f"spec.auditAnnotations: {NOTHING}"}),
        ({"matchConstraints": {}, "validations": [{"expression": " "}]},
         {f"{R}: Required value", "spec.validations[0].expression: Required value: expression is not specified"}),
        (rule(operations=["*", "FOO"]),
         {f'{R}[0].operations: Invalid value: ["*","FOO"]: if \'*\' is present, must not specify other operations',
          f'{R}[0].operations[1]: Unsupported value: "FOO": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"'}),
        (rule(apiGroups=[], apiVersions=["*", "v1"]),
         {f"{R}[0].apiGroups: Required value",
          f'{R}[0].apiVersions: Invalid value: ["*","v1"]: if \'*\' is present, must not specify other API versions'}),
        (rule(resources=["*", "pods"], scope="All"),
         {f'{R}[0].resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources without '
          "subresources",
          f'{R}[0].scope: Unsupported value: "All": supported values: "*", "Cluster", "Namespaced"'}),
        ({"matchConstraints": MATCH, "failurePolicy": "X", "variables": [{"name": "a-b", "expression": "1"}],
          "validations": [{"expression": "true", "reason": "Odd", "message": "a\nb"}]},
         {'spec.failurePolicy: Unsupported value: "X": supported values: "Fail", "Ignore"',
          'spec.variables[0].name: Invalid value: "a-b": name is not a valid CEL identifier',
          'spec.validations[0].reason: Unsupported value: "Odd": supported values: "Forbidden", "Invalid", '
          '"RequestEntityTooLarge", "Unauthorized"',
          'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks'}),
    ],
)  # fmt: skip
def test_a_policy_is_refused(cluster: Cluster, spec: dict[str, Any], wanted: set[str]) -> None:
    assert refusals(cluster, "validatingadmissionpolicies", {"spec": spec}) == wanted


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({}, {"spec.policyName: Required value",
              "spec.validationActions: Required value: at least one validation action is required"}),
        ({"policyName": "p", "validationActions": ["Deny", "Warn"], "paramRef": {}},
         {'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same '
          "validation failure information in the API response and headers serves no purpose)",
          "spec.paramRef: Required value: one of name or selector must be specified",
          "spec.paramRef.parameterNotFoundAction: Required value"}),
        ({"policyName": "p", "validationActions": ["Odd", "Odd"]},
         {'spec.validationActions[0]: Unsupported value: "Odd": supported values: "Audit", "Deny", "Warn"',
          'spec.validationActions[1]: Unsupported value: "Odd": supported values: "Audit", "Deny", "Warn"',
          'spec.validationActions[1]: Duplicate value: "Odd"'}),
    ],
)  # fmt: skip
def test_a_binding_is_refused(cluster: Cluster, spec: dict[str, Any], wanted: set[str]) -> None:
    assert refusals(cluster, "validatingadmissionpolicybindings", {"spec": spec}) == wanted


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"clientConfig": {"url": "http://h/x?q#f"}, "admissionReviewVersions": ["v2"]},
         {'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
          "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: "
          "https://host[/path]",
          'webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL; desired format: '
          "https://host[/path]",
          'webhooks[0].clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL; desired format: '
          "https://host[/path]"}),
        ({"rules": [{**RULE, "resources": ["a/*", "a/b"]}], "failurePolicy": "Odd"},
         {"webhooks[0].rules[0].resources[1]: Invalid value: \"a/b\": if 'a/*' is present, must not specify a/b",
          'webhooks[0].failurePolicy: Unsupported value: "Odd": supported values: "Fail", "Ignore"'}),
    ],
)  # fmt: skip
def test_a_webhook_is_refused(cluster: Cluster, more: dict[str, Any], wanted: set[str]) -> None:
    assert refusals(cluster, "validatingwebhookconfigurations", {"webhooks": [hook(**more)]}) == wanted


def test_a_missing_field_is_told_as_cel_does(cluster: Cluster) -> None:
    maps = [{**RULE, "resources": ["configmaps"]}]
    spec = {"matchConstraints": {"resourceRules": maps}, "validations": [{"expression": "object.data.x == 'y'"}]}
    assert cluster.ask("POST", f"{GROUP}/validatingadmissionpolicies", {"metadata": {"name": "v"}, "spec": spec})[0] == 201
    bound = {"metadata": {"name": "b"}, "spec": {"policyName": "v", "validationActions": ["Deny"]}}
    assert cluster.ask("POST", f"{GROUP}/validatingadmissionpolicybindings", bound)[0] == 201
    cluster.pause()
    _, answer = cluster.ask("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}})
    assert answer["message"].endswith("expression 'object.data.x == 'y'' resulted in error: no such key: data")
