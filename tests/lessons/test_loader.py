"""Every problem in a lesson file is one line with its place and how to mend it."""

# ruff: noqa: E501  (tables of one line a case)

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_tutor.lessons.errors import LessonError
from k8s_tutor.lessons.index import entries
from k8s_tutor.lessons.loader import Loaded, find, load, load_all

from .conftest import LESSON, Write

PROBLEMS = [
    pytest.param("deadline: 20s", "dedline: 20s", "23:5: unknown key 'dedline'; did you mean 'deadline'?", id="unknown key"),
    pytest.param('text: "Yes"', "text: Yes", '15:16: `text` must be text, not true: put quotes around it ("Yes", "No" and', id="yes"),
    pytest.param("minutes: {self: 2, class: 1}", "minutes: {self: 2}", "6:10: key 'class' is missing: add `class: ...`", id="missing"),
    pytest.param("{self: 2,", "{self: two,", "6:17: `self` must be a whole number, not 'two'", id="wrong type"),
    pytest.param("deadline: 20s", "deadline: 20", "23:15: a duration needs a unit, e.g. 500ms or 60s, not 20", id="no unit"),
    pytest.param("[{crash: Bob}]", "[{crsh: Bob}]", "27:16: 'crsh' is no action; did you mean 'crash'?", id="unknown action"),
    pytest.param("[{crash: Bob}]", "[{crash: Bob, heal: all}]", "an action has one verb: split crash and heal", id="two verbs"),
    pytest.param("[{crash: Bob}]", "[{crash: Bobb}]", "27:24: there is no machine 'Bobb' in this cluster; did you mean 'Bob'?", id="machine"),
    pytest.param('"!raft.has_quorum"', '"!raft.has_quorm"', "21:31: CEL '!raft.has_quorm': Raft has no field 'has_quorm'; did", id="field"),
    pytest.param('"!raft.has_quorum"', '"!rft.has_quorum"', "there is no name 'rft'; did you mean 'raft'?", id="unknown name"),
    pytest.param('"!raft.has_quorum"', '"raft.up =="', "21:31: CEL 'raft.up ==': is no CEL: mismatched input the end", id="broken CEL"),
    pytest.param('"!raft.has_quorum"', '"raft.up"', "must be true or false, not an int: compare it with something", id="not a truth"),
    pytest.param('"!raft.has_quorum"', '"1 == 1"', "is always true: it reads nothing of the cluster", id="constant"),
    pytest.param('"raft.up == 0"', '"!raft.has_quorum"', "the goal cannot be reached: '!raft.has_quorum' is both wanted and", id="unreachable"),
    pytest.param("      now: {too few are left: \"!raft.has_quorum\"}\n", "", "21:7: a goal needs `now` or `eventually`", id="only never"),
    pytest.param("[[{cut: [[Alice], [Bob]]}]]", "[[{wait: 1s}, {crash: Bob}]]", "this alternative is the solution but for", id="alternative"),
    pytest.param('[[{etcdctl: "put /topping ham"}]]', '[[{etcdctl: "get /topping"}]]', "this fake fix changes nothing", id="idle fake"),
    pytest.param('[[{etcdctl: "put /topping ham"}]]', "[]", "29:17: a task needs at least one of its `fake_fixes`", id="no fake"),
    pytest.param("show: [committee]", "show: [comittee]", "there is no panel 'comittee'; did you mean 'committee'?", id="panel"),
    pytest.param("lens: committee", "lens: comitee", "8:7: there is no lens 'comitee'; did you mean 'committee'?", id="lens"),
    pytest.param("managers: 3", "mangers: 3", "7:11: unknown key 'mangers'; did you mean 'managers'?", id="spec key"),
    pytest.param("managers: 3", "managers: 30", "7:21: `managers`: input should be less than or equal to 9, not 30", id="spec"),
    pytest.param("id: small", "id: small\nid: again", "3:1: key 'id' is here twice (first in line 2): keep one", id="twice"),
    pytest.param("  - debrief: true", "  - debreif: true", "34:5: 'debreif' begins no step; did you mean 'debrief'?", id="step"),
    pytest.param("  - debrief: true", "  - debrief: [", "is no YAML: while parsing a flow node", id="YAML"),
    pytest.param("format_version: 1", "format_version: 9", "1:17: format_version 9 is newer than 1: upgrade", id="newer"),
    pytest.param('"tolerates(n)"', '"tolerates(m)"', "there is no name 'm'", id="unknown in compute"),
    pytest.param("correct: true, ", "", "mark exactly one option with `correct: true`", id="no right option"),
    pytest.param('[{crash: Bob}]', '[{kubectl: "get pods"}]', "this cluster is etcd alone and has no API server: use `etcdctl`", id="no API"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), PROBLEMS)
def test_a_problem_is_one_line_with_its_place(write: Write, old: str, new: str, expected: str) -> None:
    path = write((old, new))
    with pytest.raises(LessonError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    assert any(line.startswith(f"{path}:") and expected in line for line in lines), lines


def test_all_problems_of_a_file_are_told_at_once(write: Write) -> None:
    with pytest.raises(LessonError) as caught:
        load(write(("deadline: 20s", "dedline: 20s"), ("crash: Carol", "crsh: Carol")))
    assert [problem.line for problem in caught.value.problems] == [17, 23]


def test_names_of_a_lens_and_of_components_are_both_machines(write: Write) -> None:
    load(write(("{crash: Bob}", "{crash: cp-2}")))
    load(write(("{crash: Bob}", "{crash: etcd-2}")))


def test_ids_are_unique_and_requirements_exist(write: Write, tmp_path: Path) -> None:
    write()
    write(("title: A small lesson", "title: Again\nrequires: [nothing]"), name="again.yaml")
    with pytest.raises(LessonError) as caught:
        load_all([tmp_path], known=["other"])
    text = str(caught.value)
    assert "id 'small' is taken by" in text
    assert "there is no lesson 'nothing'" in text


def test_a_lesson_is_found_by_path_and_by_id(small: Loaded, tmp_path: Path) -> None:
    assert find(small.document.file).lesson == small.lesson
    assert find("small", [tmp_path]).lesson == small.lesson
    with pytest.raises(LessonError, match="there is no lesson 'smal'; did you mean 'small'"):
        find("smal", [tmp_path])


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match="there is no such file or folder"):
        load_all([tmp_path / "none"])
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(LessonError, match=r"empty\.yaml:1:1: is empty"):
        load(tmp_path / "empty.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(LessonError, match=r"list\.yaml:1:1: must be a mapping"):
        load(tmp_path / "list.yaml")


def test_the_index_reads_heads_only_and_leaves_out_what_is_broken(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(LESSON.split("steps:")[0] + "\nsteps:\n  - nonsense: [")
    (tmp_path / "b.yaml").write_text("no lesson")
    entry = next(entry for entry in entries([tmp_path]) if entry.id == "small")
    assert (entry.title, entry.track, entry.about, entry.minutes) == ("A small lesson", "consensus", "May they write?", 2)
    assert not [entry for entry in entries([tmp_path]) if entry.path.name == "b.yaml"]
