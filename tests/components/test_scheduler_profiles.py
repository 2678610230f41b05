"""Profiles of the scheduler, and plugins in CEL, from the specification of a cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.scheduler.plugins.resources_fit import _curve

TEAM = {
    "name": "TeamRoom", "filter": "'team' in node.metadata.labels", "message": "node(s) belong to nobody",
    "score": "node.metadata.labels.team == 'b' ? 90 : 10", "weight": 3,
}  # fmt: skip
WORKERS = [{"labels": {"team": "a"}}, {"labels": {"team": "b"}}, {}]
ZONES = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}


def cluster(**profile: Any) -> Cluster:
    spec = {"managers": 1, "workers": WORKERS, "scheduler": {"profiles": [profile]}}
    return Cluster(ClusterSpec.model_validate(spec))


def manifest(name: str, cpu: str) -> str:
    container = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": cpu}}}
    return json.dumps([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}])


def test_a_plugin_in_cel_filters_and_scores_beside_the_others() -> None:
    one = cluster(plugins=[TEAM])
    one.give(inputs.Kubectl("run web --image=nginx"))
    assert one.settle()
    (verdict,) = one.view().verdicts
    rows = {node: (reason, dict(scores), total) for node, reason, scores, total in verdict.rows}
    assert rows["node-3"][0] == "node(s) belong to nobody"
    assert (rows["node-1"][1]["TeamRoom"], rows["node-2"][1]["TeamRoom"]) == (30, 270)
    assert verdict.chosen == "node-2"
    assert verdict.refused_by == (("node-3", "TeamRoom"),)
    raw = {plugin: (weight, points) for plugin, weight, points, _ in verdict.columns}
    assert raw["TeamRoom"] == (3, (10, 90))


def test_a_pod_that_a_plugin_in_cel_refused_gets_another_try_when_a_node_changes() -> None:
    one = cluster(plugins=[{**TEAM, "filter": "node.metadata.labels['team'] == 'c'"}])
    one.give(inputs.Kubectl("run web --image=nginx"))
    assert one.settle()
    (verdict,) = one.view().verdicts
    assert {reason for _, reason, *_ in verdict.rows} == {"node(s) belong to nobody", "plugin TeamRoom: no such key: team"}
    one.give(inputs.Kubectl("label node node-3 team=c"))
    assert one.run_until(lambda one: one.view().verdicts[0].chosen == "node-3", 5_000_000)


def test_weights_and_disabled_plugins_are_those_of_the_profile() -> None:
    one = cluster(weights={"TaintToleration": 7, "NodeResourcesFit": 0}, disabled=["ImageLocality"])
    one.give(inputs.Kubectl("run web --image=nginx"))
    assert one.settle()
    (verdict,) = one.view().verdicts
    scores = dict(verdict.rows[0][2])
    assert scores["TaintToleration"] == 700
    assert not {"NodeResourcesFit", "ImageLocality"} & set(scores)


def test_a_profile_may_fill_nodes_by_a_curve() -> None:
    shape = [{"utilization": 0, "score": 0}, {"utilization": 50, "score": 10}, {"utilization": 100, "score": 0}]
    strategy = {
        "type": "RequestedToCapacityRatio", "resources": [{"name": "cpu", "weight": 3}],
        "requestedToCapacityRatio": {"shape": shape},
    }  # fmt: skip
    one = cluster(args={"NodeResourcesFit": {"scoringStrategy": strategy}})
    one.give(inputs.Kubectl("apply -f x.yaml", (("x.yaml", manifest("web", "1")),)))
    assert one.settle()
    (verdict,) = one.view().verdicts
    assert dict(verdict.rows[0][2])["NodeResourcesFit"] == 50  # a quarter of four cores, half way up to 50 %


def test_a_profile_may_enforce_node_affinity() -> None:
    term = {"matchExpressions": [{"key": "team", "operator": "In", "values": ["b"]}]}
    added = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    one = cluster(args={"NodeAffinity": {"addedAffinity": added}})
    one.give(inputs.Kubectl("run web --image=nginx"))
    assert one.settle()
    (verdict,) = one.view().verdicts
    assert verdict.chosen == "node-2"
    assert verdict.rows[0][1] == "node(s) didn't match scheduler-enforced node affinity"


def test_a_profile_may_spread_what_has_no_constraints_of_its_own() -> None:
    rule = {"maxSkew": 1, "topologyKey": "team", "whenUnsatisfiable": "DoNotSchedule"}
    one = cluster(args={"PodTopologySpread": {"defaultConstraints": [rule], "defaultingType": "List"}})
    one.give(inputs.Kubectl("create deployment web --image=nginx --replicas=4"))
    assert one.settle()
    places = [verdict.chosen for verdict in one.view().verdicts]
    assert sorted(places) == ["node-1", "node-1", "node-2", "node-2"]
    assert dict(one.view().verdicts[-1].refused_by)["node-3"] == "PodTopologySpread"


@pytest.mark.parametrize(
    ("utilization", "points"), [(0, 20), (10, 20), (25, 60), (40, 100), (60, 67), (100, 0)]
)  # fmt: skip
def test_a_curve_is_straight_between_its_points(utilization: int, points: int) -> None:
    assert _curve(utilization, ((10, 2), (40, 10), (100, 0))) == points


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ({"weights": {"Fit": 1}}, "there is no plugin Fit; there are"),
        ({"weights": {"NodeName": 1}}, "plugin NodeName only filters"),
        ({"plugins": [{"name": "Mine"}]}, "plugin Mine has neither a filter nor a score"),
        ({"plugins": [{"name": "Mine", "filter": "1 +"}]}, "plugin Mine: filter is no CEL"),
        ({"plugins": [{"name": "NodeName", "score": "1"}]}, "there is another plugin NodeName already"),
        ({"plugins": [{"name": "Mine", "score": "nod.spec"}]}, "score knows no nod; there are pod, node, pods, free"),
        ({"args": {"NodeResourcesFit": {"scoringStrategy": {"type": "RequestedToCapacityRatio"}}}}, "requestedToCapacityRatio"),
        (
            {"args": {"PodTopologySpread": {"defaultConstraints": [ZONES]}}},
            "when .defaultingType is System, .defaultConstraints must be empty",
        ),
        ({"args": {"NodeAffinity": {"addedAffinity": {"required": 1}}}}, "addedAffinity is no node affinity"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused_in_one_line(profile: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        ClusterSpec.model_validate({"scheduler": {"profiles": [profile]}})


GANG = {
    "name": "Together", "permit_seconds": 10,
    "permit": "!has(pod.metadata.labels.gang) || placed.filter(p, has(p.metadata.labels.gang)).size() >= 3",
}  # fmt: skip


def test_a_gang_keeps_its_places_until_all_have_one() -> None:
    one = cluster(plugins=[GANG])
    for number in (1, 2):
        one.give(inputs.Kubectl(f"run g{number} --image=nginx -l gang=a"))
    one.give(inputs.Kubectl("run alone --image=nginx"))
    assert one.run_until(lambda one: [row.place for row in one.view().queue] == ["permit"] * 2, 5_000_000)
    assert {(row.pod, row.place, row.refused_by) for row in one.view().queue} == {
        ("default/g1", "permit", ("Together",)), ("default/g2", "permit", ("Together",)),
    }  # fmt: skip
    pods = {pod.name: pod.node for pod in one.view().workload.pods}
    assert pods["alone"] and not pods["g1"] and not pods["g2"]
    one.give(inputs.Kubectl("run g3 --image=nginx -l gang=a"))
    assert one.settle()
    assert not one.view().queue and all(pod.node for pod in one.view().workload.pods)


def test_who_waits_too_long_for_a_permit_loses_its_place() -> None:
    one = cluster(plugins=[GANG])
    one.give(inputs.Kubectl("run g1 --image=nginx -l gang=a"))
    assert one.run_until(lambda one: any(row.place == "unschedulable" for row in one.view().queue), 20_000_000)
    one.give(inputs.Kubectl("get events --field-selector=reason=FailedScheduling -o custom-columns=M:.message --no-headers"))
    assert one.settle()
    said = one.view().console.answers[-1].stdout
    assert said == "0/1 nodes are available: 1 rejected due to timeout after waiting 10s at plugin Together.\n"


def test_a_permit_that_knows_nothing_of_what_it_names_is_refused() -> None:
    with pytest.raises(ValidationError, match="permit knows no gone; there are pod, node, pods, free, placed"):
        cluster(plugins=[{"name": "Together", "permit": "gone"}])
