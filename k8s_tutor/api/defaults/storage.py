"""Defaults of volumes, claims and what stands behind them (core/v1, storage/v1 defaults.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.defaults import pods

Tree = dict[str, Any]


def persistent_volume(tree: Tree) -> None:
    """A PersistentVolume."""
    spec = tree.setdefault("spec", {})
    pods.volume_source(spec)
    if "capacity" in spec:
        pods.amounts(spec["capacity"])
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")
    tree.setdefault("status", {}).setdefault("phase", "Pending")


def claim(tree: Tree) -> None:
    """A PersistentVolumeClaim."""
    pods.claim_spec(tree.setdefault("spec", {}))
    tree.setdefault("status", {}).setdefault("phase", "Pending")


def storage_class(tree: Tree) -> None:
    """A StorageClass."""
    tree.setdefault("provisioner", "")
    tree.setdefault("reclaimPolicy", "Delete")
    tree.setdefault("volumeBindingMode", "Immediate")


def csi_driver(tree: Tree) -> None:
    """A CSIDriver."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("attachRequired", True)
    spec.setdefault("podInfoOnMount", False)
    if not spec.get("volumeLifecycleModes"):
        spec["volumeLifecycleModes"] = ["Persistent"]
    spec.setdefault("storageCapacity", False)
    spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
    spec.setdefault("requiresRepublish", False)
    spec.setdefault("seLinuxMount", False)


def csi_node(tree: Tree) -> None:
    """A CSINode."""
    spec = tree.setdefault("spec", {})
    spec["drivers"] = spec.get("drivers") or None
    for driver in spec["drivers"] or ():
        driver["topologyKeys"] = driver.get("topologyKeys") or None


def volume_attachment(tree: Tree) -> None:
    """A VolumeAttachment."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("attacher", "")
    spec.setdefault("source", {})
    spec.setdefault("nodeName", "")
    tree.setdefault("status", {}).setdefault("attached", False)
