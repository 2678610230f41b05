"""CronJobs (pkg/apis/batch/validation)."""

from __future__ import annotations

import re
from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.timezones import zone_of
from k8s_tutor.api.validation import jobs
from k8s_tutor.api.validation.causes import (
    invalid,
    non_negative,
    not_supported,
    required,
)

Tree = dict[str, Any]

_NAME_MOST = 52
"""A CronJob's name gets eleven more characters for each of its jobs."""
_CONCURRENCY = ("Allow", "Forbid", "Replace")


def cron_job(found: list[Cause], tree: Tree) -> None:
    """A whole CronJob."""
    name = tree["metadata"].get("name", "")
    if len(name) > _NAME_MOST:
        found.append(invalid("metadata.name", name, f"must be no more than {_NAME_MOST} bytes"))
    spec = tree["spec"]
    schedule = spec.get("schedule", "")
    if not schedule:
        found.append(required("spec.schedule"))
    else:
        problem = schedule_problem(schedule)
        if problem:
            found.append(invalid("spec.schedule", schedule, problem))
    non_negative(found, "spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    policy = spec.get("concurrencyPolicy", "")
    if not policy:
        found.append(required("spec.concurrencyPolicy"))
    elif policy not in _CONCURRENCY:
        found.append(not_supported("spec.concurrencyPolicy", policy, _CONCURRENCY))
    _inner_job(found, spec["jobTemplate"])
    for limit in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        non_negative(found, f"spec.{limit}", spec.get(limit))
    if "timeZone" in spec:
        _time_zone(found, spec["timeZone"])


def _time_zone(found: list[Cause], zone: str) -> None:
    """validateTimeZone."""
    if not zone:
        found.append(invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string"))
    elif zone.lower() == "local":
        text = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        found.append(invalid("spec.timeZone", zone, text))
    else:
        try:
            zone_of(zone)
        except ValueError as error:
            found.append(invalid("spec.timeZone", zone, str(error)))


def _inner_job(found: list[Cause], template: Tree) -> None:
    field, spec = "spec.jobTemplate.spec", template["spec"]
    if "selector" in spec:
        found.append(invalid(f"{field}.selector", spec["selector"], "`selector` will be auto-generated"))
    if spec.get("manualSelector"):
        found.append(not_supported(f"{field}.manualSelector", True, ("nil", "false")))
    jobs.spec(found, field, spec)


_FIELDS = (
    ("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day-of-month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day-of-week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)  # fmt: skip
_WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def schedule_problem(text: str) -> str:
    """What is wrong with a schedule (robfig/cron parser), or an empty text."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        return "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
    if text.startswith("@"):
        if text in _WORDS or re.fullmatch(r"@every (\d+(\.\d+)?(h|m|s|ms|us|ns))+", text):
            return ""
        return f"unrecognized descriptor: {text}"
    parts = text.split()
    if len(parts) != 5:
        return f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]"
    for part, (_, low, high, words) in zip(parts, _FIELDS, strict=True):
        for piece in part.split(","):
            problem = _piece_problem(piece, low, high, words)
            if problem:
                return problem
    return ""


def _piece_problem(piece: str, low: int, high: int, words: tuple[str, ...]) -> str:
    """A star, a number, a range, each with or without a step."""
    span, slash, step = piece.partition("/")
    if slash and not step.isdecimal():
        return f'failed to parse int from {step}: strconv.Atoi: parsing "{step}": invalid syntax'
    if slash and int(step) == 0:
        return f"step of range should be a positive number: {piece}"
    if span in ("*", "?"):
        return ""
    ends = span.split("-")
    if len(ends) > 2:
        return f"too many hyphens: {piece}"
    numbers = []
    for end in ends:
        if end.lower() in words:
            numbers.append(words.index(end.lower()) + low)
        elif end.isdecimal():
            numbers.append(int(end))
        else:
            return f'failed to parse int from {end}: strconv.Atoi: parsing "{end}": invalid syntax'
    if numbers[0] < low:
        return f"beginning of range ({numbers[0]}) below minimum ({low}): {piece}"
    if numbers[-1] > high:
        return f"end of range ({numbers[-1]}) above maximum ({high}): {piece}"
    if numbers[0] > numbers[-1]:
        return f"beginning of range ({numbers[0]}) beyond end of range ({numbers[-1]}): {piece}"
    return ""
