"""Narration, lenses, schema and progress."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from k8s_tutor import paths
from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.views import FlightView, NoteView
from k8s_tutor.lessons import lens as lenses
from k8s_tutor.lessons.console import CommandError, command
from k8s_tutor.lessons.debrief import words
from k8s_tutor.lessons.lens import fields_of
from k8s_tutor.lessons.loader import Loaded
from k8s_tutor.lessons.models import Do, Say
from k8s_tutor.lessons.narrate import narrate
from k8s_tutor.lessons.player import Player
from k8s_tutor.lessons.progress import Progress, ProgressError
from k8s_tutor.lessons.schema import as_text


def test_auto_narration_answers_right_and_plays_the_solution(small: Loaded) -> None:
    lines: list[str] = []
    assert narrate(Player(small.lesson), lines.append, auto=True)
    text = "\n".join(lines)
    assert all(len(line) <= 100 for line in lines)
    assert "[2/5] Predict" in text and "  > 1" in text
    assert "Alice → Bob  write down 2 put /topping" in text
    assert "  ✓ the goal is reached" in text
    assert lines[-1] == "The end."


def test_narration_reads_answers_and_commands(small: Loaded) -> None:
    typed = iter(["", "7", "2", "y", "frobnicate", "crash lb", "reset", "hint", "crash Bob", "3", ""])
    lines: list[str] = []
    assert narrate(Player(small.lesson), lines.append, lambda prompt: next(typed))
    text = "\n".join(lines)
    assert "there is no option '7'; answer with a number from 1 to 2" in text
    assert "'frobnicate' is no command" in text
    assert "Two are left." in text
    assert "there is no machine or process named lb; there are cp-1, cp-2, cp-3" in text
    assert "If 3 of 3 had to agree: 2 are within reach now" in text
    assert "  crash Bob" in text


def test_a_line_may_be_typed_at_somebody_elses_console() -> None:
    given, wait = command("as amy etcdctl get topping", lenses.lens("committee"))
    assert given == [inputs.Kubectl("etcdctl get topping", (), "amy")] and wait == 0
    with pytest.raises(CommandError):
        command("as amy crash Bob", lenses.lens("committee"))


def test_a_long_line_is_told_by_its_beginning() -> None:
    told = words(inputs.Kubectl(f"etcdctl put report '{'all is well, ' * 30}'"), lenses.lens("committee"))
    assert told.startswith("etcdctl put report 'all is well,") and told.endswith(" …") and len(told) <= 90


def test_items_of_a_list_are_wrapped_each_for_itself(small: Loaded) -> None:
    said = Say(say="Two things:\n\n- the **lines**, " + "which go on and on, " * 6 + "\n- the store")
    lines: list[str] = []
    narrate(Player(small.lesson.model_copy(update={"steps": [said]})), lines.append, auto=True)
    begun = next(index for index, line in enumerate(lines) if line.startswith("- the lines"))
    assert lines[begun + 1].startswith("  ") and "- the store" in lines and max(map(len, lines)) <= 100


def test_narration_ends_politely_when_nothing_more_is_typed(small: Loaded) -> None:
    def nothing(prompt: str) -> str:
        raise EOFError

    lines: list[str] = []
    assert not narrate(Player(small.lesson), lines.append, nothing)
    assert lines[-1] == "Left here."


@pytest.mark.parametrize("name", lenses.names())
def test_every_lens_is_whole(name: str) -> None:
    lens = lenses.lens(name)
    assert lens.id == name and lens.breaks and lens.about
    for text in (*lens.notes.values(), *lens.messages.values(), lens.breaks):
        assert "!" not in text
        fields_of(text)
    if lens.machines:
        assert lens.component(lens.name("cp-2").upper()) == "cp-2"
        assert len(set(lens.machines.values())) == len(lens.machines)


def test_a_lens_never_fails_on_what_it_does_not_know() -> None:
    lens = lenses.lens("committee")
    note = NoteView(at=0, actor="etcd-1", machine="cp-1", kind="raft.leader", fields={}, cause=0)
    assert lens.note(note) == "Alice is chair of term …"
    assert lens.note(NoteView(at=0, actor="x", machine="x", kind="new.kind", fields={}, cause=0)) == ""
    flight = FlightView(id=1, src="etcd-1", dst="etcd-3", src_machine="cp-1", dst_machine="cp-3", kind="AppendEntries",
                        text="5 put /topping", sent_at=0, due=1, cause=0, work=True, outcome="flying")  # fmt: skip
    assert lens.message(flight) == "write down 5 put /topping"
    assert lens.name("etcd-3") == "Carol" and lens.name("unknown") == "unknown"


def test_the_committed_schema_is_that_of_the_models() -> None:
    assert (paths.lessons() / "schema.json").read_text(encoding="utf-8") == as_text()


def test_the_readme_has_an_example_of_every_kind_of_step(tmp_path: Path) -> None:
    from k8s_tutor.lessons.loader import load
    from k8s_tutor.lessons.models import KINDS

    readme = (paths.lessons() / "README.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in readme.split("```yaml\n")[1:]]
    steps = [block for block in blocks if block.startswith("- ")]
    head = next(block for block in blocks if block.startswith("format_version"))
    seen = set()
    for number, block in enumerate(steps):
        path = tmp_path / f"{number}.yaml"
        path.write_text(head.split("steps:")[0] + "steps:\n" + "".join(f"  {line}\n" for line in block.splitlines()))
        seen |= {step.KIND for step in load(path).lesson.steps}
    assert seen == {kind.KIND for kind in KINDS}


def test_the_readme_lists_every_name_of_a_condition() -> None:
    from k8s_tutor.lessons.names import NAMES

    readme = (paths.lessons() / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"| `{name}" not in readme] == []


def test_progress_is_kept_and_moves_as_json(small: Loaded, tmp_path: Path) -> None:
    here = Progress(tmp_path / "a" / "progress.sqlite3")
    player = Player(small.lesson, record=here.recorder("small", 5, 7))
    while player.skip():
        pass
    standing = here.standings()["small"]
    assert (standing.step, standing.total, standing.right, standing.answered) == (5, 5, 2, 2)
    assert standing.finished
    data = json.loads(json.dumps(here.export()))
    there = Progress(tmp_path / "b" / "progress.sqlite3")
    assert there.bring_in(data) == 1
    assert there.bring_in(data) == 1
    assert there.standings()["small"] == standing
    there.reset("small")
    assert there.standings() == {}


def test_two_instances_may_write_at_once(tmp_path: Path) -> None:
    one, two = Progress(tmp_path / "p.sqlite3"), Progress(tmp_path / "p.sqlite3")
    first, second = one.recorder("a", 3, 1), two.recorder("b", 3, 1)
    for step in range(3):
        first("step", step, {})
        second("step", step, {})
    assert {name: s.step for name, s in one.standings().items()} == {"a": 2, "b": 2}


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgressError, match="this is no exported progress"):
        Progress(tmp_path / "p.sqlite3").bring_in({"format": 3})


def test_progress_that_cannot_be_kept_does_not_stop_a_lesson(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    record = Progress(tmp_path / "file" / "p.sqlite3").recorder("a", 3, 1)
    record("step", 1, {})


@pytest.mark.parametrize(
    ("verb", "path", "said"),
    [
        ("POST", "/api/v1/namespaces/default/pods", "new musician"),
        ("GET", "/api/v1/namespaces/default/pods", "all musicians"),
        ("DELETE", "/api/v1/namespaces/shop/pods/web-1", "musician web-1"),
        ("PATCH", "/apis/apps/v1/namespaces/default/deployments/web/scale", "volume of section web"),
        ("PATCH", "/api/v1/nodes/node-2", "desk 2"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler", "lease kube-scheduler"),
        ("AppendEntries", "5 put /registry/pods/default/web", "5 put /registry/pods/default/web"),
    ],
)
def test_a_lens_says_paths_in_its_own_words(verb: str, path: str, said: str) -> None:
    assert lenses.lens("orchestra").thing(path, verb) == said


def test_a_long_answer_is_told_in_part_and_whole_to_whoever_works_with_it(small: Loaded) -> None:
    shown: list[str] = []
    step = Do.model_validate({"do": [{"etcdctl": "help"}]})
    narrate(Player(small.lesson.model_copy(update={"steps": [step]})), shown.append, auto=True)
    assert any(line.endswith("more lines)") for line in shown)
    worked: list[str] = []
    typed = iter(["etcdctl help"])
    task = small.lesson.model_copy(update={"steps": [small.lesson.steps[2]]})
    with contextlib.suppress(StopIteration):
        narrate(Player(task), worked.append, lambda prompt: next(typed))
    assert len(worked) > len(shown) and not any(line.endswith("more lines)") for line in worked)


def test_who_works_in_text_may_ask_why_a_pod_is_where_it_is(small: Loaded) -> None:
    lines: list[str] = []
    typed = iter(["why pod web-1"])
    task = small.lesson.model_copy(update={"steps": [small.lesson.steps[2]]})
    with contextlib.suppress(StopIteration):
        narrate(Player(task), lines.append, lambda prompt: next(typed))
    assert "no scheduler has decided about default/web-1 yet" in lines
