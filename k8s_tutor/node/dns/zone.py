"""The names of a cluster: from Services, EndpointSlices and namespaces to the answer of one question, as a pure function.

Source: coredns plugin/kubernetes, and the DNS-Based Service Discovery specification of Kubernetes, version 1.1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from k8s_tutor.node.dns.message import NXDOMAIN, Query, Record, Reply

DOMAIN = "cluster.local"
TTL = 30


class Zone(NamedTuple):
    """What the program knows: ``namespace/name`` → Service, the slices of a Service, namespaces, and address → ``(namespace,
    service, host)`` for those who ask back."""

    services: Mapping[str, Any]
    slices: Callable[[str], list[Any]]
    namespaces: Mapping[str, Any]
    hosts: Callable[[str], list[str]]


class Host(NamedTuple):
    """An endpoint of a headless Service: the first label of its name, its address, and the ports (name, protocol, number)."""

    label: str
    address: str
    ports: tuple[tuple[str, str, int], ...]


def answer(zone: Zone, query: Query) -> Reply | None:
    """The answer to a question about a name of the cluster; None: somebody else has to be asked."""
    name = query.name.lower()
    if name.endswith(".in-addr.arpa"):
        return _reverse(zone, query, name)
    labels = name.removesuffix(DOMAIN).rstrip(".").split(".")
    if name == f"dns-version.{DOMAIN}":
        return _records(query, [Record(query.name, TTL, "TXT", '"1.1.0"')])
    if labels in ([""], ["svc"], ["pod"]):
        return Reply(authority=True, zone=DOMAIN)
    kind, namespace = labels[-1], labels[-2] if len(labels) > 1 else ""
    if namespace not in zone.namespaces or kind not in ("svc", "pod"):
        return _nothing()
    if kind == "pod":
        return _pod(query, labels[:-2])
    if len(labels) == 2:
        return Reply(authority=True, zone=DOMAIN)
    return _service(zone, query, namespace, labels[-3], labels[:-3])


def _nothing() -> Reply:
    return Reply(NXDOMAIN, authority=True, zone=DOMAIN)


def _records(query: Query, records: list[Record]) -> Reply:
    """What of the records the question is about; a name that exists and has none of that type is no error."""
    wanted = [one for one in records if one.type in (query.type, "CNAME") or query.type == "ANY"]
    if query.type == "SRV":
        wanted += [one for one in records if one.type == "A"]
    return Reply(records=tuple(wanted), authority=True, zone=DOMAIN)


def _pod(query: Query, labels: list[str]) -> Reply:
    """``10-244-1-2.default.pod.cluster.local``: its address, whether there is such a pod or not (``pods insecure``)."""
    parts = labels[0].split("-") if len(labels) == 1 else []
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        return _nothing()
    return _records(query, [Record(query.name, TTL, "A", ".".join(parts))])


def _service(zone: Zone, query: Query, namespace: str, name: str, front: list[str]) -> Reply:
    """A Service's name with ``front``: nothing, a host, or ``_port`` and ``_protocol``."""
    key = f"{namespace}/{name}"
    service = zone.services.get(key)
    if service is None or service.spec is None:
        return _nothing()
    base = f"{name}.{namespace}.svc.{DOMAIN}"
    if service.spec.type == "ExternalName":
        return _records(query, [Record(query.name, TTL, "CNAME", service.spec.externalName or "")]) if not front else _nothing()
    if service.spec.clusterIP not in (None, "", "None"):
        ports = tuple((port.name or "", (port.protocol or "TCP").lower(), port.port) for port in service.spec.ports or ())
        hosts = [Host("", service.spec.clusterIP, ports)]
    else:
        hosts = hosts_of(zone.slices(key))
    if len(front) == 2 and front[0].startswith("_") and front[1].startswith("_"):
        return _ports(query, base, hosts, front[0][1:], front[1][1:])
    if len(front) == 1 and hosts != [] and hosts[0].label:
        hosts = [host for host in hosts if host.label == front[0]]
    elif front:
        return _nothing()
    if not hosts:
        return _nothing()
    found = [Record(query.name, TTL, "A", host.address) for host in hosts]
    return _records(query, [*found, *_targets(query, base, hosts)]) if query.type == "SRV" else _records(query, found)


def _targets(query: Query, base: str, hosts: list[Host], port: str = "", protocol: str = "") -> list[Record]:
    """SRV: priority, weight, port, target."""
    rows = [(number, host) for host in hosts for name, proto, number in host.ports
            if (not port or name == port) and (not protocol or proto == protocol)]  # fmt: skip
    weight = 100 // len(rows) if rows else 0
    return [Record(query.name, TTL, "SRV", f"0 {weight} {number} {_full(host, base)}.") for number, host in rows]


def _full(host: Host, base: str) -> str:
    return f"{host.label}.{base}" if host.label else base


def _ports(query: Query, base: str, hosts: list[Host], port: str, protocol: str) -> Reply:
    """``_http._tcp.web.default.svc.cluster.local``."""
    records = _targets(query, base, hosts, port, protocol)
    if not records:
        return _nothing()
    named = {record.value.split()[3].rstrip(".") for record in records}
    extra = [Record(_full(host, base), TTL, "A", host.address) for host in hosts if _full(host, base) in named]
    return _records(query, [*records, *(extra if query.type == "SRV" else [])])


def hosts_of(slices: list[Any]) -> list[Host]:
    """The ready endpoints of a headless Service. Those without a host name get one from their address."""
    found: dict[str, Host] = {}
    for row in slices:
        ports = tuple((port.name or "", (port.protocol or "TCP").lower(), port.port or 0) for port in row.ports or ())
        for one in row.endpoints or ():
            if one.conditions is None or one.conditions.ready is not False:
                address = one.addresses[0]
                found[address] = Host(one.hostname or address.replace(".", "-"), address, ports)
    return [found[address] for address in sorted(found)]


def _reverse(zone: Zone, query: Query, name: str) -> Reply | None:
    """Who has an address: a Service, or an endpoint with a host name."""
    address = ".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
    names = zone.hosts(address)
    if not names:
        return None
    return Reply(records=tuple(Record(query.name, TTL, "PTR", f"{one}.") for one in names), authority=True)
