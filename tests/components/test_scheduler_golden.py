"""The scheduler against what a real one decided (recorded from Kubernetes 1.36.2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.api import defaults, scheme
from k8s_tutor.scheduler.framework import Cluster, run
from k8s_tutor.scheduler.nodeinfo import Cache
from k8s_tutor.scheduler.plugins import DEFAULT
from k8s_tutor.scheduler.preemption import preempt
from k8s_tutor.scheduler.resources import pod_info
from k8s_tutor.scheduler.verdict import Verdict

CASES = sorted((Path(__file__).parent / "golden" / "sched").glob("*.json"))


def typed(tree: dict[str, Any], namespace: str) -> Any:
    tree["metadata"].setdefault("namespace", namespace)
    defaults.apply(scheme.resource(tree["kind"]), tree)
    return scheme.typed(json.dumps(tree).encode())


def decide(case: dict[str, Any]) -> Verdict:
    classes = {tree["metadata"]["name"]: tree for tree in case["objects"] if tree["kind"] == "PriorityClass"}
    for tree in (*case["existingPods"], case["pod"]):
        known = classes.get(tree["spec"].get("priorityClassName", ""), {})
        tree["spec"].update(priority=known.get("value", 0), preemptionPolicy=known.get("preemptionPolicy", ""))
    cache = Cache()
    for node in case["nodes"]:
        cache.set_node(node["metadata"]["name"], typed(node, ""))
    order = case["expect"].get("existingStartOrder(oldest first)", [])
    for tree in case["existingPods"]:
        if tree["metadata"]["name"] in order:
            minute = order.index(tree["metadata"]["name"])
            tree["status"] = {"startTime": f"2026-01-01T00:{minute:02}:00Z"}
        pod = typed(tree, case["namespace"])
        cache.put(pod_info(pod), pod.spec.nodeName)
    objects: dict[str, dict[str, Any]] = {}
    for tree in case["objects"]:
        known = typed(tree, case["namespace"])
        objects.setdefault(tree["kind"], {})[f"{case['namespace']}/{tree['metadata']['name']}"] = known
        objects[tree["kind"]][tree["metadata"]["name"]] = known
    if case["id"] == "preempt-pdb":  # made by whoever recorded it, after the pods
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "guard"}}}
        tree = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": spec}
        objects["PodDisruptionBudget"] = {"b": typed(tree, case["namespace"])}
    affine = [cache.nodes[name] for name in cache.affine]
    cluster = Cluster(cache.snapshot(), cache.nodes, cache.groups, affine, objects)
    verdict, filters = run(pod_info(typed(case["pod"], case["namespace"])), cluster, DEFAULT)
    return verdict if verdict.chosen else preempt(verdict, filters, cluster)


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
        assert verdict.message == texts[0]
    if "victims" in expected:
        victims = verdict.preemption.victims if verdict.preemption else ()
        assert [key.partition("/")[2] for key in victims] == list(expected["victims"])
        assert (verdict.preemption.node if verdict.preemption else None) == expected["nominatedNodeName"]
    if "finalScores" in expected:
        assert {node.node: node.total for node in verdict.nodes if node.feasible} == expected["finalScores"]
    for node, scores in expected.get("pluginScores(weighted)", {}).items():
        found = verdict.of(node)
        assert found is not None
        mine = {score.plugin: score.weighted for score in found.scores}
        assert mine == {plugin: score for plugin, score in scores.items() if plugin != "DynamicResources"}
