"""The rights that a cluster has from the start: cluster roles, and who holds them.

Source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy. A rule reads ``verbs | groups | resources | names`` (the core group is
``core``) or ``verbs @ paths``; ``read``, ``write`` and ``edit`` stand for the usual verbs. Roles of single controllers are not
here: they all work as ``system:kube-controller-manager``.
"""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
_BOOT = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_AUTO = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_VERBS = {
    "read": "get list watch",
    "write": "create delete deletecollection patch update",
    "edit": "create delete deletecollection get list patch update watch",
    "record": "create patch update",
}
_EVENTS = "record | core events.k8s.io | events"
_REVIEWS = ("create | authentication.k8s.io | tokenreviews", "create | authorization.k8s.io | subjectaccessreviews")


def _lock(name: str) -> tuple[str, str]:
    return "create | coordination.k8s.io | leases", f"get update | coordination.k8s.io | leases | {name}"


_CSR = "certificates.k8s.io"

_ROLES: dict[str, tuple[str, ...]] = {
    "cluster-admin": ("* | * | *", "* @ *"),
    "system:aggregate-to-admin": (
        "create | authorization.k8s.io | localsubjectaccessreviews", f"edit | {RBAC} | rolebindings roles",
    ),
    "system:aggregate-to-edit": (
        "read | core | pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy",
        "impersonate | core | serviceaccounts",
        "write | core | pods pods/attach pods/exec pods/portforward pods/proxy",
        "create | core | pods/eviction",
        "write | core | configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets "
        "serviceaccounts services services/proxy",
        "create | core | serviceaccounts/token",
        "write | apps | daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale "
        "statefulsets statefulsets/scale",
        "write | autoscaling | horizontalpodautoscalers",
        "write | batch | cronjobs jobs",
        "write | extensions | daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies "
        "replicasets replicasets/scale replicationcontrollers/scale",
        "write | policy | poddisruptionbudgets",
        "write | networking.k8s.io | ingresses networkpolicies",
        "edit | coordination.k8s.io | leases",
        "write | resource.k8s.io | resourceclaims resourceclaimtemplates",
    ),
    "system:aggregate-to-view": (
        "read | core | configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers "
        "replicationcontrollers/scale serviceaccounts services services/status",
        "read | core | bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
        "resourcequotas resourcequotas/status",
        "read | core | namespaces",
        "read | discovery.k8s.io | endpointslices",
        "read | apps | controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status "
        "replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
        "read | autoscaling | horizontalpodautoscalers horizontalpodautoscalers/status",
        "read | batch | cronjobs cronjobs/status jobs jobs/status",
        "read | extensions | daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses "
        "ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
        "read | policy | poddisruptionbudgets poddisruptionbudgets/status",
        "read | networking.k8s.io | ingresses ingresses/status networkpolicies",
        "read | resource.k8s.io | resourceclaims resourceclaims/status resourceclaimtemplates",
    ),
    "system:auth-delegator": _REVIEWS,
    "system:basic-user": (
        "create | authorization.k8s.io | selfsubjectaccessreviews selfsubjectrulesreviews",
        "create | authentication.k8s.io | selfsubjectreviews",
    ),
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient": (
        f"create | {_CSR} | certificatesigningrequests/nodeclient",
    ),
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient": (
        f"create | {_CSR} | certificatesigningrequests/selfnodeclient",
    ),
    "system:certificates.k8s.io:kube-apiserver-client-approver": (
        f"approve | {_CSR} | signers | kubernetes.io/kube-apiserver-client",
    ),
    "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver": (
        f"approve | {_CSR} | signers | kubernetes.io/kube-apiserver-client-kubelet",
    ),
    "system:certificates.k8s.io:kubelet-serving-approver": (
        f"approve | {_CSR} | signers | kubernetes.io/kubelet-serving",
    ),
    "system:certificates.k8s.io:legacy-unknown-approver": (
        f"approve | {_CSR} | signers | kubernetes.io/legacy-unknown",
    ),
    "system:discovery": (
        "get @ /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/",
        "get @ /.well-known /.well-known/*",
    ),
    "system:heapster": ("read | core | events namespaces nodes pods", "read | extensions | deployments"),
    "system:kube-aggregator": ("read | core | endpoints services",),
    "system:kube-controller-manager": (
        _EVENTS, *_lock("kube-controller-manager"), "create | core | secrets serviceaccounts", "delete | core | secrets",
        "get | core | configmaps namespaces secrets serviceaccounts", "update | core | secrets serviceaccounts", *_REVIEWS,
        "list watch | * | *", "create | core | serviceaccounts/token",
    ),
    "system:kube-dns": ("list watch | core | endpoints services",),
    "system:kube-scheduler": (
        _EVENTS, *_lock("kube-scheduler"), "read | core | nodes", "delete get list watch | core | pods",
        "create | core | bindings pods/binding", "patch update | core | pods/status",
        "read | core | replicationcontrollers services", "read | apps extensions | replicasets",
        "read | apps | statefulsets", "read | policy | poddisruptionbudgets",
        "read | core | persistentvolumeclaims persistentvolumes", *_REVIEWS, "read | storage.k8s.io | csinodes",
        "read | core | namespaces", "read | storage.k8s.io | csidrivers", "read | storage.k8s.io | csistoragecapacities",
        "read | storage.k8s.io | volumeattachments",
        "read | resource.k8s.io | deviceclasses", "get list patch update watch | resource.k8s.io | resourceclaims",
        "get list patch update watch | resource.k8s.io | resourceclaims/status", "read | resource.k8s.io | resourceslices",
    ),
    "system:kubelet-api-admin": (
        "read | core | nodes", "proxy | core | nodes",
        "* | core | nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats",
    ),
    "system:monitoring": ("get @ /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*",),
    "system:node": (
        "create | authentication.k8s.io | tokenreviews",
        "create | authorization.k8s.io | localsubjectaccessreviews subjectaccessreviews",
        "read | core | services", "create get list watch | core | nodes", "patch update | core | nodes/status",
        "patch update | core | nodes", "record | core | events", "read | core | pods", "create delete | core | pods",
        "patch update | core | pods/status", "create | core | pods/eviction", "read | core | configmaps secrets",
        "get | core | persistentvolumeclaims persistentvolumes", "get | core | endpoints",
        f"create get list watch | {_CSR} | certificatesigningrequests",
        "create delete get patch update | coordination.k8s.io | leases", "get | storage.k8s.io | volumeattachments",
        "create | core | serviceaccounts/token", "get patch update | core | persistentvolumeclaims/status",
        "read | storage.k8s.io | csidrivers", "create delete get patch update | storage.k8s.io | csinodes",
        "read | node.k8s.io | runtimeclasses", "get | resource.k8s.io | resourceclaims",
        "deletecollection list watch | resource.k8s.io | resourceslices",
    ),
    "system:node-bootstrapper": (f"create get list watch | {_CSR} | certificatesigningrequests",),
    "system:node-problem-detector": ("get | core | nodes", "patch | core | nodes/status", _EVENTS),
    "system:node-proxier": (
        "list watch | core | endpoints services", "read | core | nodes", _EVENTS,
        "list watch | discovery.k8s.io | endpointslices", "list watch | networking.k8s.io | servicecidrs",
    ),
    "system:persistent-volume-provisioner": (
        "create delete get list watch | core | persistentvolumes", "get list update watch | core | persistentvolumeclaims",
        "read | storage.k8s.io | storageclasses", "watch | core | events", _EVENTS,
    ),
    "system:public-info-viewer": ("get @ /healthz /livez /readyz /version /version/",),
    "system:service-account-issuer-discovery": ("get @ /.well-known/openid-configuration /openid/v1/jwks",),
    "system:volume-scheduler": (
        "get list patch update watch | core | persistentvolumes", "read | storage.k8s.io | storageclasses",
        "get list patch update watch | core | persistentvolumeclaims",
    ),
}  # fmt: skip

