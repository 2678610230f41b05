"""Completion of the console's line: kubectl's own, with the names that the cluster on the screen has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8s_tutor.cluster import Cluster
    from k8s_tutor.cluster.views import ClusterView

MANIFESTS = (".yaml", ".yml", ".json")
KINDS = {
    "configmaps": "ConfigMap",
    "endpointslices": "EndpointSlice",
    "events": "Event",
    "leases": "Lease",
    "namespaces": "Namespace",
    "replicasets": "ReplicaSet",
}


def complete(before: str, view: ClusterView, cluster: Cluster) -> list[str]:
    """What the last word of the line could become."""
    from k8s_tutor.kubectl.complete import complete as words

    if cluster.spec.components == "etcd":
        named = before.split(" ")[0] in ("etcdctl", "etcdutl") and " " in before
        return words(before if named else f"etcdctl {before}", lambda plural: [])
    return words(before, lambda plural: names(plural, view, cluster))


def names(plural: str, view: ClusterView, cluster: Cluster) -> list[str]:
    """Names of the objects of a resource in the default namespace; ``files``: manifests of the working directory."""
    workload = view.workload
    if plural == "files":
        return sorted(path.name for path in Path.cwd().iterdir() if path.suffix in MANIFESTS)
    if plural == "nodes":
        return [node.name for node in workload.nodes if node.registered]
    if plural == "pods":
        return [pod.name for pod in workload.pods if pod.namespace == "default"]
    if plural == "deployments":
        return [deployment.name for deployment in workload.deployments if deployment.namespace == "default"]
    if plural == "services":
        return [service.name for service in workload.services if service.namespace == "default"]
    kind = KINDS.get(plural)
    if kind is None:
        return []
    keys = cluster.objects(kind)
    return sorted(key.rpartition("/")[2] for key in keys if "/" not in key or key.startswith("default/"))
