"""Claims for the ephemeral volumes of pods (pkg/controller/volume/ephemeral)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, Decision, Event, Write, create


def reconcile(pod: Any, claims: Mapping[str, Any]) -> Decision:
    """Creates the claims that are missing. ``claims``: those that have the right name, by volume."""
    about = objects.reference(pod)
    writes: list[Write] = []
    for volume in volumes_of(pod):
        found = claims.get(volume.name)
        if found is None:
            failed = f"ephemeral volume {volume.name}: create PVC {claim_name(pod, volume)}: {{error}}"
            writes.append(create(_claim(pod, volume), failed=Event(about, "FailedBinding", failed, warning=True)))
        elif not objects.owned_by(found, pod):
            place, key = objects.key_of(found), objects.key_of(pod)
            text = f"ephemeral volume {volume.name}: PVC {place} was not created for pod {key} (pod is not owner)"
            return Decision((tuple(writes),), (), (Event(about, "FailedBinding", text, warning=True),), failed=True)
    return Decision((tuple(writes),)) if writes else NOTHING


def volumes_of(pod: Any) -> list[Any]:
    """The ephemeral volumes of a pod."""
    return [volume for volume in pod.spec.volumes or () if volume.ephemeral is not None]


def claim_name(pod: Any, volume: Any) -> str:
    """Of the claim of one of its volumes."""
    return f"{pod.metadata.name}-{volume.name}"


def _claim(pod: Any, volume: Any) -> Tree:
    template = objects.tree_of(volume.ephemeral.volumeClaimTemplate)
    given = template.get("metadata", {})
    metadata = {
        "name": claim_name(pod, volume), "namespace": pod.metadata.namespace,
        **{key: given[key] for key in ("annotations", "labels") if key in given},
        "ownerReferences": [objects.owner_reference(pod)],
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"]}


class EphemeralVolumeController(Controller):
    """Keys are pods."""

    name = "ephemeral-volume-controller"
    source = "ephemeral_volume"
    hears = ("Pod", "PersistentVolumeClaim")

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [objects.key_of(pod) for pod in stores.pods if volumes_of(pod)]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "Pod":
            return [change.key] if change.old is None and volumes_of(change.new) else []
        if change.new is not None:
            return []
        ref = objects.controller_of(change.old)
        return [f"{change.old.metadata.namespace}/{ref.name}"] if ref is not None and ref.kind == "Pod" else []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        pod = stores.pods.objects.get(key)
        if pod is None or pod.metadata.deletionTimestamp:
            return NOTHING
        names = {volume.name: claim_name(pod, volume) for volume in volumes_of(pod)}
        found = {volume: stores.claims.get(pod.metadata.namespace, name) for volume, name in names.items()}
        return reconcile(pod, {volume: claim for volume, claim in found.items() if claim is not None})
