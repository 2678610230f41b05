"""An operator as a lesson or a file writes it. Everything that can be known about it is checked when it is read."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WatchSpec(_Part):
    """The kind that an operator looks after. ``plural`` and ``namespaced`` are for custom kinds."""

    apiVersion: str = Field(pattern=r"^([a-z0-9.-]+/)?v[0-9a-z]+$")
    kind: str = Field(pattern=r"^[A-Z][A-Za-z0-9]*$")
    plural: str = Field(default="", description="If it is not the kind in small letters with an s")
    namespaced: bool = True


class ChildSpec(_Part):
    """One child of each object, or one for each item of a list. Texts of the manifest may hold ``${CEL}``."""

    name: str = Field(pattern=r"^[a-z][A-Za-z0-9_]*$", description="As which the status knows it: children.NAME")
    manifest: dict[str, Any]
    when: str = Field(default="", description="CEL: whether there shall be one; knows self")
    each: str = Field(default="", description="CEL: a list; one child for each item; knows self")
    owned: bool = Field(default=True, description="With an owner reference; without one the operator needs a finalizer")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        known = ("self", "item") if self.each else ("self",)
        wrong = [*_wrong(self.manifest, ("manifest",), known)]
        for field in ("when", "each"):
            wrong += _wrong_expression(getattr(self, field), (field,), ("self",))
        for key in ("apiVersion", "kind"):
            if not isinstance(self.manifest.get(key), str) or "${" in self.manifest[key]:
                text = f"a child's {key} must stand in its manifest as it is, e.g. `{key}: {_EXAMPLE[key]}`"
                wrong.append((("manifest",), text))
        if not isinstance(self.manifest.get("metadata"), dict) or "name" not in self.manifest["metadata"]:
            wrong.append((("manifest",), "a child needs a name: add `metadata: {name: ${self.metadata.name}}`"))
        _raise(type(self).__name__, wrong)
        return self


class OperatorSpec(_Part):
    """A whole operator: its kind, the children of each object, and what the object's status says of them."""

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]*[a-z])?$", description="Of its processes, its Lease and its service account")
    watches: WatchSpec
    children: list[ChildSpec] = Field(default=[], description="What there shall be for each object")
    status: dict[str, Any] = Field(default={}, description="Of the object; expressions know self and children")
    finalizer: str = Field(default="", pattern=r"^([a-z0-9.-]+/[A-Za-z0-9._-]+)?$", description="E.g. ex.io/cleanup")
    replicas: int = Field(default=1, ge=1, le=9, description="Processes, of which one works")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        from k8s_tutor.controllers.operators.rules import kind_of

        wrong = [*_wrong(self.status, ("status",), ("self", "children"))]
        names = [child.name for child in self.children]
        for index, child in enumerate(self.children):
            if child.name in names[:index]:
                wrong.append((("children", index, "name"), f"two children are called {child.name!r}: give one another name"))
            if not child.owned and not self.finalizer:
                text = "nobody deletes a child without owner: give the operator a `finalizer: ex.io/cleanup`"
                wrong.append((("children", index, "owned"), text))
        watched = kind_of(self.watches.apiVersion, self.watches.kind, self.watches.plural, self.watches.namespaced)
        if self.status and not watched.custom:
            wrong.append((("status",), f"the status of a {watched.kind} is written by its own controller: leave it out"))
        if not watched.custom and (self.watches.plural or not self.watches.namespaced):
            wrong.append((("watches",), f"{watched.kind} is built in: leave `plural` and `namespaced` out"))
        _raise(type(self).__name__, wrong)
        return self


class OperatorFile(_Part):
    """A file with operators that is installed into a running cluster."""

    operators: list[OperatorSpec] = Field(min_length=1)


_EXAMPLE = {"apiVersion": "apps/v1", "kind": "Deployment"}
_Path = tuple[str | int, ...]


def _wrong(tree: Any, path: _Path, known: tuple[str, ...]) -> list[tuple[_Path, str]]:
    """Each text of a template that is wrong: (place, what and how to mend it)."""
    if isinstance(tree, dict):
        return [one for key, inside in tree.items() for one in _wrong(inside, (*path, key), known)]
    if isinstance(tree, list):
        return [one for index, inside in enumerate(tree) for one in _wrong(inside, (*path, index), known)]
    return _checked(tree, path, known, tree=True) if isinstance(tree, str) and "${" in tree else []


def _wrong_expression(source: str, path: _Path, known: tuple[str, ...]) -> list[tuple[_Path, str]]:
    if source.startswith("${"):
        return [(path, "this is an expression as it stands: write it without ${ and }")]
    return _checked(source, path, known, tree=False) if source else []


def _checked(source: str, path: _Path, known: tuple[str, ...], tree: bool) -> list[tuple[_Path, str]]:
    from k8s_tutor.controllers.operators import template

    try:
        (template.check_tree if tree else template.check)(source, known)
    except template.TemplateFailure as failure:
        return [(path, str(failure))]
    return []


def _raise(title: str, wrong: list[tuple[_Path, str]]) -> None:
    """Raises pydantic's ValidationError with the place of each problem."""
    if wrong:
        raise ValidationError.from_exception_data(title, [
            InitErrorDetails(type=PydanticCustomError("value_error", "{error}", {"error": text}), loc=path, input=None)
            for path, text in wrong
        ])  # fmt: skip
