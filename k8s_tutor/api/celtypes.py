"""Typed literals of CEL, ``Object.spec{replicas: 3}`` and ``JSONPatch{op: "add", ...}``, which the evaluator does not know, as
the maps that they are: ``{"replicas": 3}``."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(
    r"(?P<text>[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))"
    r"|(?P<type>\b(?:Object(?:\s*\.\s*[A-Za-z_]\w*)*|JSONPatch)(?=\s*\{))"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<space>\s+|//[^\n]*)|(?P<sign>.)",
    re.S,
)


@lru_cache(maxsize=1024)
def untyped(source: str) -> str:
    """The expression with maps for typed literals."""
    found: list[str] = []
    open_: list[str] = []
    typed, before = False, ""
    tokens = list(_TOKEN.finditer(source))
    for index, token in enumerate(tokens):
        kind, text = token.lastgroup, token[0]
        if kind == "type":
            typed = True
            continue
        if kind == "space":
            found.append(text)
            continue
        if text in ("{", "[", "("):
            open_.append("typed" if typed and text == "{" else text)
            typed = False
        elif text in ("}", "]", ")") and open_:
            open_.pop()
        field = kind == "name" and open_[-1:] == ["typed"] and before in ("{", ",")
        following = next((one[0] for one in tokens[index + 1 :] if one.lastgroup != "space"), "")
        found.append(f'"{text}"' if field and following == ":" else text)
        before = text
    return "".join(found)
