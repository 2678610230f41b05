"""The door to CEL, Kubernetes' expression language. The library that compiles and evaluates it is imported here, late, and
nowhere else.

`program` compiles, `Program.run` evaluates with variables and with the functions that Kubernetes adds to the language
(`cellibrary`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Container
from functools import cache
from typing import Any, NamedTuple

from k8s_tutor.api.cellibrary import LATE, LIBRARY, MAKERS, OPTIONAL, PACKAGES, package

Functions = dict[str, Callable[..., Any]]

_BOUND = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*([A-Za-z_]\w*)\s*,")
"""Names that macros bind."""
_TYPES = frozenset((
    "bool", "bytes", "double", "duration", "int", "list", "map", "null_type", "string", "timestamp", "type", "uint",
))  # fmt: skip
_FUNCTIONS = _TYPES | frozenset((
    "size", "contains", "startsWith", "endsWith", "matches", "has", "all", "exists", "exists_one", "filter", "map", "dyn",
    "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes",
    "getMonth", "getSeconds",
))  # fmt: skip
"""Functions of the language itself."""


class CelFailure(Exception):
    """An expression that does not compile, or that has no value here."""


class Program(NamedTuple):
    """A compiled expression."""

    source: str
    compiled: Any
    packages: dict[str, Any]
    """The packages that it names; a variable of that name goes before."""
    functions: Functions
    """What it calls of Kubernetes' functions."""

    def unknown(self, variables: Container[str]) -> tuple[str, ...]:
        """The names in it that are neither among these variables nor CEL's or Kubernetes' own."""
        bound = _BOUND.findall(self.source)
        free = [name for name in self.compiled.variables() if name not in (*bound, *PACKAGES) and name not in variables]
        called = [name for name in self.compiled.functions() if name[:1].isalpha() and name not in LIBRARY]
        return (*[name for name in free if name not in _TYPES], *[name for name in called if name not in _FUNCTIONS])

    def run(self, variables: dict[str, Any], functions: Functions | None = None, more: Functions | None = None) -> Any:
        """Its value. ``functions`` are instead of Kubernetes', ``more`` beside them. Raises CelFailure when it has none (a
        missing key, a wrong type)."""
        import cel

        known = {**self.functions, **(more or {})} if functions is None else functions
        try:
            return self.compiled.execute(cel.Context({**self.packages, **variables} if self.packages else variables, known))
        except KeyError as error:
            raise CelFailure(f"no such key: {error.args[0] if error.args else ''}") from None
        except Exception as error:  # the library raises whatever fits: KeyError, TypeError, IndexError, RuntimeError
            raise CelFailure(_words(str(error))) from None


_OWN = re.compile(r"Function '[^']*' error: (?:Python function call failed: \w+: )?(.*?)\. Check function arguments.*", re.S)
_NAME = re.compile(r"Undefined variable or function: '([^']*)'")


def _words(text: str) -> str:
    """What the library says, without its advice; what one of our functions says, as it is."""
    own = _OWN.fullmatch(text)
    if own is not None:
        return own[1]
    name = _NAME.match(text)
    return f"undeclared reference to '{name[1]}' (in container '')" if name else text.split(". CEL does not coerce")[0]


@cache
def program(source: str) -> Program:
    """Compiles an expression. Raises CelFailure with the library's words."""
    import cel

    logging.getLogger("cel").disabled = True  # it writes down the failures that it also raises
    try:
        compiled = cel.compile(source)
    except ValueError as error:
        raise CelFailure(str(error)) from None
    called = compiled.functions()
    functions = {name: _giving(LIBRARY[name], name in OPTIONAL) for name in called if name in LIBRARY}
    if MAKERS.intersection(called):
        functions.update({name: function for name, function in LATE.items() if name in called})
    packages = {name: package(name) for name in compiled.variables() if name in PACKAGES}
    return Program(source, compiled, packages, functions)


def optional(value: Any) -> Any:
    """A value that may be missing, which None is."""
    import cel

    return cel.OptionalValue.none() if value is None else cel.OptionalValue.of(value)


def _giving(function: Callable[..., Any], may_be_missing: bool) -> Callable[..., Any]:
    return (lambda *given: optional(function(*given))) if may_be_missing else function


_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")


def masked(source: str) -> str:
    """An expression whose texts are blanks, so that only names of it are found in it."""
    return _STRING.sub(lambda match: " " * len(match[0]), source)


def issue(source: str, at: int, words: str) -> str:
    """What is wrong at a place of an expression, as the compiler shows it: the line and a caret."""
    line = source.count("\n", 0, at)
    column = at - (source.rfind("\n", 0, at) + 1)
    return f"ERROR: <input>:{line + 1}:{column + 1}: {words}\n | {source.splitlines()[line]}\n | {'.' * column}^"


def check(source: str, variables: Container[str], methods: Container[str] = (), result: str = "must evaluate to bool") -> None:
    """Raises CelFailure when it does not compile, or names what there is not; ``methods`` are known beside the usual ones.
    An expression without names must give true or false (``result`` says so) where one is given."""
    try:
        compiled = program(source)
    except CelFailure as error:
        text = str(error)
        found = text[text.index("ERROR: <input>") :] if "ERROR: <input>" in text else text
        raise CelFailure("compilation failed: " + found.replace("\n| ", "\n | ")) from None
    unknown = [name for name in compiled.unknown(variables) if name not in methods]
    places = sorted({place for name in unknown for place in _places(masked(source), name)})
    if places:
        texts = [issue(source, at, f"undeclared reference to '{name}' (in container '')") for at, name in places]
        raise CelFailure("compilation failed: " + "\n".join(texts))
    if result and not compiled.compiled.variables():
        try:
            value = compiled.run({})
        except CelFailure:
            return
        if not isinstance(value, bool):
            raise CelFailure(result)


def _places(source: str, name: str) -> list[tuple[int, str]]:
    """Where a name stands that is nobody's; of a function the compiler points at its parenthesis."""
    found = []
    for match in re.finditer(rf"(\.?)\b{re.escape(name)}\b(\s*\()?", source):
        if match[2]:
            found.append((match.end() - 1, name))
        elif not match[1]:
            found.append((match.start(), name))
    return found
