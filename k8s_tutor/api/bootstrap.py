"""What the API server itself puts into an empty cluster: its namespaces, and the Service under which pods reach it.

Sources: pkg/controlplane/controller/systemnamespaces, pkg/controlplane/controller/kubernetesservice.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import allocation, scheme, strategy
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.strategy import Setting

Tree = dict[str, Any]

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
KUBERNETES_ADDRESS = "10.96.0.1"
_LABELS = {"component": "apiserver", "provider": "kubernetes"}


def _namespace(name: str) -> Tree:
    return {"metadata": {"name": name}, "spec": {}}


def _service() -> Tree:
    port = {"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}
    return {
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": dict(_LABELS)},
        "spec": {"ports": [port], "clusterIP": KUBERNETES_ADDRESS, "type": "ClusterIP", "sessionAffinity": "None"},
    }


def objects() -> list[tuple[Resource, str]]:
    """(resource, key) of all that must be there."""
    namespaces, services = scheme.resource("Namespace"), scheme.resource("Service")
    return [
        *((namespaces, namespaces.key("", name)) for name in NAMESPACES),
        (services, services.key("default", "kubernetes")),
    ]


def make(row: Resource, key: str, setting: Setting) -> bytes:
    """The bytes of one of them, made as any client's object is."""
    tree = _namespace(key.rpartition("/")[2]) if row.kind == "Namespace" else _service()
    made = strategy.create(row, tree, setting)
    if row.kind == "Service":
        nothing = allocation.Taken(frozenset(), frozenset())
        made = allocation.allocate(row, made, None, nothing, setting.draw)
    return scheme.encode(row, made)
