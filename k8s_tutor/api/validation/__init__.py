"""Validation: every cause with its field path and Kubernetes' text.

`check` looks at a whole object, `check_update` also at what it was. Both return all causes; none means valid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.api.crd import check as custom
from k8s_tutor.api.crd import definition
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import (
    batch,
    cluster,
    drivers,
    events,
    flows,
    jobs,
    jobstatus,
    limits,
    meta,
    networking,
    pods,
    policies,
    rights,
    scaling,
    services,
    slices,
    storage,
    workloads,
)

Tree = dict[str, Any]

_CHECKS: dict[str, Callable[[list[Cause], Tree], None]] = {
    "CSIDriver": drivers.csi_driver,
    "CSINode": drivers.csi_node,
    "CSIStorageCapacity": drivers.capacity,
    "CertificateSigningRequest": cluster.certificate_request,
    "ClusterRole": rights.cluster_role,
    "ClusterRoleBinding": rights.cluster_role_binding,
    "ConfigMap": cluster.config_map,
    "ControllerRevision": workloads.controller_revision,
    "CronJob": batch.cron_job,
    "CustomResourceDefinition": definition.check,
    "DaemonSet": workloads.daemon_set,
    "Deployment": workloads.deployment,
    "EndpointSlice": slices.endpoint_slice,
    "Endpoints": services.endpoints,
    "FlowSchema": flows.flow_schema,
    "HorizontalPodAutoscaler": scaling.autoscaler,
    "IPAddress": networking.ip_address,
    "Ingress": networking.ingress,
    "IngressClass": networking.ingress_class,
    "Job": jobs.job,
    "Lease": cluster.lease,
    "LimitRange": limits.limit_range,
    "MutatingAdmissionPolicy": policies.mutating_policy,
    "MutatingWebhookConfiguration": policies.webhooks,
    "NetworkPolicy": networking.network_policy,
    "Node": cluster.node,
    "PersistentVolume": storage.volume,
    "PersistentVolumeClaim": storage.claim,
    "Pod": pods.check,
    "PodDisruptionBudget": scaling.budget,
    "PodTemplate": workloads.pod_template,
    "PriorityClass": limits.priority_class,
    "PriorityLevelConfiguration": flows.priority_level,
    "ReplicaSet": workloads.replica_set,
    "ReplicationController": workloads.replication_controller,
    "ResourceQuota": limits.quota,
    "Role": rights.role,
    "RoleBinding": rights.role_binding,
    "RuntimeClass": limits.runtime_class,
    "Secret": cluster.secret,
    "Service": services.service,
    "ServiceCIDR": networking.service_cidr,
    "StatefulSet": workloads.stateful_set,
    "StorageClass": storage.storage_class,
    "ValidatingAdmissionPolicy": policies.policy,
    "ValidatingAdmissionPolicyBinding": policies.binding,
    "ValidatingWebhookConfiguration": policies.webhooks,
    "VolumeAttachment": drivers.volume_attachment,
}

_CREATES: dict[str, Callable[[list[Cause], Tree], None]] = {
    "Ingress": networking.ingress_create,
    "Pod": pods.check_create,
}

_UPDATES: dict[str, Callable[[list[Cause], Tree, Tree], None]] = {
    "CSIDriver": drivers.csi_driver_update,
    "CSINode": drivers.csi_node_update,
    "CSIStorageCapacity": drivers.capacity_update,
    "ClusterRoleBinding": rights.binding_update,
    "ConfigMap": cluster.config_map_update,
    "ControllerRevision": workloads.controller_revision_update,
    "CustomResourceDefinition": definition.check_update,
    "DaemonSet": workloads.same_selector,
    "Deployment": workloads.same_selector,
    "EndpointSlice": slices.endpoint_slice_update,
    "IPAddress": networking.ip_address_update,
    "IngressClass": networking.ingress_class_update,
    "Job": jobs.job_update,
    "Node": cluster.node_update,
    "PersistentVolume": storage.volume_update,
    "PersistentVolumeClaim": storage.claim_update,
    "Pod": pods.check_update,
    "PriorityClass": limits.priority_class_update,
    "ReplicaSet": workloads.same_selector,
    "ResourceQuota": limits.quota_update,
    "RoleBinding": rights.binding_update,
    "RuntimeClass": limits.runtime_class_update,
    "Secret": cluster.secret_update,
    "Service": services.service_update,
    "ServiceCIDR": networking.service_cidr_update,
    "StatefulSet": workloads.stateful_set_update,
    "StorageClass": storage.storage_class_update,
    "VolumeAttachment": drivers.volume_attachment_update,
}

_ONLY_UPDATES = ("CertificateSigningRequest",)
"""Kinds whose next state is compared with the old one and not looked at as a whole."""


def check(resource: Resource, tree: Tree, version: str = "") -> list[Cause]:
    """All that is wrong with a new object, defaulted already. ``version``: the one in which it came."""
    found: list[Cause] = []
    meta.check(found, resource, tree["metadata"])
    if resource.custom:
        return found + custom.check(resource, tree)
    own = _CHECKS.get(resource.kind)
    if own is not None:
        own(found, tree)
    if resource.kind == "Event":
        events.create(found, tree, version or resource.api_version)
    own = _CREATES.get(resource.kind)
    if own is not None:
        own(found, tree)
    return found


def check_update(resource: Resource, new: Tree, old: Tree, subresource: str = "", version: str = "") -> list[Cause]:
    """All that is wrong with an object's new state, which came in a version, through a subresource or by itself."""
    found: list[Cause] = []
    meta.check_update(found, new["metadata"], old["metadata"])
    if new["metadata"] != old["metadata"]:
        meta.check(found, resource, new["metadata"])
    if resource.custom:
        return found + custom.check(resource, new, old)
    if resource.kind == "Pod":
        # What is stored was valid: it is looked at again only when something else takes its place.
        if new["spec"] != old["spec"] or new["metadata"].get("annotations") != old["metadata"].get("annotations"):
            pods.check(found, new)
        pods.check_update(found, new, old, subresource)
        return found
    own = None if resource.kind in _ONLY_UPDATES else _CHECKS.get(resource.kind)
    if own is not None:
        own(found, new)
    if resource.kind == "Event":
        events.update(found, new, old, version or resource.api_version)
    update = _UPDATES.get(resource.kind)
    if update is not None:
        update(found, new, old)
    return found


def check_status(resource: Resource, new: Tree, old: Tree) -> list[Cause]:
    """All that is wrong with a new status."""
    found: list[Cause] = []
    meta.check_update(found, new["metadata"], old["metadata"])
    if resource.custom:
        return found + custom.check(resource, new, old)
    if resource.group == "apps":
        workloads.status_numbers(found, new)
    elif resource.kind == "PodDisruptionBudget":
        scaling.budget_status(found, new)
    elif resource.kind == "Job":
        jobstatus.check(found, new, old)
    return found
