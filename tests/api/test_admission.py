"""Admission: what it adds, and what it refuses, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import scheme
from k8s_tutor.api.admission import podsecurity, quota
from tests.api.conftest import Cluster

PODS = "/api/v1/namespaces/default/pods"
NAMESPACE = "/api/v1/namespaces/default"


def pod(name: str = "p", container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx", **(container or {})}], **spec}}


def claim(size: str) -> dict[str, Any]:
    return {"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}}


def put(cluster: Cluster, path: str, tree: dict[str, Any]) -> dict[str, Any]:
    code, found = cluster.ask("POST", path, tree)
    assert code == 201, found
    cluster.pause()
    return found  # type: ignore[no-any-return]


def refusal(cluster: Cluster, path: str, tree: dict[str, Any], code: int = 403) -> str:
    found, body = cluster.ask("POST", path, tree)
    assert found == code, body
    return body["message"]  # type: ignore[no-any-return]


def test_a_pod_works_as_an_account_that_is_there(cluster: Cluster) -> None:
    assert refusal(cluster, PODS, pod(serviceAccountName="ghost")) == (
        'pods "p" is forbidden: error looking up service account default/ghost: serviceaccount "ghost" not found'
    )
    put(cluster, f"{NAMESPACE}/serviceaccounts", {
        "metadata": {"name": "quiet"}, "automountServiceAccountToken": False, "imagePullSecrets": [{"name": "hub"}],
    })  # fmt: skip
    made = put(cluster, PODS, pod("a", serviceAccountName="quiet"))["spec"]
    assert (made["imagePullSecrets"], made["serviceAccount"]) == ([{"name": "hub"}], "quiet")
    assert "volumes" not in made
    assert "volumes" in put(cluster, PODS, pod("b", serviceAccountName="quiet", automountServiceAccountToken=True))["spec"]


def test_generated_pods_go_the_same_way_as_single_ones(cluster: Cluster) -> None:
    tree = {**pod(), "metadata": {"generateName": "p-"}}
    put(cluster, PODS, tree)
    put(cluster, f"{NAMESPACE}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [
        {"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "100m"}}]}})  # fmt: skip
    container = put(cluster, PODS, tree)["spec"]["containers"][0]
    assert container["resources"] == {"limits": {"cpu": "1"}, "requests": {"cpu": "100m"}}


def test_limit_ranges_fill_and_check(cluster: Cluster) -> None:
    put(cluster, f"{NAMESPACE}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [
        {"type": "Container", "default": {"cpu": "200m", "memory": "128Mi"}, "defaultRequest": {"cpu": "100m"},
         "min": {"memory": "64Mi"}, "max": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "4"}},
        {"type": "Pod", "max": {"memory": "1Gi"}},
        {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}}]}})  # fmt: skip
    made = put(cluster, PODS, pod())
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c"
    )
    resources = {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
    text = refusal(cluster, PODS, pod("q", {"resources": resources}))
    assert text.startswith('pods "q" is forbidden: [')
    for part in (
        "minimum memory usage per Container is 64Mi, but request is 32Mi",
        "maximum cpu usage per Container is 1, but limit is 2",
        "cpu max limit to request ratio per Container is 4, but provided ratio is 20.000000",
        "maximum memory usage per Pod is 1Gi, but limit is 2Gi",
    ):  # fmt: skip
        assert part in text
    claims = f"{NAMESPACE}/persistentvolumeclaims"
    assert refusal(cluster, claims, claim("3Gi")) == (
        'persistentvolumeclaims "v" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi'
    )


def test_priority_comes_from_the_class(cluster: Cluster) -> None:
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    assert refusal(cluster, PODS, pod(priorityClassName="x")) == 'pods "p" is forbidden: no PriorityClass with name x was found'
    put(cluster, classes, {"metadata": {"name": "usual"}, "value": 7, "globalDefault": True})
    made = put(cluster, PODS, pod())["spec"]
    assert (made["priority"], made["priorityClassName"]) == (7, "usual")
    text = refusal(cluster, PODS, pod("q", priority=8))
    assert "must not be provided in pod spec; priority admission controller computed 7" in text
    other = {"metadata": {"name": "other"}, "value": 8, "globalDefault": True}
    assert refusal(cluster, classes, other) == (
        'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one '
        "default can exist"
    )


def test_classes_that_are_the_default_are_filled_in(cluster: Cluster) -> None:
    marked = {"storageclass.kubernetes.io/is-default-class": "true"}
    put(cluster, "/apis/storage.k8s.io/v1/storageclasses", {
        "metadata": {"name": "fast", "annotations": marked}, "provisioner": "x/y",
    })  # fmt: skip
    put(cluster, "/apis/networking.k8s.io/v1/ingressclasses", {
        "metadata": {"name": "edge", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": "x/y"},
    })  # fmt: skip
    made = put(cluster, f"{NAMESPACE}/persistentvolumeclaims", claim("1Gi"))
    assert made["spec"]["storageClassName"] == "fast"
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    ingress = {"metadata": {"name": "i"}, "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}}
    path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
    assert put(cluster, path, ingress)["spec"]["ingressClassName"] == "edge"


def test_a_runtime_class_adds_its_overhead(cluster: Cluster) -> None:
    text = refusal(cluster, PODS, pod(runtimeClassName="vm"))
    assert text == 'pods "p" is forbidden: pod rejected: RuntimeClass "vm" not found'
    put(cluster, "/apis/node.k8s.io/v1/runtimeclasses", {
        "metadata": {"name": "vm"}, "handler": "vm", "overhead": {"podFixed": {"cpu": "10m"}},
        "scheduling": {"nodeSelector": {"vm": "yes"}},
    })  # fmt: skip
    made = put(cluster, PODS, pod(runtimeClassName="vm"))["spec"]
    assert (made["overhead"], made["nodeSelector"]) == ({"cpu": "10m"}, {"vm": "yes"})


RESTRICTED = {
    "securityContext": {
        "allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}  # fmt: skip


def test_pod_security_enforces_warns_and_looks_back(cluster: Cluster) -> None:
    put(cluster, PODS, pod("old"))
    prefix = "pod-security.kubernetes.io/"
    labels = {f"{prefix}enforce": "restricted", f"{prefix}enforce-version": "v1.36", f"{prefix}warn": "restricted"}
    assert cluster.merge(NAMESPACE, {"metadata": {"labels": labels}})[0] == 200
    assert cluster.warnings == (
        'existing pods in namespace "default" violate the new PodSecurity enforce level "restricted:v1.36"',
        "old: allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile",
    )
    cluster.pause()
    assert refusal(cluster, PODS, pod()) == (
        'pods "p" is forbidden: violates PodSecurity "restricted:v1.36": allowPrivilegeEscalation != false (container "c" must '
        'set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set '
        'securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set '
        'securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set '
        'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    )
    put(cluster, PODS, pod("good", RESTRICTED))
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    deployment = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    put(cluster, "/apis/apps/v1/namespaces/default/deployments", deployment)
    assert cluster.warnings[0].startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation')
    wrong = {"metadata": {"name": "x", "labels": {f"{prefix}enforce": "strict"}}}
    assert "must be one of privileged, baseline, restricted" in refusal(cluster, "/api/v1/namespaces", wrong, 422)


@pytest.mark.parametrize(("spec", "words"), [
    ({"hostNetwork": True, "hostPID": True}, "host namespaces (hostNetwork=true, hostPID=true)"),
    ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "v")'),
    ({"containers": [{"name": "c", "ports": [{"hostPort": 80}]}]}, 'hostPort (container "c" uses hostPort 80)'),
    ({"containers": [{"name": name, "securityContext": {"privileged": True}} for name in "ab"]},
     'privileged (containers "a", "b" must not set securityContext.privileged=true)'),
    ({"containers": [{"name": "c", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}]},
     'non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)'),
    ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
     'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")'),
    ({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}, "forbidden sysctls (kernel.msgmax)"),
    ({}, ""),
])  # fmt: skip
def test_what_the_baseline_refuses(spec: dict[str, Any], words: str) -> None:
    found = podsecurity.findings({"spec": {"containers": [{"name": "c"}], **spec}}, "baseline")
    assert ", ".join(one.words for one in found) == words


def set_quota(cluster: Cluster, hard: dict[str, str], used: dict[str, str], **spec: Any) -> None:
    quotas = f"{NAMESPACE}/resourcequotas"
    put(cluster, quotas, {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}})
    status = {"metadata": {"name": "q"}, "status": {"hard": hard, "used": used}}
    assert cluster.merge(f"{quotas}/q/status", status)[0] == 200
    cluster.pause()


def test_quotas_count_what_comes(cluster: Cluster) -> None:
    set_quota(cluster, {"pods": "2", "requests.cpu": "1"}, {"pods": "1", "requests.cpu": "300m"})
    assert refusal(cluster, PODS, pod()) == 'pods "p" is forbidden: failed quota: q: must specify requests.cpu for: c'
    half = {"resources": {"requests": {"cpu": "500m"}}}
    put(cluster, PODS, pod("a", half))
    _, found = cluster.ask("GET", f"{NAMESPACE}/resourcequotas/q")
    assert found["status"]["used"] == {"pods": "2", "requests.cpu": "800m"}
    assert refusal(cluster, PODS, pod("b", half)) == (
        'pods "b" is forbidden: exceeded quota: q, requested: pods=1,requests.cpu=500m, used: pods=2,requests.cpu=800m, '
        "limited: pods=2,requests.cpu=1"
    )
    assert cluster.ask("POST", f"{PODS}?dryRun=All", pod("c", half))[0] == 403


def test_two_at_once_cannot_share_the_last_place(cluster: Cluster) -> None:
    set_quota(cluster, {"configmaps": "3"}, {"configmaps": "2"})
    maps = f"{NAMESPACE}/configmaps"
    calls = [cluster.send("POST", maps, {"metadata": {"name": name}}) for name in ("a", "b", "c")]
    cluster.pause(1_000_000)
    assert sorted(cluster.client.answers[call].code for call in calls) == [201, 403, 403]


def test_quotas_count_what_an_update_adds_and_takes_away(cluster: Cluster) -> None:
    set_quota(cluster, {"services": "2", "services.nodeports": "1"}, {"services": "0", "services.nodeports": "0"})
    services, ports = f"{NAMESPACE}/services", [{"name": "a", "port": 80}, {"name": "b", "port": 81}]

    def used() -> dict[str, str]:
        cluster.pause()
        found: dict[str, str] = cluster.ask("GET", f"{NAMESPACE}/resourcequotas/q")[1]["status"]["used"]
        return found

    for name in ("s", "t"):
        put(cluster, services, {"metadata": {"name": name}, "spec": {"ports": ports[:1]}})
    assert used() == {"services": "2", "services.nodeports": "0"}
    assert cluster.merge(f"{services}/s", {"spec": {"type": "NodePort"}})[0] == 200
    assert used() == {"services": "2", "services.nodeports": "1"}
    assert cluster.merge(f"{services}/s", {"metadata": {"labels": {"a": "b"}}})[0] == 200
    assert used() == {"services": "2", "services.nodeports": "1"}
    code, answer = cluster.merge(f"{services}/t", {"spec": {"type": "NodePort", "ports": ports}})
    assert (code, answer["message"]) == (403, (
        'services "t" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=1, '
        "limited: services.nodeports=1"
    ))  # fmt: skip
    assert cluster.merge(f"{services}/s?dryRun=All", {"spec": {"type": "ClusterIP"}})[0] == 200
    assert used() == {"services": "2", "services.nodeports": "1"}
    assert cluster.merge(f"{services}/s", {"spec": {"type": "ClusterIP"}})[0] == 200
    assert used() == {"services": "2", "services.nodeports": "0"}


def test_a_pod_that_is_resized_is_charged_the_difference(cluster: Cluster) -> None:
    set_quota(cluster, {"requests.cpu": "1"}, {"requests.cpu": "0"})
    put(cluster, PODS, pod("a", {"resources": {"requests": {"cpu": "300m"}}}))

    def resize(cpu: str) -> tuple[int, Any]:
        change = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}}
        return cluster.ask("PATCH", f"{PODS}/a/resize", change, content_type="application/strategic-merge-patch+json")

    code, answer = resize("1200m")
    assert code == 403
    assert "requested: requests.cpu=900m, used: requests.cpu=300m, limited: requests.cpu=1" in answer["message"]
    assert resize("800m")[0] == 200
    cluster.pause()
    assert cluster.ask("GET", f"{NAMESPACE}/resourcequotas/q")[1]["status"]["used"] == {"requests.cpu": "800m"}


def test_scopes_choose_which_pods_count(cluster: Cluster) -> None:
    set_quota(cluster, {"pods": "0"}, {"pods": "0"}, scopes=["BestEffort"])
    assert "exceeded quota" in refusal(cluster, PODS, pod())
    put(cluster, PODS, pod("b", {"resources": {"requests": {"cpu": "1m"}}}))


@pytest.mark.parametrize(("kind", "tree", "expected"), [
    ("Service", {"spec": {"type": "LoadBalancer", "ports": [{}, {}]}},
     {"count/services": 1, "services": 1, "services.nodeports": 2, "services.loadbalancers": 1}),
    ("Deployment", {"spec": {}}, {"count/deployments.apps": 1}),
    ("PersistentVolumeClaim", {"spec": {"storageClassName": "f", "resources": {"requests": {"storage": "2"}}}},
     {"count/persistentvolumeclaims": 1, "persistentvolumeclaims": 1, "requests.storage": 2,
      "f.storageclass.storage.k8s.io/requests.storage": 2, "f.storageclass.storage.k8s.io/persistentvolumeclaims": 1}),
])  # fmt: skip
def test_what_an_object_counts_for(kind: str, tree: dict[str, Any], expected: dict[str, int]) -> None:
    found = quota.counts(scheme.resource(kind), tree)
    assert {name: nanos // 1_000_000_000 for name, nanos in found.items()} == expected


GROUP = "/apis/admissionregistration.k8s.io/v1"


def policy(cluster: Cluster, actions: list[str], **spec: Any) -> None:
    operations = ["CREATE", "UPDATE", "DELETE"]
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": ["configmaps"]}]
    put(cluster, f"{GROUP}/validatingadmissionpolicies", {
        "metadata": {"name": "p"}, "spec": {"matchConstraints": {"resourceRules": rules}, **spec}})  # fmt: skip
    put(cluster, f"{GROUP}/validatingadmissionpolicybindings", {
        "metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": actions}})  # fmt: skip


def test_a_policy_denies_in_its_own_words(cluster: Cluster) -> None:
    policy(cluster, ["Deny"], validations=[
        {"expression": "request.operation == 'DELETE' || has(object.data)", "message": "say something", "reason": "Forbidden"},
        {"expression": "request.operation != 'DELETE' || oldObject.metadata.name != 'kept'",
         "messageExpression": "'do not touch ' + oldObject.metadata.name"},
    ])  # fmt: skip
    maps = f"{NAMESPACE}/configmaps"
    code, found = cluster.ask("POST", maps, {"metadata": {"name": "a"}})
    text = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: say something"
    assert (code, found["reason"], found["message"]) == (403, "Forbidden", f'configmaps "a" is forbidden: {text}')
    assert found["details"] == {"name": "a", "kind": "configmaps", "causes": [{"message": text}]}
    put(cluster, maps, {"metadata": {"name": "kept"}, "data": {"k": "v"}})
    code, found = cluster.ask("DELETE", f"{maps}/kept")
    assert (code, found["reason"]) == (422, "Invalid")
    assert found["message"].endswith("denied request: do not touch kept")
    assert cluster.ask("POST", f"{NAMESPACE}/secrets", {"metadata": {"name": "free"}})[0] == 201


def test_a_policy_may_only_warn_or_fail_open(cluster: Cluster) -> None:
    policy(cluster, ["Warn"], validations=[{"expression": "object.metadata.name.startsWith('x')"}])
    put(cluster, f"{NAMESPACE}/configmaps", {"metadata": {"name": "a"}})
    assert cluster.warnings == (
        "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: "
        "object.metadata.name.startsWith('x')",
    )


@pytest.mark.parametrize(("failure", "code"), [("Fail", 422), ("Ignore", 201)])
def test_what_cannot_be_evaluated_is_refused_unless_failures_are_ignored(cluster: Cluster, failure: str, code: int) -> None:
    policy(cluster, ["Deny"], failurePolicy=failure, validations=[{"expression": "object.data.nowhere == 'x'"}])
    assert cluster.ask("POST", f"{NAMESPACE}/configmaps", {"metadata": {"name": "a"}})[0] == code
