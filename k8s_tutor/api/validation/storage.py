"""Volumes, claims and StorageClasses (core and pkg/apis/storage/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import dump, names, placement, selector
from k8s_tutor.api.validation.causes import (
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
)

Tree = dict[str, Any]

_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_VOLUME_MODES = ("Block", "Filesystem")
_RECLAIM = ("Delete", "Recycle", "Retain")
_PLAIN = (
    "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
    "storageClassName", "volumeAttributesClassName", "volumeMode",
)  # fmt: skip
"""Fields of a PersistentVolume that do not say what it is."""
_CLAIM_FROZEN = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)


def _access(found: list[Cause], field: str, modes: list[str], detail: str = "") -> None:
    if not modes:
        found.append(required(field, detail))
    for mode in modes:
        if mode not in _MODES:
            found.append(not_supported(field, mode, _MODES))
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        text = "may not use ReadWriteOncePod with other access modes"
        found.append(forbidden(field, text))


def _volume_mode(found: list[Cause], field: str, mode: str | None) -> None:
    if mode is not None and mode not in _VOLUME_MODES:
        found.append(not_supported(field, mode, _VOLUME_MODES))


def _positive(found: list[Cause], field: str, amount: str) -> None:
    if quantity.nano(amount) <= 0:
        found.append(invalid(field, amount, "must be greater than zero"))


# ---------------------------------------------------------------------- claims


def claim_spec(found: list[Cause], field: str, spec: Tree) -> None:
    """A claim's spec, also inside a template."""
    _access(found, f"{field}.accessModes", spec.get("accessModes", []), "at least 1 access mode is required")
    if "selector" in spec:
        selector.check(found, f"{field}.selector", spec["selector"])
    storage = spec.get("resources", {}).get("requests", {}).get("storage")
    if storage is None:
        found.append(required(f"{field}.resources[storage]"))
    else:
        _positive(found, f"{field}.resources[storage]", storage)
    name = spec.get("storageClassName")
    if name:
        found += [invalid(f"{field}.storageClassName", name, problem) for problem in names.dns_subdomain(name)]
    _volume_mode(found, f"{field}.volumeMode", spec.get("volumeMode"))
    for part in ("dataSource", "dataSourceRef"):
        source = spec.get(part)
        if source is None:
            continue
        for key in ("name", "kind"):
            if not source.get(key):
                found.append(required(f"{field}.{part}.{key}"))
        group, kind = source.get("apiGroup") or "", source.get("kind", "")
        if not group and kind != "PersistentVolumeClaim":
            text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
            found.append(invalid(f"{field}.{part}", kind, text))
        if group:
            found += [invalid(f"{field}.{part}.apiGroup", group, problem) for problem in names.dns_subdomain(group)]


def claim(found: list[Cause], tree: Tree) -> None:
    """A whole PersistentVolumeClaim."""
    claim_spec(found, "spec", tree["spec"])


def claim_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """A claim stays as it is, but for more room once it is bound."""
    fresh, stored = dict(new["spec"]), old["spec"]
    if not stored.get("volumeName") and fresh.get("volumeName"):
        fresh.pop("volumeName")
    bound = old.get("status", {}).get("phase") == "Bound"
    if bound:
        fresh["resources"] = {**fresh.get("resources", {})}
        requests = stored.get("resources", {}).get("requests")
        if requests is not None:
            fresh["resources"]["requests"] = requests
        fresh.pop("volumeAttributesClassName", None)
        if "volumeAttributesClassName" in stored:
            fresh["volumeAttributesClassName"] = stored["volumeAttributesClassName"]
    if fresh != stored:
        difference = dump.difference("PersistentVolumeClaimSpec", stored, fresh)
        found.append(forbidden("spec", f"{_CLAIM_FROZEN}\n{difference}"))
    if new["spec"].get("volumeMode") != stored.get("volumeMode"):
        found.append(immutable("volumeMode", new["spec"].get("volumeMode")))
    wanted = new["spec"].get("resources", {}).get("requests", {}).get("storage", "0")
    before = stored.get("resources", {}).get("requests", {}).get("storage", "0")
    given = old.get("status", {}).get("capacity", {}).get("storage", "0")
    if quantity.compare(wanted, before) < 0 and quantity.compare(wanted, given) <= 0:
        text = "field can not be less than status.capacity"
        found.append(forbidden("spec.resources.requests.storage", text))


# ---------------------------------------------------------------------- volumes


def volume(found: list[Cause], tree: Tree) -> None:
    """A whole PersistentVolume."""
    spec = tree["spec"]
    _access(found, "spec.accessModes", spec.get("accessModes", []))
    capacity = spec.get("capacity", {})
    if not capacity:
        found.append(required("spec.capacity"))
    if "storage" not in capacity or len(capacity) > 1:
        found.append(not_supported("spec.capacity", capacity or None, ("storage",)))
    for name, amount in capacity.items():
        if quantity.nano(amount) < 0:
            number = quantity.nano(amount) // quantity.NANO
            found.append(invalid(f"spec.capacity[{name}]", number, "must be a valid resource quantity"))
        _positive(found, f"spec.capacity[{name}]", amount)
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy not in _RECLAIM:
        found.append(not_supported("spec.persistentVolumeReclaimPolicy", policy, _RECLAIM))
    sources = [name for name in spec if name not in _PLAIN]
    for extra in sources[1:]:
        found.append(forbidden(f"spec.{extra}", "may not specify more than 1 volume type"))
    if not sources:
        found.append(required("spec", "must specify a volume type"))
    else:
        _source(found, f"spec.{sources[0]}", sources[0], spec)
    if "nodeAffinity" in spec:
        _affinity(found, "spec.nodeAffinity", spec["nodeAffinity"])
    path = spec.get("hostPath", {}).get("path", "")
    if path and not path.strip("/") and policy == "Recycle":
        text = "may not be 'recycle' for a hostPath mount of '/'"
        found.append(forbidden("spec.persistentVolumeReclaimPolicy", text))
    name = spec.get("storageClassName")
    if name:
        found += [invalid("spec.storageClassName", name, problem) for problem in names.dns_subdomain(name)]
    _volume_mode(found, "spec.volumeMode", spec.get("volumeMode"))


