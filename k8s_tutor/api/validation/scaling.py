"""Autoscalers and disruption budgets (pkg/apis/autoscaling/validation, pkg/apis/policy/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names, selector
from k8s_tutor.api.validation.causes import forbidden, invalid, non_negative, not_supported, required
from k8s_tutor.api.validation.workloads import amount

Tree = dict[str, Any]

_SOURCES = ("ContainerResource", "External", "Object", "Pods", "Resource")
_TARGETS = ("AverageValue", "Utilization", "Value")
_SELECT = ("Disabled", "Max", "Min")
_WINDOW_MOST, _PERIOD_MOST = 3600, 1800


def autoscaler(found: list[Cause], tree: Tree) -> None:
    """A whole HorizontalPodAutoscaler, as v2 has it."""
    spec = tree["spec"]
    least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if least is not None and least < 1:
        found.append(invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        found.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if least is not None and most < least:
        found.append(invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    _reference(found, "spec.scaleTargetRef", spec.get("scaleTargetRef", {}))
    for index, metric in enumerate(spec.get("metrics") or ()):
        _metric(found, f"spec.metrics[{index}]", metric)
    for direction, rules in spec.get("behavior", {}).items():
        _rules(found, f"spec.behavior.{direction}", rules)


def _reference(found: list[Cause], place: str, reference: Tree) -> None:
    for name in ("kind", "name"):
        value = reference.get(name, "")
        if not value:
            found.append(required(f"{place}.{name}"))
        else:
            found += [invalid(f"{place}.{name}", value, problem) for problem in names.path_segment(value)]


def _metric(found: list[Cause], place: str, metric: Tree) -> None:
    kind = metric.get("type", "")
    if not kind:
        found.append(required(f"{place}.type", "must specify a metric source type"))
        return
    if kind not in _SOURCES:
        found.append(not_supported(f"{place}.type", kind, _SOURCES))
        return
    field = kind[:1].lower() + kind[1:]
    source = metric.get(field)
    if source is None:
        found.append(required(f"{place}.{field}", "must populate information for the given metric source"))
        return
    if field in ("resource", "containerResource") and not source.get("name"):
        found.append(required(f"{place}.{field}.name", "must specify a resource name"))
    if field == "containerResource" and not source.get("container"):
        found.append(required(f"{place}.{field}.container", "must specify a container"))
    if field in ("pods", "object", "external") and not source.get("metric", {}).get("name"):
        found.append(required(f"{place}.{field}.metric.name", "must specify a metric name"))
    if field == "object":
        _reference(found, f"{place}.object.describedObject", source.get("describedObject", {}))
    _target(found, f"{place}.{field}.target", field, source.get("target", {}))


def _target(found: list[Cause], place: str, field: str, target: Tree) -> None:
    kind = target.get("type", "")
    if not kind:
        found.append(required(f"{place}.type", "must specify a metric target type"))
    elif kind not in _TARGETS:
        found.append(invalid(f"{place}.type", kind, "must be either Utilization, Value, or AverageValue"))
    for name in ("value", "averageValue"):
        if name in target and quantity.nano(target[name]) <= 0:
            found.append(invalid(f"{place}.{name}", target[name], "must be positive"))
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        found.append(invalid(f"{place}.averageUtilization", percent, "must be greater than 0"))
    if field in ("resource", "containerResource"):
        value = "averageValue" in target
        if percent is not None and value:
            text = "may not set both a target raw value and a target utilization"
            found.append(forbidden(f"{place}.averageValue", text))
        elif percent is None and not value:
            text = "must set either a target raw value or a target utilization"
            found.append(required(f"{place}.averageUtilization", text))
    elif field == "pods" and "averageValue" not in target:
        found.append(required(f"{place}.averageValue", "must specify a positive target averageValue"))
    elif field in ("object", "external") and "value" not in target and "averageValue" not in target:
        if field == "external":
            text = "must set either a target value for metric or a per-pod target"
        else:
            text = "must set either a target value or averageValue"
        found.append(required(f"{place}.averageValue", text))


def _rules(found: list[Cause], place: str, rules: Tree) -> None:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        found.append(invalid(f"{place}.stabilizationWindowSeconds", window, "must be greater than or equal to zero"))
    if window is not None and window > _WINDOW_MOST:
        text = f"must be less than or equal to {_WINDOW_MOST}"
        found.append(invalid(f"{place}.stabilizationWindowSeconds", window, text))
    policy = rules.get("selectPolicy")
    if policy is not None and policy not in _SELECT:
        found.append(not_supported(f"{place}.selectPolicy", policy, _SELECT))
    policies = rules.get("policies") or ()
    if not policies:
        found.append(required(f"{place}.policies", "must specify at least one Policy"))
    for index, one in enumerate(policies):
        field = f"{place}.policies[{index}]"
        if one.get("type") not in ("Percent", "Pods"):
            found.append(not_supported(f"{field}.type", one.get("type", ""), ("Percent", "Pods")))
        if one.get("value", 0) <= 0:
            found.append(invalid(f"{field}.value", one.get("value", 0), "must be greater than zero"))
        period = one.get("periodSeconds", 0)
        if period <= 0:
            found.append(invalid(f"{field}.periodSeconds", period, "must be greater than zero"))
        if period > _PERIOD_MOST:
            found.append(invalid(f"{field}.periodSeconds", period, f"must be less than or equal to {_PERIOD_MOST}"))


def budget(found: list[Cause], tree: Tree) -> None:
    """A whole PodDisruptionBudget."""
    spec = tree.get("spec", {})
    if "minAvailable" in spec and "maxUnavailable" in spec:
        shown = {
            "MinAvailable": spec["minAvailable"], "Selector": spec.get("selector"),
            "MaxUnavailable": spec["maxUnavailable"], "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }  # fmt: skip
        found.append(invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set"))
    for name in ("minAvailable", "maxUnavailable"):
        if name in spec:
            value = amount(found, f"spec.{name}", spec[name])
            if isinstance(spec[name], str) and value > 100:
                found.append(invalid(f"spec.{name}", spec[name], "must not be greater than 100%"))
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in ("AlwaysAllow", "IfHealthyBudget"):
        found.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget")))
    if "selector" in spec:
        selector.check(found, "spec.selector", spec["selector"])


def budget_status(found: list[Cause], tree: Tree) -> None:
    """The numbers of a budget are not negative."""
    for name in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"):
        non_negative(found, f"status.{name}", tree.get("status", {}).get(name))
