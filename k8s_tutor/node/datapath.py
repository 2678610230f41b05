"""What the kernel of a machine does with a packet: one pure function from tables and a packet to steps and a verdict.

`leave` takes a packet that a pod or the machine itself sends, `enter` one that has come over a cable. Both end with a verdict:
delivered to a namespace of this machine, sent to a neighbour, dropped, refused, or nowhere to go. Real traffic (`sockets`) and
the packet walk (`net.walk`) both go by them, so what the walk shows is what happens.
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.node.addresses import within
from k8s_tutor.node.kernel import HOST, IPCACHE, Device, Kernel, Route
from k8s_tutor.node.netpol.guards import EGRESS, INGRESS, judge
from k8s_tutor.node.proxy.packets import Draw, Hit, Packet, Verdict
from k8s_tutor.sim import Body

DELIVERED, SENT, DROPPED, REFUSED, UNREACHABLE = "delivered", "sent", "dropped", "rejected", "no route"

OVERHEAD = {"vxlan": 50, "ipip": 20, "sleeve": 90}
"""Bytes that an encapsulation adds."""


class Outer(Body):
    """The header around an encapsulated packet: machine to machine. ``vni`` and ``port`` of VXLAN."""

    kind: str
    source: str
    destination: str
    vni: int = 0
    port: int = 0


class Step(NamedTuple):
    """One place on the way: the layer (``pod``, ``namespace``, ``cni``, ``node``, ``cluster``), where, what happened there in
    words; the device; the rule that was hit as its tool prints it; the packet before and after, if it was rewritten; the
    header that was put around it; its size and the MTU that it had to fit."""

    layer: str
    where: str
    what: str
    device: str = ""
    rule: str = ""
    before: Packet | None = None
    after: Packet | None = None
    outer: Outer | None = None
    size: int = 0
    mtu: int = 0


class Passage(NamedTuple):
    """The way through one machine. ``packet`` as it is at the end; delivered: to ``netns``; sent: to the neighbour ``via``,
    with the header ``outer`` around it if it is encapsulated; ``noted``:
    what the kernel is to remember of kube-proxy's rules."""

    steps: tuple[Step, ...]
    verdict: str
    packet: Packet
    netns: str = HOST
    via: str = ""
    outer: Outer | None = None
    noted: Verdict | None = None


def leave(kernel: Kernel, packet: Packet, netns: str, draw: Draw, answer: bool = False, now: int = 0) -> Passage:
    """A packet leaves a pod's namespace, or the machine itself (`HOST`). ``answer``: it belongs to a connection that is known:
    nobody asks again whether it may pass, and no Service rule looks at it."""
    way = _Way(kernel, packet, draw, answer, now)
    target = f"{packet.source} → {packet.destination}:{packet.port}/{packet.protocol}"
    if netns == HOST:
        way.add("node", kernel.node, target)
        return way.through(own=True) if way.at_socket() else way.end(REFUSED)
    way.add("pod", kernel.namespaces.get(netns, netns[:13]), target)
    return way.from_pod(netns) if way.at_socket() else way.end(REFUSED)


def enter(
    kernel: Kernel, packet: Packet, outer: Outer | None, draw: Draw, answer: bool = False, now: int = 0
) -> Passage:  # fmt: skip
    """A packet comes over the cable, with an ``outer`` header if it is encapsulated."""
    way = _Way(kernel, packet, draw, answer, now)
    if outer is None:
        way.add("node", f"{kernel.node} eth0", f"arrives for {packet.destination}", device="eth0")
        return way.through() if way.at_socket("cil_from_netdev") else way.end(REFUSED)
    return way.unpacked(outer)


