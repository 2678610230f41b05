"""What a kernel's tables look like in the tools of every day: ``ip``, ``bridge``, ``cilium-dbg``.

Pure text from `kernel.Kernel`; formats of iproute2 6.1 and, inside containers, of busybox.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8s_tutor.node.addresses import dotted, number, subnet
from k8s_tutor.node.kernel import HOST, IPCACHE, Device, Kernel, Route

_FLAGS = {
    "loopback": "LOOPBACK,UP,LOWER_UP", "ether": "BROADCAST,MULTICAST,UP,LOWER_UP", "ipip": "NOARP,UP,LOWER_UP",
    "dummy": "BROADCAST,NOARP",
}  # fmt: skip
_QDISC = {"ether": "mq", "openvswitch": "noop", "dummy": "noop"}
_STATE = {"dummy": "DOWN", "openvswitch": "DOWN", "loopback": "UNKNOWN", "vxlan": "UNKNOWN", "ipip": "UNKNOWN"}
NOWHERE = "00:00:00:00:00:00"
BROADCAST = "ff:ff:ff:ff:ff:ff"


class Printed(NamedTuple):
    """What a tool has printed, and its exit status."""

    out: str
    err: str = ""
    code: int = 0


def _lines(rows: list[str]) -> Printed:
    return Printed("".join(row + "\n" for row in rows))


# ---------------------------------------------------------------------------------------------------- ip, on the machine


def ip(kernel: Kernel, argv: tuple[str, ...]) -> Printed:
    """``ip addr | link | route | neigh | rule | netns`` on the machine."""
    details = "-d" in argv
    words = [word for word in argv[1:] if not word.startswith("-")]
    what, rest = (words[0] if words else "help"), words[1:]
    rest = [word for word in rest if word not in ("show", "list", "ls", "dev")]
    for names, command in _IP.items():
        if what in names:
            return command(kernel, rest, details)
    text = f'Object "{what}" is unknown, try "ip help".\n' if words else "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n"
    return Printed("", text, 1 if words else 255)


def _named(kernel: Kernel, rest: list[str]) -> list[Device] | Printed:
    found = [one for one in kernel.devices.values() if one.netns == HOST and rest in ([], [one.name])]
    if rest[:1] == ["type"]:
        found = [one for one in kernel.devices.values() if one.netns == HOST and [one.kind] == rest[1:2]]
    return found if found or rest[:1] == ["type"] else Printed("", f'Device "{rest[0]}" does not exist.\n', 1)


def _addr(kernel: Kernel, rest: list[str], details: bool) -> Printed:
    found = _named(kernel, rest)
    if isinstance(found, Printed):
        return found
    return _lines([row for one in found for row in (*_head(kernel, one, details), *_inet(one, HOST))])


def _link(kernel: Kernel, rest: list[str], details: bool) -> Printed:
    found = _named(kernel, rest)
    return found if isinstance(found, Printed) else _lines([row for one in found for row in _head(kernel, one, details)])


def _full_name(kernel: Kernel, device: Device) -> str:
    if device.kind == "ipip":
        return f"{device.name}@NONE"
    if not device.peer:
        return device.name
    if device.peer_netns == device.netns:
        return f"{device.name}@{device.peer}"
    other = kernel.devices.get((device.peer_netns, device.peer))
    return f"{device.name}@if{other.index if other is not None else 2}"


def _head(kernel: Kernel, device: Device, details: bool = False) -> list[str]:
    """The first lines of ``ip addr`` and all of ``ip link``."""
    flags = _FLAGS.get(device.kind, _FLAGS["ether"])
    over, queue = f" master {device.master}" if device.master else "", _QDISC.get(device.kind, "noqueue")
    row = f"{device.index}: {_full_name(kernel, device)}: <{flags}> mtu {device.mtu} qdisc {queue}{over}"
    row += f" state {_STATE.get(device.kind, 'UP')} group default"
    row += " qlen 1000" if device.kind in ("loopback", "ether", "bridge", "ipip") else ""
    kind, own, all_ = {"loopback": ("loopback", NOWHERE, NOWHERE), "ipip": ("ipip", "0.0.0.0", "0.0.0.0")}.get(
        device.kind, ("ether", device.mac or NOWHERE, BROADCAST)
    )
    second = f"    link/{kind} {own} brd {all_}"
    if device.peer_netns != HOST:
        second += f" link-netns cni-{device.peer_netns[:12]}"
    return [row, second, *(_details(kernel, device) if details else [])]


def _details(kernel: Kernel, device: Device) -> list[str]:
    """What ``ip -d`` adds."""
    if device.kind == "vxlan" and device.external:
        return [f"    vxlan external addrgenmode eui64 srcport 0 0 dstport {device.port} nolearning ttl auto ageing 300"]
    if device.kind == "vxlan":
        where = f"local {kernel.address} dev eth0 srcport 0 0 dstport {device.port}"
        return [f"    vxlan id {device.vni} {where} nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx"]
    if device.kind == "ipip":
        return ["    ipip any remote any local any ttl inherit nopmtudisc"]
    return [f"    {device.kind}"] if device.kind in ("veth", "bridge", "dummy") else []


def _inet(device: Device, netns: str) -> list[str]:
    """The lines of ``ip addr`` about addresses."""
    rows = []
    for one in device.addresses:
        base, size, length = subnet(one)
        wide = f" brd {dotted(base + size - 1)}" if length < 31 and device.kind != "loopback" else ""
        rows += [
            f"    inet {one}{wide} scope {'host' if device.kind == 'loopback' else 'global'} {device.name}",
            "       valid_lft forever preferred_lft forever",
        ]
    return rows


def _route(kernel: Kernel, rest: list[str], details: bool) -> Printed:
    table = rest[1] if rest[:1] == ["table"] and len(rest) > 1 else HOST
    if rest[:1] == ["get"] and len(rest) > 1:
        return _route_get(kernel, rest[1])
    if table not in ("main", HOST) and table not in kernel.lookups.values():
        return Printed("", "Error: ipv4: FIB table does not exist.\nDump terminated\n", 2)
    routes = kernel.routes.get(HOST if table == "main" else table, ())
    return _lines([_route_line(kernel, route) for route in sorted(routes, key=_in_order)])


def _in_order(route: Route) -> tuple[int, int]:
    base, _, length = subnet(route.destination)
    return (base, length)


def _route_line(kernel: Kernel, route: Route) -> str:
    where = "default" if route.destination == "0.0.0.0/0" else route.destination.removesuffix("/32")
    if route.kind == "blackhole":
        return f"blackhole {where}" + (f" proto {route.proto}" if route.proto else "") + " "
    row = where + (f" via {route.via}" if route.via else "") + f" dev {route.device}"
    row += f" proto {route.proto}" if route.proto else ""
    row += "" if route.via else " scope link"
    source = kernel.address if route.proto == "dhcp" else route.source
    row += (f" src {source}" if source else "") + (" metric 100" if route.proto == "dhcp" else "")
    return row + (" onlink" if route.onlink else "") + " "


def _route_get(kernel: Kernel, address: str) -> Printed:
    try:
        route = kernel.route(address)
    except ValueError:
        return Printed("", f'Error: inet prefix is expected rather than "{address}".\n', 1)
    if kernel.is_own(address):
        return _lines([f"local {address} dev lo src {address} uid 0 ", "    cache <local> "])
    if route is None or route.kind == "blackhole":
        why = "Network is unreachable" if route is None else "Invalid argument"
        return Printed("", f"RTNETLINK answers: {why}\n", 2)
    device = kernel.device(route.device)
    own = next((one.partition("/")[0] for one in device.addresses), kernel.address) if device is not None else kernel.address
    via = f" via {route.via}" if route.via else ""
    return _lines([f"{address}{via} dev {route.device} src {route.source or own} uid 0 ", "    cache "])


def _neigh(kernel: Kernel, rest: list[str], details: bool) -> Printed:
    rows = [
        f"{one.address} dev {one.device} lladdr {one.mac} PERMANENT " for one in kernel.neighbours.values()
        if one.netns == HOST and rest in ([], [one.device])
    ]  # fmt: skip
    return _lines(rows)


def _rule(kernel: Kernel, rest: list[str], details: bool) -> Printed:
    own = [address for address in sorted(kernel.owners, key=number) if kernel.owners[address][0] != HOST]
    rows = ["0:\tfrom all lookup local"]
    if kernel.lookups or any(one.name.startswith("eni") for one in kernel.devices.values()):
        rows += [f"512:\tfrom all to {address} lookup main" for address in own]
        rows += [f"1536:\tfrom {source} lookup {table}" for source, table in kernel.lookups.items()]
    return _lines([*rows, "32766:\tfrom all lookup main", "32767:\tfrom all lookup default"])


def _netns(kernel: Kernel, rest: list[str], details: bool) -> Printed:
    return _lines([f"cni-{netns[:12]} (id: {place})" for place, netns in enumerate(kernel.namespaces)])


_IP: dict[tuple[str, ...], Callable[[Kernel, list[str], bool], Printed]] = {
    ("a", "ad", "addr", "address"): _addr, ("l", "li", "link"): _link, ("r", "ro", "route"): _route,
    ("n", "ne", "neigh", "neighbour", "neighbor"): _neigh, ("ru", "rule"): _rule, ("netns",): _netns,
}  # fmt: skip

# ---------------------------------------------------------------------------------------------------- other tools


def bridge(kernel: Kernel, argv: tuple[str, ...]) -> Printed:
    """``bridge fdb show [dev D | br B]`` and ``bridge link``."""
    words = [word for word in argv[1:] if word not in ("show", "list")]
    only = words[2] if len(words) > 2 and words[1] in ("dev", "br", "brport") else ""
    if words[:1] == ["fdb"]:
        rows = [f"{one.mac} dev {one.device} dst {one.remote} self permanent" for one in kernel.forwards.values()]
        for device in kernel.devices.values():
            pod = kernel.devices.get((device.peer_netns, device.peer)) if device.master and device.kind == "veth" else None
            if pod is not None:
                rows.append(f"{pod.mac} dev {device.name} master {device.master} ")
        return _lines([row for row in rows if not only or f" dev {only} " in row or f" master {only} " in row])
    if words[:1] == ["link"]:
        ports = [one for one in kernel.devices.values() if one.master and one.netns == HOST]
        return _lines([
            f"{one.index}: {_full_name(kernel, one)}: <{_FLAGS['ether']}> mtu {one.mtu} master {one.master} state forwarding"
            " priority 32 cost 2 " for one in ports
        ])  # fmt: skip
    return Printed("", f'Object "{words[0] if words else ""}" is unknown, try "bridge help".\n', 1)


def with_masquerades(kernel: Kernel, saved: str) -> str:
    """What ``iptables-save`` prints, with the rules of the network plugin for what leaves the cluster."""
    rows = saved.splitlines()
    own = [one.text.replace("--to-source", f"--to-source {kernel.address}") for one in kernel.masquerades]
    if not own:
        return saved
    chains = [f":{text.split()[1]} - [0:0]" for text in own]
    jumps = [f"-A POSTROUTING -j {text.split()[1]}" for text in own]
    if "*nat" not in rows:
        return _lines([*rows, "*nat", *chains, *jumps, *own, "COMMIT"]).out
    start = rows.index("*nat")
    end = rows.index("COMMIT", start)
    return _lines([*rows[: start + 1], *chains, *rows[start + 1 : end], *jumps, *own, *rows[end:]]).out


def cilium_dbg(kernel: Kernel, argv: tuple[str, ...]) -> Printed:
    """``cilium-dbg bpf lb list`` and ``cilium-dbg bpf tunnel list``."""
    if argv[1:4] == ("bpf", "lb", "list"):
        rows = [f"{'SERVICE ADDRESS':<24}BACKEND ADDRESS (REVNAT_ID) (SLOT)"]
        for place, one in enumerate(kernel.sockets.values(), start=1):
            front = f"{one.address}:{one.port}/{one.protocol.upper()}"
            rows.append(f"{front + ' (0)':<24}0.0.0.0:0 ({place}) (0) [ClusterIP]")
            rows += [f"{front + f' ({slot})':<24}{backend}/{one.protocol.upper()} ({place}) ({slot})"
                     for slot, backend in enumerate(one.backends, start=1)]  # fmt: skip
        return _lines(rows)
    if argv[1:4] in (("bpf", "tunnel", "list"), ("bpf", "ipcache", "list")):
        routes = [one for one in kernel.routes.get(IPCACHE, ()) if one.via]
        return _lines([f"{'TUNNEL':<18}VALUE", *[f"{one.destination:<18}{one.via}:0" for one in routes]])
    return Printed("", "Usage: cilium-dbg bpf lb list | bpf tunnel list\n", 1)


TOOLS: dict[str, Callable[[Kernel, tuple[str, ...]], Printed]] = {
    "ip": ip, "bridge": bridge, "cilium-dbg": cilium_dbg,
}  # fmt: skip


# ---------------------------------------------------------------------------------------------------- inside containers


def busybox_ip(kernel: Kernel, netns: str, argv: list[str]) -> Printed:
    """``ip addr | link | route | neigh`` inside a container, as busybox has it."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    what = words[0] if words else "a"
    devices = [one for one in kernel.devices.values() if one.netns == netns]
    if what in ("a", "addr", "address", "l", "link"):
        rows = [] if netns == HOST else [
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000",
            f"    link/loopback {NOWHERE} brd {NOWHERE}",
        ]  # fmt: skip
        if rows and what[0] == "a":
            rows += ["    inet 127.0.0.1/8 scope host lo", "       valid_lft forever preferred_lft forever"]
        for place, one in enumerate(devices, start=1 if netns == HOST else 2):
            rows += _busybox_device(kernel, one, place, what[0] == "a")
        return _lines(rows)
    if what in ("r", "route"):
        return _lines([_busybox_route(route) for route in sorted(kernel.routes.get(netns, ()), key=_in_order)])
    if what in ("n", "neigh", "neighbor"):
        known = [one for one in kernel.neighbours.values() if one.netns == netns]
        return _lines([f"{one.address} dev {one.device} lladdr {one.mac}  used 0/0/0 probes 0 PERMANENT" for one in known])
    return Printed("", f"ip: this container's ip knows addr, link, route and neigh; not {what}\n", 1)


def _busybox_device(kernel: Kernel, device: Device, place: int, addresses: bool) -> list[str]:
    flags = _FLAGS.get(device.kind, _FLAGS["ether"]) + (",M-DOWN" if device.kind == "veth" else "")
    kind, own, all_ = ("loopback", NOWHERE, NOWHERE) if device.kind == "loopback" else ("ether", device.mac, BROADCAST)
    name = _full_name(kernel, device) if device.kind == "veth" else device.name
    over = f" master {device.master}" if device.master else ""
    rows = [
        f"{place}: {name}: <{flags}> mtu {device.mtu} qdisc {_QDISC.get(device.kind, 'noqueue')}{over} ",
        f"    link/{kind} {own} brd {all_}",
    ]
    return [*rows, *_inet(device, device.netns)] if addresses else rows


def _busybox_route(route: Route) -> str:
    where = "default" if route.destination == "0.0.0.0/0" else route.destination.removesuffix("/32")
    row = where + (f" via {route.via}" if route.via else "") + f" dev {route.device} " + ("" if route.via else "scope link ")
    return row + (f" src {route.source} " if route.source else "")
