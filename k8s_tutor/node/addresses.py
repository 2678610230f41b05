"""Who has which address: the plan of the machines' own addresses and of the pods' ranges, which routes follow."""

from __future__ import annotations


def pod_cidr(number: int) -> str:
    """The range of pod addresses of a node: ``10.244.<number>.0/24`` (the third byte wraps into the second after 255)."""
    return f"10.{244 + (number >> 8)}.{number & 255}.0/24"


def address(number: int) -> str:
    """The machine's own address."""
    return f"192.168.{number // 200}.{10 + number % 200}"


MANAGERS = 1_000
"""Managers have the numbers behind it: ``cp-2`` is 1002."""


def number_of(process: str) -> int:
    """The number of the machine of ``shim-3`` or ``shim-cp-2``."""
    number = int(process.rpartition("-")[2])
    return number + MANAGERS if "-cp-" in process else number


def shim_of(number: int) -> str:
    """The shim of a machine."""
    return f"shim-cp-{number - MANAGERS}" if number > MANAGERS else f"shim-{number}"


def machine_of(ip: str) -> int:
    """The number of the node that has this address, or in whose range it is; 0 for none."""
    parts = [int(part) for part in ip.split(".")]
    if parts[0] == 10 and parts[1] >= 244:
        return (parts[1] - 244) << 8 | parts[2]
    if parts[:2] == [192, 168] and parts[3] >= 10:
        return parts[2] * 200 + parts[3] - 10
    return 0
