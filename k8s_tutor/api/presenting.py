"""In which form a client wants objects: whole, as a Table, or only their metadata (apiserver endpoints/handlers/response.go,
endpoints/handlers/negotiation)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from k8s_tutor.api import scheme, status, tables
from k8s_tutor.api.crd import columns
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.tables import Moment
from k8s_tutor.api.wire import Request

Tree = dict[str, Any]

_encode = msgspec.json.Encoder().encode

META = "meta.k8s.io"
TABLE, PARTIAL, PARTIAL_LIST = "Table", "PartialObjectMetadata", "PartialObjectMetadataList"
_MEDIA = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_ANY = ("*/*", "application/*")


@lru_cache(maxsize=256)
def form(accept: str) -> tuple[str, str]:
    """(form, version of meta.k8s.io) that a client asks for; empty for the object itself. Raises a Refusal (406)."""
    offered = (TABLE, PARTIAL, PARTIAL_LIST)
    for part in accept.split(",") if accept else ("*/*",):
        words = [word.strip() for word in part.split(";")]
        given = dict(word.partition("=")[::2] for word in words[1:])
        if words[0] not in (*_MEDIA, *_ANY):
            continue
        wanted = given.get("as", "")
        if not wanted:
            return "", ""
        if words[0] != _MEDIA[2] and wanted in offered and given.get("g") == META and given.get("v") in ("v1", "v1beta1"):
            return wanted, given["v"]
    raise status.not_acceptable(_MEDIA)


def check(row: Resource, request: Request, verb: str) -> None:
    """Raises a Refusal (406) when nothing that the client takes can be given, (400) for rows that there are not."""
    if request.accept == "application/json":
        return
    wanted, _ = form(request.accept)
    if wanted == PARTIAL and verb == "list":
        why = f"you requested {PARTIAL}, but the requested object is a list ({_go_type(row, 'List')})"
        raise status.failure(406, "NotAcceptable", why)
    if wanted == PARTIAL_LIST and verb == "get":
        why = f"you requested {PARTIAL_LIST}, but the requested object is not a list ({_go_type(row)})"
        raise status.failure(406, "NotAcceptable", why)
    if wanted != TABLE:
        return
    whole = request.parameter("includeObject")
    if whole not in ("", "None", "Metadata", "Object"):
        words = f'Invalid value: "{whole}": must be \'Metadata\', \'Object\', \'None\', or empty'
        raise status.bad_request(f"Unable to convert to Table as requested: includeObject: {words}")


def _go_type(row: Resource, suffix: str = "") -> str:
    """What the API server calls an object or a list inside."""
    if row.custom:
        return f"*unstructured.Unstructured{suffix}"
    home = row.stored_as or row
    package = home.group.partition(".")[0] or "core"
    return f"*{package}.{home.kind}{suffix}"


def _table(row: Resource, trees: list[Tree], metadata: Tree, at: Moment, whole: str, version: str) -> Tree:
    made = columns.table if row.custom else tables.table
    found = made(row, trees, metadata, at, whole == "Object")
    if whole == "None":
        for line in found["rows"]:
            line["object"] = None
    return {**found, "apiVersion": f"{META}/{version}"}


def partial(tree: Tree, version: str) -> Tree:
    """Only the metadata of an object."""
    return {"kind": PARTIAL, "apiVersion": f"{META}/{version}", "metadata": tree["metadata"]}


def one(row: Resource, request: Request, data: bytes, at: Moment, watching: bool = False) -> bytes:
    """One object as the client wants it; in a watch a Table has one row, and an object only of what is asked for."""
    if request.accept == "application/json":
        return data
    wanted, version = form(request.accept) if not watching else _watched(request.accept)
    if not wanted:
        return data
    tree = scheme.whole(data)
    if wanted == PARTIAL:
        return _encode(partial(tree, version))
    metadata = {"resourceVersion": tree["metadata"].get("resourceVersion", "")}
    return _encode(_table(row, [tree], metadata, at, request.parameter("includeObject"), version))


def _watched(accept: str) -> tuple[str, str]:
    wanted, version = form(accept.replace(PARTIAL_LIST, PARTIAL))
    return wanted, version


def many(row: Resource, request: Request, items: list[bytes], metadata: Tree, at: Moment) -> bytes:
    """A list as the client wants it."""
    wanted, version = ("", "") if request.accept == "application/json" else form(request.accept)
    if not wanted:
        return scheme.encode_list(row, items, metadata)
    trees = [scheme.whole(item) if request.managed else scheme.tree(item) for item in items]
    if wanted == TABLE:
        return _encode(_table(row, trees, metadata, at, request.parameter("includeObject"), version))
    head = {"kind": PARTIAL_LIST, "apiVersion": f"{META}/{version}", "metadata": metadata}
    return _encode({**head, "items": [partial(tree, version) for tree in trees]})
