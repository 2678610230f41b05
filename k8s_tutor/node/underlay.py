"""The network between the machines: cables, subnets and routers, which know machines and nothing of pods, unless told.

Machines of one subnet reach each other at once; all else goes by the router of the sender's subnet, who looks at the
destination alone. Pure: a specification, not a process.
"""

from __future__ import annotations

from k8s_tutor.node.addresses import dotted, machine_of, number, subnet, within
from k8s_tutor.sim import Body

MACHINES = "172.31.0.0/16"
OUTSIDE = "198.51.100.0/24"
"""Clients outside the cluster."""
CLIENT = "198.51.100.10"
"""The machine at which one sits."""
PREFIX = 20


class Underlay(Body):
    """What the routers know. ``pod_routes``: each node's range for pods, as a cloud's route controller or an administrator
    writes them; ``blocks``: (first, last, machine) of addresses that a VPC has given to a machine beside its own."""

    mtu: int = 1500
    pod_routes: bool = True
    blocks: tuple[tuple[int, int, int], ...] = ()


def gateway(address: str) -> str:
    """The router of the subnet in which a machine is."""
    return dotted(subnet(f"{address}/{PREFIX}")[0] + 1)


def machine_at(net: Underlay, address: str) -> int:
    """The number of the machine to which routers send what is for this address; 0: they know none."""
    if within(address, MACHINES):
        wanted = number(address)
        held = next((machine for first, last, machine in net.blocks if first <= wanted <= last), 0)
        return held or machine_of(address)
    return machine_of(address) if net.pod_routes else 0


def next_machine(net: Underlay, sender: str, via: str, destination: str) -> int:
    """The number of the machine that gets a packet which the machine with the address ``sender`` hands to its neighbour
    ``via``: that neighbour, or, if it is the router, whoever has the destination. 0: nobody gets it."""
    if via == gateway(sender):
        return machine_at(net, destination)
    return machine_at(net, via) if within(via, f"{sender}/{PREFIX}") else 0
