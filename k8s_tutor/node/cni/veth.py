"""A sandbox joined without a bridge: a veth pair, one address alone, and a route of the node for each pod.

Calico, Cilium and the AWS VPC CNI work so. The pod sends everything to a neighbour that nobody is; the other end of the veth
answers for it.
"""

from __future__ import annotations

from k8s_tutor.node.addresses import bare, mac
from k8s_tutor.node.cni.agent import Allocated
from k8s_tutor.node.cni.options import Ways
from k8s_tutor.node.cni.wire import VERSION, CniAdd, CniInterface, CniIp, CniResult, CniRoute
from k8s_tutor.node.kernel import HOST, IPCACHE, Device, Entry, Lookup, Namespace, Neighbour, Route


def attach(asked: CniAdd, got: Allocated, ways: Ways, mtu: int) -> tuple[CniResult, tuple[Entry, ...]]:
    """What ADD prints, and what it writes into the kernel."""
    ns, own, pod = asked.container, bare(got.address), f"{asked.namespace}/{asked.pod}"
    outside = ways.host_device(asked)
    via = got.gateway or ways.gateway
    hardware = ways.hardware or mac(outside)
    entries: list[Entry] = [
        Namespace(ns, pod),
        Device(outside, "veth", mtu=mtu, mac=hardware, peer=asked.ifname, peer_netns=ns, program=ways.program),
        Device(asked.ifname, "veth", ns, mtu, mac(own), (f"{own}/32",), peer=outside),
        Route("0.0.0.0/0", asked.ifname, via, netns=ns),
        Route(f"{via}/32", asked.ifname, netns=ns),
        Neighbour(via, asked.ifname, hardware, ns),
        Route(f"{own}/32", outside, netns=IPCACHE if ways.program else HOST),
    ]
    if got.table:
        entries.append(Lookup(own, got.table))
    result = CniResult(
        VERSION,
        (CniInterface(outside, hardware, ""), CniInterface(asked.ifname, mac(own), asked.netns)),
        (CniIp(f"{own}/32", via, 1),),
        (CniRoute("0.0.0.0/0", via),),
    )
    return result, tuple(entries)
