"""Cilium: eBPF programs at the devices of pods and at sockets, and maps instead of chains of rules.

Each node has a /24; a packet for another node's pod is put into VXLAN by what the ``ipcache`` map says, or goes plainly by a
route (native). There is no kube-proxy: a Service becomes one of its endpoints in the socket that connects. Sources:
cilium/cilium Documentation/network/concepts/routing.rst, Documentation/network/kubernetes/kubeproxy-free.rst.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.node.addresses import dotted, mac, subnet
from k8s_tutor.node.cni.agent import RETRY, Again, Allocate, Allocated, NoAddress, PolicyAgent, neighbours
from k8s_tutor.node.kernel import IPCACHE, Device, Entry, Masquerade, Route, SocketService
from k8s_tutor.node.proxy.kube_proxy import SERVICE_LABEL
from k8s_tutor.node.proxy.services import Endpoint, choose, service_ports
from k8s_tutor.sim import CallFailed, Context

NETWORK = "10.0.0.0/8"
PORT = 8472
API = "/apis/cilium.io/v2/ciliumnodes"


class Cilium(PolicyAgent):
    """The process ``cilium-agent-i``."""

    PLACE = "cil_to_container"

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.ciliumnodes = Informer("CiliumNode", root=API)
        self.services = Informer("Service")
        self.slices = Informer("EndpointSlice", label_selector="!service.kubernetes.io/headless")

    @property
    def router(self) -> str:
        """The address of ``cilium_host``, which answers for the gateway of pods."""
        return dotted(subnet(self.config.pod_cidr)[0] + 1)

    def ready(self, ctx: Context) -> None:
        super().ready(ctx)
        self._introduce(ctx)

    def _introduce(self, ctx: Context) -> None:
        """Writes its CiliumNode, from which the others take addresses and range."""
        if self.ciliumnodes.get(None, self.config.node) is not None:
            return
        addresses = [{"type": "InternalIP", "ip": self.config.address}, {"type": "CiliumInternalIP", "ip": self.router}]
        spec = {"addresses": addresses, "ipam": {"podCIDRs": [self.config.pod_cidr]}}
        tree = {"apiVersion": "cilium.io/v2", "kind": "CiliumNode", "metadata": {"name": self.config.node}, "spec": spec}
        self.request(ctx, "POST", API, tree, "_introduced")

    def _introduced(self, ctx: Context, answer: Response | CallFailed) -> None:
        if not isinstance(answer, Response) or answer.code not in (201, 409):
            ctx.after(RETRY, Again("introduce"), work=False)

    def _again(self, ctx: Context, what: str) -> None:
        if what == "introduce":
            self._introduce(ctx)
        else:
            super()._again(ctx, what)

    def allocate(self, ctx: Context, asked: Allocate) -> Allocated | NoAddress | None:
        base, size, _ = subnet(self.config.pod_cidr)
        address = self.lease(self.config.pod_cidr, asked.container, 2)
        if not address or address == dotted(base + size - 1):
            self.disk.leases.pop(address, None)
            return NoAddress('unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure "range is full"')
        return Allocated(f"{address}/32", self.router)

    def wanted(self) -> tuple[Entry, ...] | None:
        config, via, own = self.config, self.router, self.config.pod_cidr
        text = f'-A CILIUM_POST_nat -s {own} ! -d {NETWORK} ! -o cilium_+ -m comment --comment "cilium masquerade non-cluster"'
        found: list[Entry] = [
            Masquerade(own, (NETWORK, *[f"{one.address}/32" for one in self.peers if one.address]), f"{text} -j MASQUERADE"),
            Device("cilium_net", "veth", mtu=config.mtu, mac=mac(f"cilium_net {via}"), peer="cilium_host"),
            Device("cilium_host", "veth", mtu=config.mtu, mac=mac(via), addresses=(f"{via}/32",), peer="cilium_net"),
            Route(f"{via}/32", "cilium_host", proto="kernel"),
            Route(own, "cilium_host", via, via, proto="kernel"),
        ]
        if config.mode == "vxlan":
            hardware = mac(f"cilium_vxlan {via}")
            found.append(Device("cilium_vxlan", "vxlan", mtu=config.mtu, mac=hardware, port=PORT, external=True))
        for key in sorted(self.ciliumnodes.data):
            if key != config.node:
                found += self._to(scheme.tree(self.ciliumnodes.data[key])["spec"])
        return (*found, *self._services())

    def _to(self, spec: Any) -> list[Entry]:
        """The way to another node's pods."""
        there = next(one["ip"] for one in spec["addresses"] if one["type"] == "InternalIP")
        cidr = spec["ipam"]["podCIDRs"][0]
        if self.config.mode == "vxlan":
            return [
                Route(cidr, "cilium_host", self.router, self.router, proto="kernel"),
                Route(cidr, "cilium_vxlan", there, netns=IPCACHE),
            ]
        return [Route(cidr, "eth0", there, proto="kernel")] if neighbours(there, self.config.address) else []

    def _services(self) -> list[Entry]:
        """The map of Services: what kube-proxy writes as rules elsewhere."""
        by_service: dict[str, list[bytes]] = {}
        for key in sorted(self.slices.objects):
            about = self.slices.objects[key].metadata
            owner = f"{about.namespace}/{(about.labels or {}).get(SERVICE_LABEL, '')}"
            by_service.setdefault(owner, []).append(self.slices.data[key])
        found: list[Entry] = []
        for key in sorted(self.services.objects):
            for port in service_ports(self.services.data[key], tuple(by_service.get(key, ()))):
                chosen = choose(port, self.config.node)
                inside = chosen.local if port.internal_local else chosen.cluster
                outside = chosen.local if port.external_local else chosen.cluster
                found.append(SocketService(port.cluster_ip, port.port, port.protocol, port.name, _written(inside)))
                if port.node_port:
                    own = self.config.address
                    found.append(SocketService(own, port.node_port, port.protocol, port.name, _written(outside)))
        return found


def _written(backends: tuple[Endpoint, ...]) -> tuple[str, ...]:
    return tuple(str(one) for one in backends)
