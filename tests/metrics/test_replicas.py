"""How many pods a metric wants, and how fast that may happen: pure functions."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import defaults, scheme
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers.autoscaling import pace, replicas, sources
from k8s_tutor.controllers.autoscaling.pace import Memory, Wish
from k8s_tutor.controllers.autoscaling.reconcile import Observed, Target, reconcile
from k8s_tutor.controllers.autoscaling.replicas import Demand, Tolerance
from k8s_tutor.controllers.autoscaling.sources import MetricError, Value
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.sim import SECOND
from tests.metrics.helpers import cpu, scaler

CLOCK = Clock(1000 * SECOND)
OLD, YOUNG = 400, 900


def typed(kind: str, tree: dict[str, Any]) -> Any:
    row = scheme.resource(kind)
    defaults.apply(row, tree)
    tree["metadata"].setdefault("namespace", "default")
    return scheme.typed(scheme.encode(row, tree))


def stamp(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}Z"


def a_pod(name: str, started: int = OLD, ready: bool = True, phase: str = "Running", request: str = "100m") -> Any:
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": stamp(started + 5)}
    asked = {"requests": {"cpu": request}} if request else {}
    return typed(
        "Pod",
        {
            "metadata": {"name": name, "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "x", "resources": asked}]},
            "status": {"phase": phase, "startTime": stamp(started), "conditions": [condition]},
        },
    )


def wanted(
    current: int, target: int, pods: list[Any], used: dict[str, int], tolerance: Tolerance | None = None
) -> tuple[int, int]:
    values = {name: Value(value, 990 * SECOND, 15 * SECOND) for name, value in used.items()}
    groups = replicas.grouped(pods, values, "cpu", CLOCK)
    demand = Demand(target, replicas.requests_of(pods, "cpu", ""))
    found = replicas.wanted(current, groups, values, demand, tolerance or Tolerance())
    return found.replicas, found.utilization


@pytest.mark.parametrize(
    ("used", "size"),
    [
        ((300, 500, 700), 5),
        ((100, 100, 100), 1),
        ((330, 330, 330), 3),
        ((340, 340, 340), 4),
        ((270, 270, 270), 3),
        ((260, 260, 260), 3),
        ((0, 0, 0), 0),
    ],
)
def test_usage_against_its_target(used: tuple[int, ...], size: int) -> None:
    pods = [a_pod(f"p{number}") for number in range(3)]
    usage = {f"p{number}": value for number, value in enumerate(used)}
    assert wanted(3, 300, pods, usage) == (size, sum(used) // 3)


def test_tolerance_can_be_less() -> None:
    pods = [a_pod(f"p{number}") for number in range(10)]
    used = {f"p{number}": 53 for number in range(10)}
    assert wanted(10, 50, pods, used)[0] == 10
    assert wanted(10, 50, pods, used, Tolerance(down=10, up=50))[0] == 11


def test_pods_that_are_not_ready_count_as_idle_when_more_are_wanted() -> None:
    pods = [a_pod("a"), a_pod("b"), a_pod("new", YOUNG, ready=False), a_pod("waits", phase="Pending")]
    assert wanted(4, 50, pods, {"a": 80, "b": 80, "new": 90}) == (4, 80)  # 40 % of four: it would turn, so nothing is done
    assert wanted(4, 50, pods, {"a": 150, "b": 150, "new": 90}) == (6, 150)
    assert wanted(4, 50, pods, {"a": 10, "b": 10, "new": 90}) == (1, 10)


def test_what_was_measured_before_a_pod_was_ready_does_not_count() -> None:
    late = a_pod("late", 980)
    assert replicas.grouped([late], {"late": Value(1, 990 * SECOND, 15 * SECOND)}, "cpu", CLOCK).unready == ["late"]
    assert replicas.grouped([late], {"late": Value(1, 1000 * SECOND, 15 * SECOND)}, "cpu", CLOCK).ready == 1
    assert replicas.grouped([late], {"late": Value(1, 990 * SECOND, 15 * SECOND)}, "memory", CLOCK).ready == 1
    with pytest.raises(MetricError, match=r"did not receive metrics for targeted pods \(pods might be unready\)"):
        wanted(1, 50, [late], {"late": 100})


def test_missing_metrics_are_taken_for_the_careful_side() -> None:
    pods = [a_pod(f"p{number}") for number in range(3)]
    assert wanted(3, 50, pods, {"p0": 10, "p1": 10}) == (3, 10)  # p2 might use all that it asked for
    assert wanted(3, 50, pods, {"p0": 100, "p1": 100}) == (4, 100)  # p2 might use nothing
    assert wanted(3, 50, pods, {"p0": 60, "p1": 60}) == (3, 60)


def test_a_container_that_asked_for_nothing_is_named() -> None:
    with pytest.raises(MetricError, match="missing request for cpu in container c of Pod bare"):
        replicas.requests_of([a_pod("bare", request="")], "cpu", "")


# ---------------------------------------------------------------------- pace


def behavior(**rules: Any) -> Any:
    return typed("HorizontalPodAutoscaler", scaler("web", cpu(50), behavior=rules)).spec.behavior


def test_growing_at_most_doubles_and_shrinking_waits_for_five_minutes() -> None:
    now = 1000 * SECOND
    found = pace.paced(Wish(3, 30, 1, 20), None, Memory(), now)
    assert (found.size, found.limited[:2]) == (6, (True, "ScaleUpLimit"))
    assert pace.paced(Wish(1, 30, 1, 20), None, Memory(), now).size == 4
    assert pace.paced(Wish(16, 30, 1, 20), None, Memory(), now).limited[1] == "TooManyReplicas"
    busy = Memory(((8, now - 299 * SECOND), (9, now - 301 * SECOND)))
    held = pace.paced(Wish(9, 2, 1, 20), None, busy, now)
    assert (held.size, held.able[0]) == (8, "ScaleDownStabilized")
    assert held.memory.recommended == ((8, now - 299 * SECOND), (2, now))
    free = pace.paced(Wish(9, 0, 2, 20), None, Memory(), now)
    assert (free.size, free.limited[1]) == (2, "TooFewReplicas")


def test_rules_of_its_own() -> None:
    now = 1000 * SECOND
    rules = behavior(
        scaleUp={"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
        scaleDown={"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}]},
    )
    first = pace.paced(Wish(3, 9, 1, 20), rules, Memory(), now)
    assert (first.size, first.limited[1]) == (5, "ScaleUpLimit")
    memory = first.memory.after(3, 5, now)
    assert pace.paced(Wish(5, 9, 1, 20), rules, memory, now + 15 * SECOND).size == 5
    assert pace.paced(Wish(5, 9, 1, 20), rules, memory, now + 61 * SECOND).size == 7
    down = pace.paced(Wish(19, 1, 1, 20), rules, Memory(), now)
    assert (down.size, down.limited[1]) == (17, "ScaleDownLimit")
    off = behavior(scaleDown={"selectPolicy": "Disabled", "stabilizationWindowSeconds": 0})
    assert pace.paced(Wish(9, 1, 1, 20), off, Memory(), now).size == 9
    slow = behavior(scaleUp={"stabilizationWindowSeconds": 60})
    held = pace.paced(Wish(3, 9, 1, 20), slow, Memory(((4, now - 30 * SECOND),)), now)
    assert (held.size, held.able[0]) == (4, "ScaleUpStabilized")
    assert pace.tolerance_of(behavior(scaleUp={"tolerance": "0.05"})) == Tolerance(100, 50)


# ---------------------------------------------------------------------- one look


def answer(**used: str) -> Response:
    items = [
        {
            "metadata": {"name": name, "namespace": "default"},
            "timestamp": stamp(990),
            "window": "15s",
            "containers": [{"name": "c", "usage": {"cpu": value, "memory": "10Mi"}}],
        }
        for name, value in used.items()
    ]
    return Response(200, scheme.msgspec.json.encode({"items": items}))


def look(*metrics: dict[str, Any], answers: list[Any], current: int = 2) -> tuple[dict[str, Any], list[str], list[str]]:
    hpa = typed("HorizontalPodAutoscaler", scaler("web", *metrics))
    target = Target({"spec": {"replicas": current}, "status": {"replicas": current, "selector": "app=web"}})
    pods = [a_pod(f"p{number}") for number in range(current)]
    decision, _ = reconcile(hpa, Observed(target, pods, ["default/web"], answers), Memory(), CLOCK)
    status = next(write.tree["status"] for write in decision.writes if write.subresource == "status" and write.tree)
    sizes = [str(write.tree["spec"]["replicas"]) for write in decision.writes if write.subresource == "scale" and write.tree]
    return status, [f"{event.reason}: {event.text}" for event in decision.events], sizes


def test_the_largest_wish_of_several_metrics_wins() -> None:
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "2Mi"}}}
    found = answer(p0="60m", p1="50m")
    status, events, sizes = look(cpu(50), memory, answers=[found, found])
    assert sizes == ["4"] and events == []  # memory wants ten, but growing at most doubles
    assert status["currentMetrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 55, "averageValue": "55m"}}},
        {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "10485760"}}},
    ]
    assert [(one["type"], one["reason"]) for one in status["conditions"]] == [
        ("AbleToScale", "SucceededRescale"),
        ("ScalingActive", "ValidMetricFound"),
        ("ScalingLimited", "ScaleUpLimit"),
    ]


def test_nothing_shrinks_while_a_metric_is_missing() -> None:
    external = {
        "type": "External",
        "external": {
            "metric": {
                "name": "jobs",
                "selector": {
                    "matchLabels": {"q": "a"},
                    "matchExpressions": [{"key": "x", "operator": "In", "values": ["1", "2"]}],
                },
            },
            "target": {"type": "AverageValue", "averageValue": "5"},
        },
    }
    gone = Response(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")
    status, events, sizes = look(cpu(50), external, answers=[answer(p0="1m", p1="1m"), gone])
    words = (
        "unable to get external metric default/jobs/&LabelSelector{MatchLabels:map[string]string{q: a,},"
        "MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:x,Operator:In,Values:[1 2],},},}: "
        "unable to fetch metrics from external metrics API: the server could not find the requested resource "
        "(get jobs.external.metrics.k8s.io)"
    )
    assert sizes == [] and events == [
        f"FailedGetExternalMetric: {words}",
        "FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 2), first error is: "
        f"failed to get jobs external metric value: {words}",
    ]
    assert [one.get("type") for one in status["currentMetrics"]] == ["Resource", ""]
    assert look(cpu(50), external, answers=[answer(p0="99m", p1="99m"), gone])[2] == ["4"]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            Response(404, b"404 page not found\n", content_type="text/plain"),
            "unable to fetch metrics from resource metrics API: the server could not find the requested resource "
            "(get pods.metrics.k8s.io)",
        ),
        (
            Response(503, b"service unavailable\n", content_type="text/plain"),
            "unable to fetch metrics from resource metrics API: the server is currently unable to handle the request "
            "(get pods.metrics.k8s.io)",
        ),
        (Response(200, b'{"items":[]}'), "no metrics returned from resource metrics API"),
    ],
)
def test_why_a_metric_cannot_be_had(said: Response, text: str) -> None:
    with pytest.raises(MetricError) as found:
        sources.resource_values(said, "cpu", "", CLOCK)
    assert str(found.value) == text


def test_metrics_of_one_container() -> None:
    assert sources.resource_values(answer(p0="5m"), "cpu", "c", CLOCK) == {"p0": Value(5, 990 * SECOND, 15 * SECOND)}
    with pytest.raises(MetricError, match="container d not present in metrics for pod default/p0"):
        sources.resource_values(answer(p0="5m"), "cpu", "d", CLOCK)
