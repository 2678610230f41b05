"""The entries of ``metadata.managedFields``: whose fields they are, what a write makes of them, and who is in whose way.

Sources: structured-merge-diff merge/update.go, apimachinery util/managedfields/internal (structuredmerge, managedfieldsupdater,
capmanagers, lastapplied, conflict).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api.managedfields import fieldset, trees
from k8s_tutor.api.managedfields.fieldset import Paths
from k8s_tutor.api.managedfields.shapes import Shape

Tree = dict[str, Any]

APPLY, UPDATE = "Apply", "Update"
MOST_UPDATERS = 10
"""More updaters than this are made one, called ``ancient-changes``."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_META = ("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
         "resourceVersion")  # fmt: skip
_STRIPPED: Paths = frozenset(
    [("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", f"f:{name}") for name in _META)]
)
"""Fields that belong to nobody."""


class Entry(NamedTuple):
    """One manager's fields."""

    manager: str
    operation: str
    api_version: str
    time: str
    subresource: str
    fields: Paths

    @property
    def identity(self) -> tuple[str, ...]:
        """Who it is: an applier stays the same in every version."""
        version = "" if self.operation == APPLY else self.api_version
        return (self.manager, self.operation, version, self.subresource)


Entries = tuple[Entry, ...]


class Conflict(NamedTuple):
    """A field that another manager has set."""

    entry: Entry
    path: fieldset.Path


class Conflicts(Exception):
    """An apply would change what others have set."""

    def __init__(self, found: list[Conflict]) -> None:
        super().__init__(message(found))
        self.found = found


# ---------------------------------------------------------------------- written form


@lru_cache(maxsize=4096)
def parse(data: bytes) -> Entries:
    """The entries that a stored object has (the bytes of the JSON list, or none)."""
    return from_trees(_decode(data)) if data else ()


def from_trees(found: list[Tree]) -> Entries:
    """From JSON. Raises ValueError for a list that is none."""
    entries = []
    for item in found:
        operation, fields = item.get("operation", ""), item.get("fieldsV1", {})
        if operation not in (APPLY, UPDATE) or item.get("fieldsType", "FieldsV1") != "FieldsV1":
            raise ValueError(f"invalid operation: {operation}")
        entries.append(
            Entry(item.get("manager", ""), operation, item.get("apiVersion", ""), item.get("time", "") or "",
                  item.get("subresource", ""), fieldset.from_tree(fields or {}))
        )  # fmt: skip
    return tuple(entries)


@lru_cache(maxsize=4096)
def _written(entry: Entry) -> bytes:
    head: Tree = {"manager": entry.manager, "operation": entry.operation, "apiVersion": entry.api_version}
    if entry.time:
        head["time"] = entry.time
    head["fieldsType"] = "FieldsV1"
    tail = b',"subresource":' + _encode(entry.subresource) if entry.subresource else b""
    return b'%b,"fieldsV1":%b%b}' % (_encode(head)[:-1], fieldset.encode(entry.fields), tail)


def encode(entries: Entries) -> bytes:
    """The JSON list, appliers first, each kind in the order of time; nothing when there is no entry."""
    if not entries:
        return b""
    ordered = sorted(entries, key=lambda one: (one.operation, one.time, one.manager, one.api_version, one.subresource))
    return b"[" + b",".join([_written(entry) for entry in ordered]) + b"]"


# ---------------------------------------------------------------------- writes

_PRESENT: Paths = frozenset([
    ("f:spec",), ("f:status",), ("f:spec", "f:template"), ("f:spec", "f:template", "f:metadata"),
    ("f:spec", "f:template", "f:spec"), ("f:spec", "f:strategy"), ("f:spec", "f:updateStrategy"),
    ("f:spec", "f:jobTemplate"), ("f:spec", "f:jobTemplate", "f:metadata"), ("f:spec", "f:jobTemplate", "f:spec"),
    ("f:spec", "f:jobTemplate", "f:spec", "f:template"),
    ("f:spec", "f:jobTemplate", "f:spec", "f:template", "f:metadata"),
    ("f:spec", "f:jobTemplate", "f:spec", "f:template", "f:spec"), ("f:spec", "f:names"), ("f:roleRef",),
    ("f:spec", "f:containers"), ("f:spec", "f:template", "f:spec", "f:containers"), ("f:involvedObject",), ("f:source",),
    ("f:status", "f:loadBalancer"), ("f:spec", "f:scaleTargetRef"),
])  # fmt: skip
"""Structs that Go has even in an empty object, so that nobody adds them."""


def created(shape: Shape, tree: Tree, manager: str, api_version: str, time: str, with_status: bool) -> Entries:
    """The one entry of a new object: everything that its creator sent, and what defaults made of it. ``with_status``: the
    status is not his, because it has a subresource."""
    fields = _creators(trees.everything(shape, tree), with_status)
    return (Entry(manager, UPDATE, api_version, time, "", fields),) if fields else ()


@lru_cache(maxsize=2048)
def _creators(fields: Paths, with_status: bool) -> Paths:
    fields = fields - _STRIPPED - _PRESENT
    return _without(fields, "f:status") if with_status else fields


def _without(fields: Paths, top: str) -> Paths:
    return frozenset(path for path in fields if path[0] != top)


