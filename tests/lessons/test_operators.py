"""Operators in lessons: declared in the cluster or installed by an action, and mistakes in them named with their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from k8s_tutor.lessons.console import CommandError, command
from k8s_tutor.lessons.errors import LessonError
from k8s_tutor.lessons.lens import lens
from k8s_tutor.lessons.loader import load, operators
from k8s_tutor.lessons.proof import prove

OPERATOR = """
name: labeller
watches: {apiVersion: v1, kind: Namespace}
children:
  - name: note
    when: "!self.metadata.name.startsWith('kube-') && self.metadata.name != 'default'"
    manifest: {apiVersion: v1, kind: ConfigMap, metadata: {name: note, namespace: "${self.metadata.name}"}, data: {team: "?"}}
"""
LESSON = """
format_version: 1
id: my-operator
title: My operator
track: control-plane
minutes: {self: 1, class: 1}
cluster: {managers: 1, workers: 0, kubelets: plain}
steps:
  - task: Every namespace shall have a note.
    goal: {now: 'object("ConfigMap", "note", "shop") != null'}
    deadline: 30s
    solution:
      - {operator: %s}
      - {kubectl: create namespace shop}
    alternatives:
      - [{kubectl: create namespace shop}, {kubectl: create configmap note -n shop}]
    fake_fixes:
      - [{kubectl: create namespace shop}, {crash: labeller-1}]
"""


def flow(text: str) -> str:
    """YAML in one line."""
    return json.dumps(yaml.safe_load(text))


def test_an_action_installs_an_operator(tmp_path: Path) -> None:
    path = tmp_path / "lesson.yaml"
    path.write_text(LESSON % flow(OPERATOR), encoding="utf-8")
    proof = prove(load(path))
    assert proof.troubles == ()
    assert [run for task in proof.tasks for run in task.runs if not run.ok] == []


def test_mistakes_have_their_place(tmp_path: Path) -> None:
    path = tmp_path / "ops.yaml"
    wrong = OPERATOR.replace("self.metadata.name.starts", "sel.metadata.name.starts")
    path.write_text("operators:\n  - " + wrong.strip().replace("\n", "\n    ") + "\n", encoding="utf-8")
    with pytest.raises(LessonError) as caught:
        operators(path)
    text = "undeclared reference to 'sel'; an expression here knows self"
    assert str(caught.value).startswith(f"{path}:6:15: ") and text in str(caught.value)
    with pytest.raises(CommandError, match="undeclared reference"):
        command(f"operator {path}", lens("kubernetes"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("name: note, namespace", "name: '${self.metadata.name', namespace"), "the expression has no end"),
        (("kind: ConfigMap,", "kind: '${self.kind}',"), "a child's kind must stand in its manifest as it is"),
        (("    when", "    owned: false\n    when"), "nobody deletes a child without owner"),
        (("children:", "status: {x: 1}\nchildren:"), "the status of a Namespace is written by its own controller"),
        (("when: \"!self", "when: \"${!self"), "write it without ${ and }"),
    ],
)
def test_what_is_no_operator(tmp_path: Path, change: tuple[str, str], text: str) -> None:
    path = tmp_path / "ops.yaml"
    path.write_text("operators:\n  - " + OPERATOR.replace(*change).strip().replace("\n", "\n    ") + "\n", encoding="utf-8")
    with pytest.raises(LessonError, match=r"ops\.yaml:") as caught:
        operators(path)
    assert text in str(caught.value)
