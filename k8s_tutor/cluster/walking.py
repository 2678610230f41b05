"""The machines of a world as walks read them, and the ends that people name: a pod, a node, a client outside, a Service.

Nothing is sent: kernels, programs and what an API server answers are read as they are at this moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8s_tutor.cluster.walkviews import HopView, LegView
from k8s_tutor.net import walk as net
from k8s_tutor.net.cloud import Cloud
from k8s_tutor.net.walk import NOWHERE, RoundTrip, Walk
from k8s_tutor.node.addresses import MANAGERS, bare, number_of
from k8s_tutor.node.datapath import DELIVERED, Outer
from k8s_tutor.node.kernel import HOST, Kernel
from k8s_tutor.node.naming import is_address
from k8s_tutor.node.proxy.packets import Packet
from k8s_tutor.node.shim import Shim
from k8s_tutor.node.sockets import API_PORT
from k8s_tutor.node.underlay import CLIENT, Underlay
from k8s_tutor.sim import World

Objects = Mapping[str, Mapping[str, Any]]
"""Kind → ``namespace/name`` → tree."""
KINDS = ("Pod", "Service", "Ingress")


class End(NamedTuple):
    """An end of a walk. ``machine``: its number, `NOWHERE` for a client outside; ``netns``: a pod's, or the machine's own."""

    name: str
    address: str
    machine: int = NOWHERE
    netns: str = HOST
    port: int = 0


class NoEnd(Exception):
    """There is no such end; the message says so."""


class Walker:
    """The machines of a world as walks read them. ``lots``: which backend of several is taken, from 0."""

    def __init__(self, world: World, objects: Objects, lots: int = 0) -> None:
        self.world, self.objects, self.lots = world, objects, lots
        dead, hosts = world.dead_hosts, world.network.hosts
        self.shims = {number_of(name): shim for name, shim in shims(world).items() if hosts[name] not in dead}
        self.kernels: dict[int, Kernel] = {number: shim.kernel for number, shim in self.shims.items()}
        first = next(iter(self.shims.values()), None)
        self.net = first.config.net if first is not None else Underlay()

    # ------------------------------------------------------------------ ends

    def origin(self, text: str) -> End:
        """Where a packet starts: ``web-1``, ``shop/web-1``, ``node-1``, ``outside``. Raises `NoEnd`."""
        if text == "outside":
            return End("outside", CLIENT)
        found = self.node(text) or self.pod(text)
        if found is None:
            raise NoEnd(f"there is no pod or node {text} with an address; a client outside is called outside")
        return found

    def node(self, text: str) -> End | None:
        """A machine, by its name."""
        for number, kernel in self.kernels.items():
            if kernel.node == text.removeprefix("node/"):
                return End(kernel.node, kernel.address, number)
        return None

    def pod(self, text: str) -> End | None:
        """A pod, by its name, or the first whose name begins so (``web-*``)."""
        name = text.removeprefix("pod/")
        wanted = name if "/" in name else f"default/{name}"
        for number, kernel in self.kernels.items():
            for netns, pod in kernel.namespaces.items():
                if pod == wanted or (wanted.endswith("*") and pod.startswith(wanted[:-1])):
                    return End(short(pod), own_address(kernel, netns), number, netns)
        tree = self.objects["Pod"].get(wanted)
        if tree is not None and tree["spec"].get("hostNetwork"):
            end = self.node(tree["spec"].get("nodeName", ""))
            return end._replace(name=short(wanted)) if end is not None else None
        return None

    def target(self, text: str) -> End:
        """Where it is to go: ``shop:80`` (a Service), a pod or a node (``pod/web-1`` where a Service has that name too), or
        ``10.96.0.1:443``. Raises `NoEnd`."""
        host, _, port = text.partition(":")
        if port and not port.isdigit():
            raise NoEnd(f"{port} is no port: write {host}:80")
        number = int(port or 0)
        service = self.service(host)
        if service is not None:
            return service._replace(port=number or service.port)
        found = self.pod(host) or self.node(host)
        if found is not None:
            return found._replace(port=number or self._first_port(host.removeprefix("pod/")))
        if is_address(host):
            return End(host, host, port=number or 80)
        raise NoEnd(f"there is no pod, Service, node or address {host}")

    def service(self, text: str) -> End | None:
        """A Service, by its name; its first port."""
        name = text.removeprefix("svc/")
        tree = self.objects["Service"].get(name if "/" in name else f"default/{name}")
        if tree is None:
            return None
        spec = tree["spec"]
        address, ports = spec.get("clusterIP", ""), spec.get("ports") or [{"port": 80}]
        if address in ("", "None"):
            raise NoEnd(f"{text} has no address of its own: it is headless, and its name leads to its pods")
        return End(short(name), address, port=ports[0]["port"])

    def _first_port(self, host: str) -> int:
        """The port that a pod's first container tells of, or 80."""
        tree = self.objects["Pod"].get(host if "/" in host else f"default/{host}")
        containers = tree["spec"]["containers"] if tree is not None else ()
        return next((port["containerPort"] for one in containers for port in one.get("ports", ())), 80)

    # ------------------------------------------------------------------ walks

    def trip(self, start: End, address: str, port: int, protocol: str = "tcp") -> RoundTrip:
        """The way to an address and back."""
        packet = Packet(start.address, address, port, protocol)
        scene = net.World(self.kernels, self.net, self._draw(), self._cable, self.world.now, self._balancers())
        return net.there_and_back(scene, start.machine, start.netns, packet)

    def leg(self, title: str, start: End, address: str, port: int, protocol: str = "tcp") -> tuple[LegView, Walk]:
        """The same, as it is shown; and the request's way."""
        trip = self.trip(start, address, port, protocol)
        verdict, there = trip.verdict, trip.there
        if there.verdict == DELIVERED and port and not self.listens(there):
            verdict = "refused"
        hops = self._hops(there, False, verdict != DELIVERED and trip.back is None)
        if verdict == "refused":
            last = hops[-1]
            refused = HopView(
                layer=last.layer, machine=last.machine, where=last.where, source=last.source, destination=last.destination,
                what=f"nobody listens on port {there.packet.port}: connection refused", failed=True,
            )  # fmt: skip
            hops = [*hops, refused]
        elif trip.back is not None:
            hops += self._hops(trip.back, True, verdict != DELIVERED)
        return LegView(title=title, hops=tuple(hops), verdict=verdict), there

    def listens(self, there: Walk) -> bool:
        """Whether a program takes the connection where a packet has arrived."""
        if there.machine > MANAGERS:
            return there.packet.port == API_PORT and f"api-{there.machine - MANAGERS}" in self.world.running
        shim = self.shims.get(there.machine)
        return shim is not None and shim.listens(self.world.now, there.netns, there.packet.port)

    def _draw(self) -> Any:
        """Lots that lead to the backend with the number `lots`: those before it let the packet pass by."""
        left = [self.lots]

        def draw(bound: int) -> int:
            drawn = left[0] % bound
            left[0] = max(0, left[0] - 1)
            return drawn

        return draw

    def _balancers(self) -> dict[str, int]:
        cloud = self.world.actor("cloud")
        return cloud.next_machines() if isinstance(cloud, Cloud) else {}

    def balanced(self, name: str) -> str:
        """The address that a cloud has given to a Service, or an empty text."""
        tree = self.objects["Service"].get(name, {})
        given = tree.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
        return str(given[0].get("ip", ""))

    def _cable(self, one: int, other: int) -> bool:
        if NOWHERE in (one, other):
            return True
        network, ends = self.world.network, (self._process(one), self._process(other))
        return not (network.is_cut(*ends) or network.is_cut(*reversed(ends)))

    def _process(self, machine: int) -> str:
        """The process that stands for a machine on the wire."""
        return self.shims[machine].name if machine in self.shims else f"api-{machine - MANAGERS}"

    def _hops(self, way: Walk, back: bool, failed: bool) -> list[HopView]:
        found: list[HopView] = []
        before: Packet | None = None
        for number, (hop, place, header) in enumerate(zip(way.hops, way.places, way.headers, strict=True)):
            old = hop.before or before or header
            source, destination = _ends(header, back)
            kernel = self.kernels.get(place)
            starts = hop.what.startswith(f"{header.source} → {header.destination}:")
            begins = "the answer starts" if back else "the packet starts"
            said = hop.what if not starts else "on to whoever has asked" if number else begins
            found.append(HopView(
                layer=hop.layer, machine=kernel.node if kernel is not None else "", where=hop.where, what=said,
                source=source, destination=destination, changed=_changed(old, header), rule=hop.rule, tunnel=_tunnel(hop.outer),
                size=hop.size, mtu=hop.mtu, failed=failed and number == len(way.hops) - 1, back=back,
            ))  # fmt: skip
            before = header
        return found


def shims(world: World) -> dict[str, Shim]:
    """The processes that stand for the machines' kernels, those that run."""
    return {name: actor for name, actor in (*world.running.items(), *world.paused.items()) if isinstance(actor, Shim)}


def own_address(kernel: Kernel, netns: str) -> str:
    """The address that a pod sees on its own device."""
    device = kernel.device("eth0", netns)
    return bare(device.addresses[0]) if device is not None and device.addresses else ""


def short(name: str) -> str:
    """``default/web`` is called ``web``."""
    return name.removeprefix("default/")


def _ends(header: Packet, back: bool) -> tuple[str, str]:
    """Both addresses; the port stands with the one who listens."""
    port = f":{header.port}" if header.port else ""
    return (header.source + port, header.destination) if back else (header.source, header.destination + port)


def _changed(before: Packet, after: Packet) -> tuple[str, ...]:
    changed = ("source",) if before.source != after.source else ()
    return changed + (("destination",) if (before.destination, before.port) != (after.destination, after.port) else ())


def _tunnel(outer: Outer | None) -> str:
    return f"{outer.kind} {outer.source} → {outer.destination}" if outer is not None else ""
