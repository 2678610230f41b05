"""The command line: what a newcomer types, and what they mistype."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SPEC = "managers: 1\nworkers: 0\nseed: 5\n"
LESSON = """format_version: 1
id: tiny
title: Tiny
track: consensus
minutes: {self: 1, class: 1}
cluster: {managers: 3, components: etcd, seed: 7}
steps:
  - say: Three managers.
  - task: Stop them.
    goal: {now: "!raft.has_quorum"}
    deadline: 20s
    solution: [{crash: cp-1}, {crash: cp-2}]
    alternatives: [[{cut: [[cp-1], [cp-2], [cp-3]]}]]
    fake_fixes: [[{crash: cp-3}]]
"""


def tutor(*arguments: str, cwd: Path = ROOT, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "k8s_tutor", *arguments], capture_output=True, text=True, cwd=cwd, env=environment,
        input=stdin, check=False, timeout=300,
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[str], *words: str, status: int = 2) -> None:
    """One clear line, no traceback, the right status."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "tiny.yaml").write_text(LESSON)
    return tmp_path


def test_a_run_ends_with_its_digest_and_repeats(place: Path) -> None:
    runs = [tutor("run", "spec.yaml", "--until", "30s", "--digest", cwd=place) for _ in range(2)]
    assert runs[0].returncode == 0, runs[0].stderr
    digest = runs[0].stdout.splitlines()[-1]
    assert len(digest) == 32
    assert int(digest, 16) >= 0
    assert runs[1].stdout.splitlines()[-1] == digest
    other = tutor("run", "spec.yaml", "--until", "30s", "--digest", "--seed", "6", cwd=place)
    assert other.stdout.splitlines()[-1] != digest


def test_a_run_writes_its_log_as_lines_of_json(place: Path) -> None:
    assert tutor("run", "tiny.yaml", "--log", "log.jsonl", cwd=place).returncode == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in (place / "log.jsonl").read_text().splitlines()]
    assert {line["type"] for line in lines} >= {"delivery", "note", "input"}
    assert any(line.get("kind") == "raft.leader" for line in lines)


def test_a_saved_session_replays_and_a_changed_one_does_not(place: Path) -> None:
    assert tutor("run", "tiny.yaml", "--save", "session.json", cwd=place).returncode == 0
    done = tutor("replay", "session.json", cwd=place)
    assert done.returncode == 0, done.stderr
    session = json.loads((place / "session.json").read_text())
    (place / "other.json").write_text(json.dumps({**session, "seed": session["seed"] + 1}))
    refused(tutor("replay", "other.json", cwd=place), "other.json", "parts from the saved one at event", status=1)
    (place / "none.json").write_text("{}")
    refused(tutor("replay", "none.json", cwd=place), "none.json", "no session")
    (place / "text.json").write_text("hello")
    refused(tutor("replay", "text.json", cwd=place), "text.json")


def test_a_lesson_is_told_as_plain_lines(place: Path) -> None:
    done = tutor("learn", "tiny.yaml", "--plain", "--auto", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "Three managers." in done.stdout
    assert "\x1b" not in done.stdout


def test_a_good_lesson_is_proved(place: Path) -> None:
    done = tutor("lessons", "check", "tiny.yaml", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["lessons"][0]["tasks"][0]["runs"]
    assert set(runs) == {"untouched", "solution", "alternatives", "fakes"}


@pytest.mark.parametrize(
    ("old", "new", "status", "words"),
    [
        ("  - say: Three", "  - sya: Three", 2, ("tiny.yaml:8:", "sya")),
        ("minutes: {self: 1,", "minutes: {self: lots,", 2, ("tiny.yaml:5:", "whole number")),
        ("title: Tiny", "title: Tiny\ntitel: Tiny", 2, ("tiny.yaml:4:1", "titel", "did you mean 'title'")),
        ('"!raft.has_quorum"', '"!raft.has_quorum &&"', 2, ("tiny.yaml:10:",)),
        ("raft.has_quorum", "raft.has_quorom", 2, ("tiny.yaml:10:", "has_quorom", "has_quorum")),
        ('{now: "!raft.has_quorum"}', '{now: "raft.size == 9"}', 1, ("tiny.yaml:9:", "does not reach the goal")),
        ("{crash: cp-3}", "{crash: cp-9}", 2, ("tiny.yaml:14:", "cp-9")),
        ("format_version: 1", "format_version: 7", 2, ("tiny.yaml:1:", "newer")),
        ("steps:", "steps: [", 2, ("tiny.yaml:", "YAML")),
    ],
)
def test_bad_lessons_get_one_line_with_its_place(place: Path, old: str, new: str, status: int, words: tuple[str, ...]) -> None:
    assert old in LESSON
    (place / "tiny.yaml").write_text(LESSON.replace(old, new, 1))
    refused(tutor("lessons", "check", "tiny.yaml", cwd=place), *words, status=status)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("frobnicate",), ("frobnicate", "--help")),
        (("learn", "no-such-lesson", "--plain"), ("no-such-lesson",)),
        (("learn", "pizza-quorm", "--plain"), ("did you mean 'pizza-quorum'",)),
        (("learn", "--auto", "pizza-quorum"), ("--auto goes with --plain",)),
        (("run", "spec.yaml", "--until", "soon"), ("--until", "soon")),
        (("run", "missing.yaml"), ("missing.yaml",)),
        (("sandbox", "--managers", "12"), ("managers", "9")),
        (("sandbox", "--managers", "many"), ("--managers",)),
        (("sandbox", "--spec", "nowhere.yaml"), ("nowhere.yaml",)),
        (("sandbox", "--cni", "flanel"), ("cni",)),
        (("lessons", "check", "nowhere"), ("nowhere",)),
        (("bench", "--only", "B99"), ("B99",)),
        ((), ("terminal",)),
    ],
)
def test_bad_usage_gets_one_line_and_status_2(place: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    done = tutor(*arguments, cwd=place)
    refused(done, *words)
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_broken_spec_names_its_place(place: Path) -> None:
    (place / "spec.yaml").write_text("managers: 3\nwokers: 2\n")
    refused(tutor("run", "spec.yaml", cwd=place), "spec.yaml:2:1", "wokers", "workers")


def test_lessons_are_listed_and_the_schema_is_printed() -> None:
    listed = tutor("lessons", "list")
    assert {line.split()[0] for line in listed.stdout.splitlines()} >= {"orchestra", "pizza-quorum", "split-brain"}
    assert json.loads(tutor("lessons", "schema").stdout) == json.loads((ROOT / "lessons" / "schema.json").read_text())
