"""Jobs (pkg/apis/batch/validation ValidateJob, ValidateJobUpdate)."""

from __future__ import annotations

import copy
from typing import Any

from k8s_tutor.api import selectors
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import dump, jobpolicies, names, pods, selector
from k8s_tutor.api.validation.causes import (
    IMMUTABLE,
    immutable,
    invalid,
    non_negative,
    not_supported,
    required,
    too_long,
)

Tree = dict[str, Any]

_MOST = 100_000
"""Indexes of a job that it may lose, and pods at a time."""
_MOST_OF_MANY = 10_000
"""The same where there are more completions than that, each with a backoff limit of its own."""
_INDEXED, _UNINDEXED = "Indexed", "NonIndexed"
_REPLACEMENT = ("Failed", "TerminatingOrFailed")
_MANAGER_MOST = 63
_COUNTS = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex",
    "maxFailedIndexes",
)  # fmt: skip
_FROZEN = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")


def job(found: list[Cause], tree: Tree) -> None:
    """A whole Job, which has its selector already."""
    wanted = tree["spec"]
    _generated(found, tree)
    spec(found, "spec", wanted)
    _selector(found, wanted)
    completions = wanted.get("completions", 0)
    if wanted.get("completionMode") == _INDEXED and completions > 0:
        name = tree["metadata"].get("name", "")
        last = f"{name}-{completions - 1}"
        if names.dns_label(last):
            text = f"will not able to create pod with invalid DNS label: {last}"
            found.append(invalid("metadata.name", name, text))


def _generated(found: list[Cause], tree: Tree) -> None:
    """The server's own selector finds the pods of this job and no others."""
    spec, metadata = tree["spec"], tree["metadata"]
    wanted = spec.get("selector")
    if spec.get("manualSelector") or wanted is None:
        return
    labels = spec["template"].get("metadata", {}).get("labels") or {}
    own: dict[str, str] = {}
    for prefix in ("", "batch.kubernetes.io/"):
        own |= {f"{prefix}controller-uid": metadata["uid"], f"{prefix}job-name": metadata.get("name", "")}
    for key, value in own.items():
        field, text = f"spec.template.metadata.labels[{key}]", f"must be '{value}'"
        if key not in labels:
            found.append(required(field, text))
        elif labels[key] != value:
            found.append(invalid(field, labels, text))
    if not selectors.from_object(wanted).matches(own):
        found.append(invalid("spec.selector", wanted, "`selector` not auto-generated"))


def _selector(found: list[Cause], spec: Tree) -> None:
    wanted = spec.get("selector")
    if wanted is None:
        found.append(required("spec.selector"))
        return
    selector.check(found, "spec.selector", wanted)
    labels = spec["template"].get("metadata", {}).get("labels")
    if not selectors.from_object(wanted).matches(labels):
        text = "`selector` does not match template `labels`"
        found.append(invalid("spec.template.metadata.labels", labels, text))


def spec(found: list[Cause], field: str, wanted: Tree) -> None:
    """What a Job shall do, also inside a CronJob."""
    for name in _COUNTS:
        non_negative(found, f"{field}.{name}", wanted.get(name))
    if "maxFailedIndexes" in wanted and "backoffLimitPerIndex" not in wanted:
        text = "when maxFailedIndexes is specified"
        found.append(required(f"{field}.backoffLimitPerIndex", text))
    manager = wanted.get("managedBy")
    if manager is not None:
        found += [invalid(f"{field}.managedBy", manager, problem) for problem in names.prefixed_path(manager)]
        if len(manager) > _MANAGER_MOST:
            found.append(too_long(f"{field}.managedBy", _MANAGER_MOST))
    mode = wanted.get("completionMode", _UNINDEXED)
    if mode == _INDEXED:
        _indexed(found, field, wanted)
    elif mode == _UNINDEXED:
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if name in wanted:
                found.append(invalid(f"{field}.{name}", wanted[name], "requires indexed completion mode"))
    else:
        found.append(not_supported(f"{field}.completionMode", mode, (_UNINDEXED, _INDEXED)))
    failing = "podFailurePolicy" in wanted
    if failing:
        jobpolicies.failure(found, f"{field}.podFailurePolicy", wanted)
    if "successPolicy" in wanted:
        place = f"{field}.successPolicy"
        if mode == _INDEXED:
            jobpolicies.success(found, place, wanted)
        else:
            found.append(invalid(place, wanted["successPolicy"], "requires indexed completion mode"))
    replacement = wanted.get("podReplacementPolicy")
    choices = _REPLACEMENT[:1] if failing else _REPLACEMENT
    if replacement is not None and replacement not in choices:
        found.append(not_supported(f"{field}.podReplacementPolicy", replacement, choices))
    _template(found, f"{field}.template", wanted["template"], failing)


