"""ingress-nginx as its manifest for bare metal installs it: namespace, account, rights, Deployment, Service and IngressClass.

Its admission webhook and its default-backend Service are missing. The Service has node ports that stay: 30080 and 30443.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.ingress.controller import KIND, LABELS
from k8s_tutor.node.ingress.routes import CLASS_CONTROLLER

Tree = dict[str, Any]

NAMESPACE = "ingress-nginx"
IMAGE = "registry.k8s.io/ingress-nginx/controller:v1.13.3"
HTTP, HTTPS = 30080, 30443
_RBAC = "rbac.authorization.k8s.io"


def process(number: int) -> str:
    """The process that the containers of the controller on ``node-<number>`` are."""
    return f"{KIND}-{number}"


def objects() -> list[Tree]:
    """Its objects, in the order in which they are applied."""
    read = ["list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": ["configmaps", "endpoints", "nodes", "pods", "secrets", "namespaces"], "verbs": read},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["services"], "verbs": ["get", *read]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": ["get", *read]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["update", "patch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch", "get"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": read},
    ]
    subject = {"kind": "ServiceAccount", "name": NAMESPACE, "namespace": NAMESPACE}
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": NAMESPACE}
    return [
        _tree("v1", "Namespace", NAMESPACE, ""),
        _tree("v1", "ServiceAccount", NAMESPACE),
        {**_tree(f"{_RBAC}/v1", "ClusterRole", NAMESPACE, ""), "rules": rules},
        {**_tree(f"{_RBAC}/v1", "ClusterRoleBinding", NAMESPACE, ""), "subjects": [subject], "roleRef": reference},
        {**_tree("v1", "Service", "ingress-nginx-controller"), "spec": _service()},
        {**_tree("apps/v1", "Deployment", "ingress-nginx-controller"), "spec": _deployment()},
        {**_tree("networking.k8s.io/v1", "IngressClass", "nginx", ""), "spec": {"controller": CLASS_CONTROLLER}},
    ]


def _service() -> Tree:
    ports = [("http", 80, HTTP), ("https", 443, HTTPS)]
    rows = [
        {"name": name, "port": port, "targetPort": name, "nodePort": node, "protocol": "TCP", "appProtocol": name}
        for name, port, node in ports
    ]
    return {"type": "NodePort", "ports": rows, "selector": dict(LABELS)}


def _deployment() -> Tree:
    def probe(failures: int) -> Tree:
        return {"httpGet": {"path": "/healthz", "port": 10254, "scheme": "HTTP"}, "initialDelaySeconds": 10,
                "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": failures}  # fmt: skip

    args = ["/nginx-ingress-controller", "--election-id=ingress-nginx-leader", f"--controller-class={CLASS_CONTROLLER}",
            "--ingress-class=nginx", "--configmap=$(POD_NAMESPACE)/ingress-nginx-controller"]  # fmt: skip
    ports = [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in (("http", 80), ("https", 443))]
    container = {
        "name": "controller", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "args": args, "ports": ports,
        "resources": {"requests": {"cpu": "100m", "memory": "90Mi"}}, "livenessProbe": probe(5), "readinessProbe": probe(3),
    }  # fmt: skip
    spec = {"serviceAccountName": NAMESPACE, "dnsPolicy": "ClusterFirst", "nodeSelector": {"kubernetes.io/os": "linux"},
            "terminationGracePeriodSeconds": 300, "containers": [container]}  # fmt: skip
    return {
        "replicas": 1, "selector": {"matchLabels": dict(LABELS)},
        "template": {"metadata": {"labels": dict(LABELS)}, "spec": spec},
    }  # fmt: skip


def _tree(api_version: str, kind: str, name: str, namespace: str = NAMESPACE) -> Tree:
    metadata: Tree = {"name": name, "labels": dict(LABELS), **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