def updated(
    entries: Entries, shape: Shape, old: Tree, new: Tree, manager: str, api_version: str, time: str, subresource: str
) -> Entries:
    """The entries after a write: what it added or changed belongs to who wrote, what it removed to nobody."""
    difference = trees.compare(shape, old, new)
    touched = (difference.added | difference.modified) - _STRIPPED
    gone = difference.removed
    if not touched and not gone:
        return entries
    if not entries:
        return entries  # an object that nobody's fields are known of is not begun with (skipNonAppliedManager)
    me = Entry(manager, UPDATE, api_version, time, subresource, frozenset())
    found = []
    mine: Paths = frozenset()
    for entry in entries:
        if entry.identity == me.identity:
            mine = entry.fields - gone
            if not touched:
                me = me._replace(time=entry.time)
            continue
        rest = entry.fields - touched - gone if touched or gone else entry.fields
        if rest:
            found.append(entry if rest == entry.fields else entry._replace(fields=rest))
    own = mine | touched
    if own:
        found.append(me._replace(fields=own))
    return _capped(tuple(found))


def _capped(entries: Entries) -> Entries:
    updaters = sorted((one for one in entries if one.operation == UPDATE), key=lambda one: (one.time, one.manager))
    if len(updaters) <= MOST_UPDATERS:
        return entries
    old = updaters[: len(updaters) - MOST_UPDATERS + 1]
    versions = dict.fromkeys(one.api_version for one in old)
    merged = [
        Entry("ancient-changes", UPDATE, version, max(one.time for one in old if one.api_version == version), "",
              frozenset().union(*(one.fields for one in old if one.api_version == version)))
        for version in versions
    ]  # fmt: skip
    return (*(one for one in entries if one not in old), *merged)


class Applied(NamedTuple):
    """What an apply makes of an object: its new state, before defaults, and who now manages what."""

    tree: Tree
    entries: Entries


def applied(
    entries: Entries, shape: Shape, live: Tree, config: Tree, manager: str, api_version: str, time: str, subresource: str,
    force: bool,
) -> Applied:
    """Server-side apply. Raises Conflicts, and ShapeError for a configuration that does not fit its type."""
    fields = trees.fields_of(shape, config) - _STRIPPED
    if subresource == "status":
        fields = frozenset(path for path in fields if path[0] == "f:status")
    elif shape.field("status") is not None:
        fields = _without(fields, "f:status")
    me = Entry(manager, APPLY, api_version, time, subresource, fields)
    if not entries and live:
        entries = _before_first_apply(shape, live, api_version)
    last = next((one for one in entries if one.identity == me.identity), None)
    others = [one for one in entries if one.identity != me.identity]
    merged = trees.merge(shape, live, config)
    if last is not None:
        kept = me.fields.union(*(one.fields for one in others))
        merged = trees.prune(shape, merged, last.fields, kept)
    difference = trees.compare(shape, live, merged)
    touched, gone = (difference.added | difference.modified) - _STRIPPED, difference.removed
    found = [Conflict(one, path) for one in others for path in sorted(one.fields & touched)]
    if found and not force:
        upgraded = manager == "kubectl" and _own_last_applied(shape, live)
        if not upgraded or any(conflict.path not in upgraded for conflict in found):
            raise Conflicts([one for one in found if not upgraded or one.path not in upgraded])
    rest = [(one, one.fields - touched - gone) for one in others]
    kept_entries = [one if fields == one.fields else one._replace(fields=fields) for one, fields in rest if fields]
    if last is not None and last.fields == me.fields and not touched and not gone:
        me = me._replace(time=last.time)
    return Applied(merged, (*kept_entries, me) if me.fields else tuple(kept_entries))


def _before_first_apply(shape: Shape, live: Tree, api_version: str) -> Entries:
    """An object that nobody's fields are known of belongs to somebody all the same."""
    fields = trees.everything(shape, live) - _STRIPPED - _PRESENT
    return (Entry("before-first-apply", UPDATE, api_version, live["metadata"].get("creationTimestamp", ""), "", fields),)


def _own_last_applied(shape: Shape, live: Tree) -> Paths:
    """Fields that still are as ``kubectl apply`` on the client's side left them: its successor may take them over."""
    text = live.get("metadata", {}).get("annotations", {}).get(LAST_APPLIED)
    if not text:
        return fieldset.EMPTY
    try:
        config = _decode(text)
        own = trees.fields_of(shape, config)
    except (msgspec.DecodeError, ValueError):
        return fieldset.EMPTY
    difference = trees.compare(shape, config, live)
    return own - difference.modified - difference.removed


# ---------------------------------------------------------------------- words


def _who(entry: Entry) -> str:
    text = f'"{entry.manager}"'
    if entry.subresource:
        text += f' with subresource "{entry.subresource}"'
    return f"{text} using {entry.api_version}" if entry.operation == UPDATE else text


def message(found: list[Conflict]) -> str:
    """``Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.k``."""
    if len(found) == 1:
        return f"Apply failed with 1 conflict: conflict with {_who(found[0].entry)}: {fieldset.written(found[0].path)}"
    lines = []
    whom = sorted({one.entry.identity: one.entry for one in found}.items())
    for identity, entry in whom:
        lines.append(f"conflicts with {_who(entry)}:")
        lines += [f"- {fieldset.written(one.path)}" for one in found if one.entry.identity == identity]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)


def causes(found: list[Conflict]) -> list[Tree]:
    """The causes of the Status."""
    return [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_who(one.entry)}", "field": fieldset.written(one.path)}
        for one in sorted(found, key=lambda one: (one.entry.identity, one.path))
    ]
