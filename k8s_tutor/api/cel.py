"""The door to CEL, Kubernetes' expression language. The library that compiles and evaluates it is imported here, late, and
nowhere else.

`program` compiles, `Program.run` evaluates with variables and with the functions that Kubernetes adds to the language
(apiserver pkg/cel/library).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import urlsplit

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

    def unknown(self, variables: Container[str]) -> tuple[str, ...]:
        """The names in it that are neither among these variables nor CEL's or Kubernetes' own."""
        bound = _BOUND.findall(self.source)
        free = [name for name in self.compiled.variables() if name not in bound and name not in variables]
        called = [name for name in self.compiled.functions() if name[:1].isalpha() and name not in LIBRARY]
        return (*[name for name in free if name not in _TYPES], *[name for name in called if name not in _FUNCTIONS])

    def run(self, variables: dict[str, Any], functions: dict[str, Callable[..., Any]] | None = None) -> Any:
        """Its value. Raises CelFailure when it has none (a missing key, a wrong type)."""
        import cel

        try:
            return self.compiled.execute(cel.Context(variables, LIBRARY if functions is None else functions))
        except KeyError as error:
            raise CelFailure(f"no such key: {error.args[0] if error.args else ''}") from None
        except Exception as error:  # the library raises whatever fits: KeyError, TypeError, IndexError, RuntimeError
            raise CelFailure(str(error).split(". CEL does not coerce")[0]) from None


@cache
def program(source: str) -> Program:
    """Compiles an expression. Raises CelFailure with the library's words."""
    import cel

    try:
        return Program(source, cel.compile(source))
    except ValueError as error:
        raise CelFailure(str(error)) from None


# ---------------------------------------------------------------------- what Kubernetes adds


def _is_sorted(items: list[Any]) -> bool:
    return all(left <= right for left, right in pairwise(items))


def _index(items: Any, wanted: Any) -> int:
    if isinstance(items, str):
        return items.find(wanted)
    return items.index(wanted) if wanted in items else -1


def _last_index(items: Any, wanted: Any) -> int:
    if isinstance(items, str):
        return items.rfind(wanted)
    return len(items) - 1 - items[::-1].index(wanted) if wanted in items else -1


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match[0] for match in re.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return bool(parts.scheme) or text.startswith("/")


def _quantity(text: str) -> int:
    from k8s_tutor.api import quantity

    return int(quantity.nano(text))


def _is_quantity(text: str) -> bool:
    try:
        _quantity(text)
    except ValueError:
        return False
    return True


LIBRARY: dict[str, Callable[..., Any]] = {
    "isSorted": _is_sorted,
    "sum": sum,
    "min": lambda items: min(items),
    "max": lambda items: max(items),
    "indexOf": _index,
    "lastIndexOf": _last_index,
    "find": _find,
    "findAll": _find_all,
    "isURL": _is_url,
    "quantity": _quantity,
    "isQuantity": _is_quantity,
    "isGreaterThan": lambda left, right: left > right,
    "isLessThan": lambda left, right: left < right,
    "compareTo": lambda left, right: (left > right) - (left < right),
    "lowerAscii": str.lower,
    "upperAscii": str.upper,
    "trim": str.strip,
    "split": lambda text, by: text.split(by),
    "join": lambda items, by="": by.join(items),
    "replace": lambda text, old, new: text.replace(old, new),
    "substring": lambda text, start, end=None: text[start:end],
    "charAt": lambda text, at: text[at : at + 1],
    "reverse": lambda text: text[::-1],
    "format": lambda text, values: text % tuple(values),
}
"""Functions and methods by name; quantities are whole numbers here, counted in billionths."""
