"""The workers panel shows what is used, when somebody measures it."""

from __future__ import annotations

from k8s_tutor.cluster import views
from k8s_tutor.ui.panels import workers
from k8s_tutor.ui.scene import Scene
from tests.ui import scenes


def text(width: int, used: views.UsageView) -> str:
    node = views.NodeView(
        name="node-1", room="", registered=True, ready="True", unschedulable=False, taints=(), up=True, processes=(), cpu=4_000,
        memory=8 << 30, cpu_requested=200, memory_requested=64 << 20, pods=(), pod_limit=110, actual_containers=0,
    )  # fmt: skip
    work = views.WorkloadView(server="api-1", nodes=(node,), pods=(), deployments=(), services=())
    picture = workers.render(Scene(scenes.view(workload=work, usage=used), scenes.timeline()), width, 8)
    return "\n".join("".join(part for part, _ in row) for row in picture.rows)


def test_use_stands_beside_what_was_asked_for() -> None:
    measured = views.UsageView(nodes={"node-1": views.UseView(cpu=2_040, memory=4 << 30)})
    wide, narrow = text(120, measured), text(72, measured)
    assert "64Mi of 8Gi" in wide and "uses 2040m, 4Gi" in wide and "▇▇▁▁ ▇▇▁▁" in wide
    assert "uses 2040m, 4Gi" in narrow and "64Mi of 8Gi" not in narrow
    assert "uses" not in text(72, views.UsageView())
