"""Ingresses, IngressClasses, NetworkPolicies, IPAddresses and ServiceCIDRs (pkg/apis/networking/validation)."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names, selector
from k8s_tutor.api.validation.addresses import CIDR_TEXT, cidr_problems, is_ip
from k8s_tutor.api.validation.causes import (
    PORT_RANGE,
    forbidden,
    immutable,
    invalid,
    not_supported,
    port,
    required,
)

Tree = dict[str, Any]

_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_BAD_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDINGS = ("/..", "/.")


def ingress(found: list[Cause], tree: Tree) -> None:
    """A whole Ingress."""
    spec = tree["spec"]
    rules = spec.get("rules", ())
    if not rules and "defaultBackend" not in spec:
        found.append(invalid("spec", None, "either `defaultBackend` or `rules` must be specified"))
    if "defaultBackend" in spec:
        _backend(found, "spec.defaultBackend", spec["defaultBackend"])
    for index, rule in enumerate(rules):
        _rule(found, f"spec.rules[{index}]", rule)
    for index, item in enumerate(spec.get("tls", ())):
        for at, host in enumerate(item.get("hosts", ())):
            found += [invalid(f"spec.tls[{index}].hosts[{at}]", host, problem) for problem in _host_problems(host)]
        secret = item.get("secretName", "")
        if secret:
            field = f"spec.tls[{index}].secretName"
            found += [invalid(field, secret, problem) for problem in names.dns_subdomain(secret)]
    if "ingressClassName" in spec:
        name = spec["ingressClassName"]
        found += [invalid("spec.ingressClassName", name, problem) for problem in names.dns_subdomain(name)]


def ingress_create(found: list[Cause], tree: Tree) -> None:
    """A new Ingress names its class in one way only."""
    annotation = tree["metadata"].get("annotations", {}).get(_CLASS_ANNOTATION)
    if annotation is not None and tree["spec"].get("ingressClassName", annotation) != annotation:
        field = f"annotations.{_CLASS_ANNOTATION}"
        found.append(invalid(field, annotation, "must match `ingressClassName` when both are specified"))


def _host_problems(host: str) -> tuple[str, ...]:
    return names.wildcard_subdomain(host) if "*" in host else names.dns_subdomain(host)


def _rule(found: list[Cause], place: str, rule: Tree) -> None:
    host = rule.get("host", "")
    if host:
        if is_ip(host):
            found.append(invalid(f"{place}.host", host, "must be a DNS name, not an IP address"))
        found += [invalid(f"{place}.host", host, problem) for problem in _host_problems(host)]
    http = rule.get("http")
    if http is None:
        return
    paths = http.get("paths") or ()
    if not paths:
        found.append(required(f"{place}.http.paths"))
    for index, path in enumerate(paths):
        _path(found, f"{place}.http.paths[{index}]", path)


def _path(found: list[Cause], place: str, item: Tree) -> None:
    kind, path = item.get("pathType"), item.get("path", "")
    if kind is None:
        found.append(required(f"{place}.pathType", "pathType must be specified"))
        return
    if kind in ("Exact", "Prefix"):
        if not path.startswith("/"):
            found.append(invalid(f"{place}.path", path, "must be an absolute path"))
        if path:
            found += [invalid(f"{place}.path", path, f"must not contain '{bad}'") for bad in _BAD_PATHS if bad in path]
            found += [
                invalid(f"{place}.path", path, f"cannot end with '{bad}'") for bad in _BAD_ENDINGS if path.endswith(bad)
            ]
    elif kind == "ImplementationSpecific":
        if path and not path.startswith("/"):
            found.append(invalid(f"{place}.path", path, "must be an absolute path"))
    else:
        found.append(not_supported(f"{place}.pathType", kind, _PATH_TYPES))
    _backend(found, f"{place}.backend", item.get("backend", {}))


def _backend(found: list[Cause], place: str, backend: Tree) -> None:
    service, resource = backend.get("service"), backend.get("resource")
    if resource is not None and service is not None:
        found.append(invalid(place, "", "cannot set both resource and service backends"))
    elif resource is not None:
        _reference(found, f"{place}.resource", resource)
    elif service is None:
        found.append(invalid(place, "", "resource or service backend is required"))
    else:
        _service(found, place, service)


def _reference(found: list[Cause], place: str, reference: Tree) -> None:
    group = reference.get("apiGroup")
    if group is not None:
        found += [invalid(f"{place}.apiGroup", group, problem) for problem in names.dns_subdomain(group)]
    for name in ("kind", "name"):
        value = reference.get(name, "")
        if not value:
            found.append(required(f"{place}.{name}"))
        found += [invalid(f"{place}.{name}", value, problem) for problem in names.path_segment(value)]


def _service(found: list[Cause], backend: str, service: Tree) -> None:
    place = f"{backend}.service"
    name, where = service.get("name", ""), service.get("port", {})
    if not name:
        found.append(required(f"{place}.name"))
    else:
        found += [invalid(f"{place}.name", name, problem) for problem in names.dns1035_label(name)]
    number, text = where.get("number", 0), where.get("name", "")
    if number and text:
        found.append(invalid(backend, "", "cannot set both port name & port number"))
    elif not number and not text:
        found.append(required(backend, "port name or number is required"))
    elif text:
        found += [invalid(f"{place}.port.name", text, problem) for problem in names.port_name(text)]
    else:
        port(found, f"{place}.port.number", number)


def ingress_class(found: list[Cause], tree: Tree) -> None:
    """A whole IngressClass."""
    spec = tree["spec"]
    controller = spec.get("controller", "")
    if not controller:
        found.append(required("spec.controller"))
    else:
        if len(controller) > 250:
            text = "Too long: may not be more than 250 bytes"
            found.append(Cause("FieldValueTooLong", "spec.controller", text))
        found += [invalid("spec.controller", controller, problem) for problem in names.prefixed_path(controller)]
    parameters = spec.get("parameters")
    if parameters is None:
        return
    _reference(found, "spec.parameters", parameters)
    scope = parameters.get("scope")
    if scope is None:
        found.append(required("spec.parameters.scope"))
    elif scope not in ("Cluster", "Namespace"):
        found.append(not_supported("spec.parameters.scope", scope, ("Cluster", "Namespace")))
    elif scope == "Namespace" and not parameters.get("namespace"):
        text = "`parameters.scope` is set to 'Namespace'"
        found.append(required("spec.parameters.namespace", text))
    elif scope == "Cluster" and parameters.get("namespace"):
        found.append(forbidden("spec.parameters.namespace", "`parameters.scope` is set to 'Cluster'"))


def ingress_class_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """Its controller is for life."""
    if new["spec"].get("controller") != old["spec"].get("controller"):
        found.append(immutable("spec.controller", new["spec"].get("controller")))


# ---------------------------------------------------------------------- NetworkPolicy


def network_policy(found: list[Cause], tree: Tree) -> None:
    """A whole NetworkPolicy."""
    spec = tree["spec"]
    selector.check(found, "spec.podSelector", spec.get("podSelector", {}))
    for part, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(part, ())):
            place = f"spec.{part}[{index}]"
            for at, item in enumerate(rule.get("ports", ())):
                _policy_port(found, f"{place}.ports[{at}]", item)
            for at, peer in enumerate(rule.get(peers, ())):
                _peer(found, f"{place}.{peers}[{at}]", peer)
    kinds = spec.get("policyTypes", ())
    if len(kinds) > 2:
        found.append(invalid("spec.policyTypes", kinds, "may not specify more than two policyTypes"))
        return
    for index, kind in enumerate(kinds):
        if kind not in ("Ingress", "Egress"):
            found.append(not_supported(f"spec.policyTypes[{index}]", kind, ("Ingress", "Egress")))


def _policy_port(found: list[Cause], place: str, item: Tree) -> None:
    protocol = item.get("protocol")
    if protocol is not None and protocol not in _PROTOCOLS:
        found.append(not_supported(f"{place}.protocol", protocol, ("TCP", "UDP", "SCTP")))
    number, last = item.get("port"), item.get("endPort")
    if isinstance(number, int):
        port(found, f"{place}.port", number)
        if last is not None:
            if last < number:
                found.append(invalid(f"{place}.endPort", last, "must be greater than or equal to `port`"))
            if not 1 <= last <= 65_535:
                found.append(invalid(f"{place}.endPort", last, PORT_RANGE))
    elif number is not None:
        if last is not None:
            found.append(invalid(f"{place}.endPort", last, "may not be specified when `port` is non-numeric"))
        found += [invalid(f"{place}.port", number, problem) for problem in names.port_name(number)]
    elif last is not None:
        found.append(invalid(f"{place}.endPort", last, "may not be specified when `port` is not specified"))


def _peer(found: list[Cause], place: str, peer: Tree) -> None:
    for name in ("podSelector", "namespaceSelector"):
        if name in peer:
            selector.check(found, f"{place}.{name}", peer[name])
    block = peer.get("ipBlock")
    if block is not None:
        if "podSelector" in peer or "namespaceSelector" in peer:
            found.append(forbidden(place, "may not specify both ipBlock and another peer"))
        _block(found, f"{place}.ipBlock", block)
    elif not peer:
        found.append(required(place, "must specify a peer"))


def _block(found: list[Cause], place: str, block: Tree) -> None:
    whole = block.get("cidr", "")
    if not whole:
        found.append(required(f"{place}.cidr"))
        return
    problems = cidr_problems(whole)
    if problems:
        found += [invalid(f"{place}.cidr", whole, problem) for problem in problems]
        return
    for index, part in enumerate(block.get("except", ())):
        field = f"{place}.except[{index}]"
        problems = cidr_problems(part)
        if problems:
            found += [invalid(field, part, problem) for problem in problems]
            continue
        outer, inner = ip_network(whole, strict=False), ip_network(part, strict=False)
        inside = outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]
        if not inside or outer.prefixlen >= inner.prefixlen:
            found.append(invalid(field, part, "must be a strict subset of `cidr`"))


# ---------------------------------------------------------------------- addresses


def service_cidr(found: list[Cause], tree: Tree) -> None:
    """A whole ServiceCIDR."""
    ranges = tree["spec"].get("cidrs") or ()
    if not ranges:
        found.append(required("spec.cidrs", "at least one CIDR required"))
    elif len(ranges) > 2:
        found.append(invalid("spec.cidrs", {"CIDRs": ranges}, "may only hold up to 2 values"))
    else:
        _ranges(found, ranges)


def _ranges(found: list[Cause], ranges: list[str]) -> None:
    networks: list[IPv4Network | IPv6Network] = []
    for index, text in enumerate(ranges):
        if cidr_problems(text) == (CIDR_TEXT,):
            found.append(invalid(f"spec.cidrs[{index}]", text, CIDR_TEXT))
            continue
        network = ip_network(text, strict=False)
        networks.append(network)
        if str(network.network_address) != text.partition("/")[0]:
            found.append(invalid(f"spec.cidrs[{index}]", text, "must not have bits set beyond the prefix length"))
    if len(networks) == 2 and networks[0].version == networks[1].version:
        text = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        found.append(invalid("spec.cidrs", ranges, text))


def service_cidr_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """Its ranges are for life, but a second one may come."""
    fresh, stored = new["spec"].get("cidrs") or [], old["spec"].get("cidrs") or []
    if len(fresh) != len(stored) and (len(stored), len(fresh)) != (1, 2):
        found.append(immutable("spec.cidrs", fresh))
        return
    for index, (text, before) in enumerate(zip(fresh, stored, strict=False)):
        if text != before:
            found.append(immutable(f"spec.cidrs[{index}]", text))


def ip_address(found: list[Cause], tree: Tree) -> None:
    """A whole IPAddress."""
    parent = tree["spec"].get("parentRef")
    if parent is None:
        found.append(required("spec.parentRef"))
        return
    for name in ("resource", "name"):
        if not parent.get(name):
            found.append(required(f"spec.parentRef.{name}"))


def ip_address_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """Whose address it is does not change."""
    if new["spec"].get("parentRef") != old["spec"].get("parentRef"):
        found.append(immutable("spec.parentRef", new["spec"].get("parentRef")))
