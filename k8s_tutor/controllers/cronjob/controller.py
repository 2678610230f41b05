"""Feeds the CronJob's `reconcile`."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.cronjob.reconcile import Made, reconcile
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, Write
from k8s_tutor.sim import CallFailed


class CronJobController(Controller):
    """Keys are CronJobs; it listens to them and to Jobs, and wakes when the next one is due."""

    name = "cronjob-controller"
    hears = ("CronJob", "Job")

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, Made] = {}
        """Key → the Job that was made and does not stand in the status yet."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.cron_jobs.objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "CronJob":
            return [change.key] if change.new is not None else []
        if change.kind != "Job":
            return []
        found = []
        for job in (change.old, change.new):
            ref = objects.controller_of(job) if job is not None else None
            cron = stores.cron_jobs.get(job.metadata.namespace, ref.name) if ref is not None else None
            if ref is not None and cron is not None and cron.metadata.uid == ref.uid:
                found.append(objects.key_of(cron))
        return list(dict.fromkeys(found))

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        cron = stores.cron_jobs.objects.get(key)
        if cron is None:
            self.made.pop(key, None)
            return NOTHING
        entries = sorted(stores.owned.of(cron.metadata.uid))
        names = [entry.partition("/")[2] for entry in entries if entry.startswith("Job/")]
        jobs = [stores.jobs.objects[name] for name in names if name in stores.jobs.objects]
        made = self.made.get(key)
        last = cron.status.lastScheduleTime if cron.status else None
        if made is not None and last is not None and last.timestamp() >= made.at:
            self.made.pop(key)
            made = None
        if made is not None and made.told:
            return NOTHING
        return reconcile(cron, jobs, made, clock)

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if not isinstance(answer, Response) or answer.code not in (200, 201):
            return
        if write.kind == "CronJob" and key in self.made:
            self.made[key] = self.made[key]._replace(told=True)
        if write.kind != "Job" or write.method != "POST":
            return
        metadata: Any = scheme.tree(answer.body)["metadata"]
        due = int(metadata["name"].rpartition("-")[2]) * 60
        self.made[key] = Made(metadata["name"], metadata["uid"], metadata["resourceVersion"], due)

    def finished(self, key: str, ok: bool) -> bool:
        return key in self.made and not self.made[key].told
