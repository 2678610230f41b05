"""Every panel keeps its promise: total, exactly as wide as asked, never higher, spots inside, ASCII when asked for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_tutor.cluster import views
from k8s_tutor.ui.glyphs import term_mark
from k8s_tutor.ui.hands import kind_and_key, named_pod
from k8s_tutor.ui.panels import PANELS
from k8s_tutor.ui.roles import ROLES
from k8s_tutor.ui.rows import text_of, width
from k8s_tutor.ui.scene import Picture, Scene

SIZES = ((20, 3), (24, 5), (36, 8), (46, 11), (58, 14), (76, 22), (98, 16), (116, 34), (156, 48), (200, 60))
READY = {name: scene() for name, scene in scenes.SCENES.items()}
SUFFIXES = {"bold", "italic", "selected", "sunk"}


def check(picture: Picture, wide: int, high: int) -> Picture:
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
    return picture


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
    "deployment default/brass", "service default/strings", "verdict default/soloist", "verdict default/soloist node-1",
    "room A", "cable A B", "answer 2",
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


def test_rooms_that_reach_the_leaders_room_go_on_with_it() -> None:
    """Two and one are a majority of five; only the room that is cut off from the leader's waits."""
    seats = {"A": (1, 2), "B": (3, 4), "C": (5,)}
    rooms = tuple(views.RoomView(name=room, machines=tuple(f"cp-{at}" for at in seats[room])) for room in seats)
    members = tuple(
        scenes.member(at, room=room, role="leader" if at == 1 else "follower", has_majority=at == 1)
        for room in seats
        for at in seats[room]
    )
    cuts = tuple((f"cp-{one}", f"cp-{other}") for one in (1, 2, 5) for other in (3, 4))
    told = scenes.view(raft=scenes.raft(members, reach=3), network=views.NetworkView(rooms=rooms, cuts=cuts))
    text = "\n".join(map(text_of, PANELS["rooms"](Scene(told, scenes.timeline(), scenes.COMMITTEE), 120, 30).rows))
    assert "Rooms A and C have a majority of all 5 and go on. The others wait, and will catch up." in text


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


def committee(*members: scenes.views.MemberView, wide: int = 98, high: int = 40, **given: Any) -> str:
    """The committee panel of these members as text; ``given``: of the scene, and ``raft`` for the group's fields."""
    group = scenes.raft(members, **given.pop("raft", {}))
    picture = PANELS["committee"](Scene(scenes.view(raft=group), scenes.timeline(), **given), wide, high)
    return "\n".join(map(text_of, picture.rows))


def row_with(text: str, words: str) -> str:
    """The first row in which these words stand."""
    return next(row for row in text.splitlines() if words in row)


def test_the_ledger_shows_who_holds_something_else() -> None:
    """What was decided stands there, and ≠ at whom holds another entry; two decisions under one number are both wrong."""
    there = (scenes.entry(1), scenes.entry(2, 2, "put a"))
    here = (scenes.entry(1), scenes.entry(2, 3, "put b", committed=False))
    clash = (scenes.entry(1), scenes.entry(2, 3, "put b"))

    def drawn(*logs: tuple[scenes.views.EntryView, ...]) -> str:
        members = [scenes.member(number, entries=log, last_index=len(log)) for number, log in enumerate(logs, 1)]
        return committee(*members)

    assert row_with(drawn(there, here, there[:1]), "put a").split()[-3:] == ["✓", "≠", "·"]
    assert row_with(drawn(there, clash, there), "put b").split()[-3:] == ["≠", "≠", "≠"]


def test_a_log_of_any_length_scrolls_to_its_snapshot() -> None:
    """A thousand entries, of which fifty are in a snapshot: the newest stand on top, scrolled back the stub stands below."""
    entries = tuple(scenes.entry(index, text=f"put key-{index}") for index in range(51, 1001))
    members = [scenes.member(number, entries=entries[-24:], book=entries, last_index=1000, applied=1000, snapshot=50)
               for number in (1, 2, 3)]  # fmt: skip
    assert "put key-1000" in committee(*members)
    back = committee(*members, scroll=945)
    assert "put key-55" in back and "1..50 in a snapshot" in back and "put key-1000" not in back
    assert "▤50" in committee(*members, scroll=948, wide=76, high=12)


