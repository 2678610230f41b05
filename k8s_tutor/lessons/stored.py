"""Stored objects (JSON trees of one API server) in the shape of views, so that conditions read both alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8s_tutor.api import scheme, tokens
from k8s_tutor.api.authn import AUTHENTICATED, User
from k8s_tutor.api.rbac import Ask
from k8s_tutor.api.server import ApiServer
from k8s_tutor.cluster import Cluster
from k8s_tutor.cluster.trees import row_of
from k8s_tutor.cluster.views import DeploymentView, PodView
from k8s_tutor.etcd.member import Member


def selected(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether labels match an equality selector such as ``app=web,tier!=db``; empty matches all."""
    for part in filter(None, (piece.strip() for piece in selector.split(","))):
        key, unequal, value = part.partition("!=")
        if unequal:
            if labels.get(key.strip()) == value.strip():
                return False
            continue
        key, equal, value = part.replace("==", "=").partition("=")
        if labels.get(key.strip()) != value.strip() if equal else key.strip() not in labels:
            return False
    return True


def as_deployment(tree: Any) -> DeploymentView:
    """A stored Deployment: desired beside actual, as this server tells it."""
    meta, spec, status = tree.get("metadata", {}), tree.get("spec", {}), tree.get("status", {})
    containers = spec.get("template", {}).get("spec", {}).get("containers") or [{}]
    return DeploymentView(
        namespace=meta.get("namespace", ""), name=meta.get("name", ""), desired=spec.get("replicas", 1),
        current=status.get("replicas", 0), ready=status.get("readyReplicas", 0), updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0), image=containers[0].get("image", ""), created=0,
    )  # fmt: skip


def as_pod(tree: Any) -> PodView:
    """A stored pod, as this server tells it; ``containers`` stay empty."""
    meta, spec, status = tree.get("metadata", {}), tree.get("spec", {}), tree.get("status", {})
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions", ()))
    owners = meta.get("ownerReferences") or [{}]
    return PodView(
        namespace=meta.get("namespace", ""), name=meta.get("name", ""), uid=meta.get("uid", ""), node=spec.get("nodeName", ""),
        phase=status.get("phase", ""), status=status.get("phase", ""), ready=ready, ip=status.get("podIP", ""),
        labels=meta.get("labels") or {}, owner="/".join(filter(None, (owners[0].get("kind"), owners[0].get("name")))),
        restarts=sum(c.get("restartCount", 0) for c in status.get("containerStatuses", ())),
        deleting="deletionTimestamp" in meta, created=0, containers=(), differs=False, cpu=0, memory=0,
    )  # fmt: skip


def as_lease(tree: Any) -> dict[str, Any]:
    """Who holds a Lease."""
    spec = tree.get("spec", {})
    return {
        "holder": spec.get("holderIdentity") or "",
        "renewed": spec.get("renewTime") or "",
        "transitions": spec.get("leaseTransitions") or 0,
    }


def allowed(cluster: Cluster, user: str, verb: str, resource: str, namespace: str) -> bool:
    """Whether the rights that the first API server knows let a user (``system:serviceaccount:shop:robot`` too) do a verb on a
    resource: ``pods``, ``deployments/scale``. No group but those that the name itself implies."""
    server = _first_server(cluster)
    if server is None:
        return False
    plural, _, subresource = resource.partition("/")
    rows = (*scheme.RESOURCES, *server.caches.custom.values())
    group = next((row.group for row in rows if row.plural == plural), "")
    groups = tokens.groups_of(user.split(":")[2]) if user.startswith("system:serviceaccount:") else ()
    ask = Ask(verb, group, plural, subresource, namespace)
    return server.decide(User(user, (*groups, AUTHENTICATED)), ask).allowed


def _first_server(cluster: Cluster) -> ApiServer | None:
    return next((actor for _, actor in sorted(cluster.world.running.items()) if isinstance(actor, ApiServer)), None)


def managers(cluster: Cluster, kind: str, name: str, field: str, namespace: str) -> list[str]:
    """Who manages a field (``spec.replicas``) of an object, or something in it: the names in managedFields."""
    server = _first_server(cluster)
    row = row_of(server, kind)
    if server is None or row is None:
        return []
    item = server.caches.get(row, row.prefix + (f"{namespace}/{name}" if row.namespaced else name))
    entries = scheme.whole(item.data)["metadata"].get("managedFields", []) if item is not None else []
    found = []
    for entry in entries:
        fields = entry.get("fieldsV1", {})
        for part in field.split("."):
            fields = fields.get(f"f:{part}") if fields is not None else None
        if fields is not None:
            found.append(entry["manager"])
    return found


def key_stored(cluster: Cluster, key: str, machine: str = "") -> dict[str, Any] | None:
    """One key of etcd as a member has it (its process or machine; none named: the member that has applied most), or None."""
    stores = [
        actor.store for name, actor in cluster.world.running.items()
        if isinstance(actor, Member) and machine in ("", name, cluster.world.network.hosts[name])
    ]  # fmt: skip
    if not stores:
        return None
    found = max(stores, key=lambda store: store.revision).latest.get(key)
    return None if found is None else {
        "value": found.value.decode("utf-8", "replace"), "create_revision": found.create_revision,
        "mod_revision": found.mod_revision, "version": found.version,
    }  # fmt: skip
