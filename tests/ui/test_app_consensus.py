"""Consensus on the stage: red lamps lead to what broke them, the trace moves time, the leader's books open, logs scroll."""

from __future__ import annotations

import pytest

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.rows import text_of
from k8s_tutor.ui.session import cause_of
from k8s_tutor.ui.stage import Stage
from tests.ui.pilots import ETCD, running, screen_text, stage_of, until

SECOND = 1_000_000
NAIVE = {
    "managers": 4, "workers": 0, "components": "etcd", "consensus": "naive", "seed": 3,
    "rooms": {"A": ["cp-1", "cp-2"], "B": ["cp-3", "cp-4"]}, "clients": {"amy": {"room": "A"}, "ben": {"room": "B"}},
}  # fmt: skip


def committee(stage: Stage) -> str:
    """What the committee panel shows."""
    panel = next(one for one in stage.panels if one.panel == "committee" and one.display)
    return "\n".join(map(text_of, panel.picture.rows))


def break_it(cluster: Cluster) -> None:
    """Both rooms decide, and differently."""
    cluster.give(inputs.Cut((("A",), ("B",))))
    assert cluster.run_until(lambda now: len(now.view().raft.leaders) > 1)
    cluster.give(inputs.Kubectl("etcdctl put choice ham", client="ben"))
    cluster.give(inputs.Kubectl("etcdctl put choice cheese", client="amy"))
    assert cluster.run_until(lambda now: bool(now.broken()))
    cluster.advance(cluster.now + SECOND)


@pytest.mark.asyncio
async def test_a_red_lamp_leads_to_the_event_that_broke_it() -> None:
    app = Tutor(spec=NAIVE)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.screen_stack) == 2)
        stage = stage_of(app)
        stage.driver.playing = False
        break_it(stage.session.cluster)
        stage.rearrange()
        assert "WRONG RULE: naive" in screen_text(app)
        lamp = next(lamp for lamp in stage.session.view().raft.invariants if not lamp.ok)
        stage.look.selected = f"lamp {lamp.property}"
        stage.action_do("follow")
        assert stage.session.cluster.events == lamp.broken_at_event
        assert lamp.sentence.split(":")[0] in screen_text(app)
        await pilot.press("w")
        assert "cause" in screen_text(app) and "etcdctl put choice" in screen_text(app)
        stage.look.selected = "lamp log matching"
        stage.action_do("follow")
        assert "log matching holds" in screen_text(app)


@pytest.mark.asyncio
async def test_the_steps_of_a_trace_are_moments() -> None:
    app = Tutor(spec=ETCD)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.screen_stack) == 2)
        stage = stage_of(app)
        stage.driver.playing = False
        stage.action_do("trace_next")
        assert "nothing was typed yet" in screen_text(app)
        cluster = stage.session.cluster
        cluster.give(inputs.Kubectl("etcdctl put choice olives"))
        cluster.advance(cluster.now + SECOND)
        await pilot.press("t")
        assert "Trace: etcdctl put choice olives" in screen_text(app)
        trace = stage.session.trace()
        assert trace is not None
        commit = next(number for number, step in enumerate(trace.steps) if any(n.kind == "raft.commit" for n in step.notes))
        for number in range(len(trace.steps) - 2, commit - 1, -1):
            await pilot.press("up")
            assert stage.look.selected == f"step {number}" and stage.session.now == trace.steps[number].at
        await pilot.press("left_parenthesis")
        assert not any(note.kind == "raft.commit" and note.at >= trace.at for note in stage.session.view().log.notes)
        await pilot.press("right_parenthesis")
        assert any(note.kind == "raft.commit" and note.at >= trace.at for note in stage.session.view().log.notes)
        await pilot.press("t")
        assert "trace" not in stage.look.shown


@pytest.mark.asyncio
async def test_books_open_and_the_ledger_scrolls() -> None:
    app = Tutor(spec=ETCD)
    async with running(app, (140, 60)) as pilot:
        await until(pilot, lambda: len(app.screen_stack) == 2)
        stage = stage_of(app)
        stage.driver.playing = False
        cluster = stage.session.cluster
        for number in range(40):
            cluster.give(inputs.Kubectl(f"etcdctl put key-{number} v"))
            cluster.advance(cluster.now + SECOND // 10)
        stage.look.focus = "committee"
        await pilot.press("z", "P")
        assert "next 42, match 41, replicate" in committee(stage)
        assert "put key-39" in committee(stage)
        for _ in range(9):
            await pilot.press("shift+up")
        assert "put key-39" not in committee(stage) and "put key-3 v" in committee(stage)


def test_the_cause_of_an_entry_is_what_committed_it() -> None:
    from k8s_tutor.cluster import ClusterSpec

    cluster = Cluster(ClusterSpec.model_validate(ETCD))
    cluster.give(inputs.Kubectl("etcdctl put choice olives"))
    cluster.advance(cluster.now + SECOND)
    chain = cluster.why(cause_of(cluster.view(), "entry 2"))
    assert chain[0].text == "etcdctl put choice olives"
    assert any(note.kind == "raft.commit" for note in chain[-1].notes)
