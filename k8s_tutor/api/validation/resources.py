"""Requests and limits of containers (pkg/apis/core/validation ValidateResourceRequirements)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names
from k8s_tutor.api.validation.causes import NEGATIVE, invalid, required

Tree = dict[str, Any]

_STANDARD = ("cpu", "memory", "ephemeral-storage")
_INTEGER = "must be an integer"


def _name_problems(name: str) -> list[str]:
    if name in _STANDARD or name.startswith("hugepages-"):
        return []
    problems = list(names.qualified_name(name))
    if problems:
        return problems
    if "/" not in name:
        return [
            "must be a standard resource type or fully qualified",
            "must be a standard resource for containers",
        ]
    return []


def _amounts(found: list[Cause], field: str, amounts: dict[str, str]) -> None:
    for name, amount in amounts.items():
        place = f"{field}[{name}]"
        if name not in _STANDARD:
            found += [invalid(place, name, problem) for problem in _name_problems(name)]
        nanos = quantity.nano(amount)
        if nanos < 0:
            found.append(invalid(place, amount, NEGATIVE))
        elif "/" in name and nanos % quantity.NANO:
            found.append(invalid(place, amount, _INTEGER))


def check(found: list[Cause], field: str, resources: Tree) -> None:
    """``resources`` of one container."""
    limits: dict[str, str] = resources.get("limits", {})
    requests: dict[str, str] = resources.get("requests", {})
    _amounts(found, f"{field}.limits", limits)
    _amounts(found, f"{field}.requests", requests)
    for name, amount in requests.items():
        limit = limits.get(name)
        if limit is None:
            if "/" in name or name.startswith("hugepages-"):
                found.append(required(f"{field}.limits", "Limit must be set for non overcommitable resources"))
        elif "/" in name or name.startswith("hugepages-"):
            if quantity.compare(amount, limit):
                text = f"must be equal to {name} limit of {limit}"
                found.append(invalid(f"{field}.requests", amount, text))
        elif quantity.compare(amount, limit) > 0:
            text = f"must be less than or equal to {name} limit of {limit}"
            found.append(invalid(f"{field}.requests", amount, text))
