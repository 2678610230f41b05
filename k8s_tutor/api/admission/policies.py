"""ValidatingAdmissionPolicy: rules in CEL that a cluster's own people have made (apiserver pkg/admission/plugin/policy)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from k8s_tutor.api import cel, celtypes, selectors
from k8s_tutor.api.admission import authorizer
from k8s_tutor.api.admission.gate import Gate, name_of
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Refusal, Subject, failure

Tree = dict[str, Any]

GROUP = "admissionregistration.k8s.io"
_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}


class Broken(NamedTuple):
    """A validation that does not hold."""

    message: str
    reason: str


def check(row: Resource, tree: Tree | None, old: Tree | None, gate: Gate) -> None:
    """Every policy that is bound and concerns this request. Raises a Refusal for the first that denies it; ``tree`` is None for
    a delete."""
    if not gate.items("ValidatingAdmissionPolicy") or row.group == GROUP:
        return
    for binding in gate.all("ValidatingAdmissionPolicyBinding"):
        spec = binding["spec"]
        policy = gate.get("ValidatingAdmissionPolicy", spec.get("policyName", ""))
        if policy is None or not concerns(policy["spec"], spec, row, tree, old, gate):
            continue
        for params in params_of(policy["spec"], spec, gate):
            for broken in _broken(policy["spec"], row, tree, old, params, gate):
                _act(policy, binding, broken, row, tree or old or {}, gate)


def _act(policy: Tree, binding: Tree, broken: Broken, row: Resource, tree: Tree, gate: Gate) -> None:
    names = f"'{policy['metadata']['name']}' with binding '{binding['metadata']['name']}'"
    actions = binding["spec"].get("validationActions") or ()
    if "Warn" in actions:
        gate.warnings.append(f"Validation failed for ValidatingAdmissionPolicy {names}: {broken.message}")
    if "Deny" in actions:
        text = f"ValidatingAdmissionPolicy {names} denied request: {broken.message}"
        raise _denial(row, tree, text, broken.reason)


def _denial(row: Resource, tree: Tree, text: str, reason: str) -> Refusal:
    about = Subject(row.group, row.plural, name_of(tree))
    details = {**about.details(), "causes": [{"message": text}]}
    return failure(_CODES.get(reason, 422), reason, f"{about.title} is forbidden: {text}", details)


# ---------------------------------------------------------------------------------------------------- whom it concerns


def concerns(policy: Tree, binding: Tree, row: Resource, tree: Tree | None, old: Tree | None, gate: Gate) -> bool:
    """Whether a policy, with one of its bindings, looks at this request."""
    constraints, narrower = policy.get("matchConstraints") or {}, binding.get("matchResources")
    if not _matches(constraints, row, tree, old, gate, True):
        return False
    return narrower is None or _matches(narrower, row, tree, old, gate, False)


def _matches(rules: Tree, row: Resource, tree: Tree | None, old: Tree | None, gate: Gate, needed: bool) -> bool:
    name = name_of(tree or old or {})
    included = rules.get("resourceRules")
    if (included or needed) and not any(_rule(rule, row, name, gate) for rule in included or ()):
        return False
    if any(_rule(rule, row, name, gate) for rule in rules.get("excludeResourceRules") or ()):
        return False
    wanted = rules.get("objectSelector")
    if wanted and not any(one is not None and _selects(wanted, one) for one in (tree, old)):
        return False
    wanted = rules.get("namespaceSelector")
    if not wanted or not (gate.namespace or row.kind == "Namespace"):
        return True
    namespace = (tree or old) if row.kind == "Namespace" else gate.get("Namespace", gate.namespace)
    return namespace is not None and _selects(wanted, namespace)


def _selects(selector: Tree, tree: Tree) -> bool:
    return selectors.from_object(selector).matches(tree["metadata"].get("labels"))


def _rule(rule: Tree, row: Resource, name: str, gate: Gate) -> bool:
    resource = f"{row.plural}/{gate.subresource}" if gate.subresource else row.plural
    starred = f"*/{gate.subresource}" if gate.subresource else "*"
    scope = rule.get("scope", "*")
    return (
        _has(rule.get("operations"), gate.operation)
        and _has(rule.get("apiGroups"), row.group)
        and _has(rule.get("apiVersions"), row.version)
        and any(one in (resource, starred, "*/*") for one in rule.get("resources") or ())
        and (scope == "*" or (scope == "Namespaced") == row.namespaced)
        and (not rule.get("resourceNames") or name in rule["resourceNames"])
    )


def _has(values: Any, wanted: str) -> bool:
    return bool(values) and ("*" in values or wanted in values)


def params_of(policy: Tree, binding: Tree, gate: Gate) -> Iterator[Tree | None]:
    """The parameter objects of a binding, or None once where there are no parameters."""
    kind, reference = policy.get("paramKind"), binding.get("paramRef")
    if not kind or not reference:
        yield None
        return
    wanted = (kind["apiVersion"], kind["kind"])
    row = next((row for row in gate.caches.stored_rows() if (row.api_version, row.kind) == wanted), None)
    found: list[Tree] = []
    if row is not None:
        namespace = reference.get("namespace") or gate.namespace if row.namespaced else ""
        found = [
            tree for tree in gate.all_of(row, namespace)
            if reference.get("name", tree["metadata"]["name"]) == tree["metadata"]["name"]
            and ("selector" not in reference or _selects(reference["selector"], tree))
        ]  # fmt: skip
    if not found and reference.get("parameterNotFoundAction") != "Allow":
        raise _denial_of_params(policy)
    yield from found


def _denial_of_params(policy: Tree) -> Refusal:
    text = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    return failure(403, "Forbidden", text)


# ---------------------------------------------------------------------------------------------------- expressions


def names_of(
    policy: Tree, row: Resource, tree: Tree | None, old: Tree | None, params: Tree | None, gate: Gate
) -> Tree | None:
    """What the expressions of a policy may name, its variables among them; None when its conditions pass the request over.
    Raises CelFailure."""
    names: Tree = {
        "object": _typed(row, tree), "oldObject": _typed(row, old), "request": _request(row, tree or old or {}, gate),
        "params": params, "namespaceObject": gate.get("Namespace", gate.namespace) if gate.namespace else None, "variables": {},
        "authorizer": authorizer.variable(row, name_of(tree or old or {}), gate),
    }  # fmt: skip
    asking = authorizer.functions(gate)
    for condition in policy.get("matchConditions") or ():
        if not cel.program(condition["expression"]).run(names, more=asking):
            return None
    for variable in policy.get("variables") or ():
        found = cel.program(celtypes.untyped(variable.get("expression", ""))).run(names, more=asking)
        names["variables"] = {**names["variables"], variable.get("name", ""): found}
    return names


def _broken(
    policy: Tree, row: Resource, tree: Tree | None, old: Tree | None, params: Tree | None, gate: Gate
) -> Iterator[Broken]:
    """The validations that do not hold; what cannot be evaluated does not hold either, unless failures are ignored."""
    ignore = policy.get("failurePolicy") == "Ignore"
    try:
        names = names_of(policy, row, tree, old, params, gate)
    except cel.CelFailure as error:
        if not ignore:
            yield Broken(str(error), "Invalid")
        return
    if names is None:
        return
    asking = authorizer.functions(gate)
    for validation in policy.get("validations") or ():
        expression = validation["expression"]
        try:
            if cel.program(expression).run(names, more=asking) is not True:
                yield Broken(_message(validation, names), validation.get("reason") or "Invalid")
        except cel.CelFailure as error:
            if not ignore:
                yield Broken(f"expression '{expression.strip()}' resulted in error: {error}", "Invalid")


def _message(validation: Tree, names: Tree) -> str:
    made = validation.get("messageExpression")
    if made:
        try:
            found = cel.program(made).run(names)
            if isinstance(found, str) and found.strip():
                return found
        except cel.CelFailure:
            pass  # then the fixed message is shown
    return validation.get("message") or f"failed expression: {validation['expression'].strip()}"


def _typed(row: Resource, tree: Tree | None) -> Tree | None:
    return None if tree is None else {"kind": row.kind, "apiVersion": row.api_version, **tree}


def _request(row: Resource, tree: Tree, gate: Gate) -> Tree:
    kind = {"group": row.group, "version": row.version, "kind": row.kind}
    resource = {"group": row.group, "version": row.version, "resource": row.plural}
    user = {"username": gate.user.name, "uid": gate.user.uid, "groups": list(gate.user.groups)}
    return {
        "kind": kind, "resource": resource, "subResource": gate.subresource, "requestKind": kind, "requestResource": resource,
        "requestSubResource": gate.subresource, "name": tree.get("metadata", {}).get("name", ""), "namespace": gate.namespace,
        "operation": gate.operation, "userInfo": user, "dryRun": gate.dry,
    }  # fmt: skip
