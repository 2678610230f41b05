"""The player: predictions before runs, goals between messages, solutions after asking, and time that can be taken back."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import inputs
from k8s_tutor.lessons.actions import AddManager, Clock, Crash, Cut, Move, RemoveManager, Restore, SlowDisk
from k8s_tutor.lessons.loader import Loaded, load
from k8s_tutor.lessons.player import Player
from k8s_tutor.lessons.stage import as_inputs

from .conftest import Write

SECOND = 1_000_000


def run(player: Player, seconds: float) -> None:
    """Lets the world run, as a driver does."""
    end = player.cluster.now + int(seconds * SECOND)
    phase = player.phase
    while player.phase == phase and player.cluster.now < end:
        player.advance(end, 300)
        player.tick()


@pytest.fixture
def player(small: Loaded) -> Player:
    return Player(small.lesson)


@pytest.fixture
def at_task(player: Player) -> Player:
    player.skip_to(2)
    assert player.phase == "working"
    return player


def kinds(player: Player, kind: str) -> list[tuple[str, str]]:
    return [(block.text, block.state) for block in player.view().blocks if block.kind == kind]


def test_a_say_step_is_read_and_left(player: Player) -> None:
    view = player.view()
    assert (view.kind, view.phase, view.panels, view.notes) == ("say", "reading", ("committee",), "Ask the room.")
    assert view.upcoming == "predict: Carol goes. Can they write?"
    assert player.next()
    assert player.index == 1


def test_a_prediction_is_committed_before_anything_moves(player: Player) -> None:
    player.next()
    now = player.cluster.now
    assert player.holds and not player.next()
    assert not player.advance(now + SECOND)
    assert player.cluster.now == now
    assert kinds(player, "feedback") == []
    assert player.answer("no") is False
    run(player, 60)
    assert player.phase == "done"
    assert kinds(player, "feedback") == [("Then nobody could ever go to lunch.", "wrong"), ("2 of 3 is a majority.", "right")]


def test_a_wrong_prediction_names_the_world_in_which_it_would_be_true(player: Player) -> None:
    player.next()
    player.answer(1)
    run(player, 60)
    assert player.imaginable is not None
    assert player.imagine()
    assert "2 are within reach now, so nothing could be decided any more" in kinds(player, "imagine")[0][0]


def test_an_unknown_option_is_refused(player: Player) -> None:
    player.next()
    with pytest.raises(ValueError, match="there is no option 'maybe'; answer with a number from 1 to 2"):
        player.answer("maybe")


def test_a_goal_is_checked_between_two_messages(at_task: Player) -> None:
    assert kinds(at_task, "goal") == [("too few are left", "open"), ("all are gone", "open")]
    at_task.give(inputs.Crash("cp-2"))
    assert at_task.phase == "done"
    assert kinds(at_task, "goal")[0] == ("too few are left", "met")


def test_going_back_in_time_takes_a_reached_goal_back(at_task: Player) -> None:
    now = at_task.cluster.now
    run(at_task, 1)
    at_task.give(inputs.Crash("cp-2"))
    assert at_task.phase == "done"
    at_task.cluster.goto_time(now + SECOND // 2)
    at_task.tick()
    assert at_task.phase == "working"


def test_a_must_not_is_never_missed_however_short(write: Write) -> None:
    path = write(('never: {all are gone: "raft.up == 0"}', "never: {nobody leads: raft.leaders.size() == 0}"),
                 ('"!raft.has_quorum"', 'raft.up == 3'), ("[{crash: Bob}]", "[{restart: Carol}]"),
                 ("[[{cut: [[Alice], [Bob]]}]]", "[[{wait: 1s}, {crash: Carol}, {restart: Carol}]]"))  # fmt: skip
    player = Player(load(path).lesson)
    player.skip_to(2)
    leader = player.cluster.view().raft.leaders[0]
    player.give(inputs.Crash(leader))
    player.give(inputs.Restart(leader))
    assert player.phase == "failed"
    assert "this must never happen, and it did" in kinds(player, "warning")[0][0]
    assert player.reset()
    assert player.phase == "working"


def test_hints_that_fit_the_moment_come_first(at_task: Player) -> None:
    assert at_task.hint() == "Two are left."
    assert at_task.hint() == "A majority of three is two."
    assert at_task.hint() == ""
    assert len(kinds(at_task, "hint")) == 2


def test_the_solution_asks_first_and_then_plays_from_the_opening(at_task: Player) -> None:
    opened = at_task.cluster.now
    at_task.give(inputs.Kubectl("etcdctl put /mine 1"))
    run(at_task, 2)
    assert at_task.solve() is False
    assert at_task.solve() is True
    assert at_task.phase == "done"
    assert at_task.cluster.now == opened
    assert len(at_task.cluster.branches()) == 2


def test_reset_goes_back_to_the_opening_and_keeps_the_attempt_as_a_branch(at_task: Player) -> None:
    digest = at_task.cluster.digest()
    at_task.give(inputs.Crash("cp-1"))
    run(at_task, 3)
    assert at_task.reset()
    assert at_task.cluster.digest() == digest
    assert at_task.phase == "working"


def test_an_answer_is_computed_and_varied_by_the_seed(small: Loaded) -> None:
    texts = set()
    for seed in range(1, 9):
        player = Player(small.lesson, seed)
        player.skip_to(3)
        asked = player.asked
        assert asked is not None
        texts.add((asked.text, asked.right))
        assert player.answer(f" {asked.right} ") is True
    assert texts == {("How many of 3 may go?", "1"), ("How many of 5 may go?", "2"), ("How many of 7 may go?", "3")}


def test_number_words_and_names_are_tolerated(write: Write) -> None:
    path = write(('answer: {compute: "tolerates(n)"}', "answer: Alice and Bob"), ("    vary: {n: [3, 5, 7]}\n", ""))
    for given, right in (("bob, alice", True), ("cp-1 and etcd-2", True), ("Carol", False)):
        player = Player(load(path).lesson)
        player.skip_to(3)
        assert player.answer(given) is right


def test_what_was_done_is_reported_and_told_in_the_debrief(small: Loaded) -> None:
    told: list[tuple[str, int, dict[str, Any]]] = []
    player = Player(small.lesson, record=lambda kind, step, details: told.append((kind, step, details)))
    player.skip_to(2)
    player.give(inputs.Crash("cp-2"))
    player.advance(player.cluster.now + 3 * SECOND)  # the chair finds that it is alone
    player.next()
    player.skip()
    lines = kinds(player, "timeline")
    assert any(text.endswith("crash Bob") and state == "you" for text, state in lines)
    assert any("Alice" in text and state == "system" for text, state in lines)
    player.next()
    assert player.finished
    assert [kind for kind, _, _ in told] == ["step", "step", "answer", "step", "task", "step", "answer", "step", "finished"]


def test_the_same_answers_and_inputs_give_the_same_run(small: Loaded) -> None:
    digests = []
    for _ in range(2):
        player = Player(small.lesson)
        while player.skip():
            pass
        digests.append(player.cluster.digest())
    assert digests[0] == digests[1]


WORLDS = """\
  - compare: The cable is cut.
    worlds:
      - {title: Naive, cluster: {consensus: naive}, until: "raft.leaders.size() == 2"}
      - {title: Raft, until: "raft.leaders.size() == 0"}
    do: [{cut: [A, B]}]
    limit: 30s
  - predict: It is mended.
    beside: true
    options:
      - {text: "One leader each", correct: true, because: "One room gives in."}
      - {text: "Two leaders", because: "Only while it is cut."}
    then: [{heal: all}]
    until: raft.leaders.size() == 1
