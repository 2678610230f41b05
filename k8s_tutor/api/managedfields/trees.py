"""Objects seen through a shape: their set of fields, the difference of two, the merge of two, and taking fields away.

Nothing here changes what it is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from k8s_tutor.api.managedfields import fieldset
from k8s_tutor.api.managedfields.fieldset import Path, Paths
from k8s_tutor.api.managedfields.shapes import LEAF, Shape

Tree = dict[str, Any]


class ShapeError(ValueError):
    """An object does not fit its type; the text is that of structured-merge-diff."""


def _leaf(shape: Shape, value: Any) -> bool:
    """Whether this value is one field, however deep it is."""
    kind = shape.kind
    if kind in ("struct", "map", "any"):
        return not isinstance(value, dict)
    return kind == "leaf" or not isinstance(value, list)


def _steps(shape: Shape, value: Any) -> Iterator[tuple[str, Any, Shape]]:
    """(step, child, shape of the child) of a value that is no leaf."""
    if isinstance(value, dict):
        for name, child in value.items():
            below = shape.field(name)
            yield f"f:{name}", child, LEAF if below is None else below
    elif shape.kind == "set":
        for member in value:
            yield fieldset.value_step(member), member, LEAF
    else:
        for item in value:
            yield item_step(shape, item), item, shape.element


def item_step(shape: Shape, item: Any, index: int = 0, where: Path = ()) -> str:
    """The step to an item of a list with keys. Raises ShapeError when it lacks one."""
    keys = {}
    for name in shape.keys:
        value = item.get(name) if isinstance(item, dict) else None
        if value is None:
            value = shape.element.key_default(name)
        if value is None and len(shape.keys) == 1:
            text = f'associative list with keys has an element that omits key field "{name}" (and doesn\'t have default value)'
            raise ShapeError(f"{fieldset.written(where)}: element {index}: {text}")
        if value is not None:
            keys[name] = value
    return fieldset.key_step(keys)


# ---------------------------------------------------------------------- the fields of one object


def fields_of(shape: Shape, tree: Tree) -> Paths:
    """The fields that an applied configuration sets. Raises ShapeError for a field that the type has not."""
    found: list[Path] = []
    strange: list[str] = []
    _fields(shape, tree, (), found, strange)
    if strange:
        lines = [f"{where}: field not declared in schema" for where in strange]
        raise ShapeError(lines[0] if len(lines) == 1 else "errors:\n" + "\n".join(f"  {line}" for line in lines))
    return frozenset(found)


def _fields(shape: Shape, value: Any, path: Path, found: list[Path], strange: list[str]) -> None:
    if _leaf(shape, value):
        if path:
            found.append(path)
        return
    if isinstance(value, dict):
        for name, child in value.items():
            below = shape.field(name)
            here = (*path, f"f:{name}")
            if below is None:
                strange.append(fieldset.written(here))
                continue
            _fields(below, child, here, found, strange)
            if shape.kind != "struct" or child is None or child == {}:
                found.append(here)
        return
    for index, item in enumerate(value):
        if shape.kind == "set":
            found.append((*path, fieldset.value_step(item)))
            continue
        here = (*path, item_step(shape, item, index, path))
        found.append(here)
        _fields(shape.element, item, here, found, strange)


# ---------------------------------------------------------------------- the difference of two objects


class Difference(NamedTuple):
    """Fields that one object has and the other has not, or has otherwise."""

    added: Paths
    modified: Paths
    removed: Paths


def compare(shape: Shape, old: Tree, new: Tree) -> Difference:
    """From ``old`` to ``new``."""
    added: list[Path] = []
    modified: list[Path] = []
    removed: list[Path] = []
    _compare(shape, old, new, (), (added, modified, removed))
    return Difference(frozenset(added), frozenset(modified), frozenset(removed))


def _compare(shape: Shape, old: Any, new: Any, path: Path, out: tuple[list[Path], list[Path], list[Path]]) -> None:
    if _leaf(shape, old) or _leaf(shape, new):
        if old != new:
            out[1].append(path)
        return
    if isinstance(new, dict):
        for name in {**old, **new}:
            before, after = old.get(name), new.get(name)
            if before == after:
                continue
            below = shape.field(name) or LEAF
            here = (*path, f"f:{name}")
            if name not in old:
                _all(below, after, here, out[0])
            elif name not in new:
                _all(below, before, here, out[2])
            else:
                _compare(below, before, after, here, out)
        return
    left = {step: (child, below) for step, child, below in _steps(shape, old)}
    right = {step: (child, below) for step, child, below in _steps(shape, new)}
    for step, (child, below) in left.items():
        if step not in right:
            _all(below, child, (*path, step), out[2])
        elif child != right[step][0]:
            _compare(below, child, right[step][0], (*path, step), out)
    for step, (child, below) in right.items():
        if step not in left:
            _all(below, child, (*path, step), out[0])


def _all(shape: Shape, value: Any, path: Path, found: list[Path]) -> None:
    """Everything from here down, containers included."""
    found.append(path)
    if not _leaf(shape, value):
        for step, child, below in _steps(shape, value):
            _all(below, child, (*path, step), found)


def everything(shape: Shape, tree: Tree) -> Paths:
    """All fields of an object that was nothing before, containers included."""
    return _listed(_outline(shape, tree))


Outline = tuple[str, tuple[str, ...], tuple[Any, ...]] | None
"""All that the fields of a value depend on, and few objects of a cluster differ in: how each step to what is in it begins, the
rest of each step, and the outlines of what is there; None for a leaf."""


def _outline(shape: Shape, value: Any) -> Outline:
    kind = shape.kind
    if type(value) is dict:
        if kind not in _OPEN:
            return None
        if not value:
            return _EMPTY
        field = shape.field
        below = [
            _outline(field(name) or LEAF, child) if type(child) in _CONTAINERS else None for name, child in value.items()
        ]
        return "f:", tuple(value), tuple(below)
    if type(value) is not list or kind not in ("list", "set"):
        return None
    if kind == "set":
        return "", tuple([fieldset.value_step(member) for member in value]), (None,) * len(value)
    element = shape.element
    return "", tuple([item_step(shape, item) for item in value]), tuple([_outline(element, item) for item in value])


_OPEN = ("struct", "map", "any")
_CONTAINERS = (dict, list)
_EMPTY: Outline = ("f:", (), ())


@lru_cache(maxsize=2048)
def _listed(outline: Outline) -> Paths:
    found: list[Path] = []
    _list(outline, (), found)
    return frozenset(found)


def _list(outline: Outline, path: Path, found: list[Path]) -> None:
    if outline is not None:
        head, steps, below = outline
        for step, inner in zip(steps, below, strict=True):
            here = (*path, head + step)
            found.append(here)
            _list(inner, here, found)


# ---------------------------------------------------------------------- the merge of two objects


def merge(shape: Shape, live: Any, config: Any, path: Path = ()) -> Any:
    """``config`` laid over ``live``; what only ``live`` has stays."""
    if _leaf(shape, config) or _leaf(shape, live):
        return config
    if isinstance(config, dict):
        found = dict(live)
        for name, value in config.items():
            below = shape.field(name) or LEAF
            found[name] = merge(below, live[name], value, (*path, f"f:{name}")) if name in live else value
        return found
    return _merge_items(shape, live, config, path)


def _merge_items(shape: Shape, live: list[Any], config: list[Any], path: Path) -> list[Any]:
    """Items of both lists: in the order of ``config``, those that only ``live`` has between their old neighbours."""
    left = {step: child for step, child, _ in _steps(shape, live)}
    right = {step: child for step, child, _ in _steps(shape, config)}
    before, after = list(left), list(right)
    shared = [step for step in after if step in left]
    expected = shared.pop(0) if shared else None
    found: list[Any] = []
    first = second = 0
    while first < len(before) or second < len(after):
        if first < len(before) and second < len(after):
            step = before[first]
            if step == after[second]:
                found.append(merge(shape.element, left[step], right[step], (*path, step)))
                first, second = first + 1, second + 1
                expected = shared.pop(0) if shared else None
                continue
            if step in right and expected is not None and expected != step:
                first += 1
                continue
        if first < len(before) and before[first] not in right:
            found.append(left[before[first]])
            first += 1
            continue
        if second < len(after):
            step = after[second]
            known = step in left
            found.append(merge(shape.element, left[step], right[step], (*path, step)) if known else right[step])
            second += 1
            if expected == step:
                expected = shared.pop(0) if shared else None
            continue
        first += 1
    return found


# ---------------------------------------------------------------------- taking fields away


def prune(shape: Shape, tree: Tree, dropped: Paths, kept: Paths) -> Tree:
    """The object without what somebody no longer sets: ``dropped`` are the fields that he set before, ``kept`` all fields
    that anybody sets now."""
    found: Tree = _prune(shape, tree, (), fieldset.prefixes(dropped), fieldset.prefixes(kept))
    return found


def _prune(shape: Shape, value: Any, path: Path, dropped: Paths, kept: Paths) -> Any:
    children = []
    for step, child, below in _steps(shape, value):
        here = (*path, step)
        if here not in dropped:
            children.append((step, child))
        elif here in kept:
            children.append((step, child if _leaf(below, child) else _prune(below, child, here, dropped, kept)))
    if isinstance(value, dict):
        return {step[2:]: child for step, child in children}
    return [child for _, child in children]
