"""What to do about one Job (pkg/controller/job/job_controller.go syncJob, manageJob).

Each pod is counted exactly once: a finished pod keeps its finalizer until the status names it; only then the finalizer goes
and the counter is raised.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import times
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.job import backoff, indexes, policies, tracking
from k8s_tutor.controllers.job.backoff import Backoff
from k8s_tutor.controllers.job.pods import is_tracked, pod_tree, release, surplus
from k8s_tutor.controllers.job.tracking import Count, Ending
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.podowner import create_pod, delete_pod, slow_start
from k8s_tutor.controllers.requests import Decision, Event, Write
from k8s_tutor.sim import SECOND

BURST = 500


class Seen(NamedTuple):
    """What is known of a Job besides its object."""

    pods: tuple[Any, ...]
    """All that it owns."""
    settled: bool
    """Whether all pods ordered earlier have shown up."""
    released: tuple[str, ...]
    """Uids of pods whose finalizer we took away, though we still see it."""
    backoff: Backoff
    failing: bool = False
    """Whether the last try to make or remove a pod failed: then what has happened is counted first."""


class Result(NamedTuple):
    """A decision, and the failures to remember once it is carried out."""

    decision: Decision
    backoff: Backoff


class Plan:
    """One look at a Job while it is being taken. Made and dropped within one look."""

    def __init__(self, job: Any, seen: Seen, clock: Clock) -> None:
        self.job, self.seen, self.clock = job, seen, clock
        self.indexed = indexes.is_indexed(job)
        self.count = Count(job, seen.pods, seen.released)
        self.active = [pod for pod in seen.pods if objects.is_active(pod)]
        self.running, self.ready = len(self.active), sum(1 for pod in self.active if objects.is_ready(pod))
        self.ending = sum(1 for pod in seen.pods if pod.metadata.deletionTimestamp and not objects.has_ended(pod))
        self.backoff = seen.backoff.after(self.count.new_succeeded, self.count.new_failed, clock)
        self.delayed = _delayed(job, self.count, self.active) if job.spec.backoffLimitPerIndex is not None else {}
        """Index → failed pod that keeps its finalizer until another one takes its place."""
        self.batches: list[tuple[Write, ...]] = []
        self.events: list[Event] = []
        self.again: int | None = None
        self.started = objects.stamp_of(job.status.startTime) if job.status and job.status.startTime else ""
        self.conditions: list[Tree] = [objects.tree_of(one) for one in (job.status and job.status.conditions) or ()]

    # ------------------------------------------------------------------ does it end?

    def ends(self) -> Ending | None:
        """How the Job ends, if that is clear before its pods are looked after."""
        known = tracking.decided(self.job)
        if known is not None:
            return known
        for pod in self.seen.pods:
            if policies.has_failed(pod, self.job) and (message := policies.judge(self.job, pod).message):
                return Ending("FailureTarget", "PodFailurePolicy", message)
        spec, count = self.job.spec, self.count
        if count.failed > spec.backoffLimit or _restarted_too_often(self.job, self.seen.pods):
            return Ending("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        if self._overdue():
            return Ending("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline")
        if self.indexed and spec.backoffLimitPerIndex is not None:
            lost = len(count.failed_indexes)
            if spec.maxFailedIndexes is not None and lost > spec.maxFailedIndexes:
                text = "Job has exceeded the specified maximal number of failed indexes"
                return Ending("FailureTarget", "MaxFailedIndexesExceeded", text)
            if lost and lost + len(count.done) >= spec.completions:
                return Ending("FailureTarget", "FailedIndexes", "Job has failed indexes")
        message = policies.succeeded_enough(self.job, count.done) if self.indexed else ""
        return Ending("SuccessCriteriaMet", "SuccessPolicy", message) if message else None

    def _overdue(self) -> bool:
        deadline = self.job.spec.activeDeadlineSeconds
        if deadline is None or self.job.spec.suspend or not self.started:
            return False
        left: int = times.parse(self.started, self.clock.epoch) + deadline * SECOND - self.clock.now
        if left > 0:
            self.wait(left)
        return left <= 0

    def wait(self, delay: int) -> None:
        """Look again after so many µs, or sooner."""
        self.again = delay if self.again is None else min(self.again, delay)

    # ------------------------------------------------------------------ its pods

    def stop(self) -> None:
        """Deletes all that runs: the Job has ended."""
        self._remove(self.active, keep_finalizer=True)

    def _remove(self, pods: Sequence[Any], keep_finalizer: bool = False) -> None:
        if not pods:
            return
        freed = tuple(release(pod) for pod in pods if is_tracked(pod))
        if freed and not keep_finalizer:
            self.batches.append(freed)
        self.batches.append(tuple(delete_pod(self.job, pod) for pod in pods))
        self.running -= len(pods)
        self.ending += len(pods)
        self.ready -= sum(1 for pod in pods if objects.is_ready(pod))

    def manage(self) -> None:
        """Makes and removes pods."""
        job, count = self.job, self.count
        if job.spec.suspend:
            self._remove(surplus(job, self.active, len(self.active), self.clock))
            return
        parallelism = 1 if job.spec.parallelism is None else job.spec.parallelism
        if job.spec.completions is None:
            wanted = len(self.active) if count.succeeded else parallelism
        else:
            wanted = max(min(job.spec.completions - count.succeeded, parallelism), 0)
        doomed = surplus(job, self.active, max(len(self.active) - wanted, 0), self.clock)[:BURST]
        if doomed:
            self._remove(doomed)
            return
        ending = self.ending if job.spec.podReplacementPolicy == "Failed" else 0
        lacking = min(wanted - ending - len(self.active), BURST)
        if lacking > 0:
            self._make(lacking)

    def _make(self, lacking: int) -> None:
        per_index = self.indexed and self.job.spec.backoffLimitPerIndex is not None
        delay = 0 if per_index else self.backoff.remaining(self.clock)
        if delay:
            self.wait(delay)
            return
        numbers: tuple[int, ...] = (-1,) * lacking
        if self.indexed:
            taken = {*self.count.done, *self.count.failed_indexes}
            taken |= {indexes.index_of(self.job, pod) for pod in self.active}
            numbers = indexes.pending(self.job.spec.completions, lacking, taken)
        if per_index:
            waits = {number: self._index_wait(number) for number in numbers}
            if numbers and all(waits.values()):
                self.wait(min(waits.values()))
                return
            numbers = tuple(number for number in numbers if not waits[number])
        writes = [create_pod(self.job, pod_tree(self.job, number, self.delayed.get(number))) for number in numbers]
        self.batches += slow_start(writes)
        self.running += len(numbers)

    def _index_wait(self, number: int) -> int:
        before = self.delayed.get(number)
        if before is None:
            return 0
        tries = policies.failures_with(self.job, before) + policies.ignored_with(self.job, before)
        return backoff.remaining(tries, backoff.finish_time(before, self.clock), self.clock)

    def suspend(self) -> None:
        """Condition Suspended, and the events that tell of it."""
        about = objects.reference(self.job)
        if self.job.spec.suspend:
            if self._set("Suspended", "True", "JobSuspended", "Job suspended"):
                self.started = ""
                self.events.append(Event(about, "Suspended", "Job suspended"))
        elif any(one["type"] == "Suspended" for one in self.conditions) and (
            self._set("Suspended", "False", "JobResumed", "Job resumed")
        ):
            self.started = self.clock.stamp
            self.events.append(Event(about, "Resumed", "Job resumed"))

    def _set(self, kind: str, state: str, reason: str, message: str) -> bool:
        fresh = tracking.condition(kind, state, reason, message, self.clock)
        for at, old in enumerate(self.conditions):
            if old["type"] == kind:
                if (old["status"], old.get("reason"), old.get("message")) == (state, reason, message):
                    return False
                self.conditions[at] = fresh
                return True
        self.conditions.append(fresh)
        return True


def reconcile(job: Any, seen: Seen, clock: Clock) -> Result:
    """One look at one Job that has not finished."""
    plan = Plan(job, seen, clock)
    if not plan.started and not job.spec.suspend:
        plan.started = clock.stamp
    ending = plan.ends()
    if ending is not None:
        plan.stop()
        if not seen.settled:
            ending = None
    else:
        if seen.settled and not job.metadata.deletionTimestamp:
            plan.manage()
        done = plan.count.succeeded
        complete = done > 0 if job.spec.completions is None else done >= job.spec.completions
        if complete and not plan.running:
            ending = Ending("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")
        elif seen.settled and not job.metadata.deletionTimestamp:
            plan.suspend()
    status: Tree = {
        "conditions": plan.conditions, "startTime": plan.started, "ready": plan.ready, "terminating": plan.ending,
        "active": len(plan.active) if seen.failing else plan.running,
    }  # fmt: skip
    held: Collection[str] = [pod.metadata.uid for pod in plan.delayed.values()]
    kept = tracking.track(job, plan.count, status, ending, held, clock)
    batches = (*kept, *plan.batches) if seen.failing else (*plan.batches, *kept)
    return Result(Decision(batches, (), tuple(plan.events), plan.again), plan.backoff)


def _delayed(job: Any, count: Count, active: Sequence[Any]) -> dict[int, Any]:
    """Of each index that has failed and is to be tried again: the failed pod that knows most about it."""
    found: dict[int, Any] = {}
    for pod in count.tracked:
        index = indexes.index_of(job, pod)
        if index < 0 or not policies.has_failed(pod, job) or index in count.done or index in count.failed_indexes:
            continue
        best = found.get(index)
        if best is None or policies.failures_with(job, pod) > policies.failures_with(job, best):
            found[index] = pod
    for pod in active:
        found.pop(indexes.index_of(job, pod), None)
    return found


def _restarted_too_often(job: Any, pods: Collection[Any]) -> bool:
    """For containers that the kubelet restarts: whether that happened too often."""
    if job.spec.template.spec.restartPolicy != "OnFailure":
        return False
    restarts = 0
    for pod in pods:
        if pod.status and pod.status.phase in ("Running", "Pending"):
            both = [*(pod.status.initContainerStatuses or ()), *(pod.status.containerStatuses or ())]
            restarts += sum(one.restartCount for one in both)
    limit = job.spec.backoffLimit
    return restarts > 0 if limit == 0 else restarts >= limit
