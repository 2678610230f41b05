"""``-o go-template=``: the part of Go's text/template that people write on a command line.

Fields, variables, ``range``, ``if``/``else if``/``else``, ``with``, comparisons, ``and or not``, ``len index print printf
println base64decode``, pipes, and ``{{-``/``-}}``. No ``define`` or ``template``.
"""

from __future__ import annotations

import base64
import re
from typing import Any, NamedTuple

from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.goprint import plain, quoted

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|\(|\)|\||:=|=|,|\$\w*(?:\.[\w-]+)*|(?:\.[\w-]+)+|\.|-?\d+(?:\.\d+)?|[\w-]+|\S')
MISSING = "<no value>"


class Block(NamedTuple):
    """A piece: ``text``, ``show`` (an expression), ``if``, ``with`` or ``range`` with its branches."""

    kind: str
    words: tuple[str, ...] = ()
    body: tuple[Block, ...] = ()
    other: tuple[Block, ...] = ()


def render(template: str, tree: Any) -> str:
    """Fill a template. Raises `Failure`."""
    try:
        return _Run().fill(parse(template), tree, {"$": tree})
    except (TypeError, ValueError, IndexError, KeyError) as problem:
        raise Failure(f'error executing template "{template}": template: output: {problem}') from None


def parse(template: str) -> tuple[Block, ...]:
    """The pieces. Raises `Failure`."""
    parts: list[tuple[str, str]] = []
    at, trim = 0, False
    while at < len(template):
        opening = template.find("{{", at)
        text = template[at:] if opening < 0 else template[at:opening]
        text = text.lstrip() if trim else text
        if opening < 0:
            parts.append(("text", text))
            break
        closing = template.find("}}", opening)
        if closing < 0:
            raise Failure(f"error parsing template {template}, template: output:1: unclosed action")
        inner = template[opening + 2 : closing]
        if inner.startswith("- "):
            text, inner = text.rstrip(), inner[1:]
        trim = inner.endswith(" -")
        parts.append(("text", text))
        if not inner.strip().startswith("/*"):
            parts.append(("action", (inner[:-1] if trim else inner).strip()))
        at = closing + 2
    blocks, _, _ = _blocks(template, parts, False)
    return blocks


def _blocks(template: str, parts: list[tuple[str, str]], inside: bool) -> tuple[tuple[Block, ...], list[tuple[str, str]], str]:
    """Blocks up to the ``end`` or ``else`` that closes them; what is left, and what closed them."""
    found: list[Block] = []
    while parts:
        (kind, text), parts = parts[0], parts[1:]
        if kind == "text":
            found.append(Block("text", (text,)))
            continue
        words = tuple(_TOKEN.findall(text))
        head = words[0] if words else ""
        if head in ("end", "else"):
            if not inside:
                raise Failure(f"error parsing template {template}, template: output:1: unexpected {{{{{head}}}}}")
            return tuple(found), parts, text
        if head in ("if", "with", "range"):
            body, parts, closer = _blocks(template, parts, True)
            other: tuple[Block, ...] = ()
            if closer.startswith("else if"):
                again = [("action", closer.removeprefix("else ")), *parts, ("action", "end")]
                nested, parts, _ = _blocks(template, again, True)
                other = nested[:1]
            elif closer == "else":
                other, parts, _ = _blocks(template, parts, True)
            found.append(Block(head, words[1:], body, other))
        elif words:
            found.append(Block("show", words))
    if inside:
        raise Failure(f"error parsing template {template}, template: output:1: unexpected EOF")
    return tuple(found), parts, ""


