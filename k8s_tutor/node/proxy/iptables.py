"""What kube-proxy writes into the kernel in iptables mode: from a Service to rules, as a pure function.

Source: pkg/proxy/iptables/proxier.go. A packet to a ClusterIP goes KUBE-SERVICES → KUBE-SVC-<hash> (one per Service port) →
KUBE-SEP-<hash> (one per endpoint) → DNAT. From outside it goes KUBE-SERVICES → KUBE-NODEPORTS → KUBE-EXT-<hash> → KUBE-SVC, or
KUBE-SVL when only endpoints of this node may answer; a load balancer with source ranges has a KUBE-FW before it.
"""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import sha256

from k8s_tutor.node.addresses import within
from k8s_tutor.node.proxy.packets import Front, Piece
from k8s_tutor.node.proxy.services import Choice, Endpoint, ServicePort, choose, service_ports
from k8s_tutor.sim import Body

CLUSTER_CIDR = "10.244.0.0/16"
MARK = "KUBE-MARK-MASQ"
SERVICES, NODE_PORTS, EXTERNAL, FIREWALL = "KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"
REJECT = "--reject-with icmp-port-unreachable"
LOCAL_SOURCE, LOCAL_TARGET = "-m addrtype --src-type LOCAL", "-m addrtype --dst-type LOCAL"


class Rule(Body):
    """One rule. What is empty or 0 does not restrict it. ``draw_of`` is n for a rule that takes one packet in n."""

    table: str
    chain: str
    jump: str
    """Chain or target: ``KUBE-SVC-...``, ``DNAT``, ``REJECT``, ``MARK``, ``MASQUERADE``; empty: it does nothing."""
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
    match: str = ""
    """Further conditions, as they are printed behind the comment."""
    recent: str = ""
    """The list of clients that it looks at (``seconds``), or writes to."""
    seconds: int = 0

    def line(self) -> str:
        """The rule as ``iptables-save`` prints it."""
        words = [f"-A {self.chain}"]
        words += [f"! -s {self.not_source}"] if self.not_source else []
        words += [f"-s {self.source}"] if self.source else []
        words += [f"-d {self.destination}"] if self.destination else []
        words += [f"-p {self.protocol}"] if self.protocol else []
        words += [f'-m comment --comment "{self.comment}"'] if self.comment else []
        words += [self.match] if self.match else []
        words += [self._recent()] if self.recent else []
        words += [f"-m {self.protocol} --dport {self.port}"] if self.port else []
        words += [f"-m {self.protocol}"] if self.to else []
        words += [f"-m statistic --mode random --probability {probability(self.draw_of)}"] if self.draw_of else []
        words += [f"-j {self.jump}"] if self.jump else []
        words += [f"--to-destination {self.to}"] if self.to else []
        words += [self.extra] if self.extra else []
        return " ".join(words)

    def _recent(self) -> str:
        what = f"--rcheck --seconds {self.seconds} --reap" if self.seconds else "--set"
        return f"-m recent {what} --name {self.recent} --mask 255.255.255.255 --rsource"


def probability(one_of: int) -> str:
    """1/n as ``iptables-save`` prints it: kube-proxy writes ten decimals, and the kernel keeps 31 bits of them."""
    written = (10**10 * 2 + one_of) // (2 * one_of)
    kept = (written * 2**32 + 10**10) // (2 * 10**10)
    shown = (kept * 10**11 * 2 + 2**31) // 2**32
    return f"{shown // 10**11}.{shown % 10**11:011d}"


def chain_hash(text: str) -> str:
    """The 16 letters after ``KUBE-SVC-`` and ``KUBE-SEP-``."""
    return b32encode(sha256(text.encode()).digest()).decode()[:16]


def service_chain(port_name: str, protocol: str, kind: str = "SVC") -> str:
    """``KUBE-SVC-...`` of ``namespace/name:port``; ``SVL``, ``EXT`` and ``FW`` are the other kinds."""
    return f"KUBE-{kind}-" + chain_hash(port_name + protocol)