"""


@pytest.fixture
def split(write: Write) -> Player:
    changes = (
        ("managers: 3,", "managers: 4, rooms: {A: [Alice, Bob], B: [Carol, Dave]},"),
        ("steps:\n", "steps:\n" + WORLDS),
    )
    return Player(load(write(*changes)).lesson)


def test_worlds_run_on_one_clock_with_the_same_inputs(split: Player) -> None:
    assert [world.title for world in split.view().worlds] == ["Naive", "Raft"]
    run(split, 30)
    assert split.phase == "done"
    naive, raft = split.clusters
    assert naive.now == raft.now
    assert (len(naive.view().raft.leaders), len(raft.view().raft.leaders)) == (2, 0)
    split.next()
    assert split.clusters == (naive, raft)
    split.answer(0)
    run(split, 60)
    assert split.phase == "done"
    split.next()
    assert len(split.clusters) == 1


def test_an_imagined_world_is_replayed_beside_this_one(write: Write) -> None:
    path = write(("imagine: {quorum: 3}", "imagine: {cluster: {managers: 2}}"))
    player = Player(load(path).lesson)
    player.next()
    player.answer(1)
    run(player, 60)
    assert player.imagine()
    assert [cluster.spec.managers for cluster in player.clusters] == [3, 2]
    run(player, 61)
    assert player.phase == "done"
    player.next()
    assert len(player.clusters) == 1


def test_the_quorum_table_is_measured_cell_by_cell(write: Write) -> None:
    path = write(("  - debrief: true", "  - table: Measured.\n    measure: {members: 2..4, lost: 0..2}"))
    player = Player(load(path).lesson)
    player.skip_to(4)
    assert player.phase == "running"
    ticks = 0
    while player.phase == "running":
        player.tick()
        ticks += 1
    assert ticks == 9
    (table,) = [block.rows for block in player.view().blocks if block.kind == "table"]
    assert [row[:4] for row in table] == [
        ("members", "quorum", "may lose", "buys"), ("2", "2", "0", ""), ("3", "2", "1", "+1"), ("4", "3", "1", "nothing"),
    ]  # fmt: skip
    assert table[3][4:] == ("✓", "✓", "✗ stops")


def test_actions_name_whoever_leads(small: Loaded) -> None:
    stage = Player(small.lesson).main
    leader = stage.cluster.view().raft.leaders[0].replace("etcd", "cp")
    others = {"cp-1", "cp-2", "cp-3"} - {leader}
    (cut,) = as_inputs(Cut(cut=[["leader"], ["others"]]), stage.lens, stage.cluster)
    assert cut == inputs.Cut(((leader,), tuple(sorted(others))))
    for machine in ("cp-1", "cp-2", "cp-3"):
        stage.give(inputs.Crash(machine))
    with pytest.raises(ValueError, match="nobody leads"):
        as_inputs(Crash(crash="leader"), stage.lens, stage.cluster)


def test_rooms_managers_disks_and_clocks_are_actions(small: Loaded) -> None:
    stage = Player(small.lesson).main
    told = [
        (Move(move="Carol", to="B"), inputs.MoveToRoom("cp-3", "B")),
        (AddManager(add_manager=""), inputs.AddManager("")),
        (RemoveManager(remove_manager="Bob"), inputs.RemoveManager("cp-2")),
        (SlowDisk(slow_disk="Bob", by="50ms"), inputs.SlowDisk("cp-2", 50_000)),
        (Clock(clock="Bob", percent=-20), inputs.ClockSkew("cp-2", -20)),
        (Restore(restore="backup.db"), inputs.Restore("backup.db")),
    ]
    for action, given in told:
        assert as_inputs(action, stage.lens, stage.cluster) == [given]