_AGGREGATED = {"admin": ("edit", "system:aggregate-to-admin"), "edit": ("system:aggregate-to-edit", "view"),
               "view": ("system:aggregate-to-view",)}  # fmt: skip
"""Roles that are the sum of others, in the order in which the controller adds them up."""
_LABELS = {"edit": "admin", "view": "edit", "system:aggregate-to-admin": "admin", "system:aggregate-to-edit": "edit",
           "system:aggregate-to-view": "view"}  # fmt: skip

_BINDINGS: dict[str, tuple[str, ...]] = {
    "cluster-admin": ("Group system:masters",),
    "system:basic-user": ("Group system:authenticated",),
    "system:discovery": ("Group system:authenticated",),
    "system:kube-controller-manager": ("User system:kube-controller-manager",),
    "system:kube-dns": ("ServiceAccount kube-dns",),
    "system:kube-scheduler": ("User system:kube-scheduler",),
    "system:monitoring": ("Group system:monitoring",),
    "system:node": (),
    "system:node-proxier": ("User system:kube-proxy",),
    "system:public-info-viewer": ("Group system:authenticated", "Group system:unauthenticated"),
    "system:service-account-issuer-discovery": ("Group system:serviceaccounts",),
    "system:volume-scheduler": ("User system:kube-scheduler",),
}


