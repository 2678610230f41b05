"""Quantities, times, selectors, patches, names: the small machines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_tutor.api import codec, names, patch, quantity, schema, scheme, selectors, times
from k8s_tutor.api.strict import decode as slow


@pytest.mark.parametrize(
    ("text", "canonical", "milli"),
    [
        ("100m", "100m", 100), ("1000m", "1", 1000), ("1", "1", 1000), ("0.5", "500m", 500), ("1.5", "1500m", 1500),
        ("1024Mi", "1Gi", 1024**3 * 1000), ("1.5Gi", "1536Mi", 1536 * 1024**2 * 1000), ("512Ki", "512Ki", 524288000),
        ("1000", "1k", 1_000_000), ("1e3", "1e3", 1_000_000), ("0", "0", 0), ("0m", "0", 0), ("100Mi", "100Mi", 104857600000),
        ("1023", "1023", 1_023_000), ("0.1Gi", "107374182400m", 107374182400), ("12E", "12E", 12 * 10**21), ("1n", "1n", 1),
        ("-1", "-1", -1000), (".5", "500m", 500), ("2Ki", "2Ki", 2048000),
    ],
)  # fmt: skip
def test_a_quantity_has_one_spelling(text: str, canonical: str, milli: int) -> None:
    assert quantity.canonical(text) == canonical
    assert quantity.milli(text) == milli


@pytest.mark.parametrize(("text", "problem"), [
    ("", quantity.FORMAT_WRONG), ("1x", quantity.FORMAT_WRONG), ("x", quantity.FORMAT_WRONG),
    ("1mm", quantity.SUFFIX_WRONG), ("1 Gi", quantity.FORMAT_WRONG),
])  # fmt: skip
def test_a_bad_quantity_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        quantity.canonical(text)
    assert str(caught.value) == problem


@given(st.integers(0, 10**15), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi"]))
def test_a_canonical_quantity_keeps_its_value(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    once = quantity.canonical(text)
    assert quantity.nano(once) == quantity.nano(text)
    assert quantity.canonical(once) == once


def test_instants_become_times_and_back() -> None:
    assert times.rfc3339(3_214_000) == "2026-01-01T00:00:03Z"
    assert times.micro_time(3_214_000) == "2026-01-01T00:00:03.214000Z"
    assert times.parse("2026-01-01T00:00:03.214000Z") == 3_214_000
    assert times.parse("2026-01-01T01:00:03+01:00") == 3_000_000
    with pytest.raises(ValueError):
        times.parse("yesterday")


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0s"), (119, "119s"), (120, "2m"), (128, "2m8s"), (600, "10m"), (10_799, "179m"), (10_800, "3h"),
    (12_000, "3h20m"), (86_400, "24h"), (180_000, "2d2h"), (86_400 * 9, "9d"), (86_400 * 800, "2y70d"), (-5, "<invalid>"),
])  # fmt: skip
def test_ages_read_as_kubectl_prints_them(seconds: int, text: str) -> None:
    assert times.human_duration(seconds * 1_000_000) == text


@pytest.mark.parametrize(("text", "labels", "selected"), [
    ("", {}, True), ("a=b", {"a": "b"}, True), ("a==b", {"a": "c"}, False), ("a!=b", {}, True), ("a", {"a": ""}, True),
    ("!a", {}, True), ("a in (b, c)", {"a": "c"}, True), ("a notin (b)", {"a": "b"}, False), ("a=b,c=d", {"a": "b"}, False),
    ("a>1", {"a": "2"}, True), ("a<1", {"a": "2"}, False), ("a in ()", {"a": ""}, True), ("x/y=z", {"x/y": "z"}, True),
])  # fmt: skip
def test_a_label_selector_selects(text: str, labels: dict[str, str], selected: bool) -> None:
    assert selectors.parse(text).matches(labels) is selected


@pytest.mark.parametrize("text", ["a=b,", "=b", "a in b", "a b", "a=b c", "-=x", "a=b=c"])
def test_a_bad_label_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"found|unable to parse requirement"):
        selectors.parse(text)


def test_a_selector_object_is_its_text() -> None:
    expressions = [{"key": "t", "operator": "NotIn", "values": ["x", "a"]}, {"key": "e", "operator": "Exists"}]
    found = selectors.from_object({"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": expressions})
    assert str(found) == "a=1,b=2,e,t notin (a,x)"
    assert not selectors.from_object(None).matches({})


POD_SPEC = "io.k8s.api.core.v1.PodSpec"


@pytest.mark.parametrize(("target", "change", "result"), [
    ({"containers": [{"name": "a", "image": "1"}]}, {"containers": [{"name": "a", "image": "2"}]},
     {"containers": [{"name": "a", "image": "2"}]}),
    ({"containers": [{"name": "a"}]}, {"containers": [{"name": "b"}]}, {"containers": [{"name": "b"}, {"name": "a"}]}),
    ({"containers": [{"name": "a"}, {"name": "b"}]}, {"containers": [{"name": "a", "$patch": "delete"}]},
     {"containers": [{"name": "b"}]}),
    ({"containers": [{"name": "a"}]}, {"containers": [{"name": "b"}, {"$patch": "replace"}]}, {"containers": [{"name": "b"}]}),
    ({"nodeSelector": {"a": "1", "b": "2"}}, {"nodeSelector": {"a": None, "c": "3"}}, {"nodeSelector": {"b": "2", "c": "3"}}),
    ({"nodeSelector": {"a": "1"}}, {"nodeSelector": {"$patch": "replace", "b": "2"}}, {"nodeSelector": {"b": "2"}}),
    ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
    ({"containers": [{"name": "a"}, {"name": "b"}]},
     {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "b", "image": "2"}]},
     {"containers": [{"name": "b", "image": "2"}, {"name": "a"}]}),
])  # fmt: skip
def test_a_strategic_merge_patch_follows_the_schema(target: Any, change: Any, result: Any) -> None:
    before = repr(target)
    assert patch.strategic(target, change, POD_SPEC) == result
    assert repr(target) == before


def test_a_list_item_without_its_merge_key_is_refused() -> None:
    with pytest.raises(patch.PatchError) as caught:
        patch.strategic({}, {"containers": [{"image": "x"}]}, POD_SPEC)
    assert str(caught.value) == "map: map[image:x] does not contain declared merge key: name"


def test_a_merge_patch_deletes_with_null() -> None:
    assert patch.merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None}, "d": [1]}) == {"a": {"c": 2}, "d": [1]}


def test_a_json_patch_is_carried_out_in_order() -> None:
    target = {"a": [1, 2], "b": {"c": 1}}
    operations = [
        {"op": "add", "path": "/a/-", "value": 3},
        {"op": "remove", "path": "/a/0"},
        {"op": "replace", "path": "/b/c", "value": 2},
        {"op": "copy", "from": "/b/c", "path": "/d"},
        {"op": "move", "from": "/b", "path": "/e"},
        {"op": "test", "path": "/d", "value": 2},
    ]
    assert patch.json_patch(target, operations) == {"a": [2, 3], "d": 2, "e": {"c": 2}}
    assert target == {"a": [1, 2], "b": {"c": 1}}
    with pytest.raises(patch.PatchError, match="test failed"):
        patch.json_patch(target, [{"op": "test", "path": "/b/c", "value": 5}])


def test_service_addresses_come_from_the_upper_range() -> None:
    address = names.allocate_cluster_ip((), lambda bound: 0)
    assert address == "10.96.1.1"
    assert names.allocate_cluster_ip((address,), lambda bound: 0) == "10.96.1.2"
    assert names.service_offset("10.112.0.1") is None and names.service_offset("10.96.0.1") == 1


def test_both_ways_to_decode_agree() -> None:
    row = scheme.resource("Deployment")
    data = (
        b'{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"d","labels":{}},"spec":{"replicas":0,"paused":false,'
        b'"template":{"spec":{"containers":[{"name":"c","tty":false,"resources":{"limits":{"cpu":"100m"}}}]}}}}'
    )
    fast, wordy = codec.decode(data, row.type_name), slow(data, row.type_name)
    assert fast.tree == wordy[0] and fast.problems == wordy[1] == ()
    assert fast.tree["spec"] == {
        "replicas": 0,
        "template": {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "100m"}}}]}},
    }


def test_a_field_given_twice_is_seen() -> None:
    row = scheme.resource("ConfigMap")
    found = codec.decode(b'{"metadata":{"name":"a","name":"b"}}', row.type_name)
    assert found.problems == ('duplicate field "metadata.name"',)


def test_every_kind_has_a_type_and_its_own_place() -> None:
    for row in scheme.RESOURCES:
        assert schema.fields(row.type_name)
        key = row.key("default", "x")
        assert scheme.of_key(key) == row
        assert scheme.parse_path(row.path("default", "x")).resource == row
        assert scheme.find(row.plural) == row
    assert scheme.resource("Node").key("", "node-1") == "/registry/minions/node-1"
    assert scheme.resource("Service").key("default", "web") == "/registry/services/specs/default/web"


def test_one_revision_is_one_struct() -> None:
    row = scheme.resource("Pod")
    tree = {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [{"name": "c"}]}}
    data = scheme.with_revision(row, scheme.encode(row, tree), 7)
    listed = scheme.decode_list(scheme.encode_list(row, [data], {"resourceVersion": "9"}))
    assert listed == (9, [data])
    assert scheme.typed(data) is scheme.typed(listed[1][0])
    assert scheme.typed(data).metadata.resourceVersion == "7"


def test_a_struct_is_made_even_of_an_object_with_holes() -> None:
    row = scheme.resource("Node")
    tree = {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready"}]}}
    assert scheme.typed(scheme.encode(row, tree)).status.conditions[0].status == ""
