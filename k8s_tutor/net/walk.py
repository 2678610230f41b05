"""The walk of one packet from a pod or a node to an address, hop by hop, through the rules of the node where it starts.

Pure: it reads what kube-proxy wrote and what the CNI plugins leased, follows the rules as the kernel would, and tells what
each place did to the packet. Where the kernel draws lots (`statistic --mode random`) the draw is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from k8s_tutor.node.cni import number, subnet
from k8s_tutor.node.iptables import MARK, Rule
from k8s_tutor.node.netfilter import Draw, Hit, rejected, translate
from k8s_tutor.node.netfilter import Packet as Packet


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
    translated, hits = translate(rules, packet, draw)
    hops += [_in_words(hit) for hit in hits]
    refuses = rejected(rules, translated)
    if refuses is not None:
        hops.append(Hop("node", "filter KUBE-SERVICES", f'{refuses.comment}: REJECT, the sender gets "connection refused"'))
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


def _in_words(hit: Hit) -> Hop:
    """What a rule did to the packet."""
    rule, where = hit.rule, f"nat {hit.rule.chain}"
    if rule.jump == MARK:
        return Hop("node", where, "marked: it will leave with the node's address (MASQUERADE)")
    if rule.jump == "DNAT":
        return Hop("node", where, f"DNAT: {hit.before.destination}:{hit.before.port} becomes {rule.to}")
    if hit.passed:
        return Hop("node", where, f"{rule.comment}: 1 in {rule.draw_of}, not this time")
    chance = f"1 in {rule.draw_of}, taken" if rule.draw_of else "taken"
    return Hop("node", where, f"{rule.comment}: {chance}, on to {rule.jump}")


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