class _Run:
    """One filling."""

    def fill(self, blocks: tuple[Block, ...], dot: Any, names: dict[str, Any]) -> str:
        out = ""
        for block in blocks:
            if block.kind == "text":
                out += block.words[0]
            elif block.kind == "show":
                out += self._show(block, dot, names)
            elif block.kind == "range":
                out += self._range(block, dot, names)
            else:
                value = self._pipeline(list(block.words), dot, names)
                chosen = block.body if _truth(value) else block.other
                out += self.fill(chosen, value if block.kind == "with" and _truth(value) else dot, dict(names))
        return out

    def _show(self, block: Block, dot: Any, names: dict[str, Any]) -> str:
        words = list(block.words)
        if len(words) > 2 and words[1] in (":=", "="):
            names[words[0]] = self._pipeline(words[2:], dot, names)
            return ""
        value = self._pipeline(words, dot, names)
        return MISSING if value is None else plain(value)

    def _range(self, block: Block, dot: Any, names: dict[str, Any]) -> str:
        words = list(block.words)
        variables: list[str] = []
        if ":=" in words:
            cut = words.index(":=")
            variables, words = [word for word in words[:cut] if word != ","], words[cut + 1 :]
        value = self._pipeline(words, dot, names)
        pairs = sorted(value.items()) if isinstance(value, dict) else list(enumerate(value or []))
        if not pairs:
            return self.fill(block.other, dot, names)
        out = ""
        for key, item in pairs:
            inner = dict(names)
            if variables:
                inner[variables[-1]] = item
            if len(variables) == 2:
                inner[variables[0]] = key
            out += self.fill(block.body, item, inner)
        return out

    def _pipeline(self, words: list[str], dot: Any, names: dict[str, Any]) -> Any:
        groups: list[list[str]] = [[]]
        depth = 0
        for word in words:
            depth += (word == "(") - (word == ")")
            if word == "|" and not depth:
                groups.append([])
            else:
                groups[-1].append(word)
        value = self._call(groups[0], [], dot, names)
        for group in groups[1:]:
            value = self._call(group, [value], dot, names)
        return value

    def _call(self, words: list[str], last: list[Any], dot: Any, names: dict[str, Any]) -> Any:
        arguments: list[Any] = []
        name = ""
        if words and re.fullmatch(r"[a-z]\w*", words[0]) and words[0] not in ("true", "false", "nil"):
            name, words = words[0], words[1:]
        at = 0
        while at < len(words):
            if words[at] == "(":
                end = _closing(words, at)
                arguments.append(self._pipeline(words[at + 1 : end], dot, names))
                at = end + 1
            else:
                arguments.append(_operand(words[at], dot, names))
                at += 1
        arguments += last
        if not name:
            return arguments[0] if arguments else None
        if name not in _FUNCTIONS:
            raise Failure(f'error parsing template, template: output:1: function "{name}" not defined')
        return _FUNCTIONS[name](*arguments)


def _closing(words: list[str], at: int) -> int:
    depth = 0
    for place in range(at, len(words)):
        depth += (words[place] == "(") - (words[place] == ")")
        if not depth:
            return place
    raise ValueError("unclosed left paren")


def _operand(word: str, dot: Any, names: dict[str, Any]) -> Any:
    if word[0] in "\"`":
        if word[0] == "`":
            return word[1:-1]
        return re.sub(r"\\(.)", lambda hit: {"n": "\n", "t": "\t"}.get(hit[1], hit[1]), word[1:-1])
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    if word in ("true", "false", "nil"):
        return {"true": True, "false": False}.get(word)
    head, *path = word.split(".")
    value = dot
    if head.startswith("$"):
        if head not in names:
            raise ValueError(f'undefined variable "{head}"')
        value = names[head]
    for key in path:
        if key:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def _truth(value: Any) -> bool:
    return bool(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else value[key]
    return value


def _printf(form: str, *arguments: Any) -> str:
    left = list(arguments)

    def one(hit: re.Match[str]) -> str:
        if hit[2] == "%":
            return "%"
        value = left.pop(0) if left else ""
        text = quoted(str(value)) if hit[2] == "q" else plain(value)
        width = re.match(r"(-?)(\d+)", hit[1])
        return text if not width else text.ljust(int(width[2])) if width[1] else text.rjust(int(width[2]))

    return re.sub(r"%([-0-9.]*)([a-z%])", one, form)


_FUNCTIONS: dict[str, Any] = {
    "and": lambda *values: next((value for value in values if not value), values[-1]),
    "or": lambda *values: next((value for value in values if value), values[-1]),
    "not": lambda value: not value,
    "eq": lambda first, *others: first in others,
    "ne": lambda one, two: one != two,
    "lt": lambda one, two: one < two,
    "le": lambda one, two: one <= two,
    "gt": lambda one, two: one > two,
    "ge": lambda one, two: one >= two,
    "len": lambda value: len(value or ()),
    "index": _index,
    "exists": lambda value, *keys: _index(value, *keys) is not None,
    "print": lambda *values: "".join(plain(value) for value in values),
    "println": lambda *values: " ".join(plain(value) for value in values) + "\n",
    "printf": _printf,
    "base64decode": lambda value: base64.b64decode(value).decode("utf-8", "replace"),
}
