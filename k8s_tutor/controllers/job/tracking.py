"""Counting the pods of a Job, each once (pkg/controller/job/job_controller.go trackJobStatusAndRemoveFinalizers)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.job import indexes, policies
from k8s_tutor.controllers.job.pods import is_tracked, release
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import Event, Write, update

MOST = 500
"""Pods that are counted at a time."""


class Ending(NamedTuple):
    """How a Job ends. ``kind``: ``SuccessCriteriaMet`` or ``FailureTarget``, said while pods still go; ``Failed`` or
    ``Complete`` follows with the same words when they are gone."""

    kind: str
    reason: str
    message: str

    @property
    def good(self) -> bool:
        """Whether it ends well."""
        return self.kind == "SuccessCriteriaMet"


def decided(job: Any) -> Ending | None:
    """How the Job ends, if its conditions say so already."""
    for kind in ("SuccessCriteriaMet", "FailureTarget"):
        found = objects.condition(job, kind)
        if found is not None and found.status == "True":
            return Ending(kind, found.reason or "", found.message or "")
    return None


def is_finished(job: Any) -> bool:
    """Complete or Failed."""
    found = [objects.condition(job, kind) for kind in ("Complete", "Failed")]
    return any(one is not None and one.status == "True" for one in found)


def condition(kind: str, state: str, reason: str, message: str, clock: Clock) -> Tree:
    """A condition of a Job that begins now."""
    return {
        "type": kind, "status": state, "lastProbeTime": clock.stamp, "lastTransitionTime": clock.stamp, "reason": reason,
        "message": message,
    }  # fmt: skip


class Count:
    """What the status says of finished pods, and what the pods add to it."""

    def __init__(self, job: Any, pods: Sequence[Any], released: Collection[str]) -> None:
        self.job = job
        status = job.status
        waiting = status.uncountedTerminatedPods if status is not None else None
        self.good = list((waiting and waiting.succeeded) or ())
        self.bad = list((waiting and waiting.failed) or ())
        """Uids of pods that are counted as soon as they have lost their finalizer."""
        self.tracked = [pod for pod in pods if is_tracked(pod) and pod.metadata.uid not in released]
        if indexes.is_indexed(job):
            self.tracked.sort(key=lambda pod: indexes.index_of(job, pod))
        self.new_succeeded = [pod for pod in self._valid(self.good) if pod.status and pod.status.phase == "Succeeded"]
        self.new_failed = [pod for pod in self._valid(self.bad) if policies.has_failed(pod, job)]
        told = [pod for pod in self.new_failed if policies.judge(job, pod).counts]
        self.failed = ((status and status.failed) or 0) + len(self.bad) + len(told)
        completions = job.spec.completions or 0
        self.before = indexes.parse(status.completedIndexes if status else "", completions)
        self.done: tuple[int, ...] = ()
        self.failed_indexes: tuple[int, ...] = ()
        if indexes.is_indexed(job):
            fresh = [indexes.index_of(job, pod) for pod in self.new_succeeded]
            self.done = tuple(sorted({*self.before, *fresh}))
            self.succeeded = len(self.done)
            if job.spec.backoffLimitPerIndex is not None:
                lost = [indexes.index_of(job, pod) for pod in self.new_failed if policies.fails_index(job, pod)]
                old = indexes.parse(status.failedIndexes if status else "", completions)
                self.failed_indexes = tuple(sorted({*old, *lost} - {*self.done}))
        else:
            self.succeeded = ((status and status.succeeded) or 0) + len(self.good) + len(self.new_succeeded)

    def _valid(self, known: Collection[str]) -> list[Any]:
        indexed = indexes.is_indexed(self.job)
        return [
            pod for pod in self.tracked
            if pod.metadata.uid not in known and (not indexed or indexes.index_of(self.job, pod) >= 0)
        ]  # fmt: skip


def track(
    job: Any, count: Count, status: Tree, ending: Ending | None, held: Collection[str], clock: Clock
) -> list[tuple[Write, ...]]:
    """The requests that count: the status that names finished pods, their finalizers, the status with raised counters.

    ``status``: the part that does not depend on counting. ``held``: uids of failed pods that keep their finalizer.
    """
    present = {pod.metadata.uid for pod in count.tracked}
    tally = _Tally(job, count, present)
    freed = _freed(job, count, ending, held, tally)
    conditions = list(status["conditions"])
    if ending is not None and not any(one["type"] == ending.kind for one in conditions):
        conditions.append(condition(ending.kind, "True", ending.reason, ending.message, clock))
    first = _status_tree({**status, "conditions": conditions}, tally)
    gone = {pod.metadata.uid for pod in freed}
    tally.clean(present - gone)
    finished = ending is not None and not tally.good and not tally.bad and not status["terminating"]
    event = None
    if finished and ending is not None:
        kind = "Complete" if ending.good else "Failed"
        conditions = [*conditions, condition(kind, "True", ending.reason, ending.message, clock)]
        about = objects.reference(job)
        event = Event(about, "Completed", "Job completed")
        if not ending.good:
            event = Event(about, ending.reason, ending.message, warning=True)
    second = _status_tree({**status, "conditions": conditions}, tally)
    if finished and ending is not None and ending.good:
        second["completionTime"] = clock.stamp
    batches: list[tuple[Write, ...]] = []
    shown = _shown(job)
    if first != shown:
        batches.append((_write(job, first),))
    if freed:
        batches.append(tuple(release(pod) for pod in freed))
    if second != first:
        batches.append((_write(job, second, event),))
    return batches


class _Tally:
    """The counters as they change."""

    def __init__(self, job: Any, count: Count, present: Collection[str]) -> None:
        status = job.status
        self.indexed = indexes.is_indexed(job)
        self.good, self.bad = list(count.good), list(count.bad)
        self.succeeded = (status and status.succeeded) or 0
        self.failed = (status and status.failed) or 0
        self.done = count.before
        self.failed_indexes = count.failed_indexes if job.spec.backoffLimitPerIndex is not None else None
        self.clean(present)

    def clean(self, present: Collection[str]) -> None:
        """Counts those that have lost their finalizer."""
        for names, good in ((self.good, True), (self.bad, False)):
            left = [uid for uid in names if uid in present]
            if good:
                self.succeeded += len(names) - len(left)
                self.good = left
            else:
                self.failed += len(names) - len(left)
                self.bad = left


def _freed(job: Any, count: Count, ending: Ending | None, held: Collection[str], tally: _Tally) -> list[Any]:
    """Pods that lose their finalizer now; what they count for is noted in the tally."""
    freed: list[Any] = []
    fresh: list[int] = []
    for pod in count.tracked:
        uid, succeeded = pod.metadata.uid, bool(pod.status and pod.status.phase == "Succeeded")
        failed = policies.has_failed(pod, job)
        over = job.metadata.deletionTimestamp or ending is not None
        if not (over or succeeded or (failed and uid not in held)):
            continue
        freed.append(pod)
        index = indexes.index_of(job, pod) if tally.indexed else 0
        if succeeded and uid not in count.bad:
            if tally.indexed:
                fresh += [index] if index >= 0 else []
            elif uid not in count.good:
                tally.good.append(uid)
        elif uid not in count.bad and index >= 0 and (failed or (ending is not None and not ending.good)):
            tally.bad += [uid] if policies.judge(job, pod).counts else []
        if len(fresh) + len(tally.good) + len(tally.bad) >= MOST:
            break
    if tally.indexed:
        tally.done = tuple(sorted({*tally.done, *fresh}))
        tally.succeeded = len(tally.done)
    return freed


def _status_tree(status: Tree, tally: _Tally) -> Tree:
    waiting = {name: list(uids) for name, uids in (("succeeded", tally.good), ("failed", tally.bad)) if uids}
    found: Tree = {"ready": status["ready"], "terminating": status["terminating"], "uncountedTerminatedPods": waiting}
    counts = {"active": status["active"], "succeeded": tally.succeeded, "failed": tally.failed}
    found |= {name: number for name, number in counts.items() if number}
    if status["conditions"]:
        found["conditions"] = status["conditions"]
    if status["startTime"]:
        found["startTime"] = status["startTime"]
    if tally.indexed and tally.done:
        found["completedIndexes"] = indexes.written(tally.done)
    if tally.indexed and tally.failed_indexes is not None:
        found["failedIndexes"] = indexes.written(tally.failed_indexes)
    return found


def _shown(job: Any) -> Tree:
    """The status as it stands, without zeros that are left out."""
    tree = objects.tree_of(job.status) if job.status else {}
    return {key: value for key, value in tree.items() if value or key not in ("active", "succeeded", "failed")}


def _write(job: Any, status: Tree, event: Event | None = None) -> Write:
    return update({**objects.tree_of(job), "status": status}, "status", done=event)
