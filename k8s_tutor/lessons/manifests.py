"""What is handed to a console along with a line: manifests, patches and what stands in an editor, read from YAML.

The engine knows no YAML: a file goes in as the JSON array of its documents (see `kubectl.manifests`). Scalars are those of
kubectl's reader: neither dates nor ``12:30`` are anything but text.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from k8s_tutor.kubectl import shell
from k8s_tutor.kubectl.errors import Failure

MOST = 2_000_000
"""Bytes of one file."""
TEXTS = ("--from-file", "--from-env-file", "--patch-file", "--cert", "--key")
"""Flags that name files which are no manifests."""
Files = tuple[tuple[str, str], ...]


class ManifestError(ValueError):
    """A file that is no manifest; its text is one line."""


class _Loader(yaml.CSafeLoader):
    """Reads scalars as kubectl does."""

    yaml_implicit_resolvers = {
        sign: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] in ("bool", "null", "merge")]
        for sign, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _number(loader: Any, node: Any) -> int | float:
    """A number that is whole is written as one, as JSON's writer in Go does."""
    number = float(loader.construct_yaml_float(node))
    return int(number) if number.is_integer() else number


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(
    r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$"), list("-+0123456789"))  # fmt: skip
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(
    r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"),
    list("-+.0123456789"))  # fmt: skip
_Loader.add_constructor("tag:yaml.org,2002:float", _number)


def load(text: str) -> list[Any]:
    """The documents of a text, empty ones left out. Raises yaml.YAMLError."""
    return [document for document in yaml.load_all(text, _Loader) if document is not None]


def documents(text: str) -> str:
    """The documents as the JSON array that an input takes. Raises ValueError with kubectl's words: ``yaml: line 3: ...``."""
    try:
        return json.dumps(load(text), default=str)
    except yaml.YAMLError as error:
        raise ValueError(in_words(error)) from None


def edited(text: str) -> str:
    """The same for what stands in an editor: text that is no YAML becomes the JSON string that says why."""
    bare = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    try:
        return documents(bare)
    except ValueError as error:
        return json.dumps(str(error))


def in_words(error: yaml.YAMLError) -> str:
    """kubectl's words for YAML that cannot be read (go-yaml decode.go, fail: of all errors only a scanner's count from 1)."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"yaml: {' '.join(str(error).split())}"
    line = error.problem_mark.line if error.problem_mark is not None else 0
    line += 1 if line and isinstance(error, yaml.scanner.ScannerError) else 0
    return f"yaml: line {line}: {error.problem}" if line else f"yaml: {error.problem}"


def trouble(text: str) -> tuple[int, int, str] | None:
    """Line and column (from 0) at which a text stops to be YAML, and why; None where it does not."""
    try:
        load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return (mark.line, mark.column, error.problem or "") if mark is not None else (0, 0, error.problem or "")
    except yaml.YAMLError as error:
        return 0, 0, " ".join(str(error).split())
    return None


def place_of(text: str, field: str) -> tuple[int, int] | None:
    """Line and column (from 0) of a field of the first document, ``spec.containers[0].image``, or of the nearest one above it
    that is there; None where nothing of it is."""
    try:
        node = next(yaml.compose_all(text, _Loader), None)
    except yaml.YAMLError:
        return None
    found: tuple[int, int] | None = None
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", field):
        if isinstance(node, yaml.MappingNode) and name:
            pair = next((pair for pair in node.value if pair[0].value == name), None)
        elif isinstance(node, yaml.SequenceNode) and index and int(index) < len(node.value):
            pair = node.value[int(index)], node.value[int(index)]
        else:
            pair = None
        if pair is None:
            break
        key, node = pair
        found = key.start_mark.line, key.start_mark.column
    return found


# ------------------------------------------------------------------ what a line names


def files_of(line: str, folder: Path) -> Files:
    """(name as typed, JSON array of its documents) for each -f of a kubectl line that names a file or a folder, and what
    other flags name.

    What does not exist is left to kubectl, which says so in its own words. Raises `ManifestError`.
    """
    found: list[tuple[str, str]] = []
    for name in names_in(line):
        path = folder / name
        if path.is_dir():
            inside = [child for child in sorted(path.iterdir()) if child.suffix in (".yaml", ".yml", ".json")]
            read = [document for child in inside for document in _documents(child, f"{name.rstrip('/')}/{child.name}")]
            found.append((name, json.dumps(read, default=str)))
        elif path.is_file():
            found.append((name, json.dumps(_documents(path, name), default=str)))
    return (*found, *_texts(line, folder), *inline(line), *_shown(line, folder))


def inline(line: str) -> Files:
    """(``yaml:`` and the text, JSON array of its documents) for YAML that stands in the line itself: ``patch -p 'spec: ...'``,
    ``echo '...' | kubectl apply -f -``."""
    words = _words(line)
    texts = [value for flag, value in _flags(words) if flag in ("-p", "--patch")]
    texts += [word[2:].lstrip("=") for word in words if word.startswith("-p") and len(word) > 2]
    texts += [" ".join(stage[1:]) for stage in _stages(line)[:1] if stage[:1] == ["echo"]]
    return tuple(_read(text) for text in texts if not _is_json(text))


def _read(text: str) -> tuple[str, str]:
    return f"yaml:{text.strip()}", edited(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _shown(line: str, folder: Path) -> list[tuple[str, str]]:
    """Files that ``cat`` shows, or puts into a pipe: their text, and what it says."""
    found: list[tuple[str, str]] = []
    for name in (name for stage in _stages(line)[:1] if stage[:1] == ["cat"] for name in stage[1:]):
        if (folder / name).is_file():
            text = _text(folder / name, name)
            found += [(f"text:{name}", text), _read(text)]
    return found


def _stages(line: str) -> list[list[str]]:
    """The commands of a pipe, each as words; none for a line that no console can read."""
    try:
        return shell.split(line)
    except Failure:
        return []


def _words(line: str) -> list[str]:
    return [word for stage in _stages(line) for word in stage]


def _flags(words: list[str]) -> list[tuple[str, str]]:
    """(flag, value) pairs of ``--flag=value`` and ``--flag value``."""
    return [word.partition("=")[::2] if word.startswith("--") and "=" in word else (word, following)
            for word, following in zip(words, [*words[1:], ""], strict=True)]  # fmt: skip


def _texts(line: str, folder: Path) -> list[tuple[str, str]]:
    """(``text:`` and the name as typed, text) of each file that a flag names which takes text."""
    found: list[tuple[str, str]] = []
    for flag, value in _flags(_words(line)):
        if flag not in TEXTS:
            continue
        name = value.partition("=")[2] if flag == "--from-file" and "=" in value else value
        path = folder / name
        files = sorted(path.iterdir()) if name and path.is_dir() else [path] if name and path.is_file() else []
        for file in files:
            shown = name if file == path else f"{name.rstrip('/')}/{file.name}"
            text = _text(file, shown)
            found.append((f"text:{shown}", text))
            if flag == "--patch-file" and not _is_json(text):
                found.append(_read(text))
    return found


def _text(path: Path, name: str) -> str:
    if not path.is_file() or path.stat().st_size > MOST:
        raise ManifestError(f"{name}: no file, or larger than {MOST} bytes")
    return path.read_text(encoding="utf-8", errors="replace")


def names_in(line: str) -> list[str]:
    """What -f and --filename name."""
    words = _words(line)
    names: list[str] = []
    for number, word in enumerate(words):
        if word in ("-f", "--filename") and number + 1 < len(words):
            names += words[number + 1].split(",")
        elif word.startswith("--filename="):
            names += word.removeprefix("--filename=").split(",")
        elif word.startswith("-f") and not word.startswith("--") and len(word) > 2:
            names += word[2:].lstrip("=").split(",")
    return [name for name in names if name and "://" not in name and name != "-"]


def _documents(path: Path, name: str) -> list[Any]:
    """The documents of one file, empty ones left out."""
    try:
        if path.stat().st_size > MOST:
            raise ManifestError(f"{name}: larger than {MOST} bytes; split it")
        return load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
        raise ManifestError(f"{place}: {getattr(error, 'problem', None) or 'this is no YAML'}") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{name}: not UTF-8 text") from None
    except OSError as error:
        raise ManifestError(f"{name}: {error.strerror}") from None
