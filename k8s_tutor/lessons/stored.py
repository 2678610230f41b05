"""Stored objects (JSON trees of one API server) in the shape of views, so that conditions read both alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8s_tutor.cluster.views import DeploymentView, PodView


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
