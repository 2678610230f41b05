"""When a Job has failed or succeeded early (pkg/apis/batch/validation validatePodFailurePolicy, validateSuccessPolicy)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names
from k8s_tutor.api.validation.causes import (
    duplicate,
    invalid,
    non_negative,
    not_supported,
    omitted,
    required,
    too_long,
    too_many,
)

Tree = dict[str, Any]

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATES = ("False", "True", "Unknown")
_RULES, _CODES, _PATTERNS = 20, 255, 20
_INDEXES = 64 * 1024


def _valid(choices: tuple[str, ...]) -> str:
    """A list of choices as Go's ``%q`` prints it."""
    return "valid values: [" + " ".join(f'"{choice}"' for choice in choices) + "]"


def failure(found: list[Cause], field: str, spec: Tree) -> None:
    """A job's podFailurePolicy."""
    rules = spec["podFailurePolicy"].get("rules") or ()
    if len(rules) > _RULES:
        found.append(too_many(f"{field}.rules", len(rules), _RULES))
    inner = spec["template"].get("spec", {})
    known = [one.get("name") for part in ("containers", "initContainers") for one in inner.get(part) or ()]
    for index, rule in enumerate(rules):
        place = f"{field}.rules[{index}]"
        action = rule.get("action", "")
        if not action:
            found.append(required(f"{place}.action", _valid(_ACTIONS)))
        elif action not in _ACTIONS:
            found.append(not_supported(f"{place}.action", action, _ACTIONS))
        elif action == "FailIndex" and "backoffLimitPerIndex" not in spec:
            found.append(invalid(f"{place}.action", action, "requires the backoffLimitPerIndex to be set"))
        codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or []
        if codes is not None:
            _codes(found, f"{place}.onExitCodes", codes, known)
        _conditions(found, f"{place}.onPodConditions", patterns)
        if codes is not None and patterns:
            found.append(omitted(place, "specifying both OnExitCodes and OnPodConditions is not supported"))
        elif codes is None and not patterns:
            found.append(omitted(place, "specifying one of OnExitCodes and OnPodConditions is required"))


def _codes(found: list[Cause], field: str, codes: Tree, known: list[str]) -> None:
    operator, values, container = codes.get("operator", ""), codes.get("values") or [], codes.get("containerName")
    if not operator:
        found.append(required(f"{field}.operator", _valid(_OPERATORS)))
    elif operator not in _OPERATORS:
        found.append(not_supported(f"{field}.operator", operator, _OPERATORS))
    if container is not None and container not in known:
        text = "must be one of the container or initContainer names in the pod template"
        found.append(invalid(f"{field}.containerName", container, text))
    if not values:
        found.append(invalid(f"{field}.values", codes.get("values"), "at least one value is required"))
    elif len(values) > _CODES:
        found.append(too_many(f"{field}.values", len(values), _CODES))
    for at, value in enumerate(values):
        if operator == "In" and value == 0:
            found.append(invalid(f"{field}.values[{at}]", value, "must not be 0 for the In operator"))
        if value in values[:at]:
            found.append(duplicate(f"{field}.values[{at}]", value))
    if values != sorted(values):
        found.append(invalid(f"{field}.values", values, "must be ordered"))


def _conditions(found: list[Cause], field: str, patterns: list[Tree]) -> None:
    if len(patterns) > _PATTERNS:
        found.append(too_many(field, len(patterns), _PATTERNS))
    for at, pattern in enumerate(patterns):
        kind, state = pattern.get("type", ""), pattern.get("status", "")
        found += [invalid(f"{field}[{at}].type", kind, problem) for problem in names.qualified_name(kind)]
        if not state:
            found.append(required(f"{field}[{at}].status", _valid(_STATES)))
        elif state not in _STATES:
            found.append(not_supported(f"{field}[{at}].status", state, _STATES))


def success(found: list[Cause], field: str, spec: Tree) -> None:
    """An indexed job's successPolicy."""
    rules = spec["successPolicy"].get("rules") or ()
    if not rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        found.append(required(f"{field}.rules", text))
    if len(rules) > _RULES:
        found.append(too_many(f"{field}.rules", len(rules), _RULES))
    for index, rule in enumerate(rules):
        _enough(found, f"{field}.rules[{index}]", rule, spec.get("completions", 0))


def _enough(found: list[Cause], place: str, rule: Tree, completions: int) -> None:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        found.append(required(place, "at least one of succeededCount or succeededIndexes must be specified"))
    total = 0
    if indexes is not None:
        if len(indexes) > _INDEXES:
            found.append(too_long(f"{place}.succeededIndexes", _INDEXES))
        total, problem = index_total(indexes, completions)
        if problem:
            text = f"error parsing succeededIndexes: {problem}"
            found.append(invalid(f"{place}.succeededIndexes", indexes, text))
    if count is None:
        return
    field = f"{place}.succeededCount"
    non_negative(found, field, count)
    if count > completions:
        text = f"must be less than or equal to {completions} (the number of specified completions)"
        found.append(invalid(field, count, text))
    if indexes is not None and count > total:
        text = f"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
        found.append(invalid(field, count, text))


def index_total(text: str, completions: int) -> tuple[int, str]:
    """How many indexes ``0,2-4`` are, and what is wrong with the text (validateIndexesFormat)."""
    if not text:
        return 0, ""
    total, last = 0, -1
    for part in text.split(","):
        first, end, problem = _span(part, completions)
        if problem:
            return 0, problem
        if last >= first:
            return 0, f"non-increasing order, previous: {last}, current: {first}"
        total += end - first + 1
        last = end
    return total, ""


def indexes(text: str, completions: int) -> list[int]:
    """All indexes of ``0,2-4`` that can be read."""
    spans = [_span(part, completions) for part in text.split(",")] if text else []
    return [index for first, last, problem in spans if not problem for index in range(first, last + 1)]


def _span(part: str, completions: int) -> tuple[int, int, str]:
    ends = part.split("-")
    if len(ends) > 2:
        rule = "violates the requirement that an index interval can have at most two parts separated by '-'"
        return 0, 0, f'the fragment "{part}" {rule}'
    numbers = []
    for end in ends:
        if not end.removeprefix("+").isdecimal():
            return 0, 0, f'cannot convert string to integer for index: "{end}"'
        if int(end) >= completions:
            return 0, 0, f'too large index: "{end}"'
        numbers.append(int(end))
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        return 0, 0, f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}"
    return numbers[0], numbers[-1], ""
