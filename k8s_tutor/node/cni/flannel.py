"""Flannel: every node has a /24 for its pods; a VXLAN device or plain routes lead to those of the others.

No NetworkPolicy. Source: flannel-io/flannel pkg/backend/vxlan, pkg/backend/hostgw, Documentation/backends.md.
"""

from __future__ import annotations

import json

from k8s_tutor.node.addresses import dotted, mac, subnet
from k8s_tutor.node.cni.agent import Agent, Peer, neighbours
from k8s_tutor.node.kernel import Device, Entry, Forward, Masquerade, Neighbour, Route

NETWORK = "10.244.0.0/16"
VNI, PORT = 1, 8472
PREFIX = "flannel.alpha.coreos.com/"
_MASQUERADE = Masquerade(
    NETWORK, (NETWORK, "224.0.0.0/4"),
    f'-A FLANNEL-POSTRTG -s {NETWORK} ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
)  # fmt: skip


def vtep_mac(node: str) -> str:
    """The hardware address of a node's ``flannel.1``."""
    return mac(f"flannel.1 {node}")


class Flannel(Agent):
    """The process ``flanneld-i``."""

    def facts(self) -> dict[str, str]:
        vxlan = self.config.mode == "vxlan"
        data = json.dumps({"VNI": VNI, "VtepMAC": vtep_mac(self.config.node)}, separators=(",", ":")) if vxlan else "null"
        return {
            PREFIX + "backend-data": data, PREFIX + "backend-type": self.config.mode,
            PREFIX + "kube-subnet-manager": "true", PREFIX + "public-ip": self.config.address,
        }  # fmt: skip

    def wanted(self) -> tuple[Entry, ...] | None:
        own = self.nodes.get(None, self.config.node)
        if own is None or not (own.spec and own.spec.podCIDR):
            return None
        found: list[Entry] = [_MASQUERADE]
        if self.config.mode == "vxlan":
            base = dotted(subnet(own.spec.podCIDR)[0])
            device = Device(
                "flannel.1", "vxlan", mtu=self.config.mtu, mac=vtep_mac(self.config.node), addresses=(f"{base}/32",),
                vni=VNI, port=PORT,
            )  # fmt: skip
            found.append(device)
        for peer in self.peers:
            found += self._to(peer)
        return tuple(found)

    def _to(self, peer: Peer) -> list[Entry]:
        """The way to another node's pods."""
        if not peer.pod_cidr or peer.note(PREFIX + "backend-type") != self.config.mode:
            return []
        if self.config.mode == "host-gw":
            on_link = neighbours(peer.address, self.config.address)
            return [Route(peer.pod_cidr, "eth0", peer.address)] if on_link else []
        there, hardware = dotted(subnet(peer.pod_cidr)[0]), json.loads(peer.note(PREFIX + "backend-data"))["VtepMAC"]
        return [
            Neighbour(there, "flannel.1", hardware),
            Forward(hardware, "flannel.1", peer.note(PREFIX + "public-ip")),
            Route(peer.pod_cidr, "flannel.1", there, onlink=True),
        ]
