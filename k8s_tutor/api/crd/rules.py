"""CEL rules of custom resources: ``x-kubernetes-validations`` (apiextensions-apiserver pkg/apiserver/schema/cel)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import cel
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import causes

Tree = dict[str, Any]

_RULES = "x-kubernetes-validations"
_REASONS = {
    "": "FieldValueInvalid", "FieldValueInvalid": "FieldValueInvalid", "FieldValueForbidden": "FieldValueForbidden",
    "FieldValueRequired": "FieldValueRequired", "FieldValueDuplicate": "FieldValueDuplicate",
}  # fmt: skip


def any_in(schema: Any) -> bool:
    """Whether a schema has rules anywhere."""
    if isinstance(schema, dict):
        return bool(schema.get(_RULES)) or any(any_in(value) for value in schema.values() if isinstance(value, dict | list))
    return isinstance(schema, list) and any(any_in(one) for one in schema)


def check(schema: Tree, tree: Tree, old: Tree | None) -> list[Cause]:
    """What the rules find wrong with an object; ``old`` is None for a new one."""
    found: list[Cause] = []
    _walk(found, tree, schema, "", old, old is not None)
    return found


def _walk(found: list[Cause], value: Any, schema: Tree, path: str, old: Any, updating: bool) -> None:
    for rule in schema.get(_RULES, ()):
        _rule(found, value, rule, path, old, updating)
    if isinstance(value, dict):
        properties, extra = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            own = properties.get(name, extra if isinstance(extra, dict) else None)
            if own is not None and item is not None:
                before = old.get(name) if isinstance(old, dict) else None
                _walk(found, item, own, f"{path}.{name}" if path else name, before, updating)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        keys = schema.get("x-kubernetes-list-map-keys", ())
        for index, item in enumerate(value):
            before = None
            if keys and isinstance(old, list) and isinstance(item, dict):
                before = next((one for one in old if all(one.get(key) == item.get(key) for key in keys)), None)
            _walk(found, item, schema["items"], f"{path}[{index}]", before, updating)


def _rule(found: list[Cause], value: Any, rule: Tree, path: str, old: Any, updating: bool) -> None:
    """One rule at one place: a rule about the change waits for an old value; an unchanged value is not judged again."""
    text = rule["rule"]
    transition = "oldSelf" in text
    if transition and old is None and not rule.get("optionalOldSelf"):
        return
    if updating and old is not None and not transition and value == old:
        return
    where = path or "<nil>"
    names = {"self": value, "oldSelf": cel.optional(old) if rule.get("optionalOldSelf") else old}
    try:
        passed = cel.program(text).run(names)
    except cel.CelFailure as error:
        found.append(_cause("FieldValueInvalid", where, value, f"{error} evaluating rule: {_message(rule, names)}"))
        return
    if passed is not True:
        own = rule.get("fieldPath", "")
        at = f"{path}{own}" if path else own.removeprefix(".")
        found.append(_cause(_REASONS.get(rule.get("reason", ""), "FieldValueInvalid"), at or "<nil>", value,
                            _message(rule, names)))  # fmt: skip


def _message(rule: Tree, names: Tree) -> str:
    if rule.get("messageExpression"):
        try:
            made = cel.program(rule["messageExpression"]).run(names)
            if isinstance(made, str) and made.strip() and "\n" not in made:
                return made
        except cel.CelFailure:
            pass  # then the plain message counts
    return rule.get("message") or f"failed rule: {rule['rule'].strip()}"


def _cause(reason: str, field: str, value: Any, message: str) -> Cause:
    """Objects and lists are not shown, scalars are."""
    match reason:
        case "FieldValueForbidden":
            return causes.forbidden(field, message)
        case "FieldValueRequired":
            return causes.required(field, message)
        case "FieldValueDuplicate":
            return Cause(reason, field, f"Duplicate value: {causes.shown(value)}")
    if isinstance(value, dict | list):
        return Cause(reason, field, f"Invalid value: {message}")
    return causes.invalid(field, value, message)
