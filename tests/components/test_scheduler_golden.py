"""The scheduler against what a real one decided (recorded from Kubernetes 1.36.2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.api import defaults, scheme
from k8s_tutor.scheduler import messages
from k8s_tutor.scheduler.framework import Cluster, Verdict, run
from k8s_tutor.scheduler.nodeinfo import Cache
from k8s_tutor.scheduler.plugins import DEFAULT
from k8s_tutor.scheduler.resources import pod_info

CASES = sorted((Path(__file__).parent / "golden" / "sched").glob("*.json"))


def typed(tree: dict[str, Any], namespace: str) -> Any:
    tree["metadata"].setdefault("namespace", namespace)
    defaults.apply(scheme.resource(tree["kind"]), tree)
    return scheme.typed(json.dumps(tree).encode())


def decide(case: dict[str, Any]) -> Verdict:
    cache = Cache()
    for node in case["nodes"]:
        cache.set_node(node["metadata"]["name"], typed(node, ""))
    for tree in case["existingPods"]:
        pod = typed(tree, case["namespace"])
        cache.put(pod_info(pod), pod.spec.nodeName)
    return run(pod_info(typed(case["pod"], case["namespace"])), Cluster(cache.snapshot()), DEFAULT)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_decides_as_the_real_scheduler(path: Path) -> None:
    case = json.loads(path.read_text())
    expected = case["expect"]
    verdict = decide(case)
    if "feasibleNodes" in expected:
        assert [node.node for node in verdict.nodes if node.feasible] == expected["feasibleNodes"]
        assert verdict.chosen in expected.get("topNodes", expected["observedNodes"])
    else:
        assert verdict.chosen == ""
        texts = expected.get("unschedulable") or [expected["firstUnschedulableMessage"]]
        classes = {tree["metadata"]["name"]: tree for tree in case["objects"] if tree["kind"] == "PriorityClass"}
        policy = classes.get(case["pod"]["spec"].get("priorityClassName", ""), {}).get("preemptionPolicy", "")
        assert messages.unschedulable(verdict, policy) == texts[0]
    if "finalScores" in expected:
        assert {node.node: node.total for node in verdict.nodes if node.feasible} == expected["finalScores"]
    for node, scores in expected.get("pluginScores(weighted)", {}).items():
        found = verdict.of(node)
        assert found is not None
        mine = {score.plugin: score.weighted for score in found.scores}
        assert mine == {plugin: score for plugin, score in scores.items() if plugin != "DynamicResources"}
