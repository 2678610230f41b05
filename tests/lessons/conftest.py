"""A small lesson on etcd alone, and helpers to write variants of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from k8s_tutor.lessons.loader import Loaded, load

LESSON = """\
format_version: 1
id: small
title: A small lesson
track: consensus
about: May they write?
minutes: {self: 2, class: 1}
cluster: {managers: 3, workers: 0, components: etcd, seed: 7}
lens: committee
steps:
  - say: Three people, three notebooks.
    show: [committee]
    notes: Ask the room.
  - predict: Carol goes. Can they write?
    options:
      - {text: "Yes", correct: true, because: "2 of 3 is a majority."}
      - {text: "No", because: "Then nobody could ever go to lunch.", imagine: {quorum: 3}}
    then: [{crash: Carol}, {until: "raft.leaders.size() == 1"}, {etcdctl: "put /topping olives"}]
    until: committed("put /topping")
  - task: Take people away until nothing can be decided.
    goal:
      now: {too few are left: "!raft.has_quorum"}
      never: {all are gone: "raft.up == 0"}
    deadline: 20s
    hints:
      - {say: "A majority of three is two."}
      - {when: "raft.up == 2", say: "Two are left."}
    solution: [{crash: Bob}]
    alternatives: [[{cut: [[Alice], [Bob]]}]]
    fake_fixes: [[{etcdctl: "put /topping ham"}]]
  - ask: How many of {n} may go?
    vary: {n: [3, 5, 7]}
    answer: {compute: "tolerates(n)"}
    because: "{answer} may go, the rest are a majority."
  - debrief: true
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the small lesson with some of its text replaced: ``write(("old", "new"), ...)``."""

    def make(*changes: tuple[str, str], name: str = "small.yaml", text: str = LESSON) -> Path:
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return make


@pytest.fixture
def small(write: Write) -> Loaded:
    """The small lesson."""
    return load(write())
