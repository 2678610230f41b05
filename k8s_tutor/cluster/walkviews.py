"""What may be known of a packet's way, and of the rules that the network of Kubernetes promises. See `cluster.views`."""

from __future__ import annotations

from k8s_tutor.cluster.consensusviews import View

LAYERS = ("pod", "namespace", "cni", "node", "cluster")
"""The five layers, from the inside out: Pod, network namespace, CNI plugin, node network, cluster network."""


class HopView(View, frozen=True):
    """One place on the way. ``layer``: one of `LAYERS`; ``machine``: on which it is, or empty between machines."""

    layer: str
    machine: str
    where: str
    what: str
    source: str
    destination: str
    """The packet's addresses when it leaves this place; the receiver's port stands behind its address."""
    changed: tuple[str, ...] = ()
    """Which of ``source`` and ``destination`` this place has rewritten."""
    rule: str = ""
    """The rule that was hit, as its tool prints it."""
    tunnel: str = ""
    """``vxlan 172.31.0.11 → 172.31.0.12``: the header around the packet."""
    size: int = 0
    mtu: int = 0
    """Bytes, and the limit that they had to fit; 0: nobody looked."""
    failed: bool = False
    """The way ends here, and not as was wanted."""
    back: bool = False
    """It is on the answer's way."""


class LegView(View, frozen=True):
    """One connection: the request's hops, then the answer's. A name costs a leg of its own (DNS), and so does what an Ingress
    controller sends on."""

    title: str
    hops: tuple[HopView, ...]
    verdict: str


class WalkView(View, frozen=True):
    """A walk of one packet. ``verdict``: ``delivered``, ``refused``, ``rejected``, ``dropped``, ``no route``, ``no name``,
    ``no backend`` or ``unknown`` (one end does not exist)."""

    origin: str
    target: str
    verdict: str
    told: str
    """What the sender gets to see, in one sentence."""
    legs: tuple[LegView, ...] = ()

    @property
    def hops(self) -> tuple[HopView, ...]:
        """All hops, one leg after the other."""
        return tuple(hop for leg in self.legs for hop in leg.hops)


class RuleView(View, frozen=True):
    """One promise of the network of Kubernetes, as it is kept at this moment: tested by walks that send nothing."""

    name: str
    promise: str
    ok: bool
    tested: int
    """How many walks were looked at."""
    shut: int = 0
    """How many of them a NetworkPolicy has stopped: that is wanted, and breaks no promise."""
    broken: tuple[tuple[str, str], ...] = ()
    """(from, to) of walks that failed, at most eight."""
    sentence: str = ""
    """How the first of them failed; empty while the promise is kept."""


def walk_lines(walk: WalkView) -> list[str]:
    """A walk as lines of text: a place, the packet as it leaves it (``*``: rewritten there), and what happened."""
    found = [f"{walk.origin} → {walk.target}: {walk.verdict}. {walk.told}"]
    for leg in walk.legs:
        if len(walk.legs) > 1:
            found.append(leg.title)
        places = [f"{hop.machine} {hop.where.removeprefix(hop.machine + ' ')}".strip() for hop in leg.hops]
        for hop, place in zip(leg.hops, places, strict=True):
            mark = "!" if hop.failed else "<" if hop.back else ">"
            ends = f"{hop.source}{'*' * ('source' in hop.changed)} → {hop.destination}{'*' * ('destination' in hop.changed)}"
            found.append(f"{mark} {hop.layer:<9}  {place}  {ends}  {hop.what}")
    return found
