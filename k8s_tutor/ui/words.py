"""Instants and ages in a few characters, and small words of English."""

from __future__ import annotations

MS = 1_000
SECOND = 1_000_000


def clock(at: int) -> str:
    """An instant (µs) as a whole clock: ``00:03.214``, with hours from the first hour on."""
    ms = max(0, at) // MS
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
    return f"{hours}:{text}" if hours else text


def stamp(at: int) -> str:
    """An instant (µs) in nine cells at most: ``03.214``, later ``1:03.214``, from an hour on ``1h03m07s``."""
    ms = max(0, at) // MS
    minutes, rest = divmod(ms, 60_000)
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60:02}m{rest // 1000:02}s"
    seconds = f"{rest // 1000:02}.{rest % 1000:03}"
    return f"{minutes}:{seconds}" if minutes else seconds


def age(us: int) -> str:
    """A span of time (µs) for people: ``412 ms``, ``2.1 s``, ``48 s``, ``3m12s``, ``2h05m``."""
    us = max(0, us)
    if us < SECOND:
        return f"{us // MS} ms"
    seconds = us // SECOND
    if seconds < 10:
        return f"{seconds}.{us % SECOND // 100_000} s"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"


def count(number: int, one: str, many: str = "") -> str:
    """``1 pod``, ``3 pods``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(names: list[str], limit: int = 3) -> str:
    """``Alice, Bob and Carol``; beyond ``limit``: ``Alice, Bob and 4 more``."""
    if len(names) > limit:
        return f"{', '.join(names[: limit - 1])} and {len(names) - limit + 1} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def cores(thousandths: int) -> str:
    """CPU as Kubernetes writes it: ``250m``, ``4``."""
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def memory(size: int) -> str:
    """Bytes in the nearest binary unit that keeps at least two digits: ``512Mi``, ``16Gi``."""
    for unit, power in (("Gi", 30), ("Mi", 20), ("Ki", 10)):
        if size >= 10 << power or (size >= 1 << power and size % (1 << power) == 0):
            return f"{size >> power}{unit}"
    return str(size)
