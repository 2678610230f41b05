"""Templates: JSON trees whose texts may hold ``${...}``, a CEL expression.

A text that is nothing but one expression becomes its value, whatever its type; in other texts each expression becomes words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from k8s_tutor.api import cel


class TemplateFailure(Exception):
    """A text that is no template, or an expression without a value. ``missing``: it reads a field that is not there (yet)."""

    def __init__(self, text: str, missing: bool = False) -> None:
        super().__init__(text)
        self.missing = missing


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is an expression. Raises TemplateFailure: ``${`` without its ``}``."""
    at = 0
    while (begin := text.find("${", at)) >= 0:
        if begin > at:
            yield text[at:begin], False
        end = _end(text, begin + 2)
        yield text[begin + 2 : end], True
        at = end + 1
    if at < len(text):
        yield text[at:], False


def _end(text: str, at: int) -> int:
    """The place of the brace that closes an expression; braces and quotes inside it are skipped."""
    depth, quote = 0, ""
    for place in range(at, len(text)):
        char = text[place]
        if quote:
            quote = "" if char == quote and text[place - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}":
            if not depth:
                return place
            depth -= 1
    raise TemplateFailure(f"{text!r}: the expression has no end; close it with a brace: ${{self.metadata.name}}")


def check(source: str, known: tuple[str, ...]) -> None:
    """Whether an expression is CEL and names only what is ``known``. Raises TemplateFailure."""
    try:
        unknown = cel.program(source).unknown(known)
    except cel.CelFailure as failure:
        raise TemplateFailure(f"{source!r} is no CEL: {_plainly(str(failure))}") from None
    if unknown:
        words = " and ".join(filter(None, (", ".join(known[:-1]), known[-1])))
        raise TemplateFailure(f"{source!r}: undeclared reference to {unknown[0]!r}; an expression here knows {words}")


def _plainly(text: str) -> str:
    """The library's words about a syntax error: what is wrong, without what it would have liked."""
    found = re.search(r"<input>:\d+:(\d+): (?:Syntax error: )?([^\n]*)", text)
    if found is None:
        return text
    what = re.sub(r" expecting \{.*", "", found[2]).replace("'<EOF>'", "the end")
    return f"{what}, at character {found[1]}"


def check_tree(tree: Any, known: tuple[str, ...]) -> None:
    """`check` for each expression of a template."""
    if isinstance(tree, dict):
        for value in tree.values():
            check_tree(value, known)
    elif isinstance(tree, list):
        for value in tree:
            check_tree(value, known)
    elif isinstance(tree, str):
        for piece, is_expression in pieces(tree):
            if is_expression:
                check(piece, known)


def value(source: str, variables: dict[str, Any]) -> Any:
    """What an expression is worth. Raises TemplateFailure."""
    try:
        return cel.program(source).run(variables)
    except cel.CelFailure as failure:
        text = str(failure)
        raise TemplateFailure(f"{source}: {text}", missing=text.startswith("no such key: ")) from None


def filled(template: Any, variables: dict[str, Any]) -> Any:
    """A fresh tree with the values of all expressions. Raises TemplateFailure."""
    if isinstance(template, dict):
        return {key: filled(inside, variables) for key, inside in template.items()}
    if isinstance(template, list):
        return [filled(inside, variables) for inside in template]
    if not isinstance(template, str) or "${" not in template:
        return template
    found = [value(piece, variables) if is_expression else piece for piece, is_expression in pieces(template)]
    return found[0] if len(found) == 1 else "".join(_word(one) for one in found)


def _word(found: Any) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    return "" if found is None else str(found)


def available(template: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
    """The fields of a template that have a value by now; None for those whose expression reads what is not there yet. Raises
    TemplateFailure for other troubles."""
    out: dict[str, Any] = {}
    for key, inside in template.items():
        try:
            out[key] = available(inside, variables) if isinstance(inside, dict) else filled(inside, variables)
        except TemplateFailure as failure:
            if not failure.missing:
                raise
            out[key] = None
    return out
