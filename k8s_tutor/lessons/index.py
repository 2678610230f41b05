"""The list of lessons for the home screen, read from the heads of the files: everything above ``steps:``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from k8s_tutor import paths
from k8s_tutor.lessons.source import Loader

TRACKS = (
    "orchestration", "control-plane", "worker-node", "networking", "consensus", "workloads", "storage", "operating", "mending",
)  # fmt: skip
"""Tracks in the order in which the home screen shows them; unknown ones follow by name."""
HEAD = 8_000
"""Characters of a file that are looked at."""


class Entry(NamedTuple):
    """One lesson of the list."""

    id: str
    title: str
    track: str
    about: str
    minutes: int
    minutes_in_class: int
    requires: tuple[str, ...]
    teaches: tuple[str, ...]
    lens: str
    path: Path


def entries(folders: Sequence[Path] = ()) -> list[Entry]:
    """The built-in lessons and those below the folders, by track, and in a track those first that need the fewest others before
    them. Broken files are left out: `k8s_tutor.lessons.loader.load_all` says what is wrong with them."""
    found: list[Entry] = []
    for folder in (paths.lessons(), *folders):
        files = [folder] if folder.is_file() else sorted(folder.rglob("*.yaml")) if folder.is_dir() else []
        found.extend(entry for file in files if (entry := _entry(file)) is not None)
    order = {track: position for position, track in enumerate(TRACKS)}
    first = {entry.id: entry for entry in reversed(found)}
    unique = [entry for entry in found if first[entry.id] is entry]
    return sorted(unique, key=lambda entry: (
        order.get(entry.track, len(order)), entry.track if entry.track not in order else "", _depth(entry.id, first, ())
    ))  # fmt: skip


def _depth(lesson: str, known: Mapping[str, Entry], above: tuple[str, ...]) -> int:
    """How many lessons come before this one, along the longest way; ``above``: those on the way to it."""
    if lesson not in known or lesson in above:
        return 0
    return max((1 + _depth(before, known, (*above, lesson)) for before in known[lesson].requires), default=0)


def _entry(file: Path) -> Entry | None:
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.read(HEAD)
        head = yaml.load(text.split("\nsteps:", 1)[0], Loader=Loader)
        minutes = head["minutes"]
        return Entry(
            str(head["id"]), str(head["title"]), str(head["track"]), str(head.get("about", "")), int(minutes["self"]),
            int(minutes["class"]), _words(head, "requires"), _words(head, "teaches"), str(head.get("lens", "kubernetes")), file,
        )  # fmt: skip
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _words(head: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(str(word) for word in head.get(key) or ())
