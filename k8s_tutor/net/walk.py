"""The walk of one packet from a pod, a machine or outside to an address, place by place, and of the answer on its way back.

Pure: the kernels of the machines and the network between them are handed in, and `node.datapath`, which carries real traffic
too, says what each does. Where a kernel draws lots (`statistic --mode random`) the draw is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from k8s_tutor.node.addresses import MANAGERS
from k8s_tutor.node.datapath import DELIVERED, DROPPED, OVERHEAD, SENT, Outer, Passage, Step, enter, leave
from k8s_tutor.node.kernel import HOST, Kernel
from k8s_tutor.node.proxy.packets import Draw
from k8s_tutor.node.proxy.packets import Packet as Packet
from k8s_tutor.node.underlay import CLIENT, Underlay, gateway, machine_at, next_machine

MOST_MACHINES = 8
"""A packet that has come through more machines than this is going round in circles."""
NOWHERE = 0
"""The place of a packet that is on no machine: outside, or lost between them."""

Cable = Callable[[int, int], bool]
"""Whether packets get from one machine to another over the cable; `NOWHERE` is the client outside."""


class Walk(NamedTuple):
    """The whole way. ``verdict``: ``delivered``, ``rejected``, ``dropped`` or ``no route``; ``packet`` as it arrived, on the
    machine ``machine`` in the namespace ``netns``; ``machines``: those that it came through; ``places``: of each hop the
    machine on which it is, and ``headers``: the packet after it."""

    hops: tuple[Step, ...]
    verdict: str
    packet: Packet
    machine: int
    netns: str = HOST
    machines: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    headers: tuple[Packet, ...] = ()

    def rows(self) -> list[str]:
        """The way as lines of text."""
        width = max(len(hop.where) for hop in self.hops)
        return [f"{hop.layer:<9}  {hop.where:<{width}}  {hop.what}" for hop in self.hops]


class RoundTrip(NamedTuple):
    """A request and its answer, which is None when the request does not arrive, or arrives at a manager: a manager's kernel is
    not followed."""

    there: Walk
    back: Walk | None

    @property
    def verdict(self) -> str:
        """What the sender sees."""
        return self.there.verdict if self.back is None else self.back.verdict


class World(NamedTuple):
    """What a walk reads: kernel of each machine that is up, the network between them, which cables are whole, lots, and the
    instant (µs)."""

    kernels: Mapping[int, Kernel]
    net: Underlay
    draw: Draw
    cable: Cable = lambda one, other: True
    now: int = 0
    balancers: Mapping[str, int] = {}
    """Address of a cloud's load balancer → the machine to which it passes the next connection."""


def walk(
    kernels: Mapping[int, Kernel], net: Underlay, machine: int, netns: str, packet: Packet, draw: Draw, answer: bool = False
) -> Walk:
    """The way of a packet that starts in a namespace of a machine (both by number and name as in `kernel`). ``answer``: it
    belongs to a connection that is known already."""
    way = _Way(World(kernels, net, draw), packet, answer)
    way.leave(machine, netns)
    return way.done()


def round_trip(
    kernels: Mapping[int, Kernel], net: Underlay, machine: int, netns: str, packet: Packet, draw: Draw, answer_size: int = 60
) -> RoundTrip:
    """The way of a request, and that of its answer of so many bytes."""
    return there_and_back(World(kernels, net, draw), machine, netns, packet, answer_size)


def there_and_back(world: World, machine: int, netns: str, packet: Packet, answer_size: int = 60) -> RoundTrip:
    """The same in a given world. ``machine`` may be `NOWHERE`: the client outside sends."""
    way = _Way(world, packet, False)
    way.leave(machine, netns)
    there = way.done()
    if there.verdict != DELIVERED or there.machine > MANAGERS:
        return RoundTrip(there, None)
    arrived = there.packet
    reply = arrived._replace(source=arrived.destination, destination=arrived.source, masquerade=False, size=answer_size)
    back = _Way(world, reply, True, way.tracks)
    back.leave(there.machine, there.netns)
    return RoundTrip(there, back.done())


