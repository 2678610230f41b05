"""Label selectors inside objects (apimachinery meta/v1/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import meta, names
from k8s_tutor.api.validation.causes import forbidden, invalid, required

Tree = dict[str, Any]


def check(found: list[Cause], field: str, selector: Tree) -> None:
    """Labels and expressions of a ``LabelSelector``."""
    if "matchLabels" in selector:
        meta.labels(found, f"{field}.matchLabels", selector["matchLabels"])
    for index, expression in enumerate(selector.get("matchExpressions", ())):
        place = f"{field}.matchExpressions[{index}]"
        operator, values = expression.get("operator", ""), expression.get("values", ())
        if operator in ("In", "NotIn"):
            if not values:
                text = "must be specified when `operator` is 'In' or 'NotIn'"
                found.append(required(f"{place}.values", text))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                found.append(forbidden(f"{place}.values", text))
        else:
            found.append(invalid(f"{place}.operator", operator, "not a valid selector operator"))
        key = expression.get("key", "")
        found += [invalid(f"{place}.key", key, problem) for problem in names.qualified_name(key)]
        for at, value in enumerate(values):
            found += [invalid(f"{place}.values[{at}]", value, problem) for problem in names.label_value(value)]
