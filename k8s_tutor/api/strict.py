"""The slow, wordy way to decode an object: it finds every unknown and duplicate field and says what has the wrong type.

Texts are those of sigs.k8s.io/json as the API server shows them (apimachinery runtime/serializer/json).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from typing import Any

from k8s_tutor.api import quantity, schema, times, zeros
from k8s_tutor.api.schema import Field

Tree = dict[str, Any]
_MOST_DIGITS = 300
"""Digits of a number that is read exactly."""


def keeps_zero(type_name: str, field: Field) -> bool:
    """Whether an optional field is printed though it is empty: it is a pointer in Go, or has no ``omitempty``."""
    base = type_name.rsplit(".", 1)[-1]
    if field.t == "string":
        return field.name in zeros.KEPT_TEXTS.get(base, ())
    if field.t in ("boolean", "integer:int32", "integer:int64", "number:double"):
        return field.name not in zeros.DROPPED_NUMBERS.get(base, ())
    return base == "EndpointSlice"


def decode(data: bytes, type_name: str) -> tuple[Tree, tuple[str, ...]]:
    """(normal tree, texts of unknown and duplicate fields). Raises ValueError for bad JSON and wrong types."""
    tree, repeated = _parse(data)
    if not isinstance(tree, dict):
        raise ValueError(_cannot(_go_value(tree), None, "", schema.short(type_name)))
    walk = _Walk()
    normal = walk.struct(tree, type_name, "", ())
    return normal, (*walk.unknown, *repeated)


def parsed(data: bytes) -> Any:
    """The tree of JSON that is not quite right. Raises ValueError with the text of Go's decoder."""
    return _parse(data)[0]


def duplicates(data: bytes) -> tuple[str, ...]:
    """Texts of all fields that come twice."""
    return _parse(data)[1]


class _Pairs(list[tuple[str, Any]]):
    """The members of one JSON object, in order and with repetitions."""


def _parse(data: bytes) -> tuple[Any, tuple[str, ...]]:
    try:
        raw = json.loads(
            data.decode(), object_pairs_hook=_Pairs, parse_constant=_constant, parse_float=_float, parse_int=_integer
        )
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(_syntax(data, error)) from None
    repeated: list[str] = []
    return _tree(raw, "", repeated), tuple(repeated)


def _tree(value: Any, path: str, repeated: list[str]) -> Any:
    if isinstance(value, _Pairs):
        found: Tree = {}
        for key, item in value:
            key = _text(key)
            here = f"{path}.{key}" if path else key
            if key in found:
                repeated.append(f'duplicate field "{here}"')
            found[key] = _tree(item, here, repeated)
        return found
    if isinstance(value, list):
        return [_tree(item, f"{path}[{index}]", repeated) for index, item in enumerate(value)]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """A text without halves of characters (``\\ud800``), which Go replaces."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _constant(text: str) -> float:
    """``NaN`` and ``Infinity`` are no JSON, though Python's decoder takes them."""
    where = "in numeric literal" if text[0] == "-" else "looking for beginning of value"
    raise ValueError(f"invalid character {_quoted(text.removeprefix('-')[0])} {where}")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(_cannot(f"number {text}", None, "", "float64"))
    return number


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _MOST_DIGITS else _float(text)


