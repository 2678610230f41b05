"""Defaults of Services, endpoints, Ingresses and policies (core/v1, discovery/v1, networking/v1 defaults.go)."""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]


def service(tree: Tree) -> None:
    """A Service; addresses and ports are given out later (see `allocation`)."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("sessionAffinity", "None")
    kind = spec.setdefault("type", "ClusterIP")
    if spec["sessionAffinity"] == "ClientIP":
        affinity = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        affinity.setdefault("timeoutSeconds", 10_800)
    elif spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort"):
            port["targetPort"] = port.get("port", 0)
    if kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and spec.get("externalIPs")):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    if kind in ("ClusterIP", "NodePort", "LoadBalancer"):
        spec.setdefault("internalTrafficPolicy", "Cluster")
    tree.setdefault("status", {}).setdefault("loadBalancer", {})


def endpoints(tree: Tree) -> None:
    """Endpoints."""
    for subset in tree.get("subsets", ()):
        for port in subset.get("ports", ()):
            port.setdefault("protocol", "TCP")


def endpoint_slice(tree: Tree) -> None:
    """An EndpointSlice."""
    tree.setdefault("addressType", "")
    for endpoint in tree.setdefault("endpoints", None) or ():
        endpoint.setdefault("addresses", None)
        endpoint.setdefault("conditions", {})
    for port in tree.setdefault("ports", None) or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")
    if not tree["endpoints"]:
        tree["endpoints"] = None
    if not tree["ports"]:
        tree["ports"] = None


def ingress(tree: Tree) -> None:
    """An Ingress."""
    spec = tree.setdefault("spec", {})
    backends = [path.get("backend", {}) for rule in spec.get("rules", ()) for path in rule.get("http", {}).get("paths", ())]
    for backend in (spec.get("defaultBackend", {}), *backends):
        if "resource" in backend:
            backend["resource"].setdefault("apiGroup", None)
        if "service" in backend:
            backend["service"].setdefault("port", {})
    tree.setdefault("status", {}).setdefault("loadBalancer", {})


def ingress_class(tree: Tree) -> None:
    """An IngressClass."""
    spec = tree.setdefault("spec", {})
    if "parameters" in spec:
        spec["parameters"].setdefault("scope", "Cluster")


def network_policy(tree: Tree) -> None:
    """A NetworkPolicy: it is about ingress always, about egress when it has rules for that."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for port in rule.get("ports", ()):
            port.setdefault("protocol", "TCP")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def service_cidr(tree: Tree) -> None:
    """A ServiceCIDR."""
    tree.setdefault("spec", {}).setdefault("cidrs", None)
    tree.setdefault("status", {})


def ip_address(tree: Tree) -> None:
    """An IPAddress."""
    tree.setdefault("spec", {})
