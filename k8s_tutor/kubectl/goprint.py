"""Values as Go prints them: ``%v``, ``%#v``, JSON with its escapes."""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> str:
    """``%v``: ``map[a:1 b:[x y]]``."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{plain(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(plain(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)


def sharp(value: Any) -> str:
    """``%#v`` of decoded JSON: ``map[string]interface {}{"a":1}``."""
    if isinstance(value, dict):
        return "map[string]interface {}{" + ", ".join(f"{quoted(key)}:{sharp(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[]interface {}{" + ", ".join(sharp(item) for item in value) + "}"
    if isinstance(value, str):
        return quoted(value)
    return "interface {}(nil)" if value is None else plain(value)


def quoted(text: str) -> str:
    """``%q``."""
    return json.dumps(text, ensure_ascii=False)
