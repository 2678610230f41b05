"""The four runs: what proves a task, and what does not."""

# ruff: noqa: E501  (tables of one line a case)

from __future__ import annotations

import pytest

from k8s_tutor.lessons.loader import load
from k8s_tutor.lessons.proof import check, prove

from .conftest import Write


def test_a_good_lesson_is_proved_on_three_seeds(write: Write) -> None:
    report = check([write()])
    assert report.errors() == []
    assert report.status == 0
    (lesson,) = report.json()["lessons"]
    (task,) = lesson["tasks"]
    assert set(task["runs"]) == {"untouched", "solution", "alternatives", "fakes"}
    assert [run["seed"] for run in task["runs"]["untouched"]] == [7, 8, 9]
    assert "✓ small  1 task" in report.text()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('now: {too few are left: "!raft.has_quorum"}', 'now: "raft.has_quorum"', "the untouched start reaches the goal: the task solves itself"),
        ("solution: [{crash: Bob}]", "solution: [{crash: Carol}]", "the solution does not reach the goal within 20s: 'too few are left' stays"),
        ("[[{cut: [[Alice], [Bob]]}]]", "[[{crash: Alice}, {crash: Bob}, {restart: Alice}]]", ""),
        ("[[{cut: [[Alice], [Bob]]}]]", "[[{cut: [[Alice], [Carol]]}]]", "alternative 1 does not reach the goal"),
        ('[[{etcdctl: "put /topping ham"}]]', "[[{pause: Alice}]]", "fake fix 1 reaches the goal (pause Alice)"),
        ('[[{etcdctl: "put /topping ham"}]]', '[[{etcdctl: "no-such-verb"}]]', "fake fix 1 changes nothing"),
        ('now: {too few are left: "!raft.has_quorum"}', 'now: "raft.up == 4"', "the solution does not reach the goal within 20s"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_one_line_with_its_place(write: Write, old: str, new: str, expected: str) -> None:
    path = write((old, new))
    report = check([path], seeds=1)
    errors = report.errors()
    if not expected:
        assert errors == []
        return
    assert report.status == 1
    assert any(line.startswith(f"{path}:19:11: task ") and expected in line for line in errors), errors


def test_a_demonstration_that_never_happens_fails_the_proof(write: Write) -> None:
    path = write(('committed("put /topping")', 'committed("put /sausage")'))
    report = check([path], seeds=1)
    assert report.status == 1
    assert f"{path}:13:5: 'committed(\"put /sausage\")' did not come true (seed 7)" in report.errors()


def test_a_file_that_is_no_lesson_wins_over_a_failed_proof(write: Write) -> None:
    bad = write(("id: small", "id: other"), ("deadline:", "dedline:"), name="bad.yaml")
    report = check([write(("solution: [{crash: Bob}]", "solution: [{crash: Carol}]")), bad], seeds=1)
    assert report.status == 2
    assert any("unknown key 'dedline'" in line for line in report.errors())
    assert [lesson.id for lesson in report.lessons] == ["small"]


def test_a_proof_leaves_no_trace_in_what_follows(write: Write) -> None:
    loaded = load(write())
    assert prove(loaded, 1) == prove(loaded, 1)
