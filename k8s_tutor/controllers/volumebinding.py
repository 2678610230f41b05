"""The persistent volume controller: brings claims and volumes together (pkg/controller/volume/persistentvolume).

A pair is bound when the volume names the claim and the claim names the volume. The controller writes both, one after the
other, and finishes later what it could not finish at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from k8s_tutor.api import quantity, selectors
from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, Decision, Event, Write, delete, update
from k8s_tutor.sim import SECOND

RESYNC = 15 * SECOND
COMPLETED = "pv.kubernetes.io/bind-completed"
BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
SELECTED = "volume.kubernetes.io/selected-node"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_PROVISIONER = ("volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner")
_CLASS = "volume.beta.kubernetes.io/storage-class"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


def notes(struct: Any) -> dict[str, str]:
    """The annotations of an object."""
    return dict(struct.metadata.annotations or {})


def class_of(struct: Any) -> str:
    """The storage class of a claim or a volume."""
    return notes(struct).get(_CLASS, struct.spec.storageClassName or "")


def is_for(volume: Any, claim: Any) -> bool:
    """Whether a volume names this claim; a name without uid was written by hand, and is enough."""
    ref = volume.spec.claimRef
    if ref is None or (ref.namespace, ref.name) != (claim.metadata.namespace, claim.metadata.name):
        return False
    return not ref.uid or ref.uid == claim.metadata.uid


def fits(volume: Any, claim: Any) -> bool:
    """Whether a volume is what a claim asks for, whoever has it."""
    spec = claim.spec
    wanted = objects.tree_of(spec.resources).get("requests", {}).get("storage", "0") if spec.resources else "0"
    return bool(
        not volume.metadata.deletionTimestamp
        and quantity.compare((volume.spec.capacity or {}).get("storage", "0"), wanted) >= 0
        and (volume.spec.volumeMode or "Filesystem") == (spec.volumeMode or "Filesystem")
        and {*(spec.accessModes or ())} <= {*(volume.spec.accessModes or ())}
        and class_of(volume) == class_of(claim)
    )


def find(claim: Any, volumes: Iterable[Any], delayed: bool) -> Any:
    """The volume for a claim: one that names it already, else the smallest that fits and is free. ``delayed``: only the
    scheduler may choose a free one."""
    selector = selectors.from_object(claim.spec.selector) if claim.spec.selector is not None else selectors.EVERYTHING
    best: Any = None
    for volume in volumes:
        if not fits(volume, claim):
            continue
        if volume.spec.claimRef is not None:
            if is_for(volume, claim):
                return volume
            continue
        free = volume.status is not None and volume.status.phase == "Available"
        if delayed or not free or not selector.matches(volume.metadata.labels):
            continue
        if best is None or quantity.compare(volume.spec.capacity["storage"], best.spec.capacity["storage"]) < 0:
            best = volume
    return best


# ---------------------------------------------------------------------- claims


def bind(claim: Any, volume: Any) -> Decision:
    """The writes that bring the two together, as far as they are still needed."""
    writes: list[Write] = []
    tree, kept = objects.tree_of(volume), notes(volume)
    ref = volume.spec.claimRef
    if ref is None or not ref.uid:
        if ref is None:
            kept[BY_CONTROLLER] = "yes"
        spec = {**tree["spec"], "claimRef": objects.reference(claim)}
        tree = {**tree, "metadata": _noted(tree, kept), "spec": spec}
        writes.append(update(tree))
    writes += volume_phase(tree, "Bound")
    mine, own = objects.tree_of(claim), notes(claim)
    if claim.spec.volumeName != volume.metadata.name or COMPLETED not in own:
        if not claim.spec.volumeName:
            own[BY_CONTROLLER] = "yes"
        own[COMPLETED] = "yes"
        spec = {**mine["spec"], "volumeName": volume.metadata.name}
        mine = {**mine, "metadata": _noted(mine, own), "spec": spec}
        writes.append(update(mine))
    status: Tree = {"phase": "Bound", "accessModes": list(volume.spec.accessModes or ())}
    if claim.status is None or claim.status.phase != "Bound" or not claim.status.capacity:
        # later it is the kubelet that says so, when the file system has grown too
        status["capacity"] = {"storage": (volume.spec.capacity or {}).get("storage", "0")}
    if {name: mine.get("status", {}).get(name) for name in status} != status:
        writes.append(update({**mine, "status": {**mine.get("status", {}), **status}}, "status"))
    return Decision(tuple((write,) for write in writes)) if writes else NOTHING


def _noted(tree: Tree, annotations: dict[str, str]) -> Tree:
    return {**tree["metadata"], "annotations": annotations}


def claim_phase(claim: Any, phase: str, *events: Event) -> Decision:
    """Writes the phase of a claim, if it is another one."""
    tree = objects.tree_of(claim)
    status = tree.get("status", {})
    if status.get("phase") == phase:
        return Decision(events=events)
    kept = {name: value for name, value in status.items() if name not in ("accessModes", "capacity") or phase == "Bound"}
    return Decision(((update({**tree, "status": {**kept, "phase": phase}}, "status"),),), events=events)


def _event(claim: Any, reason: str, text: str, warning: bool = False) -> Event:
    return Event(objects.reference(claim), reason, text, warning)


def reconcile_claim(claim: Any, volumes: Sequence[Any], classes: dict[str, Any], pods: Sequence[Any]) -> Decision:
    """What to do about one claim. ``pods``: those that use it."""
    if COMPLETED in notes(claim):
        return _bound(claim, volumes)
    if not claim.spec.volumeName:
        return _unbound(claim, volumes, classes, pods)
    volume = next((one for one in volumes if one.metadata.name == claim.spec.volumeName), None)
    if volume is None:
        return claim_phase(claim, "Pending")
    if volume.spec.claimRef is None:
        if fits(volume, claim):
            return bind(claim, volume)
        text = f'Cannot bind to requested volume "{volume.metadata.name}": {_misfit(volume, claim)}'
        return claim_phase(claim, "Pending", _event(claim, "VolumeMismatch", text, warning=True))
    if is_for(volume, claim):
        return bind(claim, volume)
    ref = volume.spec.claimRef
    text = f'volume "{volume.metadata.name}" already bound to a different claim.'
    return claim_phase(claim, "Pending", _event(claim, "FailedBinding", text, warning=True)) if ref.uid else NOTHING


def _misfit(volume: Any, claim: Any) -> str:
    wanted = objects.tree_of(claim.spec.resources).get("requests", {}).get("storage", "0") if claim.spec.resources else "0"
    if quantity.compare((volume.spec.capacity or {}).get("storage", "0"), wanted) < 0:
        return "requested PV is too small"
    if class_of(volume) != class_of(claim):
        return "storageClassName does not match"
    if (volume.spec.volumeMode or "Filesystem") != (claim.spec.volumeMode or "Filesystem"):
        return "incompatible volumeMode"
    return "incompatible accessMode"


def _bound(claim: Any, volumes: Sequence[Any]) -> Decision:
    volume = next((one for one in volumes if one.metadata.name == claim.spec.volumeName), None)
    lost = claim.status is not None and claim.status.phase == "Lost"
    if volume is None:
        text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
        return NOTHING if lost else claim_phase(claim, "Lost", _event(claim, "ClaimLost", text, warning=True))
    if volume.spec.claimRef is None or is_for(volume, claim):
        return bind(claim, volume)
    text = "Two claims are bound to the same volume, this one is bound incorrectly"
    return NOTHING if lost else claim_phase(claim, "Lost", _event(claim, "ClaimMisbound", text, warning=True))


def _unbound(claim: Any, volumes: Sequence[Any], classes: dict[str, Any], pods: Sequence[Any]) -> Decision:
    name = class_of(claim)
    storage = classes.get(name)
    delayed = storage is not None and storage.volumeBindingMode == "WaitForFirstConsumer" and SELECTED not in notes(claim)
    volume = find(claim, volumes, delayed)
    if volume is not None:
        return bind(claim, volume)
    if delayed:
        waiting = next((pod for pod in pods if not pod.spec.nodeName and not objects.has_ended(pod)), None)
        if waiting is not None:
            text = f"waiting for pod {waiting.metadata.name} to be scheduled"
            return claim_phase(claim, "Pending", _event(claim, "WaitForPodScheduled", text))
        text = "waiting for first consumer to be created before binding"
        return claim_phase(claim, "Pending", _event(claim, "WaitForFirstConsumer", text))
    if not name:
        text = "no persistent volumes available for this claim and no storage class is set"
        return claim_phase(claim, "Pending", _event(claim, "FailedBinding", text))
    return _provision(claim, name, storage)


def _provision(claim: Any, name: str, storage: Any) -> Decision:
    """Nobody here makes volumes; a provisioner from outside is told by annotations."""
    if storage is None:
        text = f'storageclass.storage.k8s.io "{name}" not found'
        return claim_phase(claim, "Pending", _event(claim, "ProvisioningFailed", text, warning=True))
    provisioner = storage.provisioner
    if provisioner == NO_PROVISIONER:
        text = f"no volume plugin matched name: {provisioner}"
        return claim_phase(claim, "Pending", _event(claim, "ProvisioningFailed", text, warning=True))
    text = (
        f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system "
        "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
    )
    event = _event(claim, "ExternalProvisioning", text)
    tree, kept = objects.tree_of(claim), notes(claim)
    if all(kept.get(key) == provisioner for key in _PROVISIONER):
        return claim_phase(claim, "Pending", event)
    kept |= dict.fromkeys(_PROVISIONER, provisioner)
    return Decision(((update({**tree, "metadata": _noted(tree, kept)}),),), events=(event,))


# ---------------------------------------------------------------------- volumes


def volume_phase(tree: Tree, phase: str, done: Event | None = None, message: str = "") -> list[Write]:
    """Writes the phase of a volume (as a tree), if it is another one."""
    status = tree.get("status", {})
    if status.get("phase") == phase and status.get("message", "") == message:
        return []
    fresh = {"phase": phase, **({"message": message} if message else {})}
    return [update({**tree, "status": fresh}, "status", done=done)]


def reconcile_volume(volume: Any, claim: Any) -> Decision:
    """What to do about one volume. ``claim``: the one that it names, if that exists."""
    tree, ref = objects.tree_of(volume), volume.spec.claimRef
    writes: list[Write] = []
    if ref is None or not ref.uid:
        writes = volume_phase(tree, "Available")
    elif claim is None or claim.metadata.uid != ref.uid:
        writes = _released(volume, tree)
    elif claim.spec.volumeName == volume.metadata.name:
        writes = volume_phase(tree, "Bound")
    elif claim.spec.volumeName and BY_CONTROLLER in notes(volume):
        kept = notes(volume)
        kept.pop(BY_CONTROLLER)
        spec = {name: value for name, value in tree["spec"].items() if name != "claimRef"}
        writes = [update({**tree, "metadata": _noted(tree, kept), "spec": spec})]
    return Decision(tuple((write,) for write in writes)) if writes else NOTHING


def _released(volume: Any, tree: Tree) -> list[Write]:
    """Its claim is gone. Nobody here deletes what is stored, but for directories below ``/tmp``."""
    policy, phase = volume.spec.persistentVolumeReclaimPolicy or "Retain", volume.status.phase if volume.status else ""
    if policy == "Retain" or PROVISIONED_BY in notes(volume):
        return volume_phase(tree, "Released") if phase != "Failed" else []
    if phase == "Failed":
        return []
    writes = volume_phase(tree, "Released")
    host = volume.spec.hostPath
    if policy == "Delete" and host is not None and host.path.startswith("/tmp/"):
        return [*writes, delete(volume)]
    if policy == "Recycle":
        reason, text = "VolumeFailedRecycle", "no recyclable volume plugin matched"
    else:
        reason = "VolumeFailedDelete"
        text = f'error getting deleter volume plugin for volume "{volume.metadata.name}": no deletable volume plugin matched'
        if host is not None:
            text = f"host_path deleter only supports /tmp/.+ but received provided {host.path}"
    event = Event(objects.reference(volume), reason, text, warning=True)
    return [*writes, *volume_phase(tree, "Failed", event, text)]


class VolumeBindingController(Controller):
    """Keys are ``claim:`` with the key of a claim, and ``volume:`` with the name of a volume. Unbound claims are looked at
    again every 15 s."""

    name = "persistentvolume-controller"
    hears = ("PersistentVolumeClaim", "PersistentVolume")
    workers = 1

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        claims = [f"claim:{key}" for key in sorted(stores.claims.objects)]
        return [*(f"volume:{name}" for name in sorted(stores.volumes.objects)), *claims]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "PersistentVolumeClaim":
            claim = change.new or change.old
            name = claim.spec.volumeName
            return [f"claim:{change.key}", *([f"volume:{name}"] if name else _volumes_for(stores, claim))]
        if change.kind == "PersistentVolume":
            refs = [one.spec.claimRef for one in (change.old, change.new) if one is not None and one.spec.claimRef]
            found = [f"volume:{change.key}", *(f"claim:{ref.namespace}/{ref.name}" for ref in refs)]
            return list(dict.fromkeys(found))
        return []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        kind, _, name = key.partition(":")
        if kind == "volume":
            volume = stores.volumes.objects.get(name)
            if volume is None:
                return NOTHING
            ref = volume.spec.claimRef
            claim = stores.claims.get(ref.namespace, ref.name) if ref is not None else None
            return reconcile_volume(volume, claim)
        claim = stores.claims.objects.get(name)
        if claim is None:
            return NOTHING
        pods = [pod for pod in stores.pods_in(claim.metadata.namespace) if _uses(pod, claim.metadata.name)]
        decision = reconcile_claim(claim, list(stores.volumes), stores.classes.objects, pods)
        settled = claim.status is not None and claim.status.phase in ("Bound", "Lost")
        return decision if settled or decision.batches else decision._replace(again=RESYNC)


def _volumes_for(stores: Stores, claim: Any) -> list[str]:
    return [f"volume:{one.metadata.name}" for one in stores.volumes if is_for(one, claim)]


def _uses(pod: Any, claim: str) -> bool:
    return any(
        one.persistentVolumeClaim is not None and one.persistentVolumeClaim.claimName == claim
        for one in pod.spec.volumes or ()
    )