def rule(text: str) -> Tree:
    """``get list | core | pods`` as a PolicyRule."""
    if "@" in text:
        verbs, paths = text.split(" @ ")
        return {"verbs": _words(verbs), "nonResourceURLs": paths.split()}
    verbs, groups, resources, *names = text.split(" | ")
    found: Tree = {
        "verbs": _words(verbs),
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
    }
    return {**found, "resourceNames": names[0].split()} if names else found


def _words(verbs: str) -> list[str]:
    return _VERBS.get(verbs, verbs).split()


def _rules(name: str) -> list[Tree]:
    """The rules of a role, also of one that is the sum of others."""
    if name in _AGGREGATED:
        found: list[Tree] = []
        for part in _AGGREGATED[name]:
            found += [one for one in _rules(part) if one not in found]
        return found
    return [rule(text) for text in _ROLES[name]]


def _metadata(name: str, **labels: str) -> Tree:
    return {"name": name, "labels": {**_BOOT, **labels}, "annotations": dict(_AUTO)}


def cluster_roles() -> list[Tree]:
    """All cluster roles, ordered by name."""
    found = []
    for name in sorted((*_ROLES, *_AGGREGATED)):
        labels = {f"{RBAC}/aggregate-to-{_LABELS[name]}": "true"} if name in _LABELS else {}
        role: Tree = {"metadata": _metadata(name, **labels), "rules": _rules(name)}
        if name in _AGGREGATED:
            selector = {"matchLabels": {f"{RBAC}/aggregate-to-{name}": "true"}}
            role["aggregationRule"] = {"clusterRoleSelectors": [selector]}
        found.append(role)
    return found


def cluster_role_bindings() -> list[Tree]:
    """Who holds which cluster role."""
    return [
        {
            "metadata": _metadata(name),
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            **({"subjects": [_subject(text) for text in subjects]} if subjects else {}),
        }
        for name, subjects in _BINDINGS.items()
    ]


def _subject(text: str) -> Tree:
    kind, name = text.split()
    if kind == "ServiceAccount":
        return {"kind": kind, "name": name, "namespace": "kube-system"}
    return {"kind": kind, "apiGroup": RBAC, "name": name}


def priority_classes() -> list[Tree]:
    """The two classes that only the system's own pods should have (pkg/apis/scheduling/types.go)."""
    return [
        {
            "metadata": {"name": "system-cluster-critical"}, "value": 2_000_000_000,
            "description": "Used for system critical pods that must run in the cluster, but can be moved to another node if "
                           "necessary.",
        },
        {
            "metadata": {"name": "system-node-critical"}, "value": 2_000_001_000,
            "description": "Used for system critical pods that must not be moved from their current node.",
        },
    ]  # fmt: skip


def service_cidrs() -> list[Tree]:
    """The range of cluster addresses."""
    return [{"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/12"]}}]
