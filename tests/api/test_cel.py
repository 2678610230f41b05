"""What Kubernetes adds to CEL, and policies and custom resources that use it."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import cel, celtypes
from tests.api.conftest import Cluster

POLICIES = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("quantity('1Gi').isGreaterThan(quantity('500M'))", True),
        ("quantity('1000m') == quantity('1') && quantity('50k').add(20).compareTo(quantity('50020')) == 0", True),
        ("quantity('1.5').isInteger() || isQuantity('1Gx')", False),
        ("[quantity('3Ki').asInteger(), quantity('-1').sign()]", [3072, -1]),
        ("ip('10.0.0.1').family() == 4 && ip('::1').isLoopback() && !isIP('300.0.0.1')", True),
        ("ip.isCanonical('2001:DB8::1')", False),
        ("cidr('10.0.0.0/8').containsIP('10.2.3.4') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", True),
        ("cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')", True),
        ("string(cidr('10.1.2.3/8').ip()) + string(cidr('10.1.2.3/8').prefixLength())", "10.1.2.38"),
        ("url('https://a.B:80/d?x=1&x=2').getHost() + url('https://a.B:80/d').getHostname()", "a.B:80a.B"),
        ("url('https://a/d?x=1&x=2').getQuery()", {"x": ["1", "2"]}),
        ("isURL('../x') || isURL('a b')", False),
        ("semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))", True),
        ("semver('v1.2', true) == semver('1.2.0') && !isSemver('1.2')", True),
        ("sets.contains([1, 2, 3], [2]) && sets.intersects(['a'], ['a', 'b']) && sets.equivalent([1, 1], [1])", True),
        ("'abc 123 def 456'.findAll('[0-9]+', 1) + ['x'.find('[0-9]+')]", ["123", ""]),
        ("[[1, 2].sum(), [1, 5].max(), [3, 4].min(), [2, 1, 2].lastIndexOf(2)]", [3, 5, 3, 2]),
        ("['a', 'b'].isSorted() && 'abc'.contains('b')", True),
        ("'%s: %d, %.2f, %s, %x'.format(['a', 3, 2.5, [1, true], 255])", "a: 3, 2.50, [1, true], ff"),
        ("format.dns1123Label().validate('a_b').hasValue()", True),
        ("format.named('dns1123Subdomain').value().validate('a.b').hasValue()", False),
        ("'a,b,c'.split(',', 2).join('|').upperAscii()", "A|B,C"),
    ],
)
def test_what_an_expression_says(source: str, value: Any) -> None:
    assert cel.program(source).run({}) == value


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("quantity('zz')", "quantity parse error: quantities must match the regular expression"),
        ("ip('300.1.1.1')", "IP Address '300.1.1.1' parse error during conversion from string"),
        ("[].min()", "min called on empty list"),
        ("'abc'.substring(1, 9)", "index out of range: 9"),
        ("nobody(1)", "undeclared reference to 'nobody' (in container '')"),
    ],
)
def test_why_an_expression_has_no_value(source: str, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(cel.CelFailure) as failure:
        cel.program(source).run({})
    assert str(failure.value).startswith(words)
    assert capfd.readouterr().err == ""


def _policy(cluster: Cluster, *validations: dict[str, Any], **more: Any) -> tuple[int, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": list(validations), **more}
    return cluster.ask("POST", f"{POLICIES}/validatingadmissionpolicies", {"metadata": {"name": "p"}, "spec": spec})


def test_a_policy_asks_what_else_somebody_may_do(cluster: Cluster) -> None:
    asked = "authorizer.group('apps').resource('deployments').namespace(object.metadata.namespace).check('%s').allowed()"
    assert _policy(cluster, {"expression": asked % "get"},
                   {"expression": "authorizer.serviceAccount('default', 'default').group('').resource('pods').check('get')"
                                  ".allowed()", "message": "its account may not see pods"})[0] == 201  # fmt: skip
    bound = {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}}
    assert cluster.ask("POST", f"{POLICIES}/validatingadmissionpolicybindings", bound)[0] == 201
    cluster.pause()
    code, answer = cluster.ask("POST", MAPS, {"metadata": {"name": "c"}})
    assert (code, answer["message"].rpartition(": ")[2]) == (422, "its account may not see pods")


def test_a_policy_that_names_what_there_is_not_is_refused(cluster: Cluster) -> None:
    code, answer = _policy(cluster, {"expression": "object.spec.size() > 0 &&\n params.max > 1"})
    assert code == 422
    assert answer["details"]["causes"][0]["message"].endswith(
        "compilation failed: ERROR: <input>:2:2: undeclared reference to 'params' (in container '')\n |  params.max > 1\n | .^"
    )
    assert _policy(cluster, {"expression": "params.max > 1"}, paramKind={"apiVersion": "v1", "kind": "ConfigMap"})[0] == 201


APPLIED = """Object{
  metadata: Object.metadata{labels: {"team": object.metadata.?x.size() > 0 ? 'a{b' : 'c'}}, // a comment: {
  data: {'k': JSONPatch{op: "add", value: [Object.spec{x: 1}]}.op}
}"""


def test_typed_literals_are_maps() -> None:
    made = celtypes.untyped(APPLIED.replace(".?x", ".name"))
    assert cel.program(made).run({"object": {"metadata": {"name": "n"}}}) == {
        "metadata": {"labels": {"team": "a{b"}}, "data": {"k": "add"},
    }  # fmt: skip


def _mutating(cluster: Cluster, name: str, *mutations: dict[str, Any], **more: Any) -> None:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "mutations": list(mutations), "reinvocationPolicy": "Never", **more}
    body = {"metadata": {"name": name}, "spec": spec}
    code, answer = cluster.ask("POST", f"{POLICIES}/mutatingadmissionpolicies", body)
    assert code == 201, answer
    bound = {"metadata": {"name": name}, "spec": {"policyName": name}}
    assert cluster.ask("POST", f"{POLICIES}/mutatingadmissionpolicybindings", bound)[0] == 201


def test_a_policy_changes_what_is_written(cluster: Cluster) -> None:
    sidecar = """Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
        containers: [Object.spec.template.spec.containers{name: "side", image: variables.image}]}}}}"""
    _mutating(cluster, "a", {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": sidecar}},
              variables=[{"name": "image", "expression": "'proxy:1'"}],
              matchConditions=[{"name": "plain", "expression": "!object.metadata.name.startsWith('x')"}])  # fmt: skip
    label = """[JSONPatch{op: "test", path: "/metadata/labels/app", value: "web"},
        JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("ex.com/seen"), value: "yes"}]"""
    _mutating(cluster, "b", {"patchType": "JSONPatch", "jsonPatch": {"expression": label}})
    cluster.pause()

    def create(name: str, app: str) -> Any:
        labels = {"app": app}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
        spec = {"selector": {"matchLabels": labels}, "template": pod}
        return cluster.ask("POST", "/apis/apps/v1/namespaces/default/deployments",
                           {"metadata": {"name": name, "labels": labels}, "spec": spec})[1]  # fmt: skip

    made = create("web", "web")
    names = [one["name"] for one in made["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["c", "side"] and made["metadata"]["labels"] == {"app": "web", "ex.com/seen": "yes"}
    assert all(one["imagePullPolicy"] for one in made["spec"]["template"]["spec"]["containers"])
    other = create("xy", "other")
    assert len(other["spec"]["template"]["spec"]["containers"]) == 1 and other["metadata"]["labels"] == {"app": "other"}


def test_a_change_that_cannot_be_made_refuses_or_is_left_out(cluster: Cluster) -> None:
    wrong = {"patchType": "JSONPatch", "jsonPatch": {"expression": '[JSONPatch{op: "remove", path: "/nope"}]'}}
    _mutating(cluster, "wrong", wrong)
    cluster.pause()
    path = "/apis/apps/v1/namespaces/default/deployments"
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": labels}, "template": pod}}
    code, answer = cluster.ask("POST", path, body)
    assert code == 403 and "policy 'wrong' with binding 'wrong' denied request: " in answer["message"]
    ignoring = [{"op": "replace", "path": "/spec/failurePolicy", "value": "Ignore"}]
    where = f"{POLICIES}/mutatingadmissionpolicies/wrong"
    assert cluster.ask("PATCH", where, ignoring, content_type="application/json-patch+json")[0] == 200
    cluster.pause()
    assert cluster.ask("POST", path, body)[0] == 201


def test_a_mutating_policy_must_say_what_it_changes(cluster: Cluster) -> None:
    body = {"metadata": {"name": "x"}, "spec": {"mutations": [{"patchType": "JSONPatch"}, {"patchType": "Odd"}]}}
    _, answer = cluster.ask("POST", f"{POLICIES}/mutatingadmissionpolicies", body)
    assert {cause["field"] for cause in answer["details"]["causes"]} == {
        "spec.matchConstraints", "spec.reinvocationPolicy", "spec.mutations[0].jsonPatch", "spec.mutations[1].patchType",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("object.x <=", "compilation failed: ERROR: <input>:1:12: Syntax error: mismatched input '<EOF>' expecting {"),
        ("b(1)", "compilation failed: ERROR: <input>:1:2: undeclared reference to 'b' (in container '')\n | b(1)\n | .^"),
        ("[1].foo()", "compilation failed: ERROR: <input>:1:8: undeclared reference to 'foo' (in container '')"),
        ("object.x == 'bar' && bar", "compilation failed: ERROR: <input>:1:22: undeclared reference to 'bar'"),
        ("1 + 1", "must evaluate to bool"),
    ],
)
def test_what_the_compiler_says(source: str, words: str) -> None:
    with pytest.raises(cel.CelFailure) as failure:
        cel.check(source, ("object",))
    assert str(failure.value).startswith(words)


def test_a_policy_looks_at_a_status_when_it_says_so(cluster: Cluster) -> None:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments/status"]}
    spec = {"matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "object.status.replicas < 3", "message": "three is a crowd"}]}  # fmt: skip
    assert cluster.ask("POST", f"{POLICIES}/validatingadmissionpolicies", {"metadata": {"name": "p"}, "spec": spec})[0] == 201
    bound = {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}}
    assert cluster.ask("POST", f"{POLICIES}/validatingadmissionpolicybindings", bound)[0] == 201
    cluster.pause()
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    body = {"metadata": {"name": "web"}, "spec": {"replicas": 5, "selector": {"matchLabels": labels}, "template": pod}}
    path = "/apis/apps/v1/namespaces/default/deployments"
    assert cluster.ask("POST", path, body)[0] == 201
    kind = "application/merge-patch+json"
    code, answer = cluster.ask("PATCH", f"{path}/web/status", {"status": {"replicas": 3}}, content_type=kind)
    assert (code, answer["message"].rpartition(": ")[2]) == (422, "three is a crowd")
    assert cluster.ask("PATCH", f"{path}/web/status", {"status": {"replicas": 2}}, content_type=kind)[0] == 200
