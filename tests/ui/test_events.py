"""Notes of the log in words, and many of a kind as one."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.cluster.views import NoteView
from k8s_tutor.ui import lenses
from k8s_tutor.ui.panels import PANELS, events
from k8s_tutor.ui.rows import text_of
from k8s_tutor.ui.scene import Scene


def note(kind: str, actor: str = "lb", at: int = 0, **fields: Any) -> NoteView:
    return NoteView(at=at, actor=actor, machine="", cause=1, kind=kind, fields=fields)


@pytest.mark.parametrize(("holder", "said"), [
    ("scheduler-2", "scheduler-1 lost kube-scheduler to scheduler-2"),
    ("scheduler-1", "scheduler-1 could not renew kube-scheduler in time and no longer leads"),
])  # fmt: skip
def test_a_lease_is_lost_to_somebody_else_or_to_time(holder: str, said: str) -> None:
    assert events.words(note("lease.lost", "scheduler-1", lease="kube-scheduler", holder=holder)) == said


def test_what_repeats_itself_is_one_line() -> None:
    notes = [note("lb.refused", client=client, at=at) for at, client in enumerate(("a", "b", "a", "c"))]
    notes += [note("pod.ready", pod="p", ip="1"), note("lb.refused", client="a"), note("lb.refused", client="a")]
    assert [events.words(one) + more for one, more in events.folded(notes)] == [
        "no API server is ready for c and 2 others (×4)", "p is Ready, 1", "no API server is ready for a (×2)",
    ]  # fmt: skip


def test_three_rooms_have_three_cables() -> None:
    rooms = {"A": ["cp-1"], "B": ["cp-2"], "C": ["cp-3"]}
    cluster = Cluster(ClusterSpec.model_validate({"managers": 3, "workers": 0, "components": "etcd", "rooms": rooms}))
    scene = Scene(view=cluster.view(), timeline=cluster.timeline_view(), lens=lenses.lens("kubernetes"))
    picture = PANELS["rooms"](scene, 80, 14)
    assert {spot.target for spot in picture.spots} >= {"cable A B", "cable B C", "cable A C"}
    assert any("╰━━━" in text_of(row) and "━━╯" in text_of(row) for row in picture.rows)


@pytest.mark.parametrize(("given", "words"), [
    (inputs.SlowDisk("cp-1", 1_000), "slow disk cp-1 1 ms"), (inputs.SlowDisk("cp-1", 250), "slow disk cp-1 250 µs"),
    (inputs.Latency("cp-1", "cp-2", 1_500_000), "latency cp-1 cp-2 1.5 s"),
])  # fmt: skip
def test_lengths_of_time_come_in_the_unit_that_suits_them(given: inputs.Input, words: str) -> None:
    assert inputs.in_words(given) == words
