"""What no client of good will sends: each is a client's error with a right status, and the server goes on."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import names, numbers, patch
from k8s_tutor.api.tokens import Issuer
from k8s_tutor.api.watchcache import Caches
from tests.api.conftest import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
MERGE, JSON = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


@pytest.fixture(scope="module")
def shared() -> Cluster:
    """Whatever is sent to it, it stays as it is."""
    found = Cluster()
    found.ask("POST", MAPS, {"metadata": {"name": "one"}, "data": {"k": "v"}})
    pod = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    assert found.ask("POST", PODS, pod)[0] == 201
    return found


@pytest.mark.parametrize(("text", "unsigned", "signed"), [
    ("0", 0, 0), ("42", 42, 42), ("", None, None), ("-1", None, -1), ("+1", None, 1), ("--1", None, None), ("1_0", None, None),
    (" 1", None, None), ("²", None, None), ("٣", None, None), ("18446744073709551615", 2**64 - 1, None),
    ("18446744073709551616", None, None), ("9" * 5000, None, None), ("-9223372036854775808", None, -(2**63)),
])  # fmt: skip
def test_numbers_are_read_as_go_does(text: str, unsigned: int | None, signed: int | None) -> None:
    assert (numbers.unsigned(text), numbers.signed(text)) == (unsigned, signed)


@pytest.mark.parametrize(("query", "code", "words"), [
    ("limit=²", 400, 'strconv.ParseInt: parsing "²": invalid syntax'),
    ("limit=1_0", 400, "invalid syntax"),
    ("limit=" + "9" * 5000, 400, "value out of range"),
    ("resourceVersion=²", 400, "invalid syntax"),
    ("resourceVersion=" + "9" * 5000, 400, "value out of range"),
    ("watch=1&resourceVersion=٣", 500, "invalid syntax"),
    ("continue=é", 400, "invalid continue token"),
    ("labelSelector=\x00", 400, ""),
    ("fieldSelector=a=b=c", 400, ""),
])  # fmt: skip
def test_queries(shared: Cluster, query: str, code: int, words: str) -> None:
    found, body = shared.ask("GET", f"{MAPS}?{query}")
    assert (found, words in body["message"]) == (code, True), body


@pytest.mark.parametrize("query", ["tailLines=²", "tailLines=x", "sinceSeconds=" + "9" * 30, "limitBytes=--1"])
def test_options_of_a_log(shared: Cluster, query: str) -> None:
    code, body = shared.ask("GET", f"{PODS}/web/log?{query}")
    assert (code, body["message"].startswith("strconv.ParseInt")) == (400, True), body


@pytest.mark.parametrize(("kind", "body", "code"), [
    (JSON, [1], 422), (JSON, ["x"], 422), (JSON, [None], 422), (JSON, [{}], 422), (JSON, [{"op": 1, "path": 2}], 422),
    (JSON, [{"op": "add", "path": 2, "value": 1}], 422), (JSON, [{"op": "remove", "path": "/data/²"}], 422),
    (JSON, [{"op": "copy", "from": None, "path": "/data/x"}], 422), (JSON, [{"op": "replace", "path": "", "value": 3}], 422),
    (JSON, [{"op": "add", "path": "/metadata/finalizers/²", "value": "x"}], 422),
    (MERGE, {"metadata": None}, (400, 422)), (MERGE, {"metadata": []}, 422), (MERGE, {"data": "x"}, 422),
    (STRATEGIC, {"$retainKeys": 1}, 500), (STRATEGIC, {"$setElementOrder/x": {}}, 500), (STRATEGIC, {"metadata": 1}, 422),
    (STRATEGIC, {"$deleteFromPrimitiveList/x": "y"}, 500), (STRATEGIC, {"$patch": "nonsense"}, (200, 400, 500)),
    (STRATEGIC, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, 200),
    (APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": []}, 400),
    (APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": None}, (200, 400)),
    (APPLY, {"apiVersion": [], "kind": {}}, 400),
    (APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 3}}, 500),
    (APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "data": []}, (400, 500)),
])  # fmt: skip
def test_patches(shared: Cluster, kind: str, body: Any, code: int | tuple[int, ...]) -> None:
    query = "?fieldManager=me" if kind == APPLY else ""
    found, answer = shared.ask("PATCH", f"{MAPS}/one{query}", body, content_type=kind)
    assert found in (code if isinstance(code, tuple) else (code,)), answer


@pytest.mark.parametrize("body", [
    {"spec": {"containers": [{"$patch": "replace"}, 5]}}, {"spec": {"containers": [5]}}, {"spec": {"containers": [{}]}},
    {"spec": {"containers": [None]}}, {"spec": {"$setElementOrder/containers": [1], "containers": []}},
])  # fmt: skip
def test_strategic_lists(shared: Cluster, body: Any) -> None:
    code, answer = shared.ask("PATCH", f"{PODS}/web", body, content_type=STRATEGIC)
    assert code in (200, 422, 500), answer


@pytest.mark.parametrize("body", [
    {}, {"metadata": None}, {"metadata": []}, {"metadata": {"name": 3}}, {"metadata": {"name": ""}, "target": {"name": "n"}},
])  # fmt: skip
def test_bindings_without_a_name(shared: Cluster, body: Any) -> None:
    code, answer = shared.ask("POST", "/api/v1/namespaces/default/bindings", body)
    assert (code, "name is required" in answer["message"] or "cannot unmarshal" in answer["message"]) == (400, True)


def test_tokens_and_addresses() -> None:
    assert Issuer("key").verified("ä.ö", Caches(), 0) is None
    assert names.service_offset("10.96.0.1") == 1
    assert names.service_offset("10.96.0.²") is None
    assert names.service_offset("10.96.0.") is None
    with_number = patch.json_patch({"a": ["x", "y"]}, [{"op": "remove", "path": "/a/1"}])
    assert with_number == {"a": ["x"]}
