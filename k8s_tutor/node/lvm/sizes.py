"""Sizes as LVM, df and lsblk read and print them. Whole numbers only: nothing is lost in floats."""

from __future__ import annotations

import re

_UNITS = "bkmgtpe"
_SIZE = re.compile(r"(\d+)(?:\.(\d+))?\s*([bBsSkKmMgGtTpPeE]?)(?:i?[bB])?")
NAMES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def parse(text: str, unit: str = "m") -> int | None:
    """Bytes of ``10G``, ``512m``, ``1.5g``; a bare number is in ``unit`` (MiB for LVM). None for what is no size."""
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    letter = (found[3] or unit).lower()
    factor = 512 if letter == "s" else 1 << 10 * _UNITS.index(letter)
    fraction = found[2] or "0"
    ten: int = 10 ** len(fraction)
    return (int(found[1]) * ten + int(fraction)) * factor // ten


def _power(size: int) -> int:
    power = 0
    while size >= 1 << 10 * (power + 1) and power < 6:
        power += 1
    return power


def hundredths(size: int, power: int) -> tuple[int, bool]:
    """Hundredths of a unit, rounded to the nearest, and whether that is more than the size."""
    unit = 1 << 10 * power
    found = (size * 100 + unit // 2) // unit
    return found, found * unit > size * 100


def _rounded(size: int) -> tuple[str, int]:
    power = _power(size)
    if not power:
        return str(size), 0
    found, above = hundredths(size, power)
    return f"{'<' if above else ''}{found // 100}.{found % 100:02d}", power


def short(size: int) -> str:
    """``<10.00g``, ``4.00m``, ``0``: as reports print a size (units ``r``)."""
    if not size:
        return "0"
    text, power = _rounded(size)
    return text + _UNITS[power]


def long(size: int) -> str:
    """``<10.00 GiB``: as messages and displays print a size."""
    text, power = _rounded(size)
    return f"{text} {NAMES[power]}" if size else "0 B"


def percent(part: int, whole: int) -> str:
    """``12.34``."""
    found = min(part * 10_000 // whole, 10_000) if whole else 0
    return f"{found // 100}.{found % 100:02d}"


def blocks(size: int) -> str:
    """``9.8G``, ``974M``, ``10G``: as df -h and lsblk print a size, rounded up."""
    power = _power(size)
    unit = 1 << 10 * power
    if not power:
        return str(size)
    tenths = -(-size * 10 // unit)
    letter = "KMGTPE"[power - 1]
    if tenths >= 100:
        return f"{-(-size // unit)}{letter}"
    return f"{tenths // 10}.{tenths % 10}{letter}"


def disk(size: int) -> str:
    """``10G``, ``58.4G``: as lsblk prints a size, without a useless nought."""
    power = _power(size)
    tenths = (size * 10 + (1 << 10 * power) // 2) // (1 << 10 * power)
    letter = "BKMGTPE"[power]
    return f"{tenths // 10}{letter}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}{letter}"
