"""What kube-proxy writes into the kernel in nftables mode: maps from addresses to chains, as pure functions.

Source: pkg/proxy/nftables/proxier.go. A packet is looked up once in a map, however many Services there are, and its verdict
is a chain: ``service-...`` (any endpoint), ``local-...`` (endpoints of this node), ``external-...`` (from outside).
"""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import sha256

from k8s_tutor.node.addresses import within
from k8s_tutor.node.proxy.iptables import fronts
from k8s_tutor.node.proxy.packets import Draw, Hit, Memory, Packet, Piece, Site, Verdict
from k8s_tutor.node.proxy.services import Choice, Endpoint, ServicePort, choose, service_ports
from k8s_tutor.sim import Body

MARK = "mark-for-masquerade"


class Line(Body):
    """One rule of a chain. What is empty does not restrict it. ``verb``: ``jump``, ``goto``, ``vmap`` (to one of ``targets`` by
    lot), ``dnat``, ``drop``, ``update`` (the client goes on a list)."""

    verb: str
    targets: tuple[str, ...] = ()
    source: str = ""
    not_source: str = ""
    destination: str = ""
    protocol: str = ""
    port: int = 0
    local_source: bool = False
    listed: str = ""
    """The list on which a client must be."""
    seconds: int = 0
    comment: str = ""

    def text(self) -> str:
        """The rule as ``nft list`` prints it."""
        words = [f"ip daddr {self.destination}"] if self.destination else []
        words += [f"{self.protocol} dport {self.port}"] if self.port else []
        words += [f"ip saddr {self.source}"] if self.source else []
        words += [f"ip saddr != {self.not_source}"] if self.not_source else []
        words += [f"ip saddr @{self.listed}"] if self.listed and self.verb != "update" else []
        words += ["fib saddr type local"] if self.local_source else []
        if self.verb == "vmap":
            lots = ", ".join(f"{place} : goto {target}" for place, target in enumerate(self.targets))
            words.append(f"numgen random mod {len(self.targets)} vmap {{ {lots} }}")
        elif self.verb == "dnat":
            words.append(f"meta l4proto {self.protocol} dnat to {self.targets[0]}")
        elif self.verb == "update":
            words.append(f"update @{self.listed} {{ ip saddr }}")
        else:
            words += [self.verb, *self.targets]
        words += [f'comment "{self.comment}"'] if self.comment else []
        return " ".join(words)


class Chain(Body):
    """A chain and its rules."""

    name: str
    lines: tuple[Line, ...]


class Element(Body):
    """An entry of one of the table's maps: ``service-ips``, ``service-nodeports``, ``no-endpoint-services``,
    ``no-endpoint-nodeports``, ``firewall-ips``; or of the set ``cluster-ips``, without a verdict."""

    map: str
    address: str
    protocol: str
    port: int
    verdict: str
    comment: str = ""

    def text(self) -> str:
        """The element as ``nft list`` prints it."""
        if self.map == "cluster-ips":
            return self.address
        key = " . ".join(word for word in (self.address, self.protocol, str(self.port)) if word)
        return f"{key} " + (f'comment "{self.comment}" ' if self.comment else "") + f": {self.verdict}"


def base_name(text: str) -> str:
    """``2QRHZV4L-default/kubernetes/tcp/https``: eight letters of a hash, and what it is the hash of."""
    return f"{b32encode(sha256(text.encode()).digest()).decode()[:8]}-{text}"


@lru_cache(maxsize=8192)
def piece(key: str, service: bytes, slices: tuple[bytes, ...], node: str, addresses: tuple[str, ...], cidr: str) -> Piece:
    """Chains and elements of one Service (see `iptables.piece`)."""
    ports = service_ports(service, slices)
    rules = tuple(row for port in ports for row in port_rows(port, choose(port, node), addresses, cidr))
    return Piece(key, tuple(front for port in ports for front in fronts(port)), rules)


