"""What the server makes of each kind before it stores it: an empty status, and fields that only it sets.

Source: pkg/registry/*/strategy.go. `create` and `update` fill fresh trees in place; ``old`` is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.api import defaults, qos
from k8s_tutor.api.authn import User
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

ZERO_STATUS: dict[str, Tree] = {
    "APIService": {},
    "CertificateSigningRequest": {},
    "CronJob": {},
    "CustomResourceDefinition": {
        "conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None,
    },
    "DaemonSet": {
        "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
    },
    "Deployment": {},
    "FlowSchema": {},
    "HorizontalPodAutoscaler": {"desiredReplicas": 0, "currentMetrics": None},
    "Ingress": {"loadBalancer": {}},
    "Job": {},
    "PersistentVolume": {"phase": "Pending"},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "Pod": {},
    "PodDisruptionBudget": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
    "PriorityLevelConfiguration": {},
    "ReplicaSet": {"replicas": 0},
    "ReplicationController": {"replicas": 0},
    "ResourceClaim": {},
    "ResourceQuota": {},
    "Service": {"loadBalancer": {}},
    "ServiceCIDR": {},
    "StatefulSet": {"replicas": 0, "availableReplicas": 0},
    "ValidatingAdmissionPolicy": {},
    "VolumeAttachment": {"attached": False},
}  # fmt: skip
"""The status of a new object: what Go prints of an empty struct. A client's own is dropped; Nodes alone may bring one."""

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def create(resource: Resource, tree: Tree, stamp: str, user: User | None) -> None:
    """A new object, which has its name and uid already; ``stamp`` is now, ``user`` who asks (None: the server itself)."""
    zero = ZERO_STATUS.get(resource.kind)
    if zero is not None:
        tree["status"] = dict(zero)
    if resource.kind == "CertificateSigningRequest" and user is not None:
        _requestor(tree["spec"], user)
    own = _CREATE.get(resource.kind)
    if own is not None:
        own(resource, tree, stamp)


def update(resource: Resource, new: Tree, old: Tree) -> None:
    """The next state of an object, whose status is the old one already."""
    own = _UPDATE.get(resource.kind)
    if own is not None:
        own(new, old)


# ---------------------------------------------------------------------- create


def _requestor(spec: Tree, user: User) -> None:
    """Who asks for a certificate is what the server knows of them, whatever they say themselves."""
    for name in ("username", "uid", "groups", "extra"):
        spec.pop(name, None)
    spec["username"] = user.name
    if user.uid:
        spec["uid"] = user.uid
    if user.groups:
        spec["groups"] = list(user.groups)
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra}


def approve(new: Tree, old: Tree, stamp: str) -> Tree:
    """A CertificateSigningRequest through ``/approval``: only its conditions may change."""
    known = {item.get("type"): item for item in old.get("status", {}).get("conditions", ())}
    conditions = []
    for item in new.get("status", {}).get("conditions") or ():
        before = known.get(item.get("type"), {})
        changed = before.get("lastTransitionTime", stamp) if before.get("status") == item.get("status") else stamp
        stamps = {"lastUpdateTime": item.get("lastUpdateTime") or stamp, "lastTransitionTime": changed}
        conditions.append({**item, "status": item.get("status") or "True", **stamps})
    rest = {key: value for key, value in old.get("status", {}).items() if key != "conditions"}
    return {**rest, "conditions": conditions} if conditions else rest


def _pod(resource: Resource, tree: Tree, stamp: str) -> None:
    tree["status"] = {"phase": "Pending", "qosClass": qos.qos_class(tree["spec"])}
    if tree["spec"].get("schedulingGates"):
        text = "Scheduling is blocked due to non-empty scheduling gates"
        condition = {"type": "PodScheduled", "status": "False", "lastProbeTime": None, "lastTransitionTime": None}
        tree["status"]["conditions"] = [{**condition, "reason": "SchedulingGated", "message": text}]


def _namespace(resource: Resource, tree: Tree, stamp: str) -> None:
    finalizers = tree["spec"].setdefault("finalizers", [])
    if "kubernetes" not in finalizers:
        finalizers.append("kubernetes")
    tree["status"] = {"phase": "Active"}
    defaults.apply(resource, tree)


