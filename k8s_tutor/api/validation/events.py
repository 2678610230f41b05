"""Events (pkg/apis/core/validation/events.go). They are kept as those of ``v1``; ``events.k8s.io/v1`` is stricter."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names
from k8s_tutor.api.validation.causes import immutable, invalid, required

Tree = dict[str, Any]

OLD = "v1"
"""The version whose clients are asked for little."""
_LONGEST, _LONGEST_NOTE = 128, 1024
_UNSET = ("firstTimestamp", "lastTimestamp", "count", "source")
_FROZEN = (
    "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime", "action",
    "related", "reportingComponent", "reportingInstance",
)  # fmt: skip
_INTERNAL = {"reportingComponent": "reportingController"}


def create(found: list[Cause], tree: Tree, version: str) -> None:
    """A new Event that came through a version."""
    _lenient(found, tree, version)
    if version == OLD:
        return
    _series(found, tree)
    if not tree.get("eventTime"):
        found.append(required("eventTime"))
    kind = tree.get("type", "")
    if kind not in ("Normal", "Warning"):
        found.append(invalid("type", "", f"has invalid value: {kind}"))
    for name in _UNSET:
        if tree.get(name):
            found.append(invalid(name, "", "needs to be unset"))


def update(found: list[Cause], new: Tree, old: Tree, version: str) -> None:
    """An Event's next state: only how often it has been seen may change."""
    _lenient(found, new, version)
    if version == OLD:
        return
    if new.get("series") != old.get("series"):
        _series(found, new)
    for name in _FROZEN:
        if (new.get(name) or None) != (old.get(name) or None):
            found.append(immutable(_INTERNAL.get(name, name), new.get(name, "")))


def _lenient(found: list[Cause], tree: Tree, version: str) -> None:
    """legacyValidateEvent: an Event lives in the namespace of what it is about; one with a time says who tells it."""
    about, namespace = tree["involvedObject"].get("namespace", ""), tree["metadata"].get("namespace", "")
    timed = bool(tree.get("eventTime"))
    homes = ("default", "kube-system") if timed else ("default", "")
    fits = about == namespace or timed if about else namespace in homes
    if not fits:
        found.append(invalid("involvedObject.namespace", about, "does not match event.namespace"))
    if not timed:
        return
    teller = tree.get("reportingComponent", "")
    field = "reportingComponent" if version == OLD else "reportingController"
    if not teller:
        found.append(required(field))
    found += [invalid(field, teller, problem) for problem in names.qualified_name(teller)]
    for name in ("reportingInstance", "action", "reason"):
        text = tree.get(name, "")
        if not text:
            found.append(required(name))
        if len(text.encode()) > _LONGEST:
            found.append(invalid(name, "", f"can have at most {_LONGEST} characters"))
    if len(tree.get("message", "").encode()) > _LONGEST_NOTE:
        found.append(invalid("message", "", f"can have at most {_LONGEST_NOTE} characters"))


def _series(found: list[Cause], tree: Tree) -> None:
    series = tree.get("series")
    if series is None:
        return
    if series.get("count", 0) < 2:
        found.append(invalid("series.count", "", "should be at least 2"))
    if not series.get("lastObservedTime"):
        found.append(required("series.lastObservedTime"))
