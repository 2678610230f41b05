"""LimitRanges, ResourceQuotas, PriorityClasses and RuntimeClasses (core, scheduling and node validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import dump, meta, names, placement, resources
from k8s_tutor.api.validation.causes import NEGATIVE, duplicate, forbidden, immutable, invalid, not_supported, required

Tree = dict[str, Any]

_MOST = 1_000_000_000
"""What a user's class may be worth; the system's own are worth more."""
_SYSTEM = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_POLICIES = ("Never", "PreemptLowerPriority")
_COUNTED = (
    "configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services",
    "services.loadbalancers", "services.nodeports",
)  # fmt: skip
_COMPUTE = ("cpu", "memory", "ephemeral-storage", "storage")
_SCOPES = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
           "VolumeAttributesClass")  # fmt: skip


def limit_range(found: list[Cause], tree: Tree) -> None:
    """A whole LimitRange."""
    seen: list[str] = []
    for index, item in enumerate(tree["spec"].get("limits") or ()):
        place = f"spec.limits[{index}]"
        kind = item.get("type", "")
        problems = names.qualified_name(kind)
        if problems:
            found += [invalid(f"{place}.type", kind, problem) for problem in problems]
        elif "/" not in kind and kind not in ("Pod", "Container", "PersistentVolumeClaim"):
            found.append(invalid(f"{place}.type", kind, "must be a standard limit type or fully qualified"))
        if kind in seen:
            found.append(Cause("FieldValueDuplicate", f"{place}.type", f'Duplicate value: "{kind}"'))
        seen.append(kind)
        _item(found, place, kind, item)


def _item(found: list[Cause], place: str, kind: str, item: Tree) -> None:
    if kind == "Pod":
        for part in ("default", "defaultRequest"):
            if item.get(part):
                text = f"may not be specified when `type` is '{kind}'"
                found.append(forbidden(f"{place}.{part}", text))
    if kind == "PersistentVolumeClaim" and "storage" not in {**item.get("min", {}), **item.get("max", {})}:
        text = "either minimum or maximum storage value is required, but neither was provided"
        found.append(required(f"{place}.limits", text))
    every: list[str] = []
    for part in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        every += [name for name in item.get(part, {}) if name not in every]
    for part in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        for name in item.get(part, {}):
            problems = _limit_name_problems(kind, name)
            found += [invalid(f"{place}.{part}[{name}]", name, problem) for problem in problems]
    for name in every:
        low, high = item.get("min", {}).get(name), item.get("max", {}).get(name)
        default, request = item.get("default", {}).get(name), item.get("defaultRequest", {}).get(name)

        def above(
            field: str, lesser: str | None, greater: str | None, text: str, name: str = name, last: bool = False
        ) -> None:
            if lesser is not None and greater is not None and quantity.compare(lesser, greater) > 0:
                found.append(invalid(f"{place}.{field}[{name}]", greater if last else lesser, f"{text} {greater}"))

        above("min", low, high, f"min value {low} is greater than max value")
        if request is not None and low is not None and quantity.compare(low, request) > 0:
            text = f"min value {low} is greater than default request value {request}"
            found.append(invalid(f"{place}.defaultRequest[{name}]", request, text))
        above("defaultRequest", request, high, f"default request value {request} is greater than max value")
        above("defaultRequest", request, default, f"default request value {request} is greater than default limit value")
        if default is not None and low is not None and quantity.compare(low, default) > 0:
            text = f"min value {low} is greater than default value {default}"
            found.append(invalid(f"{place}.default[{name}]", low, text))
        above("default", default, high, f"default value {default} is greater than max value", last=True)
        ratio = item.get("maxLimitRequestRatio", {}).get(name)
        if ratio is not None and quantity.milli(ratio) < 1000:
            text = f"ratio {ratio} is less than 1"
            found.append(invalid(f"{place}.maxLimitRequestRatio[{name}]", ratio, text))
        if ratio is not None and low is not None and high is not None and quantity.milli(low):
            most = quantity.milli(high) / quantity.milli(low)
            if quantity.milli(ratio) > most * 1000:
                text = f"ratio {ratio} is greater than max/min = {most:f}"
                found.append(invalid(f"{place}.maxLimitRequestRatio[{name}]", ratio, text))


def _limit_name_problems(kind: str, name: str) -> list[str]:
    bare = name.removeprefix("requests.").removeprefix("limits.")
    problems = list(names.qualified_name(name))
    if "/" in name:
        return problems
    standard = name in _COUNTED or bare in _COMPUTE or bare.startswith("hugepages-")
    if not problems and not standard:
        problems.append("must be a standard resource type or fully qualified")
    contained = name in _COMPUTE[:3] or name.startswith("hugepages-")
    if kind in ("Pod", "Container") and not contained:
        problems.append("must be a standard resource for containers")
    return problems


def quota(found: list[Cause], tree: Tree) -> None:
    """A whole ResourceQuota."""
    spec = tree["spec"]
    for name, amount in spec.get("hard", {}).items():
        place = f"spec.hard[{name}]"
        found += [invalid(place, name, problem) for problem in _quota_name_problems(name)]
        nanos = quantity.nano(amount)
        if nanos < 0:
            found.append(invalid(place, amount, NEGATIVE))
        elif nanos % quantity.NANO and (name in _COUNTED or name.startswith("count/")):
            found.append(invalid(place, amount, "must be an integer"))
    _scopes(found, spec)
    if "scopeSelector" in spec:
        _scope_selector(found, spec)


_COUNTS_PODS = ("pods",)
_COUNTS_WORK = (*_COUNTS_PODS, "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory")
_PAIRS = (("BestEffort", "NotBestEffort"), ("NotTerminating", "Terminating"))


def _fits(scope: str, name: str) -> bool:
    """Whether a scope can narrow what a quota counts under a name."""
    if not _standard(name):
        return True
    return name in (_COUNTS_PODS if scope == "BestEffort" else _COUNTS_WORK)


def _scopes(found: list[Cause], spec: Tree) -> None:
    scopes = spec.get("scopes", [])
    for scope in scopes:
        if scope not in _SCOPES:
            found.append(invalid("spec.scopes", scopes, "unsupported scope"))
        for name in spec.get("hard", {}):
            if not _fits(scope, name):
                found.append(invalid("spec.scopes", scopes, "unsupported scope applied to resource"))
    if any(one in scopes and other in scopes for one, other in _PAIRS):
        found.append(invalid("spec.scopes", scopes, "conflicting scopes"))


_WHOLE = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "Terminating")
_ALL_OR_NOTHING = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


def _scope_selector(found: list[Cause], spec: Tree) -> None:
    field = "spec.scopeSelector.matchExpressions"
    rows = (spec["scopeSelector"] or {}).get("matchExpressions") or ()
    for row in rows:
        scope, operator, values = row.get("scopeName", ""), row.get("operator", ""), row.get("values", ())
        if scope not in _SCOPES:
            found.append(invalid(f"{field}.scopeName", scope, "unsupported scope"))
        if scope in _WHOLE and operator != "Exists":
            found.append(invalid(f"{field}.operator", operator, _ALL_OR_NOTHING))
        if operator in ("In", "NotIn"):
            if not values:
                text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                found.append(required(f"{field}.values", text))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                found.append(invalid(f"{field}.values", values, text))
        else:
            found.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
    named = [row.get("scopeName", "") for row in rows]
    if any(one in named and other in named for one, other in _PAIRS):
        found.append(invalid(field, spec.get("scopes"), "conflicting scopes"))


def _standard(name: str) -> bool:
    bare = name.removeprefix("requests.").removeprefix("limits.")
    return name in _COUNTED or bare in _COMPUTE or name.startswith(("hugepages-", "requests.hugepages-"))


def _quota_name_problems(name: str) -> list[str]:
    problems = list(names.qualified_name(name))
    if "/" in name or _standard(name):
        return problems
    if not problems:
        problems.append("must be a standard resource type or fully qualified")
    problems.append("must be a standard resource for quota")
    return problems


def quota_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """Which objects a quota is about does not change."""
    if new["spec"].get("scopes", []) != old["spec"].get("scopes", []):
        found.append(immutable("spec.scopes", new["spec"].get("scopes")))


def priority_class(found: list[Cause], tree: Tree) -> None:
    """A whole PriorityClass."""
    name, value = tree["metadata"].get("name", ""), tree.get("value", 0)
    if name.startswith("system-"):
        known = _SYSTEM.get(name)
        problem = ""
        if known is None:
            problem = f"{name} is not a known system priority class"
        elif known != value:
            problem = f"value of {name} PriorityClass must be {known}"
        elif tree.get("globalDefault"):
            problem = f"globalDefault of {name} PriorityClass must be false"
        if problem:
            text = f"priority class names with 'system-' prefix are reserved for system use only. error: {problem}"
            found.append(forbidden("metadata.name", text))
    elif value > _MOST:
        text = f"maximum allowed value of a user defined priority is {_MOST}"
        found.append(forbidden("value", text))
    policy = tree.get("preemptionPolicy")
    if policy is not None and policy not in _POLICIES:
        found.append(not_supported("preemptionPolicy", policy, ("PreemptLowerPriority", "Never")))


def priority_class_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What a class is worth does not change."""
    if new.get("value", 0) != old.get("value", 0):
        found.append(forbidden("value", "may not be changed in an update."))
    if new.get("preemptionPolicy") != old.get("preemptionPolicy"):
        found.append(immutable("preemptionPolicy", new.get("preemptionPolicy")))


def runtime_class(found: list[Cause], tree: Tree) -> None:
    """A whole RuntimeClass."""
    handler = tree.get("handler", "")
    found += [invalid("handler", handler, problem) for problem in names.dns_label(handler)]
    if tree.get("overhead") is not None:
        resources.check(found, "overhead", {"limits": tree["overhead"].get("podFixed") or {}})
    scheduling = tree.get("scheduling")
    if scheduling is not None:
        meta.labels(found, "scheduling.nodeSelector", scheduling.get("nodeSelector"))
        items = scheduling.get("tolerations") or []
        placement.tolerations(found, "scheduling.tolerations", items)
        for index, item in enumerate(items):
            if item in items[:index]:
                found.append(duplicate(f"scheduling.tolerations[{index}]", dump.go("Toleration", item)))


def runtime_class_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """Its handler does not change."""
    if new.get("handler") != old.get("handler"):
        found.append(immutable("handler", new.get("handler")))
