"""Patches: JSON patch (RFC 6902), JSON merge patch (RFC 7386), and Kubernetes' strategic merge patch.

None of them changes its input: what is untouched is shared with the result.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import numbers, schema

Tree = dict[str, Any]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
SUPPORTED = (JSON_PATCH, MERGE_PATCH, STRATEGIC, APPLY)
SUPPORTED_CUSTOM = (JSON_PATCH, MERGE_PATCH, APPLY)
"""Custom resources have no merge keys."""


class PatchError(ValueError):
    """The patch cannot be carried out; the text is Kubernetes' own."""


def merge(target: Any, patch: Any) -> Any:
    """JSON merge patch: objects are merged, null deletes, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merge(found.get(key), value)
    return found


def json_patch(target: Any, operations: Any) -> Any:
    """JSON patch. Raises PatchError for a bad operation or path."""
    if not isinstance(operations, list):
        raise PatchError("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for operation in operations:
        if not isinstance(operation, dict):
            raise PatchError("json: cannot unmarshal an operation into Go value of type jsonpatch.Operation")
        target = _operation(target, operation)
    return target


def _operation(target: Any, operation: Tree) -> Any:
    name, path = operation.get("op", ""), operation.get("path", "")
    where = _pointer(path)
    match name:
        case "add":
            return _edit(target, where, path, operation.get("value"), "add")
        case "replace":
            _lookup(target, where, path, name)
            return _edit(target, where, path, operation.get("value"), "replace")
        case "remove":
            _lookup(target, where, path, name)
            return _edit(target, where, path, None, "remove")
        case "test":
            if _lookup(target, where, path, name) != operation.get("value"):
                raise PatchError(f"testing value {path} failed: test failed")
            return target
        case "move" | "copy":
            origin = operation.get("from", "")
            value = _lookup(target, _pointer(origin), origin, name)
            if name == "move":
                target = _edit(target, _pointer(origin), origin, None, "remove")
            return _edit(target, where, path, value, "add")
    raise PatchError(f"Unexpected kind: {name}")


def _pointer(path: Any) -> tuple[str, ...]:
    if not isinstance(path, str):
        raise PatchError("json: cannot unmarshal a path into Go value of type string")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])


def _lookup(target: Any, where: tuple[str, ...], path: str, name: str) -> Any:
    missing = PatchError(f"{name} operation does not apply: doc is missing path: {path}: missing value")
    for part in where:
        if isinstance(target, dict) and part in target:
            target = target[part]
        elif isinstance(target, list) and (index := numbers.unsigned(part)) is not None and index < len(target):
            target = target[index]
        else:
            raise missing
    return target


def _edit(target: Any, where: tuple[str, ...], path: str, value: Any, name: str) -> Any:
    """A copy of ``target`` along one path, with that place added, replaced or removed."""
    if not where:
        return value
    part, rest = where[0], where[1:]
    missing = PatchError(f"{name} operation does not apply: doc is missing path: {path}: missing value")
    if isinstance(target, dict):
        found = dict(target)
        if rest:
            if part not in found:
                raise missing
            found[part] = _edit(found[part], rest, path, value, name)
        elif name == "remove":
            del found[part]
        else:
            found[part] = value
        return found
    if not isinstance(target, list):
        raise missing
    items = list(target)
    index = len(items) if part == "-" else numbers.unsigned(part)
    if index is None or not 0 <= index <= len(items) or (rest and index == len(items)):
        raise PatchError(f"{name} operation does not apply: doc is missing path: {path}: invalid index referenced")
    if rest:
        items[index] = _edit(items[index], rest, path, value, name)
    elif name == "add":
        items.insert(index, value)
    elif name == "remove":
        del items[index]
    else:
        items[index] = value
    return items


def strategic(target: Any, patch: Tree, type_name: str) -> Any:
    """Strategic merge patch, driven by the schema: lists with a merge key are merged item by item, new items first.

    Directives: ``$patch: delete | replace | merge``, ``$deleteFromPrimitiveList/x``, ``$setElementOrder/x``,
    ``$retainKeys``. Source: apimachinery util/strategicpatch. Raises PatchError.
    """
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise PatchError(f"unknown patch type: {directive} in map: {go_map(patch)}")
    rows = schema.fields(type_name) if type_name else {}
    found = dict(target) if isinstance(target, dict) else {}
    _check_directives(patch)
    retained = patch.get("$retainKeys")
    if retained is not None:
        found = {key: value for key, value in found.items() if key in retained}
    orders: Tree = {}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            found[name] = [item for item in found.get(name) or () if item not in value]
        elif key.startswith("$setElementOrder/"):
            orders[key.partition("/")[2]] = value
        elif not key.startswith("$"):
            if value is None:
                found.pop(key, None)
            else:
                found[key] = _strategic_value(found.get(key), value, rows.get(key), key)
    for name, order in orders.items():
        row = rows.get(name)
        if name in found and row is not None:
            found[name] = _ordered(found[name], order, row.merge_key)
    return found


def _check_directives(patch: Tree) -> None:
    """Raises PatchError for a directive that is no list."""
    for key, value in patch.items():
        name = key.partition("/")[0]
        if name in ("$retainKeys", "$deleteFromPrimitiveList", "$setElementOrder") and not isinstance(value, list):
            raise PatchError(f"{name} should be a list, but is {go_map(value)}")


def _strategic_value(old: Any, new: Any, row: schema.Field | None, name: str) -> Any:
    if isinstance(new, dict):
        inner = "" if row is None else row.t
        if inner.startswith("{"):
            inner = ""
        return strategic(old, new, inner if schema_known(inner) else "")
    if isinstance(new, list) and row is not None and row.merge:
        existing = old if isinstance(old, list) else []
        if row.merge_key:
            return _merge_items(existing, new, row, name)
        return [*existing, *(item for item in new if item not in existing)]
    return new


def schema_known(t: str) -> bool:
    """Whether a field's type has fields of its own."""
    return bool(t) and schema.is_struct(t)


def _merge_items(old: list[Any], new: list[Any], row: schema.Field, name: str) -> list[Any]:
    key, inner = row.merge_key, row.t[1:-1]
    if any(isinstance(item, dict) and item.get("$patch") == "replace" and len(item) == 1 for item in new):
        return [item for item in new if not isinstance(item, dict) or item.get("$patch") != "replace"]
    items = list(old)
    fresh: list[Any] = []
    for item in new:
        if not isinstance(item, dict) or key not in item:
            raise PatchError(f"map: {go_map(item)} does not contain declared merge key: {key}")
        place = next((at for at, known in enumerate(items) if known.get(key) == item[key]), -1)
        if item.get("$patch") == "delete":
            items = [known for known in items if known.get(key) != item[key]]
        elif place >= 0:
            items[place] = strategic(items[place], item, inner)
        else:
            fresh.append(strategic({}, item, inner))
    return [*fresh, *items]


def go_map(value: Any) -> str:
    """A value as Go prints it with ``%v``."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_map(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_map(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Items in the order that the patch asks for; those it does not name keep their place behind their neighbours."""
    wanted = [item.get(key) if key and isinstance(item, dict) else item for item in order]

    def ident(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    named = sorted((item for item in items if ident(item) in wanted), key=lambda item: wanted.index(ident(item)))
    found: list[Any] = []
    at = 0
    for item in items:
        if ident(item) in wanted:
            found.append(named[at])
            at += 1
        else:
            found.append(item)
    return found
