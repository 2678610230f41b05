"""The plugin ``bridge`` (containernetworking/plugins): a veth pair from the sandbox to a bridge of the node."""

from __future__ import annotations

from hashlib import sha256

from k8s_tutor.node.addresses import bare, mac, network
from k8s_tutor.node.cni.wire import VERSION, CniAdd, CniInterface, CniIp, CniResult, CniRoute
from k8s_tutor.node.kernel import Device, Entry, Namespace, Route


def attach(
    asked: CniAdd, address: str, gateway: str, bridge: str, mtu: int = 1500, prefix: str = "veth", beyond: str = ""
) -> tuple[CniResult, tuple[Entry, ...]]:  # fmt: skip
    """Joins a sandbox that has got ``address`` to a bridge that has ``gateway`` (both as ``10.244.1.5/24``): what ADD prints,
    and what it writes into the kernel. ``beyond``: a range for which the pod has a route of its own to the gateway."""
    ns, own, via, wide = asked.container, bare(address), bare(gateway), network(address)
    outside = prefix + sha256(ns.encode()).hexdigest()[:8]
    entries = (
        Namespace(ns, f"{asked.namespace}/{asked.pod}"),
        Device(bridge, "bridge", mtu=mtu, mac=mac(via), addresses=(gateway,)),
        Route(wide, bridge, source=via, proto="kernel"),
        Device(outside, "veth", mtu=mtu, mac=mac(outside), peer=asked.ifname, peer_netns=ns, master=bridge),
        Device(asked.ifname, "veth", ns, mtu, mac(own), (address,), peer=outside),
        Route("0.0.0.0/0", asked.ifname, via, netns=ns),
        Route(wide, asked.ifname, source=own, netns=ns, proto="kernel"),
        *((Route(beyond, asked.ifname, via, netns=ns),) if beyond else ()),
    )
    result = CniResult(
        VERSION,
        (
            CniInterface(bridge, mac(via), ""), CniInterface(outside, mac(outside), ""),
            CniInterface(asked.ifname, mac(own), asked.netns),
        ),
        (CniIp(address, via, 2),),
        (*((CniRoute(beyond, via),) if beyond else ()), CniRoute("0.0.0.0/0", via)),
    )  # fmt: skip
    return result, entries
