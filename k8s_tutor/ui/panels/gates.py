"""The stages of a request at an API server: gates that it passes one after the other, or at one of which it is refused."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_tutor.ui.rows import Row

REFUSED, OPEN, PASSED = "✗", "…", "✓"

_GATES: dict[str, tuple[str, str]] = {
    "authn": ("authentication", "who asks"),
    "audit": ("audit", "who asks for what is written down"),
    "impersonate": ("impersonation", "whether one may act as somebody else"),
    "as": ("impersonation", "from here on as"),
    "fairness": ("priority and fairness", "it has a seat"),
    "authz": ("authorization", "whether this user may do this"),
    "route": ("routing", "who takes care of such a request"),
    "decode": ("decoding", "what was sent is read"),
    "apply": ("server-side apply", "which field is whose"),
    "default": ("defaulting", "what was left out is filled in"),
    "mutate": ("mutating admission", "plug-ins complete it"),
    "rights": ("escalation", "whether this user holds what is given away"),
    "version": ("version", "whether it is still the one that was seen"),
    "budget": ("disruption budget", "whether one pod less is allowed"),
    "validate": ("validation", "every field is looked at"),
    "admit": ("validating admission", "plug-ins look at it: quotas, pod security, policies"),
    "allocate": ("allocation", "addresses and ports are chosen"),
    "store": ("etcd", "it is handed on to be stored"),
    "read": ("etcd", "it is read with a quorum"),
    "cache": ("watch cache", "answered from what is known here"),
    "watch": ("watch", "whatever changes will be told"),
    "connect": ("kubelet", "which machine it is about"),
    "kubelet": ("kubelet", "passed on to the machine"),
    "no": ("no change", "nothing is to be stored"),
}
"""Stage → (its name, what happens there)."""


def is_refused(stages: Sequence[str]) -> bool:
    """Whether a request has failed at a gate."""
    return bool(stages) and stages[-1].endswith(REFUSED)


def role_of(stage: str) -> str:
    """How a stage is drawn: passed, refused, or on its way."""
    return "fail" if stage.endswith(REFUSED) else "ok" if stage.endswith(PASSED) else "warn"


def name_of(stage: str) -> str:
    """``authz ✓`` → ``authorization``."""
    word = stage.split(" ")[0]
    return _GATES.get(word, (word, ""))[0]


def told(stage: str, why: str = "") -> str:
    """A stage in a sentence: ``✓ authorization: whether this user may do this``; a refusal says ``why``."""
    mark = stage[-1:] if stage[-1:] in (REFUSED, OPEN, PASSED) else "·"
    word, _, rest = stage.rstrip(f" {REFUSED}{OPEN}{PASSED}").partition(" ")
    name, does = _GATES.get(word, (word, ""))
    if word == "as":
        does = f"{does} {rest}"
    said = why if mark == REFUSED and why else does
    return f"{mark} {name}: {said}" if said else f"{mark} {name}"


def row(stages: Sequence[str], cells: int) -> Row:
    """All gates one behind the other where they fit; else a mark for each, and the last by its name, which is always seen."""
    if not stages or sum(len(stage) + 1 for stage in stages) <= cells:
        return tuple((f" {stage}" if number else stage, role_of(stage)) for number, stage in enumerate(stages))
    marks = tuple((stage[-1:], role_of(stage)) for stage in stages[:-1])
    last = stages[-1]
    return (*marks, (f" {last}", role_of(last))) if len(marks) + 1 + len(last) <= cells else ((last, role_of(last)),)
