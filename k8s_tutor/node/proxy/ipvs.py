"""What kube-proxy writes into the kernel in IPVS mode: virtual servers, and sets of addresses for a few iptables rules.

Source: pkg/proxy/ipvs/proxier.go. Every address of a Service stands on the device ``kube-ipvs0``, so that the kernel takes
packets to it for its own and hands them to IPVS, which gives each connection to the next real server (``rr``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from k8s_tutor.node.addresses import number, within
from k8s_tutor.node.proxy.iptables import MARK, Rule, fronts
from k8s_tutor.node.proxy.packets import Draw, Hit, Memory, Packet, Piece, Site, Verdict
from k8s_tutor.node.proxy.services import ServicePort, choose, service_ports
from k8s_tutor.sim import Body


class VirtualServer(Body):
    """One virtual server. ``address`` is empty for a node port: there is one for each address of the node."""

    address: str
    protocol: str
    port: int
    kind: str
    """Of what it is the address: ``cluster``, ``external``, ``balancer``, ``node``."""
    servers: tuple[str, ...]
    """Real servers, ``address:port``."""
    persistent: int = 0
    local: bool = False
    """With the traffic policy ``Local``: it is not masqueraded."""
    sources: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``10.96.0.10:53/tcp``."""
        return f"{self.address or '*'}:{self.port}/{self.protocol}"


@lru_cache(maxsize=8192)
def piece(key: str, service: bytes, slices: tuple[bytes, ...], node: str, addresses: tuple[str, ...], cidr: str) -> Piece:
    """The virtual servers of one Service (see `iptables.piece`)."""
    ports = service_ports(service, slices)
    rules = tuple(server for port in ports for server in servers(port, node))
    return Piece(key, tuple(front for port in ports for front in fronts(port)), rules)


def servers(port: ServicePort, node: str) -> list[VirtualServer]:
    """The virtual servers of one Service port."""
    choice = choose(port, node)
    inside = tuple(str(one) for one in (choice.local if port.internal_local else choice.cluster))
    outside = tuple(str(one) for one in (choice.local if port.external_local else choice.cluster))
    found = [VirtualServer(port.cluster_ip, port.protocol, port.port, "cluster", inside, port.affinity)]
    for kind, addresses in (("external", port.external_ips), ("balancer", port.balancer_ips)):
        sources = port.source_ranges if kind == "balancer" else ()
        found += [VirtualServer(one, port.protocol, port.port, kind, outside, port.affinity, port.external_local, sources)
                  for one in addresses]  # fmt: skip
    if port.node_port:
        found.append(VirtualServer("", port.protocol, port.node_port, "node", outside, port.affinity, port.external_local))
    return found


def translate(piece: Piece, packet: Packet, site: Site, draw: Draw, memory: Memory) -> Verdict:
    """What IPVS makes of a packet to one Service: the next real server, or the one that the client had before."""
    for server in piece.rules:
        here = server.address == packet.destination if server.address else packet.destination in site.addresses
        if here and (server.protocol, server.port) == (packet.protocol, packet.port):
            return _served(server, packet, site, memory)
    return Verdict(packet)


def _served(server: VirtualServer, packet: Packet, site: Site, memory: Memory) -> Verdict:
    head = f"{server.protocol.upper()}  {packet.destination}:{packet.port} rr"
    if server.sources and not any(within(packet.source, one) for one in server.sources):
        text = "-A KUBE-SOURCE-RANGES-FIREWALL -j DROP"
        return Verdict(packet, (Hit("filter KUBE-SOURCE-RANGES-FIREWALL", text, packet, packet),), "drop")
    hits = []
    marked = not within(packet.source, site.cluster_cidr) if server.kind == "cluster" else not server.local
    if marked:
        after = packet._replace(masquerade=True)
        hits.append(Hit("nat KUBE-SERVICES", _MASQUERADED[server.kind], packet, after, jump=MARK))
        packet = after
    if not server.servers:
        hits.append(Hit("ipvs", head, packet, packet))
        return Verdict(packet, tuple(hits), "reject")
    turn = memory.turns.get(server.name, 0)
    kept = [one for one in server.servers if memory.seen(f"{server.name} {one}", packet.source, server.persistent)]
    chosen = kept[0] if kept and server.persistent else server.servers[turn % len(server.servers)]
    address, _, port = chosen.rpartition(":")
    after = packet._replace(destination=address, port=int(port), masquerade=packet.masquerade or packet.source == address)
    hits.append(Hit("ipvs", f"{head}  -> {chosen} Masq", packet, after, jump=chosen))
    seen = f"{server.name} {chosen}" if server.persistent else ""
    return Verdict(after, tuple(hits), seen=seen, turn=None if kept else (server.name, (turn + 1) % len(server.servers)))


# ---------------------------------------------------------------------------------------------------- texts


def _set(name: str, way: str, comment: str = "", **more: str) -> Rule:
    match = f"-m set --match-set {name} {way}"
    return Rule("nat", more.get("chain", "KUBE-SERVICES"), more.get("jump", MARK), comment,
                not_source=more.get("not_source", ""), protocol=more.get("protocol", ""), match=match)  # fmt: skip