def test_what_is_applied_decided_and_written_down_looks_different() -> None:
    entries = tuple(scenes.entry(index, text=f"put key-{index}", committed=index < 4) for index in range(1, 5))
    text = committee(scenes.member(1, entries=entries, last_index=4, commit=3, applied=2))
    for index, mark in ((2, "✓"), (3, "○"), (4, "?")):
        assert row_with(text, f" 1   put key-{index}").split()[-1] == mark


def test_a_term_has_a_number_a_shape_and_a_colour() -> None:
    marks = {(mark.glyph, mark.role) for term in range(1, 21) if (mark := term_mark(term))}
    assert len(marks) == 20
    assert "term ▼3" in committee(scenes.member(1, term=3))


def test_both_majorities_of_a_joint_group_are_counted() -> None:
    members = [scenes.member(number, role="leader" if number == 1 else "follower") for number in range(1, 5)]
    names = [member.name for member in members]
    text = committee(*members, raft={"voters": tuple(names[1:]), "outgoing": tuple(names[:3]), "size": 3, "quorum": 2})
    assert row_with(text, "new group").strip() and row_with(text, "old group").strip()


def test_pre_votes_are_called_so() -> None:
    members = [scenes.member(1, role="pre-candidate", granted=("etcd-1",), refused=(("etcd-2", "has a leader"),)),
               scenes.member(2), scenes.member(3)]  # fmt: skip
    text = committee(*members)
    assert "pre-votes for etcd-1" in text and "pre-candidate" in text
    assert "1 yes, 1 no, 1 to come" in text and "etcd-2 says no to etcd-1: has a leader" in text


def test_the_leaders_books_are_opened_on_demand() -> None:
    peers = (scenes.peer(2), scenes.views.PeerView(name="etcd-3", match=2, next=3, state="probe", inflight=1))
    members = [scenes.member(1, role="leader", peers=peers), scenes.member(2), scenes.member(3)]
    assert "next" not in committee(*members)
    text = committee(*members, advanced=True, wide=120)
    assert "next 5, match 4, replicate" in text and "next 3 match 2 probe +1" in text


def lamp(name: str, ok: bool = True) -> scenes.views.LampView:
    """A promise, kept or broken at event 40."""
    broken = {} if ok else {"broken_at_event": 40, "broken_at": 1_000, "message": 7, "sentence": f"{name} did not hold"}
    return scenes.views.LampView(property=name, promise="a promise", ok=ok, **broken)


@pytest.mark.parametrize("wide", [60, 100, 156])
def test_a_broken_promise_is_red_and_can_be_selected(wide: int) -> None:
    lamps = (lamp("election safety"), lamp("log matching"), lamp("state-machine safety", ok=False))
    view = scenes.view(raft=scenes.raft((scenes.member(1), scenes.member(2), scenes.member(3)), invariants=lamps))
    picture = PANELS["committee"](Scene(view, scenes.timeline()), wide, 24)
    assert {f"lamp {one.property}" for one in lamps} <= {spot.target for spot in picture.spots}
    assert "state-machine safety is broken" in text_of(picture.status)
    assert any(role.startswith("fail") and "✗" in text for row in picture.rows for text, role in row)


def traced(steps: int = 4) -> scenes.views.TraceView:
    """A line and what became of it, a step a millisecond."""
    told = [
        scenes.views.TraceStepView(at=1_000 * number, actor=f"etcd-{number}", text="", message=number, notes=(),
                                   flight=scenes.flight(number, "etcd-1", f"etcd-{number}", text=f"5: part {number}"))
        for number in range(1, steps)
    ]  # fmt: skip
    first = scenes.views.TraceStepView(at=0, actor="you", text="put a b", message=0, flight=None, notes=())
    return scenes.views.TraceView(line="put a b", client="you", at=0, steps=(first, *told))


