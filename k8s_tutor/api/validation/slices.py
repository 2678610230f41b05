"""EndpointSlices (pkg/apis/discovery/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import addresses, names
from k8s_tutor.api.validation.causes import duplicate, immutable, invalid, not_supported, required, too_many

Tree = dict[str, Any]

_KINDS = ("FQDN", "IPv4", "IPv6")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_ENDPOINTS, _ADDRESSES, _PORTS, _HINTS = 1000, 100, 100, 8


def endpoint_slice(found: list[Cause], tree: Tree) -> None:
    """A whole EndpointSlice."""
    kind = tree.get("addressType", "")
    if not kind:
        found.append(required("addressType"))
    elif kind not in _KINDS:
        found.append(not_supported("addressType", kind, _KINDS))
    endpoints = tree.get("endpoints") or ()
    if len(endpoints) > _ENDPOINTS:
        found.append(too_many("endpoints", len(endpoints), _ENDPOINTS))
    else:
        for index, endpoint in enumerate(endpoints):
            _endpoint(found, f"endpoints[{index}]", kind, endpoint)
    _ports(found, tree.get("ports") or [])


def _endpoint(found: list[Cause], place: str, kind: str, endpoint: Tree) -> None:
    given = endpoint.get("addresses") or ()
    if not given:
        found.append(required(f"{place}.addresses", "must contain at least 1 address"))
    elif len(given) > _ADDRESSES:
        found.append(too_many(f"{place}.addresses", len(given), _ADDRESSES))
    for at, address in enumerate(given):
        if kind == "FQDN":
            _domain(found, f"{place}.addresses[{at}]", address)
        elif kind in _KINDS:
            _address(found, f"{place}.addresses", at, kind, address)
    node, host = endpoint.get("nodeName"), endpoint.get("hostname")
    if node is not None:
        found += [invalid(f"{place}.nodeName", node, problem) for problem in names.dns_subdomain(node)]
    if host is not None:
        found += [invalid(f"{place}.hostname", host, problem) for problem in names.dns_label(host)]
    hints = endpoint.get("hints") or {}
    for name, check in (("forZones", names.label_value), ("forNodes", names.dns_subdomain)):
        rows = hints.get(name) or ()
        if len(rows) > _HINTS:
            found.append(too_many(f"{place}.hints.{name}", len(rows), _HINTS))
            continue
        seen: list[str] = []
        for at, row in enumerate(rows):
            field, hint = f"{place}.hints.{name}[{at}].name", row.get("name", "")
            if hint in seen:
                found.append(duplicate(field, hint))
            seen.append(hint)
            found += [invalid(field, hint, problem) for problem in check(hint)]


def _address(found: list[Cause], field: str, at: int, kind: str, address: str) -> None:
    problems = addresses.ip_problems(address)
    if problems:
        found += [invalid(f"{field}[{at}]", address, problem) for problem in problems]
        return
    if kind != f"IPv{addresses.version(address)}":
        found.append(invalid(field, address, f"must be an {kind} address"))
    found += [invalid(f"{field}[{at}]", address, problem) for problem in addresses.endpoint_problems(address)]


def _domain(found: list[Cause], field: str, name: str) -> None:
    """IsFullyQualifiedDomainName."""
    if not name:
        found.append(required(field))
        return
    bare = name.removesuffix(".")
    problems = names.dns_subdomain(bare)
    if problems:
        found.append(invalid(field, bare, ",".join(problems)))
        return
    labels = bare.split(".")
    if len(labels) < 2:
        text = "should be a domain with at least two segments separated by dots"
        found.append(invalid(field, bare, text))
        return
    for label in labels:
        if problems := names.dns_label(label):
            found.append(invalid(field, label, ",".join(problems)))
            return


def _ports(found: list[Cause], ports: list[Tree]) -> None:
    if len(ports) > _PORTS:
        found.append(too_many("ports", len(ports), _PORTS))
        return
    seen: list[str] = []
    for index, port in enumerate(ports):
        name = port.get("name", "")
        if name:
            found += [invalid(f"ports[{index}].name", name, problem) for problem in names.dns_label(name)]
        if name in seen:
            found.append(duplicate(f"ports[{index}].name", name))
        seen.append(name)
        if port.get("protocol") not in _PROTOCOLS:
            found.append(not_supported(f"ports[{index}].protocol", port.get("protocol"), _PROTOCOLS))
        application = port.get("appProtocol")
        if application is not None:
            field = f"ports[{index}].appProtocol"
            found += [invalid(field, application, problem) for problem in names.qualified_name(application)]


def endpoint_slice_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """The type of its addresses is for life."""
    if new.get("addressType") != old.get("addressType"):
        found.append(immutable("addressType", new.get("addressType")))
