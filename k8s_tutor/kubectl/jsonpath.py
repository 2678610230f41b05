"""kubectl's JSONPath templates, the part that people use (client-go util/jsonpath).

``{.items[*].metadata.name}``, ``{.spec.containers[0].image}``, ``{.metadata.labels.app\\.kubernetes\\.io/name}``,
``{..name}``, ``{.items[?(@.status.phase=="Running")].metadata.name}``, ``{range .items[*]}{.metadata.name}{"\\n"}{end}``.
"""

from __future__ import annotations

import json
import operator
import re
from typing import Any

from k8s_tutor.kubectl.errors import Failure

_COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
_STEP = re.compile(
    r"""(?P<deep>\.\.)?(?:
      \.?\[\?\(\s*@(?P<filter>[^=!<>)]*)\s*(?:(?P<op>==|!=|<=|>=|<|>)\s*(?P<value>'[^']*'|"[^"]*"|[^)]*?))?\s*\)\]
    | \.?\[(?P<index>[^\]]*)\]
    | \.?(?P<name>(?:\\.|[^.\[\]\\{}\s])+)
    )""",
    re.VERBOSE,
)


def find(path: str, tree: Any) -> list[Any]:
    """All values that a path (``.metadata.name``, with or without braces and leading dot) leads to."""
    path = path.strip()
    if path.startswith("{") and path.endswith("}"):
        path = path[1:-1].strip()
    path = path.removeprefix("$").removeprefix("@")
    values, at = [tree], 0
    while at < len(path):
        if path[at] == "." and path[at:].strip(".") == "":
            break
        match = _STEP.match(path, at)
        if match is None or match.end() == at:
            raise Failure(f"error parsing jsonpath {path}, unrecognized character in action: {path[at]!r}")
        values = [found for value in values for found in _step(match, value)]
        at = match.end()
    return values


def _step(match: re.Match[str], value: Any) -> list[Any]:
    if match["deep"]:
        name = match["name"] or ""
        return [found[name] for found in _all(value) if isinstance(found, dict) and name in found]
    if match["filter"] is not None:
        return [item for item in value if _passes(match, item)] if isinstance(value, list) else []
    name = match["name"]
    if name is not None:
        if name == "*":
            return list(value.values()) if isinstance(value, dict) else list(value or [])
        name = re.sub(r"\\(.)", r"\1", name)
        return [value[name]] if isinstance(value, dict) and name in value else []
    return _index(match["index"], value)


def _index(index: str, value: Any) -> list[Any]:
    if index[:1] in ("'", '"'):
        name = index.strip("'\"")
        return [value[name]] if isinstance(value, dict) and name in value else []
    if index == "*":
        return list(value.values()) if isinstance(value, dict) else list(value or [])
    if not isinstance(value, list):
        return []
    if ":" in index:
        bounds = [int(part) if part.strip() else None for part in index.split(":")]
        return value[slice(*bounds)]
    place = int(index) if re.fullmatch(r"-?\d+", index) else None
    if place is None:
        raise Failure(f"error parsing jsonpath [{index}], invalid array index {index}")
    if not -len(value) <= place < len(value):
        raise Failure(f"error executing jsonpath: array index out of bounds: index {place}, length {len(value)}")
    return [value[place]]


def _all(value: Any) -> list[Any]:
    found = [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        found += _all(child)
    return found


def _passes(match: re.Match[str], item: Any) -> bool:
    left = find(match["filter"].strip(), item)
    if match["op"] is None:
        return bool(left)
    literal = match["value"].strip()
    right: Any = literal.strip("'\"")
    if literal[:1] not in ("'", '"'):
        try:
            right = json.loads(literal)
        except ValueError:
            right = literal
    if not left:
        return False
    try:
        return bool(_COMPARE[match["op"]](left[0], right))
    except TypeError:
        return False


def text(value: Any) -> str:
    """A value as a template prints it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def render(template: str, tree: Any) -> str:
    """Fill a template. Raises `Failure` when it cannot be read."""
    if not template:
        raise Failure("template format specified but no template given")
    if "{" not in template:
        template = "{" + ("" if template.startswith(("$", ".")) else ".") + template + "}"
    out, _ = _render(re.findall(r"\{(?:\"(?:\\.|[^\"])*\"|'(?:\\.|[^'])*'|[^{}])*\}|[^{]+|\{", template), 0, tree)
    return out


def _render(parts: list[str], at: int, tree: Any) -> tuple[str, int]:
    """Text of the parts from ``at`` to the end (or to the ``{end}`` of this range), and where it stopped."""
    out = ""
    while at < len(parts):
        part = parts[at]
        at += 1
        if not part.startswith("{"):
            out += part
            continue
        if not part.endswith("}"):
            raise Failure("error parsing jsonpath, unclosed action")
        inner = part[1:-1].strip()
        if inner == "end":
            return out, at
        if inner.startswith("range "):
            stop = at
            for value in find(inner[6:], tree):
                body, stop = _render(parts, at, value)
                out += body
            at = stop if stop != at else _skip(parts, at)
        elif inner[:1] in ("'", '"'):
            out += inner[1:-1].replace("\\n", "\n").replace("\\t", "\t")
        else:
            out += " ".join(text(value) for value in find(inner, tree))
    return out, at


def _skip(parts: list[str], at: int) -> int:
    depth = 1
    while at < len(parts) and depth:
        inner = parts[at][1:-1].strip() if parts[at].startswith("{") else ""
        depth += inner.startswith("range ")
        depth -= inner == "end"
        at += 1
    return at
