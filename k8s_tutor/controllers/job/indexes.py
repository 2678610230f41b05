"""Completion indexes of a Job, as its status writes them: ``0-2,5`` (pkg/controller/job/indexed_job_utils.go)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

ANNOTATION = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"


def is_indexed(job: Any) -> bool:
    """Whether each completion has a number."""
    return bool(job.spec.completionMode == "Indexed")


def parse(text: str | None, completions: int) -> tuple[int, ...]:
    """The indexes below ``completions`` that a text names, in order."""
    found: list[int] = []
    for part in (text or "").split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found += range(int(first), min(int(last or first), completions - 1) + 1)
    return tuple(sorted(dict.fromkeys(found)))


def written(indexes: Iterable[int]) -> str:
    """The text for some indexes; only three or more in a row become a range."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    parts = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs]
    return ",".join(parts)


def index_of(job: Any, pod: Any) -> int:
    """The index of a pod, -1 when it has none that counts."""
    text = str((pod.metadata.annotations or {}).get(ANNOTATION, ""))
    index = int(text) if text.isascii() and text.isdigit() else -1
    return index if index < (job.spec.completions or 0) else -1


def pending(completions: int, count: int, taken: Collection[int]) -> tuple[int, ...]:
    """The first indexes that are neither done nor being worked on, at most ``count``."""
    found: list[int] = []
    for index in range(completions):
        if len(found) >= count:
            break
        if index not in taken:
            found.append(index)
    return tuple(found)


def counted(pod: Any, name: str) -> int:
    """A number that an annotation carries from a failed pod to the one that takes its place."""
    text = str((pod.metadata.annotations or {}).get(name, "0"))
    return int(text) if text.isascii() and text.isdigit() else 0
