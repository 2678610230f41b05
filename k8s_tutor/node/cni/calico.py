"""Calico: nodes claim blocks of 64 addresses from one pool, and tell each other by BGP which ones are theirs.

Pods hang at the node by a veth alone; the node answers for 169.254.1.1 (proxy ARP) and routes. Between nodes packets go
plainly, in IP-in-IP or in VXLAN. Sources: projectcalico/calico cni-plugin, libcalico-go/lib/ipam, confd, docs vxlan-ipip.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.node.addresses import dotted, mac, subnet
from k8s_tutor.node.cni.agent import Again, Allocate, Allocated, NoAddress, Peer, PolicyAgent, neighbours
from k8s_tutor.node.kernel import Device, Entry, Forward, Masquerade, Neighbour, Route
from k8s_tutor.node.underlay import PREFIX
from k8s_tutor.sim import MS, SECOND, Body, CallFailed, Context

POOL = "192.168.0.0/16"
BLOCK = 26
AS_NUMBER = 64512
API = "/apis/crd.projectcalico.org/v1"
NOTE = "projectcalico.org/"
VNI, PORT = 4096, 4789
RECONNECT = 10 * SECOND
GRACEFUL = 120 * SECOND
"""How long routes of a peer are kept that is away (BIRD's graceful restart time)."""
_FULL = "failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled"  # noqa: E501
_MASQUERADE = Masquerade(
    POOL, (POOL,),
    "-A cali-nat-outgoing -m comment --comment \"cali:flqWnvo8yq4ULQLa\" -m set --match-set cali40masq-ipam-pools src"
    " -m set ! --match-set cali40all-ipam-pools dst -j MASQUERADE --random-fully",
)  # fmt: skip


class BgpUpdate(Body):
    """From BIRD to a peer: the prefixes that can be reached through this node. ``opens``: the session has just begun, and the
    peer is asked for its own."""

    node: str
    address: str
    prefixes: tuple[str, ...]
    opens: bool = False


class Stale(Body):
    """The agent's own timer: a peer has been away for the graceful restart time."""

    peer: str


class Calico(PolicyAgent):
    """The process ``calico-node-i``: Felix, which programs the kernel, and BIRD, which speaks BGP."""

    PLACE = "cali-FORWARD"

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.blocks = Informer("IPAMBlock", root=f"{API}/ipamblocks")
        self.learned: dict[str, tuple[str, tuple[str, ...]]] = {}
        """Peer's node → (its address, its prefixes), by BGP."""
        self.away: dict[str, bool] = {}
        """Peers (processes) without a session."""
        self.claiming = False

    @property
    def bgp(self) -> bool:
        """Whether routes are told by BGP; with VXLAN Felix takes them from the blocks at the API server."""
        return not self.config.mode.startswith("vxlan")

    def owned(self, node: str) -> tuple[str, ...]:
        """The blocks that are affine to a node."""
        found = []
        for key in sorted(self.blocks.data):
            spec = scheme.tree(self.blocks.data[key])["spec"]
            if spec["affinity"] == f"host:{node}":
                found.append(spec["cidr"])
        return tuple(found)

    @property
    def tunnel(self) -> str:
        """The address of the node's own tunnel device, or an empty text."""
        return next((address for address, owner in self.disk.leases.items() if owner == "tunnel"), "")

    # ------------------------------------------------------------------ addresses

    def ready(self, ctx: Context) -> None:
        super().ready(ctx)
        if self.bgp:
            for peer in self.config.peers:
                self._open(ctx, peer[1])

    def look(self, ctx: Context) -> None:
        own = self.owned(self.config.node)
        if not own:
            self._claim(ctx)
        elif own != self.disk.ranges:
            self.disk.ranges = own
            if not self.tunnel and self.config.mode != "none":
                self.lease(own[0], "tunnel")
            self.tell(ctx)
            if self.bgp:
                for _, process in self.config.peers:
                    ctx.stream(process, BgpUpdate(self.config.node, self.config.address, own))
        super().look(ctx)

    def _claim(self, ctx: Context) -> None:
        """Takes the next block of the pool that nobody has, beginning at a place that the node's name says."""
        if self.claiming:
            return
        base, size, _ = subnet(POOL)
        width = 1 << (32 - BLOCK)
        taken = {scheme.tree(data)["spec"]["cidr"] for data in self.blocks.data.values()}
        start = int.from_bytes(sha256(self.config.node.encode()).digest()[:4], "big") % (size // width)
        for step in range(size // width):
            cidr = f"{dotted(base + (start + step) % (size // width) * width)}/{BLOCK}"
            if cidr not in taken:
                self.claiming = True
                name = cidr.replace(".", "-").replace("/", "-")
                spec = {"cidr": cidr, "affinity": f"host:{self.config.node}", "strictAffinity": False, "deleted": False}
                tree = {"apiVersion": "crd.projectcalico.org/v1", "kind": "IPAMBlock", "metadata": {"name": name}, "spec": spec}
                self.request(ctx, "POST", f"{API}/ipamblocks", tree, "_claimed", (cidr,))
                return

    def _claimed(self, ctx: Context, answer: Response | CallFailed, cidr: str) -> None:
        self.claiming = False
        if not isinstance(answer, Response) or answer.code != 201:
            ctx.after(200 * MS, Again("claim"))
            return
        ctx.note("cni.block", node=self.config.node, block=cidr)
        name = f"{self.config.node}-{cidr.replace('.', '-').replace('/', '-')}"
        spec = {"state": "confirmed", "node": self.config.node, "cidr": cidr, "deleted": "false"}
        tree = {"apiVersion": "crd.projectcalico.org/v1", "kind": "BlockAffinity", "metadata": {"name": name}, "spec": spec}
        self.request(ctx, "POST", f"{API}/blockaffinities", tree)

    def allocate(self, ctx: Context, asked: Allocate) -> Allocated | NoAddress | None:
        for cidr in self.disk.ranges:
            address = self.lease(cidr, asked.container)
            if address:
                return Allocated(f"{address}/32")
        if len(self.blocks.data) << (32 - BLOCK) >= subnet(POOL)[1]:
            return NoAddress(_FULL)
        self._claim(ctx)
        return None

    # ------------------------------------------------------------------ BGP

    def _open(self, ctx: Context, process: str) -> None:
        ctx.stream(process, BgpUpdate(self.config.node, self.config.address, self.disk.ranges, opens=True))

    def heard(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, BgpUpdate):
            self.away.pop(src, None)
            if body.opens:
                ctx.reply(src, BgpUpdate(self.config.node, self.config.address, self.disk.ranges))
            if self.learned.get(body.node) != (body.address, body.prefixes):
                ctx.decide()
                self.learned[body.node] = (body.address, body.prefixes)
                ctx.note("cni.bgp", node=self.config.node, peer=body.node, prefixes=list(body.prefixes))
                if self.synced:
                    self.program(ctx)
        elif isinstance(body, Stale) and body.peer in self.away:
            node = next((name for name, process in self.config.peers if process == body.peer), "")
            if self.learned.pop(node, None) is not None:
                ctx.decide()
                self.program(ctx)

    def _again(self, ctx: Context, what: str) -> None:
        if what == "claim":
            self.look(ctx)
        elif what.startswith("bgp "):
            if what[4:] in self.away:
                self._open(ctx, what[4:])
        else:
            super()._again(ctx, what)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if any(process == peer for _, process in self.config.peers):
            if peer not in self.away:
                self.away[peer] = True
                ctx.after(GRACEFUL, Stale(peer), work=False)
            ctx.after(RECONNECT, Again(f"bgp {peer}"), work=False)

    # ------------------------------------------------------------------ the kernel

    def facts(self) -> dict[str, str]:
        config = self.config
        found = {NOTE + "IPv4Address": f"{config.address}/{PREFIX}"}
        if self.tunnel and config.mode.startswith("ipip"):
            found[NOTE + "IPv4IPIPTunnelAddr"] = self.tunnel
        elif self.tunnel:
            found[NOTE + "IPv4VXLANTunnelAddr"] = self.tunnel
            found[NOTE + "VXLANTunnelMACAddr"] = mac(f"vxlan.calico {config.node}")
        return found

    def wanted(self) -> tuple[Entry, ...] | None:
        if not self.disk.ranges:
            return None
        config, tunnel = self.config, self.tunnel
        proto = "bird" if self.bgp else "80"
        found: list[Entry] = [_MASQUERADE, *[Route(cidr, proto=proto, kind="blackhole") for cidr in self.disk.ranges]]
        if tunnel and config.mode.startswith("ipip"):
            found.append(Device("tunl0", "ipip", mtu=config.mtu, addresses=(f"{tunnel}/32",)))
        elif tunnel:
            hardware = mac(f"vxlan.calico {config.node}")
            found.append(
                Device("vxlan.calico", "vxlan", mtu=config.mtu, mac=hardware, addresses=(f"{tunnel}/32",), vni=VNI, port=PORT)
            )  # fmt: skip
        for peer in self.peers:
            found += self._to(peer)
        return tuple(found)

    def _to(self, peer: Peer) -> list[Entry]:
        """The ways to another node's pods."""
        near = neighbours(peer.address, self.config.address)
        mode = self.config.mode
        prefixes = self.learned.get(peer.name, ("", ()))[1] if self.bgp else self.owned(peer.name)
        plain = mode == "none" or (near and mode.endswith("cross-subnet"))
        if plain and not near:
            return []
        if plain:
            return [Route(cidr, "eth0", peer.address, proto="bird" if self.bgp else "80") for cidr in prefixes]
        if mode.startswith("ipip"):
            return [Route(cidr, "tunl0", peer.address, proto="bird", onlink=True) for cidr in prefixes]
        there, hardware = peer.note(NOTE + "IPv4VXLANTunnelAddr"), peer.note(NOTE + "VXLANTunnelMACAddr")
        if not there:
            return []
        return [
            Neighbour(there, "vxlan.calico", hardware), Forward(hardware, "vxlan.calico", peer.address),
            *[Route(cidr, "vxlan.calico", there, proto="80", onlink=True) for cidr in prefixes],
        ]  # fmt: skip



