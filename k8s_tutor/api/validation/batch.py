"""Jobs and CronJobs (pkg/apis/batch/validation)."""

from __future__ import annotations

import re
from typing import Any

from k8s_tutor.api import selectors
from k8s_tutor.api.status import Cause
from k8s_tutor.api.timezones import zone_of
from k8s_tutor.api.validation import dump, pods, selector
from k8s_tutor.api.validation.causes import (
    immutable,
    invalid,
    non_negative,
    not_supported,
    required,
)

Tree = dict[str, Any]

_INDEXED_MOST = 100_000
_NAME_MOST = 52
"""A CronJob's name gets eleven more characters for each of its jobs."""
_MODES = ("Indexed", "NonIndexed")
_CONCURRENCY = ("Allow", "Forbid", "Replace")
_REPLACEMENT = ("Failed", "TerminatingOrFailed")
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")


def job(found: list[Cause], tree: Tree) -> None:
    """A whole Job, which has its selector already."""
    spec = tree["spec"]
    _spec(found, "spec", spec)
    wanted = spec.get("selector")
    if wanted is None:
        found.append(required("spec.selector"))
        return
    selector.check(found, "spec.selector", wanted)
    labels = spec["template"].get("metadata", {}).get("labels")
    if not selectors.from_object(wanted).matches(labels):
        text = "`selector` does not match template `labels`"
        found.append(invalid("spec.template.metadata.labels", labels, text))


def _spec(found: list[Cause], field: str, spec: Tree) -> None:
    for name in ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
                 "backoffLimitPerIndex", "maxFailedIndexes"):  # fmt: skip
        non_negative(found, f"{field}.{name}", spec.get(name))
    mode = spec.get("completionMode", "NonIndexed")
    indexed = mode == "Indexed"
    if mode not in _MODES:
        found.append(not_supported(f"{field}.completionMode", mode, _MODES))
    if indexed:
        if "completions" not in spec:
            found.append(required(f"{field}.completions", "when completion mode is Indexed"))
        if spec.get("parallelism", 0) > _INDEXED_MOST:
            text = f"must be less than or equal to {_INDEXED_MOST} when completion mode is Indexed"
            found.append(invalid(f"{field}.parallelism", spec["parallelism"], text))
    elif "backoffLimitPerIndex" in spec:
        text = "requires indexed completion mode"
        found.append(invalid(f"{field}.backoffLimitPerIndex", spec["backoffLimitPerIndex"], text))
    if "maxFailedIndexes" in spec and "backoffLimitPerIndex" not in spec:
        text = "when maxFailedIndexes is specified"
        found.append(required(f"{field}.backoffLimitPerIndex", text))
    replacement = spec.get("podReplacementPolicy")
    if replacement is not None and replacement not in _REPLACEMENT:
        found.append(not_supported(f"{field}.podReplacementPolicy", replacement, _REPLACEMENT))
    _template(found, f"{field}.template", spec["template"], "podFailurePolicy" in spec)
    if "podFailurePolicy" in spec:
        _failure_policy(found, f"{field}.podFailurePolicy", spec)


def _template(found: list[Cause], field: str, template: Tree, policy: bool) -> None:
    pods.template(found, field, template)
    restart = template.get("spec", {}).get("restartPolicy")
    if restart == "Always":
        found.append(required(f"{field}.spec.restartPolicy", 'valid values: "OnFailure", "Never"'))
    elif restart not in ("OnFailure", "Never"):
        found.append(not_supported(f"{field}.spec.restartPolicy", restart, ("OnFailure", "Never")))
    elif policy and restart != "Never":
        text = 'only "Never" is supported when podFailurePolicy is specified'
        found.append(invalid(f"{field}.spec.restartPolicy", restart, text))


def _failure_policy(found: list[Cause], field: str, spec: Tree) -> None:
    for index, rule in enumerate(spec["podFailurePolicy"].get("rules") or ()):
        place = f"{field}.rules[{index}]"
        action = rule.get("action", "")
        if not action:
            found.append(required(f"{place}.action", "valid values: Count, FailIndex, FailJob, Ignore"))
        elif action not in _ACTIONS:
            found.append(not_supported(f"{place}.action", action, _ACTIONS))
        elif action == "FailIndex" and "backoffLimitPerIndex" not in spec:
            found.append(invalid(f"{place}.action", action, "requires the backoffLimitPerIndex to be set"))
        codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions")
        if codes is not None and patterns:
            text = "specifying both OnExitCodes and OnPodConditions is not supported"
            found.append(invalid(place, None, text))
        elif codes is None and not patterns:
            found.append(invalid(place, None, "specifying one of OnExitCodes and OnPodConditions is required"))


def _steady(spec: Tree) -> Tree:
    """What may change in the template of a job that is suspended and has not started."""
    template = dict(spec["template"])
    inner = dict(template.get("spec", {}))
    for name in ("nodeSelector", "tolerations", "schedulingGates"):
        inner.pop(name, None)
    metadata = {key: value for key, value in template.get("metadata", {}).items() if key not in ("labels", "annotations")}
    return {**template, "metadata": metadata, "spec": inner}


def job_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """A job's work is for life; how many work at a time is not."""
    fresh, stored = new["spec"], old["spec"]
    if fresh.get("completions") != stored.get("completions"):
        elastic = fresh.get("completionMode") == "Indexed" and fresh.get("completions") == fresh.get("parallelism")
        if fresh.get("completionMode") != "Indexed":
            found.append(immutable("spec.completions", fresh.get("completions")))
        elif not elastic:
            text = "can only be modified in tandem with spec.parallelism"
            found.append(invalid("spec.completions", fresh.get("completions"), text))
    if fresh.get("selector") != stored.get("selector"):
        found.append(immutable("spec.selector", fresh.get("selector")))
    if fresh["template"] != stored["template"]:
        waiting = stored.get("suspend") and not old.get("status", {}).get("startTime")
        if not waiting or _steady(fresh) != _steady(stored):
            found.append(invalid("spec.template", dump.template(fresh["template"]), "field is immutable"))
    for name in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        if fresh.get(name) != stored.get(name):
            found.append(immutable(f"spec.{name}", fresh.get(name)))


# ---------------------------------------------------------------------- CronJob


def cron_job(found: list[Cause], tree: Tree) -> None:
    """A whole CronJob."""
    name = tree["metadata"].get("name", "")
    if len(name) > _NAME_MOST:
        found.append(invalid("metadata.name", name, f"must be no more than {_NAME_MOST} characters"))
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
    _spec(found, field, spec)


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
