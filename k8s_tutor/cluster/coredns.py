"""CoreDNS as kubeadm installs it: account, rights, Corefile, Deployment and the Service ``kube-dns``
(cmd/kubeadm/app/phases/addons/dns/manifests.go)."""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]

KIND = "coredns"
"""The kind of process that its containers are."""
ADDRESS = "10.96.0.10"
IMAGE = "registry.k8s.io/coredns/coredns:v1.13.1"
_RBAC, _LABELS = "rbac.authorization.k8s.io", {"k8s-app": "kube-dns"}
COREFILE = """.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""


def process(number: int) -> str:
    """The process that the containers of CoreDNS on ``node-<number>`` are."""
    return f"{KIND}-{number}"


def objects() -> list[Tree]:
    """Its objects, in the order in which they are applied."""
    rules = [
        {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    subject = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "system:coredns"}
    return [
        _tree("v1", "ServiceAccount", "coredns"),
        {**_tree(f"{_RBAC}/v1", "ClusterRole", "system:coredns", ""), "rules": rules},
        {**_tree(f"{_RBAC}/v1", "ClusterRoleBinding", "system:coredns", ""), "subjects": [subject], "roleRef": reference},
        {**_tree("v1", "ConfigMap", "coredns"), "data": {"Corefile": COREFILE}},
        {**_tree("v1", "Service", "kube-dns"), "spec": _service()},
        {**_tree("apps/v1", "Deployment", "coredns"), "spec": _deployment()},
    ]


def _service() -> Tree:
    ports = [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP")]
    rows = [{"name": name, "port": port, "targetPort": port, "protocol": protocol} for name, port, protocol in ports]
    return {"clusterIP": ADDRESS, "ports": rows, "selector": dict(_LABELS)}


def _deployment() -> Tree:
    spread = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": {
        "labelSelector": {"matchExpressions": [{"key": "k8s-app", "operator": "In", "values": ["kube-dns"]}]},
        "topologyKey": "kubernetes.io/hostname"}}]}  # fmt: skip
    tolerations = [{"key": "CriticalAddonsOnly", "operator": "Exists"},
                   {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]  # fmt: skip
    spec = {
        "priorityClassName": "system-cluster-critical", "serviceAccountName": "coredns", "dnsPolicy": "Default",
        "affinity": {"podAntiAffinity": spread}, "tolerations": tolerations, "nodeSelector": {"kubernetes.io/os": "linux"},
        "containers": [_container()],
        "volumes": [{"name": "config-volume", "configMap": {
            "name": "coredns", "items": [{"key": "Corefile", "path": "Corefile"}]}}],
    }  # fmt: skip
    return {
        "replicas": 2, "selector": {"matchLabels": dict(_LABELS)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
        "template": {"metadata": {"labels": dict(_LABELS)}, "spec": spec},
    }  # fmt: skip


def _container() -> Tree:
    def probe(path: str, port: int, **more: int) -> Tree:
        return {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}, **more}

    ports = [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP")]
    return {
        "name": "coredns", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "args": ["-conf", "/etc/coredns/Corefile"],
        "resources": {"limits": {"memory": "170Mi"}, "requests": {"cpu": "100m", "memory": "70Mi"}},
        "ports": [{"name": name, "containerPort": port, "protocol": protocol} for name, port, protocol in ports],
        "volumeMounts": [{"name": "config-volume", "mountPath": "/etc/coredns", "readOnly": True}],
        "livenessProbe": probe("/health", 8080, initialDelaySeconds=60, timeoutSeconds=5, failureThreshold=5),
        "readinessProbe": probe("/ready", 8181),
    }  # fmt: skip


def _tree(api_version: str, kind: str, name: str, namespace: str = "kube-system") -> Tree:
    metadata: Tree = {"name": name, **({"namespace": namespace} if namespace else {})}
    if kind == "Deployment":
        metadata["labels"] = dict(_LABELS)
    elif kind == "Service":
        metadata["labels"] = {**_LABELS, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