class _Way:
    """A packet on its way through several machines. ``tracks``: of each machine that has rewritten the request, the packet
    as it came and as it left, which is what its conntrack knows."""

    def __init__(self, world: World, packet: Packet, answer: bool, tracks: Mapping[int, tuple[Packet, Packet]] | None = None):
        self.world, self.packet, self.answer = world, packet, answer
        self.known = tracks or {}
        self.tracks: dict[int, tuple[Packet, Packet]] = {}
        self.hops: list[Step] = []
        self.places: list[int] = []
        self.headers: list[Packet] = []
        self.machines: list[int] = []
        self.verdict, self.netns, self.machine = DROPPED, HOST, NOWHERE

    def done(self) -> Walk:
        """What became of it."""
        return Walk(
            tuple(self.hops), self.verdict, self.packet, self.machine, self.netns, tuple(self.machines), tuple(self.places),
            tuple(self.headers),
        )  # fmt: skip

    def note(self, place: int, steps: tuple[Step, ...]) -> None:
        """Steps on one machine, with the packet as each leaves it."""
        for step in steps:
            if step.after is not None:
                self.packet = step.after
            self.hops.append(step)
            self.places.append(place)
            self.headers.append(self.packet)

    def leave(self, machine: int, netns: str) -> None:
        """The packet starts."""
        if machine == NOWHERE:
            self.from_outside()
            return
        self.through(machine, self.left(machine, netns))

    def left(self, machine: int, netns: str) -> Passage:
        """The packet leaves a namespace of a machine."""
        return leave(self.world.kernels[machine], self.packet, netns, self.world.draw, self.answer, self.world.now)

    def entered(self, machine: int, outer: Outer | None) -> Passage:
        """The packet comes to a machine over the cable."""
        return enter(self.world.kernels[machine], self.packet, outer, self.world.draw, self.answer, self.world.now)

    def from_outside(self) -> None:
        """A client that is on no machine sends: only addresses that the routers know are reached."""
        packet = self.packet
        balancer = self.world.balancers.get(packet.destination, NOWHERE)
        there = balancer or machine_at(self.world.net, packet.destination)
        self.note(
            NOWHERE, (Step("cluster", "outside", f"{packet.source} → {packet.destination}:{packet.port}/{packet.protocol}"),)
        )
        if there not in self.world.kernels or not self.world.cable(NOWHERE, there):
            self.note(NOWHERE, (Step("cluster", "router", f"knows no way to {packet.destination}: dropped"),))
            return
        kernel = self.world.kernels[there]
        by = "load balancer" if balancer else "router"
        what = "the load balancer passes it on as it is" if balancer else f"{packet.destination} is {kernel.node}"
        self.note(NOWHERE, (Step("cluster", f"{by} → {kernel.node}", what),))
        self.through(there, self.entered(there, None))

    def through(self, machine: int, passage: Passage) -> None:
        """Through one machine after the other, until it ends somewhere."""
        while True:
            self.machines.append(machine)
            before = self.packet
            self.note(machine, passage.steps)
            if passage.packet != before and not self.answer:
                self.tracks[machine] = before, passage.packet
            self.packet, self.verdict, self.netns, self.machine = passage.packet, passage.verdict, passage.netns, machine
            if len(self.machines) > MOST_MACHINES:
                self.verdict = DROPPED
                return
            if passage.verdict == DELIVERED:
                again = self.rewritten_back(machine) if self.answer else None
                if again is None:
                    return
                passage = again
                continue
            if passage.verdict != SENT:
                return
            machine = self.over_the_cable(machine, passage)
            if machine == NOWHERE:
                return
            passage = self.entered(machine, passage.outer)

    def rewritten_back(self, machine: int) -> Passage | None:
        """An answer has come to a machine that had rewritten the request: conntrack undoes that. Returns the rest of its way,
        if it was for somebody else."""
        before, after = self.known.get(machine, (None, None))
        packet = self.packet
        if before is None or after is None or (after.destination, after.source) != (packet.source, packet.destination):
            return None
        old = packet._replace(source=before.destination, destination=before.source, port=before.port)
        kernel = self.world.kernels[machine]
        what = f"the answer to what was rewritten here: {_ends(packet)} becomes {_ends(old)}"
        step = Step("node", f"{kernel.node} conntrack", what, before=packet, after=old)
        for_pod = packet.destination == old.destination
        at = next((len(self.hops) - n for n in (2, 1) if self.hops[-n].layer in ("namespace", "pod")), len(self.hops))
        at = at if for_pod else len(self.hops)
        self.hops.insert(at, step)
        self.places.insert(at, machine)
        self.headers[at:] = [old] * (len(self.hops) - at)
        self.packet = old
        return None if for_pod or kernel.is_own(old.destination) else self.left(machine, HOST)

    def over_the_cable(self, machine: int, sent: Passage) -> int:
        """The machine at the other end (`NOWHERE`: none), and what the network between the machines does."""
        world, own, outer = self.world, self.world.kernels[machine], sent.outer
        destination = outer.destination if outer is not None else sent.packet.destination
        size = sent.packet.size + (OVERHEAD[outer.kind] if outer is not None else 0)
        there = next_machine(world.net, own.address, sent.via, destination)
        routed = sent.via == gateway(own.address)
        more = {"outer": outer, "size": size, "mtu": world.net.mtu}
        self.verdict = DROPPED
        if size > world.net.mtu:
            what = f"{size} bytes are more than the network takes ({world.net.mtu}): dropped"
            self.note(NOWHERE, (Step("cluster", "network", what, size=size, mtu=world.net.mtu),))
            return NOWHERE
        if routed and destination == CLIENT and self.answer:
            self.note(NOWHERE, (Step("cluster", f"{own.node} → outside", f"by the router {sent.via}, to the client", **more),))  # type: ignore[arg-type]
            self.verdict, self.machine = DELIVERED, NOWHERE
            return NOWHERE
        if there > MANAGERS and there not in world.kernels:
            return self.to_manager(machine, there, more)
        if there not in world.kernels:
            what = f"the router knows no way to {destination}: dropped" if routed else f"nobody has {sent.via}: dropped"
            self.note(NOWHERE, (Step("cluster", "router" if routed else "network", what, **more),))  # type: ignore[arg-type]
            return NOWHERE
        where = f"{own.node} → {world.kernels[there].node}"
        if not world.cable(machine, there):
            self.note(NOWHERE, (Step("cluster", where, "the cable is cut: the packet is lost", **more),))  # type: ignore[arg-type]
            return NOWHERE
        what = f"by the router {sent.via}" if routed else "over the cable"
        self.note(NOWHERE, (Step("cluster", where, what, **more),))  # type: ignore[arg-type]
        return there

    def to_manager(self, machine: int, manager: int, more: dict[str, Any]) -> int:
        """The packet is for a process of a manager."""
        own, name = self.world.kernels[machine], f"cp-{manager - MANAGERS}"
        if not self.world.cable(machine, manager):
            self.note(NOWHERE, (Step("cluster", f"{own.node} → {name}", "the cable is cut: the packet is lost", **more),))
            return NOWHERE
        self.note(NOWHERE, (Step("cluster", f"{own.node} → {name}", "over the cable", **more),))
        self.note(NOWHERE, (Step("node", name, f"arrives at the manager, on port {self.packet.port}"),))
        self.verdict, self.machine = DELIVERED, manager
        return NOWHERE


def _ends(packet: Packet) -> str:
    return f"{packet.source} → {packet.destination}"
