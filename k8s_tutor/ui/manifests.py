"""Manifests named by -f, read from the learner's working directory: the one place where the console meets the disk."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

MOST = 2_000_000
"""Bytes of one manifest."""


class ManifestError(ValueError):
    """A file that is no manifest; its text is one line."""


def files_of(line: str, folder: Path) -> tuple[tuple[str, str], ...]:
    """(name as typed, JSON array of its documents) for each -f of a kubectl line that names a file or a folder.

    What does not exist is left to kubectl, which says so in its own words. Raises `ManifestError`.
    """
    found: list[tuple[str, str]] = []
    for name in names_in(line):
        path = folder / name
        if path.is_dir():
            documents = [
                document
                for child in sorted(path.iterdir())
                if child.suffix in (".yaml", ".yml", ".json")
                for document in _documents(child, f"{name.rstrip('/')}/{child.name}")
            ]
            found.append((name, json.dumps(documents, default=str)))
        elif path.is_file():
            found.append((name, json.dumps(_documents(path, name), default=str)))
    return (*found, *_texts(line, folder))


TEXTS = ("--from-file", "--from-env-file", "--patch-file", "--cert", "--key")
"""Flags that name files which are no manifests."""


def _texts(line: str, folder: Path) -> list[tuple[str, str]]:
    """(``text:`` and the name as typed, text) of each file that such a flag names."""
    try:
        words = shlex.split(line)
    except ValueError:
        return []
    pairs = [word.partition("=")[::2] if "=" in word else (word, following)
             for word, following in zip(words, [*words[1:], ""], strict=True) if word.partition("=")[0] in TEXTS]  # fmt: skip
    found: list[tuple[str, str]] = []
    for flag, value in pairs:
        name = value.partition("=")[2] if flag == "--from-file" and "=" in value else value
        path = folder / name
        files = sorted(path.iterdir()) if name and path.is_dir() else [path] if name and path.is_file() else []
        for file in files:
            shown = name if file == path else f"{name.rstrip('/')}/{file.name}"
            if not file.is_file() or file.stat().st_size > MOST:
                raise ManifestError(f"{shown}: no file, or larger than {MOST} bytes")
            found.append((f"text:{shown}", file.read_text(encoding="utf-8", errors="replace")))
    return found


def names_in(line: str) -> list[str]:
    """What -f and --filename name."""
    try:
        words = shlex.split(line)
    except ValueError:
        return []
    names: list[str] = []
    for number, word in enumerate(words):
        if word in ("-f", "--filename") and number + 1 < len(words):
            names += words[number + 1].split(",")
        elif word.startswith("--filename="):
            names += word.removeprefix("--filename=").split(",")
        elif word.startswith("-f") and not word.startswith("--") and len(word) > 2:
            names += word[2:].lstrip("=").split(",")
    return [name for name in names if name and "://" not in name and name != "-"]


def _documents(path: Path, name: str) -> list[object]:
    """The documents of one file, empty ones left out."""
    import yaml

    try:
        if path.stat().st_size > MOST:
            raise ManifestError(f"{name}: larger than {MOST} bytes; split it")
        text = path.read_text(encoding="utf-8")
        return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
        raise ManifestError(f"{place}: {getattr(error, 'problem', None) or 'this is no YAML'}") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{name}: not UTF-8 text") from None
    except OSError as error:
        raise ManifestError(f"{name}: {error.strerror}") from None