_MASQUERADED = {
    "cluster": _set("KUBE-CLUSTER-IP", "dst,dst", "Kubernetes service cluster ip + port for masquerade purpose",
                    not_source="10.244.0.0/16").line(),
    "external": _set("KUBE-EXTERNAL-IP", "dst,dst", "Kubernetes service external ip + port for masquerade and filter purpose")
    .line(),
    "balancer": _set("KUBE-LOAD-BALANCER", "dst,dst", "Kubernetes service lb portal", jump="KUBE-LOAD-BALANCER").line(),
    "node": _set("KUBE-NODE-PORT-TCP", "dst", "Kubernetes nodeport TCP port for masquerade purpose", chain="KUBE-NODE-PORT",
                 protocol="tcp").line(),
}  # fmt: skip


def rules(cidr: str) -> tuple[Rule, ...]:
    """The iptables rules that go with it. They name sets, so they are the same however many Services there are."""
    cluster = "Kubernetes service cluster ip + port for masquerade purpose"
    return (
        Rule("filter", "INPUT", "KUBE-IPVS-FILTER", "kubernetes ipvs access filter"),
        Rule("filter", "INPUT", "KUBE-PROXY-FIREWALL", "kube-proxy firewall rules"),
        Rule("filter", "INPUT", "KUBE-NODE-PORT", "kubernetes health check rules"),
        Rule("filter", "FORWARD", "KUBE-PROXY-FIREWALL", "kube-proxy firewall rules"),
        Rule("filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules"),
        Rule("filter", "KUBE-FORWARD", "ACCEPT", "kubernetes forwarding rules", match="-m mark --mark 0x4000/0x4000"),
        Rule("filter", "KUBE-FORWARD", "ACCEPT", "kubernetes forwarding conntrack rule",
             match="-m conntrack --ctstate RELATED,ESTABLISHED"),
        *(Rule("filter", "KUBE-IPVS-FILTER", "RETURN", match=f"-m set --match-set {name} dst,dst")
          for name in ("KUBE-LOAD-BALANCER", "KUBE-CLUSTER-IP", "KUBE-EXTERNAL-IP", "KUBE-EXTERNAL-IP-LOCAL")),
        Rule("filter", "KUBE-IPVS-FILTER", "RETURN", match="-m set --match-set KUBE-HEALTH-CHECK-NODE-PORT dst"),
        Rule("filter", "KUBE-IPVS-FILTER", "REJECT", match="-m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst",
             extra="--reject-with icmp-port-unreachable"),
        Rule("filter", "KUBE-PROXY-FIREWALL", "KUBE-SOURCE-RANGES-FIREWALL",
             "Kubernetes service load balancer ip + port for load balancer with sourceRange",
             match="-m set --match-set KUBE-LOAD-BALANCER-FW dst,dst"),
        Rule("filter", "KUBE-SOURCE-RANGES-FIREWALL", "RETURN",
             "Kubernetes service load balancer ip + port + source cidr for packet filter",
             match="-m set --match-set KUBE-LOAD-BALANCER-SOURCE-CIDR dst,dst,src"),
        Rule("filter", "KUBE-SOURCE-RANGES-FIREWALL", "DROP"),
        Rule("nat", "PREROUTING", "KUBE-SERVICES", "kubernetes service portals"),
        Rule("nat", "OUTPUT", "KUBE-SERVICES", "kubernetes service portals"),
        Rule("nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"),
        Rule("nat", "KUBE-LOAD-BALANCER", "RETURN",
             "Kubernetes service load balancer ip + port with externalTrafficPolicy=local",
             match="-m set --match-set KUBE-LOAD-BALANCER-LOCAL dst,dst"),
        Rule("nat", "KUBE-LOAD-BALANCER", MARK),
        Rule("nat", MARK, "MARK", extra="--set-xmark 0x4000/0x4000"),
        Rule("nat", "KUBE-NODE-PORT", "RETURN", "Kubernetes nodeport TCP port with externalTrafficPolicy=local", protocol="tcp",
             match="-m set --match-set KUBE-NODE-PORT-LOCAL-TCP dst"),
        Rule("nat", "KUBE-NODE-PORT", MARK, "Kubernetes nodeport TCP port for masquerade purpose", protocol="tcp",
             match="-m set --match-set KUBE-NODE-PORT-TCP dst"),
        Rule("nat", "KUBE-POSTROUTING", "MASQUERADE",
             "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose",
             match="-m set --match-set KUBE-LOOP-BACK dst,dst,src"),
        Rule("nat", "KUBE-POSTROUTING", "RETURN", match="-m mark ! --mark 0x4000/0x4000"),
        Rule("nat", "KUBE-POSTROUTING", "MARK", extra="--set-xmark 0x4000/0x0"),
        Rule("nat", "KUBE-POSTROUTING", "MASQUERADE", "kubernetes service traffic requiring SNAT", extra="--random-fully"),
        Rule("nat", "KUBE-SERVICES", "RETURN", source="127.0.0.0/8"),
        _set("KUBE-LOAD-BALANCER", "dst,dst", "Kubernetes service lb portal", jump="KUBE-LOAD-BALANCER"),
        _set("KUBE-CLUSTER-IP", "dst,dst", cluster, not_source=cidr),
        Rule("nat", "KUBE-SERVICES", "KUBE-NODE-PORT", match="-m addrtype --dst-type LOCAL"),
        Rule("nat", "KUBE-SERVICES", "ACCEPT", match="-m set --match-set KUBE-CLUSTER-IP dst,dst"),
        Rule("nat", "KUBE-SERVICES", "ACCEPT", match="-m set --match-set KUBE-LOAD-BALANCER dst,dst"),
    )  # fmt: skip


