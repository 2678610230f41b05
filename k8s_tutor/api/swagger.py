"""OpenAPI v2: the definitions of all kinds, as JSON or as the protobuf that kubectl asks for.

kubectl reads it where the newer documents say nothing about a kind: for ``kind: List`` and for an edit of several objects.
Paths are left out, which no client reads there any more.
Sources: kube-openapi pkg/handler, pkg/builder3/util; apiextensions-apiserver controller/openapi/v2; gnostic OpenAPIv2.proto.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from k8s_tutor.api import openapi, schema
from k8s_tutor.api.crd import publish
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

JSON = "application/json"
PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
ANSWERED = PROTOBUF.replace("@", ".")
"""The content type of an answer in protobuf; ``@`` is no letter of a media type."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_REF = "#/components/schemas/"
_OWN_REF = "#/definitions/"


def media(accept: str) -> str | None:
    """What a client is answered in: `JSON`, `PROTOBUF`, or None when it takes neither."""
    for part in accept.split(",") if accept else (JSON,):
        kind = part.partition(";")[0].strip()
        if kind in (JSON, "*/*", "application/*"):
            return JSON
        if kind == PROTOBUF:
            return PROTOBUF
    return None


# ---------------------------------------------------------------------- from v3 to v2


_KEPT = frozenset(("description", "type", "format", "required", "enum", "pattern", "maximum", "minimum", "maxLength",
                   "minLength", "maxItems", "minItems", "maxProperties", "minProperties", "uniqueItems"))  # fmt: skip


def _older(node: Tree) -> Tree:
    """A schema in the words of v2, which knows neither ``oneOf`` nor ``nullable``."""
    ref = node.get("$ref") or next((one["$ref"] for one in node.get("allOf", ()) if "$ref" in one), None)
    text = {"description": node["description"]} if "description" in node else {}
    if ref is not None:
        return {**text, "$ref": ref.replace(_REF, _OWN_REF)}
    own = {name: value for name, value in node.items() if name in _KEPT or name.startswith("x-")}
    if node.get("x-kubernetes-int-or-string") or node.get("x-kubernetes-preserve-unknown-fields"):
        own.pop("type", None)
        return own
    if node.get("nullable"):
        return {name: value for name, value in own.items() if name != "type"}
    if "oneOf" in node:
        return {**own, "type": "string"}
    if "properties" in node:
        own["properties"] = {name: _older(child) for name, child in node["properties"].items()}
    if isinstance(node.get("items"), dict):
        own["items"] = _older(node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        own["additionalProperties"] = _older(node["additionalProperties"])
    return own


@lru_cache(maxsize=1)
def _built_in(types: tuple[str, ...]) -> dict[str, Tree]:
    return {name: _older(openapi.schema_of(name)) for name in openapi.closure(types)}


def _types(rows: tuple[Resource, ...]) -> tuple[str, ...]:
    found = {row.type_name: None for row in rows if not row.custom}
    lists = {schema.type_of(row.group, row.version, row.list_kind) or row.type_name: None for row in rows if not row.custom}
    return (*found, *lists)


def _custom(rows: tuple[Resource, ...]) -> dict[str, Tree]:
    return {name: _older(node) for row in rows if row.custom for name, node in publish.schemas(row).items()}


# ---------------------------------------------------------------------- as protobuf


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def _field(number: int, data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def _named(number: int, name: str, value: bytes) -> bytes:
    return _field(number, _field(1, name) + _field(2, value))


_TEXTS = {"$ref": 1, "format": 2, "description": 4, "pattern": 13}
_COUNTS = {"maxLength": 11, "minLength": 12, "maxItems": 14, "minItems": 15, "maxProperties": 17, "minProperties": 18}
_YAML = 2
"""The field of ``Any`` that holds YAML, of which JSON is a part."""


def _schema(node: Tree) -> bytes:
    """The message ``Schema`` of a definition. Bounds of numbers are left out: kubectl does not look at them."""
    found = b"".join(_field(number, node[name]) for name, number in _TEXTS.items() if name in node)
    found += b"".join(_varint(number << 3) + _varint(int(node[name])) for name, number in _COUNTS.items() if name in node)
    found += b"".join(_field(19, name) for name in node.get("required", ()))
    found += b"".join(_field(20, _field(_YAML, _encode(value))) for value in node.get("enum", ()))
    if "additionalProperties" in node:
        found += _field(21, _field(1, _schema(node["additionalProperties"])))
    if "type" in node:
        found += _field(22, _field(1, node["type"]))
    if "items" in node:
        found += _field(23, _field(1, _schema(node["items"])))
    if "properties" in node:
        found += _field(25, b"".join(_named(1, name, _schema(child)) for name, child in node["properties"].items()))
    for name in node:
        if name.startswith("x-"):
            found += _named(31, name, _field(_YAML, _encode(node[name])))
    return found


def _definitions(found: dict[str, Tree]) -> bytes:
    return b"".join(_named(1, name, _schema(node)) for name, node in found.items())


@lru_cache(maxsize=1)
def _built_in_bytes(types: tuple[str, ...]) -> bytes:
    return _definitions(_built_in(types))


# ---------------------------------------------------------------------- the document


_INFO = {"title": "Kubernetes", "version": "v1.36.2"}


@lru_cache(maxsize=4)
def document(rows: tuple[Resource, ...], kind: str) -> bytes:
    """``/openapi/v2`` in `JSON` or `PROTOBUF`."""
    types = _types(rows)
    if kind == PROTOBUF:
        info = _field(1, _INFO["title"]) + _field(2, _INFO["version"])
        return _field(1, "2.0") + _field(2, info) + _field(9, _built_in_bytes(types) + _definitions(_custom(rows)))
    return _encode({"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": {**_built_in(types), **_custom(rows)}})
