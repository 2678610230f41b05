"""Services and EndpointSlices (pkg/apis/core/validation ValidateService, pkg/apis/discovery/validation)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from k8s_tutor.api import names as allocation
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import meta, names
from k8s_tutor.api.validation.causes import (
    PORT_RANGE,
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
)

Tree = dict[str, Any]

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_POLICIES = ("Cluster", "Local")
_LONGEST_AFFINITY = 86_400
IP_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def is_ip(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _ports(found: list[Cause], spec: Tree) -> None:
    ports: list[Tree] = spec.get("ports", [])
    headless = spec.get("clusterIP") == "None"
    if not ports and not headless and spec["type"] != "ExternalName":
        found.append(required("spec.ports"))
    seen: list[str] = []
    pairs: list[tuple[str, int]] = []
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
            found.append(duplicate(place, {"protocol": pair[0], "port": pair[1]}))
        pairs.append(pair)


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
        if address:
            found.append(forbidden("spec.clusterIP", "may not be set when `type` is 'ExternalName'"))
    elif address and address != "None" and not is_ip(address):
        found.append(invalid("spec.clusterIPs[0]", address, IP_TEXT))
    if address == "None" and kind in ("NodePort", "LoadBalancer"):
        text = f"may not be set to 'None' for {kind} services"
        found.append(invalid("spec.clusterIPs[0]", "None", text))
    for field in ("internalTrafficPolicy", "externalTrafficPolicy"):
        if field in spec and spec[field] not in _POLICIES:
            found.append(not_supported(f"spec.{field}", spec[field], _POLICIES))
    for index, external in enumerate(spec.get("externalIPs", ())):
        if not is_ip(external):
            found.append(invalid(f"spec.externalIPs[{index}]", external, IP_TEXT))


def service_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """A cluster IP stays for as long as the Service has one."""
    fresh, stored = new["spec"], old["spec"]
    if "ExternalName" in (fresh["type"], stored["type"]):
        return
    if stored.get("clusterIP") and fresh.get("clusterIP") != stored["clusterIP"]:
        addresses = fresh.get("clusterIPs") or [fresh.get("clusterIP", "")]
        found.append(invalid("spec.clusterIPs[0]", addresses, "may not change once set"))


def endpoints(found: list[Cause], tree: Tree) -> None:
    """Whole Endpoints."""
    for index, subset in enumerate(tree.get("subsets", ())):
        place = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            found.append(required(place, "must specify `addresses` or `notReadyAddresses`"))
        for part in ("addresses", "notReadyAddresses"):
            for at, address in enumerate(subset.get(part, ())):
                if not is_ip(address.get("ip", "")):
                    found.append(invalid(f"{place}.{part}[{at}].ip", address.get("ip", ""), IP_TEXT))
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


def endpoint_slice(found: list[Cause], tree: Tree) -> None:
    """A whole EndpointSlice."""
    kind = tree.get("addressType", "")
    if not kind:
        found.append(required("addressType"))
    elif kind not in ("FQDN", "IPv4", "IPv6"):
        found.append(not_supported("addressType", kind, ("FQDN", "IPv4", "IPv6")))
    for index, endpoint in enumerate(tree.get("endpoints") or ()):
        addresses = endpoint.get("addresses", ())
        if not addresses:
            found.append(required(f"endpoints[{index}].addresses", "must contain at least 1 address"))
        for at, address in enumerate(addresses):
            if kind in ("IPv4", "IPv6") and not is_ip(address):
                found.append(invalid(f"endpoints[{index}].addresses[{at}]", address, IP_TEXT))
    seen: list[str] = []
    for index, port in enumerate(tree.get("ports") or ()):
        name = port.get("name", "")
        if name:
            found += [invalid(f"ports[{index}].name", name, problem) for problem in names.dns_label(name)]
        if name in seen:
            found.append(duplicate(f"ports[{index}].name", name))
        seen.append(name)
        if port.get("protocol") not in _PROTOCOLS:
            found.append(not_supported(f"ports[{index}].protocol", port.get("protocol"), _PROTOCOLS))


def endpoint_slice_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """The type of its addresses is for life."""
    if new.get("addressType") != old.get("addressType"):
        found.append(immutable("addressType", new.get("addressType")))