def endpoint_chain(port_name: str, protocol: str, endpoint: str) -> str:
    """``KUBE-SEP-...`` of one endpoint (``address:port``) of a Service port."""
    return "KUBE-SEP-" + chain_hash(port_name + protocol + endpoint)


_NEW = "-m conntrack --ctstate NEW"


def _jump(chain: str, to: str, comment: str, table: str = "filter", match: str = "") -> Rule:
    return Rule(table, chain, to, comment, match=match)


BASE: tuple[Rule, ...] = (
    *(Rule("filter", chain, FIREWALL, extra="", match=f'{_NEW} -m comment --comment "kubernetes load balancer firewall"')
      for chain in ("INPUT", "FORWARD", "OUTPUT")),
    _jump("INPUT", NODE_PORTS, "kubernetes health check service ports"),
    *(Rule("filter", chain, EXTERNAL, match=f'{_NEW} -m comment --comment "kubernetes externally-visible service portals"')
      for chain in ("INPUT", "FORWARD")),
    _jump("FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules"),
    *(Rule("filter", chain, SERVICES, match=f'{_NEW} -m comment --comment "kubernetes service portals"')
      for chain in ("FORWARD", "OUTPUT")),
    Rule("filter", "KUBE-FORWARD", "DROP", match="-m conntrack --ctstate INVALID"),
    Rule("filter", "KUBE-FORWARD", "ACCEPT", "kubernetes forwarding rules", match="-m mark --mark 0x4000/0x4000"),
    Rule("filter", "KUBE-FORWARD", "ACCEPT", "kubernetes forwarding conntrack rule",
         match="-m conntrack --ctstate RELATED,ESTABLISHED"),
    _jump("PREROUTING", SERVICES, "kubernetes service portals", "nat"),
    _jump("OUTPUT", SERVICES, "kubernetes service portals", "nat"),
    _jump("POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules", "nat"),
    Rule("nat", MARK, "MARK", extra="--set-xmark 0x4000/0x4000"),
    Rule("nat", "KUBE-POSTROUTING", "RETURN", match="-m mark ! --mark 0x4000/0x4000"),
    Rule("nat", "KUBE-POSTROUTING", "MARK", extra="--set-xmark 0x4000/0x0"),
    Rule("nat", "KUBE-POSTROUTING", "MASQUERADE", "kubernetes service traffic requiring SNAT", extra="--random-fully"),
)  # fmt: skip
"""The rules that are there without any Service."""

LAST = Rule(
    "nat", SERVICES, NODE_PORTS, "kubernetes service nodeports; NOTE: this must be the last rule in this chain",
    match=LOCAL_TARGET,
)  # fmt: skip
"""The rule that stands behind those of all Services."""


@lru_cache(maxsize=8192)
def piece(key: str, service: bytes, slices: tuple[bytes, ...], node: str, addresses: tuple[str, ...], cidr: str) -> Piece:
    """The rules of one Service. ``node`` and its ``addresses`` are empty where they make no difference, so that all nodes share
    what is computed once."""
    ports = service_ports(service, slices)
    rules = tuple(rule for port in ports for rule in port_rules(port, choose(port, node), addresses, cidr))
    return Piece(key, tuple(front for port in ports for front in fronts(port)), rules)


def fronts(port: ServicePort) -> tuple[Front, ...]:
    """Where a Service port is reached."""
    addresses = (port.cluster_ip, *port.external_ips, *port.balancer_ips)
    found = [(address, port.protocol, port.port) for address in addresses]
    return (*found, ("", port.protocol, port.node_port)) if port.node_port else tuple(found)


