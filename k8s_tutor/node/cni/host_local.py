"""Address management ``host-local`` (containernetworking/plugins): addresses of one range, handed out in turn.

The search starts after the address that was given last; ``.1`` is the gateway. Leases are files, so they survive.
"""

from __future__ import annotations

from k8s_tutor.node.addresses import dotted, number, subnet
from k8s_tutor.sim import State


class CniDisk(State):
    """The files of host-local: who has which address, and which was given last."""

    def __init__(self) -> None:
        self.leases: dict[str, str] = {}
        """Address → id of the sandbox."""
        self.last_reserved = ""
        self.queue: dict[str, bool] = {}
        """Sandboxes that were deleted while the agent was away, and whose addresses it must still take back."""


def reserve(disk: CniDisk, container: str, cidr: str) -> str:
    """The address of a container, or the next free one of a range after the last one given; an empty text when there is
    none."""
    base, size, _ = subnet(cidr)
    held = next((address for address, owner in disk.leases.items() if owner == container), "")
    if held:
        return held
    last = number(disk.last_reserved) - base if disk.last_reserved else 1
    for step in range(1, size):
        offset = (last + step) % size
        address = dotted(base + offset)
        if 2 <= offset <= size - 2 and address not in disk.leases:
            disk.leases[address] = container
            disk.last_reserved = address
            return address
    return ""


def release(disk: CniDisk, container: str) -> list[str]:
    """Gives the addresses of a container back."""
    found = [address for address, owner in disk.leases.items() if owner == container]
    for address in found:
        del disk.leases[address]
    return found


def full(cidr: str) -> str:
    """What host-local says when a range is full."""
    base, size, _ = subnet(cidr)
    span = f"{dotted(base + 1)}-{dotted(base + size - 2)}"
    return f"failed to allocate for range 0: no IP addresses available in range set: {span}"
