"""`k8s-tutor sweep`, `k8s-tutor search`, and a story told by `k8s-tutor replay`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8s_tutor.cli import run

STORIES = Path(__file__).parents[2] / "assets" / "stories"


def test_a_sweep_gives_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", "--seeds", "30", "--jobs", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["seeds"], figures["breaches"], figures["undecided"]) == (30, [], 0)
    assert min(figures[name] for name in ("steps", "elections", "crashes", "torn", "changes", "writes", "reads")) > 0


def test_a_breach_of_the_sweep_says_how_to_see_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", "--variant", "naive", "--seeds", "20", "--jobs", "2"]) == 1
    again = next(line for line in capsys.readouterr().out.splitlines() if "again:" in line)
    command = again.split("again: k8s-tutor ")[1].split()
    assert run(command) == 1
    told = capsys.readouterr().out.splitlines()
    assert any(" leads term " in line for line in told)
    assert told[-1].startswith("naive, seed ")


def test_a_search_tells_its_story_and_saves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "story.json"
    assert run(["search", "naive", "--seeds", "20", "--among", "1", "--save", str(file)]) == 0
    told = capsys.readouterr().out
    assert "naive breaks " in told and "inputs " in told and " → " in told
    assert run(["replay", str(file)]) == 0
    assert "is broken: " in capsys.readouterr().out


def test_a_search_that_finds_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "raft", "--seeds", "5"]) == 0
    assert "raft: nothing is broken in 5 seeds" in capsys.readouterr().out
    assert run(["search", "no-random-timeouts", "--seeds", "1"]) == 1


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (["sweep", "--variant", "zab"], "there is no variant 'zab'; there are raft, naive"),
        (["search", "zab"], "there is no variant 'zab'"),
        (["search", "naive", "--property", "beauty"], "there is no property 'beauty'; there are election safety"),
    ],
)
def test_bad_input_is_one_line(words: list[str], mend: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    error = capsys.readouterr().err
    assert mend in error and error.count("\n") == 1


def test_a_story_is_told_in_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", str(STORIES / "old-term-commit.json")]) == 0
    told = capsys.readouterr().out
    assert "cut cp-3 | cp-1 cp-2" in told and "leader completeness is broken" in told
