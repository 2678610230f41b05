"""Weave Net (archived in 2024): one large Ethernet over all machines, made by routers that gossip.

Each router owns a share of 10.32.0.0/12 and hands out addresses from it. A frame for a pod elsewhere goes through the fast
datapath (VXLAN in the kernel) or, where that cannot be, through user space (sleeve). Sources: weaveworks/weave
site/concepts/fastdp-how-it-works.md, site/tasks/ipam.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.addresses import dotted, mac, subnet
from k8s_tutor.node.cni.agent import Again, Allocate, Allocated, NoAddress, PolicyAgent
from k8s_tutor.node.kernel import Device, Entry, Masquerade, Route
from k8s_tutor.sim import SECOND, Body, Context

NETWORK = "10.32.0.0/12"
CONTROL, FAST, SLEEVE = 6783, 6784, 6783
RECONNECT = 10 * SECOND
_MASQUERADE = Masquerade(NETWORK, (NETWORK, "224.0.0.0/4"), f"-A WEAVE -s {NETWORK} ! -d {NETWORK} -j MASQUERADE")


class Gossip(Body):
    """From a router to a peer: who it is, where, and its share of the ring. ``asks``: it wants to hear the same."""

    node: str
    address: str
    share: str
    asks: bool = False


def shares(nodes: tuple[str, ...]) -> dict[str, str]:
    """The ring: every node's share of the network, all of the same size."""
    base, _, prefix = subnet(NETWORK)
    length = prefix + (len(nodes) - 1).bit_length()
    return {node: f"{dotted(base + (place << (32 - length)))}/{length}" for place, node in enumerate(sorted(nodes))}


class Weave(PolicyAgent):
    """The process ``weave-net-i``."""

    PLACE = "WEAVE-NPC"

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.mesh: dict[str, tuple[str, str]] = {}
        """Peer's node → (its address, its share), as the gossip has it."""

    @property
    def share(self) -> str:
        """This node's share; empty until a majority of all routers has agreed on the ring."""
        if not self.disk.ranges and (len(self.mesh) + 1) * 2 > len(self.config.peers) + 1:
            names = (self.config.node, *[node for node, _ in self.config.peers])
            self.disk.ranges = (shares(names)[self.config.node],)
        return self.disk.ranges[0] if self.disk.ranges else ""

    @property
    def own(self) -> str:
        """The address of the node's bridge: the first of its share that is an address."""
        base, _, _ = subnet(self.share)
        return f"{dotted(base + (1 if base == subnet(NETWORK)[0] else 0))}/{NETWORK.partition('/')[2]}"

    def ready(self, ctx: Context) -> None:
        super().ready(ctx)
        for _, process in self.config.peers:
            ctx.stream(process, self._said(asks=True))

    def _said(self, asks: bool = False) -> Gossip:
        return Gossip(self.config.node, self.config.address, self.share, asks)

    def heard(self, ctx: Context, src: str, body: Any) -> None:
        if not isinstance(body, Gossip):
            return
        share = body.share or shares((self.config.node, *[node for node, _ in self.config.peers]))[body.node]
        if self.mesh.get(body.node) != (body.address, share):
            ctx.decide()
            self.mesh[body.node] = (body.address, share)
            ctx.note("cni.mesh", node=self.config.node, peer=body.node, share=share)
        if body.asks:
            ctx.reply(src, self._said())
        if self.synced:
            self.look(ctx)

    def _again(self, ctx: Context, what: str) -> None:
        if what.startswith("peer "):
            ctx.stream(what[5:], self._said(asks=True))
        else:
            super()._again(ctx, what)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if any(process == peer for _, process in self.config.peers):
            ctx.after(RECONNECT, Again(f"peer {peer}"), work=False)

    def allocate(self, ctx: Context, asked: Allocate) -> Allocated | NoAddress | None:
        if not self.share:
            return None
        base, _, _ = subnet(self.share)
        address = self.lease(self.share, asked.container, 2 if base == subnet(NETWORK)[0] else 1)
        if not address:
            return NoAddress("unable to allocate IP address: 503 Service Unavailable: No free IPs")
        return Allocated(f"{address}/{NETWORK.partition('/')[2]}", self.own)

    def wanted(self) -> tuple[Entry, ...] | None:
        if not self.share:
            return None
        mtu, fast = self.config.mtu, self.config.mode == "fastdp"
        tunnel = Device("sleeve", "sleeve", mtu=mtu, port=SLEEVE, external=True)
        if fast:
            hardware = mac(f"vxlan-6784 {self.config.node}")
            tunnel = Device("vxlan-6784", "vxlan", mtu=65535, mac=hardware, master="datapath", port=FAST, external=True)
        found: list[Entry] = [
            _MASQUERADE,
            Device("datapath", "openvswitch", mtu=mtu, mac=mac(f"datapath {self.config.node}")),
            Device("weave", "bridge", mtu=mtu, mac=mac(self.own), addresses=(self.own,)),
            Route(NETWORK, "weave", source=self.own.partition("/")[0], proto="kernel"),
            Device("vethwe-datapath", "veth", mtu=mtu, mac=mac("vethwe-datapath"), peer="vethwe-bridge", master="datapath"),
            Device("vethwe-bridge", "veth", mtu=mtu, mac=mac("vethwe-bridge"), peer="vethwe-datapath", master="weave"),
            tunnel,
        ]
        known = {peer.name for peer in self.peers}
        for node in sorted(self.mesh):
            address, share = self.mesh[node]
            if node in known:
                found.append(Route(share, tunnel.name, address, netns="weave"))
        return tuple(found)
