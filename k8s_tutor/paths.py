"""Where the data that travels with the package lies: in the wheel beside the code, in a clone at the top of the repo."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def assets() -> Path:
    """The folder with the schema table, the lenses and the themes."""
    return _folder("assets")


def lessons() -> Path:
    """The folder with the built-in lessons."""
    return _folder("lessons")
