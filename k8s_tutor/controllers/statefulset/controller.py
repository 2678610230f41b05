"""Feeds the StatefulSet's `reconcile`."""

from __future__ import annotations

from typing import Any

from k8s_tutor.controllers import history
from k8s_tutor.controllers.base import Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.podowner import PodOwner, claim
from k8s_tutor.controllers.requests import Decision, adopting
from k8s_tutor.controllers.statefulset import identity
from k8s_tutor.controllers.statefulset.reconcile import reconcile


class StatefulSetController(PodOwner):
    """Keys are StatefulSets; it listens to them and to pods."""

    name = "statefulset-controller"
    hears = ("StatefulSet", "Pod")
    kind = "StatefulSet"

    def look(self, stores: Stores, owner: Any, pods: list[Any], settled: bool, clock: Clock) -> Decision:
        mine, patches = claim(owner, self.selector(owner), [p for p in pods if identity.ordinal(owner, p) >= 0])
        revisions = history.owned_revisions(stores.owned.of(owner.metadata.uid), stores.revisions, owner)
        known = history.look(owner, revisions, unique_label=False)
        claims = {one.metadata.name: one for one in stores.claims if one.metadata.namespace == owner.metadata.namespace}
        decision = reconcile(owner, mine, known, claims, settled, clock)
        status = owner.status
        live = {identity.revision_of(pod) for pod in mine} | {known.update.name}
        live |= {status.currentRevision, status.updateRevision} if status is not None else set()
        spare = history.surplus(owner, revisions, live)
        first = adopting(owner, patches)
        return decision._replace(batches=(*first, *decision.batches), last=(*decision.last, *spare))
