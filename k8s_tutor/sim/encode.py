"""The canonical encoding: the same value gives the same bytes on every machine and in every process.

JSON by msgspec, with dictionaries and sets in sorted order. A `Body` becomes ``[type name, field, ...]``, bytes become
base64. What has no canonical form (a function, a handle, an arbitrary object) is refused with a TypeError that names its
type.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec


def _refuse(value: Any) -> Any:
    if isinstance(value, deque):
        return list(value)
    state = getattr(value, "__getstate__", None)
    if state is not None and hasattr(value, "copy"):
        return [type(value).__name__, _attributes(value)]
    raise TypeError(f"{type(value).__name__} has no canonical encoding")


def _attributes(value: Any) -> dict[str, Any]:
    """All attributes of a part of an actor, from its dictionary or its slots."""
    found = dict(getattr(value, "__dict__", {}))
    for cls in type(value).__mro__:
        for slot in getattr(cls, "__slots__", ()):
            if hasattr(value, slot):
                found[slot] = getattr(value, slot)
    return found


_encoder = msgspec.json.Encoder(enc_hook=_refuse, order="deterministic")


def encode(value: Any) -> bytes:
    """The canonical bytes of a value; raises TypeError for what has none."""
    return _encoder.encode(value)


def encode_records(records: list[Any]) -> bytes:
    """The canonical bytes of log records, a line each (so that hashing them does not depend on how they are grouped)."""
    return _encoder.encode_lines(records)
