"""Services and Endpoints (pkg/apis/core/validation ValidateService, ValidateEndpoints)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import names as allocation
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import addresses, meta, names
from k8s_tutor.api.validation.causes import (
    PORT_RANGE,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)

Tree = dict[str, Any]

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_LONGEST_AFFINITY = 86_400


def _ports(found: list[Cause], spec: Tree) -> None:
    ports: list[Tree] = spec.get("ports", [])
    headless = spec.get("clusterIP") == "None"
    if not ports and not headless and spec["type"] != "ExternalName":
        found.append(required("spec.ports"))
    seen: list[str] = []
    pairs: list[tuple[str, int]] = []
    taken: list[tuple[str, int]] = []
    for index, port in enumerate(ports):
        place = f"spec.ports[{index}]"
        name = port.get("name", "")
        if len(ports) > 1 and not name:
            found.append(required(f"{place}.name"))
        elif name:
            found += [invalid(f"{place}.name", name, problem) for problem in names.dns_label(name)]
            if name in seen:
                found.append(duplicate(f"{place}.name", name))
            seen.append(name)
        _port(found, place, port, spec["type"])
        pair = (port.get("protocol", ""), port.get("port", 0))
        if pair in pairs:
            shown = {"Name": "", "Protocol": pair[0], "AppProtocol": None, "Port": pair[1], "TargetPort": 0, "NodePort": 0}
            found.append(duplicate(place, shown))
        pairs.append(pair)
        on_nodes = (port.get("protocol", ""), port.get("nodePort", 0))
        if on_nodes[1] and on_nodes in taken:
            found.append(duplicate(f"{place}.nodePort", on_nodes[1]))
        taken.append(on_nodes)


def _port(found: list[Cause], place: str, port: Tree, kind: str) -> None:
    number = port.get("port", 0)
    if not 1 <= number <= 65_535:
        found.append(invalid(f"{place}.port", number, PORT_RANGE))
    protocol = port.get("protocol", "")
    if protocol not in _PROTOCOLS:
        found.append(not_supported(f"{place}.protocol", protocol, _PROTOCOLS))
    target = port.get("targetPort", number)
    if isinstance(target, int):
        if not 1 <= target <= 65_535:
            found.append(invalid(f"{place}.targetPort", target, PORT_RANGE))
    else:
        found += [invalid(f"{place}.targetPort", target, problem) for problem in names.port_name(target)]
    application = port.get("appProtocol")
    if application is not None:
        found += [invalid(f"{place}.appProtocol", application, text) for text in names.qualified_name(application)]
    node_port = port.get("nodePort", 0)
    if node_port and kind == "ClusterIP":
        found.append(forbidden(f"{place}.nodePort", "may not be used when `type` is 'ClusterIP'"))
    elif node_port and not allocation.NODE_PORT_FIRST <= node_port <= allocation.NODE_PORT_LAST:
        text = (
            "provided port is not in the valid range. The range of valid ports is "
            f"{allocation.NODE_PORT_FIRST}-{allocation.NODE_PORT_LAST}"
        )
        found.append(invalid(f"{place}.nodePort", node_port, text))


def service(found: list[Cause], tree: Tree) -> None:
    """A whole Service."""
    spec = tree["spec"]
    kind = spec["type"]
    _ports(found, spec)
    if kind not in _TYPES:
        found.append(not_supported("spec.type", kind, _TYPES))
    if "selector" in spec:
        meta.labels(found, "spec.selector", spec["selector"])
    if spec["sessionAffinity"] not in ("ClientIP", "None"):
        found.append(not_supported("spec.sessionAffinity", spec["sessionAffinity"], ("ClientIP", "None")))
    seconds = spec.get("sessionAffinityConfig", {}).get("clientIP", {}).get("timeoutSeconds")
    if seconds is not None and not 0 < seconds <= _LONGEST_AFFINITY:
        field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        text = f"must be greater than 0 and less than {_LONGEST_AFFINITY}"
        found.append(invalid(field, seconds, text))
    address = spec.get("clusterIP", "")
    if kind == "ExternalName":
        name = spec.get("externalName", "").removesuffix(".")
        if not name:
            found.append(required("spec.externalName"))
        else:
            found += [invalid("spec.externalName", name, problem) for problem in names.dns_subdomain(name)]
        for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if spec.get(field) or (field == "clusterIPs" and address):
                found.append(forbidden(f"spec.{field}", "may not be set for ExternalName services"))
    elif address and address != "None":
        found += [invalid("spec.clusterIPs[0]", address, problem) for problem in addresses.ip_problems(address)]
    if address == "None" and kind in ("NodePort", "LoadBalancer"):
        text = f"may not be set to 'None' for {kind} services"
        found.append(invalid("spec.clusterIPs[0]", "None", text))
    for index, external in enumerate(spec.get("externalIPs", ())):
        _address(found, f"spec.externalIPs[{index}]", external)
    if kind != "ExternalName":
        _families(found, spec)
    _traffic(found, spec)
    _balancer(found, spec)


def _address(found: list[Cause], field: str, text: str, twice: bool = False) -> None:
    """An address that traffic can go to from elsewhere (ValidateEndpointIP)."""
    problems = addresses.ip_problems(text)
    found += [invalid(field, text, problem) for problem in problems]
    if not problems:
        found += [invalid(field, text, problem) for problem in addresses.endpoint_problems(text)]
    elif twice and problems == addresses.NO_IP:
        found.append(invalid(field, text, "must be a valid IP address"))


def _families(found: list[Cause], spec: Tree) -> None:
    """Addresses and families of addresses belong together (ValidateServiceClusterIPsRelatedFields)."""
    address, given = spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    if given and address and given[0] != address:
        found.append(invalid("spec.clusterIPs", given, "first value must match `clusterIP`"))
    elif given and not address:
        found.append(invalid("spec.clusterIPs", given, "must be empty when `clusterIP` is not specified"))
    families: list[str] = spec.get("ipFamilies") or []
    for index, family in enumerate(families):
        if family not in _FAMILIES:
            found.append(not_supported(f"spec.ipFamilies[{index}]", family, _FAMILIES))
        if family in families[:index]:
            found.append(duplicate(f"spec.ipFamilies[{index}]", family))
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _FAMILY_POLICIES:
        found.append(not_supported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES))
    if len(given) > 2:
        found.append(invalid("spec.clusterIPs", given, "may only hold up to 2 values"))
    elif len(given) == 2 and "None" in given:
        found.append(invalid("spec.clusterIPs", given, "'None' must be the first and only value"))


def _traffic(found: list[Cause], spec: Tree) -> None:
    kind, outside = spec["type"], spec.get("externalTrafficPolicy")
    reachable = kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
    if outside is not None and not reachable:
        text = "may only be set for externally-accessible services"
        found.append(invalid("spec.externalTrafficPolicy", outside, text))
    elif outside is not None and outside not in _POLICIES:
        found.append(not_supported("spec.externalTrafficPolicy", outside, _POLICIES))
    port = spec.get("healthCheckNodePort", 0)
    if port and not (kind == "LoadBalancer" and outside == "Local"):
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        found.append(invalid("spec.healthCheckNodePort", port, text))
    inside = spec.get("internalTrafficPolicy")
    if inside is not None and inside not in _POLICIES:
        found.append(not_supported("spec.internalTrafficPolicy", inside, _POLICIES))
    spread = spec.get("trafficDistribution")
    if spread is not None and spread not in _DISTRIBUTIONS:
        found.append(not_supported("spec.trafficDistribution", spread, _DISTRIBUTIONS))


def _balancer(found: list[Cause], spec: Tree) -> None:
    """What only a LoadBalancer has. The odd capital letter is Kubernetes' own."""
    balancer, text = spec["type"] == "LoadBalancer", "may only be used when `type` is 'LoadBalancer'"
    ranges = spec.get("loadBalancerSourceRanges", ())
    if ranges and not balancer:
        found.append(forbidden("spec.LoadBalancerSourceRanges", text))
    for index, item in enumerate(ranges):
        field = f"spec.LoadBalancerSourceRanges[{index}]"
        found += [invalid(field, item, problem) for problem in addresses.cidr_problems(item.strip())]
    if not balancer:
        for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if name in spec:
                found.append(forbidden(f"spec.{name}", text))
    elif "loadBalancerClass" in spec:
        name = spec["loadBalancerClass"]
        found += [invalid("spec.loadBalancerClass", name, problem) for problem in names.qualified_name(name)]


