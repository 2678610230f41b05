"""IP addresses and ranges of them (apimachinery util/validation/ip.go, core validation ValidateEndpointIP).

Fields that take addresses have been strict about them since 1.36: one way to write an address.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

IP_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
CIDR_TEXT = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
NO_IP = (IP_TEXT,)

Address = IPv4Address | IPv6Address


def _plain(text: str) -> str:
    """A text whose numbers have no zeros in front, as older parsers read it."""
    if ":" in text:
        return text
    return ".".join(part.lstrip("0") or "0" if part.isdecimal() else part for part in text.split("."))


def _parsed(text: str) -> Address | None:
    try:
        return ip_address(_plain(text))
    except ValueError:
        return None


def is_ip(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address."""
    return not ip_problems(text)


def version(text: str) -> int:
    """4 or 6 of an address."""
    return ip_address(text).version


@lru_cache(maxsize=4096)
def ip_problems(text: str) -> tuple[str, ...]:
    """What is wrong with an address."""
    address = _parsed(text)
    if address is None or "%" in text:
        return NO_IP
    if _plain(text) != text:
        return ("must not have leading 0s",)
    if address.version == 6 and address.ipv4_mapped is not None:
        return ("must not be an IPv4-mapped IPv6 address",)
    return ()


@lru_cache(maxsize=4096)
def cidr_problems(text: str) -> tuple[str, ...]:
    """What is wrong with a range."""
    head, slash, length = text.partition("/")
    address = _parsed(head)
    if not slash or address is None or not length.isdecimal() or int(length) > address.max_prefixlen:
        return (CIDR_TEXT,)
    if _plain(head) != head or length != str(int(length)):
        return ("must not have leading 0s in IP or prefix length",)
    if address.version == 6 and address.ipv4_mapped is not None:
        return ("must not have an IPv4-mapped IPv6 address",)
    if ip_network(text, strict=False).network_address != address:
        return ("must not have bits set beyond the prefix length",)
    return ()


@lru_cache(maxsize=4096)
def endpoint_problems(text: str) -> tuple[str, ...]:
    """What is wrong with an address to which no traffic can go. The same addresses come again with every change of a slice."""
    address = ip_address(text)
    checks = (
        (address.is_unspecified, f"may not be unspecified ({text})"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (
            text.startswith(("224.0.0.", "ff02:")),
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
    )
    return tuple([problem for holds, problem in checks if holds])
