"""Every panel keeps its promise: total, exactly as wide as asked, never higher, spots inside, ASCII when asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_tutor.ui.panels import PANELS
from k8s_tutor.ui.roles import ROLES
from k8s_tutor.ui.rows import text_of, width
from k8s_tutor.ui.scene import Picture, Scene

SIZES = ((20, 3), (24, 5), (36, 8), (46, 11), (58, 14), (76, 22), (98, 16), (116, 34), (156, 48), (200, 60))
READY = {name: scene() for name, scene in scenes.SCENES.items()}
SUFFIXES = {"bold", "italic", "selected", "sunk"}


def check(picture: Picture, wide: int, high: int) -> None:
    assert len(picture.rows) <= high
    for row in picture.rows:
        assert width(row) == wide, text_of(row)
        assert text_of(row).isprintable()
    for text, role in (span for row in (*picture.rows, picture.status) for span in row):
        base, *suffixes = role.split("+")
        assert base in ROLES and set(suffixes) <= SUFFIXES, (text, role)
    for spot in picture.spots:
        assert spot.target and spot.width > 0 and spot.height > 0
        assert spot.row >= 0 and spot.row + spot.height <= len(picture.rows)
        assert spot.column >= 0 and spot.column + spot.width <= wide


@pytest.mark.parametrize("panel", sorted(PANELS))
@pytest.mark.parametrize("mode", ["stage", "projector"])
def test_panel_fits_any_size(panel: str, mode: str) -> None:
    for scene in READY.values():
        here = replace(scene, mode=mode)
        for wide, high in SIZES:
            check(PANELS[panel](here, wide, high), wide, high)


@pytest.mark.parametrize("panel", sorted(PANELS))
def test_panel_draws_only_ascii_when_asked_to(panel: str) -> None:
    for scene in READY.values():
        picture = PANELS[panel](replace(scene, ascii=True), 98, 24)
        check(picture, 98, 24)
        assert all(text_of(row).isascii() for row in (*picture.rows, picture.status))
        assert picture.title.isascii()


@settings(max_examples=60, deadline=None)
@given(
    panel=st.sampled_from(sorted(PANELS)),
    name=st.sampled_from(sorted(scenes.SCENES)),
    wide=st.integers(0, 200),
    high=st.integers(0, 60),
    scroll=st.integers(0, 40),
    line=st.text(max_size=40),
    cursor=st.integers(-1, 50),
)
def test_panel_never_raises(panel: str, name: str, wide: int, high: int, scroll: int, line: str, cursor: int) -> None:
    scene = replace(READY[name], scroll=scroll, line=line, cursor=cursor)
    check(PANELS[panel](scene, wide, high), wide, high)


TARGETS = (
    "cp-1", "cp-2", "etcd-1", "api-2", "node-1", "kubelet-2", "default/brass-5d9c6b7f4-cx7k4", "message 1201", "request 2",
    "deployment default/brass", "service default/strings", "verdict default/soloist", "room A", "cable A B", "answer 2",
    "branch with 4 managers", "message 999999", "nonsense",
)  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_whatever_is_selected_is_drawn(target: str) -> None:
    for scene in READY.values():
        here = replace(scene, selected=target)
        for panel in PANELS.values():
            check(panel(here, 70, 20), 70, 20)


def test_wide_and_hostile_names_do_not_tear_rows() -> None:
    pod = scenes.pod("名前-é\t\n-x", "node-1")
    view = scenes.view(
        workload=scenes.views.WorkloadView(
            server="api-1", nodes=(scenes.node(1, (pod,)),), pods=(pod,), deployments=(scenes.deployment("名前", 1, 1),),
            services=(),
        ),
        raft=scenes.raft((scenes.member(1, name="名\x1b[31m", machine="机\n"),)),
    )  # fmt: skip
    for panel in PANELS.values():
        for wide, high in SIZES:
            check(panel(Scene(view, scenes.timeline()), wide, high), wide, high)
            check(panel(Scene(view, scenes.timeline(), ascii=True), wide, high), wide, high)


def test_a_dot_stands_where_the_message_is() -> None:
    """Half of its time, half of its way: on the committee's lane as on the wire."""
    flight = scenes.flight(1, "etcd-1", "etcd-2", sent_at=1_000, due=2_000)
    found = []
    for now in (1_000, 1_500, 2_000):
        view = scenes.view(
            now=now,
            raft=scenes.raft((scenes.member(1, role="leader"), scenes.member(2))),
            wire=scenes.views.WireView(flying=(flight,), recent=()),
        )
        rows = PANELS["committee"](Scene(view, scenes.timeline()), 98, 20).rows
        lane = next(text_of(row) for row in rows if "├" in text_of(row))
        start, end = lane.index("├"), lane.index("┤")
        found.append((lane.index("●") - start) / (end - start))
    assert found[0] < 0.1 and 0.45 < found[1] < 0.55 and found[2] > 0.9


