"""Everything that runs without a screen: lessons as text, runs, replays, lists, checks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from k8s_tutor.cluster import Cluster, SessionError
from k8s_tutor.cluster.export import lines
from k8s_tutor.cluster.search import tell as tell_story
from k8s_tutor.cluster.spec import duration
from k8s_tutor.lessons import index, loader, proof
from k8s_tutor.lessons.errors import LessonError
from k8s_tutor.lessons.models import Lesson
from k8s_tutor.lessons.narrate import narrate as tell
from k8s_tutor.lessons.player import Player
from k8s_tutor.serve import editor, specs

OK, FAILED, BAD = 0, 1, 2
DEFAULT_RUN = 60_000_000
"""Virtual time, µs, that a cluster specification is run for when nothing else is said."""


def say(text: str = "") -> None:
    """One line on standard output."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> int:
    """One line, or more, on standard error; returns the status for bad input."""
    sys.stderr.write(f"{text}\n")
    return BAD


def _guarded(work: Callable[[], int]) -> int:
    """Does the work; bad input becomes text on standard error and the status for it."""
    try:
        return work()
    except (LessonError, specs.SpecError, SessionError) as error:
        return complain(str(error))
    except OSError as error:
        return complain(f"k8s-tutor: {error.filename or ''}: {error.strerror or error}")


def _lesson(name: str) -> Lesson:
    return loader.find(name).lesson


def narrate(name: str, seed: int | None, auto: bool, lens: str | None) -> int:
    """Plays a lesson as lines of text, answered from standard input or by itself."""

    def work() -> int:
        player = Player(_lesson(name), seed)
        if lens:
            player.set_lens(lens)
        read: Callable[[str], str] | None = None if auto else input
        return OK if tell(player, say, read, auto, editor.edit) else FAILED

    return _guarded(work)


# ---------------------------------------------------------------------------------------------------- run and replay


def run(what: str, seed: int | None, until: str | None, log: str | None, digest: bool, save: str | None) -> int:
    """Runs a lesson, answered right and with its solutions, or a cluster specification."""

    def work() -> int:
        end = _time(until)
        cluster = _run_spec(what, seed, end) if _is_spec(what) else _run_lesson(what, seed, end)
        if log:
            with open(log, "w", encoding="utf-8") as stream:
                stream.writelines(line + "\n" for line in lines(cluster.world))
        if save:
            Path(save).write_text(json.dumps(cluster.save()) + "\n", encoding="utf-8")
        say(f"{cluster.events} events, {cluster.now / 1_000_000:.6f} s of virtual time, seed {cluster.seed}")
        if digest:
            say(cluster.digest())
        return OK

    return _guarded(work)


def _time(until: str | None) -> int | None:
    try:
        return duration(until) if until is not None else None
    except ValueError as error:
        raise specs.SpecError(f"k8s-tutor: --until: {error}") from None


def _is_spec(what: str) -> bool:
    """Whether a file is a cluster specification: YAML without steps."""
    path = Path(what)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        return False
    from k8s_tutor.lessons.source import read

    data = read(path).data
    return isinstance(data, dict) and "steps" not in data and "format_version" not in data


def _run_spec(path: str, seed: int | None, end: int | None) -> Cluster:
    cluster = Cluster(specs.load(path), seed)
    cluster.run_until(end if end is not None else cluster.now + DEFAULT_RUN)
    return cluster


def _run_lesson(name: str, seed: int | None, end: int | None) -> Cluster:
    player = Player(_lesson(name), seed)
    if end is None:
        tell(player, lambda line: None, None, True)
        return player.cluster
    while player.cluster.now < end:
        player.advance(end)
    return player.cluster


def _session(path: str) -> dict[str, Any]:
    try:
        session = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise SessionError(f"{path}: this is no session: {error}") from None
    if not isinstance(session, dict):
        raise SessionError(f"{path}: this is no session: it has no fields")
    return session


def read_session(path: str) -> dict[str, Any] | None:
    """A saved session as data; None, after a line on standard error, when the file holds none."""
    found: list[dict[str, Any]] = []

    def work() -> int:
        found.append(_session(path))
        return OK

    _guarded(work)
    return found[0] if found else None


def replay(path: str) -> int:
    """Replays a saved session and tells its story, if it is one; says whether it came out as it was saved."""

    def work() -> int:
        session = _session(path)
        try:
            cluster = Cluster.load(session)
        except SessionError as error:
            complain(f"{path}: {error}")
            return FAILED if error.parted else BAD
        for line in tell_story(session) if "story" in session else ():
            say(line)
        say(f"{cluster.events} events, {len(session['inputs'])} inputs, {cluster.now / 1_000_000:.6f} s of virtual time")
        say(cluster.digest())
        return OK

    return _guarded(work)


# ---------------------------------------------------------------------------------------------------- lessons


def list_lessons() -> int:
    """All lessons, a line each."""
    found = index.entries()
    width = max((len(entry.id) for entry in found), default=0)
    for entry in found:
        say(f"{entry.id:<{width}}  {entry.track:<14}  {entry.minutes:>3} min  {entry.title}")
    return OK


def check_lessons(paths: list[str], as_json: bool) -> int:
    """Checks lessons and proves their tasks."""
    report = proof.check([Path(path) for path in paths])
    for error in report.errors():
        complain(error)
    say(json.dumps(report.json(), indent=2) if as_json else report.text())
    return report.status


def print_schema() -> int:
    """The JSON Schema of the lesson format."""
    from k8s_tutor.lessons.schema import as_text

    sys.stdout.write(as_text())
    return OK


__all__ = ["check_lessons", "list_lessons", "narrate", "print_schema", "replay", "run"]
