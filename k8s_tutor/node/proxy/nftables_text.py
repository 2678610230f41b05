"""``nft list table ip kube-proxy``: the table as the real tool prints it."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_tutor.node.proxy.nftables import Chain, Element
from k8s_tutor.node.proxy.packets import Piece

_PORTS = "ipv4_addr . inet_proto . inet_service : verdict"
SETS = (
    ("set", "cluster-ips", "ipv4_addr", "Active ClusterIPs"),
    ("map", "no-endpoint-services", _PORTS, "vmap to drop or reject packets to services with no endpoints"),
    ("map", "no-endpoint-nodeports", _PORTS.partition(" . ")[2],
     "vmap to drop or reject packets to service nodeports with no endpoints"),
    ("map", "firewall-ips", _PORTS, "destinations that are subject to LoadBalancerSourceRanges"),
    ("map", "service-ips", _PORTS, "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
    ("map", "service-nodeports", _PORTS.partition(" . ")[2], "NodePort traffic"),
)  # fmt: skip
_FILTER, _LOOKUP = "dstnat - 10", "ip daddr . meta l4proto . th dport vmap @"
_NODE_PORT = "ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @"
CHAINS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("filter-prerouting", (f"type filter hook prerouting priority {_FILTER}; policy accept;",
                           "ct state new jump firewall-check")),
    ("filter-input", (f"type filter hook input priority {_FILTER}; policy accept;",
                      "ct state new jump nodeport-endpoints-check", "ct state new jump service-endpoints-check")),
    ("filter-forward", (f"type filter hook forward priority {_FILTER}; policy accept;",
                        "ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check")),
    ("filter-output", (f"type filter hook output priority {_FILTER}; policy accept;",
                       "ct state new jump service-endpoints-check", "ct state new jump firewall-check")),
    ("filter-output-post-dnat", ("type filter hook output priority dstnat + 10; policy accept;",
                                 "ct state new jump cluster-ips-check")),
    ("nat-prerouting", ("type nat hook prerouting priority dstnat; policy accept;", "jump services")),
    ("nat-output", ("type nat hook output priority dstnat; policy accept;", "jump services")),
    ("nat-postrouting", ("type nat hook postrouting priority srcnat; policy accept;", "jump masquerading")),
    ("nodeport-endpoints-check", (f"{_NODE_PORT}no-endpoint-nodeports",)),
    ("service-endpoints-check", (f"{_LOOKUP}no-endpoint-services",)),
    ("firewall-check", (f"{_LOOKUP}firewall-ips",)),
    ("services", (f"{_LOOKUP}service-ips", f"fib daddr type local {_NODE_PORT}service-nodeports")),
    ("masquerading", ("meta mark & 0x00004000 == 0x00000000 return", "meta mark set meta mark ^ 0x00004000",
                      "masquerade fully-random")),
    ("cluster-ips-check", ('ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"',
                           'ip daddr 10.96.0.0/12 drop comment "Drop traffic to unallocated ClusterIPs"')),
    ("mark-for-masquerade", ("meta mark set meta mark | 0x00004000",)),
    ("reject-chain", ('comment "helper for @no-endpoint-services / @no-endpoint-nodeports"', "reject")),
)  # fmt: skip


def listing(pieces: Iterable[Piece]) -> list[str]:
    """The whole table."""
    rows = [row for piece in pieces for row in piece.rules]
    lines = ["table ip kube-proxy {", '\tcomment "rules for kube-proxy"', ""]
    for kind, name, type_, comment in SETS:
        found = [row.text() for row in rows if isinstance(row, Element) and row.map == name]
        lines += [f"\t{kind} {name} {{", f"\t\ttype {type_}", f'\t\tcomment "{comment}"', *_elements(kind, found), "\t}", ""]
    chains = [row for row in rows if isinstance(row, Chain)]
    for chain in chains:
        for one in chain.lines:
            if one.verb == "update":
                lines += [f"\tset {one.listed} {{", "\t\ttype ipv4_addr", "\t\tsize 65535", "\t\tflags dynamic,timeout",
                          f"\t\ttimeout {_span(one.seconds)}", "\t}", ""]  # fmt: skip
    for name, texts in CHAINS:
        lines += [f"\tchain {name} {{", *(f"\t\t{text}" for text in texts), "\t}", ""]
    for chain in chains:
        lines += [f"\tchain {chain.name} {{", *(f"\t\t{line.text()}" for line in chain.lines), "\t}", ""]
    lines[-1] = "}"
    return lines


def _elements(kind: str, found: list[str]) -> list[str]:
    """``elements = { ... }``: addresses two a line, the entries of maps one a line."""
    if not found:
        return []
    unique = list(dict.fromkeys(found))
    rows = [", ".join(unique[place : place + 2]) for place in range(0, len(unique), 2)] if kind == "set" else unique
    return [f"\t\telements = {{ {rows[0]}" + (" }" if len(rows) == 1 else ","),
            *(f"\t\t\t     {row}" + (" }" if row is rows[-1] else ",") for row in rows[1:])]  # fmt: skip


def _span(seconds: int) -> str:
    """``3h``, ``1m30s``."""
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "") + (f"{rest}s" if rest else "") or "0s"
