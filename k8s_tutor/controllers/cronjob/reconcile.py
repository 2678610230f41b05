"""What to do about one CronJob (pkg/controller/cronjob/cronjob_controllerv2.go, utils.go)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from k8s_tutor.api import times
from k8s_tutor.api.timezones import zone_of
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.cronjob.schedule import Schedule, parse
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import Decision, Event, Write, create, delete, update
from k8s_tutor.sim import MS, SECOND

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
SLACK = 100 * MS
"""Later than the minute, so that clocks agree that it has begun."""
MISSED_MOST = 100


class Made(NamedTuple):
    """A Job that was made and does not stand in the status yet."""

    name: str
    uid: str
    revision: str
    at: int
    """When it was due, Unix seconds."""
    told: bool = False
    """Whether the status was written, though we have not seen it yet."""


class Missed(NamedTuple):
    """The latest time that is due and not dealt with (Unix seconds; None: there is none), and about how many there were."""

    last: int | None
    number: int


def missed(cron: Any, schedule: Schedule, clock: Clock) -> Missed:
    """What is due since the last time that was dealt with (mostRecentScheduleTime)."""
    now = clock.epoch + clock.now // SECOND
    status = cron.status
    begun = (status and status.lastScheduleTime) or cron.metadata.creationTimestamp
    earliest = int(begun.timestamp())
    if cron.spec.startingDeadlineSeconds is not None:
        earliest = max(earliest, now - cron.spec.startingDeadlineSeconds)
    first = schedule.after(earliest)
    if first is None or first > now:
        return Missed(None, 0)
    second = schedule.after(first)
    if second is None or second > now:
        return Missed(first, 1)
    distance = second - first
    return Missed(_latest(schedule, first, now, distance), (now - first) // distance + 1)


def _latest(schedule: Schedule, first: int, now: int, window: int) -> int:
    """The last time up to now; looked for from its end, in growing windows."""
    if schedule.every:
        return first + (now - first) // schedule.every * schedule.every
    found: int | None = None
    while found is None or found > now:
        found = schedule.after(max(first, now - window) - 1)
        window *= 2
    while (following := schedule.after(found)) is not None and following <= now:
        found = following
    return found


class Plan:
    """One look at a CronJob while it is being taken. Made and dropped within one look."""

    def __init__(self, cron: Any, jobs: Sequence[Any], clock: Clock) -> None:
        self.cron, self.jobs, self.clock = cron, jobs, clock
        status = objects.tree_of(cron.status) if cron.status else {}
        self.before = status
        self.active: list[Tree] = list(status.get("active", ()))
        self.last = status.get("lastScheduleTime", "")
        self.good = status.get("lastSuccessfulTime", "")
        self.events: list[Event] = []
        self.writes: list[Write] = []
        self.again: int | None = None

    def event(self, reason: str, text: str, warning: bool = False) -> Event:
        """An event about the CronJob."""
        return Event(objects.reference(self.cron), reason, text, warning)

    def tell(self, reason: str, text: str, warning: bool = False) -> None:
        """Records an event at once."""
        self.events.append(self.event(reason, text, warning))

    def review(self) -> None:
        """Brings the list of active Jobs up to date."""
        known = {ref.get("uid") for ref in self.active}
        for job in self.jobs:
            name, ended = job.metadata.name, _end(job)
            if job.metadata.uid not in known:
                if not ended:
                    text = f"Saw a job that the controller did not create or forgot: {name}"
                    self.tell("UnexpectedJob", text, warning=True)
            elif ended:
                self.active = [ref for ref in self.active if ref.get("uid") != job.metadata.uid]
                self.tell("SawCompletedJob", f"Saw completed job: {name}, condition: {ended}")
            if ended == "Complete" and job.status.completionTime:
                stamp = objects.stamp_of(job.status.completionTime)
                self.good = max(self.good, stamp)
        present = {job.metadata.uid for job in self.jobs}
        for ref in [ref for ref in self.active if ref.get("uid") not in present]:
            self.active.remove(ref)
            self.tell("MissingJob", f"Active job went missing: {ref.get('name', '')}")

    def clean(self) -> None:
        """Deletes the oldest finished Jobs beyond the limits."""
        spec = self.cron.spec
        for kind, limit in (("Complete", spec.successfulJobsHistoryLimit), ("Failed", spec.failedJobsHistoryLimit)):
            ended = [job for job in self.jobs if _end(job) == kind and not job.metadata.deletionTimestamp]
            if limit is None or len(ended) <= limit:
                continue
            for job in sorted(ended, key=_begun)[: len(ended) - limit]:
                self.delete(job)

    def delete(self, job: Any) -> None:
        """Deletes a Job with its pods."""
        name = job.metadata.name
        done = self.event("SuccessfulDelete", f"Deleted job {name}")
        failed = self.event("FailedDelete", "Deleted job: {error}", warning=True)
        self.writes.append(delete(job, policy="Background", done=done, failed=failed))
        self.active = [ref for ref in self.active if ref.get("uid") != job.metadata.uid]

    def start(self) -> None:
        """Starts a Job if one is due."""
        spec = self.cron.spec
        try:
            zone_of(spec.timeZone or "")
        except ValueError as error:
            self.tell("UnknownTimeZone", f'invalid timeZone: "{spec.timeZone}": {error}', warning=True)
            return
        if spec.suspend:
            return
        try:
            schedule = parse(spec.schedule, spec.timeZone or "")
        except ValueError as error:
            self.tell("UnparseableSchedule", f'unparseable schedule: "{spec.schedule}" : {error}', warning=True)
            return
        found = missed(self.cron, schedule, self.clock)
        if found.number > MISSED_MOST:
            text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self.tell("TooManyMissedTimes", text, warning=True)
        self._wait(schedule)
        if found.last is not None:
            self._start_at(found.last)

    def _wait(self, schedule: Schedule) -> None:
        following = schedule.after(self.clock.epoch + self.clock.now // SECOND)
        if following is not None:
            self.again = max((following - self.clock.epoch) * SECOND - self.clock.now, 0) + SLACK

    def _start_at(self, due: int) -> None:
        spec, now = self.cron.spec, self.clock.epoch + self.clock.now // SECOND
        stamp = times.rfc3339((due - self.clock.epoch) * SECOND, self.clock.epoch)
        if spec.startingDeadlineSeconds is not None and due + spec.startingDeadlineSeconds < now:
            told = datetime.fromtimestamp(due, zone_of("")).strftime("%a, %d %b %Y %H:%M:%S %z")
            self.tell("MissSchedule", f"Missed scheduled time to start a job: {told}", warning=True)
            return
        name = f"{self.cron.metadata.name}-{due // 60}"
        if self.last == stamp or any(ref.get("name") == name for ref in self.active):
            return
        if spec.concurrencyPolicy == "Forbid" and self.active:
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.tell("JobAlreadyActive", text)
            return
        if spec.concurrencyPolicy == "Replace":
            running = {ref.get("uid") for ref in self.active}
            for job in self.jobs:
                if job.metadata.uid in running:
                    self.delete(job)
        there = next((job for job in self.jobs if job.metadata.name == name), None)
        if there is None:
            self.writes.append(self._create(name, due))
        elif all(ref.get("uid") != there.metadata.uid for ref in self.active):
            self._take_in(there, stamp)

    def _take_in(self, job: Any, stamp: str) -> None:
        """A Job that was made before, of which the status has not been told."""
        about = job.metadata
        self.active.append(reference_to(about.namespace, about.name, about.uid, about.resourceVersion))
        self.last = stamp

    def _create(self, name: str, due: int) -> Write:
        template = objects.tree_of(self.cron.spec.jobTemplate)
        metadata = template.get("metadata", {})
        at = datetime.fromtimestamp(due, zone_of(self.cron.spec.timeZone or "")).isoformat().replace("+00:00", "Z")
        tree = {
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {
                "name": name, "namespace": self.cron.metadata.namespace, "labels": metadata.get("labels", {}),
                "annotations": {**metadata.get("annotations", {}), SCHEDULED_AT: at},
                "ownerReferences": [objects.owner_reference(self.cron)],
            },
            "spec": template["spec"],
        }  # fmt: skip
        failed = self.event("FailedCreate", "Error creating job: {error}", warning=True)
        return create(tree, self.event("SuccessfulCreate", f"Created job {name}"), failed)

    def status(self) -> tuple[Write, ...]:
        """The write of the status, if it changes."""
        fresh: Tree = {"active": self.active} if self.active else {}
        if self.last:
            fresh["lastScheduleTime"] = self.last
        if self.good:
            fresh["lastSuccessfulTime"] = self.good
        if fresh == self.before:
            return ()
        return (update({**objects.tree_of(self.cron), "status": fresh}, "status"),)


def reconcile(cron: Any, jobs: Sequence[Any], made: Made | None, clock: Clock) -> Decision:
    """``jobs``: those that it owns. ``made``: the Job that was made last, until it stands in the status."""
    plan = Plan(cron, jobs, clock)
    if made is not None:
        plan.active.append(reference_to(cron.metadata.namespace, made.name, made.uid, made.revision))
        plan.last = times.rfc3339((made.at - clock.epoch) * SECOND, clock.epoch)
        return Decision((plan.status(),), (), (), 0)
    plan.review()
    plan.clean()
    if not cron.metadata.deletionTimestamp:
        plan.start()
    deletes = tuple(write for write in plan.writes if write.method == "DELETE")
    creates = tuple(write for write in plan.writes if write.method == "POST")
    batches = tuple(batch for batch in (deletes, plan.status(), creates) if batch)
    return Decision(batches, (), tuple(plan.events), plan.again)


def reference_to(namespace: str, name: str, uid: str, revision: str) -> Tree:
    """A Job as the status names it."""
    found = {"apiVersion": "batch/v1", "kind": "Job", "namespace": namespace, "name": name, "uid": uid}
    return {**found, "resourceVersion": revision}


def _end(job: Any) -> str:
    """``Complete`` or ``Failed``, empty while it runs."""
    for kind in ("Complete", "Failed"):
        found = objects.condition(job, kind)
        if found is not None and found.status == "True":
            return kind
    return ""


def _begun(job: Any) -> tuple[str, str]:
    """Sort key: the oldest start first, then by name."""
    began = job.status.startTime if job.status else None
    return objects.stamp_of(began) if began else "~", job.metadata.name
