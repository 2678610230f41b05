"""The network of one machine's kernel, as data: namespaces, devices, routes, neighbours, forwarding tables, rules.

Written only by messages: `Netlink` from CNI plugins and their agents, `WriteRules` from kube-proxy. `datapath` says what it
does with a packet. All of it is in memory: a machine that crashes starts with `lo` and `eth0`.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from k8s_tutor.node.addresses import bare, mac, network, number, subnet
from k8s_tutor.node.netpol.guards import Guard, Guards
from k8s_tutor.node.proxy.ruleset import Ruleset
from k8s_tutor.node.underlay import PREFIX, gateway
from k8s_tutor.sim import Body, State

HOST = ""
"""The machine's own network namespace. The others have the id of their sandbox as name."""

IPCACHE = "ipcache"
"""The table of routes that stands for the map in which Cilium's eBPF programs look who is where."""

replace = msgspec.structs.replace


class Namespace(Body):
    """The network namespace of a sandbox, and whose it is (``namespace/name``)."""

    netns: str
    pod: str


class Device(Body):
    """A network device. ``kind``: loopback, ether, veth, bridge, vxlan, ipip, dummy. Addresses are CIDRs. ``peer``: the
    other end of a veth, in the namespace ``peer_netns``; ``master``: the bridge that it is a port of. ``vni``, ``port``: of a
    vxlan."""

    name: str
    kind: str
    netns: str = HOST
    mtu: int = 1500
    mac: str = ""
    addresses: tuple[str, ...] = ()
    peer: str = ""
    peer_netns: str = HOST
    master: str = ""
    vni: int = 0
    port: int = 0
    external: bool = False
    """A tunnel that is told with each packet where to, instead of looking into a forwarding table."""
    program: str = ""
    """The eBPF program that takes what comes in here."""
    index: int = 0
    """Given by the kernel."""


class Route(Body):
    """Packets to ``destination`` (CIDR) leave by ``device``, to the neighbour ``via`` or, without one, straight to the
    destination. ``source``: the address that the machine's own packets get. ``kind`` may be ``blackhole``."""

    destination: str
    device: str = ""
    via: str = ""
    source: str = ""
    netns: str = HOST
    proto: str = ""
    onlink: bool = False
    kind: str = "unicast"


class Neighbour(Body):
    """Who has an address behind a device: a permanent entry of the ARP table."""

    address: str
    device: str
    mac: str
    netns: str = HOST


class Lookup(Body):
    """A rule of policy routing: what comes from an address is looked up in ``table`` instead of the main one. The routes of
    that table have ``table`` as their ``netns``."""

    source: str
    table: str


class SocketService(Body):
    """An entry of the map in which eBPF programs look when a process connects: what goes to ``address``, ``port`` goes to one
    of the ``backends`` (``address:port``) instead. ``name``: of the Service and its port."""

    address: str
    port: int
    protocol: str
    name: str
    backends: tuple[str, ...]


class Forward(Body):
    """An entry of a forwarding database: frames to ``mac`` go into the tunnel to the machine ``remote``."""

    mac: str
    device: str
    remote: str


class Masquerade(Body):
    """A rule of a CNI plugin in POSTROUTING: what comes from ``source`` and does not go to any of ``beyond`` gets the address
    of the device by which it leaves. ``text``: the rule as ``iptables-save`` prints it."""

    source: str
    beyond: tuple[str, ...]
    text: str


Entry = Namespace | Device | Route | Neighbour | Lookup | SocketService | Forward | Masquerade | Guards


class Netlink(Body):
    """A process changes the kernel's tables: what is ``gone``, then what is new or different. ``closed``: a namespace that
    goes with everything in it and the other ends of its veths."""

    new: tuple[Entry, ...] = ()
    gone: tuple[Entry, ...] = ()
    closed: str = ""


class HasNetwork(Body):
    """Does a network namespace still have this device with this address, and a way out?"""

    netns: str
    device: str
    address: str


class NetworkThere(Body):
    """The answer to `HasNetwork`: what is missing, or an empty text."""

    missing: str