def test_the_trace_marks_where_we_are_and_what_is_to_come() -> None:
    for now, here in ((0, 0), (1_500, 1), (9_000, 3)):
        scene = Scene(scenes.view(now=now), scenes.timeline(), trace=traced())
        picture = PANELS["trace"](scene, 98, 12)
        marked = [number for number, row in enumerate(picture.rows) if "▶" in text_of(row)]
        assert marked == [here]
        assert f"step {here + 1} of 4" in text_of(picture.status)
        assert [spot.target for spot in picture.spots] == [f"step {number}" for number in range(4)]


def test_a_long_trace_shows_the_step_that_is_on() -> None:
    scene = Scene(scenes.view(now=150_000), scenes.timeline(), trace=traced(200))
    for wide, high in ((40, 5), (76, 8), (156, 20)):
        rows = check(PANELS["trace"](scene, wide, high), wide, high).rows
        assert any("▶" in text_of(row) for row in rows)
        for mode in ("stage", "projector"):
            check(PANELS["trace"](replace(scene, mode=mode, ascii=True), wide, high), wide, high)


BRASS = "default/brass-5d9c6b7f4-fx7k7"


@pytest.mark.parametrize("selected", [BRASS, f"verdict {BRASS}", f"verdict {BRASS} node-3"])
def test_a_selected_pod_brings_its_verdict_into_view(selected: str) -> None:
    picture = PANELS["verdicts"](replace(scenes.cluster(), selected=selected), 100, 24)
    text = "\n".join(text_of(row) for row in picture.rows)
    assert text_of(picture.rows[0]).startswith("brass-5d9c6b7f4-fx7k7  → node-2   attempt 2")
    assert "node-2 beats node-1 by 48: spread +40, fit +10, balance −2." in text
    assert ("✗ NodeResourcesFit: Insufficient cpu" in text) == selected.endswith("node-3")
    assert {spot.target for spot in picture.spots} >= {f"verdict {BRASS} node-1", "verdict default/soloist"}


def test_many_nodes_are_shown_page_by_page_and_the_selected_one_among_them() -> None:
    rows = tuple((f"node-{number}", "", (("NodeResourcesFit", 50),), 50) for number in range(1, 101))
    verdict = views.VerdictView(
        pod="default/p", at=0, chosen="node-1", message="", rows=rows, feasible=tuple(row[0] for row in rows),
        columns=(("NodeResourcesFit", 1, (50,) * 100, (50,) * 100),),
    )  # fmt: skip
    scene = replace(scenes.cluster(), view=scenes.view(verdicts=(verdict,)))

    def text(**given: Any) -> str:
        picture = PANELS["verdicts"](replace(scene, **given), 76, 20)
        return "\n".join(text_of(row) for row in picture.rows)

    assert "★ node-1 " in text() and "below" in text() and "above" not in text()
    assert "20 above" in text(scroll=20)
    assert "node-77 " in text(selected="verdict default/p node-77")


def test_the_inspector_tells_the_verdict_before_the_causes() -> None:
    why = (SimpleNamespace(at=0, words="you typed: apply", target=""),)
    picture = PANELS["inspector"](replace(scenes.cluster(), selected="default/soloist", why=why), 90, 24)
    text = "\n".join(text_of(row) for row in picture.rows)
    assert "busker-1 and busker-2 must leave node-2, which is nominated" in text
    assert text.index("0/3 nodes are available") < text.index("you typed: apply")


@pytest.mark.parametrize("words", ["pod web-1", "pod/web-1", "web-1", "default/web-1", "pods web-1"])
def test_a_pod_is_named_in_many_ways(words: str) -> None:
    assert named_pod(words) == "default/web-1"
    assert kind_and_key("verdict default/web-1 node-2") == ("Pod", "default/web-1")