def _syntax(data: bytes, error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        if error.pos >= len(error.doc.rstrip()):
            return "unexpected end of JSON input"
        return f"invalid character {_quoted(error.doc[error.pos])} {_where(error)}"
    return "invalid UTF-8 in the body"


_PLACES = {
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Extra data": "after top-level value",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
}
"""What Python's decoder says, and where Go's says that it was."""
_INSIDE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')


def _where(error: json.JSONDecodeError) -> str:
    if error.msg != "Expecting ',' delimiter":
        return _PLACES.get(error.msg, "looking for beginning of value")
    open_: list[str] = []
    for mark in _INSIDE.findall(error.doc[: error.pos]):
        if mark in "{[":
            open_.append(mark)
        elif mark in "}]":
            open_.pop()
    return "after array element" if open_[-1:] == ["["] else "after object key:value pair"


def _quoted(character: str) -> str:
    return {"'": "'\\''", "\\": "'\\\\'"}.get(character, f"'{character}'")


def _go_value(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


_GO_TYPES = {
    "string": "string", "string:byte": "[]uint8", "boolean": "bool", "integer:int32": "int32", "integer:int64": "int64",
    "number:double": "float64", "object": "map[string]interface {}",
}  # fmt: skip


def _go_type(t: str) -> str:
    if t.startswith("["):
        return f"[]{_go_type(t[1:-1])}"
    if t.startswith("{"):
        return f"map[string]{_go_type(t[1:-1])}"
    if t == schema.QUANTITY:
        return "resource.Quantity"
    if t == schema.INT_OR_STRING:
        return "intstr.IntOrString"
    return _GO_TYPES.get(t) or schema.short(t)


def _cannot(value: str, struct: str | None, path: str, go_type: str) -> str:
    where = f"Go struct field {struct}.{path}" if struct else "Go value"
    return f"json: cannot unmarshal {value} into {where} of type {go_type}"


_BOUNDS = {"integer:int32": 2**31, "integer:int64": 2**63}


class _Walk:
    """One walk over one object. ``path`` has indexes (for unknown fields), ``stack`` only names (for wrong types)."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def struct(self, tree: Tree, type_name: str, path: str, stack: tuple[str, ...]) -> Tree:
        rows = schema.fields(type_name)
        base = type_name.rsplit(".", 1)[-1]
        found: Tree = {}
        for name, value in tree.items():
            here = f"{path}.{name}" if path else name
            row = rows.get(name)
            if row is None:
                self.unknown.append(f'unknown field "{here}"')
                continue
            if value is None:
                continue
            normal = self.value(value, row.t, here, (*stack, name), base)
            empty = normal == [] or normal == {} if row.t[0] in "[{" else _is_zero(normal)
            if empty and not row.required and not keeps_zero(type_name, row):
                continue
            found[name] = normal
        return {name: found[name] for name in sorted(found, key=lambda name: (rows[name].number, name))}

    def value(self, value: Any, t: str, path: str, stack: tuple[str, ...], struct: str) -> Any:
        if t.startswith("["):
            return self.array(value, t, path, stack, struct)
        if t.startswith("{"):
            return self.map(value, t, path, stack, struct)
        if t.startswith("io."):
            primitive = schema.primitive(t)
            if not primitive:
                if not isinstance(value, dict):
                    raise ValueError(_cannot(_go_value(value), struct, ".".join(stack), _go_type(t)))
                return self.struct(value, t, path, stack)
            return _special(value, t, primitive, ".".join(stack), struct)
        return _scalar(value, t, ".".join(stack), struct)

    def array(self, value: Any, t: str, path: str, stack: tuple[str, ...], struct: str) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(_cannot(_go_value(value), struct, ".".join(stack), _go_type(t)))
        inner = t[1:-1]
        found = []
        for index, item in enumerate(value):
            if item is None:
                item = {} if schema.is_struct(inner) else "" if inner == "string" else 0
            found.append(self.value(item, inner, f"{path}[{index}]", stack, struct))
        return found

    def map(self, value: Any, t: str, path: str, stack: tuple[str, ...], struct: str) -> Tree:
        if not isinstance(value, dict):
            raise ValueError(_cannot(_go_value(value), struct, ".".join(stack), _go_type(t)))
        inner = t[1:-1]
        found = {}
        for key, item in value.items():
            if item is None:
                if inner != "string":
                    continue
                item = ""
            found[key] = self.value(item, inner, f"{path}.{key}", stack, struct)
        return found


def _is_zero(value: Any) -> bool:
    return value is False or (isinstance(value, str | int) and not value)


def _scalar(value: Any, t: str, path: str, struct: str) -> Any:
    def wrong(shown: str) -> ValueError:
        return ValueError(_cannot(shown, struct, path, _go_type(t)))

    if t in _BOUNDS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(_go_value(value))
        if isinstance(value, float) or not -_BOUNDS[t] <= value < _BOUNDS[t]:
            raise wrong(f"number {value}")
        return value
    if t == "boolean":
        if not isinstance(value, bool):
            raise wrong(_go_value(value))
        return value
    if t == "number:double":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(_go_value(value))
        return value
    if t == "object":
        return value
    if not isinstance(value, str):
        raise wrong(_go_value(value))
    if t == "string:byte":
        return _base64(value)
    return value


_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        match = _NOT_BASE64.search(text)
        place = match.start() if match else len(text) // 4 * 4
        raise ValueError(f"illegal base64 data at input byte {place}") from None
    return text


def _special(value: Any, t: str, primitive: str, path: str, struct: str) -> Any:
    if t == schema.QUANTITY:
        if isinstance(value, bool | dict | list):
            raise ValueError(quantity.FORMAT_WRONG)
        return quantity.canonical(str(value).strip())
    if t in (schema.TIME, schema.MICRO_TIME):
        if not isinstance(value, str):
            raise ValueError(_cannot(_go_value(value), None, "", "string"))
        micros = times.unix_micros(value)
        return times.rfc3339(micros, 0) if t == schema.TIME else times.micro_time(micros, 0)
    if t == schema.INT_OR_STRING:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError(_cannot(_go_value(value), None, "", "string"))
        return value
    return value
