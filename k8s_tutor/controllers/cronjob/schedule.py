"""When a CronJob is due: the five fields of cron, its words, and time zones (github.com/robfig/cron/v3).

Times are Unix seconds. A day is due when the day of the month and the day of the week fit; when both are given, one is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from k8s_tutor.api.timezones import zone_of

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_UNITS = {"h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Of Go's durations, in ns."""
_YEARS = 5
"""A schedule that does not come up within five years never does."""


class Schedule(NamedTuple):
    """A schedule that has been read. ``every``: seconds between two times, instead of fields."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = False
    """Whether one of the two fields about days is a star: then both must fit."""
    every: int = 0
    zone: str = ""

    def after(self, unix: int) -> int | None:
        """The first time later than this one."""
        if self.every:
            return unix + self.every
        zone = zone_of(self.zone)
        start = datetime.fromtimestamp(unix, zone).replace(second=0, microsecond=0, fold=0, tzinfo=None)
        for day in self._days(start):
            for hour in sorted(self.hours):
                if day.replace(hour=hour) < start - timedelta(hours=3):
                    continue
                for fold in (0, 1):
                    for minute in sorted(self.minutes):
                        found = _unix(day.replace(hour=hour, minute=minute, fold=fold), zone)
                        if found is not None and found > unix:
                            return found
        return None

    def _days(self, start: datetime) -> Iterator[datetime]:
        day = start.replace(hour=0, minute=0)
        for _ in range(366 * _YEARS):
            weekday = (day.weekday() + 1) % 7
            both = (day.day in self.days, weekday in self.weekdays)
            if day.month in self.months and (all(both) if self.any_day else any(both)):
                yield day
            day += timedelta(days=1)


def _unix(local: datetime, zone: tzinfo) -> int | None:
    """Unix seconds of a local time; None when the clocks skip it. ``fold=1``: of an hour that comes twice, the second time."""
    at = local.replace(tzinfo=zone)
    unix = int(at.timestamp())
    return unix if datetime.fromtimestamp(unix, zone).replace(tzinfo=None) == local else None


@lru_cache(maxsize=256)
def parse(text: str, zone: str = "") -> Schedule:
    """Reads a schedule that the API server has accepted. Raises ValueError."""
    text = text.strip()
    if text.startswith("@every "):
        return Schedule(every=max(_duration(text.removeprefix("@every ")) // _UNITS["s"], 1))
    parts = _WORDS.get(text, text).split()
    if len(parts) != len(_RANGES):
        raise ValueError(f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]")
    minutes, hours, days, months, weekdays = (_field(part, *span) for part, span in zip(parts, _RANGES, strict=True))
    star = any(piece in ("*", "?", "*/1", "?/1") for part in (parts[2], parts[4]) for piece in part.split(","))
    return Schedule(minutes, hours, days, months, weekdays, any_day=star, zone=zone)


def _duration(text: str) -> int:
    """``1h30m`` in ns."""
    total, number = 0, ""
    unit = ""
    for char in text + "0":
        if (char.isdigit() or char == ".") and unit:
            total += int(float(number) * _UNITS[unit])
            number, unit = "", ""
        if char.isdigit() or char == ".":
            number += char
        else:
            unit += char
    return total


def _field(text: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for piece in text.lower().split(","):
        span, slash, step = piece.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        else:
            ends = [_number(end, high) for end in span.split("-")]
            first, last = ends[0], ends[-1]
            if slash and len(ends) == 1:
                last = high
        found.update(range(first, last + 1, int(step or "1")))
    return frozenset(found)


def _number(text: str, high: int) -> int:
    if high == 12 and text in _MONTHS:
        return _MONTHS.index(text) + 1
    if high == 6 and text in _DAYS:
        return _DAYS.index(text)
    return int(text)
