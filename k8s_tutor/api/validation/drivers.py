"""What a storage driver registers, and what it attaches (pkg/apis/storage/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names, selector
from k8s_tutor.api.validation.causes import (
    NEGATIVE,
    duplicate,
    forbidden,
    immutable,
    invalid,
    non_negative,
    not_supported,
    required,
    too_long,
)

Tree = dict[str, Any]

_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLES = ("Persistent", "Ephemeral")
_NAME_MOST, _NODE_ID_MOST = 63, 192
_SHORTEST, _LONGEST = 600, 1 << 32


def csi_driver(found: list[Cause], tree: Tree) -> None:
    """A whole CSIDriver."""
    spec = tree["spec"]
    policy = spec.get("fsGroupPolicy")
    if policy is not None and policy not in _GROUP_POLICIES:
        found.append(not_supported("spec.fsGroupPolicy", policy, _GROUP_POLICIES))
    seen: list[str] = []
    for index, request in enumerate(spec.get("tokenRequests") or ()):
        place, audience = f"spec.tokenRequests[{index}]", request.get("audience", "")
        if audience in seen:
            found.append(duplicate(f"{place}.audience", audience))
            continue
        seen.append(audience)
        seconds = request.get("expirationSeconds", _SHORTEST)
        if seconds < _SHORTEST:
            text = "may not specify a duration less than 10 minutes"
            found.append(invalid(f"{place}.expirationSeconds", seconds, text))
        if seconds > _LONGEST:
            text = "may not specify a duration larger than 2^32 seconds"
            found.append(invalid(f"{place}.expirationSeconds", seconds, text))
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in _LIFECYCLES:
            found.append(not_supported("spec.volumeLifecycleModes", mode, _LIFECYCLES))


def csi_driver_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """How volumes of a driver are attached does not change."""
    for name, shown in (("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")):
        if new["spec"].get(name) != old["spec"].get(name):
            found.append(immutable(f"spec.{shown}", new["spec"].get(name)))


def csi_node(found: list[Cause], tree: Tree) -> None:
    """A whole CSINode."""
    seen: list[str] = []
    for index, driver in enumerate(tree["spec"].get("drivers") or ()):
        place, name, node = f"spec.drivers[{index}]", driver.get("name", ""), driver.get("nodeID", "")
        _driver_name(found, f"{place}.name", name)
        if not node:
            found.append(required(f"{place}.nodeID"))
        elif len(node) > _NODE_ID_MOST:
            found.append(invalid(f"{place}.nodeID", node, f"must be {_NODE_ID_MOST} characters or less"))
        non_negative(found, f"{place}.allocatable.count", (driver.get("allocatable") or {}).get("count"))
        if name in seen:
            found.append(duplicate(f"{place}.name", name))
        seen.append(name)
        keys = driver.get("topologyKeys") or []
        for at, key in enumerate(keys):
            if not key:
                found.append(required(place))
            if key in keys[:at]:
                found.append(duplicate(place, key))
            found += [invalid(place, key, problem) for problem in names.qualified_name(key)]


def _driver_name(found: list[Cause], field: str, name: str) -> None:
    """ValidateCSIDriverName."""
    if not name:
        found.append(required(field))
    if len(name) > _NAME_MOST:
        found.append(too_long(field, _NAME_MOST))
    found += [invalid(field, name, problem) for problem in names.dns_subdomain(name.lower())]


def csi_node_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What a driver said of itself does not change, but how many volumes fit."""
    before = {driver.get("name"): driver for driver in old["spec"].get("drivers") or ()}
    for driver in new["spec"].get("drivers") or ():
        stored = before.get(driver.get("name"), driver)
        if {**driver, "allocatable": None} != {**stored, "allocatable": None}:
            found.append(invalid("CSINodeDriver", driver, "field is immutable"))


def capacity(found: list[Cause], tree: Tree) -> None:
    """A whole CSIStorageCapacity."""
    if tree.get("nodeTopology") is not None:
        selector.check(found, "nodeTopology", tree["nodeTopology"])
    name = tree.get("storageClassName", "")
    found += [invalid("storageClassName", name, problem) for problem in names.dns_subdomain(name)]
    for field in ("capacity", "maximumVolumeSize"):
        amount = tree.get(field)
        if amount is not None and quantity.nano(amount) < 0:
            found.append(invalid(field, amount, NEGATIVE))


def capacity_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What a capacity is about does not change."""
    for field in ("nodeTopology", "storageClassName"):
        if new.get(field) != old.get(field):
            found.append(immutable(field, new.get(field)))


def volume_attachment(found: list[Cause], tree: Tree) -> None:
    """A whole VolumeAttachment."""
    spec = tree["spec"]
    _driver_name(found, "spec.attacher", spec.get("attacher", ""))
    node = spec.get("nodeName", "")
    found += [invalid("spec.nodeName", node, problem) for problem in names.dns_subdomain(node)]
    source = spec.get("source", {})
    inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    text = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    if inline is None and name is None:
        found.append(required("spec.source", text))
    elif inline is not None and name is not None:
        found.append(forbidden("spec.source", text))
    elif name is not None:
        if not name:
            found.append(required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName"))
        found += [invalid("spec.source.persistentVolumeName", name, problem) for problem in names.dns_subdomain(name)]


def volume_attachment_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What is attached where does not change."""
    if new["spec"] != old["spec"]:
        found.append(invalid("spec", new["spec"], "field is immutable"))
