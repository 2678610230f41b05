"""Names that the machine invents: generateName suffixes, pod-template hashes, cluster IPs, uids.

Chance is handed in as a function ``draw(bound) -> int`` in [0, bound), so that everything here stays pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from k8s_tutor.api import numbers

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no digits that look like letters (apimachinery util/rand)."""

SERVICE_BASE = 10 << 24 | 96 << 16
"""10.96.0.0, the first address of the service range 10.96.0.0/12."""
SERVICE_SIZE = 1 << 20
SERVICE_RESERVED = 256
"""The first min(max(16, size / 16), 256) addresses are kept for static use (KEP-3070)."""
NODE_PORT_FIRST, NODE_PORT_LAST = 30_000, 32_767

Draw = Callable[[int], int]


def suffix(draw: Draw, length: int = 5) -> str:
    """Random letters of the safe alphabet, as ``rand.String``."""
    number = draw(len(ALPHABET) ** length)
    letters = ""
    for _ in range(length):
        number, place = divmod(number, len(ALPHABET))
        letters += ALPHABET[place]
    return letters


def generate_name(base: str, draw: Draw) -> str:
    """``web-`` → ``web-x7k2p``: the base is cut to 58 characters (apiserver storage/names)."""
    return base[:58] + suffix(draw)


def safe_encode(text: str) -> str:
    """Write decimal digits in the safe alphabet (``rand.SafeEncodeString``): no bad words, no look-alikes."""
    return "".join(ALPHABET[ord(character) % len(ALPHABET)] for character in text)


def template_hash(template: Any, collision_count: int | None = None) -> str:
    """The ``pod-template-hash`` of a pod template (a JSON tree or a struct that msgspec can encode).

    As the real one: FNV-1a, 32 bit, over a deterministic print of the template and the collision count, then the safe
    alphabet. The real print is Go's; ours is canonical JSON, so the letters differ from those of a real cluster.
    """
    value = 2_166_136_261
    data = msgspec.json.encode(template, order="deterministic")
    if collision_count is not None:
        data += collision_count.to_bytes(8, "little", signed=True)
    for byte in data:
        value = (value ^ byte) * 16_777_619 & 0xFFFFFFFF
    return safe_encode(str(value))


def uid(draw: Draw) -> str:
    """A version 4 UUID."""
    high, low = draw(1 << 62), draw(1 << 62)
    digits = f"{(high >> 14) & 0xFFFFFFFFFFFF:012x}4{high & 0xFFF:03x}{8 + (low & 3):x}{(low >> 2) & (1 << 60) - 1:015x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def dotted(address: int) -> str:
    """An IPv4 address as text."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def service_offset(address: str) -> int | None:
    """The place of an address in the service range, or None when it lies outside or is the network or broadcast one."""
    parts = address.split(".")
    if len(parts) != 4:
        return None
    number = 0
    for part in parts:
        byte = numbers.unsigned(part)
        if byte is None or byte > 255:
            return None
        number = number << 8 | byte
    offset = number - SERVICE_BASE
    return offset if 0 < offset < SERVICE_SIZE - 1 else None


def allocate_cluster_ip(taken: Collection[str], draw: Draw) -> str:
    """A free address from the upper part of the service range. Raises RuntimeError when the range is full."""
    upper = SERVICE_SIZE - 1 - SERVICE_RESERVED - 1
    start = draw(upper)
    for step in range(upper):
        address = dotted(SERVICE_BASE + SERVICE_RESERVED + 1 + (start + step) % upper)
        if address not in taken:
            return address
    raise RuntimeError("range is full")


def allocate_node_port(taken: Collection[int], draw: Draw) -> int:
    """A free node port from the upper part of 30000-32767 (the first 86 are kept for static use). RuntimeError when full."""
    first = NODE_PORT_FIRST + 86
    count = NODE_PORT_LAST + 1 - first
    start = draw(count)
    for step in range(count):
        port = first + (start + step) % count
        if port not in taken:
            return port
    raise RuntimeError("range is full")
