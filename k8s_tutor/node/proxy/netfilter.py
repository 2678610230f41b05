"""How a kernel follows iptables rules: the nat table until a packet has a new destination, then the filter table."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_tutor.node.addresses import within
from k8s_tutor.node.proxy.iptables import EXTERNAL, FIREWALL, LAST, LOCAL_SOURCE, LOCAL_TARGET, MARK, SERVICES, Rule
from k8s_tutor.node.proxy.packets import Draw, Hit, Memory, Packet, Piece, Site, Verdict

MOST_RULES = 64
"""A packet that has followed more jumps than this is going round in circles."""


def translate(piece: Piece, packet: Packet, site: Site, draw: Draw, memory: Memory) -> Verdict:
    """What the rules of one Service make of a packet to it."""
    by_chain: dict[str, list[Rule]] = {}
    for rule in (*piece.rules, LAST):
        if rule.table == "nat":
            by_chain.setdefault(rule.chain, []).append(rule)
    found = _follow(by_chain, packet, site, draw, memory)
    return found if found.hits and found.hits[-1].jump == "DNAT" else _filtered(piece.rules, found, site)


def _follow(by_chain: dict[str, list[Rule]], packet: Packet, site: Site, draw: Draw, memory: Memory) -> Verdict:
    """Walks the nat table. A rule that jumps to a chain which comes to its end goes on behind the rule."""
    hits: list[Hit] = []
    stack = [iter(by_chain.get(SERVICES, ()))]
    steps = 0
    while stack and steps < MOST_RULES * 64:
        steps += 1
        rule = next(stack[-1], None)
        if rule is None:
            stack.pop()
            continue
        if not _matches(rule, packet, site, memory):
            continue
        passed = bool(rule.draw_of) and draw(rule.draw_of) != 0
        after = packet
        if rule.jump == MARK:
            after = packet._replace(masquerade=True)
        elif rule.jump == "DNAT":
            address, _, port = rule.to.rpartition(":")
            after = packet._replace(destination=address, port=int(port))
        hits.append(Hit(f"nat {rule.chain}", rule.line(), packet, after, passed, rule.comment, rule.jump, rule.draw_of))
        packet = after
        if rule.jump == "DNAT":
            return Verdict(packet, tuple(hits), seen=rule.recent)
        if not passed and rule.jump != MARK and rule.jump in by_chain and len(stack) < MOST_RULES:
            stack.append(iter(by_chain[rule.jump]))
    return Verdict(packet, tuple(hits))


def _filtered(rules: Sequence[Rule], found: Verdict, site: Site) -> Verdict:
    """The filter table, for a packet that no rule has given another destination."""
    packet = found.packet
    for chain in (FIREWALL, SERVICES, EXTERNAL):
        for rule in rules:
            if rule.chain == chain and rule.table == "filter" and _matches(rule, packet, site, None):
                hit = Hit(f"filter {chain}", rule.line(), packet, packet, False, rule.comment, rule.jump)
                return Verdict(packet, (*found.hits, hit), "reject" if rule.jump == "REJECT" else "drop")
    return found


def _matches(rule: Rule, packet: Packet, site: Site, memory: Memory | None) -> bool:
    """Whether a rule is about a packet."""
    if rule.seconds and (memory is None or not memory.seen(rule.recent, packet.source, rule.seconds)):
        return False
    return not (
        (rule.protocol and rule.protocol != packet.protocol)
        or (rule.port and rule.port != packet.port)
        or (rule.match == LOCAL_TARGET and packet.destination not in site.addresses)
        or (rule.match == LOCAL_SOURCE and packet.source not in site.addresses)
        or (rule.destination and not within(packet.destination, rule.destination))
        or (rule.source and not within(packet.source, rule.source))
        or (rule.not_source and within(packet.source, rule.not_source))
    )
