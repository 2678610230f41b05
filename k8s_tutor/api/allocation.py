"""Cluster IPs and node ports of Services (pkg/registry/core/service/storage/alloc.go).

What is taken is read from the Services that this API server knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8s_tutor.api import names, status
from k8s_tutor.api.names import Draw
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.strategy import kind_subject
from k8s_tutor.api.validation import causes

Tree = dict[str, Any]


class Taken(NamedTuple):
    """Addresses and ports of all Services but one."""

    addresses: frozenset[str]
    ports: frozenset[int]


def taken(services: Iterable[Tree], but: str = "") -> Taken:
    """What the Services hold, without the one of uid ``but``."""
    addresses, ports = [], []
    for service in services:
        if service["metadata"]["uid"] == but:
            continue
        spec = service["spec"]
        addresses += spec.get("clusterIPs", ())
        ports += [port["nodePort"] for port in spec.get("ports", ()) if port.get("nodePort")]
        if spec.get("healthCheckNodePort"):
            ports.append(spec["healthCheckNodePort"])
    return Taken(frozenset(addresses), frozenset(ports))


def allocate(resource: Resource, tree: Tree, old: Tree | None, held: Taken, draw: Draw) -> Tree:
    """A Service with the addresses and ports that its type calls for. Raises a Refusal (422). ``tree`` is fresh."""
    spec = dict(tree["spec"])
    found: list[status.Cause] = []
    kind = spec["type"]
    if kind == "ExternalName":
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy",
                      "externalTrafficPolicy", "healthCheckNodePort"):  # fmt: skip
            spec.pop(field, None)
        _release_ports(spec)
    else:
        _address(spec, old, held, draw, found)
        if kind == "ClusterIP":
            _release_ports(spec)
            if not spec.get("externalIPs"):
                spec.pop("externalTrafficPolicy", None)
            spec.pop("allocateLoadBalancerNodePorts", None)
            spec.pop("healthCheckNodePort", None)
        elif kind == "NodePort" or spec.get("allocateLoadBalancerNodePorts", True):
            _ports(spec, old, held, draw, found)
        if kind == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
            used = [*held.ports, *(port.get("nodePort", 0) for port in spec.get("ports", ()))]
            before = (old or {}).get("spec", {}).get("healthCheckNodePort")
            spec.setdefault("healthCheckNodePort", before or names.allocate_node_port(used, draw))
        else:
            spec.pop("healthCheckNodePort", None)
    if found:
        raise status.invalid(kind_subject(resource, tree["metadata"].get("name", "")), found)
    return {**tree, "spec": spec}


def _release_ports(spec: Tree) -> None:
    if any("nodePort" in port for port in spec.get("ports", ())):
        spec["ports"] = [{key: value for key, value in port.items() if key != "nodePort"} for port in spec["ports"]]


def _address(spec: Tree, old: Tree | None, held: Taken, draw: Draw, found: list[status.Cause]) -> None:
    before = (old or {}).get("spec", {}).get("clusterIP", "")
    wanted = spec.get("clusterIP") or (spec.get("clusterIPs") or [""])[0] or before
    if not wanted:
        wanted = names.allocate_cluster_ip(held.addresses, draw)
    elif wanted not in ("None", before):
        problem = ""
        if names.service_offset(wanted) is None:
            problem = "the provided network does not match the current range"
        elif wanted in held.addresses:
            problem = "provided IP is already allocated"
        if problem:
            text = f"failed to allocate IP {wanted}: {problem}"
            found.append(causes.invalid("spec.clusterIPs", [wanted], text))
    spec["clusterIP"], spec["clusterIPs"] = wanted, [wanted]
    _families(spec, (old or {}).get("spec", {}), found)


def _families(spec: Tree, before: Tree, found: list[status.Cause]) -> None:
    """Which kinds of addresses a Service has, in a cluster that has only IPv4. One without addresses and without a selector
    may have any, because somebody else says what is behind it."""
    free = spec["clusterIP"] == "None" and not spec.get("selector")
    policy = spec.setdefault("ipFamilyPolicy", before.get("ipFamilyPolicy", "RequireDualStack" if free else "SingleStack"))
    families = spec.setdefault("ipFamilies", list(before.get("ipFamilies", ["IPv4"])))
    if free:
        if len(families) < 2 and policy != "SingleStack":
            spec["ipFamilies"] = [*families, "IPv6" if families[0] == "IPv4" else "IPv4"]
        return
    if policy == "RequireDualStack":
        text = "this cluster is not configured for dual-stack services"
        found.append(causes.invalid("spec.ipFamilyPolicy", policy, text))
    for index, family in enumerate(families):
        if family != "IPv4":
            found.append(causes.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))


def _ports(spec: Tree, old: Tree | None, held: Taken, draw: Draw, found: list[status.Cause]) -> None:
    before = {
        (port.get("protocol"), port["port"]): port["nodePort"]
        for port in (old or {}).get("spec", {}).get("ports", ())
        if port.get("nodePort")
    }
    used = list(held.ports)
    ports = []
    for index, port in enumerate(spec.get("ports", ())):
        wanted = port.get("nodePort") or before.get((port.get("protocol"), port["port"]))
        if wanted in held.ports:
            text = "provided port is already allocated"
            found.append(causes.invalid(f"spec.ports[{index}].nodePort", wanted, text))
        number = wanted or names.allocate_node_port(used, draw)
        used.append(number)
        ports.append({**port, "nodePort": number})
    if ports:
        spec["ports"] = ports
