"""How the fields of a type behave when several people write them: the part of a schema that merging needs.

A `Shape` is made from the schema table for built-in kinds, and from the OpenAPI schema for custom ones.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from k8s_tutor.api import schema

Tree = dict[str, Any]


class Shape:
    """One place in an object. ``kind``: ``leaf`` (one value, however deep), ``struct``, ``map``, ``list`` (items with keys),
    ``set`` (a list of distinct scalars) or ``any`` (no schema: maps are merged, lists are leaves)."""

    __slots__ = ("_element", "_fields", "_source", "custom", "keys", "kind")

    def __init__(self, kind: str, source: Any = "", keys: tuple[str, ...] = (), custom: bool = False) -> None:
        self.kind, self.keys, self.custom = kind, keys, custom
        self._source = source
        self._fields: dict[str, Shape] | None = None
        self._element: Shape | None = None

    @property
    def element(self) -> Shape:
        """What the values of a map or the items of a list are."""
        if self.kind == "any":
            return ANY
        if self._element is None:
            self._element = of_schema(self._source) if self.custom else _of_text(self._source)
        return self._element

    def field(self, name: str) -> Shape | None:
        """What a field of a struct is; None when the type has no such field."""
        if self.kind != "struct":
            return self.element
        if self._fields is None:
            self._fields = {}
        found = self._fields.get(name)
        if found is None:
            found = _custom_field(self._source, name) if self.custom else _field(self._source, name)
            if found is not None:
                self._fields[name] = found
        return found

    def key_default(self, name: str) -> Any:
        """The value of a key that an item leaves out; None when it may not."""
        if self.custom:
            return self._source.get("properties", {}).get(name, {}).get("default")
        return "TCP" if name == "protocol" else None


LEAF = Shape("leaf")
ANY = Shape("any")


@cache
def of_type(type_name: str) -> Shape:
    """The shape of a built-in type."""
    return _of_text(type_name)


@cache
def _of_text(t: str) -> Shape:
    if t.startswith("{"):
        return Shape("map", t[1:-1])
    if t.startswith("io.") and schema.is_struct(t) and schema.table().types[t].get("mapType") != "atomic":
        return Shape("struct", t)
    return LEAF


def _field(type_name: str, name: str) -> Shape | None:
    row = schema.table().types[type_name]["fields"].get(name)
    if row is None:
        return None
    t = row["t"]
    if t.startswith("["):
        if row.get("list") == "map":
            return Shape("list", t[1:-1], tuple(row["keys"]))
        return Shape("set", t[1:-1]) if row.get("list") == "set" else LEAF
    return LEAF if row.get("map") == "atomic" else _of_text(t)


# ---------------------------------------------------------------------- custom resources

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def of_custom(root: Tree) -> Shape:
    """The shape of a custom resource from its ``openAPIV3Schema``."""
    properties = {**root.get("properties", {}), "apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    return Shape("struct", {**root, "type": "object", "properties": properties, "x-root": True}, custom=True)


def of_schema(node: Tree) -> Shape:
    """The shape of one place of an OpenAPI schema."""
    if node.get("x-kubernetes-int-or-string"):
        return LEAF
    match node.get("type"):
        case "object":
            if node.get("x-kubernetes-map-type") == "atomic":
                return LEAF
            if "properties" in node:
                return Shape("struct", node, custom=True)
            extra = node.get("additionalProperties")
            if isinstance(extra, dict):
                return Shape("map", extra, custom=True)
            return ANY
        case "array":
            items = node.get("items", {})
            match node.get("x-kubernetes-list-type"):
                case "map":
                    return Shape("list", items, tuple(node.get("x-kubernetes-list-map-keys", ())), custom=True)
                case "set":
                    return Shape("set", items, custom=True)
        case None:
            return ANY
    return LEAF


def _custom_field(node: Tree, name: str) -> Shape | None:
    if name == "metadata" and node.get("x-root"):
        return of_type(_META)
    own = node.get("properties", {}).get(name)
    if own is not None:
        return of_schema(own)
    if node.get("x-kubernetes-preserve-unknown-fields"):
        return ANY
    return None
