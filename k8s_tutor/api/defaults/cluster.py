"""Defaults of what a cluster is made of and ruled by: nodes, namespaces, rights, limits, classes, admission, own kinds."""

from __future__ import annotations

import base64
from typing import Any

from k8s_tutor.api.defaults import pods

Tree = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"


def node(tree: Tree) -> None:
    """A Node."""
    spec = tree.setdefault("spec", {})
    if spec.get("podCIDR") and spec["podCIDR"] not in spec.get("podCIDRs", ())[:1]:
        spec["podCIDRs"] = [spec["podCIDR"]]
    elif spec.get("podCIDRs"):
        spec["podCIDR"] = spec["podCIDRs"][0]
    status = tree.setdefault("status", {})
    if "capacity" in status and "allocatable" not in status:
        status["allocatable"] = dict(status["capacity"])
    status.setdefault("daemonEndpoints", {}).setdefault("kubeletEndpoint", {}).setdefault("Port", 0)
    info = status.setdefault("nodeInfo", {})
    for field in (
        "machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion",
        "kubeProxyVersion", "operatingSystem", "architecture",
    ):  # fmt: skip
        info.setdefault(field, "")


def namespace(tree: Tree) -> None:
    """A Namespace has its own name as a label."""
    name = tree["metadata"].get("name")
    if name:
        tree["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
    tree.setdefault("spec", {})
    tree.setdefault("status", {}).setdefault("phase", "Active")


def event(tree: Tree) -> None:
    """An Event of core/v1."""
    tree.setdefault("involvedObject", {})
    tree.setdefault("source", {})
    for stamp in ("firstTimestamp", "lastTimestamp", "eventTime"):
        tree.setdefault(stamp, None)
    tree.setdefault("reportingComponent", "")
    tree.setdefault("reportingInstance", "")


def event_v1(tree: Tree) -> None:
    """An Event of events.k8s.io/v1."""
    for field in ("regarding", "deprecatedSource"):
        tree.setdefault(field, {})
    for stamp in ("deprecatedFirstTimestamp", "deprecatedLastTimestamp", "eventTime"):
        tree.setdefault(stamp, None)
    tree.setdefault("reportingController", "")
    tree.setdefault("reportingInstance", "")


def lease(tree: Tree) -> None:
    """A Lease."""
    tree.setdefault("spec", {})


def secret(tree: Tree) -> None:
    """A Secret: plain texts become data."""
    texts = tree.pop("stringData", None)
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        tree["data"] = {**tree.get("data", {}), **encoded}
    tree.setdefault("type", "Opaque")


def limit_range(tree: Tree) -> None:
    """A LimitRange: for containers a limit is the most, a request the limit, else the least."""
    for item in tree.setdefault("spec", {}).setdefault("limits", None) or ():
        for part in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
            pods.amounts(item.get(part, {}))
        if item.get("type") != "Container":
            continue
        limits = {**item.get("max", {}), **item.get("default", {})}
        requests = {**item.get("min", {}), **limits, **item.get("defaultRequest", {})}
        if limits:
            item["default"] = limits
        if requests:
            item["defaultRequest"] = requests


def resource_quota(tree: Tree) -> None:
    """A ResourceQuota."""
    pods.amounts(tree.setdefault("spec", {}).get("hard", {}))
    tree.setdefault("status", {})


# ---------------------------------------------------------------------- rights


def role(tree: Tree) -> None:
    """A Role or ClusterRole."""
    rules = tree.setdefault("rules", None)
    for rule in rules or ():
        rule.setdefault("verbs", None)
    if not rules:
        tree["rules"] = None


def binding(tree: Tree) -> None:
    """A RoleBinding or ClusterRoleBinding."""
    reference = tree.setdefault("roleRef", {})
    if not reference.get("apiGroup"):
        reference["apiGroup"] = _RBAC
    for subject in tree.get("subjects", ()):
        if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
            subject["apiGroup"] = _RBAC


# ---------------------------------------------------------------------- classes, priority and fairness


def priority_class(tree: Tree) -> None:
    """A PriorityClass."""
    tree.setdefault("value", 0)
    tree.setdefault("preemptionPolicy", "PreemptLowerPriority")


def flow_schema(tree: Tree) -> None:
    """A FlowSchema."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("priorityLevelConfiguration", {})
    if not spec.get("matchingPrecedence"):
        spec["matchingPrecedence"] = 1000


def priority_level(tree: Tree) -> None:
    """A PriorityLevelConfiguration."""
    spec = tree.setdefault("spec", {})
    exempt, limited = spec.get("exempt"), spec.get("limited")
    if exempt is not None:
        exempt.setdefault("nominalConcurrencyShares", 0)
        exempt.setdefault("lendablePercent", 0)
    if limited is not None:
        limited.setdefault("nominalConcurrencyShares", 30)
        limited.setdefault("lendablePercent", 0)
        queuing = limited.setdefault("limitResponse", {}).get("queuing")
        if queuing is not None:
            for field, value in (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)):
                if not queuing.get(field):
                    queuing[field] = value


# ---------------------------------------------------------------------- admission


def _match(resources: Tree) -> None:
    resources.setdefault("matchPolicy", "Equivalent")
    resources.setdefault("namespaceSelector", {})
    resources.setdefault("objectSelector", {})
    for rule in (*resources.get("resourceRules", ()), *resources.get("excludeResourceRules", ())):
        rule.setdefault("scope", "*")


def admission_policy(tree: Tree) -> None:
    """A ValidatingAdmissionPolicy or MutatingAdmissionPolicy."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("failurePolicy", "Fail")
    if "matchConstraints" in spec:
        _match(spec["matchConstraints"])


def admission_binding(tree: Tree) -> None:
    """The binding of such a policy."""
    spec = tree.setdefault("spec", {})
    if "matchResources" in spec:
        _match(spec["matchResources"])


def webhooks(tree: Tree) -> None:
    """A ValidatingWebhookConfiguration."""
    for hook in tree.get("webhooks", ()):
        hook.setdefault("clientConfig", {})
        if "service" in hook["clientConfig"]:
            hook["clientConfig"]["service"].setdefault("port", 443)
        hook.setdefault("failurePolicy", "Fail")
        hook.setdefault("matchPolicy", "Equivalent")
        hook.setdefault("namespaceSelector", {})
        hook.setdefault("objectSelector", {})
        hook.setdefault("timeoutSeconds", 10)
        for rule in hook.get("rules", ()):
            rule.setdefault("scope", "*")


def mutating_webhooks(tree: Tree) -> None:
    """A MutatingWebhookConfiguration."""
    webhooks(tree)
    for hook in tree.get("webhooks", ()):
        hook.setdefault("reinvocationPolicy", "Never")


# ---------------------------------------------------------------------- further kinds and servers


def custom_resource_definition(tree: Tree) -> None:
    """A CustomResourceDefinition."""
    spec = tree.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if not names.get("singular"):
        names["singular"] = names.get("kind", "").lower()
    if not names.get("listKind") and names.get("kind"):
        names["listKind"] = f"{names['kind']}List"
    conversion = spec.setdefault("conversion", {})
    conversion.setdefault("strategy", "None")
    service = conversion.get("webhook", {}).get("clientConfig", {}).get("service")
    if service is not None:
        service.setdefault("port", 443)


def api_service(tree: Tree) -> None:
    """An APIService."""
    spec = tree.setdefault("spec", {})
    if "service" in spec:
        spec["service"].setdefault("port", 443)
    tree.setdefault("status", {})


# ---------------------------------------------------------------------- devices


def device_claim(tree: Tree) -> None:
    """A ResourceClaim."""
    _requests(tree.setdefault("spec", {}))


def device_claim_template(tree: Tree) -> None:
    """A ResourceClaimTemplate."""
    inner = tree.setdefault("spec", {})
    inner.setdefault("metadata", {})
    _requests(inner.setdefault("spec", {}))


def _requests(spec: Tree) -> None:
    devices = spec.setdefault("devices", {})
    for request in devices.get("requests", ()):
        for wanted in (request.get("exactly"), *request.get("firstAvailable", ())):
            if wanted is None:
                continue
            wanted.setdefault("allocationMode", "ExactCount")
            if wanted["allocationMode"] == "ExactCount" and not wanted.get("count"):
                wanted["count"] = 1
            for toleration in wanted.get("tolerations", ()):
                toleration.setdefault("operator", "Equal")
