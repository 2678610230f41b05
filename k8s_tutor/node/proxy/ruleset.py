"""The rules of one kernel: a `Piece` for each Service, found by where it is reached, and what the kernel notes about packets.

Which mode made the pieces is all that differs: `translate` and the texts hand on to `iptables`, `ipvs` or `nftables`.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Self

from k8s_tutor.node.proxy import iptables, ipvs, netfilter, nftables, nftables_text
from k8s_tutor.node.proxy.packets import Draw, Front, Hit, Memory, Packet, Piece, Site, Verdict
from k8s_tutor.sim import Body, State

MODES = ("iptables", "ipvs", "nftables")
MAKERS = {"iptables": iptables.piece, "ipvs": ipvs.piece, "nftables": nftables.piece}
"""Mode → what makes a Service's piece."""
_FOLLOW: dict[str, ModuleType] = {"iptables": netfilter, "ipvs": ipvs, "nftables": nftables}


_OTHER_PORTS = {
    "ipvs": ("filter KUBE-IPVS-FILTER", "-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst "
             f"-j REJECT {iptables.REJECT}"),
    "nftables": ("chain cluster-ips-check",
                 'ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"'),
}  # fmt: skip
"""Mode → (chain, rule) that refuses ports which no Service has."""


class WriteRules(Body):
    """From kube-proxy to its machine's kernel: pieces that are new or different, and Services that are gone. ``whole``: nothing
    else stays."""

    mode: str
    pieces: tuple[Piece, ...]
    gone: tuple[str, ...] = ()
    whole: bool = False
    cluster_cidr: str = iptables.CLUSTER_CIDR


class Ruleset(State):
    """What kube-proxy has written into one kernel."""

    def __init__(self, mode: str = "iptables", cluster_cidr: str = iptables.CLUSTER_CIDR) -> None:
        self.mode, self.cluster_cidr = mode, cluster_cidr
        self.pieces: dict[str, Piece] = {}
        """``namespace/name`` of a Service → its rules."""
        self.fronts: dict[Front, str] = {}
        self.recent: dict[tuple[str, str], int] = {}
        self.turns: dict[str, int] = {}

    def copy(self) -> Self:
        """As any part is copied; but the two tables are replaced by whoever writes, so they are shared."""
        new = object.__new__(type(self))
        new.__dict__ = self.__dict__.copy()
        new.recent, new.turns = self.recent.copy(), self.turns.copy()
        return new

    # ------------------------------------------------------------------ writing

    def write(self, change: WriteRules) -> None:
        """Carries out what kube-proxy wants."""
        keep = not change.whole and change.mode == self.mode
        self.pieces, self.fronts = (self.pieces.copy(), self.fronts.copy()) if keep else ({}, {})
        self.mode, self.cluster_cidr = change.mode, change.cluster_cidr
        for service in (*change.gone, *(piece.service for piece in change.pieces)):
            old = self.pieces.pop(service, None)
            for front in old.fronts if old is not None else ():
                if self.fronts.get(front) == service:
                    del self.fronts[front]
        for piece in change.pieces:
            self.pieces[piece.service] = piece
            self.fronts.update(dict.fromkeys(piece.fronts, piece.service))

    def note(self, verdict: Verdict, now: int) -> None:
        """Remembers where a connection went."""
        if verdict.seen:
            self.recent[verdict.seen, verdict.hits[0].before.source] = now
        if verdict.turn is not None:
            self.turns[verdict.turn[0]] = verdict.turn[1]

    # ------------------------------------------------------------------ packets

    def translate(self, packet: Packet, addresses: tuple[str, ...], draw: Draw, now: int) -> Verdict:
        """What the rules make of a new connection; pure: the kernel notes it with `note`. ``addresses``: the node's own."""
        front: Front = (packet.destination, packet.protocol, packet.port)
        service = self.fronts.get(front)
        if service is None and packet.destination in addresses:
            service = self.fronts.get(("", packet.protocol, packet.port))
        if service is None:
            return self._nobody(packet)
        site, memory = Site(addresses, self.cluster_cidr), Memory(self.recent, self.turns, now)
        found: Verdict = _FOLLOW[self.mode].translate(self.pieces[service], packet, site, draw, memory)
        return found

    def _nobody(self, packet: Packet) -> Verdict:
        """A packet to no Service port. With iptables it goes its way, wherever a ClusterIP would be routed; IPVS and nftables
        refuse other ports of the addresses that they know."""
        if self.mode == "iptables" or not any(address == packet.destination for address, _, _ in self.fronts):
            return Verdict(packet)
        where, rule = _OTHER_PORTS[self.mode]
        return Verdict(packet, (Hit(where, rule, packet, packet),), "reject")

    # ------------------------------------------------------------------ texts

    @property
    def ordered(self) -> list[Piece]:
        """The pieces, in order of their Services' names."""
        return [self.pieces[key] for key in sorted(self.pieces)]

    @property
    def count(self) -> int:
        """How many rules, virtual servers or rows there are for Services."""
        return sum(len(piece.rules) for piece in self.pieces.values())

    def iptables(self) -> tuple[iptables.Rule, ...]:
        """All rules of iptables."""
        if self.mode == "ipvs":
            return ipvs.rules(self.cluster_cidr)
        if self.mode == "nftables":
            return ()
        rules = [rule for piece in self.ordered for rule in piece.rules]
        return (*iptables.BASE, *rules, iptables.LAST)

    def iptables_save(self, stamp: str = "") -> list[str]:
        """``iptables-save``."""
        return iptables.save(self.iptables(), stamp) if self.mode != "nftables" else []

    def ipvsadm(self, addresses: tuple[str, ...]) -> list[str]:
        """``ipvsadm -Ln``."""
        return ipvs.listing(self.ordered if self.mode == "ipvs" else (), addresses)

    def ipset(self, name: str = "") -> list[str]:
        """``ipset list [NAME]``."""
        return ipvs.set_listing(self.ordered, name) if self.mode == "ipvs" else []

    def nft(self) -> list[str]:
        """``nft list ruleset``."""
        return nftables_text.listing(self.ordered) if self.mode == "nftables" else []

    def dummy_addresses(self) -> list[str]:
        """The addresses on ``kube-ipvs0``."""
        return list(ipvs.sets(self.ordered)["KUBE-IPVS-IPS"]) if self.mode == "ipvs" else []


def made(mode: str, pieces: Iterable[Piece]) -> Ruleset:
    """A kernel's rules with these pieces in them."""
    rules = Ruleset(mode)
    rules.write(WriteRules(mode, tuple(pieces)))
    return rules
