"""Hosts, links, cuts, rooms and connections: who can reach whom, and how long it takes."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.sim.actor import State
from k8s_tutor.sim.message import MS, SECOND, Message

KEEP_ALIVE = 30 * SECOND + 15 * SECOND
"""Silence after which a connection counts as dead: idle time before a ping, and the wait for its answer (Go HTTP/2)."""
DIAL_TIMEOUT = 30 * SECOND
"""How long a client waits for a host that does not answer (client-go's dialer)."""
RETRANSMIT = 200 * MS
"""TCP's shortest retransmission timeout: what one lost packet costs a connection."""


class Link(NamedTuple):
    """How a cable between two hosts behaves, one way. Times in µs, chances in millionths."""

    latency: int = 1 * MS
    jitter: int = 0
    loss: int = 0
    duplicate: int = 0
    reorder: int = 0

    @property
    def plain(self) -> bool:
        """Whether the latency is all there is to it."""
        return not (self.jitter or self.loss or self.duplicate or self.reorder)


class Network(State):
    """Where each process runs, how hosts are joined, and which connections are open.

    An *endpoint* is the name of a host or of a process. A cut is one way, from an endpoint to another.
    """

    def __init__(self, default: Link, loopback: Link) -> None:
        self.default = default
        self.loopback = loopback
        self.hosts: dict[str, str] = {}
        """Process → host."""
        self.rooms: dict[str, str] = {}
        """Host → room. A host without a room is reached from all of them."""
        self.links: dict[tuple[str, str], Link] = {}
        """(from host, to host) → link, where it is not the default."""
        self.cuts: dict[tuple[str, str], int] = {}
        """(from endpoint, to endpoint) → when it was cut, µs."""
        self.plain: dict[tuple[str, str], int] = {}
        """(from process, to process) → latency, for the pairs with nothing but latency between them."""
        self.believes: dict[tuple[str, str], int] = {}
        """(process, peer) → since when its packets have gone unanswered, µs, or 0: the connections, as each end sees them."""
        self.dialling: dict[tuple[str, str], int] = {}
        """(process, peer) → id of the notice that will say that nobody answered."""
        self.held: dict[tuple[str, str], tuple[Message, ...]] = {}
        """(from process, to process) → what waits in the sender's buffer while the path is cut."""
        self.last_due: dict[tuple[str, str], int] = {}
        """(from process, to process) → arrival of the latest packet of the connection, so that order is kept; for pairs with
        more than plain latency between them, or that had it."""

    def link(self, src: str, dst: str) -> Link:
        """The link from one process to another; both must exist."""
        a, b = self.hosts[src], self.hosts[dst]
        if a == b:
            return self.links.get((src, dst), self.loopback)
        return self.links.get((a, b), self.default)

    def is_cut(self, src: str, dst: str) -> bool:
        """Whether packets from one process to another get nowhere."""
        if not self.cuts:
            return False
        a, b = self.hosts.get(src, src), self.hosts.get(dst, dst)
        cuts = self.cuts
        return (a, b) in cuts or (src, dst) in cuts or (a, dst) in cuts or (src, b) in cuts

    def learn(self, src: str, dst: str) -> None:
        """Remembers the latency of a pair with nothing but latency between them, and no packet that the next could overtake."""
        link = self.link(src, dst)
        if link.plain and (src, dst) not in self.last_due and not self.is_cut(src, dst):
            self.plain[src, dst] = link.latency

    def endpoints(self, name: str) -> list[str]:
        """The hosts that a name means: those of a room, or the one host or process itself."""
        members = [host for host, room in self.rooms.items() if room == name]
        return members or [name]

    def peers(self, process: str) -> list[str]:
        """Those to whom ``process`` has, in its own eyes, a connection; oldest first."""
        return [peer for own, peer in self.believes if own == process]
