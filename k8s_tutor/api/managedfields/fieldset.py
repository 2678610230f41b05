"""Sets of field paths, and the JSON form ``FieldsV1`` that they are kept in.

A path is a tuple of steps as ``FieldsV1`` writes them: ``f:spec`` (a field), ``k:{"name":"web"}`` (an item of a list with
keys), ``v:"x"`` (a member of a set). A set of paths is a frozenset; whatever leaves this module is in order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

Path = tuple[str, ...]
Paths = frozenset[Path]

EMPTY: Paths = frozenset()

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


def to_tree(paths: Paths) -> dict[str, Any]:
    """The ``FieldsV1`` of a set: a member that has members below it is marked with a dot."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
    return _dotted(root, (), paths)


def _dotted(node: dict[str, Any], path: Path, paths: Paths) -> dict[str, Any]:
    """Members that have something below them get their dot, in order."""
    found: dict[str, Any] = {}
    if node and path and path in paths:
        found["."] = {}
    for step in sorted(node):
        found[step] = _dotted(node[step], (*path, step), paths)
    return found


@lru_cache(maxsize=2048)
def encode(paths: Paths) -> bytes:
    """The JSON of a set."""
    return _encode(to_tree(paths))


def from_tree(tree: dict[str, Any]) -> Paths:
    """The set that a ``FieldsV1`` says."""
    found: list[Path] = []
    _collect(tree, (), found)
    return frozenset(found)


def _collect(node: dict[str, Any], path: Path, found: list[Path]) -> None:
    if not node:
        if path:
            found.append(path)
        return
    for step, below in node.items():
        if step == ".":
            found.append(path)
        else:
            _collect(below, (*path, step), found)


def prefixes(paths: Paths) -> Paths:
    """Every path of the set, and all that lie above one."""
    return frozenset(path[:length] for path in paths for length in range(1, len(path) + 1))


def written(path: Path) -> str:
    """A path as messages tell it: ``.spec.containers[name="web"].image``."""
    return "".join(_step(step) for step in path)


def _step(step: str) -> str:
    kind, _, text = step.partition(":")
    if kind == "f":
        return f".{text}"
    if kind == "k":
        keys = _decode(text)
        return "[" + ",".join(f"{name}={_encode(keys[name]).decode()}" for name in sorted(keys)) + "]"
    if kind == "v":
        return f"[={text}]"
    return f"[{text}]"


def key_step(keys: dict[str, Any]) -> str:
    """The step to a list item with these keys."""
    return f"k:{_encode(keys).decode()}"


def value_step(value: Any) -> str:
    """The step to a member of a set."""
    return f"v:{_encode(value).decode()}"
