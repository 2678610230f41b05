"""Fields that a field selector may name (pkg/apis/*/v1/conversion.go, AddFieldLabelConversionsFor*)."""

from __future__ import annotations

from functools import cache

from k8s_tutor.api.crd import rows
from k8s_tutor.api.resources import Resource

_OBJECT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

_FIELDS = {
    "Pod": (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
    ),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP", "spec.type"),
    "ReplicationController": ("status.replicas",),
    "ReplicaSet": ("status.replicas",),
    "CertificateSigningRequest": ("spec.signerName",),
    "Event": (
        *(f"involvedObject.{name}" for name in _OBJECT), "reason", "reportingComponent", "source", "type",
    ),
    "Event.events.k8s.io": (
        *(f"regarding.{name}" for name in _OBJECT), "reason", "reportingController", "type",
    ),
    "IPAddress": ("spec.parentRef.resource", "spec.parentRef.namespace", "spec.parentRef.name"),
    "ResourceSlice": ("spec.nodeName", "spec.driver"),
}  # fmt: skip


@cache
def of(row: Resource) -> frozenset[str]:
    """All fields by which objects of this row can be selected."""
    own = rows.selectable(row) if row.custom else _FIELDS.get(f"{row.kind}.{row.group}") or _FIELDS.get(row.kind, ())
    return frozenset(("metadata.name", "metadata.namespace", *own))


def unknown(row: Resource, path: str) -> str:
    """What is said of a field that is none of them."""
    if row.custom or _FIELDS.get(f"{row.kind}.{row.group}") or row.kind in _FIELDS:
        return f"field label not supported: {path}"
    if row.kind == "Job":
        return f'field label "{path}" not supported for batchv1.Job'
    return f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'