def port_rows(port: ServicePort, choice: Choice, addresses: tuple[str, ...], cidr: str) -> list[Chain | Element]:
    """Chains and elements of one Service port."""
    text = f"{port.namespace}/{port.service}/{port.protocol}/{port.port_name}"
    base = base_name(text)
    names = {kind: f"{kind}-{base}" for kind in ("service", "local", "external", "firewall")}
    found: list[Chain | Element] = [Element("cluster-ips", port.cluster_ip, "", 0, "")]
    found += _elements(port, choice, names)
    if choice.any and port.external:
        found.append(Chain(names["external"], tuple(_external(port, choice, names, cidr))))
    if choice.any and port.source_ranges and port.balancer_ips:
        allowed = list(port.source_ranges)
        if any(within(own, one) for own in addresses for one in port.source_ranges):
            allowed += port.balancer_ips
        found.append(Chain(names["firewall"], (Line("drop", not_source="{ " + ", ".join(allowed) + " }"),)))
    inside = "local" if port.internal_local else "service"
    for kind, endpoints in (("service", choice.cluster), ("local", choice.local)):
        if endpoints:
            found.append(Chain(names[kind], tuple(_lots(port, endpoints, text, cidr if kind == inside else ""))))
    for one in choice.reachable:
        own = base_name(_endpoint(text, one))
        lines = [Line("jump", (MARK,), source=one.address), Line("dnat", (str(one),), protocol=port.protocol)]
        if port.affinity:
            lines.insert(1, Line("update", listed=f"affinity-{own}", seconds=port.affinity))
        found.append(Chain(f"endpoint-{own}", tuple(lines)))
    return found


def _endpoint(text: str, one: Endpoint) -> str:
    return f"{text}__{one.address}/{one.port}"


def _elements(port: ServicePort, choice: Choice, names: dict[str, str]) -> list[Element]:
    """The entries of a Service port in the table's maps."""
    found: list[Element] = []
    nobody = "goto reject-chain" if not choice.any else "drop"
    outside = (*port.external_ips, *port.balancer_ips)
    inner = choice.local if port.internal_local else choice.cluster
    outer = choice.local if port.external_local else choice.cluster

    def add(into: str, address: str, number: int, verdict: str, comment: str = "") -> None:
        found.append(Element(into, address, port.protocol, number, verdict, comment))

    if inner:
        add("service-ips", port.cluster_ip, port.port, f"goto {names['local' if port.internal_local else 'service']}")
    else:
        add("no-endpoint-services", port.cluster_ip, port.port, nobody, port.name)
    for address in outside if choice.any else ():
        add("service-ips", address, port.port, f"goto {names['external']}")
    for address in port.balancer_ips if choice.any and port.source_ranges else ():
        add("firewall-ips", address, port.port, f"goto {names['firewall']}", port.name)
    for address in outside if not outer else ():
        add("no-endpoint-services", address, port.port, nobody, port.name)
    if port.node_port and choice.any:
        add("service-nodeports", "", port.node_port, f"goto {names['external']}")
    if port.node_port and not outer:
        add("no-endpoint-nodeports", "", port.node_port, nobody, port.name)
    return found


def _external(port: ServicePort, choice: Choice, names: dict[str, str], cidr: str) -> list[Line]:
    if not port.external_local:
        found = [Line("jump", (MARK,))]
    else:
        found = [
            Line("goto", (names["service"],), source=cidr, comment="short-circuit pod traffic"),
            Line("jump", (MARK,), local_source=True, comment="masquerade local traffic"),
            Line("goto", (names["service"],), local_source=True, comment="short-circuit local traffic"),
        ]
    outer = choice.local if port.external_local else choice.cluster
    return [*found, Line("goto", (names["local" if port.external_local else "service"],))] if outer else found


def _lots(port: ServicePort, endpoints: tuple[Endpoint, ...], text: str, cidr: str) -> list[Line]:
    """The chain that chooses an endpoint. ``cidr``: it takes ClusterIP traffic, and masquerades what comes from elsewhere."""
    found = []
    if cidr:
        at, protocol = port.cluster_ip, port.protocol
        found.append(Line("jump", (MARK,), destination=at, protocol=protocol, port=port.port, not_source=cidr))
    names = [base_name(_endpoint(text, one)) for one in endpoints]
    if port.affinity:
        found += [Line("goto", (f"endpoint-{one}",), listed=f"affinity-{one}", seconds=port.affinity) for one in names]
    return [*found, Line("vmap", tuple(f"endpoint-{one}" for one in names))]


