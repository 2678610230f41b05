"""The status of Jobs, which controllers of others may write too (pkg/apis/batch/validation ValidateJobUpdateStatus)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation.causes import duplicate, immutable, invalid, non_negative, omitted, required
from k8s_tutor.api.validation.jobpolicies import index_total, indexes

Tree = dict[str, Any]

_NUMBERS = ("active", "succeeded", "failed", "ready", "terminating")
_CONDITIONS = "status.conditions"


def _true(status: Tree, *kinds: str) -> bool:
    rows = status.get("conditions") or ()
    return any(row.get("type") in kinds and row.get("status") == "True" for row in rows)


def check(found: list[Cause], new: Tree, old: Tree) -> None:
    """A job's next status. Each rule looks only at what changes, so that a job which broke it before can go on."""
    spec, fresh, stored = new["spec"], new.get("status", {}), old.get("status", {})
    for name in _NUMBERS:
        non_negative(found, f"status.{name}", fresh.get(name))
    _uncounted(found, fresh.get("uncountedTerminatedPods") or {})
    _outcome(found, spec, fresh, stored)
    _finished(found, fresh, stored)
    _times(found, spec, fresh, stored)
    _indexes(found, spec, fresh, stored)
    if _changed(fresh, stored, "ready", "active") and fresh.get("ready", 0) > fresh.get("active", 0):
        found.append(invalid("status.ready", fresh["ready"], "cannot set more ready pods than active"))
    for kind in ("Failed", "Complete", "FailureTarget", "SuccessCriteriaMet"):
        if _true(stored, kind) and not _true(fresh, kind):
            kinds = "terminal " if kind != "SuccessCriteriaMet" else ""
            found.append(omitted(_CONDITIONS, f"cannot disable the {kinds}{kind}=True condition"))
    elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for name in ("failed",) if elastic else ("failed", "succeeded"):
        if fresh.get(name, 0) < stored.get(name, 0):
            found.append(invalid(f"status.{name}", fresh.get(name, 0), f"cannot decrease the {name} counter"))


def _changed(fresh: Tree, stored: Tree, *fields: str) -> bool:
    return any(fresh.get(field) != stored.get(field) for field in fields)


def _turned(fresh: Tree, stored: Tree, *kinds: str) -> bool:
    """Whether one of some conditions has become true, or is no longer."""
    return any(_true(fresh, kind) != _true(stored, kind) for kind in kinds)


def _uncounted(found: list[Cause], uncounted: Tree) -> None:
    seen: list[str] = []
    for part in ("succeeded", "failed"):
        for at, uid in enumerate(uncounted.get(part) or ()):
            field = f"status.uncountedTerminatedPods.{part}[{at}]"
            if not uid:
                found.append(invalid(field, uid, "must not be empty"))
            elif uid in seen:
                found.append(duplicate(field, uid))
            seen.append(uid)


def _outcome(found: list[Cause], spec: Tree, fresh: Tree, stored: Tree) -> None:
    """Which conditions go together."""
    complete, failed = _true(fresh, "Complete"), _true(fresh, "Failed")
    target, met = _true(fresh, "FailureTarget"), _true(fresh, "SuccessCriteriaMet")
    rules = (
        (_turned(fresh, stored, "Complete", "Failed") and complete and failed,
         "cannot set Complete=True and Failed=true conditions"),
        (_turned(fresh, stored, "Complete", "FailureTarget") and complete and target,
         "cannot set Complete=True and FailureTarget=true conditions"),
        ((_turned(fresh, stored, "Failed") or _changed(fresh, stored, "failedIndexes")) and failed and not target,
         "cannot set Failed=True condition without the FailureTarget=true condition"),
        (_turned(fresh, stored, "Complete", "SuccessCriteriaMet") and complete and not met,
         "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
        (met and failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
        (met and target, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
        ("successPolicy" in spec and complete and not met,
         "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"),
        (_true(stored, "Complete") and not _true(stored, "SuccessCriteriaMet") and met,
         "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"),
    )  # fmt: skip
    found += [omitted(_CONDITIONS, text) for broken, text in rules if broken]


def _finished(found: list[Cause], fresh: Tree, stored: Tree) -> None:
    """A finished job has no pods left to wait for."""
    ends = _true(fresh, "Complete", "Failed")
    if not ends:
        return
    now = not _true(stored, "Complete", "Failed")
    for name in ("active", "terminating"):
        if (now or _changed(fresh, stored, name)) and fresh.get(name, 0) > 0:
            found.append(invalid(f"status.{name}", fresh[name], f"{name}>0 is invalid for finished job"))
    if (now or _changed(fresh, stored, "startTime")) and not fresh.get("startTime"):
        found.append(required("status.startTime", "startTime is required for finished job"))
    name = "uncountedTerminatedPods"
    left = fresh.get(name) or {}
    if (now or _changed(fresh, stored, name)) and (left.get("succeeded") or left.get("failed")):
        found.append(invalid(f"status.{name}", left, "must be empty for finished job"))


def _times(found: list[Cause], spec: Tree, fresh: Tree, stored: Tree) -> None:
    start, end, complete = fresh.get("startTime"), fresh.get("completionTime"), _true(fresh, "Complete")
    field = "status.completionTime"
    if _turned(fresh, stored, "Complete") or _changed(fresh, stored, "completionTime"):
        if end and not complete:
            found.append(invalid(field, end, "cannot set completionTime when there is no Complete=True condition"))
        if complete and not end:
            found.append(required(field, "completionTime is required for Complete jobs"))
    if _changed(fresh, stored, "startTime", "completionTime") and start and end and end < start:
        found.append(invalid(field, end, "must be equal to or after `startTime`"))
    if end and stored.get("completionTime") and end != stored["completionTime"]:
        found.append(immutable(field, end))
    if stored.get("startTime") and start != stored["startTime"] and not spec.get("suspend"):
        found.append(required("status.startTime", "startTime cannot be removed for unsuspended job"))


def _indexes(found: list[Cause], spec: Tree, fresh: Tree, stored: Tree) -> None:
    """Which indexes of an indexed job are done, and which are lost."""
    most, limited = spec.get("completions"), "backoffLimitPerIndex" in spec
    done, lost = fresh.get("completedIndexes", ""), fresh.get("failedIndexes")
    if _changed(fresh, stored, "completedIndexes"):
        if most is not None and (problem := index_total(done, most)[1]):
            text = f"error parsing completedIndexes: {problem}"
            found.append(invalid("status.completedIndexes", done, text))
        if done and spec.get("completionMode") != "Indexed":
            text = "cannot set non-empty completedIndexes when non-indexed completion mode"
            found.append(invalid("status.completedIndexes", done, text))
    if _changed(fresh, stored, "failedIndexes") and lost is not None:
        if most is not None and limited and (problem := index_total(lost, most)[1]):
            found.append(invalid("status.failedIndexes", lost, f"error parsing failedIndexes: {problem}"))
        if not limited:
            text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
            found.append(invalid("status.failedIndexes", lost, text))
    if _changed(fresh, stored, "failedIndexes", "completedIndexes") and most is not None and lost:
        both = sorted(set(indexes(done, most)) & set(indexes(lost, most)))
        if both:
            text = f"failedIndexes and completedIndexes overlap at index: {both[0]}"
            found.append(invalid("status.failedIndexes", lost, text))