def _affinity(found: list[Cause], field: str, affinity: Tree) -> None:
    """From which nodes a volume can be reached."""
    wanted = affinity.get("required")
    if wanted is None:
        found.append(required(f"{field}.required", "must specify required node constraints"))
        return
    terms = wanted.get("nodeSelectorTerms") or ()
    if not terms:
        text = "must have at least one node selector term"
        found.append(required(f"{field}.required.nodeSelectorTerms", text))
    for index, term in enumerate(terms):
        placement.node_term(found, f"{field}.required.nodeSelectorTerms[{index}]", term)


_NEEDED = {
    "hostPath": ("path",), "nfs": ("server", "path"), "local": ("path",), "csi": ("driver", "volumeHandle"),
    "glusterfs": ("endpoints", "path"), "iscsi": ("targetPortal", "iqn"), "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
}  # fmt: skip


def _source(found: list[Cause], field: str, kind: str, spec: Tree) -> None:
    source = spec[kind]
    for name in _NEEDED.get(kind, ()):
        if not source.get(name):
            found.append(required(f"{field}.{name}"))
    path = source.get("path", "")
    if kind in ("hostPath", "local") and ".." in path.split("/"):
        found.append(invalid(f"{field}.path", path, "must not contain '..'"))
    if kind == "local" and "nodeAffinity" not in spec:
        found.append(required("spec.nodeAffinity", "Local volume requires node affinity"))


def volume_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What a volume is does not change."""
    fresh = {name: value for name, value in new["spec"].items() if name not in _PLAIN}
    stored = {name: value for name, value in old["spec"].items() if name not in _PLAIN}
    if fresh != stored:
        difference = dump.difference("PersistentVolumeSource", stored, fresh)
        text = f"spec.persistentvolumesource is immutable after creation\n{difference}"
        found.append(forbidden("spec.persistentvolumesource", text))
    if new["spec"].get("volumeMode") != old["spec"].get("volumeMode"):
        found.append(immutable("volumeMode", new["spec"].get("volumeMode")))
    before = old["spec"].get("nodeAffinity")
    if before is not None and new["spec"].get("nodeAffinity") != before:
        text = "field is immutable, except for updating from beta label to GA"
        affinity = new["spec"].get("nodeAffinity")
        found.append(invalid("nodeAffinity", None if affinity is None else dump.go("VolumeNodeAffinity", affinity), text))


# ---------------------------------------------------------------------- classes and drivers


def storage_class(found: list[Cause], tree: Tree) -> None:
    """A whole StorageClass."""
    provisioner = tree.get("provisioner", "")
    if not provisioner:
        found.append(required("provisioner"))
    else:
        found += [
            invalid("provisioner", provisioner, problem) for problem in names.qualified_name(provisioner.lower())
        ]
    for name in tree.get("parameters", ()):
        if not name:
            found.append(invalid("parameters", name, "field must not be empty."))
    policy = tree.get("reclaimPolicy", "")
    if policy and policy not in ("Delete", "Retain"):
        found.append(not_supported("reclaimPolicy", policy, ("Delete", "Retain")))
    mode = tree.get("volumeBindingMode")
    if mode is None:
        found.append(required("volumeBindingMode"))
    elif mode not in ("Immediate", "WaitForFirstConsumer"):
        found.append(not_supported("volumeBindingMode", mode, ("Immediate", "WaitForFirstConsumer")))
    terms = tree.get("allowedTopologies") or []
    for index, term in enumerate(terms):
        place = f"allowedTopologies[{index}].matchLabelExpressions"
        _topology(found, place, term.get("matchLabelExpressions") or [])
        if term in terms[:index]:
            found.append(duplicate(place, ""))


def _topology(found: list[Cause], field: str, rows: list[Tree]) -> None:
    """Where a class may make volumes (ValidateTopologySelectorTerm)."""
    keys: list[str] = []
    for at, row in enumerate(rows):
        key, values = row.get("key", ""), row.get("values") or []
        if not values:
            found.append(required(f"{field}[{at}].values"))
        for number, value in enumerate(values):
            if value in values[:number]:
                found.append(duplicate(f"{field}[{at}].values[{number}]", value))
        found += [invalid(f"{field}[{at}].key", key, problem) for problem in names.qualified_name(key)]
        if key in keys:
            found.append(duplicate(f"{field}[{at}].key", key))
        keys.append(key)


def storage_class_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What a class gives does not change."""
    for name in ("parameters", "provisioner", "reclaimPolicy"):
        if new.get(name) != old.get(name):
            found.append(forbidden(name, f"updates to {name} are forbidden."))
    if new.get("volumeBindingMode") != old.get("volumeBindingMode"):
        found.append(immutable("volumeBindingMode", new.get("volumeBindingMode")))
