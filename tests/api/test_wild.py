"""Bodies that went wrong somewhere: whatever stands where, the answer is a Status, and the server has not stumbled (it would
stop these tests)."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from k8s_tutor.api import scheme
from tests.api.conftest import Cluster

REQUESTS = 500
SMALL: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"},
     "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "1"}}]}},
    {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "9"}}},
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}},
    {"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": {"name": "f"}, "spec": {
        "priorityLevelConfiguration": {"name": "x"}, "distinguisherMethod": {"type": "ByUser"},
        "rules": [{"subjects": [{"kind": "User", "user": {"name": "a"}}],
                   "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}]}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"},
     "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "e"}, "addressType": "IPv4",
     "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}]},
    {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "nginx"}]}}}},
]  # fmt: skip
ODD: tuple[Any, ...] = (
    None, 1, -1, 0, "", "x", "é", "\x00", "²", [], {}, [None], [{}], [1], {"a": 1}, {"a": None}, True, 1.5, 10**20, "9" * 30,
    "1Gi", "10%", "A B", {"name": 3}, [[]],
)  # fmt: skip
PATCHES = ("application/merge-patch+json", "application/strategic-merge-patch+json", "application/json-patch+json")


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def with_odd(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    fresh = copy.copy(tree)
    fresh[path[0]] = with_odd(tree[path[0]], path[1:], value)
    return fresh


def collection(tree: dict[str, Any]) -> str:
    row = next(row for row in scheme.SERVED if (row.kind, row.api_version) == (tree["kind"], tree["apiVersion"]))
    root = f"/apis/{row.group}/{row.version}" if row.group else f"/api/{row.version}"
    return f"{root}/namespaces/default/{row.plural}" if row.namespaced else f"{root}/{row.plural}"


@pytest.mark.parametrize("seed", range(4))
def test_no_body_makes_the_server_stumble(seed: int) -> None:
    lot, cluster = random.Random(seed), Cluster()
    for tree in SMALL:
        assert cluster.ask("POST", collection(tree), tree)[0] == 201, tree
    for _ in range(REQUESTS):
        good = lot.choice(SMALL)
        odd = with_odd(good, lot.choice(list(places(good))), lot.choice(ODD))
        path, name = collection(good), good["metadata"]["name"]
        below = lot.choice(("", "", "/status", "/scale", "/binding", "/eviction", "/resize", "/ephemeralcontainers"))
        method, target, kind = lot.choice((
            ("POST", path, "application/json"), ("PUT", f"{path}/{name}{below}", "application/json"),
            ("PATCH", f"{path}/{name}{below}", lot.choice(PATCHES)), ("POST", f"{path}/{name}{below}", "application/json"),
            ("PATCH", f"{path}/{name}?fieldManager=me", "application/apply-patch+yaml"),
        ))  # fmt: skip
        body = lot.choice((odd, odd, {"metadata": {"name": name}, "target": odd, "spec": odd, "deleteOptions": odd}))
        code, answer = cluster.ask(method, target, body, content_type=kind)
        assert code < 300 or answer["kind"] == "Status", (method, target, json.dumps(body))
    for tree in SMALL:
        odd = {lot.choice(("preconditions", "gracePeriodSeconds", "dryRun", "propagationPolicy")): lot.choice(ODD)}
        code, answer = cluster.ask("DELETE", f"{collection(tree)}/{tree['metadata']['name']}", odd)
        assert code < 300 or answer["kind"] == "Status"
    assert cluster.ask("GET", "/readyz")[0] == 200
