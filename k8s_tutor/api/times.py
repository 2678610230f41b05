"""Virtual instants and how Kubernetes writes them.

An instant is an integer number of microseconds since an epoch, itself whole seconds since 1970 (Unix time). Objects carry
``Time`` (RFC 3339, whole seconds, UTC) and ``MicroTime`` (with six digits); sources: apimachinery meta/v1 time.go and
micro_time.go. Ages are written as kubectl does (apimachinery duration.HumanDuration).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = 1_767_225_600
"""2026-01-01T00:00:00Z in Unix seconds: the default start of a world."""

_START = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


@lru_cache(maxsize=4096)
def _second(unix: int) -> str:
    return (_START + timedelta(seconds=unix)).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(instant: int, epoch: int = EPOCH) -> str:
    """``Time`` of an instant (µs since ``epoch``), cut to the whole second: ``2026-01-01T00:00:03Z``."""
    return _second(epoch + instant // 1_000_000) + "Z"


def micro_time(instant: int, epoch: int = EPOCH) -> str:
    """``MicroTime`` of an instant (µs since ``epoch``): ``2026-01-01T00:00:03.214000Z``."""
    return f"{_second(epoch + instant // 1_000_000)}.{instant % 1_000_000:06d}Z"


@lru_cache(maxsize=8192)
def unix_micros(text: str) -> int:
    """µs since 1970 of an RFC 3339 text; more than six digits of a second are cut. Raises ValueError."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006"')
    *date, fraction, zone = match.groups()
    try:
        at = datetime(*(int(part) for part in date), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        raise ValueError(f'parsing time "{text}": day out of range') from None
    micros = int((at - _START).total_seconds()) * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])
    if zone != "Z":
        hours, minutes = zone[1:].split(":")
        offset = (int(hours) * 3600 + int(minutes) * 60) * 1_000_000
        micros -= offset if zone[0] == "+" else -offset
    return micros


def parse(text: str, epoch: int = EPOCH) -> int:
    """The instant (µs since ``epoch``) that a ``Time`` or ``MicroTime`` names. Raises ValueError."""
    return unix_micros(text) - epoch * 1_000_000


def instant(stamp: datetime, epoch: int = EPOCH) -> int:
    """The instant (µs since ``epoch``) of a datetime, as the typed structs carry it; exact, without floats."""
    since = stamp - _START
    return (since.days * 86_400 + since.seconds - epoch) * 1_000_000 + since.microseconds


def human_duration(micros: int) -> str:
    """A duration as kubectl prints ages: ``4s``, ``2m8s``, ``119s``, ``5d3h`` (apimachinery util/duration)."""
    seconds = micros // 1_000_000
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if hours < 24 * 365 * 2:
        return f"{days}d"
    if hours < 24 * 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def age(stamp: str | None, now: int, epoch: int = EPOCH) -> str:
    """The age of an RFC 3339 stamp at ``now`` (µs since ``epoch``) as a table prints it; ``<unknown>`` without one."""
    return human_duration(now - parse(stamp, epoch)) if stamp else "<unknown>"
