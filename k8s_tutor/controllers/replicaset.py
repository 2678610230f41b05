"""The ReplicaSet controller: as many pods as the spec asks for (pkg/controller/replicaset/replica_set.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import scheme, selectors
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, Event, Write, create, delete, patch, update
from k8s_tutor.controllers.victims import deletion_order
from k8s_tutor.sim import SECOND, CallFailed

BURST = 500
"""Pods that are created or deleted in one look, at most."""
EXPECTATION = 300 * SECOND
"""Pods that were ordered and have not shown up after this long are no longer waited for."""


class Expected(NamedTuple):
    """Pods that were created or deleted but have not been seen to come or go: looks must not count on the informer yet."""

    creates: int
    deletes: tuple[str, ...]
    at: int
    unsent: int = 0
    """Creates that are still to be sent."""

    def fulfilled(self, now: int) -> bool:
        """Whether all of them were seen, or it took too long."""
        return (self.creates <= 0 and not self.deletes) or now - self.at > EXPECTATION


def slow_start(writes: Sequence[Write]) -> tuple[tuple[Write, ...], ...]:
    """Batches of 1, 2, 4, 8, ...: when the first one fails the others are not tried (slowStartBatch)."""
    batches, at, size = [], 0, 1
    while at < len(writes):
        batches.append(tuple(writes[at : at + size]))
        at, size = at + size, size * 2
    return tuple(batches)


def claim(rs: Any, pods: Iterable[Any]) -> tuple[list[Any], list[Write]]:
    """(pods of this ReplicaSet, patches): orphans that match are adopted, own pods that do not match any more are let go
    (controller_ref_manager.go)."""
    selector = selectors.from_object(rs.spec.selector)
    mine: list[Any] = []
    patches: list[Write] = []
    for pod in pods:
        matches = selector.matches(pod.metadata.labels)
        ref = objects.controller_of(pod)
        if ref is not None:
            if ref.uid != rs.metadata.uid:
                continue
            if matches:
                mine.append(pod)
            elif not rs.metadata.deletionTimestamp:
                gone = {"$patch": "delete", "uid": rs.metadata.uid}
                change = {"metadata": {"ownerReferences": [gone], "uid": pod.metadata.uid}}
                patches.append(patch(pod, change, content_type=STRATEGIC))
        elif matches and not rs.metadata.deletionTimestamp and not pod.metadata.deletionTimestamp:
            if objects.has_ended(pod):
                continue
            change = {"metadata": {"ownerReferences": [objects.owner_reference(rs)], "uid": pod.metadata.uid}}
            patches.append(patch(pod, change, content_type=STRATEGIC))
            mine.append(pod)
    return mine, patches


def new_pod(rs: Any) -> Tree:
    """A pod as the template says; the server completes its name."""
    template = objects.tree_of(rs.spec.template)
    metadata = {
        name: value for name, value in template.get("metadata", {}).items()
        if name in ("labels", "annotations", "finalizers")
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "generateName": f"{rs.metadata.name}-", "namespace": rs.metadata.namespace, **metadata,
            "ownerReferences": [objects.owner_reference(rs)],
        },
        "spec": template["spec"],
    }  # fmt: skip


def _creates(rs: Any, count: int) -> tuple[tuple[Write, ...], ...]:
    about, tree = objects.reference(rs), new_pod(rs)
    done = Event(about, "SuccessfulCreate", "Created pod: {name}")
    failed = Event(about, "FailedCreate", "Error creating: {error}", warning=True)
    return slow_start([create(tree, done, failed)] * count)


def _deletes(rs: Any, pods: Iterable[Any]) -> tuple[Write, ...]:
    about = objects.reference(rs)
    return tuple(
        delete(
            pod, done=Event(about, "SuccessfulDelete", f"Deleted pod: {pod.metadata.name}"),
            failed=Event(about, "FailedDelete", "Error deleting: {error}", warning=True),
        )
        for pod in pods
    )  # fmt: skip


def status(rs: Any, pods: Sequence[Any], active: Sequence[Any], failure: str, clock: Clock) -> Tree:
    """The status that these pods give (calculateStatus), without zeros but for ``terminatingReplicas``."""
    labels = (rs.spec.template.metadata and rs.spec.template.metadata.labels) or {}
    wait = rs.spec.minReadySeconds or 0
    counts = {
        "fullyLabeledReplicas": sum(1 for pod in active if labels.items() <= (pod.metadata.labels or {}).items()),
        "readyReplicas": sum(1 for pod in active if objects.is_ready(pod)),
        "availableReplicas": sum(1 for pod in active if objects.is_available(pod, wait, clock)),
        "observedGeneration": rs.metadata.generation or 0,
    }
    ending = sum(1 for pod in pods if pod.metadata.deletionTimestamp and not objects.has_ended(pod))
    found: Tree = {"replicas": len(active), **{name: count for name, count in counts.items() if count}}
    found["terminatingReplicas"] = ending
    old = objects.condition(rs, "ReplicaFailure")
    kept = [objects.tree_of(c) for c in (rs.status and rs.status.conditions) or () if c.type != "ReplicaFailure"]
    if failure and old is not None:
        kept.append(objects.tree_of(old))
    elif failure:
        reason = "FailedCreate" if len(active) < (rs.spec.replicas or 0) else "FailedDelete"
        kept.append({
            "type": "ReplicaFailure", "status": "True", "reason": reason, "message": failure,
            "lastTransitionTime": clock.stamp,
        })  # fmt: skip
    if kept:
        found["conditions"] = kept
    return found


def _status_write(rs: Any, fresh: Tree) -> tuple[Write, ...]:
    old = objects.tree_of(rs.status) if rs.status else {}
    shown = {name: value for name, value in old.items() if value or name in ("replicas", "terminatingReplicas")}
    if {"replicas": 0, "terminatingReplicas": 0, **shown} == fresh and shown:
        return ()
    return (update({**objects.tree_of(rs), "status": fresh}, "status"),)


def reconcile(
    rs: Any, pods: Iterable[Any], related: Iterable[Any], settled: bool, failure: str, clock: Clock
) -> Decision:
    """What to do about one ReplicaSet.

    ``pods``: all pods that it owns, and those of its namespace that nobody owns. ``related``: pods of all ReplicaSets of the
    same Deployment (they decide which node is crowded). ``settled``: whether all pods ordered earlier have shown up.
    ``failure``: message of the last create or delete if that failed, else empty.
    """
    mine, patches = claim(rs, pods)
    active = [pod for pod in mine if objects.is_active(pod)]
    batches: list[tuple[Write, ...]] = [tuple(patches)] if patches else []
    if settled and not rs.metadata.deletionTimestamp:
        lacking = (rs.spec.replicas if rs.spec.replicas is not None else 1) - len(active)
        if lacking > 0:
            batches += _creates(rs, min(lacking, BURST))
        elif lacking < 0:
            victims = deletion_order(active, related, clock)[: min(-lacking, BURST)]
            batches.append(_deletes(rs, victims))
    fresh = status(rs, mine, active, failure, clock)
    ready, available = fresh.get("readyReplicas", 0), fresh.get("availableReplicas", 0)
    again = (rs.spec.minReadySeconds or 0) * SECOND if ready > available else None
    return Decision(tuple(batches), _status_write(rs, fresh), (), again)


class ReplicaSetController(Controller):
    """Feeds `reconcile`; remembers what it has ordered and not yet seen."""

    name = "replicaset-controller"

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[str, Expected] = {}
        self.failing: dict[str, str] = {}
        """Message of the last request that failed, by key."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.replica_sets.objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "ReplicaSet":
            if change.new is None or (change.old and change.old.metadata.uid != change.new.metadata.uid):
                self.expected.pop(change.key, None)
                self.failing.pop(change.key, None)
            return [change.key]
        return self._pod_keys(stores, change) if change.kind == "Pod" else []

    def _pod_keys(self, stores: Stores, change: Change) -> list[str]:
        old, new = change.old, change.new
        before, after = self._owner(stores, old), self._owner(stores, new)
        if new is None or new.metadata.deletionTimestamp:
            self._seen_gone(after or before, change.key)
        elif old is None and after:
            self._seen_new(after)
        found = [key for key in (before, after) if key]
        if new is not None and objects.controller_of(new) is None and not new.metadata.deletionTimestamp:
            found += [
                objects.key_of(rs) for rs in stores.replica_sets
                if rs.metadata.namespace == new.metadata.namespace
                and selectors.from_object(rs.spec.selector).matches(new.metadata.labels)
            ]  # fmt: skip
        return list(dict.fromkeys(found))

    def _owner(self, stores: Stores, pod: Any) -> str:
        ref = objects.controller_of(pod) if pod is not None else None
        if ref is None or ref.kind != "ReplicaSet":
            return ""
        rs = stores.replica_sets.get(pod.metadata.namespace, ref.name)
        return objects.key_of(rs) if rs is not None and rs.metadata.uid == ref.uid else ""

    def _seen_new(self, key: str) -> None:
        found = self.expected.get(key)
        if found is not None:
            self.expected[key] = found._replace(creates=found.creates - 1)

    def _seen_gone(self, key: str, pod: str) -> None:
        found = self.expected.get(key)
        if found is not None and pod in found.deletes:
            self.expected[key] = found._replace(deletes=tuple(name for name in found.deletes if name != pod))

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        rs = stores.replica_sets.objects.get(key)
        if rs is None:
            self.expected.pop(key, None)
            return NOTHING
        pods = pods_of(stores, rs)
        expected = self.expected.get(key)
        settled = expected is None or expected.fulfilled(clock.now)
        orphans = [pod for pod in stores.pods_in(rs.metadata.namespace) if objects.controller_of(pod) is None]
        failure = self.failing.get(key, "")
        decision = reconcile(rs, [*pods, *orphans], _related(stores, rs), settled, failure, clock)
        creates = sum(1 for write in decision.writes if write.method == "POST")
        deletes = tuple(f"{write.namespace}/{write.name}" for write in decision.writes if write.method == "DELETE")
        if creates or deletes:
            self.expected[key] = Expected(creates, deletes, clock.now, creates)
        return decision

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.kind != "Pod" or write.method not in ("POST", "DELETE"):
            return
        ok = isinstance(answer, Response) and answer.code < 300
        if ok:
            self.failing.pop(key, None)
        expected = self.expected.get(key)
        if expected is None:
            return
        if write.method == "POST":
            expected = expected._replace(unsent=expected.unsent - 1, creates=expected.creates - (0 if ok else 1))
        elif not ok:
            gone = f"{write.namespace}/{write.name}"
            expected = expected._replace(deletes=tuple(name for name in expected.deletes if name != gone))
        self.expected[key] = expected
        if not ok and isinstance(answer, Response) and answer.code != 404:
            self.failing[key] = _message(answer)

    def finished(self, key: str, ok: bool) -> bool:
        expected = self.expected.get(key)
        if expected is not None and expected.unsent:
            self.expected[key] = expected._replace(creates=expected.creates - expected.unsent, unsent=0)
        return False


def _message(answer: Response) -> str:
    found = scheme.tree(answer.body).get("message", "") if answer.body else ""
    return str(found)


def pods_of(stores: Stores, owner: Any) -> list[Any]:
    """The pods that name this object as an owner, by key."""
    keys = [entry.partition("/")[2] for entry in stores.owned.of(owner.metadata.uid) if entry.startswith("Pod/")]
    return [stores.pods.objects[key] for key in sorted(keys) if key in stores.pods.objects]


def _related(stores: Stores, rs: Any) -> list[Any]:
    """Pods of all ReplicaSets with the same controller (getIndirectlyRelatedPods)."""
    ref = objects.controller_of(rs)
    if ref is None:
        return pods_of(stores, rs)
    found: list[Any] = []
    for entry in sorted(stores.owned.of(ref.uid)):
        kind, _, key = entry.partition("/")
        sibling = stores.replica_sets.objects.get(key) if kind == "ReplicaSet" else None
        if sibling is not None:
            found += pods_of(stores, sibling)
    return found
