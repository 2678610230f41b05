"""Tables of custom resources: the columns of their definition, read by JSONPath (apiextensions-apiserver
registry/customresource/tableconvertor)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from k8s_tutor.api import tables
from k8s_tutor.api.crd import rows
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.tables import Moment

Tree = dict[str, Any]

_encode = msgspec.json.Encoder().encode

_AGE: Tree = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_STEP = re.compile(
    r"\.(?P<field>(?:\\.|[^.\[\]\\])+)|\[(?P<index>-?\d+)\]|\[(?P<all>\*)\]|\['(?P<quoted>[^']*)'\]"
    r"|\[\?\(\s*@\.(?P<key>[\w.-]+)\s*(?P<op>==|!=)\s*(?P<value>\"[^\"]*\"|'[^']*'|[\w.-]+)\s*\)\]"
)


def _columns(row: Resource) -> list[Tree]:
    found: list[Tree] = rows.version_of(row).get("additionalPrinterColumns") or [_AGE]
    return found


@lru_cache(maxsize=512)
def _steps(path: str) -> tuple[re.Match[str], ...]:
    text = path.strip().removeprefix("{").removesuffix("}")
    return tuple(_STEP.finditer(text if text.startswith((".", "[")) else f".{text}"))


def find(tree: Any, path: str) -> list[Any]:
    """Every value that a simple JSONPath leads to."""
    found = [tree]
    for step in _steps(path):
        found = [child for value in found for child in _below(value, step)]
    return found


def _below(value: Any, step: re.Match[str]) -> list[Any]:
    name = step["field"] or step["quoted"]
    if name is not None:
        name = name.replace("\\", "")
        if name == "*":
            return list(value.values()) if isinstance(value, dict) else []
        return [value[name]] if isinstance(value, dict) and name in value else []
    if not isinstance(value, list):
        return []
    if step["all"]:
        return value
    if step["index"]:
        index = int(step["index"])
        return [value[index]] if -len(value) <= index < len(value) else []
    wanted = step["value"].strip("\"'")
    return [item for item in value if (_text(_first(item, step["key"])) == wanted) is (step["op"] == "==")]


def _first(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()


def _cell(column: Tree, tree: Tree, at: Moment) -> Any:
    found = find(tree, column["jsonPath"])
    if not found:
        return None
    value, kind = found[0], column["type"]
    match kind:
        case "string":
            return _text(value)
        case "date":
            return at.age(value) if isinstance(value, str) else "<unknown>"
        case "boolean":
            return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if kind == "integer" else value


def _header(column: Tree) -> Tree:
    path = column["jsonPath"]
    return {
        "name": column["name"], "type": column["type"], "format": column.get("format", ""),
        "description": column.get("description") or f"Custom resource definition column (in JSONPath format): {path}",
        "priority": column.get("priority", 0),
    }  # fmt: skip


def table(row: Resource, trees: Iterable[Tree], metadata: Tree, at: Moment, whole: bool = False) -> Tree:
    """As `tables.table`."""
    own = _columns(row)
    lines = []
    for tree in trees:
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": tree["metadata"]}
        cells = [tree["metadata"]["name"], *(_cell(column, tree, at) for column in own)]
        lines.append({"cells": cells, "object": tree if whole else partial})
    headers = [tables.NAME.tree(), *(_header(column) for column in own)]
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": headers, "rows": lines}
