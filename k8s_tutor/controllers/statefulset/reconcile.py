"""What to do about one StatefulSet (pkg/controller/statefulset/stateful_set_control.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.history import History, Revision
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.podowner import slow_start
from k8s_tutor.controllers.requests import Decision, Event, Write, create, delete, one_by_one, update
from k8s_tutor.controllers.statefulset import identity, retention
from k8s_tutor.sim import SECOND


class Plan:
    """One look at a StatefulSet while it is being taken. Made and dropped within one look."""

    def __init__(self, sts: Any, pods: Sequence[Any], history: History, claims: Mapping[str, Any], clock: Clock) -> None:
        self.sts = sts
        self.claims = claims
        self.clock = clock
        self.wait = sts.spec.minReadySeconds or 0
        self.update = history.update
        current = history.find((sts.status and sts.status.currentRevision) or "")
        self.current: Revision = current or history.update
        self.first, self.size = identity.first(sts), identity.size(sts)
        by_ordinal = {identity.ordinal(sts, pod): pod for pod in pods}
        self.replicas = [by_ordinal.get(number) for number in range(self.first, self.first + self.size)]
        """By ordinal; None: there is no such pod."""
        outside = [number for number in by_ordinal if number >= 0 and not self.first <= number < self.first + self.size]
        self.condemned = [by_ordinal[number] for number in sorted(outside, reverse=True)]
        self.monotonic = sts.spec.podManagementPolicy != "Parallel"
        self.writes: list[Write] = []
        self.deleted = 0
        """Pods of the current revision that are deleted for an update."""

    # ------------------------------------------------------------------ questions about a pod

    def is_healthy(self, pod: Any) -> bool:
        """Running, ready for long enough, and not ending."""
        return self.is_available(pod) and not pod.metadata.deletionTimestamp

    def is_available(self, pod: Any) -> bool:
        """Running, and ready for long enough."""
        return is_ready(pod) and objects.is_available(pod, self.wait, self.clock)

    def revision_for(self, number: int) -> Revision:
        """The revision that a new pod with this ordinal is made from (newVersionedStatefulSetPod)."""
        strategy = self.sts.spec.updateStrategy
        rolling = strategy.rollingUpdate if strategy is not None else None
        if rolling is not None:
            border = rolling.partition or 0
        elif strategy is not None and strategy.type == "RollingUpdate":
            border = (self.sts.status and self.sts.status.currentReplicas) or 0
        else:
            border = 0
        return self.current if number < self.first + border else self.update

    # ------------------------------------------------------------------ requests

    def event(self, verb: str, text: str) -> tuple[Event, Event]:
        """(event of success, event of failure). ``text``: ``Pod s-0 in StatefulSet s``."""
        about = objects.reference(self.sts)
        done = Event(about, f"Successful{verb}", f"{verb} {text} successful")
        return done, Event(about, f"Failed{verb}", f"{verb} {text} failed error: {{error}}", warning=True)

    def create(self, number: int) -> list[Write]:
        """The requests that make the pod with this ordinal: first its claims."""
        name, owner = f"{self.sts.metadata.name}-{number}", self.sts.metadata.name
        writes = self.missing_claims(number)
        done, failed = self.event("Create", f"Pod {name} in StatefulSet {owner}")
        return [*writes, create(identity.pod_tree(self.sts, self.revision_for(number), number), done, failed)]

    def missing_claims(self, number: int) -> list[Write]:
        """Creates the claims of a pod that are not there."""
        name, owner = f"{self.sts.metadata.name}-{number}", self.sts.metadata.name
        writes = []
        for template in self.sts.spec.volumeClaimTemplates or ():
            tree = identity.claim_tree(self.sts, template, number)
            claim = tree["metadata"]["name"]
            if claim in self.claims:
                continue
            policy = self.sts.spec.persistentVolumeClaimRetentionPolicy
            if policy is not None and policy.whenDeleted == "Delete":
                tree["metadata"]["ownerReferences"] = [objects.owner_reference(self.sts)]
            about = objects.reference(self.sts)
            text = f"{claim} Pod {name} in StatefulSet {owner} success"
            failure = f"Create Claim {claim} for Pod {name} in StatefulSet {owner} failed error: {{error}}"
            done = Event(about, "SuccessfulCreate", f"Create Claim {text}")
            writes.append(create(tree, done, Event(about, "FailedCreate", failure, warning=True)))
        return writes

    def delete(self, pod: Any) -> Write:
        """Deletes a pod."""
        done, failed = self.event("Delete", f"Pod {pod.metadata.name} in StatefulSet {self.sts.metadata.name}")
        return delete(pod, done=done, failed=failed)

    # ------------------------------------------------------------------ the three steps

    def settle_replicas(self) -> bool:
        """Makes what is missing, in order; whether the next step may be taken."""
        calm = True
        for at, pod in enumerate(self.replicas):
            number = self.first + at
            if pod is None:
                self.writes += self.create(number)
                calm = False
            elif objects.has_ended(pod):
                if not pod.metadata.deletionTimestamp:
                    self.writes.append(self.delete(pod))
                calm = False
            else:
                self.writes += self._maintain(pod, number)
                if self.monotonic and not self.is_healthy(pod):
                    return False
            if self.monotonic and not calm:
                return False
        return calm

    def _maintain(self, pod: Any, number: int) -> list[Write]:
        writes = self.missing_claims(number) if pod.status and pod.status.phase == "Pending" else []
        if self.monotonic and not self.is_healthy(pod):
            return writes
        if not identity.identity_matches(self.sts, pod):
            writes.append(update(identity.identified(self.sts, pod)))
        return writes + retention.repairs(self.sts, pod, number, self.claims)

    def scale_down(self) -> bool:
        """Deletes what is too much, the highest ordinal first; whether the next step may be taken."""
        sick = [pod for pod in [*self.replicas, *reversed(self.condemned)] if pod is None or not self.is_healthy(pod)]
        worst = sick[0] if sick else None
        for pod in self.condemned:
            self.writes += retention.repairs(self.sts, pod, identity.ordinal(self.sts, pod), self.claims)
        for pod in self.condemned:
            if pod.metadata.deletionTimestamp:
                if self.monotonic:
                    return False
                continue
            if self.monotonic and not self.is_available(pod) and pod is not worst:
                return False
            self.writes.append(self.delete(pod))
            if self.monotonic:
                return False
        return True

    def roll(self) -> None:
        """Deletes pods of other revisions, the highest ordinal first; what becomes of them is made anew next time."""
        strategy = self.sts.spec.updateStrategy
        if strategy is not None and strategy.type == "OnDelete":
            return
        rolling = strategy.rollingUpdate if strategy is not None else None
        partition = (rolling.partition or 0) if rolling is not None else 0
        most = max_unavailable(rolling.maxUnavailable if rolling is not None else None, self.size)
        outdated = [
            pod for at, pod in reversed(list(enumerate(self.replicas)))
            if pod is not None and self.first + at >= partition and identity.revision_of(pod) != self.update.name
            and not pod.metadata.deletionTimestamp
        ]  # fmt: skip
        gone = sum(1 for pod in self.replicas if pod is None or not self.is_healthy(pod))
        for pod in outdated:
            broken = not self.is_healthy(pod)
            if not broken and gone >= most:
                return
            self.writes.append(self.delete(pod))
            self.deleted += 1 if identity.revision_of(pod) == self.current.name else 0
            gone += 0 if broken else 1
            if most == 1:
                return


def is_ready(pod: Any) -> bool:
    """Running and ready."""
    return bool(pod.status and pod.status.phase == "Running") and objects.is_ready(pod)


def max_unavailable(value: Any, size: int) -> int:
    """``maxUnavailable`` as a number: a share is rounded up, at least one."""
    if value is None:
        return 1
    if isinstance(value, str):
        value = -(-int(value.removesuffix("%")) * size // 100)
    return max(int(value), 1)


def status(plan: Plan, pods: Sequence[Any]) -> Tree:
    """The status that these pods give."""
    sts = plan.sts
    created = [pod for pod in pods if pod.status and pod.status.phase]
    ready = [pod for pod in pods if is_ready(pod)]
    staying = [identity.revision_of(pod) for pod in created if not pod.metadata.deletionTimestamp]
    current, updated = staying.count(plan.current.name), staying.count(plan.update.name)
    name = plan.current.name
    strategy = sts.spec.updateStrategy
    if strategy is None or strategy.type == "RollingUpdate":
        if updated == plan.size and len(ready) == plan.size and len(created) == plan.size:
            current, name = updated, plan.update.name
        else:
            current -= plan.deleted
    counts = {"readyReplicas": len(ready), "currentReplicas": max(current, 0), "updatedReplicas": updated}
    return {
        "observedGeneration": sts.metadata.generation or 0, "replicas": len(created),
        **{key: value for key, value in counts.items() if value},
        "availableReplicas": sum(1 for pod in ready if plan.is_available(pod)),
        "currentRevision": name, "updateRevision": plan.update.name,
        "collisionCount": (sts.status and sts.status.collisionCount) or 0,
    }  # fmt: skip


def reconcile(
    sts: Any, pods: Sequence[Any], history: History, claims: Mapping[str, Any], settled: bool, clock: Clock
) -> Decision:
    """``pods``: those that it owns. ``claims``: PersistentVolumeClaims of its namespace, by name. ``settled``: whether all
    pods ordered earlier have shown up."""
    plan = Plan(sts, pods, history, claims, clock)
    if settled and not sts.metadata.deletionTimestamp and plan.settle_replicas() and plan.scale_down():
        plan.roll()
    batches = one_by_one(history.writes)
    if plan.monotonic:
        batches += one_by_one(plan.writes)
    else:
        batches += one_by_one(write for write in plan.writes if write.kind != "Pod")
        batches += slow_start([write for write in plan.writes if write.kind == "Pod"])
    fresh = status(plan, pods)
    same = sts.status is not None and _shown(objects.tree_of(sts.status)) == fresh
    last = () if same else (update({**objects.tree_of(sts), "status": fresh}, "status"),)
    again = plan.wait * SECOND if plan.wait and fresh.get("readyReplicas", 0) > fresh["availableReplicas"] else None
    return Decision(batches, last, (), again)


def _shown(tree: Tree) -> Tree:
    kept = ("replicas", "availableReplicas", "collisionCount", "observedGeneration")
    return {"availableReplicas": 0, **{key: value for key, value in tree.items() if value or key in kept}}
