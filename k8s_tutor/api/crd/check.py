"""Validation of custom resources against their schema: every OpenAPI keyword, in Kubernetes' words.

Sources: kube-openapi pkg/validation (errors, validate), apiextensions-apiserver pkg/apiserver/validation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from k8s_tutor.api.crd import rows, rules
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import causes

Tree = dict[str, Any]

_encode = msgspec.json.Encoder().encode

_BLOCKING = ("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid")
_NOT_CHECKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors "
    "to complete validation"
)


def check(row: Resource, tree: Tree, old: Tree | None = None) -> list[Cause]:
    """All that is wrong with a custom resource. What was wrong before and has not changed is let pass."""
    schema = rows.schema_of(row)
    walk = _Walk(old is not None)
    body = {key: value for key, value in tree.items() if key not in ("apiVersion", "kind", "metadata")}
    before = None if old is None else {key: value for key, value in old.items() if key in body}
    walk.value(body, _without_root(schema), "", before)
    found = walk.found
    if not rules.any_in(schema):
        return found
    if any(cause.reason in _BLOCKING for cause in found):
        return [*found, Cause("FieldValueInvalid", "<nil>", _NOT_CHECKED)]
    return found + rules.check(schema, tree, old)


@lru_cache(maxsize=64)
def _names(required: tuple[str, ...]) -> list[str]:
    return [name for name in required if name not in ("apiVersion", "kind", "metadata")]


def _without_root(schema: Tree) -> Tree:
    """The schema without what every object has."""
    properties = {
        name: own for name, own in schema.get("properties", {}).items() if name not in ("apiVersion", "kind", "metadata")
    }
    required = _names(tuple(schema.get("required", ())))
    return {**schema, "properties": properties, "required": required}


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


_DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([zZ]|[+-]\d\d:\d\d)$")
_FORMATS = {
    "date-time": _DATE_TIME,
    "date": re.compile(r"^\d{4}-\d\d-\d\d$"),
    "email": re.compile(r"^[^@\s]+@[^@\s]+$"),
    "uuid": re.compile(r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"),
    "ipv4": re.compile(r"^((25[0-5]|2[0-4]\d|1?\d?\d)(\.|$)){4}$"),
    "ipv6": re.compile(r"^[0-9a-fA-F:.]*:[0-9a-fA-F:.]+$"),
    "cidr": re.compile(r"^[0-9a-fA-F:.]+/\d{1,3}$"),
    "mac": re.compile(r"^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$"),
    "uri": re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$|^/\S*$"),
    "hostname": re.compile(r"^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$"),
    "byte": re.compile(r"^[A-Za-z0-9+/]*={0,2}$"),
    "duration": re.compile(r"^[+-]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$|^0$"),
}


def _number(value: Any) -> str:
    """A bound as Go prints it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def problems(value: Any, schema: Tree, path: str) -> list[Cause]:
    """All that is wrong with one value."""
    walk = _Walk(False)
    walk.value(value, schema, path)
    return walk.found


