"""Label selectors (text and object) and field selectors (apimachinery labels/selector.go, fields/selector.go)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

Labels = Mapping[str, str]


class Requirement(NamedTuple):
    """One condition on a label: ``op`` is in, notin, exists, !, gt or lt."""

    key: str
    op: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether these labels meet it."""
        found = labels.get(self.key)
        if self.op == "in":
            return found is not None and found in self.values
        match self.op:
            case "notin":
                return found is None or found not in self.values
            case "exists":
                return found is not None
            case "!":
                return found is None
        try:
            left, right = int(found or ""), int(self.values[0])
        except ValueError:
            return False
        return left > right if self.op == "gt" else left < right

    def __str__(self) -> str:
        match self.op:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "gt" | "lt":
                return f"{self.key}{'>' if self.op == 'gt' else '<'}{self.values[0]}"
        if self.op == "in" and len(self.values) == 1:
            return f"{self.key}={self.values[0]}"
        return f"{self.key} {self.op} ({','.join(sorted(self.values))})"


class Selector(NamedTuple):
    """All requirements must hold; without any it matches everything, unless it is ``nothing``."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Labels | None) -> bool:
        """Whether an object with these labels is selected."""
        if self.nothing:
            return False
        found = labels or {}
        return all(requirement.matches(found) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in sorted(self.requirements))


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)

_TOKEN = re.compile(r"\s*(==|!=|=|!|<|>|\(|\)|,|[^\s=!<>(),]+)")


def from_map(labels: Labels) -> Selector:
    """Equality with each pair, as the selector of a Service."""
    return Selector(tuple(Requirement(key, "in", (labels[key],)) for key in sorted(labels)))


def from_object(selector: Any) -> Selector:
    """A ``LabelSelector`` as a JSON tree or a typed struct; None selects nothing, an empty one everything."""
    if selector is None:
        return NOTHING
    read: Callable[[Any, str], Any] = _tree_field if isinstance(selector, Mapping) else _attribute
    wanted = read(selector, "matchLabels") or {}
    found = [Requirement(key, "in", (wanted[key],)) for key in sorted(wanted)]
    names = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
    for expression in read(selector, "matchExpressions") or ():
        values = tuple(read(expression, "values") or ())
        found.append(Requirement(read(expression, "key"), names[read(expression, "operator")], values))
    return Selector(tuple(found))


def _tree_field(tree: Mapping[str, Any], name: str) -> Any:
    return tree.get(name)


def _attribute(struct: Any, name: str) -> Any:
    return getattr(struct, name, None)


@lru_cache(maxsize=512)
def parse(text: str) -> Selector:
    """The text of ``-l`` and ``labelSelector``. Raises ValueError with Kubernetes' text."""
    tokens = _tokens(text)
    if not tokens:
        return EVERYTHING
    found: list[Requirement] = []
    at = 0
    while True:
        requirement, at = _requirement(text, tokens, at)
        found.append(requirement)
        if at == len(tokens):
            return Selector(tuple(found))
        if tokens[at] != ",":
            raise ValueError(f"found '{tokens[at]}', expected: ',' or 'end of string'")
        at += 1
        following = tokens[at] if at < len(tokens) else ""
        if following in ("=", "==", "!=", "<", ">", "(", ")", ",", ""):
            raise ValueError(f"found '{following}', expected: identifier after ','")


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:  # pragma: no cover - the pattern takes every character
            raise ValueError(f"unable to parse requirement: {stripped[at:]}")
        tokens.append(match[1])
        at = match.end()
    return tokens


def _requirement(text: str, tokens: list[str], at: int) -> tuple[Requirement, int]:
    def peek(place: int) -> str:
        return tokens[place] if place < len(tokens) else ""

    if peek(at) == "!":
        if peek(at + 1) in ("=", "==", "!=", "<", ">", "(", ")", ",", "", "!"):
            raise ValueError(f"unable to parse requirement: found '{peek(at + 1)}', expected: identifier")
        return Requirement(_key(peek(at + 1)), "!"), at + 2
    key = peek(at)
    if key in ("=", "==", "!=", "<", ">", "(", ")", ",", ""):
        raise ValueError(f"found '{key}', expected: !, identifier, or 'end of string'")
    _key(key)
    operator = peek(at + 1)
    if operator in ("", ","):
        return Requirement(key, "exists"), at + 1
    if operator in ("in", "notin"):
        values, after = _values(tokens, at + 2)
        return Requirement(key, operator, values), after
    if operator not in ("=", "==", "!=", "<", ">"):
        expected = "in, notin, =, ==, !=, gt, lt"
        raise ValueError(f"unable to parse requirement: found '{operator}', expected: {expected}")
    value = peek(at + 2)
    after = at + 3
    if value in ("", ","):
        value, after = "", at + 2
    if operator in ("<", ">"):
        if re.fullmatch(r"[+-]?\d+", value) is None:
            text = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise ValueError(f'unable to parse requirement: values[0]: Invalid value: "{value}": {text}')
        return Requirement(key, "lt" if operator == "<" else "gt", (value,)), after
    _value(key, value)
    return Requirement(key, "notin" if operator == "!=" else "in", (value,)), after


def _values(tokens: list[str], at: int) -> tuple[tuple[str, ...], int]:
    if at >= len(tokens) or tokens[at] != "(":
        found = tokens[at] if at < len(tokens) else ""
        raise ValueError(f"unable to parse requirement: found '{found}' expected: '('")
    values: list[str] = []
    at += 1
    expect_value = True
    while at < len(tokens) and tokens[at] != ")":
        if tokens[at] == ",":
            if expect_value:
                values.append("")
            expect_value = True
        else:
            values.append(tokens[at])
            expect_value = False
        at += 1
    if at >= len(tokens):
        where = "',' or ')'" if values and not expect_value else "',', ')' or identifier"
        raise ValueError(f"unable to parse requirement: found '', expected: {where}")
    if expect_value:
        values.append("")
    return tuple(values), at + 1


def _key(key: str) -> str:
    from k8s_tutor.api.validation.names import qualified_name

    problems = qualified_name(key)
    if problems:
        raise ValueError(f'unable to parse requirement: <nil>: Invalid value: "{key}": {"; ".join(problems)}')
    return key


def _value(key: str, value: str) -> None:
    from k8s_tutor.api.validation.names import label_value

    problems = label_value(value)
    if problems:
        text = f'unable to parse requirement: values[0][{key}]: Invalid value: "{value}": {"; ".join(problems)}'
        raise ValueError(text)


class FieldTerm(NamedTuple):
    """One term of a field selector: the field must (not) have this value."""

    path: str
    equal: bool
    value: str


@lru_cache(maxsize=512)
def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    """The text of ``--field-selector``. Raises ValueError."""
    terms = []
    for part in text.split(","):
        if not part:
            continue
        match = re.match(r"(.*?)(!=|==|=)(.*)", part, re.DOTALL)
        if match is None:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{part}'")
        terms.append(FieldTerm(match[1], match[2] != "!=", match[3]))
    return tuple(terms)


def fields_match(terms: Iterable[FieldTerm], tree: Mapping[str, Any]) -> bool:
    """Whether an object (a JSON tree) meets all terms; an absent field counts as the empty text."""
    return all((_field(tree, term.path) == term.value) is term.equal for term in terms)


def _field(tree: Any, path: str) -> str:
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    if tree is None:
        return ""
    return str(tree).lower() if isinstance(tree, bool) else str(tree)
