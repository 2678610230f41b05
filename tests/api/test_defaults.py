"""Recorded answers of a real API server to a POST: ours are the same, but for what is drawn or stamped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.api import allocation, codec, defaults, scheme, strategy
from k8s_tutor.sim import mix

CASES = sorted((Path(__file__).parent / "golden" / "defaults").glob("*.json"))


def counter(seed: int = 1) -> Any:
    state = [0]

    def draw(bound: int) -> int:
        state[0] += 1
        return mix(seed * 1_000_003 + state[0]) % bound

    return draw


def create(kind: str, tree: dict[str, Any], namespace: str = "t-defaults") -> dict[str, Any]:
    row = scheme.resource(kind)
    fresh = codec.normal(tree, row.type_name).tree
    strategy.check_place(row, fresh, namespace, "")
    setting = strategy.Setting(0, 1_767_225_600, counter())
    defaults.apply(row, fresh)
    made = strategy.create(row, fresh, setting)
    if kind == "Service":
        made = allocation.allocate(row, made, None, allocation.Taken(frozenset(), frozenset()), setting.draw)
    return made


def masked(tree: Any) -> Any:
    """An object with placeholders for what is drawn and stamped."""
    text = json.dumps(tree).replace(tree["metadata"]["uid"], "<uid>")
    text = text.replace(tree["metadata"]["creationTimestamp"], "<ts>")
    text = re.sub(r'kube-api-access-[a-z0-9]{5}"', 'kube-api-access-<rand>"', text)
    text = re.sub(r'"clusterIP": "[\d.]+"', '"clusterIP": "<var>"', text)
    text = re.sub(r'"clusterIPs": \["[\d.]+"\]', '"clusterIPs": ["<var>"]', text)
    return json.loads(re.sub(r'"(nodePort|healthCheckNodePort)": \d+', r'"\1": 0', text))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_created_object_is_the_one_that_a_real_server_answers(path: Path) -> None:
    case = json.loads(path.read_text())
    made = create(case["input"]["kind"], case["input"], case["namespace"] or "")
    expected = case["output"]
    del expected["metadata"]["resourceVersion"]
    assert masked(made) == masked(expected)
