"""What the values of a field mean, as the OpenAPI document says it (``assets/enums-1.36.json``).

Source: kube-openapi pkg/generators/enum.go writes the comments of Go's constants below a field's description.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from k8s_tutor import paths


class _Enum(msgspec.Struct):
    """Fields that have the same type (``core.v1.PodSpec.dnsPolicy``) and the words for its values."""

    fields: list[str]
    values: dict[str, str]


class _File(msgspec.Struct):
    """The whole asset."""

    about: str
    enums: list[_Enum]


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, str]]:
    data = (paths.assets() / "enums-1.36.json").read_bytes()
    found = msgspec.json.decode(data, type=_File)
    return {f"io.k8s.api.{field}": enum.values for enum in found.enums for field in enum.fields}


def described(text: str, type_name: str, field: str, values: list[str]) -> str:
    """A field's description, and below it each of its values with its meaning, if it has words of its own."""
    words = _words().get(f"{type_name}.{field}", {})
    lines = [f' - `"{value}"` {words.get(value, "")}'.rstrip() for value in values]
    return "\n".join([text, "", "Possible enum values:", *lines] if text else ["Possible enum values:", *lines])
