"""What rules are told of a packet, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from k8s_tutor.sim import Body

Draw = Callable[[int], int]
"""``draw(n)`` → 0 to n - 1; a rule that takes one packet in n takes this one on 0."""
Front = tuple[str, str, int]
"""Where a Service is reached: address (empty: every address of the node), protocol, port."""


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
    """A rule that a packet has met. ``passed``: its draw has let this one go by. ``where`` names table and chain, ``rule`` is
    the rule as its tool prints it, ``jump`` where it leads, ``draw_of`` among how many it draws."""

    where: str
    rule: str
    before: Packet
    after: Packet
    passed: bool = False
    comment: str = ""
    jump: str = ""
    draw_of: int = 0

    @property
    def rewrote(self) -> bool:
        """Whether this rule gave the packet another destination."""
        return self.after.destination != self.before.destination or self.after.port != self.before.port


class Memory(NamedTuple):
    """What a kernel has noted about earlier packets. ``recent``: (list, client) → when it was last seen there, µs; ``turns``:
    virtual server → whose turn it is."""

    recent: Mapping[tuple[str, str], int]
    turns: Mapping[str, int]
    now: int

    def seen(self, name: str, client: str, seconds: int) -> bool:
        """Whether a client was put on a list not longer ago than that."""
        at = self.recent.get((name, client))
        return at is not None and self.now - at <= seconds * 1_000_000


class Verdict(NamedTuple):
    """What the rules make of a packet. ``action``: ``accept`` (it goes on, rewritten or not), ``reject`` (an ICMP error goes
    back) or ``drop``; ``seen`` and ``turn`` are what the kernel notes."""

    packet: Packet
    hits: tuple[Hit, ...] = ()
    action: str = "accept"
    seen: str = ""
    turn: tuple[str, int] | None = None

    @property
    def matched(self) -> bool:
        """Whether the packet was meant for a Service."""
        return bool(self.hits) or self.action != "accept"


class Site(NamedTuple):
    """The node at which rules work: its addresses, and the range of the cluster's pods."""

    addresses: tuple[str, ...]
    cluster_cidr: str


class Piece(Body):
    """What one Service is in a kernel: where it is reached, and its rules (of the mode that made it)."""

    service: str
    fronts: tuple[Front, ...]
    rules: tuple[Any, ...]