class Kernel(State):
    """The tables of one machine: its name, its own address, and what was written into it."""

    def __init__(self, node: str = "", address: str = "", mtu: int = 1500) -> None:
        self.node, self.address = node, address
        self.namespaces: dict[str, str] = {}
        """Network namespace → ``namespace/name`` of its pod."""
        self.devices: dict[tuple[str, str], Device] = {}
        """(network namespace, name) → device."""
        self.routes: dict[str, tuple[Route, ...]] = {}
        """Network namespace → its routes, the most specific first."""
        self.neighbours: dict[tuple[str, str, str], Neighbour] = {}
        self.forwards: dict[tuple[str, str], Forward] = {}
        """(device, mac) → entry."""
        self.sockets: dict[tuple[str, int, str], SocketService] = {}
        """(address, port, protocol) → who serves it, for eBPF programs at sockets."""
        self.lookups: dict[str, str] = {}
        """Source address → the table that is asked for what comes from it."""
        self.masquerades: tuple[Masquerade, ...] = ()
        self.rules = Ruleset()
        """What kube-proxy has written."""
        self.guards: dict[str, Guard] = {}
        """Address of a pod → what NetworkPolicies let through, from a plugin that enforces them."""
        self.owners: dict[str, tuple[str, str]] = {}
        """Address of a device → (its namespace, its other end on the machine if it is a veth)."""
        self.latest_index = 0
        self.changes = 0
        """How often the tables were written."""
        if address:
            self._boot(mtu)

    def _boot(self, mtu: int) -> None:
        self.put(Device("lo", "loopback", mtu=65536, addresses=("127.0.0.1/8",)))
        self.put(Device("eth0", "ether", mtu=mtu, mac=mac(self.address), addresses=(f"{self.address}/{PREFIX}",)))
        self.put(Route("0.0.0.0/0", "eth0", gateway(self.address), proto="dhcp"))
        self.put(Route(network(f"{self.address}/{PREFIX}"), "eth0", source=self.address, proto="kernel"))

    # ------------------------------------------------------------------ reading

    def device(self, name: str, netns: str = HOST) -> Device | None:
        """A device, or None."""
        return self.devices.get((netns, name))

    def route(self, address: str, netns: str = HOST) -> Route | None:
        """The most specific route to an address, or None."""
        wanted = number(address)
        for route in self.routes.get(netns, ()):
            base, size, _ = subnet(route.destination)
            if base <= wanted < base + size:
                return route
        return None

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """The machine's addresses at which node ports answer."""
        return (self.address,)

    def is_own(self, address: str) -> bool:
        """Whether the machine itself has this address."""
        return self.owners.get(address, ("?", ""))[0] == HOST

    def has_network(self, asked: HasNetwork) -> NetworkThere:
        """Whether what a plugin has made is there (containernetworking/plugins pkg/ip)."""
        device = self.device(asked.device, asked.netns)
        if asked.netns not in self.namespaces:
            return NetworkThere(f"failed to open netns {asked.netns[:13]}: no such file or directory")
        if device is None:
            return NetworkThere(f"Interface name {asked.device} not found: Link not found")
        if asked.address not in [bare(one) for one in device.addresses]:
            return NetworkThere(f"Failed to match addr {asked.address} on interface {asked.device}")
        gone = not self.routes.get(asked.netns) or self.device(device.peer, device.peer_netns) is None
        return NetworkThere("Expected Route not found in the namespace" if gone else "")

    # ------------------------------------------------------------------ writing

    def apply(self, change: Netlink) -> None:
        """Carries out what a process wants."""
        self.changes += 1
        if change.closed:
            self._close(change.closed)
        for entry in change.gone:
            self._remove(entry)
        for entry in change.new:
            self.put(entry)

    def put(self, entry: Entry) -> None:
        """Adds an entry, or replaces the one in its place."""
        if isinstance(entry, Route):
            rest = [one for one in self.routes.get(entry.netns, ()) if one.destination != entry.destination]
            self.routes[entry.netns] = tuple(sorted([*rest, entry], key=_specific_first))
        elif isinstance(entry, Device):
            self._put_device(entry)
        elif isinstance(entry, Namespace):
            self.namespaces[entry.netns] = entry.pod
        elif isinstance(entry, Neighbour):
            self.neighbours[entry.netns, entry.device, entry.address] = entry
        elif isinstance(entry, Lookup):
            self.lookups[entry.source] = entry.table
        elif isinstance(entry, SocketService):
            self.sockets[entry.address, entry.port, entry.protocol] = entry
        elif isinstance(entry, Forward):
            self.forwards[entry.device, entry.mac] = entry
        elif isinstance(entry, Guards):
            self.guards = {guard.address: guard for guard in entry.guards}
        elif entry not in self.masquerades:
            self.masquerades = (*self.masquerades, entry)

    def _put_device(self, device: Device) -> None:
        key = (device.netns, device.name)
        before = self.devices.get(key)
        if before is None:
            self.latest_index += 1
        self.devices[key] = replace(device, index=before.index if before is not None else self.latest_index)
        for own in before.addresses if before is not None else ():
            self.owners.pop(bare(own), None)
        for own in device.addresses:
            self.owners[bare(own)] = (device.netns, device.peer)

    def _remove(self, entry: Entry) -> None:
        if isinstance(entry, Route):
            kept = tuple(one for one in self.routes.get(entry.netns, ()) if one.destination != entry.destination)
            self.routes[entry.netns] = kept
        elif isinstance(entry, Device):
            self._drop(entry.netns, entry.name)
        elif isinstance(entry, Namespace):
            self._close(entry.netns)
        elif isinstance(entry, Neighbour):
            self.neighbours.pop((entry.netns, entry.device, entry.address), None)
        elif isinstance(entry, Lookup):
            self.lookups.pop(entry.source, None)
        elif isinstance(entry, SocketService):
            self.sockets.pop((entry.address, entry.port, entry.protocol), None)
        elif isinstance(entry, Forward):
            self.forwards.pop((entry.device, entry.mac), None)
        elif isinstance(entry, Guards):
            self.guards = {}
        else:
            self.masquerades = tuple(one for one in self.masquerades if one != entry)

    def _drop(self, netns: str, name: str) -> None:
        """A device goes, and takes its addresses and routes along."""
        device = self.devices.pop((netns, name), None)
        for own in device.addresses if device is not None else ():
            self.owners.pop(bare(own), None)
            self.lookups.pop(bare(own), None)
        if any(route.device == name for route in self.routes.get(netns, ())):
            self.routes[netns] = tuple(route for route in self.routes[netns] if route.device != name)

    def _close(self, netns: str) -> None:
        self.namespaces.pop(netns, None)
        for device in [device for device in self.devices.values() if device.netns == netns]:
            self._drop(netns, device.name)
            if device.peer:
                self._drop(device.peer_netns, device.peer)
        self.routes.pop(netns, None)


def _specific_first(route: Route) -> tuple[int, int]:
    base, _, length = subnet(route.destination)
    return -length, base


def changes(before: Iterable[Entry], after: Iterable[Entry]) -> Netlink:
    """What turns the entries that a process has written into those that it wants."""
    old, new = {_place(one): one for one in before}, {_place(one): one for one in after}
    fresh = tuple(one for place, one in new.items() if old.get(place) != one)
    return Netlink(fresh, tuple(one for place, one in old.items() if place not in new))


def _place(entry: Entry) -> tuple[str, ...]:
    """What an entry is the only one for."""
    if isinstance(entry, Route):
        return "route", entry.netns, entry.destination
    if isinstance(entry, Device):
        return "device", entry.netns, entry.name
    if isinstance(entry, Neighbour):
        return "neighbour", entry.netns, entry.device, entry.address
    if isinstance(entry, Forward):
        return "forward", entry.device, entry.mac
    if isinstance(entry, Lookup):
        return "lookup", entry.source
    if isinstance(entry, SocketService):
        return "socket", entry.address, str(entry.port), entry.protocol
    if isinstance(entry, Namespace):
        return "namespace", entry.netns
    if isinstance(entry, Guards):
        return ("guards",)
    return "masquerade", entry.text
