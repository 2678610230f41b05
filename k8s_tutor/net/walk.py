"""The walk of one packet from a pod or a node to an address, hop by hop, through the rules of the node where it starts.

Pure: it reads what kube-proxy wrote and what the CNI plugins leased, follows the rules as the kernel would, and tells what
each place did to the packet. Where the kernel draws lots (`statistic --mode random`) the draw is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from k8s_tutor.node.cni import number, subnet
from k8s_tutor.node.iptables import MARK, Rule

MOST_HOPS = 64
"""A walk longer than this is going round in circles."""

Draw = Callable[[int], int]
"""``draw(n)`` → 0 to n - 1; a rule that takes one packet in n takes this one on 0."""


class Packet(NamedTuple):
    """What a packet carries: addresses, port, protocol."""

    source: str
    destination: str
    port: int
    protocol: str = "tcp"
    masquerade: bool = False
    """Marked to leave with the node's own address."""


class Hop(NamedTuple):
    """One place on the way: the layer (``pod``, ``namespace``, ``cni``, ``node``, ``cluster``), where, and what happened."""

    layer: str
    where: str
    what: str


class Walk(NamedTuple):
    """The whole way. ``verdict``: ``delivered``, ``rejected`` or ``no route``; ``packet`` as it arrived."""

    hops: tuple[Hop, ...]
    verdict: str
    packet: Packet

    def rows(self) -> list[str]:
        """The way as lines of text."""
        width = max(len(hop.where) for hop in self.hops)
        return [f"{hop.layer:<9}  {hop.where:<{width}}  {hop.what}" for hop in self.hops]


class Plan(NamedTuple):
    """Who has which addresses: node → its own address, node → its range for pods, pod address → ``namespace/name``."""

    nodes: Mapping[str, str]
    ranges: Mapping[str, str]
    pods: Mapping[str, str]

    def node_of(self, address: str) -> str:
        """The node of a pod's or a node's address, or an empty text."""
        for node, own in self.nodes.items():
            if own == address:
                return node
        for node, cidr in self.ranges.items():
            base, size, _ = subnet(cidr)
            if base <= number(address) < base + size:
                return node
        return ""


def walk(rules: tuple[Rule, ...], plan: Plan, node: str, packet: Packet, draw: Draw) -> Walk:
    """The way of a packet that starts on ``node``, in the pod that has its source address or on the node itself."""
    hops = _departure(plan, node, packet)
    by_chain: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        by_chain.setdefault((rule.table, rule.chain), []).append(rule)
    translated = _chain(by_chain, ("nat", "KUBE-SERVICES"), packet, draw, hops)
    if any(_matches(rule, translated) for rule in by_chain.get(("filter", "KUBE-SERVICES"), ())):
        rule = next(rule for rule in by_chain["filter", "KUBE-SERVICES"] if _matches(rule, translated))
        hops.append(Hop("node", "filter KUBE-SERVICES", f'{rule.comment}: REJECT, the sender gets "connection refused"'))
        return Walk(tuple(hops), "rejected", translated)
    return _arrival(plan, node, translated, hops)


def _departure(plan: Plan, node: str, packet: Packet) -> list[Hop]:
    target = f"{packet.source} → {packet.destination}:{packet.port}/{packet.protocol}"
    if packet.source not in plan.pods:
        return [Hop("node", node, target)]
    return [
        Hop("pod", plan.pods[packet.source], target),
        Hop("namespace", "eth0", "the pod's end of the veth pair; default route to the bridge"),
        Hop("cni", f"{node} cni0", "the bridge hands it to the node's network stack"),
    ]


def _chain(
    by_chain: dict[tuple[str, str], list[Rule]], chain: tuple[str, str], packet: Packet, draw: Draw, hops: list[Hop]
) -> Packet:
    """Follows a chain of the nat table until a rule has rewritten the packet or the rules are through."""
    for _ in range(MOST_HOPS):
        onward = ""
        for rule in by_chain.get(chain, ()):
            if not _matches(rule, packet):
                continue
            if rule.jump == MARK:
                packet = packet._replace(masquerade=True)
                hops.append(Hop("node", f"nat {rule.chain}", "marked: it will leave with the node's address (MASQUERADE)"))
            elif rule.jump == "DNAT":
                address, _, port = rule.to.rpartition(":")
                hops.append(Hop("node", f"nat {rule.chain}", f"DNAT: {packet.destination}:{packet.port} becomes {rule.to}"))
                return packet._replace(destination=address, port=int(port))
            elif rule.draw_of and draw(rule.draw_of) != 0:
                hops.append(Hop("node", f"nat {rule.chain}", f"{rule.comment}: 1 in {rule.draw_of}, not this time"))
            else:
                chance = f"1 in {rule.draw_of}, taken" if rule.draw_of else "taken"
                hops.append(Hop("node", f"nat {rule.chain}", f"{rule.comment}: {chance}, on to {rule.jump}"))
                onward = rule.jump
                break
        if not onward:
            return packet
        chain = (chain[0], onward)
    return packet


def _matches(rule: Rule, packet: Packet) -> bool:
    return not (
        (rule.protocol and rule.protocol != packet.protocol)
        or (rule.port and rule.port != packet.port)
        or (rule.destination and not _within(packet.destination, rule.destination))
        or (rule.source and not _within(packet.source, rule.source))
        or (rule.not_source and _within(packet.source, rule.not_source))
    )


def _within(address: str, cidr: str) -> bool:
    base, size, _ = subnet(cidr)
    return base <= number(address) < base + size


def _arrival(plan: Plan, node: str, packet: Packet, hops: list[Hop]) -> Walk:
    there = plan.node_of(packet.destination)
    if not there:
        hops.append(Hop("cluster", "routing", f"no node has {packet.destination}: nowhere to go"))
        return Walk(tuple(hops), "no route", packet)
    if packet.masquerade:
        packet = packet._replace(source=plan.nodes[node])
        hops.append(Hop("node", "nat KUBE-POSTROUTING", f"MASQUERADE: the source becomes {packet.source}"))
    if there != node:
        route = f"route {plan.ranges[there]} via {plan.nodes[there]}" if packet.destination in plan.pods else "the node itself"
        hops.append(Hop("cluster", f"{node} → {there}", route))
    if packet.destination == plan.nodes[there]:
        hops.append(Hop("node", there, f"arrives on port {packet.port}"))
        return Walk(tuple(hops), "delivered", packet)
    name = plan.pods.get(packet.destination)
    if name is None:
        hops.append(Hop("cni", f"{there} cni0", f"nobody has {packet.destination} any more: no route to host"))
        return Walk(tuple(hops), "no route", packet)
    hops.append(Hop("cni", f"{there} cni0", f"the bridge finds the veth of {packet.destination}"))
    hops.append(Hop("namespace", "eth0", "the pod's end of the veth pair"))
    hops.append(Hop("pod", name, f"arrives on port {packet.port} from {packet.source}"))
    return Walk(tuple(hops), "delivered", packet)
