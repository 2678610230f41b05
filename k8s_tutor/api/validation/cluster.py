"""Nodes, Namespaces, ConfigMaps, Secrets and Leases (pkg/apis/core/validation, pkg/apis/coordination/validation)."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names
from k8s_tutor.api.validation.causes import (
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    too_long,
)

Tree = dict[str, Any]

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
CONFIG_MAP_LIMIT = 1024 * 1024


def node(found: list[Cause], tree: Tree) -> None:
    """A whole Node: its taints."""
    seen: list[tuple[str, str]] = []
    for index, taint in enumerate(tree.get("spec", {}).get("taints", ())):
        place = f"metadata.taints[{index}]"  # where Kubernetes says they are
        key, effect, value = taint.get("key", ""), taint.get("effect", ""), taint.get("value", "")
        found += [invalid(f"{place}.key", key, problem) for problem in names.qualified_name(key)]
        problems = names.label_value(value)
        if problems:
            found.append(invalid(f"{place}.value", value, ";".join(problems)))
        if not effect:
            found.append(required(f"{place}.effect"))
        elif effect not in _EFFECTS:
            found.append(not_supported(f"{place}.effect", effect, _EFFECTS))
        if (key, effect) in seen:
            shown = {"Key": key, "Value": value, "Effect": effect, "TimeAdded": taint.get("timeAdded")}
            found.append(duplicate(place, shown, "taints must be unique by key and effect pair"))
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
            size += len(value.encode()) if field == "data" else len(value) * 3 // 4
    if size > CONFIG_MAP_LIMIT:
        found.append(too_long("[]", CONFIG_MAP_LIMIT))  # a path without a name: the whole object


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


_SECRET_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
}
"""What a Secret of a type must hold."""
_ACCOUNT_NAME = "kubernetes.io/service-account.name"


def secret(found: list[Cause], tree: Tree) -> None:
    """A whole Secret."""
    data, kind = tree.get("data", {}), tree.get("type", "")
    size = 0
    for key, value in data.items():
        found += [invalid(f"data[{key}]", key, problem) for problem in names.config_map_key(key)]
        size += len(value) * 3 // 4
    if size > CONFIG_MAP_LIMIT:
        found.append(too_long("data", CONFIG_MAP_LIMIT))
    if kind == "kubernetes.io/service-account-token":
        if not tree["metadata"].get("annotations", {}).get(_ACCOUNT_NAME):
            found.append(required(f"metadata.annotations[{_ACCOUNT_NAME}]"))
    elif kind == "kubernetes.io/basic-auth" and "username" not in data and "password" not in data:
        found.append(required("data[username]"))
        found.append(required("data[password]"))
    for key in _SECRET_KEYS.get(kind, ()):
        if key not in data or (key == "ssh-privatekey" and not data[key]):
            found.append(required(f"data[{key}]"))
        elif key.startswith(".docker"):
            problem = _json_problem(base64.b64decode(data[key]))
            if problem:
                found.append(invalid(f"data[{key}]", "<secret contents redacted>", problem))


def _json_problem(raw: bytes) -> str:
    """What Go's decoder says about a text that should be a JSON object."""
    try:
        if isinstance(value := msgspec.json.decode(raw), dict):
            return ""
    except ValueError:
        text = raw.decode("utf-8", "replace").strip()
        if not text or text[0] in "{[":
            return "unexpected end of JSON input"
        return f"invalid character '{text[0]}' looking for beginning of value"
    kind = {bool: "bool", str: "string", list: "array"}.get(type(value), "number")
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


def secret_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """The type of a Secret is for life, and an immutable one stays as it is."""
    if new.get("type") != old.get("type"):
        found.append(immutable("type", new.get("type", "")))
    config_map_update(found, new, old)


def certificate_request(found: list[Cause], tree: Tree) -> None:
    """A whole CertificateSigningRequest."""
    spec = tree["spec"]
    if not spec.get("request"):
        found.append(invalid("spec.request", "", "PEM block type must be CERTIFICATE REQUEST"))
    if not spec.get("usages"):
        found.append(required("spec.usages"))
    signer = spec.get("signerName", "")
    if not signer:
        found.append(required("spec.signerName"))
    elif "/" not in signer:
        text = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        found.append(invalid("spec.signerName", signer, text))
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < 600:
        text = "may not specify a duration less than 600 seconds (10 minutes)"
        found.append(invalid("spec.expirationSeconds", seconds, text))


def lease(found: list[Cause], tree: Tree) -> None:
    """A whole Lease."""
    spec = tree.get("spec", {})
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        found.append(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    transitions = spec.get("leaseTransitions")
    if transitions is not None and transitions < 0:
        found.append(invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))
    strategy = spec.get("strategy")
    if strategy is not None:
        field = "spec.strategy.strategy"  # as Kubernetes says it
        if "/" in strategy:
            found += [invalid(field, strategy, problem) for problem in names.qualified_name(strategy)]
        elif strategy != "OldestEmulationVersion":
            found.append(not_supported(field, strategy, ("OldestEmulationVersion",)))
    if spec.get("preferredHolder") and not strategy:
        found.append(forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"))