class _Chains:
    """The names of a Service port's chains, and what enters where."""

    def __init__(self, port: ServicePort, choice: Choice) -> None:
        self.port, self.choice = port, choice
        name, protocol = port.name, port.protocol
        self.cluster, self.local = service_chain(name, protocol), service_chain(name, protocol, "SVL")
        self.outside, self.firewall = service_chain(name, protocol, "EXT"), service_chain(name, protocol, "FW")
        self.internal = self.local if port.internal_local else self.cluster
        self.beyond = self.local if port.external_local else self.cluster
        """Where external traffic goes in the end."""
        self.has_internal = bool(choice.local) if port.internal_local else choice.any
        self.has_external = bool(choice.local) if port.external_local else choice.any
        self.guarded = bool(choice.any and port.balancer_ips and port.source_ranges)


def port_rules(port: ServicePort, choice: Choice, addresses: tuple[str, ...], cidr: str) -> list[Rule]:
    """The rules of one Service port."""
    chains = _Chains(port, choice)
    found = [*_entries(chains), *_refusals(chains)]
    if chains.has_internal:
        at = f"{port.cluster_ip}/32"
        comment = f"{port.name} cluster IP"
        found.append(Rule("nat", chains.internal, MARK, comment, not_source=cidr, destination=at, protocol=port.protocol,
                          port=port.port))  # fmt: skip
    if choice.any and port.external:
        found += _outside(chains, cidr)
    if chains.guarded:
        found += _firewall(chains, addresses)
    if choice.cluster and port.uses_cluster:
        found += _lots(port, chains.cluster, choice.cluster)
    if choice.local and port.uses_local:
        found += _lots(port, chains.local, choice.local)
    for endpoint in choice.reachable:
        own = endpoint_chain(port.name, port.protocol, str(endpoint))
        found.append(Rule("nat", own, MARK, port.name, source=f"{endpoint.address}/32"))
        remember = own if port.affinity else ""
        found.append(Rule("nat", own, "DNAT", port.name, protocol=port.protocol, to=str(endpoint), recent=remember))
    return found


def _entries(chains: _Chains) -> list[Rule]:
    """What sends packets into the chains of a Service port."""
    port, found = chains.port, []

    def enters(address: str, what: str, to: str) -> Rule:
        comment = f"{port.name} {what}"
        return Rule("nat", SERVICES, to, comment, destination=f"{address}/32", protocol=port.protocol, port=port.port)

    if chains.has_internal:
        found.append(enters(port.cluster_ip, "cluster IP", chains.internal))
    if not chains.choice.any:
        return found
    found += [enters(address, "external IP", chains.outside) for address in port.external_ips]
    to = chains.firewall if chains.guarded else chains.outside
    found += [enters(address, "loadbalancer IP", to) for address in port.balancer_ips]
    if port.node_port:
        found.append(Rule("nat", NODE_PORTS, chains.outside, port.name, protocol=port.protocol, port=port.node_port))
    return found


def _refusals(chains: _Chains) -> list[Rule]:
    """What the filter table refuses: all when there are no endpoints, and with a policy ``Local`` what finds none here."""
    port, found = chains.port, []
    nobody = not chains.choice.any
    target, extra = ("REJECT", REJECT) if nobody else ("DROP", "")
    comment = f"{port.name} has no endpoints" if nobody else f"{port.name} has no local endpoints"

    def refuses(chain: str, address: str, number: int, match: str = "") -> Rule:
        where = f"{address}/32" if address else ""
        return Rule("filter", chain, target, comment, destination=where, protocol=port.protocol, port=number, match=match,
                    extra=extra)  # fmt: skip

    if not chains.has_internal:
        found.append(refuses(SERVICES, port.cluster_ip, port.port))
    if not chains.has_external:
        found += [refuses(EXTERNAL, address, port.port) for address in (*port.external_ips, *port.balancer_ips)]
        found += [refuses(EXTERNAL, "", port.node_port, LOCAL_TARGET)] if port.node_port else []
    if chains.guarded:
        said = f"{port.name} traffic not accepted by {chains.firewall}"
        found += [Rule("filter", FIREWALL, "DROP", said, destination=f"{address}/32", protocol=port.protocol, port=port.port)
                  for address in port.balancer_ips]  # fmt: skip
    if port.health_port:
        said = f"{port.name} health check node port"
        found.append(Rule("filter", NODE_PORTS, "ACCEPT", said, protocol="tcp", port=port.health_port))
    return found


