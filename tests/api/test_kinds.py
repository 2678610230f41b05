"""Further kinds: what is filled in, what is refused, and two versions of one object."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import quantity
from tests.api.conftest import Cluster
from tests.api.test_defaults import create

SPEC: dict[str, Any] = {"containers": [{"name": "c", "image": "nginx:1"}]}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": {"app": "a"}}, "spec": SPEC}
CHOSEN = {"matchLabels": {"app": "a"}}
NAME = {"name": "x"}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": NAME, "spec": {**SPEC, "automountServiceAccountToken": False, **spec}}


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "c", "image": "nginx:1", **fields}])


def job(**spec: Any) -> dict[str, Any]:
    return {"metadata": NAME, "spec": {"template": {"spec": {**SPEC, "restartPolicy": "Never"}}, **spec}}


def at(tree: Any, path: str) -> Any:
    for step in path.split("."):
        tree = tree[int(step)] if step.isdigit() else tree[step]
    return tree


FILLED: list[tuple[str, dict[str, Any], str, Any]] = [
    ("Pod", container(livenessProbe={"grpc": {"port": 1}}), "spec.containers.0.livenessProbe",
     {"grpc": {"port": 1, "service": ""}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
      "failureThreshold": 3}),
    ("Pod", container(lifecycle={"preStop": {"httpGet": {"port": 80}}}), "spec.containers.0.lifecycle.preStop.httpGet",
     {"port": 80, "path": "/", "scheme": "HTTP"}),
    ("Pod", container(env=[{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]),
     "spec.containers.0.env.0.valueFrom.resourceFieldRef", {"resource": "limits.cpu", "divisor": "0"}),
    ("Pod", container(resources={"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}),
     "spec.containers.0.resources.requests", {"cpu": "100m", "memory": "1Gi"}),
    ("Pod", pod(volumes=[{"name": "v"}]), "spec.volumes.0", {"name": "v", "emptyDir": {}}),
    ("Pod", pod(volumes=[{"name": "v", "iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2000-01.a.b:c", "lun": 0}}]),
     "spec.volumes.0.iscsi.iscsiInterface", "default"),
    ("Pod", pod(volumes=[{"name": "v", "configMap": {"name": "c"}}]), "spec.volumes.0.configMap",
     {"name": "c", "defaultMode": 420}),
    ("Pod", pod(hostNetwork=True, containers=[{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]),
     "spec.containers.0.ports.0", {"containerPort": 80, "protocol": "TCP", "hostPort": 80}),
    ("Pod", pod(resources={"limits": {"cpu": "1"}}), "spec.resources", {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}),
    ("Job", job(), "spec.completions", 1),
    ("Job", job(parallelism=2), "spec.parallelism", 2),
    ("Job", job(podFailurePolicy={"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}),
     "spec.podReplacementPolicy", "Failed"),
    ("CronJob", {"metadata": NAME, "spec": {"schedule": "* * * * *", "jobTemplate": job()}}, "spec.failedJobsHistoryLimit", 1),
    ("DaemonSet", {"metadata": NAME, "spec": {"selector": CHOSEN, "template": TEMPLATE}}, "metadata.annotations",
     {"deprecated.daemonset.template.generation": "1"}),
    ("DaemonSet", {"metadata": NAME, "spec": {"selector": CHOSEN, "template": TEMPLATE}}, "spec.updateStrategy",
     {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}),
    ("StatefulSet", {"metadata": NAME, "spec": {"selector": CHOSEN, "template": TEMPLATE,
     "updateStrategy": {"type": "OnDelete"}}}, "spec.updateStrategy", {"type": "OnDelete"}),
    ("LimitRange", {"metadata": NAME, "spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1"}}]}},
     "spec.limits.0", {"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1"}, "default": {"cpu": "2"},
      "defaultRequest": {"cpu": "2"}}),
    ("PersistentVolumeClaim", {"metadata": NAME, "spec": {"accessModes": ["ReadWriteOnce"], "dataSource":
     {"kind": "PersistentVolumeClaim", "name": "o"}, "resources": {"requests": {"storage": "1Gi"}}}}, "spec.dataSourceRef",
     {"kind": "PersistentVolumeClaim", "name": "o", "apiGroup": None}),
    ("PodDisruptionBudget", {"metadata": NAME, "spec": {"minAvailable": 1}}, "status",
     {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}),
    ("EndpointSlice", {"metadata": NAME, "addressType": "IPv4", "endpoints": [{"addresses": ["1.2.3.4"]}]}, "endpoints.0",
     {"addresses": ["1.2.3.4"], "conditions": {}}),
    ("NetworkPolicy", {"metadata": NAME, "spec": {"podSelector": {}, "egress": [{}]}}, "spec.policyTypes",
     ["Ingress", "Egress"]),
    ("Service", {"metadata": NAME, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}, "spec.ipFamilies",
     ["IPv4", "IPv6"]),
    ("Service", {"metadata": NAME, "spec": {"sessionAffinity": "ClientIP", "ports": [{"port": 80}]}},
     "spec.sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}}),
    ("CSIDriver", {"metadata": NAME, "spec": {}}, "spec.volumeLifecycleModes", ["Persistent"]),
    ("ValidatingWebhookConfiguration", {"metadata": NAME, "webhooks": [{"name": "a.b.c", "sideEffects": "None",
     "admissionReviewVersions": ["v1"], "clientConfig": {"service": {"namespace": "n", "name": "s"}}}]},
     "webhooks.0.clientConfig.service.port", 443),
    ("PriorityLevelConfiguration", {"metadata": NAME, "spec": {"type": "Limited", "limited": {"limitResponse":
     {"type": "Queue", "queuing": {}}}}}, "spec.limited.limitResponse.queuing",
     {"queues": 64, "handSize": 8, "queueLengthLimit": 50}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "tree", "path", "value"), FILLED, ids=[f"{row[0]}.{row[2]}" for row in FILLED])
def test_what_nobody_said_is_filled_in(kind: str, tree: dict[str, Any], path: str, value: Any) -> None:
    assert at(create(kind, tree, "default"), path) == value


POD = "/api/v1/namespaces/default/pods"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("/apis/batch/v1/namespaces/default/jobs", {"metadata": NAME, "spec": {"template": {"spec": SPEC}}},
     'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'),
    ("/apis/batch/v1/namespaces/default/jobs", job(completionMode="Indexed", parallelism=1),
     "spec.completions: Required value: when completion mode is Indexed"),
    ("/apis/batch/v1/namespaces/default/cronjobs", {"metadata": NAME, "spec": {"schedule": "* * *", "jobTemplate": job()}},
     'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]'),
    ("/apis/apps/v1/namespaces/default/daemonsets", {"metadata": NAME, "spec": {"selector": CHOSEN, "template": TEMPLATE,
     "updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}},
     "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"),
    ("/apis/apps/v1/namespaces/default/statefulsets", {"metadata": NAME, "spec": {"selector": CHOSEN, "template": TEMPLATE,
     "podManagementPolicy": "Any"}}, "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'"),
    ("/api/v1/namespaces/default/persistentvolumeclaims", {"metadata": NAME, "spec": {}},
     "spec.accessModes: Required value: at least 1 access mode is required"),
    ("/api/v1/persistentvolumes", {"metadata": NAME, "spec": {"capacity": {"storage": "1Gi"},
     "accessModes": ["ReadWriteOnce"]}}, "spec: Required value: must specify a volume type"),
    ("/apis/networking.k8s.io/v1/namespaces/default/ingresses", {"metadata": NAME, "spec": {}},
     "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"),
    ("/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", {"metadata": NAME, "spec": {"podSelector": {},
     "ingress": [{"from": [{}]}]}}, "spec.ingress[0].from[0]: Required value: must specify a peer"),
    ("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", {"metadata": NAME, "spec": {"maxReplicas": 0,
     "scaleTargetRef": {"kind": "Deployment", "name": "d"}}},
     "spec.maxReplicas: Invalid value: 0: must be greater than 0"),
    ("/apis/policy/v1/namespaces/default/poddisruptionbudgets", {"metadata": NAME, "spec": {"minAvailable": "x%"}},
     "spec.minAvailable: Invalid value: \"x%\": a valid percent string must be a numeric string followed by an ending '%' "
     "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"),
    ("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", {"metadata": NAME, "rules": [{"verbs": ["get"]}]},
     "rules[0].apiGroups: Required value: resource rules must supply at least one api group"),
    ("/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": "system-x"}, "value": 1},
     "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x "
     "is not a known system priority class"),
    ("/apis/storage.k8s.io/v1/storageclasses", {"metadata": NAME, "provisioner": "x.io/y", "reclaimPolicy": "Recycle"},
     'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'),
    ("/api/v1/namespaces/default/secrets", {"metadata": NAME, "type": "kubernetes.io/tls", "data": {"tls.crt": ""}},
     "data[tls.key]: Required value"),
    (POD, pod(volumes=[{"name": "v", "configMap": {}}]), "spec.volumes[0].configMap.name: Required value"),
    (POD, pod(topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]),
     "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"),
    (POD, container(securityContext={"privileged": True, "allowPrivilegeEscalation": False}),
     'spec.containers[0].securityContext: Invalid value: {"Capabilities":null,"Privileged":true,"SELinuxOptions":null,'
     '"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,'
     '"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}: cannot set '
     "`allowPrivilegeEscalation` to false and `privileged` to true"),
    (POD, container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]),
     'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: '
     '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", '
     '"status.hostIPs", "status.podIP", "status.podIPs"'),
]  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Cluster:
    return Cluster()


@pytest.mark.parametrize(("path", "body", "text"), REFUSED, ids=[row[2][:40] for row in REFUSED])
def test_each_mistake_is_told(shared: Cluster, path: str, body: dict[str, Any], text: str) -> None:
    code, answer = shared.ask("POST", path, body)
    assert code == 422, answer
    told = [f"{cause['field']}: {cause['message']}" for cause in answer["details"]["causes"]]
    assert text in told


def test_an_autoscaler_of_either_version_is_one_object(cluster: Cluster) -> None:
    one, two = (f"/apis/autoscaling/v{n}/namespaces/default/horizontalpodautoscalers" for n in (1, 2))
    spec = {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d"}, "targetCPUUtilizationPercentage": 50}
    assert cluster.ask("POST", one, {"metadata": NAME, "spec": spec})[1]["spec"]["targetCPUUtilizationPercentage"] == 50
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    assert cluster.ask("GET", f"{two}/x")[1]["spec"]["metrics"] == [metric]
    pods = {"type": "Pods", "pods": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "1"}}}
    cluster.merge(f"{two}/x", {"spec": {"metrics": [pods]}})
    seen = cluster.ask("GET", f"{one}/x")[1]
    assert "targetCPUUtilizationPercentage" not in seen["spec"]
    assert list(seen["metadata"]["annotations"]) == ["autoscaling.alpha.kubernetes.io/metrics"]
    cluster.merge(f"{one}/x", {"spec": {"maxReplicas": 5}})
    after = cluster.ask("GET", f"{two}/x")[1]
    assert (after["spec"]["metrics"], after["spec"]["maxReplicas"], "annotations" in after["metadata"]) == ([pods], 5, False)


def test_an_event_of_either_group_is_one_object(cluster: Cluster) -> None:
    new = "/apis/events.k8s.io/v1/namespaces/default/events"
    event = {
        "metadata": NAME, "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "x.io/y", "action": "a",
        "reportingInstance": "i", "reason": "r", "regarding": {"kind": "Pod", "namespace": "default", "name": "p"},
        "note": "hello", "type": "Normal",
    }  # fmt: skip
    assert cluster.ask("POST", new, event)[0] == 201
    old = cluster.ask("GET", "/api/v1/namespaces/default/events/x")[1]
    assert (old["apiVersion"], old["message"], old["involvedObject"]["name"]) == ("v1", "hello", "p")
    call = cluster.send("GET", f"{new}?watch=1&resourceVersion=0")
    cluster.pause()
    frames = [frame for frame in cluster.client.frames if frame.watch == call]
    assert b'"apiVersion":"events.k8s.io/v1"' in frames[0].object and b'"note":"hello"' in frames[0].object
    assert cluster.ask("GET", f"{new}?fieldSelector=regarding.name=q")[1]["items"] == []


def test_a_cluster_has_its_rights_and_classes_from_the_start(cluster: Cluster) -> None:
    roles = cluster.ask("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles")[1]["items"]
    found = {role["metadata"]["name"]: role["rules"] for role in roles}
    assert found["cluster-admin"][0] == {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    assert all(rule in found["admin"] for rule in (*found["edit"], *found["view"]))
    classes = cluster.ask("GET", "/apis/scheduling.k8s.io/v1/priorityclasses")[1]["items"]
    assert [item["value"] for item in classes] == [2_000_000_000, 2_000_001_000]


def test_a_pod_of_many_containers_asks_for_their_sum() -> None:
    own = {"limits": {"memory": "1Gi"}}
    parts = [{"name": name, "image": "i", "resources": {"requests": {"memory": "128Mi"}}} for name in ("a", "b")]
    made = create("Pod", pod(containers=parts, resources=own), "default")
    assert quantity.milli(made["spec"]["resources"]["requests"]["memory"]) == quantity.milli("256Mi")