def test_every_member_can_be_selected_at_every_size() -> None:
    for name in ("pizza", "pizza5", "election", "split"):
        scene = READY[name]
        wanted = {member.machine for member in scene.view.raft.members}
        for wide, high in SIZES[2:]:
            spots = PANELS["committee"](scene, wide, high).spots
            assert wanted <= {spot.target for spot in spots}, (name, wide, high)


@pytest.mark.parametrize(
    ("scene", "panel", "words"),
    [
        ("split", "committee", "WRONG RULE"),
        ("split", "rooms", "2 brains"),
        ("split-raft", "rooms", "0 brains"),
        ("split-raft", "committee", "no quorum"),
        ("pizza", "committee", "may lose 0 more"),
        ("cluster", "workers", "12 of 15 pods running"),
        ("cluster", "orchestra", "11 of 14"),
        ("cluster", "control_plane", "3 managers"),
        ("pizza", "wire", "in the air"),
    ],
)
def test_the_title_says_how_it_stands(scene: str, panel: str, words: str) -> None:
    assert words in text_of(PANELS[panel](READY[scene], 98, 24).status)


def test_a_stale_leader_is_shown_but_is_no_second_leader() -> None:
    """Under Raft the cut-off leader decides nothing: one leader in the title, one sentence about the other."""
    members = (
        scenes.member(1, role="leader", term=3, has_majority=False),
        *(scenes.member(number, role="leader" if number == 2 else "follower", term=4, leader="etcd-2") for number in (2, 3)),
    )
    scene = Scene(scenes.view(raft=scenes.raft(members)), scenes.timeline(), scenes.COMMITTEE)
    picture = PANELS["committee"](scene, 98, 30)
    text = "\n".join(map(text_of, picture.rows))
    assert "Alice still takes itself for the leader" in text
    assert "at once" not in text_of(picture.status)


def test_reasons_of_refused_votes_are_told() -> None:
    text = "\n".join(map(text_of, PANELS["committee"](READY["election"], 98, 30).rows))
    assert "Bob says no to Alice: its log is behind mine" in text


def test_report_and_truth_are_both_told_where_they_differ() -> None:
    text = "\n".join(map(text_of, PANELS["workers"](READY["cluster"], 156, 30).rows))
    assert "playing ≠ exited" in text


def test_nothing_is_said_by_colour_alone() -> None:
    """Without roles, members that are down, lead, or stand for election still read differently."""
    rows = "\n".join(map(text_of, PANELS["committee"](READY["election"], 70, 12).rows))
    for mark in ("◆", "☾", "●", "◇"):
        assert mark in rows


def test_the_ledger_shows_who_holds_something_else() -> None:
    """Two decisions under one number: the entry of the later term stands there, and ≠ at whom holds another."""
    there = (scenes.entry(1), scenes.entry(2, 2, "put a"))
    here = (scenes.entry(1), scenes.entry(2, 1, "put b"))
    members = (scenes.member(1, entries=there), scenes.member(2, entries=here), scenes.member(3, entries=there[:1]))
    picture = PANELS["committee"](Scene(scenes.view(raft=scenes.raft(members)), scenes.timeline()), 98, 40)
    row = next(text_of(row) for row in picture.rows if "put a" in text_of(row))
    assert row.split()[-3:] == ["✓", "≠", "·"]
