"""Tables of volumes, claims and what stands behind them."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.printing import AGE, NAME, UNSET, Column, Moment, Rows, created, name

Tree = dict[str, Any]

_SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def modes(found: list[str]) -> str:
    """``RWO,RWX``."""
    return ",".join(short for mode, short in _SHORT.items() if mode in found)


def _phase(tree: Tree) -> str:
    if tree["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str(tree.get("status", {}).get("phase", ""))


def _class(tree: Tree) -> str:
    old = tree["metadata"].get("annotations", {}).get(_OLD_CLASS)
    return str(old if old is not None else tree["spec"].get("storageClassName", ""))


def _volume(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    claim = spec.get("claimRef")
    return [
        name(tree), spec.get("capacity", {}).get("storage", ""), modes(spec.get("accessModes", [])),
        spec.get("persistentVolumeReclaimPolicy", ""), _phase(tree),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "", _class(tree),
        spec.get("volumeAttributesClassName", UNSET), status.get("reason", ""), created(tree, at),
        spec.get("volumeMode", UNSET),
    ]  # fmt: skip


def _claim(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    bound = bool(spec.get("volumeName"))
    return [
        name(tree), _phase(tree), spec.get("volumeName", ""),
        status.get("capacity", {}).get("storage", "") if bound else "",
        modes(status.get("accessModes", [])) if bound else "", _class(tree),
        spec.get("volumeAttributesClassName", UNSET), created(tree, at), spec.get("volumeMode", UNSET),
    ]  # fmt: skip


def _storage_class(tree: Tree, at: Moment) -> list[Any]:
    annotations = tree["metadata"].get("annotations", {})
    default = any(annotations.get(key) == "true" for key in _DEFAULT_CLASS)
    return [
        name(tree) + (" (default)" if default else ""), tree.get("provisioner", ""), tree.get("reclaimPolicy", "Delete"),
        tree.get("volumeBindingMode", UNSET), tree.get("allowVolumeExpansion", False), created(tree, at),
    ]  # fmt: skip


def _attributes_class(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), tree.get("driverName", ""), created(tree, at)]


def _attachment(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    return [
        name(tree), spec.get("attacher", ""), spec.get("source", {}).get("persistentVolumeName", ""),
        spec.get("nodeName", ""), tree.get("status", {}).get("attached", False), created(tree, at),
    ]  # fmt: skip


def _driver(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    tokens = [item.get("audience", "") for item in spec.get("tokenRequests", ())]
    return [
        name(tree), spec.get("attachRequired", True), spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False), ",".join(tokens) or UNSET, spec.get("requiresRepublish", False),
        ",".join(spec.get("volumeLifecycleModes", ())) or "<none>", created(tree, at),
    ]  # fmt: skip


def _node(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), len(tree["spec"].get("drivers") or ()), created(tree, at)]


def _capacity(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), tree.get("storageClassName", ""), tree.get("capacity", UNSET)]


_CLASSES = (
    Column("StorageClass", "The StorageClass of the volume."),
    Column("VolumeAttributesClass", "The VolumeAttributesClass of the volume."),
)
_MODE = Column("VolumeMode", "Whether the volume is a filesystem or a block device.", wide=True)
_ACCESS = Column("Access Modes", "The ways in which the volume can be mounted.")

ROWS: Rows = {
    "PersistentVolume": (_volume, (
        NAME, Column("Capacity", "The capacity of the volume."), _ACCESS,
        Column("Reclaim Policy", "What happens to the volume when its claim is gone."),
        Column("Status", "Whether the volume is available, bound or released."),
        Column("Claim", "The claim that the volume is bound to."), *_CLASSES,
        Column("Reason", "Why the volume is in a failed state."), AGE, _MODE,
    )),
    "PersistentVolumeClaim": (_claim, (
        NAME, Column("Status", "The current phase of the claim."),
        Column("Volume", "The volume that backs the claim."), Column("Capacity", "The capacity of that volume."),
        _ACCESS, *_CLASSES, AGE, _MODE,
    )),
    "StorageClass": (_storage_class, (
        NAME, Column("Provisioner", "Who makes volumes of this class."),
        Column("ReclaimPolicy", "What happens to volumes of this class when their claims are gone."),
        Column("VolumeBindingMode", "When claims are bound."),
        Column("AllowVolumeExpansion", "Whether volumes can grow."), AGE,
    )),
    "VolumeAttributesClass": (_attributes_class, (NAME, Column("DriverName", "Name of the CSI driver"), AGE)),
    "VolumeAttachment": (_attachment, (
        NAME, Column("Attacher", "The driver that attaches the volume."), Column("PV", "The volume."),
        Column("Node", "The node that it is attached to."),
        Column("Attached", "Whether the volume is attached.", "boolean"), AGE,
    )),
    "CSIDriver": (_driver, (
        NAME, Column("AttachRequired", "Whether volumes must be attached.", "boolean"),
        Column("PodInfoOnMount", "Whether the driver is told of the pod.", "boolean"),
        Column("StorageCapacity", "Whether the driver tells how much room there is.", "boolean"),
        Column("TokenRequests", "Tokens of service accounts that the driver gets."),
        Column("RequiresRepublish", "Whether volumes are mounted again and again.", "boolean"),
        Column("Modes", "The kinds of volumes that the driver has."), AGE,
    )),
    "CSINode": (_node, (
        NAME, Column("Drivers", "Drivers indicates the number of CSI drivers registered on the node", "integer"), AGE,
    )),
    "CSIStorageCapacity": (_capacity, (
        NAME, Column("StorageClassName", "The class of the room."), Column("Capacity", "How much room there is."),
    )),
}  # fmt: skip