class _Way:
    """A packet on its way through one machine."""

    def __init__(self, kernel: Kernel, packet: Packet, draw: Draw, answer: bool, now: int) -> None:
        self.kernel, self.packet, self.draw, self.answer, self.now = kernel, packet, draw, answer, now
        self.noted: Verdict | None = None
        self.steps: list[Step] = []
        self.origin = packet.source
        """Who has sent it, as this machine got to see it: policies go by that."""
        self.from_here = False
        """A pod of this machine has sent it, and nobody has asked yet whether it may."""

    def add(self, layer: str, where: str, what: str, **more: object) -> None:
        """Notes a step."""
        self.steps.append(Step(layer, where, what, **more))  # type: ignore[arg-type]

    def end(self, verdict: str, netns: str = HOST, via: str = "", outer: Outer | None = None) -> Passage:
        """The way is over on this machine."""
        return Passage(tuple(self.steps), verdict, self.packet, netns, via, outer, self.noted)

    def at(self, device: str) -> str:
        """``node-1 cni0``."""
        return f"{self.kernel.node} {device}"

    # ------------------------------------------------------------------ from and to pods

    def at_socket(self, where: str = "cil_sock4_connect") -> bool:
        """eBPF programs at the socket of who connects, or at the device to which a packet from outside comes: a Service becomes
        one of its endpoints. False: the connection is refused."""
        packet = self.packet
        service = self.kernel.sockets.get((packet.destination, packet.port, packet.protocol))
        if service is None or self.answer:
            return True
        outside, count = where != "cil_sock4_connect", len(service.backends)
        layer = "node" if outside else "namespace"
        if not count:
            self.add(layer, where, f"{service.name} has no endpoints: the sender gets \"connection refused\"")
            return False
        address, _, port = service.backends[self.draw(count) if count > 1 else 0].rpartition(":")
        lent = outside and address not in self.kernel.owners
        self.packet = packet._replace(destination=address, port=int(port), masquerade=lent)
        who = "the packet goes" if outside else "the socket connects"
        what = f"{service.name}: {who} to {address}:{port} instead, 1 of {count}"
        self.add(layer, where, what, before=packet, after=self.packet)
        return True

    def from_pod(self, netns: str) -> Passage:
        """Out of a pod's namespace, over its veth, to the bridge or straight into the machine's own stack."""
        kernel, packet = self.kernel, self.packet
        self.from_here = True
        route = kernel.route(packet.destination, netns)
        inside = kernel.device(route.device, netns) if route is not None else None
        if route is None or inside is None:
            self.add("namespace", "eth0", f"no route to {packet.destination}: Network is unreachable")
            return self.end(UNREACHABLE)
        outside = kernel.device(inside.peer, inside.peer_netns)
        way = f"via {route.via}" if route.via else "straight"
        self.add("namespace", inside.name, f"route {route.destination} {way}; out of the pod's end of the veth pair",
                 device=inside.name, size=packet.size, mtu=inside.mtu)  # fmt: skip
        if outside is None:
            self.add("cni", self.at(inside.peer), "the other end of the veth pair is gone", device=inside.peer)
            return self.end(DROPPED)
        bridge = kernel.device(outside.master) if outside.master else None
        if bridge is None:
            self.add("cni", self.at(outside.name), "the machine's end of the veth pair", device=outside.name)
            return self.through()
        if not route.via and not kernel.is_own(packet.destination):
            return self.over_bridge(bridge)
        self.add("cni", self.at(bridge.name), "the bridge hands it to the node's network stack", device=bridge.name)
        return self.through()

    def over_bridge(self, bridge: Device) -> Passage:
        """A frame for somebody in the bridge's own network."""
        if self.refused(EGRESS):
            return self.end(DROPPED)
        netns, port = self.kernel.owners.get(self.packet.destination, (HOST, ""))
        device = self.kernel.device(port) if netns != HOST else None
        onward = self.kernel.route(self.packet.destination, bridge.name) if device is None else None
        tunnel = self.kernel.device(onward.device) if onward is not None else None
        if onward is not None and tunnel is not None:
            self.add("cni", self.at(bridge.name), f"the bridge of all machines: on to {onward.destination}", device=bridge.name)
            return self.packed(onward, tunnel)
        if device is None or device.master != bridge.name:
            gone = f"nobody has {self.packet.destination} any more: no route to host"
            self.add("cni", self.at(bridge.name), gone, device=bridge.name)
            return self.end(UNREACHABLE)
        self.add("cni", self.at(bridge.name), f"the bridge finds the veth of {self.packet.destination}", device=bridge.name)
        return self.into_pod(netns)

    def into_pod(self, netns: str) -> Passage:
        """Over the veth into a pod's namespace."""
        packet = self.packet
        if self.refused(INGRESS):
            return self.end(DROPPED)
        self.add("namespace", "eth0", "the pod's end of the veth pair", device="eth0")
        self.add("pod", self.kernel.namespaces.get(netns, netns[:13]), f"arrives on port {packet.port} from {packet.source}")
        return self.end(DELIVERED, netns)

    def refused(self, direction: str) -> bool:
        """Whether policies drop the packet on its way out of or into a pod. What a connection that was let through brings back
        passes, and so does all traffic of a pod with itself and with its own machine."""
        kernel, packet = self.kernel, self.packet
        if direction == EGRESS and not self.from_here:
            return False
        self.from_here = False
        own, peer = (self.origin, packet.destination) if direction == EGRESS else (packet.destination, self.origin)
        guard = kernel.guards.get(own)
        if guard is None or self.answer or own == peer or kernel.is_own(peer):
            return False
        ruling = judge(guard, direction, peer, packet.port, packet.protocol)
        if not ruling.policy:
            return False
        what = f"{ruling.why}: dropped" if not ruling.allowed else ruling.why
        self.add("cni", self.at(guard.place), what, rule=f"NetworkPolicy {ruling.policy}")
        return not ruling.allowed

    # ------------------------------------------------------------------ through the machine's own stack

    def through(self, own: bool = False) -> Passage:
        """Rules of kube-proxy, then the routing decision."""
        if not self.answer:
            found = self.kernel.rules.translate(self.packet, self.kernel.own_addresses, self.draw, self.now)
            self.packet, self.noted = found.packet, found
            self.steps += [_in_words(hit) for hit in found.hits]
            if found.action != "accept":
                return self.end(REFUSED if found.action == "reject" else DROPPED)
        packet = self.packet
        if self.kernel.is_own(packet.destination):
            self.add("node", self.kernel.node, f"arrives on port {packet.port}")
            return self.end(DELIVERED)
        return self.routed()

    def routed(self) -> Passage:
        """By the routing table of the machine."""
        kernel, packet = self.kernel, self.packet
        if self.refused(EGRESS):
            return self.end(DROPPED)
        route = self.lookup()
        if route is None or route.kind == "blackhole":
            self.add("node", kernel.node, f"no route to {packet.destination}")
            return self.end(UNREACHABLE)
        device = kernel.device(route.device)
        if device is None:
            self.add("node", kernel.node, f"the device {route.device} of the route {route.destination} is gone")
            return self.end(UNREACHABLE)
        if device.kind == "bridge":
            self.masqueraded(device)
            return self.over_bridge(device)
        if device.kind == "veth" and kernel.owners.get(packet.destination, ("", ""))[1] == device.name:
            self.masqueraded(device)
            self.add("cni", self.at(device.name), f"route {route.destination}: the veth of that pod", device=device.name)
            return self.into_pod(device.peer_netns)
        if device.kind in OVERHEAD:
            return self.packed(route, device)
        if device.kind == "ether":
            return self.out(route, device)
        self.add("cni", self.at(device.name), f"nobody has {packet.destination}: no route to host", device=device.name)
        return self.end(UNREACHABLE)

    def lookup(self) -> Route | None:
        """The route of the packet: of what eBPF programs know of other machines, of the table that rules choose for its source,
        or of the main table, which alone knows the machine's own pods."""
        kernel, packet = self.kernel, self.packet
        chosen = kernel.lookups.get(packet.source, "") if packet.destination not in kernel.owners else ""
        for table in (IPCACHE, chosen):
            route = kernel.route(packet.destination, table) if table in kernel.routes else None
            if route is not None:
                return route
        return kernel.route(packet.destination)

    def masqueraded(self, device: Device) -> None:
        """POSTROUTING: whether the packet takes the machine's address."""
        packet, kernel = self.packet, self.kernel
        if self.answer:
            return
        where, text = "nat KUBE-POSTROUTING", ""
        if not packet.masquerade:
            rule = next((one for one in kernel.masquerades if within(packet.source, one.source)), None)
            if rule is None or any(within(packet.destination, one) for one in rule.beyond):
                return
            where, text = "nat POSTROUTING", rule.text
        own = device.addresses[0].partition("/")[0] if device.addresses else kernel.address
        self.packet = packet._replace(source=own, masquerade=False)
        self.add("node", where, f"MASQUERADE: the source becomes {own}", rule=text, before=packet, after=self.packet)

    def out(self, route: Route, device: Device) -> Passage:
        """Onto the cable."""
        self.masqueraded(device)
        via = route.via or self.packet.destination
        if not self.fits(device, self.packet.size):
            return self.end(DROPPED)
        self.add("cluster", self.at(device.name), f"route {route.destination} via {via}",
                 device=device.name, size=self.packet.size, mtu=device.mtu)  # fmt: skip
        return self.end(SENT, via=via)

    def fits(self, device: Device, size: int) -> bool:
        """Whether a packet fits a device; notes where it does not."""
        if size <= device.mtu:
            return True
        what = f"{size} bytes do not fit an MTU of {device.mtu}: dropped (fragmentation needed)"
        self.add("cni", self.at(device.name), what, device=device.name, size=size, mtu=device.mtu)
        return False

    # ------------------------------------------------------------------ tunnels

    def packed(self, route: Route, device: Device) -> Passage:
        """Into a tunnel: a header is put around the packet."""
        kernel = self.kernel
        self.masqueraded(device)
        remote = route.via
        if device.kind == "vxlan" and not device.external:
            neighbour = kernel.neighbours.get((HOST, device.name, route.via))
            forward = kernel.forwards.get((device.name, neighbour.mac)) if neighbour is not None else None
            if forward is None:
                what = f"nobody has told where {route.via} is: no entry in the neighbour or forwarding table"
                self.add("cni", self.at(device.name), what, device=device.name)
                return self.end(UNREACHABLE)
            remote = forward.remote
        if not self.fits(device, self.packet.size):
            return self.end(DROPPED)
        outer = Outer(device.kind, kernel.address, remote, device.vni, device.port)
        size = self.packet.size + OVERHEAD[device.kind]
        self.add("cni", self.at(device.name), _wrapped(outer), device=device.name, outer=outer, size=size, mtu=device.mtu)
        onward = kernel.route(remote)
        cable = kernel.device(onward.device) if onward is not None else None
        if onward is None or cable is None or cable.kind != "ether":
            self.add("node", kernel.node, f"no route to {remote}")
            return self.end(UNREACHABLE)
        if not self.fits(cable, size):
            return self.end(DROPPED)
        via = onward.via or remote
        self.add("cluster", self.at(cable.name), f"to {remote} via {via}" if onward.via else f"to {remote}",
                 device=cable.name, outer=outer, size=size, mtu=cable.mtu)  # fmt: skip
        return self.end(SENT, via=via, outer=outer)

    def unpacked(self, outer: Outer) -> Passage:
        """Out of a tunnel: the header is taken off, if there is a device for it."""
        device = next((one for one in self.kernel.devices.values() if _takes(one, outer)), None)
        self.add("node", self.at("eth0"), f"{outer.kind} arrives from {outer.source}", device="eth0", outer=outer)
        if device is None or not self.kernel.is_own(outer.destination):
            self.add("node", self.kernel.node, f"no device takes {outer.kind} packets here: dropped")
            return self.end(DROPPED)
        self.add("cni", self.at(device.name), "the outer header is taken off", device=device.name)
        return self.through()


