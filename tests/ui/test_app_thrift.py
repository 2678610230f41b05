"""What a panel is said to read is all that it reads: nothing else may change its picture."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.cluster.views import ClusterView
from k8s_tutor.ui.panels import PANELS
from k8s_tutor.ui.scene import Scene
from k8s_tutor.ui.thrift import MOVES, READS, Thrift, parts, same


@pytest.fixture(scope="module")
def moments() -> list[tuple[ClusterView, Scene]]:
    """A small cluster at several moments of a deployment, a crash and a cut."""
    spec = ClusterSpec.model_validate({"managers": 3, "workers": 2, "rooms": {"A": ["cp-1"], "B": ["cp-2", "cp-3"]}})
    cluster = Cluster(spec)
    timeline = cluster.timeline_view()
    found = []
    for given in (
        inputs.Kubectl("create deployment web --image=nginx --replicas=3"),
        inputs.Crash("cp-2"),
        inputs.Kubectl("get pods"),
        inputs.Cut((("A",), ("B",))),
    ):
        cluster.give(given)
        for _ in range(3):
            cluster.run_until(cluster.now + 700_000)
            view = cluster.view()
            found.append((view, Scene(view, timeline)))
    return found


@pytest.mark.parametrize("panel", sorted(READS))
def test_a_panel_reads_no_more_than_it_is_said_to(panel: str, moments: list[tuple[ClusterView, Scene]]) -> None:
    render = PANELS[panel]
    for (view, scene), (other, _) in pairwise(moments):
        kept = {part: getattr(view, part) for part in READS[panel]}
        if panel in MOVES or (panel == "console" and view.console.busy):
            kept["now"] = view.now
        mixed = msgspec.structs.replace(other, **kept)
        assert same(parts(panel, mixed), parts(panel, view))
        changed = Scene(mixed, scene.timeline)
        assert render(changed, 76, 20).rows == render(scene, 76, 20).rows


def test_what_was_dear_to_draw_rests() -> None:
    thrift = Thrift()
    thrift.spent("workers", 0.0, 0.1)
    assert not thrift.may("workers", 0.3)
    assert thrift.may("workers", 0.51)
    assert thrift.may("wire", 0.0)
    thrift.at_once()
    assert thrift.may("workers", 0.1)
