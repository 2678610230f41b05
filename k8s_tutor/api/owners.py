"""``managedFields`` at the door: from a request and an object to the entries that are stored with it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from k8s_tutor.api import codec, options, status
from k8s_tutor.api.crd import rows
from k8s_tutor.api.managedfields import managers, shapes, typed
from k8s_tutor.api.managedfields.managers import Conflicts
from k8s_tutor.api.managedfields.trees import ShapeError
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.wire import Request

Tree = dict[str, Any]

_encode = msgspec.json.Encoder().encode


def shape_of(row: Resource) -> shapes.Shape:
    """How the fields of a resource are merged."""
    return rows.shape_of(row) if row.custom else shapes.of_type(row.type_name)


def created(row: Resource, tree: Tree, request: Request, stamp: str) -> bytes:
    """The entries of a new object, made from what its creator sent (defaults filled in, admission still to come)."""
    try:
        found = managers.created(
            shape_of(row), tree, options.manager(request), row.api_version, stamp, "status" in row.subresources
        )
    except ShapeError:  # nobody owns what cannot be named; validation will say more (UpdateNoErrors)
        return b""
    return managers.encode(found)


@lru_cache(maxsize=256)
def later(data: bytes, stamp: str) -> bytes:
    """The entries of one new object with another time, for objects made from one mould."""
    return managers.encode(tuple(entry._replace(time=stamp) for entry in managers.parse(data)))


def updated(row: Resource, before: bytes, old: Tree, new: Tree, request: Request, stamp: str, subresource: str) -> bytes:
    """The entries after a PUT or PATCH that makes ``new`` of ``old``."""
    known = managers.parse(before)
    try:
        entries = managers.updated(
            known, shape_of(row), old, new, options.manager(request), row.api_version, stamp, subresource
        )
    except ShapeError:
        return before
    return before if entries is known else managers.encode(entries)


def given(tree: Tree, before: bytes) -> bytes:
    """The entries that a client wrote into the object itself, if it did; what cannot be read counts as not written."""
    found = tree["metadata"].get("managedFields")
    if found is None:
        return before
    if found == [{}]:
        return b""
    try:
        entries = managers.from_trees(found)
    except (ValueError, AttributeError):
        return before
    return managers.encode(entries) if entries else before


def applied(
    row: Resource, live: Tree, before: bytes, config: Tree, request: Request, stamp: str, sub: str
) -> tuple[Tree, bytes]:
    """(merged tree, entries) of a server-side apply. Raises a Refusal (409, 500)."""
    try:
        found = managers.applied(
            managers.parse(before), shape_of(row), live, config, options.manager(request), row.api_version, stamp, sub,
            request.parameter("force") in ("true", "1"),
        )  # fmt: skip
    except Conflicts as conflict:
        details = {"causes": managers.causes(conflict.found)}
        raise status.failure(409, "Conflict", str(conflict), details) from None
    except ShapeError as error:
        raise status.internal_error(_typed_text(row, config, str(error))) from None
    except (AttributeError, TypeError) as error:
        raise status.internal_error(_typed_text(row, config, f"errors:\n  {error}")) from None
    return _with_last_applied(found.tree, live, config, request), managers.encode(found.entries)


def check_typed(row: Resource, config: Tree) -> None:
    """An applied configuration fits the type of its resource. Raises a Refusal (500)."""
    try:
        typed.check(row.type_name, config)
    except ShapeError as error:
        raise status.internal_error(_typed_text(row, config, str(error))) from None


def _typed_text(row: Resource, config: Tree, why: str) -> str:
    metadata = config.get("metadata", {})
    place = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
    version = row.api_version if row.group else f"/{row.version}"
    return f"failed to create typed patch object ({place}; {version}, Kind={row.kind}): {why}"


def _with_last_applied(merged: Tree, live: Tree, config: Tree, request: Request) -> Tree:
    """kubectl's own note of what it applied is kept true when the server applies for it."""
    annotations = live.get("metadata", {}).get("annotations", {})
    if options.manager(request) != "kubectl" or managers.LAST_APPLIED not in annotations:
        return merged
    text = _encode(config).decode() + "\n"
    metadata = merged["metadata"]
    own = {**metadata.get("annotations", {}), managers.LAST_APPLIED: text}
    return {**merged, "metadata": {**metadata, "annotations": own}}


def normal(row: Resource, tree: Tree) -> Tree:
    """A merged tree, checked against its type. Raises a Refusal."""
    if row.custom:
        return tree
    try:
        return codec.normal(tree, row.type_name).tree
    except ValueError as error:
        raise status.bad_request(str(error)) from None
