"""Which empty fields are printed: what is a pointer in Go, or has no ``omitempty`` (staging/src/k8s.io/api/*/types.go).

The schema knows types and what is required; it does not know this. By the last part of a type's name.
"""

from __future__ import annotations

KEPT_TEXTS = {
    "LeaseSpec": ("holderIdentity", "preferredHolder", "strategy"),
    "EndpointPort": ("name", "protocol", "appProtocol"),
    "Endpoint": ("hostname", "nodeName", "zone"),
    "PersistentVolumeClaimSpec": ("storageClassName",),
    "IngressSpec": ("ingressClassName",),
    "Event": ("reportingComponent", "reportingInstance"),
    "PodSpec": ("runtimeClassName",),
}
"""Optional texts that stay though they are empty."""

_READ_ONLY = ("readOnly",)
_REPLICAS = (
    "observedGeneration", "readyReplicas", "availableReplicas", "fullyLabeledReplicas", "currentReplicas",
    "updatedReplicas",
)  # fmt: skip

DROPPED_NUMBERS: dict[str, tuple[str, ...]] = {
    "PodSpec": ("hostNetwork", "hostPID", "hostIPC"),
    "Container": ("stdin", "stdinOnce", "tty"),
    "EphemeralContainer": ("stdin", "stdinOnce", "tty"),
    "VolumeMount": _READ_ONLY,
    "VolumeMountStatus": _READ_ONLY,
    "Probe": (
        "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
    ),
    "ContainerPort": ("hostPort",),
    "ContainerImage": ("sizeBytes",),
    "ServicePort": ("nodePort",),
    "ServiceSpec": ("healthCheckNodePort", "publishNotReadyAddresses"),
    "NodeSpec": ("unschedulable",),
    "DeploymentSpec": ("minReadySeconds", "paused"),
    "ReplicaSetSpec": ("minReadySeconds",),
    "ReplicationControllerSpec": ("minReadySeconds",),
    "DaemonSetSpec": ("minReadySeconds",),
    "StatefulSetSpec": ("minReadySeconds",),
    "DeploymentStatus": (
        "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
        "unavailableReplicas",
    ),
    "ReplicaSetStatus": _REPLICAS,
    "ReplicationControllerStatus": _REPLICAS,
    "StatefulSetStatus": ("observedGeneration", "readyReplicas", "currentReplicas", "updatedReplicas"),
    "DaemonSetStatus": ("observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable"),
    "JobStatus": ("active", "succeeded", "failed"),
    "ScaleSpec": ("replicas",),
    "HorizontalPodAutoscalerStatus": ("currentReplicas",),
    "PodDisruptionBudgetStatus": ("observedGeneration",),
    "ObjectMeta": ("generation",),
    "PodStatus": ("observedGeneration",),
    "PodCondition": ("observedGeneration",),
    "Condition": ("observedGeneration",),
    "ContainerStateTerminated": ("signal",),
    "Event": ("count", "deprecatedCount"),
    "EventSeries": ("count",),
    "TokenReviewStatus": ("authenticated",),
    "SubjectAccessReviewStatus": ("denied",),
    "ResourcePolicyRule": ("clusterScope",),
    "ServiceBackendPort": ("number",),
    "PriorityClass": ("globalDefault",),
    "ExactDeviceRequest": ("count",),
    "DeviceSubRequest": ("count",),
    "APIServiceSpec": ("insecureSkipTLSVerify",),
    "CustomResourceColumnDefinition": ("priority",),
    "CustomResourceDefinitionSpec": ("preserveUnknownFields",),
    "CustomResourceDefinitionStatus": ("observedGeneration",),
    "CustomResourceDefinitionCondition": ("observedGeneration",),
    "CustomResourceDefinitionVersion": ("deprecated",),
    "ValidatingAdmissionPolicyStatus": ("observedGeneration",),
    "JSONSchemaProps": (
        "exclusiveMaximum", "exclusiveMinimum", "nullable", "uniqueItems", "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
    ),
    "PersistentVolumeClaimVolumeSource": _READ_ONLY,
    "AWSElasticBlockStoreVolumeSource": ("partition", "readOnly"),
    "AzureFilePersistentVolumeSource": _READ_ONLY,
    "AzureFileVolumeSource": _READ_ONLY,
    "CSIPersistentVolumeSource": _READ_ONLY,
    "CephFSPersistentVolumeSource": _READ_ONLY,
    "CephFSVolumeSource": _READ_ONLY,
    "CinderPersistentVolumeSource": _READ_ONLY,
    "CinderVolumeSource": _READ_ONLY,
    "FCVolumeSource": _READ_ONLY,
    "FlexPersistentVolumeSource": _READ_ONLY,
    "FlexVolumeSource": _READ_ONLY,
    "GCEPersistentDiskVolumeSource": ("partition", "readOnly"),
    "GlusterfsPersistentVolumeSource": _READ_ONLY,
    "GlusterfsVolumeSource": _READ_ONLY,
    "ISCSIPersistentVolumeSource": ("chapAuthDiscovery", "chapAuthSession", "readOnly"),
    "ISCSIVolumeSource": ("chapAuthDiscovery", "chapAuthSession", "readOnly"),
    "NFSVolumeSource": _READ_ONLY,
    "PortworxVolumeSource": _READ_ONLY,
    "QuobyteVolumeSource": _READ_ONLY,
    "RBDPersistentVolumeSource": _READ_ONLY,
    "RBDVolumeSource": _READ_ONLY,
    "ScaleIOPersistentVolumeSource": ("sslEnabled", "readOnly"),
    "ScaleIOVolumeSource": ("sslEnabled", "readOnly"),
    "StorageOSPersistentVolumeSource": _READ_ONLY,
    "StorageOSVolumeSource": _READ_ONLY,
}  # fmt: skip
"""Optional numbers and booleans that are plain values in Go: zero and false are left out."""
