"""Structural schemas at the door: unknown fields are pruned, defaults filled in.

Sources: apiextensions-apiserver pkg/apiserver/schema (pruning, defaulting, objectmeta).
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from k8s_tutor.api import codec, strict
from k8s_tutor.api.crd import rows
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def decode(row: Resource, data: bytes) -> codec.Decoded:
    """As `codec.decode` for built-in kinds. Raises ValueError."""
    try:
        tree = _decode(data)
    except msgspec.DecodeError:
        tree = strict.parsed(data)
    if not isinstance(tree, dict):
        raise ValueError("json: cannot unmarshal array into Go value of type map[string]interface {}")
    return _checked(row, tree, strict.duplicates(data))


def normal(row: Resource, tree: Tree) -> codec.Decoded:
    """As `codec.normal`: the tree is copied."""
    return _checked(row, copy.deepcopy(tree), ())


def _checked(row: Resource, tree: Tree, repeated: tuple[str, ...]) -> codec.Decoded:
    unknown: list[str] = []
    metadata = tree.get("metadata")
    if isinstance(metadata, dict):
        found = codec.normal(metadata, _META)
        tree["metadata"] = found.tree
        unknown += [text.replace('"', '"metadata.', 1) for text in found.problems]
    schema = rows.schema_of(row)
    if not row_preserves(row):
        _prune(tree, schema, "", unknown, root=True)
    return codec.Decoded(tree, (*unknown, *repeated))


def row_preserves(row: Resource) -> bool:
    """Whether the definition keeps unknown fields everywhere."""
    return bool(rows.definition(row.custom)["spec"].get("preserveUnknownFields"))


_ROOT = ("apiVersion", "kind", "metadata")


def _prune(value: Any, schema: Tree, path: str, unknown: list[str], root: bool = False) -> None:
    """Takes away what the schema does not name, in place."""
    if isinstance(value, dict):
        keeps = schema.get("x-kubernetes-preserve-unknown-fields", False)
        properties, extra = schema.get("properties", {}), schema.get("additionalProperties")
        embedded = root or schema.get("x-kubernetes-embedded-resource", False)
        for name in list(value):
            here = f"{path}.{name}" if path else name
            if embedded and name in _ROOT:
                continue
            if name in properties:
                _prune(value[name], properties[name], here, unknown)
            elif isinstance(extra, dict):
                _prune(value[name], extra, here, unknown)
            elif extra is True or keeps:
                continue
            else:
                unknown.append(f'unknown field "{here}"')
                del value[name]
    elif isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, dict):
            for index, item in enumerate(value):
                _prune(item, items, f"{path}[{index}]", unknown)


def fill(row: Resource, tree: Tree) -> None:
    """Fills in the defaults of a custom resource, in place."""
    _fill(tree, rows.schema_of(row))


def _fill(value: Any, schema: Tree) -> None:
    if isinstance(value, dict):
        for name, own in schema.get("properties", {}).items():
            if value.get(name) is None and "default" in own and not (name in value and own.get("nullable")):
                value[name] = copy.deepcopy(own["default"])
            if name in value and value[name] is not None:
                _fill(value[name], own)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            known = schema.get("properties", {})
            for name, item in value.items():
                if name not in known:
                    _fill(item, extra)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            _fill(item, schema["items"])