def _daemon_set(resource: Resource, tree: Tree, stamp: str) -> None:
    tree["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = "1"


def _job(resource: Resource, tree: Tree, stamp: str) -> None:
    """A job finds its pods by its own uid, unless somebody insists on another selector."""
    spec = tree["spec"]
    if not spec.get("manualSelector"):
        uid, name = tree["metadata"]["uid"], tree["metadata"].get("name", "")
        labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
        for prefix in ("", "batch.kubernetes.io/"):
            labels[f"{prefix}controller-uid"] = uid
            labels[f"{prefix}job-name"] = name
        selector = spec.setdefault("selector", {})
        selector.setdefault("matchLabels", {}).setdefault("batch.kubernetes.io/controller-uid", uid)
    _job_labels(tree)


def _job_labels(tree: Tree) -> None:
    """A job without labels has those of its pods."""
    labels = tree["spec"]["template"].get("metadata", {}).get("labels")
    if labels and not tree["metadata"].get("labels"):
        tree["metadata"]["labels"] = dict(labels)


def _volume(resource: Resource, tree: Tree, stamp: str) -> None:
    tree["status"]["lastPhaseTransitionTime"] = stamp


def _claim(resource: Resource, tree: Tree, stamp: str) -> None:
    _data_source(tree["spec"])


def _data_source(spec: Tree) -> None:
    """``dataSource`` and ``dataSourceRef`` say the same, as long as the latter names no namespace."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source and not reference:
        spec["dataSourceRef"] = dict(source)
    elif reference and not source and not reference.get("namespace"):
        spec["dataSource"] = dict(reference)


def _definition(resource: Resource, tree: Tree, stamp: str) -> None:
    stored = [version.get("name", "") for version in tree["spec"].get("versions", ()) if version.get("storage")]
    tree["status"]["storedVersions"] = stored or None


_CREATE: dict[str, Callable[[Resource, Tree, str], None]] = {
    "CustomResourceDefinition": _definition,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Namespace": _namespace,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
}


# ---------------------------------------------------------------------- update


def _daemon_set_update(new: Tree, old: Tree) -> None:
    before = int(old["metadata"].get("annotations", {}).get(TEMPLATE_GENERATION, "1"))
    if new["spec"]["template"] != old["spec"]["template"]:
        before += 1
    annotations = {**new["metadata"].get("annotations", {}), TEMPLATE_GENERATION: str(before)}
    new["metadata"]["annotations"] = annotations


def _namespace_update(new: Tree, old: Tree) -> None:
    if "finalizers" in old["spec"]:
        new["spec"] = {**new["spec"], "finalizers": old["spec"]["finalizers"]}


def _claim_update(new: Tree, old: Tree) -> None:
    _data_source(new["spec"])


def _definition_update(new: Tree, old: Tree) -> None:
    before = old.get("status", {}).get("storedVersions") or []
    stored = [version.get("name", "") for version in new["spec"].get("versions", ()) if version.get("storage")]
    extra = [name for name in stored if name not in before]
    if extra:
        new["status"] = {**new["status"], "storedVersions": [*before, *extra]}


def _job_update(new: Tree, old: Tree) -> None:
    _job_labels(new)


def _request_update(new: Tree, old: Tree) -> None:
    new["spec"] = old["spec"]


def _service_update(new: Tree, old: Tree) -> None:
    """What the old type of a Service had and the new one has no use for goes, if the client did not set it; addresses
    that the client left out stay (pkg/registry/core/service/strategy.go, PatchAllocatedValues)."""
    fresh, stored = new["spec"], old["spec"]
    if fresh["type"] == "ExternalName":
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if fresh.get(field) == stored.get(field):
                fresh.pop(field, None)
    elif not fresh.get("clusterIP"):
        fresh.update({field: stored[field] for field in ("clusterIP", "clusterIPs") if field in stored})
    elif fresh.get("clusterIPs") == stored.get("clusterIPs"):
        fresh["clusterIPs"] = [fresh["clusterIP"]]
    if fresh["type"] in ("ClusterIP", "ExternalName"):
        before = [port.get("nodePort") for port in stored.get("ports", ())]
        for port in fresh.get("ports", ()):
            if port.get("nodePort") in before:
                port.pop("nodePort", None)
        external = fresh["type"] == "ClusterIP" and fresh.get("externalIPs")
        if fresh.get("externalTrafficPolicy") == stored.get("externalTrafficPolicy") and not external:
            fresh.pop("externalTrafficPolicy", None)
    if fresh["type"] != "LoadBalancer":
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if fresh.get(field) == stored.get(field):
                fresh.pop(field, None)
    checked = fresh["type"] == "LoadBalancer" and fresh.get("externalTrafficPolicy") == "Local"
    if not checked and fresh.get("healthCheckNodePort") == stored.get("healthCheckNodePort"):
        fresh.pop("healthCheckNodePort", None)


_UPDATE: dict[str, Callable[[Tree, Tree], None]] = {
    "CertificateSigningRequest": _request_update,
    "CustomResourceDefinition": _definition_update,
    "DaemonSet": _daemon_set_update,
    "Job": _job_update,
    "Namespace": _namespace_update,
    "PersistentVolumeClaim": _claim_update,
    "Service": _service_update,
}
