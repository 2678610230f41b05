"""Nodes, Namespaces, ConfigMaps, Leases and Events (pkg/apis/core/validation, pkg/apis/coordination/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names
from k8s_tutor.api.validation.causes import duplicate, forbidden, invalid, not_supported, required, too_long

Tree = dict[str, Any]

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
CONFIG_MAP_LIMIT = 1024 * 1024


def node(found: list[Cause], tree: Tree) -> None:
    """A whole Node: its taints."""
    seen: list[tuple[str, str]] = []
    for index, taint in enumerate(tree.get("spec", {}).get("taints", ())):
        place = f"spec.taints[{index}]"
        key, effect, value = taint.get("key", ""), taint.get("effect", ""), taint.get("value", "")
        found += [invalid(f"{place}.key", key, problem) for problem in names.qualified_name(key)]
        found += [invalid(f"{place}.value", value, problem) for problem in names.label_value(value)]
        if not effect:
            found.append(required(f"{place}.effect"))
        elif effect not in _EFFECTS:
            found.append(not_supported(f"{place}.effect", effect, _EFFECTS))
        if (key, effect) in seen:
            found.append(duplicate(place, taint))
        seen.append((key, effect))


def node_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What the cluster gave a node stays."""
    fresh, stored = new["spec"], old["spec"]
    before = stored.get("podCIDRs", [])
    if before and fresh.get("podCIDRs", []) != before:
        found.append(forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'))
    if stored.get("providerID") and fresh.get("providerID") != stored["providerID"]:
        text = 'node updates may not change providerID except from "" to valid'
        found.append(forbidden("spec.providerID", text))


def config_map(found: list[Cause], tree: Tree) -> None:
    """A whole ConfigMap."""
    data, binary = tree.get("data", {}), tree.get("binaryData", {})
    size = 0
    for field, part in (("data", data), ("binaryData", binary)):
        for key, value in part.items():
            found += [invalid(f"{field}[{key}]", key, problem) for problem in names.config_map_key(key)]
            if field == "data" and key in binary:
                found.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
            size += len(value.encode())
    if size > CONFIG_MAP_LIMIT:
        found.append(too_long("", CONFIG_MAP_LIMIT))


def config_map_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """An immutable ConfigMap stays immutable, and as it is."""
    if not old.get("immutable"):
        return
    text = "field is immutable when `immutable` is set"
    for field, changed in (
        ("immutable", not new.get("immutable")),
        ("data", new.get("data") != old.get("data")),
        ("binaryData", new.get("binaryData") != old.get("binaryData")),
    ):
        if changed:
            found.append(forbidden(field, text))


def lease(found: list[Cause], tree: Tree) -> None:
    """A whole Lease."""
    spec = tree.get("spec", {})
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        found.append(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    transitions = spec.get("leaseTransitions")
    if transitions is not None and transitions < 0:
        found.append(invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))


def event(found: list[Cause], tree: Tree) -> None:
    """An Event lives in the namespace of what it is about."""
    about = tree["involvedObject"].get("namespace", "")
    namespace = tree["metadata"].get("namespace", "")
    fits = about == namespace if about else namespace in ("default", "kube-system")
    if not fits:
        found.append(invalid("involvedObject.namespace", about, "does not match event.namespace"))
