"""The ReplicaSet controller: as many pods as the spec asks for (pkg/controller/replicaset/replica_set.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from k8s_tutor.api import selectors
from k8s_tutor.api.selectors import Selector
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.podowner import PodOwner, claim, create_pod, delete_pod, new_pod, pods_of, slow_start
from k8s_tutor.controllers.requests import Decision, Write, adopting, update
from k8s_tutor.controllers.victims import deletion_order
from k8s_tutor.sim import SECOND

BURST = 500
"""Pods that are created or deleted in one look, at most."""


def selector_of(rs: Any) -> Selector:
    """Which pods it wants: a ReplicaSet has a label selector, a ReplicationController a map of labels."""
    if rs.kind == "ReplicationController":
        return selectors.from_map(rs.spec.selector or {})
    return selectors.from_object(rs.spec.selector)


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
    if rs.kind == "ReplicaSet":
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
    zeros = {"replicas": 0, "terminatingReplicas": 0} if rs.kind == "ReplicaSet" else {"replicas": 0}
    if {**zeros, **shown} == fresh and shown:
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
    mine, patches = claim(rs, selector_of(rs), pods, ended=False)
    active = [pod for pod in mine if objects.is_active(pod)]
    batches: list[tuple[Write, ...]] = [*adopting(rs, patches)]
    if settled and not rs.metadata.deletionTimestamp:
        lacking = (rs.spec.replicas if rs.spec.replicas is not None else 1) - len(active)
        if lacking > 0:
            tree = new_pod(rs, objects.tree_of(rs.spec.template))
            batches += slow_start([create_pod(rs, tree)] * min(lacking, BURST))
        elif lacking < 0:
            victims = deletion_order(active, related, clock)[: min(-lacking, BURST)]
            batches.append(tuple(delete_pod(rs, pod) for pod in victims))
    fresh = status(rs, mine, active, failure, clock)
    ready, available = fresh.get("readyReplicas", 0), fresh.get("availableReplicas", 0)
    again = (rs.spec.minReadySeconds or 0) * SECOND if ready > available else None
    return Decision(tuple(batches), _status_write(rs, fresh), (), again)


class ReplicaSetController(PodOwner):
    """Feeds `reconcile`."""

    name = "replicaset-controller"
    hears = ("ReplicaSet", "Pod")
    kind = "ReplicaSet"

    def look(self, stores: Stores, owner: Any, pods: list[Any], settled: bool, clock: Clock) -> Decision:
        failure = self.failing.get(objects.key_of(owner), "")
        return reconcile(owner, pods, _related(stores, owner), settled, failure, clock)


class ReplicationController(ReplicaSetController):
    """The ReplicaSet's older form: the same, with a plain map as selector (pkg/controller/replication)."""

    name = "replication-controller"
    hears = ("ReplicationController", "Pod")
    kind = "ReplicationController"

    def selector(self, owner: Any) -> Selector:
        return selector_of(owner)


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
