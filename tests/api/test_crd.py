"""Custom resources: from their definition to their end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Cluster

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
THINGS = "/apis/ex.io/v1/namespaces/default/things"


def definition(spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": {"type": "object", **spec}, "status": {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}  # fmt: skip
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **more}
    names = {"plural": "things", "kind": "Thing"}
    return {"metadata": {"name": "things.ex.io"}, "spec": {"group": "ex.io", "scope": "Namespaced", "names": names,
            "versions": [version]}}  # fmt: skip


def defined(spec: dict[str, Any], **more: Any) -> Cluster:
    cluster = Cluster()
    code, answer = cluster.ask("POST", DEFINITIONS, definition(spec, **more))
    assert code == 201, answer
    cluster.pause(1_000_000)
    return cluster


def thing(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "ex.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}


def causes(spec: dict[str, Any], **given: Any) -> list[str]:
    """What is wrong with a thing that says this."""
    code, answer = defined({"properties": spec}).ask("POST", THINGS, thing(**given))
    return [] if code == 201 else [f"{one['field']}: {one['message']}" for one in answer["details"]["causes"]]


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        ({"type": "integer", "maximum": 5}, 9, "Invalid value: 9: spec.x in body should be less than or equal to 5"),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 1, "Invalid value: 1: spec.x in body should be greater "
         "than 1"),
        ({"type": "integer", "multipleOf": 3}, 4, "Invalid value: 4: spec.x in body should be a multiple of 3"),
        ({"type": "string", "minLength": 3}, "a", 'Invalid value: "a": spec.x in body should be at least 3 chars long'),
        ({"type": "string", "maxLength": 2}, "abc", "Too long: may not be more than 2 bytes"),
        ({"type": "string", "pattern": "^a$"}, "b", "Invalid value: \"b\": spec.x in body should match '^a$'"),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a", "b"], "Too many: 2: must have at most 1 items"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, [], "Invalid value: []: spec.x in body should have at "
         "least 1 items"),
        ({"type": "boolean"}, "yes", 'Invalid value: "string": spec.x in body must be of type boolean: "string"'),
    ],
)  # fmt: skip
def test_each_keyword_is_checked_in_the_words_of_the_server(schema: dict[str, Any], value: Any, text: str) -> None:
    assert causes({"x": schema}, x=value) == [f"spec.x: {text}"]


def test_items_with_one_key_come_once() -> None:
    items = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema = {"type": "array", "items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    assert causes({"x": schema}, x=[{"name": "a"}, {"name": "a"}]) == ['spec.x[1]: Duplicate value: {"name":"a"}']


def test_rules_see_the_old_object_and_name_their_field() -> None:
    rules = [{"rule": "self.x >= oldSelf.x", "message": "x never falls", "fieldPath": ".x"}]
    cluster = defined({"properties": {"x": {"type": "integer"}}, "x-kubernetes-validations": rules})
    assert cluster.ask("POST", THINGS, thing(x=3))[0] == 201
    code, answer = cluster.merge(f"{THINGS}/t", {"spec": {"x": 2}})
    assert (code, answer["message"]) == (422, 'Thing.ex.io "t" is invalid: spec.x: Invalid value: x never falls')
    assert cluster.merge(f"{THINGS}/t", {"spec": {"x": 4}})[0] == 200


def test_what_was_wrong_before_may_stay() -> None:
    cluster = defined({"properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}})
    cluster.ask("POST", THINGS, thing(x=9))
    tight = definition({"properties": {"x": {"type": "integer", "maximum": 5}, "y": {"type": "integer"}}})
    assert cluster.merge(f"{DEFINITIONS}/things.ex.io", {"spec": tight["spec"]})[0] == 200
    cluster.pause(1_000_000)
    assert cluster.merge(f"{THINGS}/t", {"spec": {"y": 1}})[0] == 200
    assert cluster.merge(f"{THINGS}/t", {"spec": {"x": 8}})[0] == 422


def test_columns_come_from_the_definition() -> None:
    columns = [{"name": "Colour", "type": "string", "jsonPath": ".spec.x"},
               {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'}]  # fmt: skip
    cluster = defined({"properties": {"x": {"type": "string"}}}, additionalPrinterColumns=columns)
    cluster.ask("POST", THINGS, {**thing(x="red"), "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    _, table = cluster.ask("GET", THINGS, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert [one["name"] for one in table["columnDefinitions"]] == ["Name", "Colour", "Ready"]
    assert table["rows"][0]["cells"] == ["t", "red", "True"]


def test_a_second_version_shows_the_same_object() -> None:
    cluster = Cluster()
    body = definition({"properties": {"x": {"type": "integer"}}})
    old = {**body["spec"]["versions"][0], "name": "v1beta1", "storage": False}
    body["spec"]["versions"].append(old)
    cluster.ask("POST", DEFINITIONS, body)
    cluster.pause(1_000_000)
    cluster.ask("POST", THINGS, thing(x=1))
    _, found = cluster.ask("GET", "/apis/ex.io/v1beta1/namespaces/default/things/t")
    assert (found["apiVersion"], found["spec"]) == ("ex.io/v1beta1", {"x": 1})


def test_two_definitions_cannot_have_one_name() -> None:
    cluster = defined({})
    other = definition({})
    other["metadata"]["name"] = "items.ex.io"
    other["spec"]["names"] = {"plural": "items", "kind": "Thing"}
    cluster.ask("POST", DEFINITIONS, other)
    cluster.pause(1_000_000)
    _, found = cluster.ask("GET", f"{DEFINITIONS}/items.ex.io")
    conditions = {one["type"]: (one["status"], one["reason"]) for one in found["status"]["conditions"]}
    assert conditions["NamesAccepted"][0] == "False"
    assert conditions["Established"] == ("False", "NotAccepted")


def test_things_go_with_their_definition_and_are_watched_until_then() -> None:
    cluster = defined({})
    cluster.ask("POST", THINGS, thing())
    watch = cluster.send("GET", f"{THINGS}?watch=1")
    cluster.ask("DELETE", f"{DEFINITIONS}/things.ex.io")
    cluster.pause(2_000_000)
    assert [frame.type for frame in cluster.client.frames if frame.watch == watch] == ["ADDED", "DELETED"] or (
        watch in cluster.client.ended
    )
    assert cluster.ask("GET", THINGS) == (404, "404 page not found\n")
    assert cluster.ask("GET", f"{DEFINITIONS}/things.ex.io")[0] == 404


def test_fields_of_things_have_owners_too() -> None:
    cluster = defined({"properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}})
    kind = "application/apply-patch+yaml"
    assert cluster.ask("PATCH", f"{THINGS}/t?fieldManager=a", thing(x=1), content_type=kind)[0] == 201
    code, answer = cluster.ask("PATCH", f"{THINGS}/t?fieldManager=b", thing(x=2, y=1), content_type=kind)
    assert (code, answer["message"]) == (409, 'Apply failed with 1 conflict: conflict with "a": .spec.x')


def test_a_definition_names_fields_to_select_by_and_versions_to_leave() -> None:
    fields = [{"jsonPath": ".spec.x"}]
    cluster = defined({"properties": {"x": {"type": "string"}}}, selectableFields=fields, deprecated=True)
    cluster.ask("POST", THINGS, thing(x="red"))
    assert cluster.warnings == ("ex.io/v1 Thing is deprecated",)
    for colour, count in (("red", 1), ("blue", 0)):
        assert len(cluster.ask("GET", f"{THINGS}?fieldSelector=spec.x={colour}")[1]["items"]) == count
    code, answer = cluster.ask("GET", f"{THINGS}?fieldSelector=spec.y=1")
    assert (code, answer["message"]) == (400, "field label not supported: spec.y")


def test_things_in_a_list_say_their_kind() -> None:
    cluster = defined({"properties": {"x": {"type": "integer"}}})
    assert cluster.ask("POST", THINGS, thing(x=1))[0] == 201
    _, answer = cluster.ask("GET", THINGS)
    assert answer["kind"] == "ThingList"
    assert [(one["kind"], one["apiVersion"]) for one in answer["items"]] == [("Thing", "ex.io/v1")]


def test_a_default_that_comes_later_shows_when_an_object_is_read() -> None:
    cluster = defined({"properties": {"x": {"type": "integer"}}})
    assert cluster.ask("POST", THINGS, thing(x=1))[0] == 201
    code, found = cluster.ask("GET", f"{DEFINITIONS}/things.ex.io")
    schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["y"] = {"type": "string", "default": "here"}
    code, _ = cluster.ask("PUT", f"{DEFINITIONS}/things.ex.io", found)
    assert code == 200
    cluster.pause(1_000_000)
    code, seen = cluster.ask("GET", f"{THINGS}/t")
    assert code == 200 and seen["spec"] == {"x": 1, "y": "here"}
    assert cluster.ask("GET", THINGS)[1]["items"][0]["spec"] == {"x": 1, "y": "here"}
