"""Finished Jobs go when their time to live is over (pkg/controller/ttlafterfinished)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, delete
from k8s_tutor.sim import SECOND


def ended_at(job: Any, clock: Clock) -> int | None:
    """When the Job finished, µs; None while it runs."""
    for kind in ("Complete", "Failed"):
        found = objects.condition(job, kind)
        if found is not None and found.status == "True":
            return clock.instant(found.lastTransitionTime)
    return None


def reconcile(job: Any, clock: Clock) -> Decision:
    """Deletes the Job, its pods first, or waits for that."""
    ended = ended_at(job, clock)
    if ended is None or job.spec.ttlSecondsAfterFinished is None or job.metadata.deletionTimestamp:
        return NOTHING
    left = ended + job.spec.ttlSecondsAfterFinished * SECOND - clock.now
    return Decision(again=left) if left > 0 else Decision(((delete(job, policy="Foreground"),),))


class FinishedJobController(Controller):
    """Keys are Jobs with a time to live."""

    name = "ttl-after-finished-controller"
    hears = ("Job",)

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [objects.key_of(job) for job in stores.jobs if job.spec.ttlSecondsAfterFinished is not None]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind != "Job" or change.new is None or change.new.spec.ttlSecondsAfterFinished is None:
            return []
        return [change.key]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        job = stores.jobs.objects.get(key)
        return NOTHING if job is None else reconcile(job, clock)
