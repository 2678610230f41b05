"""The storage part of a view: disks, volume groups, logical volumes, and the claims and pods that use them."""

from __future__ import annotations

from k8s_tutor.cluster.consensusviews import View


class DiskView(View, frozen=True):
    """One disk of a worker beside its own. ``group`` is empty for one that no volume group has. Bytes."""

    name: str
    size: int
    failed: bool
    group: str
    free: int = 0
    """What its group has not given away yet."""


class ClaimView(View, frozen=True):
    """One PersistentVolumeClaim. ``requested`` and ``capacity`` in bytes; ``waits``: for what, in a few words, or empty."""

    namespace: str
    name: str
    phase: str
    storage_class: str
    volume: str
    requested: int
    capacity: int
    waits: str
    pods: tuple[str, ...]
    """``namespace/name`` of the pods that use it."""


class VolumeView(View, frozen=True):
    """One logical volume. ``size``, ``filesystem`` (its size), ``used`` in bytes; ``pv`` and ``claim`` (``namespace/name``) are
    empty for one that Kubernetes does not know."""

    name: str
    kind: str
    size: int
    used: int
    filesystem: int
    type: str
    pool: str
    origin: str
    broken: bool
    mounted: bool
    pv: str
    claim: str


class GroupView(View, frozen=True):
    """One volume group. Bytes."""

    name: str
    size: int
    free: int
    partial: bool
    """A disk of it is missing."""
    volumes: tuple[VolumeView, ...]


class NodeDisksView(View, frozen=True):
    """The disks of one worker, and what is on them."""

    node: str
    up: bool
    disks: tuple[DiskView, ...]
    groups: tuple[GroupView, ...]


class StorageView(View, frozen=True):
    """The workers that have disks beside their own, and all claims."""

    nodes: tuple[NodeDisksView, ...] = ()
    claims: tuple[ClaimView, ...] = ()
