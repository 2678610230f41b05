"""What the query of a write may say: dry run, field manager, field validation, force (apimachinery meta/v1/validation)."""

from __future__ import annotations

from k8s_tutor.api import patch, status
from k8s_tutor.api.status import Cause, Subject
from k8s_tutor.api.validation import causes
from k8s_tutor.api.wire import Request

LONGEST_MANAGER = 128


def check(request: Request, kind: str) -> bool:
    """Whether nothing is to be stored. ``kind``: ``CreateOptions``, ``UpdateOptions``, ``PatchOptions``. Raises a Refusal
    (422) with all that is wrong."""
    found: list[Cause] = []
    manager = request.parameter("fieldManager")
    if kind == "PatchOptions":
        if request.content_type.partition(";")[0] == patch.APPLY:
            if not manager:
                found.append(causes.required("fieldManager", "is required for apply patch"))
        elif request.parameter("force"):
            found.append(causes.forbidden("force", "may not be specified for non-apply patch"))
    if len(manager.encode()) > LONGEST_MANAGER:
        found.append(causes.too_long("fieldManager", LONGEST_MANAGER))
    for place, character in enumerate(manager):
        if not character.isprintable():
            text = f"invalid character U+{ord(character):04X} (at position {place})"
            found.append(causes.invalid("fieldManager", manager, text))
    dry = [value for name, value in request.query if name == "dryRun"]
    if dry and dry != ["All"]:
        found.append(causes.not_supported("dryRun", dry, ("All",)))
    mode = request.parameter("fieldValidation")
    if mode not in ("", "Ignore", "Strict", "Warn"):
        found.append(causes.not_supported("fieldValidation", mode, ("", "Ignore", "Strict", "Warn")))
    if found:
        raise status.invalid(Subject("meta.k8s.io", kind), found)
    return bool(dry)


def manager(request: Request) -> str:
    """Who writes: what the client calls itself, else its User-Agent up to the first slash."""
    return request.parameter("fieldManager") or request.agent.partition("/")[0][:LONGEST_MANAGER] or "unknown"
