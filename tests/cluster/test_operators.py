"""Operators written as rules: children, drift, status, deletion, finalizers, errors, election."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.cluster.apply import apply
from k8s_tutor.cluster.operators.install import rules_of
from k8s_tutor.cluster.operators.spec import OperatorSpec
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.operators import Operator, Rules
from k8s_tutor.controllers.operators.reconcile import Child, reconcile
from k8s_tutor.controllers.operators.rules import kind_of
from k8s_tutor.sim.detect import Detector

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: websites.ex.io}
spec:
  group: ex.io
  scope: Namespaced
  names: {plural: websites, singular: website, kind: Website}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
            status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""
OPERATOR = """
name: website-operator
watches: {apiVersion: ex.io/v1, kind: Website}
finalizer: ex.io/cleanup
children:
  - name: pages
    manifest:
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: "${self.metadata.name}"}
      spec:
        replicas: ${self.spec.replicas}
        selector: {matchLabels: {site: "${self.metadata.name}"}}
        template:
          metadata: {labels: {site: "${self.metadata.name}"}}
          spec: {containers: [{name: web, image: "nginx:${self.spec.version}"}]}
  - name: door
    when: "!has(self.spec.hidden) || !self.spec.hidden"
    manifest:
      apiVersion: v1
      kind: Service
      metadata: {name: "${self.metadata.name}"}
      spec: {selector: {site: "${self.metadata.name}"}, ports: [{port: 80}]}
  - name: texts
    each: "has(self.spec.pages) ? self.spec.pages : []"
    manifest:
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: "${self.metadata.name}-${item.name}"}
      data: {title: "${item.title}"}
  - name: record
    owned: false
    manifest:
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: "site-${self.metadata.name}", namespace: kube-public}
status:
  replicas: ${children.pages.status.readyReplicas}
  texts: ${size(children.texts)}
  address: http://${children.door.spec.clusterIP}
