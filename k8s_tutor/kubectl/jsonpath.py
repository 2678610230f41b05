"""kubectl's JSONPath templates (client-go util/jsonpath): read once, then walked over an object.

``{.items[*].metadata.name}``, ``{.spec.containers[0,-1].image}``, ``{.metadata.labels['app','tier']}``, ``{..name}``,
``{.items[?(@.status.phase=="Running")].metadata.name}``, ``{range .items[*]}{.metadata.name}{"\\n"}{end}``.
"""

from __future__ import annotations

import json
import operator
import re
from functools import lru_cache
from typing import Any, NamedTuple

from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.goprint import sharp

_COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Step(NamedTuple):
    """One step of a path. ``kind``: field, wild, deep, union (of indexes, slices or names) or filter."""

    kind: str
    name: str = ""
    parts: tuple[str, ...] = ()
    filter: tuple[str, str, str] = ("", "", "")
    """(left, operator, right)."""


class Node(NamedTuple):
    """A piece of a template: ``text``, a ``path`` to print, or a ``range`` over one, with its body."""

    kind: str
    text: str = ""
    body: tuple[Node, ...] = ()


class OutOfBounds(ValueError):
    """An index or a step that the value does not allow."""


@lru_cache(maxsize=256)
def steps(path: str) -> tuple[Step, ...]:
    """The steps of a path (``.metadata.name``, with or without leading dot). Raises `Failure`."""
    text = path.strip().removeprefix("$").removeprefix("@")
    found: list[Step] = []
    at = 0
    while at < len(text):
        if text.startswith("..", at):
            found.append(Step("deep"))
            at += 2
            if at < len(text) and text[at] not in "[*":
                step, at = _name(text, at)
                found.append(step)
        elif text[at] == "[":
            step, at = _brackets(text, at)
            found.append(step)
        elif text[at] == ".":
            at += 1
            if at == len(text) or text[at] == "[":
                continue
            step, at = _name(text, at)
            found.append(step)
        elif at == 0 or text[at] == "*":
            step, at = _name(text, at)
            found.append(step)
        else:
            raise Failure(f"unrecognized character in action: U+{ord(text[at]):04X} {text[at]!r}")
    return tuple(found)


def _name(text: str, at: int) -> tuple[Step, int]:
    name = ""
    while at < len(text) and text[at] not in ".[]{}()|, \t\"'":
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        name += text[at]
        at += 1
    if not name:
        raise Failure(f"unrecognized character in action: U+{ord(text[at]):04X} {text[at]!r}" if at < len(text)
                      else "unterminated field")  # fmt: skip
    return (Step("wild") if name == "*" else Step("field", name)), at


def _brackets(text: str, at: int) -> tuple[Step, int]:
    end = _closing(text, at)
    inner = text[at + 1 : end].strip()
    if inner.startswith("?("):
        if not inner.endswith(")"):
            raise Failure("unclosed array expect ]")
        return Step("filter", filter=_filter(inner[2:-1].strip())), end + 1
    if inner == "*":
        return Step("wild"), end + 1
    parts = tuple(part.strip() for part in re.findall(r"'(?:\\.|[^'])*'|\"(?:\\.|[^\"])*\"|[^,]+", inner))
    for part in parts:
        quoted = part[:1] in ("'", '"')
        if not quoted and not re.fullmatch(r"-?\d+|-?\d*:-?\d*(?::-?\d*)?", part):
            raise Failure(f"invalid array index {part}")
    if not parts:
        raise Failure("invalid array index ")
    return Step("union", parts=parts), end + 1


def _closing(text: str, at: int) -> int:
    """Where the bracket that opens at ``at`` is closed."""
    depth, quote = 0, ""
    for place in range(at, len(text)):
        sign = text[place]
        if quote:
            quote = "" if sign == quote and text[place - 1] != "\\" else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "[":
            depth += 1
        elif sign == "]":
            depth -= 1
            if not depth:
                return place
    raise Failure("unterminated array" if "?" not in text[at:] else "unterminated filter")


def _filter(text: str) -> tuple[str, str, str]:
    quote = ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "=!<>":
            sign = text[place : place + 2] if text[place + 1 : place + 2] == "=" else sign
            if sign not in _COMPARE:
                raise Failure(f"unrecognized filter operator {sign}")
            return text[:place].strip(), sign, text[place + len(sign) :].strip()
    return text.strip(), "exists", ""


def find(path: str, tree: Any) -> list[Any]:
    """All values that a path (with or without braces) leads to; what is missing is left out."""
    path = path.strip()
    if path.startswith("{") and path.endswith("}"):
        path = path[1:-1].strip()
    return _walk(path, [tree])


def _walk(path: str, values: list[Any]) -> list[Any]:
    for step in steps(path):
        values = [found for value in values for found in _take(step, value)]
    return values


def _take(step: Step, value: Any) -> list[Any]:
    if step.kind == "field":
        if isinstance(value, dict):
            return [value[step.name]] if step.name in value else []
        return []
    if step.kind == "wild":
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if step.kind == "deep":
        return _all(value)
    if step.kind == "filter":
        return [item for item in _items(value) if _passes(step.filter, item)]
    return [found for part in step.parts for found in _index(part, value)]


def _items(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list | dict):
        raise OutOfBounds(f"{_kind(value)} is not array or slice and cannot be filtered")
    return value if isinstance(value, list) else list((value or {}).values())


