"""The CNI plugin of a machine: it gives a sandbox an address on the node's bridge, and takes it back.

The plugin is ``bridge`` with ``host-local`` address management (containernetworking/plugins): addresses are handed out in
turn, starting after the last one given, from the node's range; ``.1`` is the bridge. Leases are files, so they survive.
In reality the runtime executes the plugin anew for each call; here it is a process that waits for the next one.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from k8s_tutor.sim import Actor, Body, Call, Context, Reply, State

VERSION = "1.0.0"


class CniConfig(Body):
    """The network configuration of one machine: type of the plugin, name of the network, range of addresses."""

    subnet: str
    plugin: str = "bridge"
    network: str = "k8s"
    bridge: str = "cni0"


class CniAdd(Body):
    """ADD: join this network namespace to the network."""

    container: str
    netns: str
    ifname: str
    namespace: str
    pod: str


class CniDel(Body):
    """DEL: take this network namespace out of the network. Doing it twice is no error."""

    container: str
    netns: str
    ifname: str


class CniInterface(Body):
    """An interface that ADD has made; ``sandbox`` is the network namespace, or empty for one on the node."""

    name: str
    mac: str
    sandbox: str


class CniIp(Body):
    """An address in CIDR form, its gateway, and the index of its interface."""

    address: str
    gateway: str
    interface: int


class CniRoute(Body):
    """A route in the sandbox."""

    dst: str
    gw: str


class CniResult(Body):
    """What ADD prints: version, interfaces, addresses, routes (CNI specification 1.0.0)."""

    cni_version: str
    interfaces: tuple[CniInterface, ...]
    ips: tuple[CniIp, ...]
    routes: tuple[CniRoute, ...]


class CniDone(Body):
    """DEL has nothing to print."""


class CniError(Body):
    """The plugin has failed: CNI error code and message."""

    code: int
    msg: str


class CniDisk(State):
    """The files of host-local: who has which address, and which was given last."""

    def __init__(self) -> None:
        self.leases: dict[str, str] = {}
        """Address → id of the sandbox."""
        self.last_reserved = ""


class Cni(Actor):
    """The plugin of one machine. Config: `CniConfig`; disk: `CniDisk`."""

    config: CniConfig
    disk: CniDisk

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk if disk is not None else CniDisk())

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if not isinstance(body, Call):
            return
        asked = body.body
        if isinstance(asked, CniAdd):
            ctx.reply(src, Reply(body.id, self.add(ctx, asked)))
        elif isinstance(asked, CniDel):
            self.delete(ctx, asked)
            ctx.reply(src, Reply(body.id, CniDone()))

    def add(self, ctx: Context, asked: CniAdd) -> CniResult | CniError:
        """Reserves an address and joins the sandbox to the bridge."""
        base, size, prefix = subnet(self.config.subnet)
        address = self._reserve(asked.container, base, size)
        if not address:
            span = f"{dotted(base + 1)}-{dotted(base + size - 2)}"
            return CniError(999, f"failed to allocate for range 0: no IP addresses available in range set: {span}")
        gateway = dotted(base + 1)
        host_side = "veth" + sha256(asked.container.encode()).hexdigest()[:8]
        ctx.note("cni.add", pod=f"{asked.namespace}/{asked.pod}", ip=address, plugin=self.config.plugin, device=host_side)
        return CniResult(
            VERSION,
            (
                CniInterface(self.config.bridge, mac(gateway), ""), CniInterface(host_side, mac(host_side), ""),
                CniInterface(asked.ifname, mac(address), asked.netns),
            ),
            (CniIp(f"{address}/{prefix}", gateway, 2),),
            (CniRoute("0.0.0.0/0", gateway),),
        )  # fmt: skip

    def _reserve(self, container: str, base: int, size: int) -> str:
        """The next free address after the last one given, or an empty text."""
        held = next((address for address, owner in self.disk.leases.items() if owner == container), "")
        if held:
            return held
        last = number(self.disk.last_reserved) - base if self.disk.last_reserved else 1
        for step in range(1, size):
            offset = (last + step) % size
            address = dotted(base + offset)
            if 2 <= offset <= size - 2 and address not in self.disk.leases:
                self.disk.leases[address] = container
                self.disk.last_reserved = address
                return address
        return ""

    def delete(self, ctx: Context, asked: CniDel) -> None:
        """Gives the address of a sandbox back."""
        for address, owner in list(self.disk.leases.items()):
            if owner == asked.container:
                del self.disk.leases[address]
                ctx.note("cni.del", container=asked.container[:13], ip=address, plugin=self.config.plugin)


def number(address: str) -> int:
    """An IPv4 address as an integer."""
    a, b, c, d = (int(part) for part in address.split("."))
    return a << 24 | b << 16 | c << 8 | d


def dotted(address: int) -> str:
    """An integer as an IPv4 address."""
    return f"{address >> 24 & 255}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def subnet(cidr: str) -> tuple[int, int, int]:
    """(first address, number of addresses, prefix length) of a CIDR."""
    address, _, prefix = cidr.partition("/")
    length = int(prefix)
    size = 1 << (32 - length)
    return number(address) & ~(size - 1), size, length


def mac(text: str) -> str:
    """A locally administered hardware address, the same for the same text."""
    found = sha256(text.encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (found[0] & 0xFE | 2, *found[1:6]))
