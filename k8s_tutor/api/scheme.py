"""Kinds and resources, where etcd keeps them, and how one revision becomes the one struct that everybody reads.

A further kind is one more row of `RESOURCES`. The bytes of an object always start with its kind, its apiVersion and its
metadata, in that order, so that the resourceVersion (which etcd knows, and the stored bytes do not) can be slipped in at a
known place.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import schema

Tree = dict[str, Any]


class Resource(NamedTuple):
    """One kind: its names in URLs, in etcd and on the command line."""

    kind: str
    plural: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    registry: str = ""
    """Folder below ``/registry`` where it differs from the plural."""
    categories: tuple[str, ...] = ()
    create_on_update: bool = False
    """A PUT to a name that does not exist creates the object."""
    generation: bool = False
    """``metadata.generation`` counts changes of the spec."""
    name_rule: str = "subdomain"
    """Shape of the name: ``subdomain``, ``label`` (DNS-1123) or ``label1035``."""

    @property
    def singular(self) -> str:
        """``pod``."""
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        """``v1``, ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """``PodList``."""
        return f"{self.kind}List"

    @property
    def type_name(self) -> str:
        """Full name of the type in the schema table."""
        found = schema.type_of(self.group, self.version, self.kind)
        assert found is not None, self.kind
        return found

    @property
    def prefix(self) -> str:
        """All keys of this resource in etcd start so: ``/registry/pods/``."""
        return f"/registry/{self.registry or self.plural}/"

    @property
    def root(self) -> str:
        """Start of its URLs: ``/api/v1``, ``/apis/apps/v1``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def key(self, namespace: str, name: str) -> str:
        """``/registry/pods/default/web``."""
        return f"{self.prefix}{namespace}/{name}" if self.namespaced else f"{self.prefix}{name}"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL of a collection, an object or a subresource; no namespace means all of them."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        return "/".join([*parts, *([name] if name else []), *([subresource] if subresource else [])])


RESOURCES: tuple[Resource, ...] = (
    Resource("ConfigMap", "configmaps", short_names=("cm",)),
    Resource("Event", "events", short_names=("ev",)),
    Resource("Namespace", "namespaces", namespaced=False, short_names=("ns",), subresources=("finalize", "status"),
             name_rule="label"),
    Resource("Node", "nodes", namespaced=False, short_names=("no",), subresources=("status",), registry="minions"),
    Resource("Pod", "pods", short_names=("po",), subresources=("binding", "eviction", "status"), categories=("all",),
             generation=True),
    Resource("Service", "services", short_names=("svc",), subresources=("status",), registry="services/specs",
             categories=("all",), name_rule="label1035"),
    Resource("Deployment", "deployments", "apps", short_names=("deploy",), subresources=("scale", "status"),
             categories=("all",), generation=True),
    Resource("ReplicaSet", "replicasets", "apps", short_names=("rs",), subresources=("scale", "status"),
             categories=("all",), generation=True),
    Resource("Lease", "leases", "coordination.k8s.io", create_on_update=True),
    Resource("EndpointSlice", "endpointslices", "discovery.k8s.io", generation=True),
)  # fmt: skip
"""In the order of discovery: core first, then the groups by name."""

BY_PLURAL = {(row.group, row.version, row.plural): row for row in RESOURCES}
BY_KIND = {row.kind: row for row in RESOURCES}
BY_GVK = {(row.api_version, row.kind): row for row in RESOURCES}
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
    for row in RESOURCES:
        if word in (row.plural, row.singular, *row.short_names) and qualifier in (
            "", row.group, f"{row.version}.{row.group}",
        ):  # fmt: skip
            return row
    return None


def of_key(key: str) -> Resource | None:
    """The resource that a key in etcd belongs to, or None."""
    if not key.startswith("/registry/"):
        return None
    folder = key[10 : key.find("/", 10)]
    return _BY_FOLDER.get("services/specs" if folder == "services" and key.startswith("specs/", 19) else folder)


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
    row = BY_PLURAL.get((group, version, rest[0])) if rest else None
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


def encode(row: Resource, tree: Tree) -> bytes:
    """The bytes that etcd keeps: kind, apiVersion and metadata first, no resourceVersion."""
    metadata = {key: value for key, value in tree["metadata"].items() if key != "resourceVersion"}
    ordered = {"kind": row.kind, "apiVersion": row.api_version, "metadata": metadata}
    for key, value in tree.items():
        if key not in ordered:
            ordered[key] = value
    return _encode(ordered)


@lru_cache(maxsize=4096)
def with_revision(row: Resource, data: bytes, revision: int) -> bytes:
    """The stored bytes of an object, with the resourceVersion that etcd knows slipped in."""
    place = len(_head(row))
    return b'%b"resourceVersion":"%d",%b' % (data[:place], revision, data[place:])


def decode(data: bytes) -> Tree:
    """A tree of these bytes for oneself."""
    found: Tree = _decode(data)
    return found


@lru_cache(maxsize=4096)
def tree(data: bytes) -> Tree:
    """The JSON tree of these bytes, shared by all who ask: never change it in place."""
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
    """The typed struct (``lightkube.models``) of these bytes, shared by all who read this revision: never write to it."""
    head = _KIND.decode(data)
    row = BY_GVK[head.apiVersion, head.kind]
    try:
        return struct_decoder(row).decode(data)
    except msgspec.ValidationError:
        # Go fills absent fields with zero values; the structs insist on those that the schema calls required.
        return struct_decoder(row).decode(_encode(complete(_decode(data), row.type_name)))


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
    """The JSON of a ``PodList``; each item comes as `with_revision` made it and loses its kind and apiVersion, as in Go."""
    cut = len(_head(row)) - len('"metadata":{')
    body = b",".join([b"{" + item[cut:] for item in items])
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
