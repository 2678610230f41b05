"""Cluster specifications and manifests from files and flags, with one clear line for what is wrong in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from k8s_tutor import paths
from k8s_tutor.cluster import ClusterSpec
from k8s_tutor.lessons.errors import LessonError
from k8s_tutor.lessons.manifests import documents
from k8s_tutor.lessons.source import read, validated


class SpecError(Exception):
    """What was handed in is no specification; one line a problem."""


def load(path: str) -> ClusterSpec:
    """A specification from a YAML file. Raises `SpecError`."""
    try:
        return validated(ClusterSpec, read(Path(path)))
    except LessonError as error:
        raise SpecError(str(error)) from None


def sandbox(path: str | None, manifests: list[str], changes: dict[str, Any]) -> dict[str, Any]:
    """The specification of a sandbox as plain data: from a file or the defaults, with flags over it and manifests to apply.
    Raises `SpecError`."""
    given = load(path).model_dump(exclude_defaults=True) if path else {}
    objects = [one for name in manifests for one in _objects(Path(name))]
    merged = {**given, **changes, **({"manifests": [*given.get("manifests", []), *objects]} if objects else {})}
    try:
        ClusterSpec.model_validate(merged)
    except ValueError as error:
        raise SpecError(_first_line(error)) from None
    return merged


def _first_line(error: ValueError) -> str:
    problems = getattr(error, "errors", None)
    if problems is None:
        return str(error)
    first = problems()[0]
    place = " ".join(f"--{part}" if index == 0 else str(part) for index, part in enumerate(first["loc"]))
    return f"{place}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")


def _objects(path: Path) -> list[Any]:
    try:
        found: list[Any] = json.loads(documents(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise SpecError(f"{path}: {error}") from None
    return found


def images_json() -> str:
    """What ``assets/images.json`` must hold: all of ``assets/images/*.yaml`` as one file that the engine can read."""
    images: list[Any] = []
    for path in sorted((paths.assets() / "images").glob("*.yaml")):
        images.extend(read(path).data["images"])
    lines = ",\n".join(json.dumps(image, sort_keys=True) for image in images)
    return f'{{"format_version": 1, "images": [\n{lines}\n]}}\n'
