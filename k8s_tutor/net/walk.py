"""The walk of one packet from a pod or a machine to an address, place by place, and of the answer on its way back.

Pure: the kernels of the machines and the network between them are handed in, and `node.datapath`, which carries real traffic
too, says what each does. Where a kernel draws lots (`statistic --mode random`) the draw is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from k8s_tutor.node.datapath import DELIVERED, DROPPED, OVERHEAD, SENT, Passage, Step, enter, leave
from k8s_tutor.node.kernel import HOST, Kernel
from k8s_tutor.node.proxy.packets import Draw
from k8s_tutor.node.proxy.packets import Packet as Packet
from k8s_tutor.node.underlay import Underlay, gateway, next_machine

MOST_MACHINES = 8
"""A packet that has come through more machines than this is going round in circles."""


class Walk(NamedTuple):
    """The whole way. ``verdict``: ``delivered``, ``rejected``, ``dropped`` or ``no route``; ``packet`` as it arrived, on the
    machine ``machine`` in the namespace ``netns``; ``machines``: those that it came through."""

    hops: tuple[Step, ...]
    verdict: str
    packet: Packet
    machine: int
    netns: str = HOST
    machines: tuple[int, ...] = ()

    def rows(self) -> list[str]:
        """The way as lines of text."""
        width = max(len(hop.where) for hop in self.hops)
        return [f"{hop.layer:<9}  {hop.where:<{width}}  {hop.what}" for hop in self.hops]


class RoundTrip(NamedTuple):
    """A request and its answer, which is None when the request does not arrive."""

    there: Walk
    back: Walk | None

    @property
    def verdict(self) -> str:
        """What the sender sees."""
        return self.there.verdict if self.back is None else self.back.verdict


def walk(
    kernels: Mapping[int, Kernel], net: Underlay, machine: int, netns: str, packet: Packet, draw: Draw, answer: bool = False
) -> Walk:
    """The way of a packet that starts in a namespace of a machine (both by number and name as in `kernel`). ``answer``: it
    belongs to a connection that is known already."""
    passage = leave(kernels[machine], packet, netns, draw, answer)
    hops, machines = list(passage.steps), [machine]
    while passage.verdict == SENT:
        there, step = _over_the_cable(kernels, net, machine, passage)
        hops.append(step)
        if not there or len(machines) > MOST_MACHINES:
            return Walk(tuple(hops), DROPPED, passage.packet, machine, HOST, tuple(machines))
        machine = there
        machines.append(machine)
        passage = enter(kernels[machine], passage.packet, passage.outer, draw, answer)
        hops += passage.steps
    return Walk(tuple(hops), passage.verdict, passage.packet, machine, passage.netns, tuple(machines))


def round_trip(
    kernels: Mapping[int, Kernel], net: Underlay, machine: int, netns: str, packet: Packet, draw: Draw, answer_size: int = 60
) -> RoundTrip:
    """The way of a request, and that of its answer of so many bytes."""
    there = walk(kernels, net, machine, netns, packet, draw)
    if there.verdict != DELIVERED:
        return RoundTrip(there, None)
    arrived = there.packet
    reply = arrived._replace(source=arrived.destination, destination=arrived.source, masquerade=False, size=answer_size)
    back = walk(kernels, net, there.machine, there.netns, reply, draw, answer=True)
    return RoundTrip(there, back)


def _over_the_cable(kernels: Mapping[int, Kernel], net: Underlay, machine: int, sent: Passage) -> tuple[int, Step]:
    """The machine at the other end (0: none), and what the network between the machines does."""
    own = kernels[machine]
    outer = sent.outer
    destination = outer.destination if outer is not None else sent.packet.destination
    size = sent.packet.size + (OVERHEAD[outer.kind] if outer is not None else 0)
    there = next_machine(net, own.address, sent.via, destination)
    routed = sent.via == gateway(own.address)
    if size > net.mtu:
        what = f"{size} bytes are more than the network takes ({net.mtu}): dropped"
        return 0, Step("cluster", "network", what, size=size, mtu=net.mtu)
    if there not in kernels:
        what = f"the router knows no way to {destination}: dropped" if routed else f"nobody has {sent.via}: dropped"
        return 0, Step("cluster", "router" if routed else "network", what, outer=outer, size=size, mtu=net.mtu)
    where = f"{own.node} → {kernels[there].node}"
    what = f"by the router {sent.via}" if routed else "over the cable"
    return there, Step("cluster", where, what, outer=outer, size=size, mtu=net.mtu)
