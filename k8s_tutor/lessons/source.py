"""YAML with a place for every value, and models read from it with one-line problems."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from k8s_tutor.lessons.errors import LessonError, Problem, did_you_mean

Path_ = tuple[str | int, ...]
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
M = TypeVar("M", bound=BaseModel)


class Document:
    """A YAML file: plain ``data`` and the place of each value and key in it."""

    def __init__(self, file: str, data: Any, values: dict[Path_, tuple[int, int]], keys: dict[Path_, tuple[int, int]]) -> None:
        self.file = file
        self.data = data
        self._values = values
        self._keys = keys

    def problem(self, path: Path_, text: str, at_key: bool = False) -> Problem:
        """A problem with the value (or the key) at ``path``; the nearest place above it if it is not there."""
        places = self._keys if at_key else self._values
        for length in range(len(path), -1, -1):
            place = places.get(path[:length]) or self._values.get(path[:length])
            if place:
                return Problem(self.file, *place, text)
        return Problem(self.file, 1, 1, text)

    def real(self, loc: Path_) -> Path_:
        """A pydantic location without what is not in the file (tags of unions)."""
        path: Path_ = ()
        for element in loc:
            if (*path, element) in self._values or (*path, element) in self._keys:
                path = (*path, element)
        return path


def read(path: Path) -> Document:
    """Reads a YAML file. Raises `LessonError` for what cannot be read, is no YAML, or has a key twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LessonError([Problem(str(path), 1, 1, f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError as error:
        raise LessonError([Problem(str(path), 1, 1, f"is not UTF-8 text (byte {error.start})")]) from None
    return parse(text, str(path))


def parse(text: str, file: str) -> Document:
    """Reads YAML from a string; ``file`` is its name in problems. Raises `LessonError`."""
    try:
        root = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = " ".join(filter(None, (error.context, error.problem)))
        raise LessonError([Problem(file, line, column, f"is no YAML: {what}")]) from None
    except yaml.YAMLError as error:
        raise LessonError([Problem(file, 1, 1, f"is no YAML: {' '.join(str(error).split())}")]) from None
    if root is None:
        raise LessonError([Problem(file, 1, 1, "is empty")])
    reading = _Reading(file)
    data = reading.build(root, ())
    if reading.problems:
        raise LessonError(reading.problems)
    return Document(file, data, reading.values, reading.keys)


class _Reading:
    """Builds plain values from nodes and remembers where they stood."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.values: dict[Path_, tuple[int, int]] = {}
        self.keys: dict[Path_, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self._scalars = yaml.constructor.SafeConstructor()

    def build(self, node: yaml.Node, path: Path_) -> Any:
        self.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            line, column = node.start_mark.line + 1, node.start_mark.column + 1
            self.problems.append(Problem(self.file, line, column, f"cannot be read: {str(error).splitlines()[0]}"))
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if key is None:
                self.problems.append(
                    Problem(self.file, *place, "a key must be a plain word; put quotes around text that starts with { or [")
                )
                continue
            if key in out:
                first = self.keys[(*path, key)][0]
                self.problems.append(Problem(self.file, *place, f"key {key!r} is here twice (first in line {first}): keep one"))
                continue
            self.keys[(*path, key)] = place
            out[key] = self.build(value_node, (*path, key))
        return out


def validated(model: type[M], document: Document) -> M:
    """The document as that model. Raises `LessonError` with one problem for each thing that is wrong."""
    if not isinstance(document.data, dict):
        raise LessonError([document.problem((), "must be a mapping of keys, e.g. `id: my-lesson`")])
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise LessonError(problems_of(error, model, document)) from None


def problems_of(error: ValidationError, model: type[BaseModel], document: Document, base: Path_ = ()) -> list[Problem]:
    """What pydantic found, as one-line problems with places. ``base``: where the model's data stands in the document."""
    return [_problem(dict(found), model, document, base) for found in error.errors()]


def _problem(found: dict[str, Any], model: type[BaseModel], document: Document, base: Path_) -> Problem:
    loc: Path_ = (*base, *found["loc"])
    kind, path = found["type"], document.real(loc)
    last = loc[-1] if loc else ""
    if kind == "extra_forbidden":
        known = _keys_at(model, found["loc"][:-1])
        return document.problem(path, f"unknown key {last!r}{did_you_mean(str(last), known)}", at_key=True)
    if kind == "missing":
        return document.problem(path, f"key {last!r} is missing: add `{last}: ...`")
    if kind in ("value_error", "assertion_error"):
        return document.problem(path, str(found["ctx"]["error"]) if "ctx" in found else found["msg"])
    return document.problem(path, _wrong_type(found, path))


_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _wrong_type(found: dict[str, Any], path: Path_) -> str:
    name = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this"
    given = found["input"]
    wanted = _WANTED.get(found["type"])
    if wanted is None:
        return f"{name}: {found['msg'][0].lower()}{found['msg'][1:]}, not {_shown(given)}"
    hint = ""
    if wanted == "text" and isinstance(given, bool):
        hint = ': put quotes around it ("Yes", "No" and "on" are truth values in YAML)'
    elif wanted == "text" and isinstance(given, dict):
        hint = ": put quotes around text that has `: ` in it"
    elif wanted == "a list":
        hint = ": start each item with `- `, or write [a, b]"
    return f"{name} must be {wanted}, not {_shown(given)}{hint}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _keys_at(model: type[BaseModel], loc: Path_) -> tuple[str, ...]:
    """The keys that the model at a location takes."""
    candidates: list[type[BaseModel]] = [model]
    for element in loc:
        if isinstance(element, int):
            continue
        if element.startswith("<"):
            candidates = [c for c in candidates if c.__name__ == element.strip("<>")] or candidates
            continue
        inside = [m for c in candidates for key, m in _fields(c) if key == element]
        candidates = inside or candidates
    return tuple(dict.fromkeys(key for c in candidates for key in _names(c)))


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        for inside in _models(field.annotation):
            yield field.alias or name, inside


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    if get_origin(annotation) in (Union, types.UnionType, list, tuple, dict, Annotated):
        for inner in get_args(annotation):
            yield from _models(inner)
