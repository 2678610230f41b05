"""Storage object protection: a claim or volume that is being deleted stays until nobody uses it
(pkg/controller/volume/pvcprotection, pvprotection)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.admission.objects import PROTECTION
from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, update


def release(found: Any) -> Decision:
    """Takes the finalizer away from an object that is being deleted."""
    tree = objects.tree_of(found)
    finalizer = PROTECTION[tree["kind"]]
    kept = [one for one in tree["metadata"].get("finalizers") or () if one != finalizer]
    metadata = {**tree["metadata"], "finalizers": kept}
    return Decision(((update({**tree, "metadata": metadata}),),))


def is_held(found: Any) -> bool:
    """Whether it is being deleted and still has the finalizer."""
    return bool(found.metadata.deletionTimestamp) and PROTECTION[found.kind] in (found.metadata.finalizers or ())


def _uses(pod: Any, claim: str) -> bool:
    if objects.has_ended(pod):
        return False
    volumes = pod.spec.volumes or ()
    return any(
        (one.persistentVolumeClaim is not None and one.persistentVolumeClaim.claimName == claim)
        or (one.ephemeral is not None and f"{pod.metadata.name}-{one.name}" == claim)
        for one in volumes
    )


class ClaimProtectionController(Controller):
    """Keys are claims that are being deleted."""

    name = "pvc-protection-controller"
    hears = ("PersistentVolumeClaim", "Pod")

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [objects.key_of(claim) for claim in stores.claims if is_held(claim)]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "PersistentVolumeClaim":
            return [change.key] if change.new is not None and is_held(change.new) else []
        if change.kind == "Pod" and (change.new is None or objects.has_ended(change.new)):
            return self.begin(stores, clock)
        return []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        claim = stores.claims.objects.get(key)
        if claim is None or not is_held(claim):
            return NOTHING
        pods = stores.pods_in(claim.metadata.namespace)
        return NOTHING if any(_uses(pod, claim.metadata.name) for pod in pods) else release(claim)


class VolumeProtectionController(Controller):
    """Keys are volumes that are being deleted."""

    name = "pv-protection-controller"
    hears = ("PersistentVolume",)

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [volume.metadata.name for volume in stores.volumes if is_held(volume)]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind != "PersistentVolume" or change.new is None or not is_held(change.new):
            return []
        return [change.key]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        volume = stores.volumes.objects.get(key)
        if volume is None or not is_held(volume) or (volume.status is not None and volume.status.phase == "Bound"):
            return NOTHING
        return release(volume)