class _Walk:
    """One walk over one object, beside its old state where there is one."""

    def __init__(self, ratchet: bool) -> None:
        self.found: list[Cause] = []
        self.ratchet = ratchet

    def _invalid(self, path: str, value: Any, text: str) -> None:
        name = path or '""'
        self.found.append(causes.invalid(path or "<nil>", value, f"{name} in body {text}"))

    def value(self, value: Any, schema: Tree, path: str, old: Any = None) -> None:
        """One place and all below it."""
        if self.ratchet and old is not None and value == old:
            return
        if not self._type(value, schema, path):
            return
        self._enum(value, schema, path)
        match value:
            case bool() | None:
                pass
            case int() | float():
                self._bounds(value, schema, path)
            case str():
                self._string(value, schema, path)
            case list():
                self._list(value, schema, path, old)
            case dict():
                self._object(value, schema, path, old)
        self._combined(value, schema, path)

    def _type(self, value: Any, schema: Tree, path: str) -> bool:
        if value is None and schema.get("nullable"):
            return False
        if schema.get("x-kubernetes-int-or-string"):
            allowed: tuple[str, ...] = ("integer", "string")
        elif "type" in schema:
            allowed = (schema["type"],)
        else:
            return True
        kind = _kind(value)
        if kind in allowed or (kind == "integer" and "number" in allowed):
            return True
        wanted = ",".join(allowed)
        text = f'Invalid value: "{kind}": {path} in body must be of type {wanted}: "{kind}"'
        self.found.append(Cause("FieldValueTypeInvalid", path or "<nil>", text))
        return False

    def _enum(self, value: Any, schema: Tree, path: str) -> None:
        if "enum" in schema and value not in schema["enum"]:
            allowed = [one if isinstance(one, str) else _encode(one).decode() for one in schema["enum"]]
            self.found.append(causes.not_supported(path, value, allowed))

    def _bounds(self, value: float, schema: Tree, path: str) -> None:
        least, most, step = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf")
        if most is not None and (value > most or (schema.get("exclusiveMaximum") and value == most)):
            word = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
            self._invalid(path, value, f"should be {word} {_number(most)}")
        if least is not None and (value < least or (schema.get("exclusiveMinimum") and value == least)):
            word = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
            self._invalid(path, value, f"should be {word} {_number(least)}")
        if step and value % step:
            self._invalid(path, value, f"should be a multiple of {_number(step)}")

    def _string(self, value: str, schema: Tree, path: str) -> None:
        if "maxLength" in schema and len(value) > schema["maxLength"]:
            self.found.append(causes.too_long(path, schema["maxLength"]))
        if len(value) < schema.get("minLength", 0):
            self._invalid(path, value, f"should be at least {schema['minLength']} chars long")
        pattern = schema.get("pattern")
        if pattern and re.search(pattern, value) is None:
            self._invalid(path, value, f"should match '{pattern}'")
        known = _FORMATS.get(schema.get("format", ""))
        if known is not None and known.match(value) is None:
            shown = causes.shown(value)
            text = f"Invalid value: {shown}: {path} in body must be of type {schema['format']}: {shown}"
            self.found.append(Cause("FieldValueTypeInvalid", path, text))

    def _list(self, value: list[Any], schema: Tree, path: str, old: Any) -> None:
        if "maxItems" in schema and len(value) > schema["maxItems"]:
            text = f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
            self.found.append(Cause("FieldValueTooMany", path, text))
        if len(value) < schema.get("minItems", 0):
            self._invalid(path, value, f"should have at least {schema['minItems']} items")
        if schema.get("uniqueItems") and any(item in value[:index] for index, item in enumerate(value)):
            self._invalid(path, value, "shouldn't contain duplicates")
        items = schema.get("items")
        known = self._correlated(value, schema, old)
        if isinstance(items, dict):
            for index, item in enumerate(value):
                self.value(item, items, f"{path}[{index}]", known[index])
        self._distinct(value, schema, path)

    def _correlated(self, value: list[Any], schema: Tree, old: Any) -> list[Any]:
        """What each item was before, where items can be told apart."""
        if not isinstance(old, list):
            return [None] * len(value)
        if schema.get("x-kubernetes-list-type") == "map":
            keys = schema.get("x-kubernetes-list-map-keys", ())
            return [next((one for one in old if isinstance(one, dict) and isinstance(item, dict)
                          and all(one.get(key) == item.get(key) for key in keys)), None) for item in value]  # fmt: skip
        return [item if item in old else None for item in value]

    def _distinct(self, value: list[Any], schema: Tree, path: str) -> None:
        kind = schema.get("x-kubernetes-list-type")
        keys = schema.get("x-kubernetes-list-map-keys", ())
        seen: list[Any] = []
        for index, item in enumerate(value):
            if kind == "map" and isinstance(item, dict):
                own: Any = {key: item[key] for key in keys if key in item}
            elif kind == "set":
                own = item
            else:
                continue
            if own in seen:
                self.found.append(causes.duplicate(f"{path}[{index}]", own))
            seen.append(own)

    def _object(self, value: Tree, schema: Tree, path: str, old: Any) -> None:
        if "maxProperties" in schema and len(value) > schema["maxProperties"]:
            text = f"Too many: {len(value)}: must have at most {schema['maxProperties']} items"
            self.found.append(Cause("FieldValueTooMany", path, text))
        if len(value) < schema.get("minProperties", 0):
            self._invalid(path, value, f"should have at least {schema['minProperties']} properties")
        properties, extra = schema.get("properties", {}), schema.get("additionalProperties")
        for name in schema.get("required", ()):
            if name not in value:
                self.found.append(causes.required(f"{path}.{name}" if path else name))
        for name, item in value.items():
            own = properties.get(name, extra if isinstance(extra, dict) else None)
            if own is not None:
                before = old.get(name) if isinstance(old, dict) else None
                self.value(item, own, f"{path}.{name}" if path else name, before)

    def _combined(self, value: Any, schema: Tree, path: str) -> None:
        """``allOf``, ``anyOf``, ``oneOf`` and ``not``."""
        shown = path or "<nil>"

        def refuse(text: str) -> None:
            self.found.append(causes.invalid(shown, "", f'"{path}" must {text}'))

        if "anyOf" in schema:
            each = [problems(value, one, path) for one in schema["anyOf"]]
            if all(each):
                refuse("validate at least one schema (anyOf)")
                self.found += each[0]
        if "oneOf" in schema:
            each = [problems(value, one, path) for one in schema["oneOf"]]
            good = sum(not one for one in each)
            if good != 1:
                what = f"Found {good} valid alternatives" if good else "Found none valid"
                refuse(f"validate one and only one schema (oneOf). {what}")
                self.found += [] if good else each[0]
        if "allOf" in schema:
            each = [problems(value, one, path) for one in schema["allOf"]]
            bad = [one for one in each if one]
            if bad:
                none = ". None validated" if len(bad) == len(each) else ""
                refuse(f"validate all the schemas (allOf){none}")
                self.found += [cause for one in bad for cause in one]
        if "not" in schema and not problems(value, schema["not"], path):
            refuse("not validate the schema (not)")
