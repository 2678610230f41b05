"""What the views tell of scheduling: verdicts, earlier attempts, the queue, and all of it in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs, verdictwords
from k8s_tutor.cluster.views import QueuedView, VerdictView
from k8s_tutor.sim import SECOND


def pod(name: str, cpu: str = "100m", **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": cpu}}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def cluster(*trees: dict[str, Any], workers: int = 2) -> Cluster:
    one = Cluster(ClusterSpec.model_validate({"managers": 1, "workers": workers, "kubelets": "plain"}))
    apply(one, *trees)
    return one


def apply(one: Cluster, *trees: dict[str, Any]) -> None:
    one.give(inputs.Kubectl("apply -f x.yaml", (("x.yaml", json.dumps(list(trees))),)))
    one.settle()


def queued(one: Cluster, name: str) -> QueuedView:
    return next(found for found in one.view().queue if found.pod == f"default/{name}")


def verdict(one: Cluster, name: str) -> VerdictView:
    return next(found for found in one.view().verdicts if found.pod == f"default/{name}")


def test_the_queue_says_where_a_pod_waits_and_what_would_wake_it() -> None:
    one = cluster(pod("big", "40"), pod("gated", schedulingGates=[{"name": "example.com/quota"}]))
    big, gated = queued(one, "big"), queued(one, "gated")
    assert (big.place, big.attempts, big.refused_by) == ("unschedulable", 1, ("NodeResourcesFit",))
    assert "more room on a node" in big.wakes and "five minutes of waiting" in big.wakes
    assert (gated.place, gated.gates, gated.wakes) == ("gated", ("example.com/quota",), ("its gates taken off",))
    assert [found.pod for found in one.view().queue] == ["default/big", "default/gated"]
    assert one.view().queue is one.view().queue


def test_earlier_attempts_are_remembered() -> None:
    one = cluster(pod("ssd", nodeSelector={"disk": "ssd"}))
    one.run_until(one.now + 2 * SECOND)
    one.give(inputs.Kubectl("label node node-2 disk=ssd"))
    one.settle()
    found = verdict(one, "ssd")
    assert (found.chosen, found.attempt) == ("node-2", 2)
    assert [(before.number, before.node) for before in found.before] == [(1, "")]
    assert "didn't match Pod's node affinity/selector" in found.before[0].message
    assert not one.view().queue


def test_the_winning_margin_is_the_sum_of_what_plugins_gave() -> None:
    one = cluster(pod("first", "1"), pod("second"))
    found = verdict(one, "second")
    ranked = verdictwords.scores(found)
    assert [score.total for score in ranked] == sorted((score.total for score in ranked), reverse=True)
    assert all(score.total == sum(product for *_, product in score.given) for score in ranked)
    margin = ranked[0].total - ranked[1].total
    assert verdictwords.sentence(found).startswith(f"node-2 beats node-1 by {margin}: fit +")


def test_victims_are_named_until_they_have_gone() -> None:
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000}
    one = cluster(high, pod("low", "3"), workers=1)
    one.give(inputs.Kubectl("apply -f x.yaml", (("x.yaml", json.dumps([pod("boss", "3", priorityClassName="high")])),)))
    one.run_until(lambda one: any(found.nominated for found in one.view().verdicts))
    assert verdictwords.victims(verdict(one, "boss")) == "low must leave node-1, which is nominated"
    one.settle()
    assert verdict(one, "boss").chosen == "node-1"
    assert "It was emptied for this pod" in verdictwords.sentence(verdict(one, "boss"))


def test_lines_tell_the_whole_table() -> None:
    one = cluster(pod("picky", nodeSelector={"kubernetes.io/hostname": "node-2"}), pod("any"))
    view = one.view()
    text = "\n".join(verdictwords.lines(view.verdicts, view.queue, "default/picky"))
    assert "picky → node-2" in text
    assert "node-1 refused by NodeAffinity: node(s) didn't match Pod's node affinity/selector" in text
    with pytest.raises(LookupError, match="no scheduler has decided about default/nobody yet"):
        verdictwords.lines(view.verdicts, view.queue, "default/nobody")
