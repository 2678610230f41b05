"""Profiles of the scheduler, and plugins in CEL, from the specification of a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs

TEAM = {
    "name": "TeamRoom", "filter": "'team' in node.metadata.labels", "message": "node(s) belong to nobody",
    "score": "node.metadata.labels.team == 'b' ? 90 : 10", "weight": 3,
}  # fmt: skip
WORKERS = [{"labels": {"team": "a"}}, {"labels": {"team": "b"}}, {}]


def cluster(**profile: Any) -> Cluster:
    spec = {"managers": 1, "workers": WORKERS, "scheduler": {"profiles": [profile]}}
    return Cluster(ClusterSpec.model_validate(spec))


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


def test_weights_and_disabled_plugins_are_those_of_the_profile() -> None:
    one = cluster(weights={"TaintToleration": 7, "NodeResourcesFit": 0}, disabled=["ImageLocality"])
    one.give(inputs.Kubectl("run web --image=nginx"))
    assert one.settle()
    (verdict,) = one.view().verdicts
    scores = dict(verdict.rows[0][2])
    assert scores["TaintToleration"] == 700
    assert not {"NodeResourcesFit", "ImageLocality"} & set(scores)


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ({"weights": {"Fit": 1}}, "there is no plugin Fit; there are"),
        ({"weights": {"NodeName": 1}}, "plugin NodeName only filters"),
        ({"plugins": [{"name": "Mine"}]}, "plugin Mine has neither a filter nor a score"),
        ({"plugins": [{"name": "Mine", "filter": "1 +"}]}, "plugin Mine: filter is no CEL"),
        ({"plugins": [{"name": "NodeName", "score": "1"}]}, "there is another plugin NodeName already"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused_in_one_line(profile: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        ClusterSpec.model_validate({"scheduler": {"profiles": [profile]}})