# ---------------------------------------------------------------------------------------------------- packets


def translate(piece: Piece, packet: Packet, site: Site, draw: Draw, memory: Memory) -> Verdict:
    """What the rows of one Service make of a packet to it: first the checks before DNAT, then its chain."""
    chains = {row.name: row for row in piece.rules if isinstance(row, Chain)}
    entry = {row.map: row for row in piece.rules if isinstance(row, Element) and _found(row, packet, site)}
    hits: list[Hit] = []

    def hit(where: str, rule: str, after: Packet) -> None:
        hits.append(Hit(where, rule, packet, after))

    guard = entry.get("firewall-ips")
    if guard is not None:
        hit("map firewall-ips", guard.text(), packet)
        for line in chains[guard.verdict.removeprefix("goto ")].lines:
            if _matches(line, packet, site, memory):
                hit(f"chain {guard.verdict.removeprefix('goto ')}", line.text(), packet)
                return Verdict(packet, tuple(hits), "drop")
    served = entry.get("service-ips") or entry.get("service-nodeports")
    if served is not None:
        found = _follow(chains, served, packet, site, draw, memory)
        if found.packet[1:3] != packet[1:3]:
            return found._replace(hits=(*hits, *found.hits))
    refused = entry.get("no-endpoint-services") or entry.get("no-endpoint-nodeports")
    if refused is not None:
        hit(f"map {refused.map}", refused.text(), packet)
        return Verdict(packet, tuple(hits), "drop" if refused.verdict == "drop" else "reject")
    return Verdict(packet, tuple(hits))


def _found(row: Element, packet: Packet, site: Site) -> bool:
    here = row.address == packet.destination if row.address else packet.destination in site.addresses
    return here and (row.protocol, row.port) == (packet.protocol, packet.port)


def _follow(
    chains: dict[str, Chain], entry: Element, packet: Packet, site: Site, draw: Draw, memory: Memory
) -> Verdict:  # fmt: skip
    """From a map's element through the chains to an endpoint. A ``goto`` does not come back."""
    name, seen = entry.verdict.removeprefix("goto "), ""
    hits = [Hit(f"map {entry.map}", entry.text(), packet, packet, jump=name)]
    while name:
        chain, name = chains[name], ""
        for line in chain.lines:
            if not _matches(line, packet, site, memory):
                continue
            after, lot = packet, 0
            if line.verb == "jump":
                after = packet._replace(masquerade=True)
            elif line.verb == "dnat":
                address, _, port = line.targets[0].rpartition(":")
                after = packet._replace(destination=address, port=int(port))
            elif line.verb == "vmap":
                lot = draw(len(line.targets))
            elif line.verb == "update":
                seen = line.listed
            hits.append(Hit(f"chain {chain.name}", line.text(), packet, after, jump=line.targets[lot] if line.targets else "",
                            draw_of=len(line.targets) if line.verb == "vmap" else 0))  # fmt: skip
            packet = after
            if line.verb in ("goto", "vmap"):
                name = line.targets[lot]
                break
            if line.verb == "dnat":
                return Verdict(packet, tuple(hits), seen=seen)
    return Verdict(packet, tuple(hits))


def _matches(line: Line, packet: Packet, site: Site, memory: Memory) -> bool:
    if line.seconds and line.verb != "update" and not memory.seen(line.listed, packet.source, line.seconds):
        return False
    ranges = line.not_source.strip("{ }").split(", ") if line.not_source else ()
    return not (
        (line.source and not within(packet.source, line.source))
        or any(within(packet.source, one) for one in ranges)
        or (line.destination and line.destination != packet.destination)
        or (line.port and (line.protocol, line.port) != (packet.protocol, packet.port))
        or (line.local_source and packet.source not in site.addresses)
    )