def _outside(chains: _Chains, cidr: str) -> list[Rule]:
    """KUBE-EXT: with the policy ``Cluster`` all is masqueraded, as the answer may have to come back over this node; with
    ``Local`` only what comes from here, which may go to any endpoint."""
    name, chain = chains.port.name, chains.outside
    if not chains.port.external_local:
        found = [Rule("nat", chain, MARK, f"masquerade traffic for {name} external destinations")]
    else:
        said = f"LOCAL traffic for {name} external destinations"
        found = [
            Rule("nat", chain, chains.cluster, f"pod traffic for {name} external destinations", source=cidr),
            Rule("nat", chain, MARK, f"masquerade {said}", match=LOCAL_SOURCE),
            Rule("nat", chain, chains.cluster, f"route {said}", match=LOCAL_SOURCE),
        ]
    return [*found, Rule("nat", chain, chains.beyond)] if chains.has_external else found


def _firewall(chains: _Chains, addresses: tuple[str, ...]) -> list[Rule]:
    """KUBE-FW: only these sources go on."""
    port = chains.port
    comment = f"{port.name} loadbalancer IP"
    sources = list(port.source_ranges)
    if any(within(own, one) for own in addresses for one in port.source_ranges):
        sources += [f"{address}/32" for address in port.balancer_ips]
    found = [Rule("nat", chains.firewall, chains.outside, comment, source=source) for source in sources]
    return [*found, Rule("nat", chains.firewall, "", f"other traffic to {port.name} will be dropped by {FIREWALL}")]


def _lots(port: ServicePort, chain: str, endpoints: tuple[Endpoint, ...]) -> list[Rule]:
    """One rule an endpoint: first for clients that have been there before, then by lot."""
    own = [endpoint_chain(port.name, port.protocol, str(one)) for one in endpoints]
    said = [f"{port.name} -> {one}" for one in endpoints]
    found = [
        Rule("nat", chain, to, text, recent=to, seconds=port.affinity) for to, text in zip(own, said, strict=True)
        if port.affinity
    ]  # fmt: skip
    for index, (to, text) in enumerate(zip(own, said, strict=True)):
        left = len(endpoints) - index
        found.append(Rule("nat", chain, to, text, draw_of=left if left > 1 else 0))
    return found



BUILT_IN = {"filter": ("INPUT", "FORWARD", "OUTPUT"), "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")}


def save(rules: tuple[Rule, ...], stamp: str = "") -> list[str]:
    """The rules as ``iptables-save`` prints them, a table after the other. ``stamp``: the date, as ``date`` prints it."""
    lines: list[str] = []
    for table in ("mangle", "filter", "nat"):
        rows = [rule for rule in rules if rule.table == table]
        named = {name for rule in rows for name in (rule.chain, rule.jump) if name.startswith("KUBE-")}
        chains = sorted(named | {"KUBE-PROXY-CANARY"})
        by_chain: dict[str, list[Rule]] = {}
        for rule in rows:
            by_chain.setdefault(rule.chain, []).append(rule)
        built_in = BUILT_IN.get(table, ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"))
        lines += [f"# Generated by iptables-save v1.8.11 on {stamp}"] if stamp else []
        lines += [f"*{table}", *(f":{chain} ACCEPT [0:0]" for chain in built_in), *(f":{chain} - [0:0]" for chain in chains)]
        lines += [rule.line() for chain in (*built_in, *chains) for rule in by_chain.get(chain, ())]
        lines += ["COMMIT", *([f"# Completed on {stamp}"] if stamp else [])]
    return lines
