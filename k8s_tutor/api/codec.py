"""Decoding an object at the door: types checked, unknown fields seen, zero values dropped, quantities made canonical.

The fast way is one msgspec struct per type, generated from the schema table: decode, encode, and the JSON that comes out is
what Go's structs would print. Whatever the structs refuse (an unknown field, a wrong type, an odd quantity) goes the slow
way, a walk over the tree in `strict`, which knows Kubernetes' words for it.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from k8s_tutor.api import schema, strict
from k8s_tutor.api.strict import Tree

_INT32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
_INT64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_TIME = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
_MICRO_TIME = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
_QUANTITY = Annotated[str, Meta(pattern=r"^(0|[1-9]\d{0,2}([mkMG]|[KMG]i)?|[1-9]\d*([1-9]m|[13579]([KMG]i)?))$")]

_PRIMITIVES: dict[str, Any] = {
    "string": str,
    "string:byte": bytes,
    "boolean": bool,
    "integer:int32": _INT32,
    "integer:int64": _INT64,
    "number:double": float,
    "object": Any,
    "int-or-string": int | str,
}
_EMPTY: dict[str, Any] = {"string": "", "boolean": False, "integer:int32": 0, "integer:int64": 0}


@cache
def _python_type(t: str) -> Any:
    if t.startswith("["):
        return list[_python_type(t[1:-1])]  # type: ignore[misc]
    if t.startswith("{"):
        return dict[str, _python_type(t[1:-1])]  # type: ignore[misc]
    if t == schema.QUANTITY:
        return _QUANTITY
    if t == schema.TIME:
        return _TIME
    if t == schema.MICRO_TIME:
        return _MICRO_TIME
    if not t.startswith("io."):
        return _PRIMITIVES[t]
    primitive = schema.primitive(t)
    return _PRIMITIVES.get(primitive, Any) if primitive else _struct(t)


def _field(type_name: str, field: schema.Field) -> Any:
    """A struct field that is left out when it holds what Go's ``omitempty`` leaves out."""
    t = field.t
    if field.required or strict.keeps_zero(type_name, field):
        return msgspec.field(default=None, name=field.name)
    if t.startswith("["):
        return msgspec.field(default_factory=list, name=field.name)
    if t.startswith("{"):
        return msgspec.field(default_factory=dict, name=field.name)
    return msgspec.field(default=_EMPTY.get(t), name=field.name)


_BUILDING: list[str] = []


@cache
def _struct(type_name: str) -> Any:
    if type_name in _BUILDING:
        return Any
    _BUILDING.append(type_name)
    rows = sorted(schema.fields(type_name).values(), key=lambda field: (field.number, field.name))
    members = [
        (f"f{index}", _python_type(field.t) | None, _field(type_name, field))
        for index, field in enumerate(rows)
    ]
    _BUILDING.remove(type_name)
    name = type_name.rsplit(".", 1)[-1]
    return msgspec.defstruct(name, members, omit_defaults=True, forbid_unknown_fields=True, gc=False)


@cache
def _decoder(type_name: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_struct(type_name))


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Decoded(msgspec.Struct):
    """A checked object, and what was odd about it: texts of unknown and duplicate fields, for a warning or a refusal."""

    tree: Tree
    problems: tuple[str, ...] = ()


def decode(data: bytes, type_name: str) -> Decoded:
    """The normal tree of an object. Raises ValueError with the text of Go's decoder for a wrong type or bad JSON."""
    try:
        found = _encode(_decoder(type_name).decode(data))
    except msgspec.MsgspecError:
        return Decoded(*strict.decode(data, type_name))
    if b"null" in found:
        return Decoded(*strict.decode(data, type_name))
    tree = _decode(found)
    if len(found) != len(data) and _encode(_decode(data)) != data:
        # The text was not written by a machine that writes as we do: only then can a field be there twice.
        return Decoded(tree, strict.duplicates(data))
    return Decoded(tree)


def normal(tree: Tree, type_name: str) -> Decoded:
    """As `decode`, for a tree that a patch has made."""
    return decode(_encode(tree), type_name)
