"""What Kubernetes adds to CEL: quantities, addresses, URLs, versions, sets, formats, and functions of lists and strings.

The evaluator knows no types but its own, so a value of another type is a map with one key, its mark: ``{"\\0ip": "10.0.0.1"}``.
Two such values are equal when they mean the same. A *package* (``ip`` in ``ip.isCanonical(text)``) is such a map too, which the
function gets as its first argument. Functions raise ValueError with Kubernetes' text.
Sources: apiserver pkg/cel/library; cel-go ext/strings.go, ext/sets.go.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

from k8s_tutor.api import quantity
from k8s_tutor.api.validation import names

Tree = dict[str, Any]
Problems = Sequence[str]

_QUANTITY, _IP, _CIDR, _URL, _SEMVER, _FORMAT = "\0quantity", "\0ip", "\0cidr", "\0url", "\0semver", "\0format"
_PACKAGE = "\0package"
PACKAGES = ("format", "ip", "jsonpatch", "sets")
"""Names that are no variables although a function is called on them."""


def package(name: str) -> Tree:
    """What stands for a package in an expression."""
    return {_PACKAGE: name}


def is_a(value: Any, mark: str) -> bool:
    """Whether a value is of one of the types that are not CEL's own."""
    return isinstance(value, dict) and mark in value


def _no_overload(name: str) -> ValueError:
    return ValueError(f"found no matching overload for '{name}'")


# ---------------------------------------------------------------------- quantities and versions


def _quantity(text: str) -> Tree:
    try:
        return {_QUANTITY: str(quantity.nano(text))}
    except ValueError as error:
        raise ValueError(f"quantity parse error: {error}") from None


def _holds(make: Callable[[str], Any]) -> Callable[[Any], bool]:
    """Whether a text can be read so: ``isQuantity``, ``isIP``, ..."""

    def check(text: Any) -> bool:
        try:
            make(text)
        except (ValueError, AttributeError, TypeError):
            return False
        return True

    return check


_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][\w-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][\w-]*))*))?"
    r"(?:\+[\w.-]+)?", re.A,
)  # fmt: skip


def _semver(text: str, normalize: bool = False) -> Tree:
    if normalize:
        core, mark, rest = text.removeprefix("v").partition("-")
        numbers = [part.lstrip("0") or "0" for part in core.split(".")]
        text = ".".join((*numbers, "0", "0")[: max(3, len(numbers))]) + mark + rest
    if _VERSION.fullmatch(text) is None:
        raise ValueError(f'semver parse error: invalid version "{text}"')
    return {_SEMVER: text.partition("+")[0]}


def _version_key(text: str) -> tuple[Any, ...]:
    core, _, rest = text.partition("-")
    tail = tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in rest.split(".")) if rest else ()
    return (*[int(part) for part in core.split(".")], not rest, tail)


def _key(value: Any) -> Any:
    """By what values are put in order."""
    if is_a(value, _QUANTITY):
        return int(value[_QUANTITY])
    if is_a(value, _SEMVER):
        return _version_key(value[_SEMVER])
    raise _no_overload("compareTo")


def _compare(left: Any, right: Any) -> int:
    first, second = _key(left), _key(right)
    return int(first > second) - int(first < second)


def _nanos(value: Any) -> int:
    if not is_a(value, _QUANTITY):
        raise _no_overload("quantity")
    return int(value[_QUANTITY])


def _added(value: Any, other: Any, sign: int) -> Tree:
    """A whole number may be added as it is."""
    more = other * quantity.NANO if isinstance(other, int) else _nanos(other)
    return {_QUANTITY: str(_nanos(value) + sign * more)}


def _as_integer(value: Any) -> int:
    nanos = _nanos(value)
    if nanos % quantity.NANO:
        raise ValueError("cannot convert value to integer")
    return nanos // quantity.NANO


def _part_of_version(index: int) -> Callable[[Any], int]:
    return lambda value: int(value[_SEMVER].partition("-")[0].split(".")[index])


# ---------------------------------------------------------------------- addresses


def _address(text: Any) -> Any:
    return ipaddress.ip_address(text[_IP] if is_a(text, _IP) else text)


def _network(text: Any) -> Any:
    return ipaddress.ip_interface(text[_CIDR] if is_a(text, _CIDR) else text)


def _ip(value: Any) -> Tree:
    """``ip('10.0.0.1')``, or the address of a CIDR."""
    if is_a(value, _CIDR):
        return {_IP: str(_network(value).ip)}
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        text = f"IP Address '{value}' parse error during conversion from string: ParseAddr(\"{value}\"): unable to parse IP"
        raise ValueError(text) from None
    if getattr(found, "ipv4_mapped", None):
        raise ValueError(f'IP Address "{value}" parse error: IPv4-mapped IPv6 address is not allowed')
    return {_IP: str(found)}


def _cidr(text: str) -> Tree:
    try:
        if "/" not in text:
            raise ValueError
        return {_CIDR: str(ipaddress.ip_interface(text))}
    except ValueError:
        raise ValueError(f"network address parse error during conversion from string: netip.ParsePrefix(\"{text}\")") from None


