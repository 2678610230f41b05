"""From definitions to the rows that the server works with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api.managedfields import shapes
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="deterministic").encode


@lru_cache(maxsize=256)
def definition(data: bytes) -> Tree:
    """The tree of a definition's bytes: never change it in place."""
    found: Tree = _decode(data)
    return found


def is_true(tree: Tree, condition: str) -> bool:
    """Whether a condition of a definition's status is True."""
    conditions = tree.get("status", {}).get("conditions") or ()
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)


@lru_cache(maxsize=256)
def rows_of(data: bytes) -> tuple[Resource, ...]:
    """The rows of one definition, the stored version first; none before it is established."""
    tree = definition(data)
    if not is_true(tree, "Established"):
        return ()
    spec, names = tree["spec"], tree["status"].get("acceptedNames", {})
    # What else a definition says, labels for example, leaves its resources as they are.
    data = _encode({"spec": spec, "status": {"acceptedNames": names}})
    home: Resource | None = None
    found = []
    for version in sorted(spec["versions"], key=lambda one: not one.get("storage")):
        subresources = tuple(name for name in ("scale", "status") if name in version.get("subresources", {}))
        row = Resource(
            names["kind"], names["plural"], spec["group"], version["name"], spec["scope"] == "Namespaced",
            tuple(names.get("shortNames", ())), subresources, f"{spec['group']}/{names['plural']}",
            tuple(names.get("categories", ())), generation=True, custom=data, single=names.get("singular", ""),
            list_name=names.get("listKind", ""), stored_as=home, deprecated=_deprecation(version, spec["group"], names["kind"]),
        )  # fmt: skip
        if home is None:
            home = row
        found.append((row, version.get("served", False)))
    return tuple(row for row, served in found if served or row is home)


def _deprecation(version: Tree, group: str, kind: str) -> str:
    if not version.get("deprecated"):
        return ""
    return str(version.get("deprecationWarning") or f"{group}/{version['name']} {kind} is deprecated")


def custom_rows(definitions: Iterable[bytes]) -> list[Resource]:
    """The rows of all definitions."""
    return [row for data in definitions for row in rows_of(data)]


@lru_cache(maxsize=256)
def version_of(row: Resource) -> Tree:
    """The part of its definition that is about this row's version."""
    versions = definition(row.custom)["spec"]["versions"]
    found: Tree = next(one for one in versions if one["name"] == row.version)
    return found


def schema_of(row: Resource) -> Tree:
    """Its ``openAPIV3Schema``."""
    found: Tree = version_of(row).get("schema", {}).get("openAPIV3Schema", {"type": "object"})
    return found


@lru_cache(maxsize=256)
def has_defaults(row: Resource) -> bool:
    """Whether its schema fills anything in."""
    return b'"default":' in _encode(schema_of(row))


@lru_cache(maxsize=256)
def shape_of(row: Resource) -> shapes.Shape:
    """How its fields are merged."""
    return shapes.of_custom(schema_of(row))


class ScalePaths(NamedTuple):
    """Where a custom resource keeps its numbers; ``selector`` may be empty."""

    spec: tuple[str, ...]
    status: tuple[str, ...]
    selector: tuple[str, ...]


@lru_cache(maxsize=256)
def scale_paths(row: Resource) -> ScalePaths:
    """The paths of its scale subresource."""
    scale = version_of(row)["subresources"]["scale"]
    names = ("specReplicasPath", "statusReplicasPath", "labelSelectorPath")
    return ScalePaths(*(tuple(scale.get(name, "").split(".")[1:]) for name in names))


def selectable(row: Resource) -> tuple[str, ...]:
    """Further fields by which its objects can be selected: ``spec.colour``."""
    return tuple(one["jsonPath"].removeprefix(".") for one in version_of(row).get("selectableFields", ()))


def served(row: Resource) -> bool:
    """Whether clients may use this version."""
    return bool(version_of(row).get("served"))
