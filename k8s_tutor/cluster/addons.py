"""What is installed on top of a cluster when its specification asks for it: objects as their makers' manifests have them.

The Deployments of metrics-server and prometheus-adapter are missing: they are processes beside the nodes here.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.cluster import coredns, ingress_nginx, lvm
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.node import metrics_server as resource
from k8s_tutor.node import prometheus_adapter as prometheus

Tree = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]


def objects(spec: ClusterSpec) -> list[Tree]:
    """The objects of all add-ons that a specification wants."""
    wanted = (
        (spec.dns, coredns.objects), (spec.ingress, ingress_nginx.objects), (spec.metrics, metrics_server),
        (spec.custom_metrics, prometheus_adapter),
    )  # fmt: skip
    storage = lvm.objects(spec.storage == "lvm-thin") if spec.storage != "none" else []
    return [*storage, *(tree for on, made in wanted if on for tree in made())]


def late_objects(spec: ClusterSpec) -> list[Tree]:
    """Objects of kinds that the add-ons themselves define."""
    return lvm.late_objects() if spec.storage == "lvm-thin" else []


def metrics_server() -> list[Tree]:
    """The manifest of metrics-server."""
    name, labels = resource.NAME, {"k8s-app": resource.NAME}
    reader = {**labels, **{f"{_RBAC}/aggregate-to-{role}": "true" for role in ("admin", "edit", "view")}}
    rules = [
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": _READ},
    ]
    return [
        *_program(name, "kube-system", labels, f"system:{name}", rules),
        {**_tree(f"{_RBAC}/v1", "ClusterRole", "system:aggregated-metrics-reader", reader),
         "rules": [{"apiGroups": [resource.GROUP], "resources": ["pods", "nodes"], "verbs": _READ}]},
        _api(resource.GROUP, resource.VERSION, name, "kube-system", labels),
    ]  # fmt: skip


def prometheus_adapter() -> list[Tree]:
    """The manifest of prometheus-adapter."""
    name, namespace = prometheus.NAME, prometheus.NAMESPACE
    labels = {"app.kubernetes.io/name": name}
    rules = [{"apiGroups": [""], "resources": ["namespaces", "pods", "services"], "verbs": _READ}]
    return [
        _tree("v1", "Namespace", namespace, labels),
        *_program(name, namespace, labels, f"{name}-resource-reader", rules),
        *[_api(group, prometheus.VERSION, name, namespace, labels) for group in (prometheus.CUSTOM, prometheus.EXTERNAL)],
    ]


def _program(name: str, namespace: str, labels: dict[str, str], role: str, rules: list[Tree]) -> list[Tree]:
    """Account, rights and Service of a program."""
    account = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    port = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}
    return [
        _tree("v1", "ServiceAccount", name, labels, namespace),
        {**_tree(f"{_RBAC}/v1", "ClusterRole", role, labels), "rules": rules},
        {**_tree(f"{_RBAC}/v1", "ClusterRoleBinding", role, labels), "subjects": [account],
         "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role}},
        {**_tree("v1", "Service", name, labels, namespace), "spec": {"ports": [port], "selector": dict(labels)}},
    ]  # fmt: skip


def _api(group: str, version: str, name: str, namespace: str, labels: dict[str, str]) -> Tree:
    spec = {"group": group, "groupPriorityMinimum": 100, "insecureSkipTLSVerify": True,
            "service": {"name": name, "namespace": namespace}, "version": version, "versionPriority": 100}  # fmt: skip
    return {**_tree("apiregistration.k8s.io/v1", "APIService", f"{version}.{group}", labels), "spec": spec}


def _tree(api_version: str, kind: str, name: str, labels: dict[str, str], namespace: str = "") -> Tree:
    metadata: Tree = {"name": name, "labels": dict(labels), **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
