"""What does not fit in an applied configuration of a built-in type, in the words of structured-merge-diff."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from k8s_tutor.api import patch, schema
from k8s_tutor.api.managedfields import fieldset
from k8s_tutor.api.managedfields.fieldset import Path
from k8s_tutor.api.managedfields.trees import ShapeError

Tree = dict[str, Any]

_GO_TYPES = {str: "string", bool: "bool", int: "int64", float: "float64"}


def check(type_name: str, config: Tree) -> None:
    """Raises ShapeError with every place that has a field, a value or a second item that the type does not allow."""
    lines = [f"{fieldset.written(path)}: {why}" for path, why in _struct(type_name, config, ())]
    if lines:
        raise ShapeError(lines[0] if len(lines) == 1 else "\n".join(("errors:", *(f"  {line}" for line in lines))))


def _value(t: str, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if value is None:
        return
    if t.startswith("["):
        yield from _list({"t": t}, value, path)
    elif t.startswith("{"):
        yield from _map(t[1:-1], value, path)
    elif schema.is_struct(t):
        yield from _struct(t, value, path)
    elif t.startswith(("integer", "number")):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield path, f"expected numeric (int or float), got {_go_type(value)}"
    elif t == "boolean":
        if not isinstance(value, bool):
            yield path, f"expected boolean, got {_shown(value)}"
    elif t == "string" and not isinstance(value, str):
        yield path, f"expected string, got &value.valueUnstructured{{Value:{_literal(value)}}}"


def _struct(type_name: str, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, dict):
        yield path, f"expected map, got {_shown(value)}"
        return
    rows = schema.table().types[type_name]["fields"]
    for name, child in value.items():
        here = (*path, f"f:{name}")
        row = rows.get(name)
        if row is None:
            yield here, "field not declared in schema"
        elif row["t"].startswith("[") and child is not None:
            yield from _list(row, child, here)
        else:
            yield from _value(row["t"], child, here)


def _map(t: str, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, dict):
        yield path, f"expected map, got {_shown(value)}"
        return
    for name, child in value.items():
        yield from _value(t, child, (*path, f"f:{name}"))


def _list(row: Tree, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, list):
        yield path, f"expected list, got {_shown(value)}"
        return
    t, kind = row["t"][1:-1], row.get("list", "")
    seen: set[str] = set()
    for index, item in enumerate(value):
        step = f"i:{index}"
        if kind == "map":
            if not isinstance(item, dict):
                what = "a null element" if item is None else "non-map elements"
                yield path, f"element {index}: associative list with keys may not have {what}"
                continue
            keys = {name: _key(name, item) for name in row["keys"]}
            lost = next((name for name, found in keys.items() if found is None), "")
            if lost and len(keys) == 1:
                tail = "(and doesn't have default value)"
                yield path, f'element {index}: associative list with keys has an element that omits key field "{lost}" {tail}'
                continue
            step = fieldset.key_step({name: found for name, found in keys.items() if found is not None})
        elif kind == "set" and not isinstance(item, dict | list) and item is not None:
            step = fieldset.value_step(item)
        if kind and step in seen:
            yield path, f"duplicate entries for key {fieldset.written((step,))}"
        seen.add(step)
        yield from _value(t, item, (*path, step))


def _key(name: str, item: Tree) -> Any:
    return item.get(name, "TCP" if name == "protocol" else None)


def _go_type(value: Any) -> str:
    if isinstance(value, dict):
        return "map[string]interface {}"
    return "[]interface {}" if isinstance(value, list) else _GO_TYPES[type(value)]


def _shown(value: Any) -> str:
    """A value as ``%v`` of Go prints it."""
    return f"&{{{patch.go_map(value)}}}"


def _literal(value: Any) -> str:
    """A value as ``%#v`` of Go prints it."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(name)}:{_literal(value[name])}" for name in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(_literal(item) for item in value)}}}"
    if value is None:
        return "interface {}(nil)"
    return json.dumps(value)
