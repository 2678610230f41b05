"""Feeds the Deployment's `reconcile`."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import selectors
from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.deployment.reconcile import reconcile
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.podowner import pods_of
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, Write, adopting, patch


class DeploymentController(Controller):
    """Keys are Deployments; it listens to them, to ReplicaSets, and to pods that vanish (for Recreate)."""

    name = "deployment-controller"
    hears = ("Deployment", "ReplicaSet", "Pod")

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.deployments.objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "Deployment":
            return [change.key]
        if change.kind == "ReplicaSet":
            found = [self._owner(stores, change.old), self._owner(stores, change.new)]
            if change.new is not None and objects.controller_of(change.new) is None:
                found += [
                    objects.key_of(one) for one in stores.deployments
                    if one.metadata.namespace == change.new.metadata.namespace
                    and selectors.from_object(one.spec.selector).matches(change.new.metadata.labels)
                ]  # fmt: skip
            return list(dict.fromkeys(key for key in found if key))
        if change.kind == "Pod" and change.new is None:
            return self._recreating(stores, change.old)
        return []

    def _owner(self, stores: Stores, rs: Any) -> str:
        ref = objects.controller_of(rs) if rs is not None else None
        if ref is None or ref.kind != "Deployment":
            return ""
        found = stores.deployments.get(rs.metadata.namespace, ref.name)
        return objects.key_of(found) if found is not None and found.metadata.uid == ref.uid else ""

    def _recreating(self, stores: Stores, pod: Any) -> list[str]:
        """A Deployment of type Recreate goes on when its last pod is gone."""
        ref = objects.controller_of(pod) if pod is not None else None
        rs = stores.replica_sets.get(pod.metadata.namespace, ref.name) if ref is not None else None
        key = self._owner(stores, rs)
        deployment = stores.deployments.objects.get(key)
        if deployment is None or deployment.spec.strategy is None or deployment.spec.strategy.type != "Recreate":
            return []
        return [] if any(pods_of(stores, owned) for owned in _owned(stores, deployment)) else [key]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        deployment = stores.deployments.objects.get(key)
        if deployment is None:
            return NOTHING
        claims = _claims(stores, deployment)
        if claims:
            return Decision(adopting(deployment, claims), again=0)
        owned = _owned(stores, deployment)
        mine = {rs.metadata.uid for rs in owned}
        others = [
            rs for rs in stores.replica_sets
            if rs.metadata.namespace == deployment.metadata.namespace and rs.metadata.uid not in mine
        ]  # fmt: skip
        pods = [pod for rs in owned for pod in pods_of(stores, rs)]
        return reconcile(deployment, owned, pods, clock, others)


def _owned(stores: Stores, deployment: Any) -> list[Any]:
    found = []
    for entry in sorted(stores.owned.of(deployment.metadata.uid)):
        kind, _, key = entry.partition("/")
        rs = stores.replica_sets.objects.get(key) if kind == "ReplicaSet" else None
        if rs is not None and objects.owned_by(rs, deployment):
            found.append(rs)
    return found


def _claims(stores: Stores, deployment: Any) -> list[Write]:
    """Patches that adopt matching ReplicaSets that nobody owns, and let go of own ones that do not match any more."""
    if deployment.metadata.deletionTimestamp:
        return []
    selector = selectors.from_object(deployment.spec.selector)
    patches = []
    for rs in stores.replica_sets:
        if rs.metadata.namespace != deployment.metadata.namespace or rs.metadata.deletionTimestamp:
            continue
        ref = objects.controller_of(rs)
        matches = selector.matches(rs.metadata.labels)
        if ref is None and matches:
            reference = objects.owner_reference(deployment)
        elif ref is not None and ref.uid == deployment.metadata.uid and not matches:
            reference = {"$patch": "delete", "uid": deployment.metadata.uid}
        else:
            continue
        change = {"metadata": {"ownerReferences": [reference], "uid": rs.metadata.uid}}
        patches.append(patch(rs, change, content_type=STRATEGIC))
    return patches
