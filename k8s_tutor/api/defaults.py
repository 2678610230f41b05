"""Defaulting: what the API server fills in before it validates (pkg/apis/*/v1/defaults.go).

Each function takes a freshly decoded tree that nobody else holds and fills it in place; the tree is frozen afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

_TAG = re.compile(r"(?:@sha256:[0-9a-f]+|:[\w][\w.-]*)$")


def image_pull_policy(image: str) -> str:
    """Always for ``:latest`` or no tag, else IfNotPresent (util/parsers)."""
    if "@" in image:
        return "IfNotPresent"
    match = _TAG.search(image.rsplit("/", 1)[-1])
    return "Always" if match is None or match[0] == ":latest" else "IfNotPresent"


def _probe(probe: Tree) -> None:
    for field, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        if not probe.get(field):
            probe[field] = value
    if "httpGet" in probe:
        _http_get(probe["httpGet"])
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _http_get(action: Tree) -> None:
    action.setdefault("path", "/")
    action.setdefault("scheme", "HTTP")


def _container(container: Tree) -> None:
    container.setdefault("resources", {})
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if kind in container:
            _probe(container[kind])
    lifecycle = container.get("lifecycle")
    if lifecycle:
        for hook in lifecycle.values():
            if isinstance(hook, dict) and "httpGet" in hook:
                _http_get(hook["httpGet"])
    for variable in container.get("env", ()):
        source = variable.get("valueFrom", {}).get("fieldRef")
        if source is not None:
            source.setdefault("apiVersion", "v1")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = image_pull_policy(container.get("image", ""))


def _volume(volume: Tree) -> None:
    if len(volume) == 1:
        volume["emptyDir"] = {}
    for kind in ("secret", "configMap", "projected", "downwardAPI"):
        source = volume.get(kind)
        if source is not None:
            source.setdefault("defaultMode", 420)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    for source in volume.get("projected", {}).get("sources", ()):
        if "serviceAccountToken" in source:
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
        _field_refs(source.get("downwardAPI", {}))
    _field_refs(volume.get("downwardAPI", {}))


def _field_refs(source: Tree) -> None:
    for item in source.get("items", ()):
        if "fieldRef" in item:
            item["fieldRef"].setdefault("apiVersion", "v1")


def pod_spec(spec: Tree) -> None:
    """Defaults of a pod's spec, also inside a template."""
    for volume in spec.get("volumes", ()):
        _volume(volume)
    for container in spec.get("initContainers", ()):
        _container(container)
    for container in spec.get("containers", ()):
        _container(container)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    if spec.get("serviceAccountName") and "serviceAccount" not in spec:
        spec["serviceAccount"] = spec["serviceAccountName"]
    elif spec.get("serviceAccount") and "serviceAccountName" not in spec:
        spec["serviceAccountName"] = spec["serviceAccount"]
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if spec.get("hostNetwork"):
        for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
            for port in container.get("ports", ()):
                port.setdefault("hostPort", port.get("containerPort"))


def _requests(container: Tree) -> None:
    """Limits become requests where no request is named: for pods only, not for templates."""
    resources = container.get("resources", {})
    limits = resources.get("limits")
    if not limits:
        return
    requests = resources.setdefault("requests", {})
    for name, amount in limits.items():
        requests.setdefault(name, amount)


def _pod(tree: Tree) -> None:
    spec = tree.setdefault("spec", {})
    pod_spec(spec)
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        _requests(container)
    spec.setdefault("enableServiceLinks", True)
    tree.setdefault("status", {})


def _template(spec: Tree) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod_spec(template.setdefault("spec", {}))


def _deployment(tree: Tree) -> None:
    spec = tree.setdefault("spec", {})
    _template(spec)
    spec.setdefault("replicas", 1)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    tree.setdefault("status", {})


def _replica_set(tree: Tree) -> None:
    spec = tree.setdefault("spec", {})
    _template(spec)
    spec.setdefault("replicas", 1)
    tree.setdefault("status", {}).setdefault("replicas", 0)


def _service(tree: Tree) -> None:
    spec = tree.setdefault("spec", {})
    spec.setdefault("sessionAffinity", "None")
    kind = spec.setdefault("type", "ClusterIP")
    if spec["sessionAffinity"] == "ClientIP":
        affinity = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        affinity.setdefault("timeoutSeconds", 10_800)
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort"):
            port["targetPort"] = port.get("port", 0)
    if kind in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    if kind != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    tree.setdefault("status", {}).setdefault("loadBalancer", {})


def _node(tree: Tree) -> None:
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


def _namespace(tree: Tree) -> None:
    name = tree["metadata"].get("name")
    if name:
        tree["metadata"].setdefault("labels", {}).setdefault("kubernetes.io/metadata.name", name)
    tree.setdefault("spec", {})
    tree.setdefault("status", {}).setdefault("phase", "Active")


def _event(tree: Tree) -> None:
    tree.setdefault("involvedObject", {})
    tree.setdefault("source", {})
    for stamp in ("firstTimestamp", "lastTimestamp", "eventTime"):
        tree.setdefault(stamp, None)
    tree.setdefault("reportingComponent", "")
    tree.setdefault("reportingInstance", "")


def _endpoint_slice(tree: Tree) -> None:
    tree.setdefault("endpoints", [])
    for port in tree.setdefault("ports", []):
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def _lease(tree: Tree) -> None:
    tree.setdefault("spec", {})


_BY_KIND: dict[str, Callable[[Tree], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "Service": _service,
    "Node": _node,
    "Namespace": _namespace,
    "Event": _event,
    "EndpointSlice": _endpoint_slice,
    "Lease": _lease,
}


def apply(resource: Resource, tree: Tree) -> None:
    """Fills in the defaults of a kind."""
    tree.setdefault("metadata", {})
    default = _BY_KIND.get(resource.kind)
    if default is not None:
        default(tree)
