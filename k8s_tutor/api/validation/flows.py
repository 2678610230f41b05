"""Flow schemas and priority levels (pkg/apis/flowcontrol/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names
from k8s_tutor.api.validation.causes import forbidden, invalid, not_supported, required

Tree = dict[str, Any]

_EXEMPT = "exempt"
_MOST = 10_000
"""The last place in the order of flow schemas."""
_BY = ("ByNamespace", "ByUser")
_SUBJECTS = ("Group", "ServiceAccount", "User")
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_MOST_QUEUES = 10_000_000


def flow_schema(found: list[Cause], tree: Tree) -> None:
    """A whole FlowSchema."""
    spec, name = tree["spec"], tree["metadata"].get("name", "")
    place = spec.get("matchingPrecedence", 0)
    if place <= 0:
        found.append(invalid("spec.matchingPrecedence", place, "must be a positive value"))
    if place > _MOST:
        found.append(invalid("spec.matchingPrecedence", place, f"must not be greater than {_MOST}"))
    if place == 1 and name != _EXEMPT:
        text = "only the schema named 'exempt' may have matchingPrecedence 1"
        found.append(invalid("spec.matchingPrecedence", place, text))
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in _BY:
        found.append(not_supported("spec.distinguisherMethod", method, _BY))
    level = spec.get("priorityLevelConfiguration", {}).get("name", "")
    if not level:
        found.append(required("spec.priorityLevelConfiguration.name", "must reference a priority level"))
    else:
        found += [invalid("spec.priorityLevelConfiguration.name", level, problem) for problem in names.dns_subdomain(level)]
    for index, rule in enumerate(spec.get("rules") or ()):
        _rule(found, f"spec.rules[{index}]", rule)


def _rule(found: list[Cause], place: str, rule: Tree) -> None:
    subjects = rule.get("subjects") or ()
    if not subjects:
        found.append(required(f"{place}.subjects", "subjects must contain at least one value"))
    for index, subject in enumerate(subjects):
        kind = subject.get("kind", "")
        if kind not in _SUBJECTS:
            found.append(not_supported(f"{place}.subjects[{index}].kind", kind, _SUBJECTS))
    resources, paths = rule.get("resourceRules") or (), rule.get("nonResourceRules") or ()
    if not resources and not paths:
        found.append(required(place, "at least one of resourceRules and nonResourceRules has to be non-empty"))
    for index, row in enumerate(resources):
        field = f"{place}.resourceRules[{index}]"
        _verbs(found, f"{field}.verbs", row.get("verbs") or [])
        for name, text in (("apiGroups", "resource rules must supply at least one api group"),
                           ("resources", "resource rules must supply at least one resource")):  # fmt: skip
            _list(found, f"{field}.{name}", row.get(name) or [], text)
        if not row.get("namespaces") and not row.get("clusterScope"):
            text = "resource rules that are not cluster scoped must supply at least one namespace"
            found.append(required(f"{field}.namespaces", text))
    for index, row in enumerate(paths):
        field = f"{place}.nonResourceRules[{index}]"
        _verbs(found, f"{field}.verbs", row.get("verbs") or [])
        text = "nonResourceURLs must contain at least one value"
        _list(found, f"{field}.nonResourceURLs", row.get("nonResourceURLs") or [], text)


def _list(found: list[Cause], field: str, values: list[str], text: str) -> None:
    if not values:
        found.append(required(field, text))
    elif len(values) > 1 and "*" in values:
        found.append(invalid(field, values, "if '*' is present, must not specify other " + _OTHERS[field.rpartition(".")[2]]))


_OTHERS = {"apiGroups": "api groups", "resources": "resources", "nonResourceURLs": "non-resource URLs"}


def _verbs(found: list[Cause], field: str, verbs: list[str]) -> None:
    if not verbs:
        found.append(required(field, "verbs must contain at least one value"))
    elif len(verbs) > 1 and "*" in verbs:
        found.append(invalid(field, verbs, "if '*' is present, must not specify other verbs"))
    elif ".resourceRules[" in field and verbs != ["*"] and any(verb not in _VERBS for verb in verbs):
        found.append(not_supported(field, verbs, _VERBS))


def priority_level(found: list[Cause], tree: Tree) -> None:
    """A whole PriorityLevelConfiguration."""
    spec, name = tree["spec"], tree["metadata"].get("name", "")
    kind = spec.get("type", "")
    if (name == _EXEMPT) != (kind == "Exempt"):
        text = "type must be 'Exempt' if and only if name is 'exempt'"
        found.append(invalid("spec.type", kind, text))
    if kind == "Exempt":
        if "limited" in spec:
            found.append(forbidden("spec.limited", "must be nil if the type is not Limited"))
    elif kind == "Limited":
        if "exempt" in spec:
            found.append(forbidden("spec.exempt", "must be nil if the type is Limited"))
        if "limited" in spec:
            _limited(found, "spec.limited", spec["limited"])
        else:
            found.append(required("spec.limited", "must not be empty when type is Limited"))
    else:
        found.append(not_supported("spec.type", kind, ("Exempt", "Limited")))


def _limited(found: list[Cause], field: str, limited: Tree) -> None:
    shares = limited.get("nominalConcurrencyShares", 0)
    if shares < 0:
        found.append(invalid(f"{field}.nominalConcurrencyShares", shares, "must be a non-negative integer"))
    lent = limited.get("lendablePercent", 0)
    if not 0 <= lent <= 100:
        found.append(invalid(f"{field}.lendablePercent", lent, "must be between 0 and 100, inclusive"))
    response = limited.get("limitResponse", {})
    kind, queuing = response.get("type", ""), response.get("queuing")
    place = f"{field}.limitResponse"
    if kind == "Reject":
        if queuing is not None:
            found.append(forbidden(f"{place}.queuing", "must be nil if limited.limitResponse.type is not Limited"))
    elif kind != "Queue":
        found.append(not_supported(f"{place}.type", kind, ("Queue", "Reject")))
    elif queuing is None:
        found.append(required(f"{place}.queuing", "must not be empty if limited.limitResponse.type is Limited"))
    else:
        _queues(found, f"{place}.queuing", queuing)


def _queues(found: list[Cause], field: str, queuing: Tree) -> None:
    for name in ("queueLengthLimit", "queues", "handSize"):
        if queuing.get(name, 0) <= 0:
            found.append(invalid(f"{field}.{name}", queuing.get(name, 0), "must be positive"))
    queues, hand = queuing.get("queues", 0), queuing.get("handSize", 0)
    if queues > _MOST_QUEUES:
        found.append(invalid(f"{field}.queues", queues, f"must not be greater than {_MOST_QUEUES}"))
    if hand > queues:
        text = f"should not be greater than queues ({queues})"
        found.append(invalid(f"{field}.handSize", hand, text))
