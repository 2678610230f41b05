"""What the learner has done, in one file that they can move: a small database, safe for two instances at once."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS lessons (
    id TEXT PRIMARY KEY, step INTEGER NOT NULL, total INTEGER NOT NULL, seed INTEGER NOT NULL, started INTEGER NOT NULL,
    touched INTEGER NOT NULL, finished INTEGER
);
CREATE TABLE IF NOT EXISTS answers (
    lesson TEXT NOT NULL, step INTEGER NOT NULL, item INTEGER NOT NULL, at INTEGER NOT NULL, right INTEGER NOT NULL,
    sure INTEGER, answer TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tasks (
    lesson TEXT NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, reached INTEGER NOT NULL, shown INTEGER NOT NULL,
    hints INTEGER NOT NULL
);
"""
_TABLES = {
    "lessons": ("id", "step", "total", "seed", "started", "touched", "finished"),
    "answers": ("lesson", "step", "item", "at", "right", "sure", "answer"),
    "tasks": ("lesson", "step", "at", "reached", "shown", "hints"),
}


class ProgressError(Exception):
    """A progress file that cannot be used, or an import that is none. One line."""


class Standing(NamedTuple):
    """How far a lesson has come. ``step``: the furthest, from 0. Instants are Unix seconds; ``finished`` 0: not yet."""

    id: str
    step: int
    total: int
    seed: int
    started: int
    touched: int
    finished: int
    right: int
    answered: int


def place() -> Path:
    """The file: in the folder of ``K8S_TUTOR_DATA``, or where the system keeps a user's data."""
    folder = os.environ.get("K8S_TUTOR_DATA")
    if folder:
        return Path(folder) / "progress.sqlite3"
    from platformdirs import user_data_path

    return user_data_path("k8s-tutor") / "progress.sqlite3"


class Progress:
    """The learner's progress. Every call opens the file, so that any number of instances can use it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or place()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=5, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise ProgressError(f"{self.path}: progress cannot be kept here: {error}") from None
        try:
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise ProgressError(f"{self.path}: progress cannot be read or written: {error}") from None
        finally:
            connection.close()

    # ------------------------------------------------------------------ writing

    def started(self, lesson: str, total: int, seed: int) -> None:
        """A lesson was opened."""
        now = _now()
        with self._open() as db:
            db.execute(
                "INSERT INTO lessons VALUES (?, 0, ?, ?, ?, ?, NULL) "
                "ON CONFLICT(id) DO UPDATE SET total = excluded.total, seed = excluded.seed, touched = excluded.touched",
                (lesson, total, seed, now, now),
            )

    def record(self, lesson: str, kind: str, step: int, details: Mapping[str, Any]) -> None:
        """What a player reports (see `k8s_tutor.lessons.player.Recorder`)."""
        with self._open() as db:
            if kind == "step":
                db.execute("UPDATE lessons SET step = max(step, ?), touched = ? WHERE id = ?", (step, _now(), lesson))
            elif kind == "finished":
                db.execute("UPDATE lessons SET step = total, finished = ?, touched = ? WHERE id = ?", (_now(), _now(), lesson))
            elif kind == "answer":
                sure = details.get("sure")
                row = (lesson, step, int(details.get("item", 0)), _now(), int(bool(details["right"])),
                       None if sure is None else int(bool(sure)), str(details.get("answer", "")))  # fmt: skip
                db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            elif kind == "task":
                shown, hints = int(bool(details.get("shown"))), int(details.get("hints", 0))
                task = (lesson, step, _now(), int(bool(details["reached"])), shown, hints)
                db.execute("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?)", task)

    def recorder(self, lesson: str, total: int, seed: int) -> Any:
        """A `Recorder` for one play of a lesson, which has just begun. Never raises: a lesson goes on without progress."""
        try:
            self.started(lesson, total, seed)
        except ProgressError:
            return lambda kind, step, details: None

        def record(kind: str, step: int, details: Mapping[str, Any]) -> None:
            try:
                self.record(lesson, kind, step, details)
            except ProgressError:
                return

        return record

    def reset(self, lesson: str = "") -> None:
        """Forgets one lesson, or everything."""
        with self._open() as db:
            for table in _TABLES:
                column = "id" if table == "lessons" else "lesson"
                db.execute(f"DELETE FROM {table} WHERE ? = '' OR {column} = ?", (lesson, lesson))

    # ------------------------------------------------------------------ reading

    def standings(self) -> dict[str, Standing]:
        """All lessons that were ever opened, by id."""
        if not self.path.exists():
            return {}
        query = (
            "SELECT id, step, total, seed, started, touched, coalesce(finished, 0), "
            "(SELECT coalesce(sum(right), 0) FROM answers WHERE lesson = id), (SELECT count(*) FROM answers WHERE lesson = id) "
            "FROM lessons ORDER BY id"
        )
        with self._open() as db:
            return {row[0]: Standing(*row) for row in db.execute(query)}

    def export(self) -> dict[str, Any]:
        """Everything, as plain data."""
        out: dict[str, Any] = {"format": FORMAT}
        with self._open() as db:
            for table, columns in _TABLES.items():
                rows = db.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY rowid").fetchall()
                out[table] = [dict(zip(columns, row, strict=True)) for row in rows]
        return out

    def bring_in(self, data: Any) -> int:
        """Adds exported progress to what is here: the further step and the earlier start win, answers are not doubled.

        Returns how many lessons came in. Raises `ProgressError` for what is no export.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ProgressError(f"this is no exported progress: `format` must be {FORMAT}")
        try:
            rows = {table: [tuple(row[c] for c in columns) for row in data[table]] for table, columns in _TABLES.items()}
        except (KeyError, TypeError) as error:
            raise ProgressError(f"this is no exported progress: {error} is missing") from None
        with self._open() as db:
            for row in rows["lessons"]:
                db.execute(
                    "INSERT INTO lessons VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
                    "step = max(step, excluded.step), started = min(started, excluded.started), "
                    "touched = max(touched, excluded.touched), finished = coalesce(finished, excluded.finished)",
                    row,
                )
            for table in ("answers", "tasks"):
                columns = _TABLES[table]
                same = " AND ".join(f"{column} IS ?" for column in columns)
                marks = ", ".join("?" * len(columns))
                line = f"INSERT INTO {table} SELECT {marks} WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {same})"
                for row in rows[table]:
                    db.execute(line, (*row, *row))
        return len(rows["lessons"])


def as_text(data: Mapping[str, Any]) -> str:
    """An export as JSON text."""
    return json.dumps(data, indent=1, sort_keys=True)


def _now() -> int:
    return int(time.time())