def listing(pieces: Iterable[Piece], addresses: tuple[str, ...]) -> list[str]:
    """``ipvsadm -Ln``."""
    lines = ["IP Virtual Server version 1.2.1 (size=4096)", "Prot LocalAddress:Port Scheduler Flags",
             "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"]  # fmt: skip
    found = [(number(address), server, address) for server in _all(pieces)
             for address in ([server.address] if server.address else addresses)]  # fmt: skip
    for _, server, address in sorted(found, key=lambda row: (row[1].protocol, row[0], row[1].port)):
        flags = f" persistent {server.persistent}" if server.persistent else ""
        lines.append(f"{server.protocol.upper():<4} {address}:{server.port} rr{flags}")
        lines += [f"  -> {one:<28} Masq    1      0          0         " for one in server.servers]
    return lines


def _all(pieces: Iterable[Piece]) -> list[VirtualServer]:
    return [server for piece in pieces for server in piece.rules]


SETS = (
    ("KUBE-CLUSTER-IP", "hash:ip,port"), ("KUBE-EXTERNAL-IP", "hash:ip,port"), ("KUBE-EXTERNAL-IP-LOCAL", "hash:ip,port"),
    ("KUBE-IPVS-IPS", "hash:ip"), ("KUBE-LOAD-BALANCER", "hash:ip,port"), ("KUBE-LOAD-BALANCER-FW", "hash:ip,port"),
    ("KUBE-LOAD-BALANCER-LOCAL", "hash:ip,port"), ("KUBE-LOAD-BALANCER-SOURCE-CIDR", "hash:ip,port,net"),
    ("KUBE-LOOP-BACK", "hash:ip,port,ip"), ("KUBE-NODE-PORT-LOCAL-TCP", "bitmap:port"),
    ("KUBE-NODE-PORT-LOCAL-UDP", "bitmap:port"), ("KUBE-NODE-PORT-TCP", "bitmap:port"), ("KUBE-NODE-PORT-UDP", "bitmap:port"),
)  # fmt: skip
"""The sets that there are, and what each holds."""


def sets(pieces: Iterable[Piece]) -> dict[str, list[str]]:
    """The members of each set, in order."""
    found: dict[str, dict[str, None]] = {name: {} for name, _ in SETS}
    for one in _all(pieces):
        entry = f"{one.address},{one.protocol}:{one.port}"
        if one.address:
            found["KUBE-IPVS-IPS"][one.address] = None
        if one.kind == "cluster":
            found["KUBE-CLUSTER-IP"][entry] = None
        elif one.kind == "external":
            found["KUBE-EXTERNAL-IP" + ("-LOCAL" if one.local else "")][entry] = None
        elif one.kind == "balancer":
            found["KUBE-LOAD-BALANCER"][entry] = None
            if one.local:
                found["KUBE-LOAD-BALANCER-LOCAL"][entry] = None
            for source in one.sources:
                found["KUBE-LOAD-BALANCER-FW"][entry] = None
                found["KUBE-LOAD-BALANCER-SOURCE-CIDR"][f"{entry},{source}"] = None
        else:
            local = "-LOCAL" if one.local else ""
            found[f"KUBE-NODE-PORT{local}-{one.protocol.upper()}"][str(one.port)] = None
        for server in one.servers:
            address, _, port = server.rpartition(":")
            found["KUBE-LOOP-BACK"][f"{address},{one.protocol}:{port},{address}"] = None
    return {name: sorted(members) for name, members in found.items()}


def set_listing(pieces: Iterable[Piece], wanted: str = "") -> list[str]:
    """``ipset list [NAME]``."""
    members = sets(pieces)
    lines: list[str] = []
    for name, kind in SETS:
        if wanted in ("", name):
            head = "range 0-65535" if kind.startswith("bitmap") else "family inet hashsize 1024 maxelem 65536 bucketsize 12"
            lines += [*([""] if lines else []), f"Name: {name}", f"Type: {kind}", f"Revision: {3 if 'bitmap' in kind else 6}",
                      f"Header: {head}", f"Size in memory: {200 + 64 * len(members[name])}", "References: 1",
                      f"Number of entries: {len(members[name])}", "Members:", *members[name]]  # fmt: skip
    return lines



