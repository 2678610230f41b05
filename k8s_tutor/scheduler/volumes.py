"""Which volumes a pod's claims have, or could get, on a node (plugins/volumebinding/binder.go, component-helpers volume)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import quantity, selectors
from k8s_tutor.scheduler.framework import Cluster
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.plugins.node_affinity import term_matches
from k8s_tutor.scheduler.resources import PodInfo

RESERVED = "Reserved"
"""The kind under which `Cluster.objects` has volume name → key of the claim that was promised it a moment ago."""
COMPLETED = "pv.kubernetes.io/bind-completed"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


class Claims(NamedTuple):
    """The claims of a pod (typed structs), by what is still to be done for them."""

    bound: tuple[Any, ...] = ()
    delayed: tuple[Any, ...] = ()
    """Unbound, and waiting for their first consumer; the smallest first."""
    immediate: tuple[Any, ...] = ()
    """Unbound, and not waiting for anybody."""


class Plan(NamedTuple):
    """What a node would do for a claim: the name of a volume that is there, or empty when one is to be provisioned."""

    claim: Any
    volume: str


def is_bound(claim: Any) -> bool:
    """Whether a claim has its volume for good."""
    return bool(claim.spec.volumeName) and COMPLETED in (claim.metadata.annotations or {})


def claims_of(pod: PodInfo, cluster: Cluster) -> Claims:
    """The claims of a pod that exist."""
    known, classes = cluster.of("PersistentVolumeClaim"), cluster.of("StorageClass")
    bound, delayed, immediate = [], [], []
    for key in pod.claims:
        claim = known.get(key)
        if claim is None:
            continue
        kind = classes.get(claim.spec.storageClassName or "")
        if is_bound(claim):
            bound.append(claim)
        elif kind is not None and kind.volumeBindingMode == "WaitForFirstConsumer" and not claim.spec.volumeName:
            delayed.append(claim)
        else:
            immediate.append(claim)
    return Claims(tuple(bound), tuple(sorted(delayed, key=wanted)), tuple(immediate))


def wanted(claim: Any) -> int:
    """Bytes that a claim asks for."""
    requests = (claim.spec.resources and claim.spec.resources.requests) or {}
    return quantity.value(requests.get("storage", "0"))


def reaches(volume: Any, info: NodeInfo) -> bool:
    """Whether a volume can be used on a node, by its node affinity."""
    affinity = volume.spec.nodeAffinity
    if affinity is None or affinity.required is None:
        return True
    return any(term_matches(term, info) for term in affinity.required.nodeSelectorTerms or ())


def plan(claims: Iterable[Any], cluster: Cluster, info: NodeInfo) -> tuple[Plan, ...] | None:
    """How each of these unbound claims would get its volume on a node; None when one would not."""
    taken: dict[str, Any] = dict(cluster.of(RESERVED))
    found = []
    for claim in claims:
        selected = (claim.metadata.annotations or {}).get(SELECTED_NODE)
        volume = None if selected else match(claim, cluster.of("PersistentVolume").values(), info, taken)
        if volume is None:
            if (selected and selected != info.name) or not _provisions(claim, cluster, info):
                return None
            found.append(Plan(claim, ""))
            continue
        taken[volume.metadata.name] = key_of(claim)
        found.append(Plan(claim, volume.metadata.name))
    return tuple(found)


def key_of(claim: Any) -> str:
    """``namespace/name``."""
    return f"{claim.metadata.namespace}/{claim.metadata.name}"


def match(claim: Any, volumes: Iterable[Any], info: NodeInfo, taken: Mapping[str, Any]) -> Any:
    """The smallest volume that will do for a claim on a node, the one that waits for it before all others; or None."""
    best: Any = None
    size = 0
    for volume in volumes:
        name, spec = volume.metadata.name, volume.spec
        if taken.get(name, key_of(claim)) != key_of(claim) or not _suits(claim, volume) or not reaches(volume, info):
            continue
        room = quantity.value((spec.capacity or {}).get("storage", "0"))
        if room < wanted(claim):
            continue
        if spec.claimRef is not None:
            return volume
        if best is None or (room, name) < (size, best.metadata.name):
            best, size = volume, room
    return best


def _suits(claim: Any, volume: Any) -> bool:
    spec, asked = volume.spec, claim.spec
    if (spec.volumeMode or "Filesystem") != (asked.volumeMode or "Filesystem") or volume.metadata.deletionTimestamp:
        return False
    if (spec.storageClassName or "") != (asked.storageClassName or ""):
        return False
    if not set(asked.accessModes or ()) <= set(spec.accessModes or ()):
        return False
    owner = spec.claimRef
    if owner is not None:
        return (owner.namespace, owner.name) == (claim.metadata.namespace, claim.metadata.name) and (
            not owner.uid or owner.uid == claim.metadata.uid
        )
    phase = volume.status.phase if volume.status else None
    if phase != "Available":
        return False
    return asked.selector is None or selectors.from_object(asked.selector).matches(volume.metadata.labels)


def _provisions(claim: Any, cluster: Cluster, info: NodeInfo) -> bool:
    """Whether a volume could be made for a claim on this node."""
    kind = cluster.of("StorageClass").get(claim.spec.storageClassName or "")
    if kind is None or kind.provisioner in ("", NO_PROVISIONER):
        return False
    places: Sequence[Any] = kind.allowedTopologies or ()
    return not places or any(
        all(info.labels.get(one.key) in one.values for one in place.matchLabelExpressions or ()) for place in places
    )
