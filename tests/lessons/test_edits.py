"""Lessons in which somebody edits."""

from __future__ import annotations

import pytest

from k8s_tutor.lessons.errors import LessonError
from k8s_tutor.lessons.loader import load
from k8s_tutor.lessons.narrate import narrate
from k8s_tutor.lessons.player import Player
from k8s_tutor.lessons.proof import prove
from tests.lessons.conftest import Write

EDITING = """\
format_version: 1
id: editing
title: An edit
track: control-plane
minutes: {self: 2, class: 1}
cluster: {managers: 1, workers: 0, seed: 7}
lens: kubernetes
steps:
  - do:
      - {kubectl: "create configmap c --from-literal=size=small"}
      - {kubectl: "edit configmap c", edit: [{replace: "size: small", with: "size: medium"}]}
  - task: Make it large.
    goal: {now: "configmap('c').data.size == 'large'"}
    solution: [{kubectl: "edit configmap c", edit: [{replace: medium, with: large}]}]
    alternatives: [[{kubectl: "patch configmap c -p 'data: {size: large}'"}]]
    fake_fixes: [[{kubectl: "edit configmap c", edit: [{replace: medium, with: larger}]}]]
"""


def test_an_edit_is_played_told_and_proved(write: Write) -> None:
    entry = load(write(text=EDITING))
    lines: list[str] = []
    assert narrate(Player(entry.lesson), lines.append, auto=True)
    assert any("configmap/c edited" in line for line in lines)
    proof = prove(entry, 1)
    assert not proof.troubles and all(run.ok for task in proof.tasks for run in task.runs)


def test_who_works_in_text_edits_in_an_editor(write: Write) -> None:
    lesson = load(write(text=EDITING)).lesson
    typed = iter(["", "kubectl edit configmap c"])
    lines: list[str] = []

    def hand(name: str, text: str) -> str:
        return text.replace("medium", "large")

    assert narrate(Player(lesson), lines.append, lambda prompt: next(typed), edit=hand)
    assert "  ✓ the goal is reached" in lines


@pytest.mark.parametrize(("old", "new", "problem"), [
    ("edit configmap c\", edit: [{replace: medium, with: large}]", "edit configmap c\"", "say what to `edit:`"),
    ("edit configmap c\", edit: [{replace: medium, with: larger}]", "label configmap c a=b\", edit: [{replace: a, with: b}]",
     "only `kubectl edit` opens an editor"),
])  # fmt: skip
def test_an_edit_says_what_is_edited(write: Write, old: str, new: str, problem: str) -> None:
    with pytest.raises(LessonError, match=problem):
        load(write((old, new), text=EDITING))
