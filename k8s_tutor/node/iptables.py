"""What kube-proxy writes into the kernel in iptables mode: from Services and EndpointSlices to rules, as a pure function.

Source: pkg/proxy/iptables/proxier.go. A packet to a ClusterIP goes KUBE-SERVICES → KUBE-SVC-<hash> (one per Service port) →
KUBE-SEP-<hash> (one per endpoint) → DNAT.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.sim import Body

CLUSTER_CIDR = "10.244.0.0/16"
MARK = "KUBE-MARK-MASQ"


class Rule(Body):
    """One rule. What is empty or 0 does not restrict it. ``draw_of`` is n for a rule that takes one packet in n."""

    table: str
    chain: str
    jump: str
    """Chain or target: ``KUBE-SVC-...``, ``DNAT``, ``REJECT``, ``MARK``, ``MASQUERADE``."""
    comment: str = ""
    source: str = ""
    not_source: str = ""
    destination: str = ""
    protocol: str = ""
    port: int = 0
    draw_of: int = 0
    to: str = ""
    """``address:port`` of a DNAT."""
    extra: str = ""
    """Options that follow the target."""

    def line(self) -> str:
        """The rule as ``iptables-save`` prints it."""
        words = [f"-A {self.chain}"]
        words += [f"! -s {self.not_source}"] if self.not_source else []
        words += [f"-s {self.source}"] if self.source else []
        words += [f"-d {self.destination}"] if self.destination else []
        words += [f"-p {self.protocol}"] if self.protocol else []
        words += [f'-m comment --comment "{self.comment}"'] if self.comment else []
        words += [f"-m {self.protocol} --dport {self.port}"] if self.port else []
        words += [f"-m {self.protocol}"] if self.to else []
        words += [f"-m statistic --mode random --probability {probability(self.draw_of)}"] if self.draw_of else []
        words += [f"-j {self.jump}"]
        words += [f"--to-destination {self.to}"] if self.to else []
        words += [self.extra] if self.extra else []
        return " ".join(words)


def probability(one_of: int) -> str:
    """1/n with ten decimals, as ``%0.10f`` prints it."""
    tenths = (10**10 * 2 + one_of) // (2 * one_of)
    return f"{tenths // 10**10}.{tenths % 10**10:010d}"


def chain_hash(text: str) -> str:
    """The 16 letters after ``KUBE-SVC-`` and ``KUBE-SEP-``."""
    return b32encode(sha256(text.encode()).digest()).decode()[:16]


def service_chain(port_name: str, protocol: str) -> str:
    """``KUBE-SVC-...`` of ``namespace/name:port``."""
    return "KUBE-SVC-" + chain_hash(port_name + protocol)


def endpoint_chain(port_name: str, protocol: str, endpoint: str) -> str:
    """``KUBE-SEP-...`` of one endpoint (``address:port``) of a Service port."""
    return "KUBE-SEP-" + chain_hash(port_name + protocol + endpoint)


BASE: tuple[Rule, ...] = (
    Rule("nat", "PREROUTING", "KUBE-SERVICES", comment="kubernetes service portals"),
    Rule("nat", "OUTPUT", "KUBE-SERVICES", comment="kubernetes service portals"),
    Rule("nat", "POSTROUTING", "KUBE-POSTROUTING", comment="kubernetes postrouting rules"),
    Rule("nat", MARK, "MARK", extra="--or-mark 0x4000"),
    Rule("nat", "KUBE-POSTROUTING", "MASQUERADE", comment="kubernetes service traffic requiring SNAT", extra="--random-fully"),
)
"""The rules that are there without any Service."""


def rules(services: Iterable[tuple[bytes, tuple[bytes, ...]]]) -> tuple[Rule, ...]:
    """All rules for these Services, each given as its own bytes and those of its EndpointSlices, in order of their names."""
    found = list(BASE)
    for service, slices in services:
        found += service_rules(service, slices)
    return tuple(found)


@lru_cache(maxsize=4096)
def service_rules(service: bytes, slices: tuple[bytes, ...]) -> tuple[Rule, ...]:
    """The rules of one Service. Every node computes the same ones, so they are computed once."""
    typed = scheme.typed(service)
    spec = typed.spec
    if spec is None or spec.clusterIP in (None, "", "None") or spec.type == "ExternalName":
        return ()
    found: list[Rule] = []
    decoded = [scheme.typed(data) for data in slices]
    for port in spec.ports or ():
        name = f"{typed.metadata.namespace}/{typed.metadata.name}" + (f":{port.name}" if port.name else "")
        protocol = (port.protocol or "TCP").lower()
        found += _port_rules(name, protocol, spec.clusterIP, port.port, endpoints(decoded, port.name or ""))
    return tuple(found)


def endpoints(slices: list[Any], port_name: str) -> list[str]:
    """``address:port`` of those who get traffic: the ready ones; if there is none, those that end but still serve
    (pkg/proxy/topology.go)."""
    ready: list[str] = []
    leaving: list[str] = []
    for row in slices:
        number = next((port.port for port in row.ports or () if (port.name or "") == port_name), None)
        if number is None:
            continue
        for endpoint in row.endpoints or ():
            conditions = endpoint.conditions
            text = f"{endpoint.addresses[0]}:{number}"
            if conditions is None or conditions.ready is not False:
                ready.append(text)
            elif conditions.serving is not False and conditions.terminating:
                leaving.append(text)
    return sorted(dict.fromkeys(ready or leaving))


def _port_rules(name: str, protocol: str, address: str, port: int, backends: list[str]) -> list[Rule]:
    destination = f"{address}/32"
    if not backends:
        comment = f"{name} has no endpoints"
        reject = "--reject-with icmp-port-unreachable"
        return [Rule("filter", "KUBE-SERVICES", "REJECT", comment, "", "", destination, protocol, port, extra=reject)]
    chain, comment = service_chain(name, protocol), f"{name} cluster IP"
    found = [
        Rule("nat", "KUBE-SERVICES", chain, comment, "", "", destination, protocol, port),
        Rule("nat", chain, MARK, comment, "", CLUSTER_CIDR, destination, protocol, port),
    ]
    for index, backend in enumerate(backends):
        left = len(backends) - index
        to = endpoint_chain(name, protocol, backend)
        found.append(Rule("nat", chain, to, f"{name} -> {backend}", draw_of=left if left > 1 else 0))
    for backend in backends:
        own = endpoint_chain(name, protocol, backend)
        pod = backend.rpartition(":")[0]
        found.append(Rule("nat", own, MARK, name, source=f"{pod}/32"))
        found.append(Rule("nat", own, "DNAT", name, protocol=protocol, to=backend))
    return found


def save(found: tuple[Rule, ...]) -> list[str]:
    """The rules as lines of ``iptables-save``, a table after the other."""
    lines: list[str] = []
    for table in ("filter", "nat"):
        rows = [rule for rule in found if rule.table == table]
        chains = dict.fromkeys(name for rule in rows for name in (rule.chain, rule.jump) if name.startswith("KUBE-"))
        lines += [f"*{table}", *(f":{chain} - [0:0]" for chain in sorted(chains)), *(rule.line() for rule in rows), "COMMIT"]
    return lines
