"""Time zones by name, as the library ``tzdata`` has them, never this machine: a run is the same everywhere."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC without one. Raises ValueError as Go's ``time.LoadLocation`` does."""
    if name in ("", "UTC"):
        return UTC
    parts = name.split("/")
    try:
        if not all(parts) or ".." in parts:
            raise ValueError(name)
        with files("tzdata").joinpath("zoneinfo", *parts).open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except (ValueError, OSError):
        raise ValueError(f"unknown time zone {name}") from None
