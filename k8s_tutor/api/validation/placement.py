"""Where a pod may run: tolerations, affinity, spreading (pkg/apis/core/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names, selector
from k8s_tutor.api.validation.causes import duplicate, forbidden, invalid, not_supported, required

Tree = dict[str, Any]

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
_INCLUSION = ("Honor", "Ignore")
_REQUIRED, _PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"


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
            problems = names.label_value(value)
            if problems:
                found.append(invalid(f"{place}.operator", value, ";".join(problems)))
        elif operator == "Exists":
            if toleration.get("value"):
                text = "value must be empty when `operator` is 'Exists'"
                found.append(invalid(f"{place}.operator", toleration["value"], text))
        else:
            found.append(not_supported(f"{place}.operator", operator, ("Equal", "Exists")))
        if effect and effect not in _EFFECTS:
            found.append(not_supported(f"{place}.effect", effect, _EFFECTS))


def affinity(found: list[Cause], field: str, value: Tree) -> None:
    """All three kinds of affinity."""
    if "nodeAffinity" in value:
        _node_affinity(found, f"{field}.nodeAffinity", value["nodeAffinity"])
    for kind in ("podAffinity", "podAntiAffinity"):
        part, place = value.get(kind, {}), f"{field}.{kind}"
        for index, term in enumerate(part.get(_REQUIRED, ())):
            _pod_term(found, f"{place}.{_REQUIRED}[{index}]", term)
        for index, weighted in enumerate(part.get(_PREFERRED, ())):
            _weight(found, f"{place}.{_PREFERRED}[{index}]", weighted)
            _pod_term(found, f"{place}.{_PREFERRED}[{index}].podAffinityTerm", weighted.get("podAffinityTerm", {}))


def _weight(found: list[Cause], place: str, weighted: Tree) -> None:
    weight = weighted.get("weight", 0)
    if not 1 <= weight <= 100:
        found.append(invalid(f"{place}.weight", weight, "must be in the range 1-100"))


def _pod_term(found: list[Cause], place: str, term: Tree) -> None:
    for name in ("labelSelector", "namespaceSelector"):
        if name in term:
            selector.check(found, f"{place}.{name}", term[name])
    for namespace in term.get("namespaces", ()):
        found += [invalid(f"{place}.namespace", namespace, problem) for problem in names.dns_label(namespace)]
    key = term.get("topologyKey", "")
    if not key:
        found.append(required(f"{place}.topologyKey", "can not be empty"))
    found += [invalid(f"{place}.topologyKey", key, problem) for problem in names.qualified_name(key)]


def _node_affinity(found: list[Cause], field: str, value: Tree) -> None:
    needed = value.get(_REQUIRED)
    if needed is not None:
        place, terms = f"{field}.{_REQUIRED}", needed.get("nodeSelectorTerms") or ()
        if not terms:
            found.append(required(f"{place}.nodeSelectorTerms", "must have at least one node selector term"))
        for index, term in enumerate(terms):
            node_term(found, f"{place}.nodeSelectorTerms[{index}]", term)
    for index, weighted in enumerate(value.get(_PREFERRED, ())):
        place = f"{field}.{_PREFERRED}[{index}]"
        _weight(found, place, weighted)
        node_term(found, f"{place}.preference", weighted.get("preference", {}), strict=False)


def node_term(found: list[Cause], place: str, term: Tree, strict: bool = True) -> None:
    """A term of a node selector. Of a mere preference the values are not looked at."""
    for index, expression in enumerate(term.get("matchExpressions", ())):
        field, operator = f"{place}.matchExpressions[{index}]", expression.get("operator", "")
        values, key = expression.get("values", ()), expression.get("key", "")
        if operator in ("In", "NotIn"):
            if not values:
                text = "must be specified when `operator` is 'In' or 'NotIn'"
                found.append(required(f"{field}.values", text))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                found.append(forbidden(f"{field}.values", text))
        elif operator in ("Gt", "Lt"):
            if len(values) != 1:
                text = "must be specified single value when `operator` is 'Lt' or 'Gt'"
                found.append(required(f"{field}.values", text))
        else:
            found.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
        found += [invalid(f"{field}.key", key, problem) for problem in names.qualified_name(key)]
        for at, value in enumerate(values if strict else ()):
            found += [invalid(f"{field}.values[{at}]", value, problem) for problem in names.label_value(value)]
    for index, expression in enumerate(term.get("matchFields", ())):
        field, operator = f"{place}.matchFields[{index}]", expression.get("operator", "")
        values, key = expression.get("values", ()), expression.get("key", "")
        if operator not in ("In", "NotIn"):
            found.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
        elif len(values) != 1:
            text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            found.append(required(f"{field}.values", text))
        if key != "metadata.name":
            found.append(invalid(f"{field}.key", key, "not a valid field selector key"))
            continue
        for at, value in enumerate(values):
            found += [invalid(f"{field}.values[{at}]", value, problem) for problem in names.dns_subdomain(value)]


def spread(found: list[Cause], field: str, constraints: list[Tree]) -> None:
    """Topology spread constraints."""
    every = [(one.get("topologyKey", ""), one.get("whenUnsatisfiable", "")) for one in constraints]
    for index, constraint in enumerate(constraints):
        place = f"{field}[{index}]"
        skew, key = constraint.get("maxSkew", 0), constraint.get("topologyKey", "")
        action, domains = constraint.get("whenUnsatisfiable", ""), constraint.get("minDomains")
        if skew <= 0:
            found.append(invalid(f"{place}.maxSkew", skew, "must be greater than zero"))
        if not key:
            found.append(required(f"{place}.topologyKey", "can not be empty"))
        if action not in _ACTIONS:
            found.append(not_supported(f"{place}.whenUnsatisfiable", action, _ACTIONS))
        if (key, action) in every[index + 1 :]:
            found.append(duplicate(f"{place}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {action}}}"))
        if domains is not None:
            if domains <= 0:
                found.append(invalid(f"{place}.minDomains", domains, "must be greater than zero"))
            if action != "DoNotSchedule":
                text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
                found.append(invalid(f"{place}.minDomains", domains, text))
        for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if name in constraint and constraint[name] not in _INCLUSION:
                found.append(not_supported(f"{place}.{name}", constraint[name], _INCLUSION))
        _match_keys(found, f"{place}.matchLabelKeys", constraint)
        if "labelSelector" in constraint:
            selector.check(found, f"{place}.labelSelector", constraint["labelSelector"])


def _match_keys(found: list[Cause], field: str, constraint: Tree) -> None:
    keys = constraint.get("matchLabelKeys", ())
    wanted = constraint.get("labelSelector")
    if keys and wanted is None:
        found.append(forbidden(field, "must not be specified when labelSelector is not set"))
    used = [*(wanted or {}).get("matchLabels", {}), *(one.get("key") for one in (wanted or {}).get("matchExpressions", ()))]
    for index, key in enumerate(keys):
        found += [invalid(f"{field}[{index}]", key, problem) for problem in names.qualified_name(key)]
        if key in used:
            found.append(invalid(f"{field}[{index}]", key, "exists in both matchLabelKeys and labelSelector"))
