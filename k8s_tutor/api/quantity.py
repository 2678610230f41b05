"""Resource quantities: ``100m``, ``1Gi``, ``0.5``, ``12e6`` (apimachinery api/resource/quantity.go).

A value is an exact integer count of nano-units, the finest that Kubernetes keeps (finer ones are rounded up).
"""

from __future__ import annotations

import re
from functools import lru_cache

NANO = 1_000_000_000

FORMAT_WRONG = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
SUFFIX_WRONG = "unable to parse quantity's suffix"

_SHAPE = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_NAMES = {power: suffix for suffix, power in _DECIMAL.items()}
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)")


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[int, str]:
    """(nano-units, format): format is ``binary``, ``decimal`` or ``exponent``. Raises ValueError."""
    match = _SHAPE.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise ValueError(FORMAT_WRONG)
    sign, whole, fraction, suffix = match[1], match[2], match[3] or "", match[4]
    digits, scale = int(whole + fraction), len(fraction)
    if suffix in _BINARY:
        numerator, style = digits * NANO << _BINARY[suffix], "binary"
    elif suffix in _DECIMAL:
        numerator, style = digits * 10 ** (9 + _DECIMAL[suffix]), "decimal"
    else:
        exponent = _EXPONENT.fullmatch(suffix)
        if exponent is None:
            raise ValueError(SUFFIX_WRONG)
        power, style = int(exponent[1]), "exponent"
        if abs(power) > 40:
            raise ValueError(SUFFIX_WRONG)
        numerator = digits * 10 ** (9 + power) if power >= -9 else digits
        scale += 0 if power >= -9 else -9 - power
    nanos = -(-numerator // 10**scale)
    return (-nanos if sign == "-" else nanos), style


def nano(text: str | int) -> int:
    """Exact value in nano-units. Raises ValueError with Kubernetes' text."""
    return _parse(str(text))[0]


@lru_cache(maxsize=4096)
def milli(text: str | int) -> int:
    """Value in thousandths, rounded up: CPU in millicores (``Quantity.MilliValue``)."""
    return -(-_parse(str(text))[0] // 1_000_000)


@lru_cache(maxsize=4096)
def value(text: str | int) -> int:
    """Value in whole units, rounded up: bytes, pods (``Quantity.Value``)."""
    return -(-_parse(str(text))[0] // NANO)


def compare(left: str | int, right: str | int) -> int:
    """-1, 0 or 1, as ``Quantity.Cmp``."""
    a, b = nano(left), nano(right)
    return (a > b) - (a < b)


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The one spelling that Kubernetes gives back: ``1000m`` → ``1``, ``1024Mi`` → ``1Gi``. Raises ValueError."""
    nanos, style = _parse(text)
    return render(nanos, style)


def render(nanos: int, style: str = "decimal") -> str:
    """Spell a value canonically (``Quantity.CanonicalizeBytes``); ``style`` is binary, decimal or exponent."""
    if nanos == 0:
        return "0"
    if style == "binary" and nanos % NANO == 0 and abs(nanos) >= 1024 * NANO:
        units, power = nanos // NANO, 0
        while units % 1024 == 0 and power < 6:
            units, power = units // 1024, power + 1
        return f"{units}{'' if power == 0 else 'KMGTPE'[power - 1] + 'i'}"
    power = -9
    while nanos % 1000 == 0 and power < 18:
        nanos, power = nanos // 1000, power + 3
    if style == "exponent":
        return f"{nanos}e{power}" if power else str(nanos)
    return f"{nanos}{_DECIMAL_NAMES[power]}"
