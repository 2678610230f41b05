"""Admission policies and their bindings, and the rules that webhooks share (pkg/apis/admissionregistration/validation)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from k8s_tutor.api import cel, celtypes
from k8s_tutor.api.admission import authorizer
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names, selector
from k8s_tutor.api.validation.causes import duplicate, forbidden, invalid, not_supported, required

Tree = dict[str, Any]

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_POLICIES = {
    "failurePolicy": ("Fail", "Ignore"),
    "matchPolicy": ("Equivalent", "Exact"),
    "reinvocationPolicy": ("IfNeeded", "Never"),
}
"""What a webhook may say for each of its policies."""
_PATCHES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
_ACTIONS = ("Audit", "Deny", "Warn")
_VARIABLES = ("object", "oldObject", "request", "namespaceObject", "authorizer")
"""What every expression of a policy may name."""
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED = frozenset((
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
    "loop", "package", "namespace", "return", "var", "void", "while",
))  # fmt: skip
_NOTHING = "validations or auditAnnotations must contain at least one item"
_BOTH = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers "
    "serves no purpose)"
)


def policy(found: list[Cause], tree: Tree) -> None:
    """A whole ValidatingAdmissionPolicy."""
    spec = tree.get("spec", {})
    known = _common(found, spec)
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        found += [required(f"spec.{name}", _NOTHING) for name in ("validations", "auditAnnotations")]
    for index, one in enumerate(spec.get("validations") or ()):
        _validation(found, f"spec.validations[{index}]", one, known)
    _annotations(found, tree["metadata"].get("name", ""), spec.get("auditAnnotations") or [], known)


def _common(found: list[Cause], spec: Tree) -> tuple[str, ...]:
    """What both kinds of policies have; the names that their expressions may use."""
    if spec.get("failurePolicy", "Fail") not in ("Fail", "Ignore"):
        found.append(not_supported("spec.failurePolicy", spec["failurePolicy"], ("Fail", "Ignore")))
    if "paramKind" in spec:
        found += [required(f"spec.paramKind.{name}") for name in ("apiVersion", "kind") if not spec["paramKind"].get(name)]
    if "matchConstraints" not in spec:
        found.append(required("spec.matchConstraints"))
    else:
        _match(found, "spec.matchConstraints", spec["matchConstraints"])
        if not spec["matchConstraints"].get("resourceRules"):
            found.append(required("spec.matchConstraints.resourceRules"))
    known = (*_VARIABLES, *(("params",) if "paramKind" in spec else ()))
    _conditions(found, spec.get("matchConditions") or [], known)
    known = (*known, "variables")
    for index, variable in enumerate(spec.get("variables") or ()):
        place, name = f"spec.variables[{index}]", variable.get("name", "")
        if not name.strip():
            found.append(required(f"{place}.name", "name is not specified"))
        elif not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
            found.append(invalid(f"{place}.name", name, "name is not a valid CEL identifier"))
        _expression(found, f"{place}.expression", celtypes.untyped(variable.get("expression", "")),
                    "expression is not specified", known, "")  # fmt: skip
    return known


def mutating_policy(found: list[Cause], tree: Tree) -> None:
    """A whole MutatingAdmissionPolicy."""
    spec = tree.get("spec", {})
    known = _common(found, spec)
    if not spec.get("reinvocationPolicy"):
        found.append(required("spec.reinvocationPolicy"))
    elif spec["reinvocationPolicy"] not in _POLICIES["reinvocationPolicy"]:
        found.append(not_supported("spec.reinvocationPolicy", spec["reinvocationPolicy"], _POLICIES["reinvocationPolicy"]))
    if not spec.get("mutations"):
        found.append(required("spec.mutations", "mutations must contain at least one item"))
    for index, mutation in enumerate(spec.get("mutations") or ()):
        place, kind = f"spec.mutations[{index}]", mutation.get("patchType", "")
        if kind not in _PATCHES:
            found.append(not_supported(f"{place}.patchType", kind, tuple(_PATCHES)) if kind else required(f"{place}.patchType"))
            continue
        field = _PATCHES[kind]
        if field not in mutation:
            found.append(required(f"{place}.{field}", f"must be specified when patchType is {kind}"))
            continue
        text = celtypes.untyped(mutation[field].get("expression", ""))
        _expression(found, f"{place}.{field}.expression", text, "expression is not specified", known, "")


def _conditions(found: list[Cause], conditions: list[Tree], known: Sequence[str]) -> None:
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        place, name = f"spec.matchConditions[{index}]", condition.get("name", "")
        _expression(found, f"{place}.expression", condition.get("expression", ""), "", known)
        if not name:
            found.append(required(f"{place}.name"))
            continue
        found += [invalid(f"{place}.name", name, problem) for problem in names.qualified_name(name)]
        if name in seen:
            found.append(duplicate(f"{place}.name", name))
        seen.add(name)


def _expression(
    found: list[Cause], field: str, text: str, missing: str, known: Sequence[str], result: str = "must evaluate to bool"
) -> None:
    if not text.strip():
        found.append(required(field, missing))
        return
    try:
        cel.check(text, known, authorizer.NAMES, result)
    except cel.CelFailure as error:
        found.append(invalid(field, text, str(error)))


def _validation(found: list[Cause], place: str, one: Tree, known: Sequence[str]) -> None:
    _expression(found, f"{place}.expression", one.get("expression", ""), "expression is not specified", known)
    made, message = one.get("messageExpression", ""), one.get("message", "")
    if made and not made.strip():
        found.append(invalid(f"{place}.messageExpression", made, "must be non-empty if specified"))
    elif made:
        _expression(found, f"{place}.messageExpression", made, "", known, "")
    if message and not message.strip():
        found.append(invalid(f"{place}.message", message, "message must be non-empty if specified"))
    elif re.search(r"[\n\r]", message.strip()):
        found.append(invalid(f"{place}.message", message, "message must not contain line breaks"))
    if "reason" in one and one["reason"] not in _REASONS:
        found.append(not_supported(f"{place}.reason", one["reason"], _REASONS))


def _annotations(found: list[Cause], name: str, annotations: list[Tree], known: Sequence[str]) -> None:
    seen: set[str] = set()
    for index, annotation in enumerate(annotations):
        place, key = f"spec.auditAnnotations[{index}]", annotation.get("key", "")
        whole = f"{name}/{key}"
        found += [invalid(f"{place}.key", whole, problem) for problem in names.qualified_name(whole)]
        text = annotation.get("valueExpression", "")
        _expression(found, f"{place}.valueExpression", text, "valueExpression is not specified", known, "")
        if key in seen:
            found.append(duplicate(f"{place}.key", key))
        seen.add(key)


def _match(found: list[Cause], place: str, match: Tree) -> None:
    if match.get("matchPolicy", "Exact") not in ("Equivalent", "Exact"):
        found.append(not_supported(f"{place}.matchPolicy", match["matchPolicy"], ("Equivalent", "Exact")))
    for name, shown in (("namespaceSelector", "namespaceSelector"), ("objectSelector", "labelSelector")):
        if name in match:
            selector.check(found, f"{place}.{shown}", match[name])
    for field in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(field) or ()):
            seen: set[str] = set()
            for number, name in enumerate(rule.get("resourceNames") or ()):
                if name in seen:
                    found.append(duplicate(f"{place}.{field}[{index}].resourceNames[{number}]", name))
                seen.add(name)
            operations_and_rule(found, f"{place}.{field}[{index}]", rule)


def operations_and_rule(found: list[Cause], place: str, rule: Tree) -> None:
    """One rule: which operations on which resources."""
    operations = rule.get("operations") or []
    if not operations:
        found.append(required(f"{place}.operations"))
    if len(operations) > 1 and "*" in operations:
        text = "if '*' is present, must not specify other operations"
        found.append(invalid(f"{place}.operations", operations, text))
    for index, operation in enumerate(operations):
        if operation not in OPERATIONS:
            found.append(not_supported(f"{place}.operations[{index}]", operation, OPERATIONS))
    for field, words in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        given = rule.get(field) or []
        if not given:
            found.append(required(f"{place}.{field}"))
        if len(given) > 1 and "*" in given:
            found.append(invalid(f"{place}.{field}", given, f"if '*' is present, must not specify other {words}"))
        if field == "apiVersions":
            found += [required(f"{place}.{field}[{index}]") for index, version in enumerate(given) if not version]
    _resources(found, f"{place}.resources", rule.get("resources") or [])
    if rule.get("scope", "*") not in ("*", "Cluster", "Namespaced"):
        found.append(not_supported(f"{place}.scope", rule["scope"], ("*", "Cluster", "Namespaced")))


def _resources(found: list[Cause], place: str, resources: list[str]) -> None:
    if not resources:
        found.append(required(place))
    whole = {one.removesuffix("/*") for one in resources if one.endswith("/*") and one != "*/*"}
    below = {one[2:] for one in resources if one.startswith("*/") and one != "*/*"}
    for index, resource in enumerate(resources):
        head, _, tail = resource.partition("/")
        if not resource:
            found.append(required(f"{place}[{index}]"))
        elif tail and tail != "*" and head in whole:
            text = f"if '{head}/*' is present, must not specify {resource}"
            found.append(invalid(f"{place}[{index}]", resource, text))
        elif tail and head != "*" and tail in below:
            text = f"if '*/{tail}' is present, must not specify {resource}"
            found.append(invalid(f"{place}[{index}]", resource, text))
    if len(resources) > 1 and "*/*" in resources:
        found.append(invalid(place, resources, "if '*/*' is present, must not specify other resources"))
    if "*" in resources and any(one and one != "*" and "/" not in one for one in resources):
        text = "if '*' is present, must not specify other resources without subresources"
        found.append(invalid(place, resources, text))


def binding(found: list[Cause], tree: Tree) -> None:
    """A whole ValidatingAdmissionPolicyBinding."""
    spec = tree.get("spec", {})
    name = spec.get("policyName", "")
    if not name:
        found.append(required("spec.policyName"))
    else:
        found += [invalid("spec.policyName", name, problem) for problem in names.dns_subdomain(name)]
    if "paramRef" in spec:
        _params(found, spec["paramRef"])
    if "matchResources" in spec:
        _match(found, "spec.matchResources", spec["matchResources"])
    actions = spec.get("validationActions") or []
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            found.append(not_supported(f"spec.validationActions[{index}]", action, _ACTIONS))
        if action in actions[:index]:
            found.append(duplicate(f"spec.validationActions[{index}]", action))
    if "Deny" in actions and "Warn" in actions:
        found.append(invalid("spec.validationActions", actions, _BOTH))
    if not actions:
        found.append(required("spec.validationActions", "at least one validation action is required"))


def _params(found: list[Cause], params: Tree) -> None:
    if params.get("name") and "selector" in params:
        text = "name and selector are mutually exclusive"
        found += [forbidden("spec.paramRef.name", text), forbidden("spec.paramRef.selector", text)]
    if not params.get("name") and "selector" not in params:
        found.append(required("spec.paramRef", "one of name or selector must be specified"))
    action = params.get("parameterNotFoundAction")
    if not action:
        found.append(required("spec.paramRef.parameterNotFoundAction"))
    elif action not in ("Deny", "Allow"):
        found.append(not_supported("spec.paramRef.parameterNotFoundAction", action, ("Deny", "Allow")))


def webhooks(found: list[Cause], tree: Tree) -> None:
    """A whole webhook configuration."""
    seen: list[str] = []
    for index, hook in enumerate(tree.get("webhooks", ())):
        place, name = f"webhooks[{index}]", hook.get("name", "")
        problems = names.dns_subdomain(name)
        found += [invalid(f"{place}.name", name, problem) for problem in problems]
        if not problems and name.count(".") < 2:
            text = "should be a domain with at least three segments separated by dots"
            found.append(invalid(f"{place}.name", name, text))
        if name in seen:
            found.append(duplicate(f"{place}.name", name))
        seen.append(name)
        if not hook.get("admissionReviewVersions"):
            text = "must specify one of v1, v1beta1"
            found.append(required(f"{place}.admissionReviewVersions", text))
        elif not {"v1", "v1beta1"} & set(hook["admissionReviewVersions"]):
            text = "must include at least one of v1, v1beta1"
            found.append(invalid(f"{place}.admissionReviewVersions", hook["admissionReviewVersions"], text))
        for number, rule in enumerate(hook.get("rules") or ()):
            operations_and_rule(found, f"{place}.rules[{number}]", rule)
        for field in ("namespaceSelector", "objectSelector"):
            if hook.get(field) is not None:
                selector.check(found, f"{place}.{field}", hook[field])
        for field, known in _POLICIES.items():
            if hook.get(field, known[0]) not in known:
                found.append(not_supported(f"{place}.{field}", hook[field], known))
        if hook.get("sideEffects") not in ("None", "NoneOnDryRun"):
            field = f"{place}.sideEffects"
            found.append(not_supported(field, hook.get("sideEffects", ""), ("None", "NoneOnDryRun")))
        client = hook.get("clientConfig", {})
        if ("url" in client) == ("service" in client):
            found.append(required(f"{place}.clientConfig", "exactly one of url or service is required"))
        elif "url" in client:
            _url(found, f"{place}.clientConfig.url", client["url"])
        seconds = hook.get("timeoutSeconds", 10)
        if not 1 <= seconds <= 30:
            found.append(invalid(f"{place}.timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds"))


def _url(found: list[Cause], field: str, text: str) -> None:
    """Where a webhook is (apiserver/pkg/util/webhook ValidateWebhookURL)."""
    url = urlsplit(text)
    checks = (
        (url.scheme != "https", url.scheme, "'https' is the only allowed URL scheme"),
        (not url.netloc, "", "host must be specified"),
        ("@" in url.netloc, url.netloc.rpartition("@")[0], "user information is not permitted in the URL"),
        (bool(url.fragment), url.fragment, "fragments are not permitted in the URL"),
        (bool(url.query), url.query, "query parameters are not permitted in the URL"),
    )
    found += [invalid(field, value, f"{why}; desired format: https://host[/path]") for wrong, value, why in checks if wrong]
