"""What programs write: templates of log lines and pages, filled in with what is so at that moment."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_tutor.api import times
from k8s_tutor.sim import MS, SECOND

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")
"""Of the week, beginning with that of 1970-01-01."""
OUT, ERR = 1, 2


def stamps(now: int, epoch: int) -> dict[str, str]:
    """The time as programs write it: ``{date}`` 2026-01-01, ``{time}`` 00:00:05, ``{ms}`` 123, ``{iso}`` RFC 3339 with
    milliseconds, ``{slashed}`` 2026/01/01, ``{clf}`` 01/Jan/2026:00:00:05 +0000, ``{dmy}`` 01 Jan 2026, ``{unix}``."""
    stamp = times.rfc3339(now, epoch)
    day, month = stamp[8:10], MONTHS[int(stamp[5:7]) - 1]
    millis = f"{now % SECOND // MS:03d}"
    return {
        "date": stamp[:10], "time": stamp[11:19], "ms": millis, "iso": f"{stamp[:-1]}.{millis}Z",
        "slashed": stamp[:10].replace("-", "/"), "clf": f"{day}/{month}/{stamp[:4]}:{stamp[11:19]} +0000",
        "dmy": f"{day} {month} {stamp[:4]}", "unix": str(epoch + now // SECOND),
    }  # fmt: skip


def ctime(now: int, epoch: int) -> str:
    """The time as C programs print it: ``Thu Jan  1 00:00:05 2026``."""
    stamp, day = times.rfc3339(now, epoch), (epoch + now // SECOND) // 86_400 % 7
    return f"{DAYS[day]} {MONTHS[int(stamp[5:7]) - 1]} {int(stamp[8:10]):>2} {stamp[11:19]} {stamp[:4]}"


def fill(template: str, values: dict[str, str]) -> str:
    """A template with its placeholders filled in."""
    if "{" in template:
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
    return template


def lines(templates: Iterable[str], values: dict[str, str]) -> list[tuple[int, str]]:
    """(channel, line) of each template."""
    return [(ERR if one.startswith("!") else OUT, fill(one.removeprefix("!"), values) + "\n") for one in templates]
