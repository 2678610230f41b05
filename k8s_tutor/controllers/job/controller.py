"""Feeds the Job's `reconcile`."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Stores
from k8s_tutor.controllers.job.backoff import Backoff
from k8s_tutor.controllers.job.pods import is_tracked, release
from k8s_tutor.controllers.job.reconcile import Seen, reconcile
from k8s_tutor.controllers.job.tracking import is_finished
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.podowner import PodOwner, claim
from k8s_tutor.controllers.requests import NOTHING, Decision, Write, adopting
from k8s_tutor.sim import CallFailed

MANAGER = "kubernetes.io/job-controller"
_ORPHAN = "orphan:"


class JobController(PodOwner):
    """Keys are Jobs; and ``orphan:`` with the key of a pod whose Job is gone, which nobody will count any more."""

    name = "job-controller"
    hears = ("Job", "Pod")
    kind = "Job"

    def __init__(self) -> None:
        super().__init__()
        self.backoff: dict[str, Backoff] = {}
        self.coming: dict[str, Backoff] = {}
        """What is remembered as soon as the requests of a look have gone well."""
        self.released: dict[str, tuple[str, ...]] = {}
        """Key → uids of pods whose finalizer was taken away, though we have not seen it yet."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        lonely = [found for pod in stores.pods if (found := _orphan(stores, pod))]
        return [*super().begin(stores, clock), *lonely]

    def gone(self, key: str) -> None:
        super().gone(key)
        self.backoff.pop(key, None)
        self.coming.pop(key, None)
        self.released.pop(key, None)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        found = super().keys(stores, change, clock)
        if change.kind == "Pod":
            lonely = _orphan(stores, change.new) if change.new is not None else ""
            return [*found, lonely] if lonely else found
        if change.kind == "Job" and change.new is None and change.old is not None:
            entries = stores.owned.of(change.old.metadata.uid)
            found += [_ORPHAN + entry.partition("/")[2] for entry in entries if entry.startswith("Pod/")]
        return found

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        if key.startswith(_ORPHAN):
            pod = stores.pods.objects.get(key.removeprefix(_ORPHAN))
            return Decision(((release(pod),),)) if pod is not None and _orphan(stores, pod) else NOTHING
        return super().sync(stores, key, clock)

    def look(self, stores: Stores, owner: Any, pods: list[Any], settled: bool, clock: Clock) -> Decision:
        key = objects.key_of(owner)
        if is_finished(owner) or (owner.spec.managedBy or MANAGER) != MANAGER:
            self.backoff.pop(key, None)
            return NOTHING
        mine, patches = claim(owner, self.selector(owner), pods)
        known = self.backoff.get(key, Backoff())
        waiting = {pod.metadata.uid for pod in mine if is_tracked(pod)}
        released = tuple(uid for uid in self.released.pop(key, ()) if uid in waiting)
        if released:
            self.released[key] = released
        seen = Seen(tuple(mine), settled, released, known, key in self.failing)
        decision, self.coming[key] = reconcile(owner, seen, clock)
        return decision._replace(batches=(*adopting(owner, patches), *decision.batches))

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        super().answered(key, write, answer, clock)
        if write.kind == "Pod" and write.method == "PATCH" and not key.startswith(_ORPHAN):
            uid = _uid(answer)
            if uid:
                self.released[key] = (*self.released.get(key, ()), uid)

    def finished(self, key: str, ok: bool) -> bool:
        coming = self.coming.pop(key, None)
        if ok and coming is not None:
            self.backoff[key] = coming
        return super().finished(key, ok)


def _uid(answer: Response | CallFailed) -> str:
    """The uid of the pod that has just lost its finalizer."""
    if not isinstance(answer, Response) or answer.code != 200:
        return ""
    metadata = scheme.tree(answer.body)["metadata"]
    return "" if metadata.get("finalizers") else str(metadata["uid"])


def _orphan(stores: Stores, pod: Any) -> str:
    """The key of a pod that still waits for being counted though its Job is gone, or empty."""
    ref = objects.controller_of(pod)
    if ref is None or ref.kind != "Job" or not is_tracked(pod):
        return ""
    job = stores.jobs.get(pod.metadata.namespace, ref.name)
    return "" if job is not None and job.metadata.uid == ref.uid else _ORPHAN + objects.key_of(pod)
