"""Pods (pkg/apis/core/validation ValidatePodSpec, ValidatePodUpdate)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import containers, dump, meta, names, selector
from k8s_tutor.api.validation.causes import (
    duplicate,
    forbidden,
    invalid,
    non_negative,
    not_supported,
    required,
)

Tree = dict[str, Any]

_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def _volumes(found: list[Cause], field: str, volumes: list[Tree]) -> list[str]:
    seen: list[str] = []
    for index, volume in enumerate(volumes):
        place = f"{field}[{index}]"
        name = volume.get("name", "")
        if not name:
            found.append(required(f"{place}.name"))
        else:
            problems = names.dns_label(name)
            found += [invalid(f"{place}.name", name, problem) for problem in problems]
            if name in seen:
                found.append(duplicate(f"{place}.name", name))
            seen.append(name)
        kinds = [kind for kind in volume if kind != "name"]
        if len(kinds) > 1:
            for extra in kinds[1:]:
                found.append(forbidden(f"{place}.{extra}", "may not specify more than 1 volume type"))
    return seen


def tolerations(found: list[Cause], field: str, items: list[Tree]) -> None:
    """Keys, operators, effects and seconds."""
    for index, toleration in enumerate(items):
        place = f"{field}[{index}]"
        key, operator = toleration.get("key", ""), toleration.get("operator", "")
        if key:
            found += [invalid(f"{place}.key", key, problem) for problem in names.qualified_name(key)]
        elif operator != "Exists":
            text = "operator must be Exists when `key` is empty, which means \"match all values and all keys\""
            found.append(invalid(f"{place}.operator", operator, text))
        effect = toleration.get("effect", "")
        if "tolerationSeconds" in toleration and effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            found.append(invalid(f"{place}.effect", effect, text))
        if operator in ("", "Equal"):
            value = toleration.get("value", "")
            found += [invalid(f"{place}.operator", value, problem) for problem in names.label_value(value)]
        elif operator == "Exists":
            if toleration.get("value"):
                text = "value must be empty when `operator` is 'Exists'"
                found.append(invalid(f"{place}.operator", toleration, text))
        else:
            found.append(not_supported(f"{place}.operator", operator, ("Equal", "Exists")))
        if effect and effect not in _EFFECTS:
            found.append(not_supported(f"{place}.effect", effect, _EFFECTS))


def _affinity(found: list[Cause], field: str, affinity: Tree) -> None:
    for kind in ("podAffinity", "podAntiAffinity"):
        part = affinity.get(kind, {})
        terms = [
            (f"{field}.{kind}.requiredDuringSchedulingIgnoredDuringExecution[{index}]", term)
            for index, term in enumerate(part.get("requiredDuringSchedulingIgnoredDuringExecution", ()))
        ]
        terms += [
            (f"{field}.{kind}.preferredDuringSchedulingIgnoredDuringExecution[{index}].podAffinityTerm",
             weighted.get("podAffinityTerm", {}))
            for index, weighted in enumerate(part.get("preferredDuringSchedulingIgnoredDuringExecution", ()))
        ]  # fmt: skip
        for place, term in terms:
            if "labelSelector" in term:
                selector.check(found, f"{place}.labelSelector", term["labelSelector"])
            if not term.get("topologyKey"):
                found.append(required(f"{place}.topologyKey", "can not be empty"))


def spec(found: list[Cause], field: str, value: Tree) -> None:
    """A pod's spec, also inside a template."""
    volumes = _volumes(found, f"{field}.volumes", value["volumes"]) if "volumes" in value else []
    seen: list[str] = []
    if not value.get("containers"):
        found.append(required(f"{field}.containers"))
    else:
        containers.check(found, f"{field}.containers", value["containers"], volumes, seen, init=False)
    if "initContainers" in value:
        containers.check(found, f"{field}.initContainers", value["initContainers"], volumes, seen, init=True)
    if value.get("restartPolicy") not in _RESTART:
        found.append(not_supported(f"{field}.restartPolicy", value.get("restartPolicy", ""), _RESTART))
    if value.get("dnsPolicy") not in _DNS:
        found.append(not_supported(f"{field}.dnsPolicy", value.get("dnsPolicy", ""), _DNS))
    non_negative(found, f"{field}.terminationGracePeriodSeconds", value.get("terminationGracePeriodSeconds"))
    deadline = value.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        text = "must be between 1 and 2147483647, inclusive"
        found.append(invalid(f"{field}.activeDeadlineSeconds", deadline, text))
    for name in ("nodeName", "serviceAccountName", "schedulerName", "priorityClassName"):
        if value.get(name):
            found += [invalid(f"{field}.{name}", value[name], problem) for problem in names.dns_subdomain(value[name])]
    for name in ("hostname", "subdomain"):
        if value.get(name):
            found += [invalid(f"{field}.{name}", value[name], problem) for problem in names.dns_label(value[name])]
    if "nodeSelector" in value:
        meta.labels(found, f"{field}.nodeSelector", value["nodeSelector"])
    if "tolerations" in value:
        tolerations(found, f"{field}.tolerations", value["tolerations"])
    if "affinity" in value:
        _affinity(found, f"{field}.affinity", value["affinity"])


def check(found: list[Cause], tree: Tree) -> None:
    """A whole pod."""
    spec(found, "spec", tree.get("spec", {}))


def check_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """A pod's spec is frozen but for images, an active deadline, and further tolerations."""
    fresh, stored = new["spec"], old["spec"]
    if fresh == stored:
        return
    for kind in ("containers", "initContainers"):
        if len(fresh.get(kind, ())) != len(stored.get(kind, ())):
            found.append(forbidden(f"spec.{kind}", "pod updates may not add or remove containers"))
            return
    deadline, before = fresh.get("activeDeadlineSeconds"), stored.get("activeDeadlineSeconds")
    if before is not None:
        if deadline is None:
            text = "must not update from a positive integer to nil value"
            found.append(invalid("spec.activeDeadlineSeconds", None, text))
        elif deadline > before:
            text = f"must be less than or equal to previous value: {before}"
            found.append(invalid("spec.activeDeadlineSeconds", deadline, text))
    kept = fresh.get("tolerations", [])
    for toleration in stored.get("tolerations", ()):
        if toleration not in kept:
            text = "existing toleration can not be modified except its tolerationSeconds"
            found.append(forbidden("spec.tolerations", text))
            break
    masked = _masked(fresh, stored)
    if masked != stored:
        found.append(forbidden("spec", f"{_FROZEN}\n{dump.difference('PodSpec', stored, masked)}"))


def _masked(fresh: Tree, stored: Tree) -> Tree:
    """The new spec with all that may change set back to what it was."""
    masked = dict(fresh)
    for name in ("activeDeadlineSeconds", "tolerations"):
        masked.pop(name, None)
        if name in stored:
            masked[name] = stored[name]
    if stored.get("terminationGracePeriodSeconds", 0) < 0 and fresh.get("terminationGracePeriodSeconds") == 1:
        masked["terminationGracePeriodSeconds"] = stored["terminationGracePeriodSeconds"]
    for kind in ("containers", "initContainers"):
        if kind in masked:
            masked[kind] = [
                {**new, "image": old.get("image")}
                for new, old in zip(masked[kind], stored.get(kind, ()), strict=True)
            ]
    return masked
