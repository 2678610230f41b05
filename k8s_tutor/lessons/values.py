"""Values that stand in lesson files as text: durations, ranges, conditions."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from k8s_tutor.sim import MS, SECOND

_UNITS = {"us": 1, "µs": 1, "ms": MS, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|s|m|h)")


def micros(text: Any) -> int:
    """A duration such as ``500ms``, ``60s`` or ``1m30s`` in µs. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError(f"a duration needs a unit, e.g. 500ms or 60s, not {text!r}")
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration: write it like 500ms, 60s or 1m30s")
    return sum(round(float(number) * _UNITS[unit]) for number, unit in parts)


def in_words(us: int) -> str:
    """A duration in µs as it would stand in a lesson: ``500ms``, ``60s``."""
    if us % SECOND == 0:
        return f"{us // SECOND}s"
    return f"{us // MS}ms" if us % MS == 0 else f"{us}us"


def clock(us: int) -> str:
    """An instant for people: minutes, seconds and thousandths, ``00:03.214``."""
    return f"{us // (60 * SECOND):02d}:{us // SECOND % 60:02d}.{us // MS % 1000:03d}"


def span(text: Any) -> tuple[int, int]:
    """A range such as ``1..9`` or a single number as (first, last). Raises ValueError."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text, text
    match = re.fullmatch(r"(\d+)\.\.(\d+)", text) if isinstance(text, str) else None
    if match is None or int(match[1]) > int(match[2]):
        raise ValueError(f"{text!r} is no range: write it like 1..9")
    return int(match[1]), int(match[2])


Duration = Annotated[
    int,
    BeforeValidator(micros),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(us|µs|ms|s|m|h))+$", "examples": ["500ms", "60s"]}),
]
"""A duration in µs; ``500ms`` in a file."""

Range = Annotated[
    tuple[int, int],
    BeforeValidator(span),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+\.\.\d+$"}, {"type": "integer"}], "examples": ["1..9"]}),
]
"""(first, last); ``1..9`` in a file."""

Condition = Annotated[str, WithJsonSchema({"type": "string", "description": "A CEL expression that is true or false"})]
"""A CEL expression over the names of `k8s_tutor.lessons.names`."""


def spoken(value: Any) -> Any:
    """One condition as a mapping without words; a mapping from words to conditions as it is. Raises ValueError."""
    if isinstance(value, str):
        return {"": value} if value else {}
    if not isinstance(value, dict):
        raise ValueError('must be a CEL expression in quotes, or a mapping such as {"two are away": "raft.up == 1"}')
    return value


Conditions = Annotated[
    dict[str, str],
    BeforeValidator(spoken),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}],
            "description": "A CEL expression, or a mapping from what it means in words to the expression; all must hold",
        }
    ),
]
"""words → CEL; all must hold. A single expression has no words."""
