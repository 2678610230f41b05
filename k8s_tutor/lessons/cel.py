"""Conditions in CEL, over the view. `k8s_tutor.api.cel` compiles and evaluates.

The library knows neither our names nor our fields, so an expression is also walked once by a small checker of our own: every
variable, function, method and field must be in the table of `k8s_tutor.lessons.names`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from k8s_tutor.api import cel as engine
from k8s_tutor.api import scheme
from k8s_tutor.lessons.errors import did_you_mean
from k8s_tutor.lessons.names import (
    ANY,
    BOOL,
    BUILT_IN,
    DOUBLE,
    FIELD_PARTS,
    INT,
    MACROS,
    MAP,
    NAMES,
    NOTEBOOKS,
    OF_KIND,
    RAFT_PART,
    RESTLESS,
    STRING,
    Name,
    Type,
    list_of,
)

_TOKEN = re.compile(
    r"\s+|//[^\n]*|(?P<string>[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))"
    r"|(?P<number>0[xX][0-9a-fA-F]+u?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,(){}\[\]])",
    re.S,
)


STORED = frozenset(row.kind for row in scheme.RESOURCES)
"""Kinds of which each API server has a cache of its own."""


class CelError(Exception):
    """An expression that is not CEL, or says a name that is not known. ``offset``: characters into the expression."""

    def __init__(self, text: str, offset: int = 0) -> None:
        super().__init__(text)
        self.offset = offset


class Token(NamedTuple):
    """One word of an expression."""

    kind: str
    text: str
    at: int


class Expression(NamedTuple):
    """A compiled, checked expression. ``parts``: of the view, that it reads. ``calls``: (function, literal first argument)."""

    source: str
    program: engine.Program
    type: Type
    names: tuple[str, ...]
    parts: tuple[str, ...]
    calls: tuple[tuple[str, str, int], ...]
    fields: tuple[tuple[str, str], ...]
    """(variable, field) pairs, so that only what is read is converted."""
    words: frozenset[str] = frozenset()
    """Every name that occurs in the source."""

    def execute(self, variables: dict[str, Any], functions: dict[str, Any]) -> Any:
        """The value for these names. Raises `CelError` when it has none (a field of null, a wrong type)."""
        try:
            return self.program.run(variables, functions)
        except engine.CelFailure as error:
            raise CelError(str(error)) from None


@cache
def compiled(source: str, extra: tuple[str, ...] = ()) -> Expression:
    """Compiles and checks an expression. ``extra``: further variables (a question's ``vary``). Raises `CelError`."""
    try:
        program = engine.program(source)
    except engine.CelFailure as error:
        raise _syntax(source, str(error)) from None
    checker = _Checker(source, extra)
    kind = checker.whole()
    names = tuple(dict.fromkeys(checker.names))
    words = frozenset(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", source))
    parts = tuple(sorted({part for name in names for part in _parts(name, checker, words)}))
    return Expression(source, program, kind, names, parts, tuple(checker.calls), tuple(dict.fromkeys(checker.fields)), words)


def _parts(name: str, checker: _Checker, words: frozenset[str]) -> tuple[str, ...]:
    """What a name reads: the whole of its parts, or less when all its fields or calls need less."""
    if name in OF_KIND:
        kinds = [OF_KIND[name] or first for called, first, _ in checker.calls if called == name]
        if (OF_KIND[name] or len(kinds) == checker.names.count(name)) and all(kind in STORED for kind in kinds):
            return tuple(f"stores:{kind}" for kind in kinds or [OF_KIND[name]])
    fine = FIELD_PARTS.get(name)
    read = [field for variable, field in checker.fields if variable == name]
    if fine is None or not all(field in fine for field in read):
        parts = NAMES[name].parts
        return (NOTEBOOKS,) if parts == RAFT_PART and not words & RESTLESS else parts
    return tuple(fine[field] for field in read)


def condition(source: str) -> Expression:
    """Compiles an expression that must be true or false. Raises `CelError`."""
    found = compiled(source)
    if found.type.name not in ("bool", "any"):
        raise CelError(f"must be true or false, not {_a(found.type.name)}: compare it with something")
    return found


def _syntax(source: str, text: str) -> CelError:
    found = re.search(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*)", text)
    if not found:
        return CelError(f"is no CEL: {' '.join(text.split())}")
    lines = source.split("\n")
    offset = sum(len(line) + 1 for line in lines[: int(found[1]) - 1]) + int(found[2]) - 1
    what = (
        re.sub(r" expecting \{.*", "", found[3])
        .replace("<EOF>", "the end of the expression")
        .replace("'the end of the expression'", "the end")
    )
    return CelError(f"is no CEL: {what}", min(offset, len(source)))


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


_OPERATORS = frozenset(("&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "?", ":", "in"))
_TRUTH = frozenset(("&&", "||", "==", "!=", "<", "<=", ">", ">=", "in"))


class _Checker:
    """Walks the tokens of an expression that the library has parsed: precedence does not matter, only what is named."""

    def __init__(self, source: str, extra: tuple[str, ...]) -> None:
        self.tokens = _tokens(source)
        self.at = 0
        self.scope: dict[str, Type] = dict.fromkeys(extra, ANY)
        self.names: list[str] = []
        self.calls: list[tuple[str, str, int]] = []
        self.fields: list[tuple[str, str]] = []

    def whole(self) -> Type:
        """The type of the whole expression."""
        return self.expression()

    def peek(self) -> Token:
        return (
            self.tokens[self.at] if self.at < len(self.tokens) else Token("end", "", self.tokens[-1].at if self.tokens else 0)
        )

    def take(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def expression(self) -> Type:
        """Operands and operators up to a closing bracket or comma."""
        operators = []
        kind = self.operand()
        while self.peek().text in _OPERATORS and self.peek().kind in ("op", "name"):
            operators.append(self.take().text)
            kind = self.operand()
        if not operators:
            return kind
        if "?" in operators:
            return ANY
        if any(operator in _TRUTH for operator in operators):
            return BOOL
        return kind

    def operand(self) -> Type:
        negated = False
        while self.peek().text in ("!", "-") and self.peek().kind == "op":
            negated = self.take().text == "!"
        kind = self.postfix(self.primary())
        return BOOL if negated else kind

    def primary(self) -> Type:
        token = self.take()
        if token.kind == "string":
            return STRING
        if token.kind == "number":
            return DOUBLE if "." in token.text else INT
        if token.text == "(":
            kind = self.expression()
            self.take()
            return kind
        if token.text == "[":
            items = self.arguments("]")
            return list_of(items[0] if items else ANY)
        if token.text == "{":
            self.arguments("}")
            return MAP
        if token.text == ".":
            token = self.take()
        return self.named(token)

    def arguments(self, closing: str) -> list[Type]:
        kinds: list[Type] = []
        while self.peek().text != closing and self.peek().kind != "end":
            kinds.append(self.expression())
            if self.peek().text in (",", ":"):
                self.take()
        self.take()
        return kinds

    def named(self, token: Token) -> Type:
        if token.text in ("true", "false"):
            return BOOL
        if token.text == "null":
            return Type("null")
        if token.text in self.scope:
            return self.scope[token.text]
        called = self.peek().text == "("
        if called and token.text in BUILT_IN:
            self.take()
            self.arguments(")")
            return BUILT_IN[token.text]
        if called and token.text == "has":
            self.take()
            self.arguments(")")
            return BOOL
        known = NAMES.get(token.text)
        if known is None:
            choices = [name for name, entry in NAMES.items() if (entry.arity is not None) == called]
            raise CelError(
                f"there is no {'function' if called else 'name'} {token.text!r}{did_you_mean(token.text, choices)}", token.at
            )
        self.names.append(token.text)
        return self.call(token, known) if called else self.variable(token, known)

    def variable(self, token: Token, known: Name) -> Type:
        if known.arity is not None:
            raise CelError(f"{token.text!r} is a function: write {known.use}", token.at)
        if self.peek().text == "." and self.at + 1 < len(self.tokens):
            self.fields.append((token.text, self.tokens[self.at + 1].text))
        else:
            self.fields.append((token.text, "*"))
        return known.type

    def call(self, token: Token, known: Name) -> Type:
        if known.arity is None:
            raise CelError(f"{token.text!r} is no function: write {known.use}", token.at)
        self.take()
        first = self.peek()
        given = len(self.arguments(")"))
        fewest, most = known.arity
        if not fewest <= given <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise CelError(
                f"{token.text!r} takes {wanted} argument{'' if wanted == '1' else 's'}, not {given}: e.g. {known.use}", token.at
            )
        if first.kind == "string":
            self.calls.append((token.text, first.text[1:-1], first.at))
        return known.type

    def postfix(self, kind: Type) -> Type:
        while True:
            token = self.peek()
            if token.text == "." and token.kind == "op":
                self.take()
                kind = self.member(kind, self.take())
            elif token.text == "[" and token.kind == "op":
                self.take()
                self.arguments("]")
                kind = kind.item or ANY
            else:
                return kind

    def member(self, kind: Type, token: Token) -> Type:
        if self.peek().text == "(":
            return self.method(kind, token)
        if kind.name in ("any", "map"):
            return ANY
        if kind.fields is None:
            raise CelError(f"{_a(kind.name)} has no field {token.text!r}{_help(kind)}", token.at)
        if token.text not in kind.fields:
            raise CelError(f"{kind.name} has no field {token.text!r}{did_you_mean(token.text, kind.fields)}", token.at)
        return kind.fields[token.text]

    def method(self, kind: Type, token: Token) -> Type:
        self.take()
        if token.text in MACROS:
            return self.macro(kind, token)
        self.arguments(")")
        if kind.methods and token.text in kind.methods:
            return kind.methods[token.text]
        if token.text in BUILT_IN and kind.name not in ("int", "double", "bool", "null"):
            return BUILT_IN[token.text]
        choices = [*(kind.methods or ()), *MACROS, "size", "contains", "startsWith", "endsWith", "matches"]
        raise CelError(f"there is no function {token.text!r} on {_a(kind.name)}{did_you_mean(token.text, choices)}", token.at)

    def macro(self, kind: Type, token: Token) -> Type:
        if kind.name not in ("list", "map", "any"):
            raise CelError(f"{token.text}() needs a list, not {_a(kind.name)}", token.at)
        name = self.take().text
        self.take()
        before = self.scope
        self.scope = {**before, name: kind.item or ANY}
        kinds = self.arguments(")")
        self.scope = before
        if token.text == "filter":
            return kind
        return list_of(kinds[-1]) if token.text == "map" else BOOL


def _help(kind: Type) -> str:
    return ": use .size(), .exists(x, ...), .all(x, ...) or an index such as [0]" if kind.name == "list" else ""


def _tokens(source: str) -> list[Token]:
    out = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise CelError(f"is no CEL: {source[at]!r} is not understood", at)
        if match.lastgroup:
            out.append(Token(match.lastgroup, match.group(), at))
        at = match.end()
    return out
