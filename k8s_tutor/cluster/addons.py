"""What is installed on top of a cluster when its specification asks for it: objects as their makers' manifests have them."""

from __future__ import annotations

from typing import Any

from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.node.metrics_server import GROUP, NAME, VERSION

Tree = dict[str, Any]

_LABELS = {"k8s-app": NAME}
_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]


def objects(spec: ClusterSpec) -> list[Tree]:
    """The objects of all add-ons that a specification wants."""
    return metrics_server() if spec.metrics else []


def metrics_server() -> list[Tree]:
    """The manifest of metrics-server, but for its Deployment: it is a process beside the nodes here."""
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": "kube-system"}
    spec = {"group": GROUP, "groupPriorityMinimum": 100, "insecureSkipTLSVerify": True,
            "service": {"name": NAME, "namespace": "kube-system"}, "version": VERSION, "versionPriority": 100}  # fmt: skip
    reader = {**_LABELS, **{f"{_RBAC}/aggregate-to-{role}": "true" for role in ("admin", "edit", "view")}}
    port = {"appProtocol": "https", "name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}
    return [
        _tree("v1", "ServiceAccount", NAME, "kube-system"),
        {**_tree(f"{_RBAC}/v1", "ClusterRole", "system:aggregated-metrics-reader", labels=reader),
         "rules": [{"apiGroups": [GROUP], "resources": ["pods", "nodes"], "verbs": _READ}]},
        {**_tree(f"{_RBAC}/v1", "ClusterRole", "system:metrics-server"),
         "rules": [{"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
                   {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": _READ}]},
        {**_tree(f"{_RBAC}/v1", "ClusterRoleBinding", "system:metrics-server"), "subjects": [account],
         "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "system:metrics-server"}},
        {**_tree("v1", "Service", NAME, "kube-system"), "spec": {"ports": [port], "selector": dict(_LABELS)}},
        {**_tree("apiregistration.k8s.io/v1", "APIService", f"{VERSION}.{GROUP}"), "spec": spec},
    ]  # fmt: skip


def _tree(api_version: str, kind: str, name: str, namespace: str = "", labels: dict[str, str] | None = None) -> Tree:
    metadata: Tree = {"name": name, "labels": labels or dict(_LABELS)}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
