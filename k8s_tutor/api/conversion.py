"""Two versions of one stored object: what a client of the other version sees, and what becomes of what it writes.

Sources: pkg/apis/autoscaling/v1/conversion.go, pkg/apis/events/v1/conversion.go. Trees that come in are never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

Tree = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_ANNOTATION = "autoscaling.alpha.kubernetes.io/"
_CPU_DEFAULT = 80
"""Percent of its request that a pod should use when nothing else is said."""


def _renamed(tree: Tree, names: dict[str, str]) -> Tree:
    return {names.get(key, key): value for key, value in tree.items()}


# ---------------------------------------------------------------------- events.k8s.io/v1

_EVENT_NAMES = {
    "involvedObject": "regarding", "message": "note", "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp", "lastTimestamp": "deprecatedLastTimestamp", "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}  # fmt: skip
_CORE_EVENT_NAMES = {new: old for old, new in _EVENT_NAMES.items()}


def _event_view(tree: Tree) -> Tree:
    return _renamed(tree, _EVENT_NAMES)


def _event_home(tree: Tree) -> Tree:
    return _renamed(tree, _CORE_EVENT_NAMES)


# ---------------------------------------------------------------------- autoscaling/v1


def _is_cpu(metric: Tree) -> bool:
    return metric.get("type") == "Resource" and metric.get("resource", {}).get("name") == "cpu"


def _old_metric(metric: Tree) -> Tree:
    """A metric in the shape of v1, where a target or a value is spread over fields of its own."""
    kind = metric["type"][:1].lower() + metric["type"][1:]
    source = dict(metric.get(kind, {}))
    for field, prefix in (("target", "target"), ("current", "current")):
        amounts = source.pop(field, None)
        if amounts is None:
            continue
        resource = kind in ("resource", "containerResource")
        if "averageUtilization" in amounts:
            source[f"{prefix}AverageUtilization"] = amounts["averageUtilization"]
        if "averageValue" in amounts:
            own = "averageValue" if kind == "object" else f"{prefix}AverageValue"
            source[own] = amounts["averageValue"]
        if "value" in amounts and not resource:
            source[f"{prefix}Value"] = amounts["value"]
    name = source.pop("metric", None)
    if name is not None:
        source["metricName"] = name.get("name", "")
        if "selector" in name:
            source["metricSelector" if kind == "external" else "selector"] = name["selector"]
    if kind == "object" and "describedObject" in source:
        source["target"] = source.pop("describedObject")
    return {"type": metric["type"], kind: source}


def _new_metric(metric: Tree, field: str) -> Tree:
    """The reverse: ``field`` is ``target`` for what is wanted, ``current`` for what was measured."""
    kind = metric["type"][:1].lower() + metric["type"][1:]
    source = dict(metric.get(kind, {}))
    found: Tree = {}
    if kind == "object" and "target" in source:
        found["describedObject"] = source.pop("target")
    if "metricName" in source:
        name = {"name": source.pop("metricName")}
        selector = source.pop("metricSelector", None) or source.pop("selector", None)
        found["metric"] = {**name, **({"selector": selector} if selector else {})}
    amounts: Tree = {}
    for own, new in (
        (f"{field}AverageUtilization", "averageUtilization"), (f"{field}AverageValue", "averageValue"),
        ("averageValue", "averageValue"), (f"{field}Value", "value"),
    ):  # fmt: skip
        if own in source:
            amounts[new] = source.pop(own)
    if field == "target":
        words = {"averageUtilization": "Utilization", "averageValue": "AverageValue", "value": "Value"}
        amounts = {"type": next((word for name, word in words.items() if name in amounts), ""), **amounts}
    return {"type": metric["type"], kind: {**found, **source, field: amounts}}


def _autoscaler_view(tree: Tree) -> Tree:
    """v2 → v1: what v1 has no field for goes into annotations."""
    spec, status = dict(tree.get("spec", {})), dict(tree.get("status", {}))
    annotations = dict(tree["metadata"].get("annotations", {}))
    others = []
    for metric in spec.pop("metrics", None) or ():
        percent = metric.get("resource", {}).get("target", {}).get("averageUtilization")
        if _is_cpu(metric) and percent is not None:
            spec["targetCPUUtilizationPercentage"] = percent
        else:
            others.append(_old_metric(metric))
    behavior = spec.pop("behavior", None)
    measured, conditions = status.pop("currentMetrics", None), status.pop("conditions", None)
    status.setdefault("currentReplicas", 0)
    for metric in measured or ():
        if _is_cpu(metric) and "averageUtilization" in metric["resource"].get("current", {}):
            status["currentCPUUtilizationPercentage"] = metric["resource"]["current"]["averageUtilization"]
    for name, value in (
        ("metrics", others), ("behavior", behavior), ("conditions", conditions),
        ("current-metrics", [_old_metric(metric) for metric in measured or ()]),
    ):  # fmt: skip
        if value:
            annotations[_ANNOTATION + name] = _encode(value).decode()
    metadata = {**tree["metadata"], **({"annotations": annotations} if annotations else {})}
    return {**tree, "metadata": metadata, "spec": spec, "status": status}


def _autoscaler_home(tree: Tree) -> Tree:
    """v1 → v2: annotations become fields again; without any metric it is CPU at 80 %."""
    spec, status = dict(tree.get("spec", {})), dict(tree.get("status", {}))
    annotations = dict(tree["metadata"].get("annotations", {}))
    kept = {name: _json(annotations.pop(_ANNOTATION + name, "")) for name in (
        "metrics", "behavior", "conditions", "current-metrics",
    )}  # fmt: skip
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_new_metric(metric, "target") for metric in kept["metrics"] or ()]
    if percent is not None or not metrics:
        metrics.insert(0, _cpu(_CPU_DEFAULT if percent is None else percent))
    spec["metrics"] = metrics
    if kept["behavior"]:
        spec["behavior"] = kept["behavior"]
    percent = status.pop("currentCPUUtilizationPercentage", None)
    if kept["current-metrics"]:
        status["currentMetrics"] = [_new_metric(metric, "current") for metric in kept["current-metrics"]]
    elif percent is not None:
        current = {"averageUtilization": percent}
        status["currentMetrics"] = [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]
    else:
        status["currentMetrics"] = None
    if kept["conditions"]:
        status["conditions"] = kept["conditions"]
    if not status.get("currentReplicas"):
        status.pop("currentReplicas", None)
    metadata = {key: value for key, value in tree["metadata"].items() if key != "annotations"}
    return {**tree, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}, "spec": spec,
            "status": status}  # fmt: skip


def _cpu(percent: int) -> Tree:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _json(text: str) -> Any:
    """What an annotation says; nothing when it cannot be read."""
    try:
        return _decode(text) if text else None
    except msgspec.DecodeError:
        return None


# ----------------------------------------------------------------------


class _Pair(NamedTuple):
    """``view``: stored → other version; ``home``: other version → stored."""

    view: Callable[[Tree], Tree]
    home: Callable[[Tree], Tree]


_PAIRS = {
    ("events.k8s.io/v1", "Event"): _Pair(_event_view, _event_home),
    ("autoscaling/v1", "HorizontalPodAutoscaler"): _Pair(_autoscaler_view, _autoscaler_home),
}


def _same(tree: Tree) -> Tree:
    return tree


_ONLY_THE_NAME = _Pair(_same, _same)
"""Versions that differ in nothing but their name (custom resources without a conversion)."""


def view(api_version: str, kind: str, tree: Tree) -> Tree:
    """A stored tree as a client of this version sees it."""
    found = _PAIRS.get((api_version, kind), _ONLY_THE_NAME).view(tree)
    return {**found, "kind": kind, "apiVersion": api_version}


def home(api_version: str, kind: str, tree: Tree, home_version: str) -> Tree:
    """A tree of this version as it is stored."""
    found = _PAIRS.get((api_version, kind), _ONLY_THE_NAME).home(tree)
    return {**found, "kind": kind, "apiVersion": home_version}
