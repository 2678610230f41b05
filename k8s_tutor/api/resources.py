"""The rows of all kinds: names in URLs, in etcd and on the command line, and what each can do.

Sources: the schema table's operations, pkg/registry/*/storage (short names, categories), pkg/kubeapiserver
default_storage_factory_builder.go (folders in etcd).
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.api import schema

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Resource(NamedTuple):
    """One kind in one version."""

    kind: str
    plural: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    registry: str = ""
    """Folder below ``/registry`` where it differs from the plural."""
    categories: tuple[str, ...] = ()
    create_on_update: bool = False
    """A PUT to a name that does not exist creates the object."""
    generation: bool = False
    """``metadata.generation`` counts changes of the spec."""
    name_rule: str = "subdomain"
    """Shape of the name: ``subdomain``, ``label`` (DNS-1123), ``label1035``, ``path`` (any segment of a path) or ``ip``."""
    verbs: tuple[str, ...] = ALL_VERBS
    deprecated: str = ""
    """The warning that comes with every answer."""
    stored_as: Resource | None = None
    """The row whose bytes etcd keeps, for a version that is only a view of another."""
    custom: bytes = b""
    """Of a custom resource: the bytes of its CustomResourceDefinition."""
    single: str = ""
    """The singular where it is not the kind in lower case."""
    list_name: str = ""
    """Kind of the list where it is not the kind with ``List`` behind."""

    def __hash__(self) -> int:
        # Rows are keys of every cache on the way of a request.
        return hash(self.plural)

    @property
    def cache(self) -> str:
        """The name under which API servers keep its objects: the kind, or ``widgets.ex.io`` of a custom resource."""
        return f"{self.plural}.{self.group}" if self.custom else self.kind

    @property
    def home(self) -> Resource:
        """The row whose bytes etcd keeps: this one, unless it is a view."""
        return self.stored_as or self

    @property
    def singular(self) -> str:
        """``pod``."""
        return self.single or self.kind.lower()

    @property
    def api_version(self) -> str:
        """``v1``, ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """``PodList``."""
        return self.list_name or f"{self.kind}List"

    @property
    def type_name(self) -> str:
        """Full name of the type in the schema table."""
        found = schema.type_of(self.group, self.version, self.kind)
        assert found is not None, self.kind
        return found

    @property
    def prefix(self) -> str:
        """All keys of this resource in etcd start so: ``/registry/pods/``."""
        return f"/registry/{self.registry or self.plural}/"

    @property
    def root(self) -> str:
        """Start of its URLs: ``/api/v1``, ``/apis/apps/v1``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def key(self, namespace: str, name: str) -> str:
        """``/registry/pods/default/web``."""
        return f"{self.prefix}{namespace}/{name}" if self.namespaced else f"{self.prefix}{name}"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL of a collection, an object or a subresource; no namespace means all of them."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        return "/".join([*parts, *([name] if name else []), *([subresource] if subresource else [])])


_ALL = ("all",)
_STATUS = ("status",)
_SCALED = ("scale", "status")
_ADMISSION = "admissionregistration.k8s.io"
_EXTENSIONS = ("api-extensions",)
_RBAC = "rbac.authorization.k8s.io"
_FLOW = "flowcontrol.apiserver.k8s.io"
_NETWORK, _STORAGE, _DEVICES = "networking.k8s.io", "storage.k8s.io", "resource.k8s.io"

_CORE = (
    Resource("ConfigMap", "configmaps", short_names=("cm",)),
    Resource("Endpoints", "endpoints", short_names=("ep",), registry="services/endpoints",
             deprecated="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
    Resource("Event", "events", short_names=("ev",), create_on_update=True),
    Resource("LimitRange", "limitranges", short_names=("limits",), create_on_update=True),
    Resource("Namespace", "namespaces", namespaced=False, short_names=("ns",), subresources=("finalize", "status"),
             name_rule="label",
             verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection")),
    Resource("Node", "nodes", namespaced=False, short_names=("no",), subresources=("proxy", "status"),
             registry="minions"),
    Resource("PersistentVolumeClaim", "persistentvolumeclaims", short_names=("pvc",), subresources=_STATUS),
    Resource("PersistentVolume", "persistentvolumes", namespaced=False, short_names=("pv",), subresources=_STATUS),
    Resource("Pod", "pods", short_names=("po",), categories=_ALL, generation=True, subresources=(
        "attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize", "status",
    )),
    Resource("PodTemplate", "podtemplates", generation=True),
    Resource("ReplicationController", "replicationcontrollers", short_names=("rc",), subresources=_SCALED,
             registry="controllers", categories=_ALL, generation=True),
    Resource("ResourceQuota", "resourcequotas", short_names=("quota",), subresources=_STATUS),
    Resource("Secret", "secrets"),
    Resource("ServiceAccount", "serviceaccounts", short_names=("sa",), subresources=("token",)),
    Resource("Service", "services", short_names=("svc",), subresources=("proxy", "status"), registry="services/specs",
             categories=_ALL, name_rule="label1035"),
)  # fmt: skip

_GROUPS = (
    Resource("MutatingAdmissionPolicy", "mutatingadmissionpolicies", _ADMISSION, namespaced=False, generation=True,
             categories=_EXTENSIONS),
    Resource("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", _ADMISSION, namespaced=False,
             generation=True, categories=_EXTENSIONS),
    Resource("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", _ADMISSION, namespaced=False,
             generation=True, categories=_EXTENSIONS),
    Resource("ValidatingAdmissionPolicy", "validatingadmissionpolicies", _ADMISSION, namespaced=False, generation=True,
             subresources=_STATUS, categories=_EXTENSIONS),
    Resource("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", _ADMISSION, namespaced=False,
             generation=True, categories=_EXTENSIONS),
    Resource("ValidatingWebhookConfiguration", "validatingwebhookconfigurations", _ADMISSION, namespaced=False,
             generation=True, categories=_EXTENSIONS),
    Resource("CustomResourceDefinition", "customresourcedefinitions", "apiextensions.k8s.io", namespaced=False,
             short_names=("crd", "crds"), subresources=_STATUS, categories=_EXTENSIONS, generation=True,
             registry="apiextensions.k8s.io/customresourcedefinitions"),
    Resource("APIService", "apiservices", "apiregistration.k8s.io", namespaced=False, subresources=_STATUS,
             categories=_EXTENSIONS, registry="apiregistration.k8s.io/apiservices"),
    Resource("ControllerRevision", "controllerrevisions", "apps"),
    Resource("DaemonSet", "daemonsets", "apps", short_names=("ds",), subresources=_STATUS, categories=_ALL,
             generation=True),
    Resource("Deployment", "deployments", "apps", short_names=("deploy",), subresources=_SCALED, categories=_ALL,
             generation=True),
    Resource("ReplicaSet", "replicasets", "apps", short_names=("rs",), subresources=_SCALED, categories=_ALL,
             generation=True),
    Resource("StatefulSet", "statefulsets", "apps", short_names=("sts",), subresources=_SCALED, categories=_ALL,
             generation=True, name_rule="label"),
    Resource("HorizontalPodAutoscaler", "horizontalpodautoscalers", "autoscaling", "v2", short_names=("hpa",),
             subresources=_STATUS, categories=_ALL),
    Resource("CronJob", "cronjobs", "batch", short_names=("cj",), subresources=_STATUS, categories=_ALL, generation=True),
    Resource("Job", "jobs", "batch", subresources=_STATUS, categories=_ALL, generation=True),
    Resource("CertificateSigningRequest", "certificatesigningrequests", "certificates.k8s.io", namespaced=False,
             short_names=("csr",), subresources=("approval", "status")),
    Resource("Lease", "leases", "coordination.k8s.io", create_on_update=True),
    Resource("EndpointSlice", "endpointslices", "discovery.k8s.io", generation=True),
    Resource("FlowSchema", "flowschemas", _FLOW, namespaced=False, subresources=_STATUS, generation=True),
    Resource("PriorityLevelConfiguration", "prioritylevelconfigurations", _FLOW, namespaced=False, subresources=_STATUS,
             generation=True),
    Resource("IngressClass", "ingressclasses", _NETWORK, namespaced=False, generation=True),
    Resource("Ingress", "ingresses", _NETWORK, short_names=("ing",), subresources=_STATUS, registry="ingress",
             generation=True),
    Resource("IPAddress", "ipaddresses", _NETWORK, namespaced=False, short_names=("ip",), name_rule="ip"),
    Resource("NetworkPolicy", "networkpolicies", _NETWORK, short_names=("netpol",), generation=True),
    Resource("ServiceCIDR", "servicecidrs", _NETWORK, namespaced=False, subresources=_STATUS),
    Resource("RuntimeClass", "runtimeclasses", "node.k8s.io", namespaced=False),
    Resource("PodDisruptionBudget", "poddisruptionbudgets", "policy", short_names=("pdb",), subresources=_STATUS,
             generation=True),
    Resource("ClusterRoleBinding", "clusterrolebindings", _RBAC, namespaced=False, create_on_update=True,
             name_rule="path"),
    Resource("ClusterRole", "clusterroles", _RBAC, namespaced=False, create_on_update=True, name_rule="path"),
    Resource("RoleBinding", "rolebindings", _RBAC, create_on_update=True, name_rule="path"),
    Resource("Role", "roles", _RBAC, create_on_update=True, name_rule="path"),
    Resource("DeviceClass", "deviceclasses", _DEVICES, namespaced=False, generation=True),
    Resource("ResourceClaim", "resourceclaims", _DEVICES, subresources=_STATUS),
    Resource("ResourceClaimTemplate", "resourceclaimtemplates", _DEVICES),
    Resource("ResourceSlice", "resourceslices", _DEVICES, namespaced=False, generation=True),
    Resource("PriorityClass", "priorityclasses", "scheduling.k8s.io", namespaced=False, short_names=("pc",),
             generation=True),
    Resource("CSIDriver", "csidrivers", _STORAGE, namespaced=False, generation=True),
    Resource("CSINode", "csinodes", _STORAGE, namespaced=False),
    Resource("CSIStorageCapacity", "csistoragecapacities", _STORAGE),
    Resource("StorageClass", "storageclasses", _STORAGE, namespaced=False, short_names=("sc",)),
    Resource("VolumeAttachment", "volumeattachments", _STORAGE, namespaced=False, subresources=_STATUS),
    Resource("VolumeAttributesClass", "volumeattributesclasses", _STORAGE, namespaced=False, short_names=("vac",)),
)  # fmt: skip

RESOURCES: tuple[Resource, ...] = (*_CORE, *_GROUPS)
"""Every kind that etcd keeps, in the version in which it keeps it: core first, then the groups by name."""


def _stored(kind: str) -> Resource:
    return next(row for row in RESOURCES if row.kind == kind)


def _view(kind: str, group: str, version: str) -> Resource:
    home = _stored(kind)
    registry = home.registry or home.plural
    return home._replace(group=group, version=version, registry=registry, stored_as=home)


VIEWS: tuple[Resource, ...] = (
    _view("HorizontalPodAutoscaler", "autoscaling", "v1"),
    _view("Event", "events.k8s.io", "v1"),
)
"""Other versions of stored kinds: read and written as such, and kept in the home version."""

NEED_REVISION = (
    "APIService", "CSIDriver", "CSINode", "CSIStorageCapacity", "CustomResourceDefinition", "Lease",
    "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "PodDisruptionBudget",
    "RuntimeClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
    "VolumeAttachment",
)  # fmt: skip
"""Kinds whose PUT must name the revision that it replaces (strategies without AllowUnconditionalUpdate)."""

_REVIEW = ("create",)

ANSWERS: tuple[Resource, ...] = (
    Resource("Binding", "bindings", verbs=_REVIEW),
    Resource("ComponentStatus", "componentstatuses", namespaced=False, short_names=("cs",), verbs=("get", "list"),
             deprecated="v1 ComponentStatus is deprecated in v1.19+"),
    Resource("SelfSubjectReview", "selfsubjectreviews", "authentication.k8s.io", namespaced=False, verbs=_REVIEW),
    Resource("TokenReview", "tokenreviews", "authentication.k8s.io", namespaced=False, verbs=_REVIEW),
    Resource("LocalSubjectAccessReview", "localsubjectaccessreviews", "authorization.k8s.io", verbs=_REVIEW),
    Resource("SelfSubjectAccessReview", "selfsubjectaccessreviews", "authorization.k8s.io", namespaced=False, verbs=_REVIEW),
    Resource("SelfSubjectRulesReview", "selfsubjectrulesreviews", "authorization.k8s.io", namespaced=False, verbs=_REVIEW),
    Resource("SubjectAccessReview", "subjectaccessreviews", "authorization.k8s.io", namespaced=False, verbs=_REVIEW),
)
"""Resources that are never stored: a request to them is a question, or another way to write."""
