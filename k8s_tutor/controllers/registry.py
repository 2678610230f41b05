"""All control loops of the controller manager: the attribute of the manager that holds each, and its class."""

from __future__ import annotations

from k8s_tutor.controllers.aggregation import ClusterRoleAggregationController
from k8s_tutor.controllers.autoscaling import AutoscalerController
from k8s_tutor.controllers.base import Controller
from k8s_tutor.controllers.cronjob import CronJobController
from k8s_tutor.controllers.daemonset import DaemonSetController
from k8s_tutor.controllers.deployment import DeploymentController
from k8s_tutor.controllers.disruption import DisruptionController
from k8s_tutor.controllers.endpoints import EndpointsController
from k8s_tutor.controllers.endpointslice import EndpointSliceController
from k8s_tutor.controllers.ephemeral import EphemeralVolumeController
from k8s_tutor.controllers.eviction import TaintEvictionController
from k8s_tutor.controllers.expand import ExpandController
from k8s_tutor.controllers.finishedjobs import FinishedJobController
from k8s_tutor.controllers.garbage import GarbageCollector
from k8s_tutor.controllers.job import JobController
from k8s_tutor.controllers.mirroring import MirroringController
from k8s_tutor.controllers.namespace import NamespaceController
from k8s_tutor.controllers.nodeipam import NodeIpamController
from k8s_tutor.controllers.nodelifecycle import NodeLifecycleController
from k8s_tutor.controllers.podgc import PodGarbageCollector
from k8s_tutor.controllers.protection import ClaimProtectionController, VolumeProtectionController
from k8s_tutor.controllers.replicaset import ReplicaSetController, ReplicationController
from k8s_tutor.controllers.resourcequota import ResourceQuotaController
from k8s_tutor.controllers.serviceaccounts import ServiceAccountsController
from k8s_tutor.controllers.statefulset import StatefulSetController
from k8s_tutor.controllers.ttl import TtlController
from k8s_tutor.controllers.volumebinding import VolumeBindingController

CONTROLLERS: dict[str, type[Controller]] = {
    "deployment": DeploymentController, "replicaset": ReplicaSetController, "replication": ReplicationController,
    "statefulset": StatefulSetController, "daemonset": DaemonSetController, "job": JobController,
    "cronjob": CronJobController, "finished_jobs": FinishedJobController, "endpointslice": EndpointSliceController,
    "endpoint": EndpointsController, "mirroring": MirroringController, "disruption": DisruptionController,
    "nodelifecycle": NodeLifecycleController,
    "eviction": TaintEvictionController, "garbage": GarbageCollector, "podgc": PodGarbageCollector,
    "namespace": NamespaceController, "accounts": ServiceAccountsController, "quota": ResourceQuotaController,
    "aggregation": ClusterRoleAggregationController, "claim_protection": ClaimProtectionController,
    "volume_protection": VolumeProtectionController, "ipam": NodeIpamController, "ttl": TtlController,
    "autoscaler": AutoscalerController, "volume_binding": VolumeBindingController,
    "ephemeral": EphemeralVolumeController, "expand": ExpandController,
}  # fmt: skip
"""In the order in which they hear of changes. `RootCertificatePublisher` and `TokensController` come besides: they
need the certificate and the key of the cluster."""
