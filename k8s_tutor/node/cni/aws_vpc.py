"""The AWS VPC CNI: pods have addresses of the VPC, on network interfaces (ENIs) of the machine. No overlay.

How many interfaces an instance may have, and addresses on each, is a matter of its type: when they are used up, no further pod
gets one. ``ipamd`` keeps one interface's worth of addresses in reserve. Source: aws/amazon-vpc-cni-k8s pkg/ipamd,
misc/eni-max-pods.txt.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.addresses import dotted
from k8s_tutor.node.cni.agent import Agent, Allocate, Allocated, NoAddress
from k8s_tutor.node.kernel import Device, Entry, Masquerade, Route
from k8s_tutor.node.underlay import MACHINES, PREFIX, gateway
from k8s_tutor.sim import SECOND, Body, Context

INSTANCES = {
    "t3.micro": (2, 2), "t3.small": (3, 4), "t3.medium": (3, 6), "t3.large": (3, 12), "t3.xlarge": (4, 15),
    "t3.2xlarge": (4, 15), "m4.large": (2, 10), "m5.large": (3, 10), "m5.xlarge": (4, 15), "m5.2xlarge": (4, 15),
    "m5.4xlarge": (8, 30), "m5.8xlarge": (8, 30), "m5.12xlarge": (8, 30), "m5.16xlarge": (15, 50), "m5.24xlarge": (15, 50),
    "c5.large": (3, 10), "r5.large": (3, 10), "c6g.medium": (2, 4),
}  # fmt: skip
"""Instance type → (network interfaces, addresses of each)."""
ATTACH = 4 * SECOND
"""How long EC2 takes to attach an interface with its addresses."""
COOLING = 30 * SECOND
"""How long an address is not given again after its pod has gone."""
_MASQUERADE = Masquerade(
    "0.0.0.0/0", (MACHINES,),
    "-A AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment \"AWS, SNAT\" -m addrtype ! --dst-type LOCAL -j SNAT --to-source",
)  # fmt: skip


def max_pods(instance: str) -> int:
    """How many pods the kubelet of such an instance takes: one for each address that is not an interface's own, and two that
    use the machine's."""
    enis, ips = INSTANCES[instance]
    return enis * (ips - 1) + 2


def addresses_of(enis: int, ips: int) -> int:
    """How many addresses a machine needs beside its own."""
    return enis * ips - 1


class Attached(Body):
    """The agent's own timer: EC2 has attached an interface."""


class Cooled(Body):
    """The agent's own timer: an address may be given again."""

    address: str


class AwsNode(Agent):
    """The process ``aws-node-i`` (ipamd)."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.attaching = False
        self.cooling: dict[str, bool] = {}
        """Addresses that were free a moment ago."""

    @property
    def enis(self) -> int:
        """How many interfaces the machine has now."""
        return max(1, len(self.disk.ranges))

    def pool(self, eni: int) -> list[str]:
        """The addresses for pods on one interface, counted from 0."""
        base, ips = self.config.block[0], self.config.ips
        start = base if eni == 0 else base + ips - 1 + (eni - 1) * ips + 1
        return [dotted(start + offset) for offset in range(ips - 1) if start + offset <= self.config.block[1]]

    def primary(self, eni: int) -> str:
        """The own address of an interface."""
        base, ips = self.config.block[0], self.config.ips
        return self.config.address if eni == 0 else dotted(base + ips - 1 + (eni - 1) * ips)

    def free(self) -> list[tuple[str, int]]:
        """(address, interface) of all that can be given."""
        taken = self.disk.leases
        return [
            (address, eni) for eni in range(self.enis) for address in self.pool(eni)
            if address not in taken and address not in self.cooling
        ]  # fmt: skip

    def ready(self, ctx: Context) -> None:
        self._reserve(ctx)
        super().ready(ctx)

    def _reserve(self, ctx: Context) -> None:
        """Attaches an interface when less than one interface's worth of addresses is free (WARM_ENI_TARGET=1)."""
        unused = sum(1 for eni in range(self.enis) for address in self.pool(eni) if address not in self.disk.leases)
        if unused < self.config.ips - 1 and self.enis < self.config.enis and not self.attaching:
            self.attaching = True
            ctx.after(ATTACH, Attached())

    def heard(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Attached):
            self.attaching = False
            self.disk.ranges = tuple(self.primary(eni) for eni in range(self.enis + 1))
            ctx.note("cni.eni", node=self.config.node, enis=self.enis, addresses=len(self.free()))
            self._reserve(ctx)
            self.program(ctx)
        elif isinstance(body, Cooled):
            self.cooling.pop(body.address, None)

    def allocate(self, ctx: Context, asked: Allocate) -> Allocated | NoAddress | None:
        held = next((address for address, owner in self.disk.leases.items() if owner == asked.container), "")
        found = [(held, eni) for eni in range(self.enis) if held in self.pool(eni)] if held else self.free()
        if not found:
            return NoAddress("add cmd: failed to assign an IP address to container")
        address, eni = found[0]
        self.disk.leases[address] = asked.container
        self._reserve(ctx)
        return Allocated(f"{address}/32", table=str(eni + 1) if eni else "")

    def release(self, ctx: Context, container: str) -> str:
        address = super().release(ctx, container)
        if address:
            self.cooling[address] = True
            ctx.after(COOLING, Cooled(address), work=False)
        return address

    def wanted(self) -> tuple[Entry, ...] | None:
        via, found = gateway(self.config.address), list[Entry]([_MASQUERADE])
        for eni in range(1, self.enis):
            own, name, table = self.primary(eni), f"eth{eni}", str(eni + 1)
            found += [
                Device(name, "ether", mtu=self.config.mtu, mac="", addresses=(f"{own}/{PREFIX}",)),
                Route("0.0.0.0/0", name, via, netns=table), Route(f"{via}/32", name, netns=table),
            ]  # fmt: skip
        return tuple(found)