def _contains_ip(cidr: Any, ip: Any) -> bool:
    network = _network(cidr).network
    address = _address(_ip(ip) if isinstance(ip, str) else ip)
    return address.version == network.version and address in network


def _contains_cidr(cidr: Any, other: Any) -> bool:
    outer, inner = _network(cidr).network, _network(_cidr(other) if isinstance(other, str) else other).network
    return bool(outer.version == inner.version and inner.subnet_of(outer))


def _global(address: Any) -> bool:
    """What Go calls a global unicast address, private ones included."""
    return not (address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
                or str(address) == "255.255.255.255")  # fmt: skip


# ---------------------------------------------------------------------- URLs


def _url(text: str) -> Tree:
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")):
        raise ValueError(f'URL parse error during conversion from string: parse "{text}": invalid URI for request')
    _ = parts.port  # raises ValueError when it is no number
    return {_URL: text}


def _of_url(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        if not is_a(value, _URL):
            raise _no_overload("url")
        return take(urlsplit(value[_URL]))

    return function


def _hostname(parts: Any) -> str:
    """As it is written, where the library's own is in lower case."""
    host = parts.netloc.rpartition("@")[2]
    return str(host[1 : host.index("]")]) if host.startswith("[") and "]" in host else str(host.partition(":")[0])


# ---------------------------------------------------------------------- lists, sets and strings


def _sum(items: list[Any]) -> Any:
    return sum(items[1:], items[0]) if items else 0


def _extreme(name: str, choose: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def function(items: list[Any]) -> Any:
        if not items:
            raise ValueError(f"{name} called on empty list")
        return choose(items)

    return function


def _index(items: Any, wanted: Any, start: int = 0) -> int:
    if isinstance(items, str):
        return items.find(wanted, start)
    return items.index(wanted) if wanted in items else -1


def _last_index(items: Any, wanted: Any, end: int | None = None) -> int:
    if isinstance(items, str):
        return items.rfind(wanted) if end is None else items.rfind(wanted, 0, end + len(wanted))
    return len(items) - 1 - items[::-1].index(wanted) if wanted in items else -1


def _contains(one: Any, first: Any, second: Any = None) -> bool:
    """``text.contains(part)``, or ``sets.contains(list, part)``: the first has all that the second has."""
    return all(item in first for item in second) if is_a(one, _PACKAGE) else first in one


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match[0] for match in re.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def _in_range(text: str, at: int) -> int:
    if not 0 <= at <= len(text):
        raise ValueError(f"index out of range: {at}")
    return at


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else _in_range(text, end)
    if _in_range(text, start) > stop:
        raise ValueError(f"invalid substring range. start: {start}, end: {stop}")
    return text[start:stop]


def _split(text: str, by: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not by:
        return list(text) if limit < 0 else [*text[: limit - 1], text[limit - 1 :]]
    return text.split(by, limit - 1 if limit > 0 else -1)


def _shown(value: Any, quoted: bool = False) -> str:
    """A value as ``%s`` and ``string()`` write it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, float):
        return f"{value:g}" if value != int(value) else str(int(value))
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, dict):
        if len(value) == 1 and str(next(iter(value))).startswith("\0"):
            return str(next(iter(value.values())))
        return "{" + ", ".join(f"{_shown(key)}: {_shown(value[key])}" for key in sorted(value, key=str)) + "}"
    return str(value)


_VERB = re.compile(r"%(?:\.(\d+))?([sdfebxXo%])?")


def _formatted(text: str, values: list[Any]) -> str:
    """``'%s has %d'.format([name, count])``."""
    rest = iter(values)
    used = 0

    def one(match: re.Match[str]) -> str:
        nonlocal used
        digits, verb = match[1], match[2]
        if verb == "%":
            return "%"
        if verb is None:
            raise ValueError(f"could not parse formatting clause: unrecognized formatting clause \"{text[match.end():][:1]}\"")
        used += 1
        try:
            value = next(rest)
        except StopIteration:
            raise ValueError(f"index {used - 1} out of range") from None
        if verb == "s":
            return _shown(value)
        if verb in "xX" and isinstance(value, str | bytes):
            found = (value.encode() if isinstance(value, str) else value).hex()
            return found.upper() if verb == "X" else found
        if verb in "dboxX" and not isinstance(value, int):
            raise ValueError("error during formatting: only integers can be formatted so")
        if verb in "fe":
            return f"{float(value):.{digits or 6}{verb}}"
        return format(int(value), verb)

    return _VERB.sub(one, text)


# ---------------------------------------------------------------------- formats

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def _prefix(check: Callable[[str], Problems]) -> Callable[[str], Problems]:
    """A name that something is put behind may end with a dash."""
    return lambda text: check(f"{text[:-1]}a" if text.endswith("-") else text)


def _shaped(pattern: re.Pattern[str], words: str) -> Callable[[str], Problems]:
    return lambda text: [] if pattern.fullmatch(text) else [words]


_FORMATS: dict[str, Callable[[str], Problems]] = {
    "dns1123Label": names.dns_label, "dns1123LabelPrefix": _prefix(names.dns_label),
    "dns1123Subdomain": names.dns_subdomain, "dns1123SubdomainPrefix": _prefix(names.dns_subdomain),
    "dns1035Label": names.dns1035_label, "dns1035LabelPrefix": _prefix(names.dns1035_label),
    "qualifiedName": names.qualified_name, "labelValue": names.label_value,
    "uri": lambda text: [] if _holds(_url)(text) else [f'parse "{text}": invalid URI for request'],
    "uuid": _shaped(_UUID, "does not match the UUID format"),
    "byte": _shaped(_BASE64, "invalid base64"),
    "date": _shaped(_DATE, "invalid date"),
    "datetime": lambda text: [] if _holds(datetime.fromisoformat)(text) else ["invalid datetime"],
}  # fmt: skip


def _named_format(_: Any, name: str) -> Tree | None:
    return {_FORMAT: name} if name in _FORMATS else None


def _validate(form: Any, text: str) -> list[str] | None:
    """None, or all that is wrong with a text."""
    return list(_FORMATS[form[_FORMAT]](text)) or None


def _format_function(name: str) -> Callable[[Any], Tree]:
    return lambda _: {_FORMAT: name}


# ---------------------------------------------------------------------- the table

OPTIONAL: dict[str, Callable[..., Any]] = {"named": _named_format, "validate": _validate}
"""What gives an optional value: none of it for None."""
LIBRARY: dict[str, Callable[..., Any]] = {
    "isSorted": lambda items: all(left <= right for left, right in pairwise(items)),
    "sum": _sum, "min": _extreme("min", min), "max": _extreme("max", max),
    "indexOf": _index, "lastIndexOf": _last_index,
    "contains": _contains,
    "equivalent": lambda _, one, other: all(item in other for item in one) and all(item in one for item in other),
    "intersects": lambda _, one, other: any(item in other for item in one),
    "find": _find, "findAll": _find_all,
    "quantity": _quantity, "isQuantity": _holds(_quantity),
    "sign": lambda value: (_nanos(value) > 0) - (_nanos(value) < 0),
    "isInteger": lambda value: _nanos(value) % quantity.NANO == 0,
    "asInteger": _as_integer, "asApproximateFloat": lambda value: _nanos(value) / quantity.NANO,
    "add": lambda value, other: _added(value, other, 1), "sub": lambda value, other: _added(value, other, -1),
    "isGreaterThan": lambda left, right: _compare(left, right) > 0,
    "isLessThan": lambda left, right: _compare(left, right) < 0,
    "compareTo": _compare,
    "semver": _semver, "isSemver": lambda text, *more: _holds(lambda one: _semver(one, *more))(text),
    "major": _part_of_version(0), "minor": _part_of_version(1), "patch": _part_of_version(2),
    "ip": _ip, "isIP": _holds(_ip), "isCanonical": lambda _, text: _ip(text)[_IP] == text,
    "family": lambda ip: _address(ip).version,
    "isUnspecified": lambda ip: _address(ip).is_unspecified, "isLoopback": lambda ip: _address(ip).is_loopback,
    "isLinkLocalUnicast": lambda ip: _address(ip).is_link_local,
    "isLinkLocalMulticast": lambda ip: str(_address(ip)).startswith(("224.0.0.", "ff02:")),
    "isGlobalUnicast": lambda ip: _global(_address(ip)),
    "cidr": _cidr, "isCIDR": _holds(_cidr), "containsIP": _contains_ip, "containsCIDR": _contains_cidr,
    "masked": lambda cidr: {_CIDR: str(_network(cidr).network)},
    "prefixLength": lambda cidr: _network(cidr).network.prefixlen,
    "url": _url, "isURL": _holds(_url),
    "getScheme": _of_url(lambda parts: parts.scheme), "getHost": _of_url(lambda parts: parts.netloc.rpartition("@")[2]),
    "getHostname": _of_url(_hostname), "getPort": _of_url(lambda parts: str(parts.port or "")),
    "getEscapedPath": _of_url(lambda parts: parts.path),
    "getQuery": _of_url(lambda parts: parse_qs(parts.query, keep_blank_values=True)),
    **OPTIONAL, **{name: _format_function(name) for name in _FORMATS},
    "escapeKey": lambda _, key: key.replace("~", "~0").replace("/", "~1"),
    "lowerAscii": str.lower, "upperAscii": str.upper, "trim": str.strip, "split": _split,
    "join": lambda items, by="": by.join(items),
    "replace": lambda text, old, new, limit=-1: text.replace(old, new, limit),
    "substring": _substring, "charAt": lambda text, at: text[_in_range(text, at) : at + 1],
    "reverse": lambda text: text[::-1], "format": _formatted,
}  # fmt: skip
"""Functions and methods by name; a method gets what it is called on first."""

LATE: dict[str, Callable[..., Any]] = {"string": _shown}
"""Functions of the language that also take these types: used where an expression makes values of them."""
MAKERS = frozenset(("ip", "cidr", "masked"))
"""What makes values that ``string()`` takes."""
