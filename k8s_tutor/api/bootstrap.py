"""What the API server itself puts into an empty cluster: namespaces, the Service under which pods reach it, rights, classes.

Sources: pkg/controlplane/controller/systemnamespaces, pkg/controlplane/controller/kubernetesservice, pkg/registry/*/rest.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from k8s_tutor.api import allocation, defaults, flows, names, policy, scheme, strategy
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.strategy import Setting

Tree = dict[str, Any]

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
KUBERNETES_ADDRESS = "10.96.0.1"
_LABELS = {"component": "apiserver", "provider": "kubernetes"}


def _service() -> Tree:
    port = {"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}
    return {
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": dict(_LABELS)},
        "spec": {"ports": [port], "clusterIP": KUBERNETES_ADDRESS, "type": "ClusterIP", "sessionAffinity": "None"},
    }


class Bundle(NamedTuple):
    """Objects that are stored together: (resource, key) of each, in order."""

    objects: tuple[tuple[Resource, str], ...]


@lru_cache(maxsize=1)
def _moulds() -> dict[str, tuple[Resource, Tree]]:
    """Key → (resource, object that lacks only its uid and its time), in the order in which they are made."""
    trees = [
        *(("Namespace", {"metadata": {"name": name}, "spec": {}}) for name in NAMESPACES),
        ("Service", _service()),
        *(("PriorityClass", tree) for tree in policy.priority_classes()),
        *(("ClusterRole", tree) for tree in policy.cluster_roles()),
        *(("ClusterRoleBinding", tree) for tree in policy.cluster_role_bindings()),
        *(("ServiceCIDR", tree) for tree in policy.service_cidrs()),
        *(("PriorityLevelConfiguration", tree) for tree in flows.levels()),
        *(("FlowSchema", tree) for tree in flows.schemas()),
    ]
    found = {}
    for kind, tree in trees:
        row, metadata = scheme.resource(kind), tree["metadata"]
        defaults.apply(row, tree)
        made = strategy.create(row, tree, Setting(0, 0, lambda bound: 0))
        if kind == "Service":
            nothing = allocation.Taken(frozenset(), frozenset())
            made = allocation.allocate(row, made, None, nothing, lambda bound: 0)
        found[row.key(metadata.get("namespace", ""), metadata["name"])] = row, made
    return found


@lru_cache(maxsize=1)
def bundles() -> tuple[Bundle, ...]:
    """All that must be there. Namespaces and the Service come one by one, rights and classes in one transaction."""
    single = ("Namespace", "Service")
    rows = [(row, key) for key, (row, _) in _moulds().items()]
    return (
        *(Bundle((one,)) for one in rows if one[0].kind in single),
        Bundle(tuple(one for one in rows if one[0].kind not in single)),
    )


def make(row: Resource, key: str, setting: Setting) -> bytes:
    """The bytes of one of them, as any client's object is, with a uid and a time of its own."""
    made = _moulds()[key][1]
    own = {"uid": names.uid(setting.draw), "creationTimestamp": setting.stamp}
    if row is flows.SCHEMA:
        made = {**made, "status": flows.dangling(flows.level_of(made), False, setting.stamp)}
    return scheme.encode(row, {**made, "metadata": {**made["metadata"], **own}})