def _kind(value: Any) -> str:
    return {str: "string", bool: "bool", int: "int64", float: "float64"}.get(type(value), "map")


def _index(part: str, value: Any) -> list[Any]:
    if part[:1] in ("'", '"'):
        name = re.sub(r"\\(.)", r"\1", part[1:-1])
        return [value[name]] if isinstance(value, dict) and name in value else []
    if value is None:
        return []
    if not isinstance(value, list):
        raise OutOfBounds(f"{_kind(value)} is not array or slice")
    if ":" in part:
        bounds = [int(one) if one else None for one in part.split(":")]
        return value[slice(*bounds)]
    place = int(part)
    if not -len(value) <= place < len(value):
        raise OutOfBounds(f"array index out of bounds: index {place}, length {len(value)}")
    return [value[place]]


def _all(value: Any) -> list[Any]:
    found = [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        found += _all(child)
    return found


def _passes(terms: tuple[str, str, str], item: Any) -> bool:
    left, sign, right = terms
    if sign == "exists":
        return bool(_walk(left, [item])) if left.startswith(("@", "$", ".")) else bool(left)
    one, two = _operand(left, item), _operand(right, item)
    if not one or not two:
        return False
    try:
        return bool(_COMPARE[sign](one[0], two[0]))
    except TypeError:
        return False


def _operand(text: str, item: Any) -> list[Any]:
    if text.startswith(("@", "$", ".")):
        return _walk(text, [item])
    if text[:1] in ("'", '"'):
        return [text[1:-1]]
    try:
        return [json.loads(text)]
    except ValueError:
        return [text]


def text(value: Any) -> str:
    """A value as a template prints it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


@lru_cache(maxsize=64)
def parse(template: str) -> tuple[Node, ...]:
    """The pieces of a template. Raises `Failure`."""
    try:
        nodes, _ = _nodes(template, 0, inside=False)
    except Failure as failure:
        raise Failure(f"error parsing jsonpath {template}, {failure.message}") from None
    return nodes


def _nodes(template: str, at: int, inside: bool) -> tuple[tuple[Node, ...], int]:
    """Pieces from ``at`` to the end, or to the ``{end}`` of the range that we are ``inside`` of."""
    found: list[Node] = []
    while at < len(template):
        opening = template.find("{", at)
        if opening < 0:
            found.append(Node("text", template[at:]))
            at = len(template)
            break
        if opening > at:
            found.append(Node("text", template[at:opening]))
        end = _brace(template, opening)
        inner, at = template[opening + 1 : end].strip(), end + 1
        if inner == "end":
            if not inside:
                raise Failure("not in range, nothing to end")
            return tuple(found), at
        if inner == "range" or inner.startswith("range "):
            path = inner[5:].strip()
            steps(path)
            body, at = _nodes(template, at, inside=True)
            found.append(Node("range", path, body))
        else:
            found += _action(inner)
    if inside:
        raise Failure("unterminated range")
    return tuple(found), at


def _brace(template: str, at: int) -> int:
    quote = ""
    for place in range(at + 1, len(template)):
        sign = template[place]
        if quote:
            quote = "" if sign == quote and template[place - 1] != "\\" else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "}":
            return place
    if "[" in template[at:] and "]" not in template[at:].rpartition("[")[2]:
        raise Failure("unterminated array")
    raise Failure("unclosed action")


def _action(inner: str) -> list[Node]:
    """What stands between braces: a text in quotes, or paths (several stand beside each other)."""
    if inner[:1] in ("'", '"'):
        if len(inner) < 2 or inner[-1] != inner[0]:
            raise Failure("unterminated quoted string")
        return [Node("text", re.sub(r"\\(.)", lambda hit: _ESCAPES.get(hit[1], hit[1]), inner[1:-1]))]
    steps(inner)
    return [Node("path", inner)]


def prepared(template: str) -> str:
    """The template as kubectl reads it: one without braces is a path."""
    if not template:
        raise Failure("template format specified but no template given")
    return template


def render(template: str, tree: Any) -> str:
    """Fill a template. Raises `Failure` when it cannot be read, or leads beyond a list's end."""
    try:
        return _render(parse(prepared(template)), tree)
    except OutOfBounds as problem:
        raise Failure(
            f'error executing jsonpath "{template}": Error executing template: {problem}. Printing more information for '
            f"debugging the template:\n\ttemplate was:\n\t\t{template}\n\tobject given to jsonpath engine was:\n\t\t"
            f"{sharp(tree)}\n\n\n"
        ) from None


def _render(nodes: tuple[Node, ...], tree: Any) -> str:
    out = ""
    for node in nodes:
        if node.kind == "text":
            out += node.text
        elif node.kind == "path":
            out += " ".join(text(value) for value in _walk(node.text, [tree]))
        else:
            out += "".join(_render(node.body, value) for value in _walk(node.text, [tree]))
    return out


def values(template: str, tree: Any) -> list[Any]:
    """All values that the paths of a template lead to (``-o jsonpath-as-json``)."""
    found: list[Any] = []
    for node in parse(prepared(template)):
        if node.kind == "path":
            found += _walk(node.text, [tree])
        elif node.kind == "range":
            for value in _walk(node.text, [tree]):
                for inner in node.body:
                    found += _walk(inner.text, [value]) if inner.kind == "path" else []
    return found