def service_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """A cluster IP stays for as long as the Service has one."""
    fresh, stored = new["spec"], old["spec"]
    if "ExternalName" in (fresh["type"], stored["type"]):
        return
    if stored.get("clusterIP") and fresh.get("clusterIP") != stored["clusterIP"]:
        given = fresh.get("clusterIPs") or [fresh.get("clusterIP", "")]
        found.append(invalid("spec.clusterIPs[0]", given, "may not change once set"))
    if fresh["type"] == stored["type"] == "LoadBalancer":
        name = "loadBalancerClass"
        if fresh.get(name) != stored.get(name):
            found.append(invalid(f"spec.{name}", fresh.get(name), "may not change once set"))
        name = "healthCheckNodePort"
        if fresh.get(name) and stored.get(name) and fresh[name] != stored[name]:
            found.append(forbidden(f"spec.{name}", "field is immutable"))


def endpoints(found: list[Cause], tree: Tree) -> None:
    """Whole Endpoints."""
    for index, subset in enumerate(tree.get("subsets", ())):
        place = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            found.append(required(place, "must specify `addresses` or `notReadyAddresses`"))
        for part in ("addresses", "notReadyAddresses"):
            for at, address in enumerate(subset.get(part, ())):
                _address(found, f"{place}.{part}[{at}].ip", address.get("ip", ""), twice=True)
        several = len(subset.get("ports", ())) > 1
        for at, port in enumerate(subset.get("ports", ())):
            field, name = f"{place}.ports[{at}]", port.get("name", "")
            if several and not name:
                found.append(required(f"{field}.name"))
            elif name:
                found += [invalid(f"{field}.name", name, problem) for problem in names.dns_label(name)]
            if not 1 <= port.get("port", 0) <= 65_535:
                found.append(invalid(f"{field}.port", port.get("port", 0), PORT_RANGE))
            if port.get("protocol") not in _PROTOCOLS:
                found.append(not_supported(f"{field}.protocol", port.get("protocol", ""), _PROTOCOLS))