"""
SITE = "apiVersion: ex.io/v1\nkind: Website\nmetadata: {name: shop}\nspec: {replicas: 2, version: '1.27'}\n"


def cluster_of(text: str = OPERATOR, **spec: Any) -> Cluster:
    given = {"managers": 1, "workers": 1, "kubelets": "plain", "manifests": [yaml.safe_load(CRD)], **spec}
    return Cluster(ClusterSpec(operators=[yaml.safe_load(text)], **given))


def kubectl(cluster: Cluster, line: str, manifest: str = "") -> str:
    files = (("f.yaml", json.dumps(list(yaml.safe_load_all(manifest)))),) if manifest else ()
    cluster.give(inputs.Kubectl(line, files))
    assert cluster.settle()
    answer = cluster.view().console.answers[-1]
    return answer.stdout + answer.stderr


def _get(cluster: Cluster, what: str) -> Any:
    return json.loads(kubectl(cluster, f"get {what} -o json"))


@pytest.fixture(scope="module")
def running() -> Cluster:
    cluster = cluster_of()
    assert "created" in kubectl(cluster, "apply -f f.yaml", SITE)
    return cluster


def test_children_are_made_and_their_state_is_reported(running: Cluster) -> None:
    cluster = running.fork()
    deployment = _get(cluster, "deployment shop")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"
    owner = deployment["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Website", "shop", True)
    address = _get(cluster, "service shop")["spec"]["clusterIP"]
    status = _get(cluster, "website shop")["status"]
    assert {key: status[key] for key in ("replicas", "texts", "address")} == {
        "replicas": 2, "texts": 0, "address": f"http://{address}",
    }  # fmt: skip
    condition = status["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Synced", "True", "Reconciled")
    said = kubectl(cluster, "get events --field-selector involvedObject.kind=Website")
    assert "Created Deployment shop" in said and "Created Service shop" in said


def test_drift_is_repaired(running: Cluster) -> None:
    cluster = running.fork()
    kubectl(cluster, "scale deployment shop --replicas=5")
    assert _get(cluster, "deployment shop")["spec"]["replicas"] == 2
    kubectl(cluster, "delete service shop")
    assert _get(cluster, "service shop")["metadata"]["name"] == "shop"
    kubectl(cluster, "annotate deployment shop mine=kept")
    assert _get(cluster, "deployment shop")["metadata"]["annotations"]["mine"] == "kept"


def test_children_follow_the_spec(running: Cluster) -> None:
    cluster = running.fork()
    pages = '[{"name":"a","title":"One"},{"name":"b","title":"Two"}]'
    kubectl(cluster, f"""patch website shop --type=merge -p '{{"spec":{{"hidden":true,"pages":{pages}}}}}'""")
    assert "NotFound" in kubectl(cluster, "get service shop")
    assert _get(cluster, "configmap shop-b")["data"] == {"title": "Two"}
    assert _get(cluster, "website shop")["status"]["texts"] == 2
    assert "address" not in _get(cluster, "website shop")["status"]
    kubectl(cluster, """patch website shop --type=merge -p '{"spec":{"pages":[{"name":"a","title":"Other"}]}}'""")
    assert "NotFound" in kubectl(cluster, "get configmap shop-b")
    assert _get(cluster, "configmap shop-a")["data"] == {"title": "Other"}


def test_a_deleted_object_takes_its_children_along(running: Cluster) -> None:
    cluster = running.fork()
    record = _get(cluster, "configmap site-shop -n kube-public")
    assert record["metadata"]["annotations"] == {"k8s-tutor.dev/owner": "default/shop"}
    kubectl(cluster, "delete website shop")
    cluster.settle()
    for what in ("website shop", "deployment shop", "service shop", "configmap site-shop -n kube-public"):
        assert "NotFound" in kubectl(cluster, f"get {what}"), what


def test_a_rule_that_fails_is_told_and_mended() -> None:
    cluster = cluster_of()
    kubectl(cluster, "apply -f f.yaml", SITE.replace(", version: '1.27'", ""))
    condition = _get(cluster, "website shop")["status"]["conditions"][0]
    text = "child pages: self.spec.version: no such key: version"
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "RuleFailed", text)
    assert text in kubectl(cluster, "get events")
    kubectl(cluster, "apply -f f.yaml", SITE)
    cluster.run_until(cluster.now + 5_000_000)
    assert _get(cluster, "website shop")["status"]["conditions"][0]["status"] == "True"


def test_of_two_replicas_one_works_and_the_other_takes_over() -> None:
    cluster = cluster_of(OPERATOR.replace("name: website-operator", "name: website-operator\nreplicas: 2", 1), managers=3)
    holder = _get(cluster, "lease website-operator -n kube-system")["spec"]["holderIdentity"]
    other = {"website-operator-1": "website-operator-2", "website-operator-2": "website-operator-1"}[holder]
    cluster.give(inputs.Crash(holder))
    crashed = cluster.now
    kubectl(cluster, "apply -f f.yaml", SITE)
    assert cluster.run_until(lambda one: bool(one.view().workload.deployments), 60_000_000)
    assert 10_000_000 < cluster.now - crashed < 20_000_000
    lease = _get(cluster, "lease website-operator -n kube-system")["spec"]
    assert (lease["holderIdentity"], lease["leaseTransitions"]) == (other, 1)


def test_it_does_only_what_it_is_allowed_to() -> None:
    cluster = cluster_of()
    kubectl(cluster, "delete clusterrolebinding website-operator")
    kubectl(cluster, "apply -f f.yaml", SITE)
    cluster.run_until(cluster.now + 3_000_000)
    assert "NotFound" in kubectl(cluster, "get deployment shop")


def test_an_operator_is_installed_at_run_time_and_replays() -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1, kubelets="plain", manifests=[yaml.safe_load(CRD)]))
    cluster.give(inputs.Install(OperatorSpec.model_validate(yaml.safe_load(OPERATOR)).model_dump_json()))
    kubectl(cluster, "apply -f f.yaml", SITE)
    assert cluster.run_until(lambda one: any(d.ready == 2 for d in one.view().workload.deployments), 60_000_000)
    slower = yaml.safe_load(OPERATOR.replace("${self.spec.replicas}", "1"))
    cluster.give(inputs.Install(OperatorSpec.model_validate(slower).model_dump_json()))
    assert cluster.run_until(lambda one: any(d.ready == 1 for d in one.view().workload.deployments), 60_000_000)
    assert Cluster.load(cluster.save()).digest() == cluster.digest()
    with pytest.raises(Exception, match="this is no operator"):
        cluster.give(inputs.Install("{}"))


def test_an_operator_changes_nothing_in_place() -> None:
    world = cluster_of().world
    detector = Detector(world)
    for line in ("apply -f f.yaml", "scale deployment shop --replicas=4", "delete website shop"):
        apply(world, inputs.Kubectl(line, (("f.yaml", json.dumps([yaml.safe_load(SITE)])),)))
        for _ in range(150):
            detector.step()
    operator = world.running["website-operator-1"]
    assert isinstance(operator, Operator) and operator.rules.applied


def rules(**given: Any) -> Rules:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    child = {"name": "one", "manifest": {**manifest, **given.pop("manifest", {})}, **given}
    spec = {"name": "op", "watches": {"apiVersion": "ex.io/v1", "kind": "Website"}, "children": [child]}
    return rules_of(OperatorSpec.model_validate(spec))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"each": "self.spec.replicas"}, "must be a list of at most 100 items, not '2'"),
        ({"manifest": {"metadata": {"name": "${self.spec.replicas}"}}}, "metadata.name is no text"),
        ({"manifest": {"metadata": {"name": "c", "labels": "${self.spec.version}"}}}, "metadata.labels must be a mapping"),
        ({"manifest": {"metadata": {"name": "c", "namespace": "other"}}}, "lies in namespace other, its owner in default"),
        ({"when": "self.spec.version + 1 == 2"}, "Unsupported operation"),
    ],
)
def test_rules_that_fail_on_an_object(given: dict[str, Any], text: str) -> None:
    site = {**yaml.safe_load(SITE), "metadata": {"name": "shop", "namespace": "default", "uid": "u", "resourceVersion": "1"}}
    decision = reconcile(rules(**given), site, {}, {}, Clock(0))
    assert decision.failed
    (event,) = decision.events
    assert event.text.startswith("child one: ") and text in event.text
    (write,) = decision.writes
    condition = write.tree["status"]["conditions"][0] if write.tree else {}
    assert (condition["status"], condition["message"]) == ("False", event.text)


def test_a_child_of_somebody_else_is_left_alone() -> None:
    site = {**yaml.safe_load(SITE), "metadata": {"name": "shop", "namespace": "default", "uid": "u", "resourceVersion": "1"}}
    other = {"kind": "Website", "name": "rival", "uid": "v", "controller": True}
    tree = {"metadata": {"name": "c", "namespace": "default", "ownerReferences": [other]}}
    child = Child(kind_of("v1", "ConfigMap"), tree)
    decision = reconcile(rules(), site, {child.key: child}, {}, Clock(0))
    assert decision.events[0].text == (
        "child one: Object default/c is already owned by another Website controller rival"
    )
