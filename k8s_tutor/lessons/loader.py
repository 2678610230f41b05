"""Lessons from files: read, validated, checked for sense, and found by id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from k8s_tutor import paths
from k8s_tutor.cluster import ClusterSpec, inputs
from k8s_tutor.cluster.operators.spec import OperatorFile
from k8s_tutor.lessons import lint
from k8s_tutor.lessons.errors import LessonError, Problem, did_you_mean
from k8s_tutor.lessons.models import FORMAT_VERSION, Lesson
from k8s_tutor.lessons.source import Document, problems_of, read, validated


class Loaded(NamedTuple):
    """A lesson and the file it came from."""

    lesson: Lesson
    document: Document

    def place(self, *path: str | int) -> str:
        """``file:line:column`` of something in the lesson."""
        return str(self.document.problem(path, "")).removesuffix(": ")


def load(path: Path) -> Loaded:
    """Reads and checks one lesson file. Raises `LessonError` with everything that is wrong in it."""
    document = read(path)
    version = document.data.get("format_version") if isinstance(document.data, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        text = f"format_version {version} is newer than {FORMAT_VERSION}: upgrade k8s-tutor to read this lesson"
        raise LessonError([document.problem(("format_version",), text)])
    lesson = validated(Lesson, document)
    problems = [*lint.spec_problems(lesson, document), *lint.problems(lesson, document)]
    if problems:
        raise LessonError(problems)
    return Loaded(lesson, document)


def files(places: Sequence[Path]) -> list[Path]:
    """The lesson files at these places: files as they are, folders with all ``.yaml`` files below them.

    Raises `LessonError` for a place that is not there.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found.extend(sorted(p for p in place.rglob("*.y*ml") if p.suffix in (".yaml", ".yml") and not _hidden(p, place)))
        elif place.exists():
            found.append(place)
        else:
            raise LessonError([Problem(str(place), 1, 1, "there is no such file or folder")])
    return list(dict.fromkeys(found))


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)


def load_all(places: Sequence[Path] = (), known: Sequence[str] | None = None) -> list[Loaded]:
    """All lessons at these places (default: the built-in ones), in order of file.

    Ids are unique and every lesson that one ``requires`` is there, among these or the built-in ones.

    Raises `LessonError` with the problems of all files together.
    """
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    for path in files(places or [paths.lessons()]):
        try:
            loaded.append(load(path))
        except LessonError as error:
            problems.extend(error.problems)
    problems.extend(_id_problems(loaded, built_in_ids() if known is None else known, bool(problems)))
    if problems:
        raise LessonError(problems)
    return loaded


def _id_problems(loaded: Sequence[Loaded], known: Sequence[str], incomplete: bool) -> Iterator[Problem]:
    first: dict[str, Loaded] = {}
    for entry in loaded:
        ident = entry.lesson.id
        if ident in first:
            text = f"id {ident!r} is taken by {first[ident].place('id')}: ids are unique"
            yield entry.document.problem(("id",), text)
        first.setdefault(ident, entry)
    everything = {*first, *known}
    for entry in loaded:
        for index, name in enumerate(entry.lesson.requires):
            if name == entry.lesson.id:
                yield entry.document.problem(("requires", index), "a lesson cannot require itself")
            elif name not in everything and not incomplete:
                text = f"there is no lesson {name!r}{did_you_mean(name, sorted(everything))}"
                yield entry.document.problem(("requires", index), text)


def built_in_ids() -> list[str]:
    """Ids of the built-in lessons, read from the heads of their files."""
    from k8s_tutor.lessons.index import entries

    return [entry.id for entry in entries()]


def find(name: str, folders: Sequence[Path] = ()) -> Loaded:
    """The lesson with that id (built in or in one of the folders), or at that path.

    Raises `LessonError`: there is none, or it is broken.
    """
    from k8s_tutor.lessons.index import entries

    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return load(path)
    known = entries(folders)
    for entry in known:
        if entry.id == name:
            return load(entry.path)
    raise LessonError([Problem(name, 1, 1, f"there is no lesson {name!r}{did_you_mean(name, [e.id for e in known])}")])


def operators(path: Path) -> list[inputs.Install]:
    """What installs the operators of a file: a mapping with a list ``operators``. Raises `LessonError`."""
    found = validated(OperatorFile, read(path)).operators
    return [inputs.Install(one.model_dump_json(exclude_defaults=True)) for one in found]


def spec_of(lesson: Lesson, changes: dict[str, Any] | None = None) -> ClusterSpec:
    """The lesson's cluster, with ``changes`` to it. Raises pydantic's ValidationError."""
    return ClusterSpec.model_validate(translated({**lesson.cluster, **(changes or {})}, lesson.lens))


translated = lint.translated


__all__ = ["Loaded", "ValidationError", "files", "find", "load", "load_all", "operators", "problems_of", "spec_of"]
