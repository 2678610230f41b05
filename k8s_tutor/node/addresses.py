"""Addresses: arithmetic on IPv4, and the plan of the machines' own addresses and of their ranges for pods."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

MANAGERS = 1_000
"""Managers have the numbers behind it: ``cp-2`` is 1002."""
SUBNETS = 16
"""The machines' network 172.31.0.0/16 has so many subnets, each a /20."""


@lru_cache(maxsize=65_536)
def number(address: str) -> int:
    """An IPv4 address as an integer."""
    a, b, c, d = address.split(".")
    return int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)


def dotted(address: int) -> str:
    """An integer as an IPv4 address."""
    return f"{address >> 24 & 255}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


@lru_cache(maxsize=65_536)
def subnet(cidr: str) -> tuple[int, int, int]:
    """(first address, number of addresses, prefix length) of a CIDR."""
    address, _, prefix = cidr.partition("/")
    length = int(prefix or "32")
    size = 1 << (32 - length)
    return number(address) & ~(size - 1), size, length


def within(address: str, cidr: str) -> bool:
    """Whether an address is in a range."""
    base, size, _ = subnet(cidr)
    return base <= number(address) < base + size


def network(address: str) -> str:
    """``10.244.1.0/24`` of ``10.244.1.5/24``."""
    base, _, length = subnet(address)
    return f"{dotted(base)}/{length}"


def bare(address: str) -> str:
    """``10.244.1.5`` of ``10.244.1.5/24``."""
    return address.partition("/")[0]


def mac(text: str) -> str:
    """A locally administered hardware address, the same for the same text."""
    found = sha256(text.encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (found[0] & 0xFE | 2, *found[1:6]))


def pod_cidr(number: int) -> str:
    """The range of pod addresses of a node: ``10.244.<number>.0/24`` (the third byte wraps into the second after 255)."""
    return f"10.{244 + (number >> 8)}.{number & 255}.0/24"


def address(number: int, place: int = 0) -> str:
    """The own address of a machine in the subnet with that place: 172.31.<16 · place + ...>."""
    return f"172.31.{16 * place + number // 200}.{10 + number % 200}"


def number_of(process: str) -> int:
    """The number of the machine of ``shim-3`` or ``shim-cp-2``."""
    number = int(process.rpartition("-")[2])
    return number + MANAGERS if "-cp-" in process else number


def shim_of(number: int) -> str:
    """The shim of a machine."""
    return f"shim-cp-{number - MANAGERS}" if number > MANAGERS else f"shim-{number}"


def machine_of(ip: str) -> int:
    """The number of the machine that has this address as its own, or the pod range in which it is; 0 for none."""
    a, b, c, d = (int(part) for part in ip.split("."))
    if a == 10 and b >= 244:
        return (b - 244) << 8 | c
    if (a, b) == (172, 31) and d >= 10:
        return c % SUBNETS * 200 + d - 10
    return 0
