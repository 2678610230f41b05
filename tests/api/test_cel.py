"""What Kubernetes adds to CEL, and policies and custom resources that use it."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import cel
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