def _indexed(found: list[Cause], field: str, spec: Tree) -> None:
    completions, parallel, most = spec.get("completions"), spec.get("parallelism", 0), spec.get("maxFailedIndexes")
    if completions is None:
        found.append(required(f"{field}.completions", f"when completion mode is {_INDEXED}"))
    if parallel > _MOST:
        text = f"must be less than or equal to {_MOST} when completion mode is {_INDEXED}"
        found.append(invalid(f"{field}.parallelism", parallel, text))
    place = f"{field}.maxFailedIndexes"
    if completions is not None and most is not None and most > completions:
        found.append(invalid(place, most, "must be less than or equal to completions"))
    if most is not None and most > _MOST:
        found.append(invalid(place, most, f"must be less than or equal to {_MOST}"))
    if completions is None or completions <= _MOST or "backoffLimitPerIndex" not in spec:
        return
    if most is None:
        found.append(required(place, f"must be specified when completions is above {_MOST}"))
    text = (
        f"must be less than or equal to {_MOST_OF_MANY} when completions are above {_MOST} and used with backoff limit "
        "per index"
    )
    if parallel > _MOST_OF_MANY:
        found.append(invalid(f"{field}.parallelism", parallel, text))
    if most is not None and most > _MOST_OF_MANY:
        found.append(invalid(place, most, text))


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


# ---------------------------------------------------------------------- updates


def job_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """A job's work is for life; how many work at a time is not."""
    fresh, stored = new["spec"], old["spec"]
    if fresh.get("completions") != stored.get("completions"):
        _completions(found, fresh)
    if fresh.get("selector") != stored.get("selector"):
        found.append(immutable("spec.selector", fresh.get("selector")))
    if fresh["template"] != stored["template"]:
        _template_update(found, fresh, stored, old)
    for name in _FROZEN:
        if fresh.get(name) != stored.get(name):
            found.append(immutable(f"spec.{name}", fresh.get(name)))


def _completions(found: list[Cause], fresh: Tree) -> None:
    """An indexed job may get more or fewer indexes with as many workers."""
    wanted = fresh.get("completions")
    if fresh.get("completionMode") != _INDEXED:
        found.append(immutable("spec.completions", wanted))
    elif wanted is not None and wanted != fresh.get("parallelism"):
        text = "can only be modified in tandem with spec.parallelism"
        found.append(invalid("spec.completions", wanted, text))


def _template_update(found: list[Cause], fresh: Tree, stored: Tree, old: Tree) -> None:
    """Only a suspended job that has no pods may change where they go and what they need."""
    status = old.get("status", {})
    said = [row for row in status.get("conditions") or () if row.get("type") == "Suspended"]
    rests = any(row.get("status") == "True" for row in said) and not status.get("active")
    if not stored.get("suspend") or not (rests or not status.get("startTime")):
        found.append(invalid("spec.template", dump.template(fresh["template"]), IMMUTABLE))
    elif _steady(fresh["template"]) != _steady(stored["template"]):
        found.append(invalid("spec.template.spec", dump.go("PodSpec", fresh["template"].get("spec")), IMMUTABLE))


def _steady(template: Tree) -> Tree:
    """The spec of a template without what may change in it."""
    inner: Tree = copy.deepcopy(template.get("spec", {}))
    for name in ("nodeSelector", "tolerations", "schedulingGates"):
        inner.pop(name, None)
    inner.get("affinity", {}).pop("nodeAffinity", None)
    if not inner.get("affinity"):
        inner.pop("affinity", None)
    for part in ("containers", "initContainers"):
        for container in inner.get(part) or ():
            container.pop("resources", None)
    return inner
