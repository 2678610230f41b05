"""A typed line becomes words, and words become flags and arguments, as pflag and cobra read them.

Flags are declared in short words: ``output:o`` (text, short form ``-o``), ``all!`` (switch), ``replicas#`` (number),
``filename:f*`` (list, comma separated, repeatable), ``env@`` (repeatable, commas kept), ``timeout~`` (duration),
``dry-run?unchanged`` (text that may be left out, and the value that it then has).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from k8s_tutor.kubectl.errors import Failure, Worded

GLOBAL_FLAGS = (
    "namespace:n as as-group@ as-uid as-user-extra@ context cluster user kubeconfig server:s token request-timeout help:h! "
    "v:v# cache-dir certificate-authority client-certificate client-key insecure-skip-tls-verify! tls-server-name "
    "disable-compression! match-server-version! warnings-as-errors! username password profile profile-output "
    "log-flush-frequency~ vmodule kuberc"
)
"""What every command takes. Those that tell how to reach a server have no effect: a console knows one cluster."""

_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 0.001, "us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}


class Flag(NamedTuple):
    """One declared flag. ``kind``: text, switch, number, list, array, duration or optional."""

    name: str
    short: str
    kind: str
    implied: str

    @property
    def title(self) -> str:
        """As error texts name it: ``-r, --replicas``."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


_KINDS = {"!": "switch", "#": "number", "*": "list", "@": "array", "~": "duration"}


@lru_cache(maxsize=256)
def declared(words: str, bare: bool = False) -> tuple[Flag, ...]:
    """The flags that the words declare; global ones too, unless ``bare``."""
    found: list[Flag] = []
    for word in words.split():
        found.append(_declaration(word))
    if not bare:
        names, letters = {flag.name for flag in found}, {flag.short for flag in found}
        for flag in map(_declaration, GLOBAL_FLAGS.split()):
            if flag.name not in names:
                found.append(flag._replace(short="") if flag.short in letters else flag)
    return tuple(found)


def _declaration(word: str) -> Flag:
    head, optional, implied = word.partition("?")
    kind = "optional" if optional else _KINDS.get(head[-1], "text")
    name, _, short = head.rstrip("!#*@~").partition(":")
    return Flag(name, short, kind, implied)


@dataclass(frozen=True)
class Words:
    """The arguments of a command: positional ones, those after ``--`` (None when there is no ``--``), and flags."""

    command: str
    positional: tuple[str, ...]
    rest: tuple[str, ...] | None
    values: dict[str, tuple[str, ...]]

    def given(self, name: str) -> bool:
        """Was the flag typed?"""
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """The last value of a flag."""
        return self.values[name][-1] if name in self.values else default

    def on(self, name: str) -> bool:
        """Is the switch on?"""
        return self.text(name, "false") in ("true", "1", "t", "T", "TRUE", "True")

    def number(self, name: str, default: int = 0) -> int:
        """A whole number (checked when the line was read)."""
        return int(self.text(name, str(default)))

    def many(self, name: str) -> tuple[str, ...]:
        """All values of a list or array flag."""
        return self.values.get(name, ())

    def duration(self, name: str, default: int = 0) -> int:
        """A duration in µs."""
        return duration(self.text(name)) or 0 if name in self.values else default


def duration(text: str) -> int | None:
    """Go's duration (``1m30s``) in µs; None when it is none."""
    bare = text.removeprefix("-").removeprefix("+")
    if bare == "0":
        return 0
    if not bare or _DURATION.sub("", bare):
        return None
    total = sum(round(float(number) * _UNITS[unit]) for number, unit in _DURATION.findall(bare))
    return -total if text.startswith("-") else total


def split(text: str) -> list[str]:
    """Words as a shell sees them. Raises `Worded` for a quote that is not closed."""
    try:
        return shlex.split(text)
    except ValueError:
        raise Worded("error: a quote is not closed") from None


def read(words: list[str], command: str, flags: str, bare: bool = False) -> Words:
    """Tell flags from arguments. Raises `Worded` with pflag's text for a flag that is unknown or wrong.

    ``bare``: not of kubectl, so without the global flags.
    """
    known = declared(flags, bare)
    long = {flag.name: flag for flag in known}
    short = {flag.short: flag for flag in known if flag.short}
    values: dict[str, list[str]] = {}
    positional: list[str] = []
    rest: tuple[str, ...] | None = None
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest = tuple(queue)
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            _take(long.get(name.replace("_", "-")), f"unknown flag: --{name}", value if equals else None,
                  f"flag needs an argument: --{name}", queue, values, command)  # fmt: skip
        elif word.startswith("-") and word != "-":
            _read_short(word, short, queue, values, command)
        else:
            positional.append(word)
    return Words(command, tuple(positional), rest, {name: tuple(found) for name, found in values.items()})


def _read_short(word: str, short: dict[str, Flag], queue: list[str], values: dict[str, list[str]], command: str) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = short.get(letter)
        unknown = f"unknown shorthand flag: '{letter}' in {word}"
        if flag is not None and flag.kind in ("switch", "optional") and not letters.startswith("="):
            _take(flag, unknown, None, "", queue, values, command)
            continue
        value = letters.removeprefix("=") if letters else None
        _take(flag, unknown, value, f"flag needs an argument: '{letter}' in {word}", queue, values, command)
        return


def _take(flag: Flag | None, unknown: str, value: str | None, missing: str, queue: list[str],
          values: dict[str, list[str]], command: str) -> None:  # fmt: skip
    if flag is None:
        raise flag_error(unknown, command)
    if value is None:
        if flag.kind == "switch":
            value = "true"
        elif flag.kind == "optional":
            value = flag.implied
        elif queue:
            value = queue.pop(0)
        else:
            raise flag_error(missing, command)
    problem = _wrong(flag, value)
    if problem:
        raise flag_error(f'invalid argument "{value}" for "{flag.title}" flag: {problem}', command)
    found = values.setdefault(flag.name, [])
    found.extend(value.split(",") if flag.kind == "list" else [value])


def _wrong(flag: Flag, value: str) -> str:
    if flag.kind == "number" and not re.fullmatch(r"[-+]?[0-9]+", value):
        return f'strconv.ParseInt: parsing "{value}": invalid syntax'
    if flag.kind == "switch" and value.lower() not in ("true", "false", "1", "0", "t", "f"):
        return f'strconv.ParseBool: parsing "{value}": invalid syntax'
    if flag.kind == "duration" and duration(value) is None:
        return f'time: invalid duration "{value}"'
    return ""


def flag_error(text: str, command: str) -> Failure:
    """A flag is wrong: text and the way to the help."""
    return Worded(f"error: {text}\nSee '{command} --help' for usage.")


def need(words: Words, *names: str) -> None:
    """Raise cobra's error when required flags are missing."""
    missing = [f'"{name}"' for name in names if not words.given(name)]
    if missing:
        raise Failure(f"required flag(s) {', '.join(missing)} not set")
