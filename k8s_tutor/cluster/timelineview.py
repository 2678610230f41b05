"""The timeline's view: branches, marks, and how busy each stretch of time was."""

from __future__ import annotations

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.views import BranchView, TimelineView
from k8s_tutor.sim import Timeline
from k8s_tutor.sim.log import instant

SLICES = 60


def timeline_view(timeline: Timeline) -> TimelineView:
    """Where the present stands in everything that has been run."""
    branch = timeline.branch
    head_at = max(branch.head_at, timeline.world.now)
    return TimelineView(
        branches=tuple(
            BranchView(
                name=one.name, parent=one.parent.name if one.parent else "", fork=one.fork[0], head=one.head,
                head_at=one.head_at, current=one is branch,
            )
            for one in timeline.branches
        ),
        events=timeline.world.events, head=max(branch.head, timeline.world.events), head_at=head_at,
        heat=_heat(timeline, head_at), marks=tuple((given.at, inputs.in_words(given.input)) for given in branch.inputs),
    )  # fmt: skip


def _heat(timeline: Timeline, head_at: int) -> tuple[int, ...]:
    """Records of work in each of 60 equal slices of time, as far as the furthest checkpoint knows them."""
    log = timeline.world.log
    points = timeline.branch.checkpoints
    if points and points[-1].world.now > timeline.world.now:
        log = points[-1].world.log
    records = log.records()
    edges = [records.first(head_at * i // SLICES, instant) for i in range(SLICES)]
    edges.append(len(records))
    return tuple(edges[i + 1] - edges[i] for i in range(SLICES))
