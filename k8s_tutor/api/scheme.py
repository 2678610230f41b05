"""Kinds and resources, where etcd keeps them, and how one revision becomes the one struct that everybody reads.

A further kind is one more row in `resources`. The bytes of an object always start with its kind, its apiVersion and its
metadata, in that order, so that the resourceVersion (which etcd knows, and the stored bytes do not) can be slipped in at a
known place.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import conversion, schema
from k8s_tutor.api.crd import rows, structural
from k8s_tutor.api.resources import ANSWERS, VIEWS
from k8s_tutor.api.resources import RESOURCES as RESOURCES
from k8s_tutor.api.resources import Resource as Resource

Tree = dict[str, Any]


SERVED = (*RESOURCES, *VIEWS, *ANSWERS)
"""Every row that a path may name."""

BY_PLURAL = {(row.group, row.version, row.plural): row for row in SERVED}
BY_KIND = {row.kind: row for row in reversed(SERVED)}
BY_GVK = {(row.api_version, row.kind): row for row in SERVED}
_BY_FOLDER = {row.registry or row.plural: row for row in RESOURCES}

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def resource(kind: str) -> Resource:
    """The row of a kind, e.g. ``Pod``. Raises KeyError."""
    return BY_KIND[kind]


@lru_cache(maxsize=256)
def find(name: str) -> Resource | None:
    """The row that a person means: plural, singular, kind, short name, each also with ``.group`` or ``.version.group``."""
    word, _, qualifier = name.lower().partition(".")
    for row in SERVED:
        if word in (row.plural, row.singular, *row.short_names) and qualifier in (
            "", row.group, f"{row.version}.{row.group}",
        ):  # fmt: skip
            return row
    return None


def of_key(key: str) -> Resource | None:
    """The built-in resource that a key in etcd belongs to, or None."""
    if not key.startswith("/registry/"):
        return None
    end = key.find("/", 10)
    return _BY_FOLDER.get(key[10:end]) or _BY_FOLDER.get(key[10 : key.find("/", end + 1)])


class Target(NamedTuple):
    """What a path is about. ``resource`` is None for paths outside the API; ``name`` is empty for collections."""

    resource: Resource | None
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    watch: bool = False
    """The deprecated ``/watch/`` form."""


@lru_cache(maxsize=4096)
def parse_path(path: str) -> Target:
    """Takes a URL path apart (apiserver endpoints/request/requestinfo.go)."""
    return parse_with(path, BY_PLURAL)


def parse_with(path: str, rows: Mapping[tuple[str, str, str], Resource]) -> Target:
    """The same with other rows, by group, version and plural."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Target(None)
    watching = rest[0] == "watch"
    if watching:
        rest = rest[1:]
    namespace = ""
    if len(rest) >= 3 and rest[0] == "namespaces" and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    row = rows.get((group, version, rest[0])) if rest else None
    if row is None or len(rest) > 3 or (namespace and not row.namespaced):
        return Target(None)
    name = rest[1] if len(rest) > 1 else ""
    if row.kind == "Namespace" and name:
        namespace = name
    if name and row.namespaced and not namespace:
        return Target(None)
    return Target(row, namespace, name, rest[2] if len(rest) > 2 else "", watching)


@cache
def _head(row: Resource) -> bytes:
    return _encode({"kind": row.kind, "apiVersion": row.api_version})[:-1] + b',"metadata":{'


_MANAGED = b'"managedFields":'
_MANAGED_END = b'],"name":'
"""What follows the list: inside of it no quote stands alone, and no other list ends before a name."""


def encode(row: Resource, tree: Tree, managed: bytes = b"") -> bytes:
    """The bytes that etcd keeps of a tree of this row: kind, apiVersion and metadata first, no resourceVersion.

    ``managed`` is the JSON of its ``managedFields``. It stands where `split` finds it without reading on.
    """
    metadata = {key: value for key, value in tree["metadata"].items() if key != "resourceVersion"}
    if managed:
        metadata.pop("managedFields", None)
        name = metadata.pop("name")
        metadata = {"managedFields": msgspec.Raw(managed), "name": name, **metadata}
    ordered = {"kind": row.kind, "apiVersion": row.api_version, "metadata": metadata}
    for key, value in tree.items():
        if key not in ordered:
            ordered[key] = value
    return _encode(ordered)


_HEAD = re.compile(rb'\{"kind":"[^"]*","apiVersion":"[^"]*","metadata":\{(?:"resourceVersion":"\d+",)?"managedFields":')


def split(data: bytes) -> tuple[bytes, bytes]:
    """(an object's bytes without managedFields, the JSON of these): who works on an object has no use for them."""
    head = _HEAD.match(data)
    if head is None:
        return data, b""
    start = head.end()
    end = data.index(_MANAGED_END, start) + 1
    return data[: start - len(_MANAGED)] + data[end + 1 :], data[start:end]


def join(row: Resource, data: bytes, managed: bytes) -> bytes:
    """The reverse of `split`, for bytes without a resourceVersion."""
    if not managed:
        return data
    place = len(_head(row))
    return b"%b%b%b,%b" % (data[:place], _MANAGED, managed, data[place:])


