"""Client-side apply: the strategic merge patch that makes the live object what the manifest says.

Three objects: what was applied last (an annotation keeps it), the manifest, and what is live. Fields that differ from the
live ones are set; fields that were applied last and are gone from the manifest are removed; all else is left alone.
Lists are merged by key where the schema says so (apimachinery util/strategicpatch, CreateThreeWayMergePatch).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import schema
from k8s_tutor.kubectl.program import Tree


class NoKey(ValueError):
    """An item of a list that is merged by key lacks its key."""


class _Mode(NamedTuple):
    """``additions``: put what is new or different into the patch; ``deletions``: put what is gone into it."""

    additions: bool
    deletions: bool


def three_way(last: Tree, wanted: Tree, live: Tree, type_name: str | None) -> Tree:
    """The patch; empty when nothing is to do. ``type_name``: the kind's name in the schema, None for unknown ones."""
    removals = _diff(last, wanted, type_name, _Mode(False, True))
    changes = _diff(live, wanted, type_name, _Mode(True, False))
    return _join(removals, changes)


def two_way(before: Tree, after: Tree, type_name: str | None) -> Tree:
    """The patch that makes ``before`` what ``after`` says: strategic for known types, else a merge patch."""
    return _diff(before, after, type_name, _Mode(True, True))


def three_way_json(last: Tree, wanted: Tree, live: Tree) -> Tree:
    """The same as `three_way` for kinds without a schema: a merge patch (util/jsonmergepatch)."""
    removals = _diff(last, wanted, None, _Mode(False, True))
    changes = _diff(live, wanted, None, _Mode(True, False))
    return _join(removals, changes)


def _diff(old: Tree, new: Tree, type_name: str | None, mode: _Mode) -> Tree:
    patch: Tree = {}
    fields = schema.fields(type_name) if type_name and schema.is_struct(type_name) else {}
    for key, value in new.items():
        if key not in old:
            if mode.additions:
                patch[key] = value
            continue
        before, field = old[key], fields.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = _diff(before, value, _inner(field, type_name), mode)
            if inner:
                patch[key] = inner
        elif isinstance(value, list) and isinstance(before, list) and field is not None and field.merge:
            patch.update(_diff_list(key, before, value, field, mode))
        elif before != value and mode.additions:
            patch[key] = value
    if mode.deletions:
        patch.update({key: None for key in old if key not in new})
    return patch


def _inner(field: schema.Field | None, type_name: str | None) -> str | None:
    """The type inside a field; for a map of structs the map's own values are met with the same text."""
    if field is not None:
        return field.t
    return type_name[1:-1] if type_name and type_name.startswith("{") else None


def _diff_list(key: str, old: list[Any], new: list[Any], field: schema.Field, mode: _Mode) -> Tree:
    """Patch entries of a list that is merged: by key, or as a set of plain values."""
    item_type = field.t[1:-1]
    name = field.merge_key
    for item in [*old, *new] if name else ():
        if not isinstance(item, dict) or name not in item:
            raise NoKey(f"map: {_go(item)} does not contain declared merge key: {name}")
    if not name:
        gone = [item for item in old if item not in new] if mode.deletions else []
        added = [item for item in new if item not in old] if mode.additions else []
        return {**({f"$deleteFromPrimitiveList/{key}": gone} if gone else {}), **({key: added} if added else {})}
    before = {item[name]: item for item in old}
    after = {item[name] for item in new}
    patch: list[Tree] = []
    for item in new:
        if item[name] not in before:
            patch += [item] if mode.additions else []
            continue
        inner = _diff(before[item[name]], item, item_type, mode)
        if inner:
            patch.append({**inner, name: item[name]})
    if mode.deletions:
        patch += [{"$patch": "delete", name: item[name]} for item in old if item[name] not in after]
    return {key: patch, f"$setElementOrder/{key}": [{name: item[name]} for item in new]} if patch else {}


def _join(left: Tree, right: Tree) -> Tree:
    """Both patches as one; list entries with the same key become one."""
    joined = dict(left)
    for key, value in right.items():
        before = joined.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            joined[key] = _join(before, value)
        elif isinstance(before, list) and isinstance(value, list) and not key.startswith("$setElementOrder/"):
            joined[key] = _join_lists(before, value, joined.get(f"$setElementOrder/{key}"))
        else:
            joined[key] = value
    return joined


def _join_lists(left: list[Any], right: list[Any], order: list[Any] | None) -> list[Any]:
    """Entries of two patches of one list. The element order tells the merge key."""
    name = next(iter(order[0]), None) if order and isinstance(order[0], dict) else None
    if name is None:
        return [*left, *(item for item in right if item not in left)]
    merged = {item[name]: item for item in right}
    for item in left:
        known = merged.get(item[name])
        merged[item[name]] = _join(item, known) if known is not None else item
    return list(merged.values())


def _go(value: Any) -> str:
    """A value as Go prints it with ``%v``."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_go(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)
