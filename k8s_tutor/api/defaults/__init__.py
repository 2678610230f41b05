"""Defaulting: what the API server fills in before it validates (pkg/apis/*/v1/defaults.go).

Each function takes a freshly decoded tree that nobody else holds and fills it in place; the tree is frozen afterwards. Where
Go prints a field though nobody set it (a struct, a list without ``omitempty``) it is filled in too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.api.crd import structural
from k8s_tutor.api.defaults import cluster, network, pods, storage, workloads
from k8s_tutor.api.defaults.pods import image_pull_policy as image_pull_policy
from k8s_tutor.api.defaults.pods import pod_spec as pod_spec
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

_BY_KIND: dict[str, Callable[[Tree], None]] = {
    "APIService": cluster.api_service,
    "CSIDriver": storage.csi_driver,
    "CSINode": storage.csi_node,
    "ClusterRole": cluster.role,
    "ClusterRoleBinding": cluster.binding,
    "ControllerRevision": workloads.controller_revision,
    "CronJob": workloads.cron_job,
    "CustomResourceDefinition": cluster.custom_resource_definition,
    "DaemonSet": workloads.daemon_set,
    "Deployment": workloads.deployment,
    "EndpointSlice": network.endpoint_slice,
    "Endpoints": network.endpoints,
    "Event": cluster.event,
    "FlowSchema": cluster.flow_schema,
    "HorizontalPodAutoscaler": workloads.autoscaler,
    "IPAddress": network.ip_address,
    "Ingress": network.ingress,
    "IngressClass": network.ingress_class,
    "Job": workloads.job,
    "Lease": cluster.lease,
    "LimitRange": cluster.limit_range,
    "MutatingAdmissionPolicy": cluster.admission_policy,
    "MutatingAdmissionPolicyBinding": cluster.admission_binding,
    "MutatingWebhookConfiguration": cluster.mutating_webhooks,
    "Namespace": cluster.namespace,
    "NetworkPolicy": network.network_policy,
    "Node": cluster.node,
    "PersistentVolume": storage.persistent_volume,
    "PersistentVolumeClaim": storage.claim,
    "Pod": pods.pod,
    "PodTemplate": workloads.pod_template,
    "PriorityClass": cluster.priority_class,
    "PriorityLevelConfiguration": cluster.priority_level,
    "ReplicaSet": workloads.replica_set,
    "ReplicationController": workloads.replication_controller,
    "ResourceClaim": cluster.device_claim,
    "ResourceClaimTemplate": cluster.device_claim_template,
    "ResourceQuota": cluster.resource_quota,
    "Role": cluster.role,
    "RoleBinding": cluster.binding,
    "Secret": cluster.secret,
    "Service": network.service,
    "ServiceCIDR": network.service_cidr,
    "StatefulSet": workloads.stateful_set,
    "StorageClass": storage.storage_class,
    "ValidatingAdmissionPolicy": cluster.admission_policy,
    "ValidatingAdmissionPolicyBinding": cluster.admission_binding,
    "ValidatingWebhookConfiguration": cluster.webhooks,
    "VolumeAttachment": storage.volume_attachment,
}

_VIEWS: dict[tuple[str, str], Callable[[Tree], None]] = {
    ("autoscaling/v1", "HorizontalPodAutoscaler"): workloads.autoscaler_v1,
    ("events.k8s.io/v1", "Event"): cluster.event_v1,
}


def apply(resource: Resource, tree: Tree) -> None:
    """Fills in the defaults of a kind, in the version that the tree has."""
    tree.setdefault("metadata", {})
    if resource.custom:
        structural.fill(resource, tree)
        return
    if resource.stored_as is not None:
        default = _VIEWS.get((resource.api_version, resource.kind))
    else:
        default = _BY_KIND.get(resource.kind)
    if default is not None:
        default(tree)