@lru_cache(maxsize=4096)
def with_revision(row: Resource, data: bytes, revision: int, managed: bool = False) -> bytes:
    """What a client of this row sees of an object: the stored bytes, with the resourceVersion that etcd knows slipped in
    (0: not stored), and with or without managedFields. Custom resources get the defaults that their schema has by now."""
    data, entries = split(data)
    if row.stored_as is not None:
        data = encode(row, conversion.view(row.api_version, row.kind, _decode(data)))
    if row.custom and rows.has_defaults(row):
        seen = _decode(data)
        structural.fill(row, seen)
        data = encode(row, seen)
    if managed:
        data = join(row, data, entries)
    if not revision:
        return data
    place = len(_head(row))
    return b'%b"resourceVersion":"%d",%b' % (data[:place], revision, data[place:])


def decode(data: bytes) -> Tree:
    """A tree of these bytes for oneself."""
    found: Tree = _decode(data)
    return found


@lru_cache(maxsize=4096)
def tree(data: bytes) -> Tree:
    """The JSON tree of these bytes, without managedFields, shared by all who ask: never change it in place."""
    found: Tree = _decode(split(data)[0])
    return found


def whole(data: bytes) -> Tree:
    """The JSON tree of these bytes with all that is in them."""
    found: Tree = _decode(data)
    return found


class _Kind(msgspec.Struct):
    kind: str
    apiVersion: str


_KIND = msgspec.json.Decoder(_Kind)


@cache
def struct_decoder(row: Resource) -> msgspec.json.Decoder[Any]:
    """Decodes the bytes of this kind into its struct of ``lightkube.models``."""
    group = row.group.split(".")[0] or "core"
    module = importlib.import_module(f"lightkube.models.{group}_{row.version}")
    return msgspec.json.Decoder(getattr(module, row.kind))


@lru_cache(maxsize=8192)
def typed(data: bytes) -> Any:
    """The typed struct (``lightkube.models``) of these bytes, shared by all who read this revision: never write to it. Of a
    custom resource only kind and metadata."""
    data = split(data)[0]
    head = _KIND.decode(data)
    row = BY_GVK.get((head.apiVersion, head.kind))
    if row is None:
        return _partial_decoder().decode(data)
    try:
        return struct_decoder(row).decode(data)
    except msgspec.ValidationError:
        # Go fills absent fields with zero values; the structs insist on those that the schema calls required.
        return struct_decoder(row).decode(_encode(complete(_decode(data), row.type_name)))


@cache
def _partial_decoder() -> msgspec.json.Decoder[Any]:
    """Decodes kind and metadata of any object."""
    meta = importlib.import_module("lightkube.models.meta_v1")
    fields = [("kind", str), ("apiVersion", str), ("metadata", meta.ObjectMeta)]
    return msgspec.json.Decoder(msgspec.defstruct("PartialObjectMetadata", fields))


_ZERO: dict[str, Any] = {"string": "", "boolean": False, "number:double": 0.0}


def complete(found: Any, t: str) -> Any:
    """A tree in which every required field of its type is there, with its zero value if need be."""
    if t.startswith("[") and isinstance(found, list):
        return [complete(item, t[1:-1]) for item in found]
    if t.startswith("{") and isinstance(found, dict):
        return {key: complete(item, t[1:-1]) for key, item in found.items()}
    if not schema.is_struct(t) or not isinstance(found, dict):
        return found
    rows = schema.fields(t)
    made = {name: complete(item, rows[name].t) if name in rows else item for name, item in found.items()}
    for name, row in rows.items():
        if row.required and made.get(name) is None:
            made[name] = _zero(row.t)
    return made


def _zero(t: str) -> Any:
    if t.startswith("["):
        return []
    if t.startswith("{") or t == "object":
        return {}
    if t == schema.TIME:
        return "0001-01-01T00:00:00Z"
    if t == schema.MICRO_TIME:
        return "0001-01-01T00:00:00.000000Z"
    return complete({}, t) if schema.is_struct(t) else _ZERO.get(t, 0 if t.startswith("integer") else "")


class _List(msgspec.Struct):
    kind: str = ""
    apiVersion: str = ""
    metadata: dict[str, Any] = {}
    items: list[msgspec.Raw] = []


_LIST = msgspec.json.Decoder(_List)


def encode_list(row: Resource, items: Iterable[bytes], metadata: Tree) -> bytes:
    """The JSON of a ``PodList``; each item comes as `with_revision` made it and loses its kind and apiVersion, as in Go, where
    only custom resources keep theirs."""
    cut = len(_head(row)) - len('"metadata":{')
    body = b",".join([b"{" + item[cut:] for item in items] if (row.api_version, row.kind) in BY_GVK else items)
    head = _encode({"kind": row.list_kind, "apiVersion": row.api_version, "metadata": metadata})
    return b'%b,"items":[%b]}' % (head[:-1], body)


def decode_list(data: bytes) -> tuple[int, list[bytes]]:
    """(resourceVersion, items) of a list; each item has its kind and apiVersion back, so `typed` and `tree` share it with
    watches."""
    found = _LIST.decode(data)
    revision = int(found.metadata.get("resourceVersion") or 0)
    row = BY_GVK.get((found.apiVersion, found.kind.removesuffix("List")))
    if row is None:
        return revision, [bytes(item) for item in found.items]
    head = _head(row)[: -len('"metadata":{')]
    return revision, [head + bytes(item)[1:] for item in found.items]


def split_revision(data: bytes) -> tuple[str, str, str, int]:
    """(kind, namespace, name, resourceVersion) of an object's bytes."""
    found = tree(data)
    metadata = found.get("metadata", {})
    return (
        found.get("kind", ""), metadata.get("namespace", ""), metadata.get("name", ""),
        int(metadata.get("resourceVersion") or 0),
    )  # fmt: skip
