"""The schema table: every type of the official API with its fields, list semantics and patch strategies.

The table (``assets/schema-1.36.json``) is read once, at first need. A type's ``t`` texts are: ``string``, ``string:byte``,
``string:date-time``, ``integer:int32``, ``boolean``, ``number:double``, ``object``, ``int-or-string``, ``[t]`` for a list,
``{t}`` for a map, or the full name of another type.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor import paths

QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
MICRO_TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"
TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.Time"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"


class Table(msgspec.Struct):
    """The file as it is."""

    kubernetes: str
    operations: list[tuple[str, str, str, str]]
    types: dict[str, dict[str, Any]]


class Field(NamedTuple):
    """One field of a type. ``merge_key`` and ``merge`` drive strategic merge patches, ``keys`` server-side apply."""

    name: str
    t: str
    required: bool
    number: int
    merge: bool
    merge_key: str


@lru_cache(maxsize=1)
def table() -> Table:
    """The whole table."""
    data = (paths.assets() / "schema-1.36.json").read_bytes()
    return msgspec.json.decode(data, type=Table)


@lru_cache(maxsize=1)
def _kinds() -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for name, row in table().types.items():
        for group, version, kind in row.get("gvk", ()):
            found.setdefault((group, version, kind), name)
    return found


def type_of(group: str, version: str, kind: str) -> str | None:
    """Full name of a kind's type, or None when the API has no such kind."""
    return _kinds().get((group, version, kind))


@cache
def fields(type_name: str) -> dict[str, Field]:
    """The fields of a type by name; empty for types without (``Quantity``)."""
    rows = table().types[type_name].get("fields", {})
    return {
        name: Field(
            name,
            row["t"],
            row.get("required", False),
            row.get("n", 0),
            "merge" in row.get("patch", ""),
            row.get("mergeKey", ""),
        )
        for name, row in rows.items()
    }


@cache
def primitive(type_name: str) -> str:
    """What a type without fields is: ``string``, ``int-or-string``, ``object``, ...; empty for a struct."""
    row = table().types[type_name]
    return "" if "fields" in row else str(row.get("type", "object"))


def is_struct(t: str) -> bool:
    """Whether a ``t`` names a type with fields."""
    return t.startswith("io.") and not primitive(t)


def short(type_name: str) -> str:
    """``io.k8s.api.core.v1.PodSpec`` → ``v1.PodSpec``: how Go prints a type."""
    *_, version, name = type_name.split(".")
    return f"{version}.{name}"