def _takes(device: Device, outer: Outer) -> bool:
    return device.netns == HOST and (device.kind, device.vni, device.port) == (outer.kind, outer.vni, outer.port)


def _wrapped(outer: Outer) -> str:
    around = f"{outer.source} → {outer.destination}"
    what = {"vxlan": f"VXLAN (VNI {outer.vni}, UDP {outer.port})", "ipip": "IP in IP"}.get(outer.kind, outer.kind)
    return f"{what}: a header {around} is put around it, {OVERHEAD[outer.kind]} bytes"


def _in_words(hit: Hit) -> Step:
    """What a rule of kube-proxy did to the packet."""
    return Step("node", hit.where, _said(hit), rule=hit.rule, before=hit.before if hit.rewrote else None,
                after=hit.after if hit.rewrote else None)  # fmt: skip


def _said(hit: Hit) -> str:
    if hit.rewrote:
        return f"DNAT: {hit.before.destination}:{hit.before.port} becomes {hit.after.destination}:{hit.after.port}"
    if hit.after.masquerade and not hit.before.masquerade:
        return "marked: it will leave with the node's address (MASQUERADE)"
    about = hit.comment or hit.rule
    if hit.jump == "REJECT" or "REJECT" in hit.rule or "reject" in hit.rule:
        return f'{about}: REJECT, the sender gets "connection refused"'
    if hit.jump == "DROP" or not hit.jump:
        return f"{about}: dropped" if hit.jump else about
    if hit.passed:
        return f"{about}: 1 in {hit.draw_of}, not this time"
    chance = f"1 in {hit.draw_of}, taken" if hit.draw_of else "taken"
    return f"{about}: {chance}, on to {hit.jump}"
