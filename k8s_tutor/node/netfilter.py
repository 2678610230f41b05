"""What the kernel of a node does to a packet that leaves one of its pods, by the rules that kube-proxy has written."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8s_tutor.node.addresses import within
from k8s_tutor.node.iptables import MARK, Rule

MOST_RULES = 64
"""A packet that has followed more jumps than this is going round in circles."""

Draw = Callable[[int], int]
"""``draw(n)`` → 0 to n - 1; a rule that takes one packet in n takes this one on 0."""


class Packet(NamedTuple):
    """What a packet carries: addresses, port, protocol; ``size``: bytes, with its IP header."""

    source: str
    destination: str
    port: int
    protocol: str = "tcp"
    masquerade: bool = False
    """Marked to leave with the node's own address."""
    size: int = 60


class Hit(NamedTuple):
    """A rule that a packet has met. ``passed``: its draw has let this one go by."""

    rule: Rule
    before: Packet
    passed: bool = False


def translate(rules: tuple[Rule, ...], packet: Packet, draw: Draw) -> tuple[Packet, tuple[Hit, ...]]:
    """Follows the nat table until a rule has rewritten the packet or the rules are through."""
    by_chain: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.table == "nat":
            by_chain.setdefault(rule.chain, []).append(rule)
    hits: list[Hit] = []
    chain = "KUBE-SERVICES"
    for _ in range(MOST_RULES):
        onward = ""
        for rule in by_chain.get(chain, ()):
            if not matches(rule, packet):
                continue
            passed = bool(rule.draw_of) and draw(rule.draw_of) != 0
            hits.append(Hit(rule, packet, passed))
            if rule.jump == MARK:
                packet = packet._replace(masquerade=True)
            elif rule.jump == "DNAT":
                address, _, port = rule.to.rpartition(":")
                return packet._replace(destination=address, port=int(port)), tuple(hits)
            elif not passed:
                onward = rule.jump
                break
        if not onward:
            break
        chain = onward
    return packet, tuple(hits)


def rejected(rules: tuple[Rule, ...], packet: Packet) -> Rule | None:
    """The rule of the filter table that refuses a packet, or None."""
    return next((rule for rule in rules if rule.table == "filter" and rule.jump == "REJECT" and matches(rule, packet)), None)


def matches(rule: Rule, packet: Packet) -> bool:
    """Whether a rule is about a packet."""
    return not (
        (rule.protocol and rule.protocol != packet.protocol)
        or (rule.port and rule.port != packet.port)
        or (rule.destination and not within(packet.destination, rule.destination))
        or (rule.source and not within(packet.source, rule.source))
        or (rule.not_source and within(packet.source, rule.not_source))
    )
