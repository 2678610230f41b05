"""kubectl apply and create -f: created, configured, unchanged, and what goes wrong."""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.api import schema
from k8s_tutor.kubectl import merge
from tests.kubectl.fake import FakeApi, deployment

LAST = "kubectl.kubernetes.io/last-applied-configuration"


def manifest(image: str = "nginx:1", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "nginx", "image": image}]}}, **spec},
    }  # fmt: skip


def config(name: str = "c", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_apply_creates_then_leaves_alone_then_changes() -> None:
    api = FakeApi()
    assert api.play("apply -f web.yaml", {"web.yaml": [manifest()]}).stdout == "deployment.apps/web created\n"
    assert [request.method for request in api.log] == ["GET", "POST"]
    assert api.log[1].query == (("fieldManager", "kubectl-client-side-apply"), ("fieldValidation", "Strict"))
    kept = api.get("deployments", "web")["metadata"]["annotations"][LAST]
    assert kept == json.dumps(
        {**manifest(), "metadata": {"annotations": {}, "labels": {"app": "web"}, "name": "web", "namespace": "default"}},
        sort_keys=True, separators=(",", ":"),
    ) + "\n"  # fmt: skip
    assert api.play("apply -f web.yaml", {"web.yaml": [manifest()]}).stdout == "deployment.apps/web unchanged\n"
    assert api.log[-1].method == "GET"
    result = api.play("apply -f web.yaml", {"web.yaml": [manifest("nginx:2")]})
    assert result.stdout == "deployment.apps/web configured\n"
    assert api.log[-1].content_type == "application/strategic-merge-patch+json"
    (container,) = api.get("deployments", "web")["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("nginx:2", "IfNotPresent")


def test_apply_takes_away_what_it_once_set_and_keeps_what_others_set() -> None:
    api = FakeApi()
    api.play("apply -f c.yaml", {"c.yaml": [config(a="1", b="2")]})
    api.objects["configmaps", "default", "c"]["data"]["theirs"] = "3"
    assert api.play("apply -f c.yaml", {"c.yaml": [config(a="1")]}).stdout == "configmap/c configured\n"
    assert api.get("configmaps", "c")["data"] == {"a": "1", "theirs": "3"}


def test_three_way_patch_of_containers_names_the_merge_key_and_the_order() -> None:
    kind = schema.type_of("apps", "v1", "Deployment")
    two = manifest()
    two["spec"]["template"]["spec"]["containers"] = [{"name": "nginx", "image": "nginx:1"}, {"name": "side", "image": "x"}]
    patch = merge.three_way(two, manifest("nginx:2"), two, kind)
    assert patch == {"spec": {"template": {"spec": {
        "containers": [{"image": "nginx:2", "name": "nginx"}, {"$patch": "delete", "name": "side"}],
        "$setElementOrder/containers": [{"name": "nginx"}],
    }}}}  # fmt: skip


def test_atomic_lists_are_replaced_and_sets_are_merged() -> None:
    kind = schema.type_of("", "v1", "Pod")
    old = {"metadata": {"finalizers": ["a", "b"]}, "spec": {"tolerations": [{"key": "x"}]}}
    new = {"metadata": {"finalizers": ["b"]}, "spec": {"tolerations": [{"key": "y"}]}}
    assert merge.three_way(old, new, old, kind) == {
        "metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}, "spec": {"tolerations": [{"key": "y"}]},
    }  # fmt: skip


def test_apply_warns_about_objects_that_were_created_otherwise() -> None:
    api = FakeApi()
    api.put(deployment())
    result = api.play("apply -f w.yaml", {"w.yaml": [manifest()]})
    assert result.stderr.startswith(f"Warning: resource deployments/web is missing the {LAST} annotation")
    assert result.stdout == "deployment.apps/web configured\n"


def test_one_bad_document_does_not_stop_the_others() -> None:
    bad = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "x"}}
    result = FakeApi().play("apply -f all.yaml", {"all.yaml": [bad, config(a="b")]})
    assert result.stdout == "configmap/c created\n"
    assert result.stderr == (
        'error: resource mapping not found for name: "x" namespace: "" from "all.yaml": no matches for kind "Foo" in '
        'version "example.com/v1"\nensure CRDs are installed first\n'
    )
    assert result.code == 1


def test_files_are_read_in_order_and_lists_are_taken_apart() -> None:
    several = {"apiVersion": "v1", "kind": "List", "items": [config("a1"), config("a2")]}
    files = {"k/b.yaml": [config("b")], "k/a.yaml": [several], "k/notes.txt": [config("no")]}
    result = FakeApi().play("apply -f k/", files)
    assert result.stdout == "configmap/a1 created\nconfigmap/a2 created\nconfigmap/b created\n"


def test_what_is_wrong_with_files_is_said_as_kubectl_says_it() -> None:
    api = FakeApi()
    cases = {
        "apply -f empty.yaml": "error: no objects passed to apply",
        "create -f empty.yaml": "error: no objects passed to create",
        "apply -f broken.yaml": "error: error parsing broken.yaml: error converting YAML to JSON: yaml: line 3: mapping values",
        "apply -f nokind.yaml": 'error: error validating "nokind.yaml": error validating data: [apiVersion not set, '
        'kind not set]; if you choose to ignore these errors, turn validation off with --validate=false',
        "apply -f c.yaml -n other": 'error: the namespace from the provided object "mine" does not match the namespace '
        '"other". '
        "You must pass '--namespace=mine' to perform this operation.",
    }
    named = config()
    named["metadata"]["namespace"] = "mine"
    files = {"empty.yaml": [], "broken.yaml": "yaml: line 3: mapping values", "nokind.yaml": [{"a": 1}], "c.yaml": [named]}
    for line, said in cases.items():
        result = api.play(line, files)
        assert (result.stderr.rstrip("\n"), result.code) == (said, 1), line
    assert api.log == []


def test_create_says_which_file_clashed() -> None:
    api = FakeApi()
    api.put(config())
    result = api.play("create -f c.yaml", {"c.yaml": [config(), config("d")]})
    assert result.stdout == "configmap/d created\n"
    assert result.stderr == (
        'Error from server (AlreadyExists): error when creating "c.yaml": configmaps "c" already exists\n'
    )


def test_delete_with_a_file_deletes_in_order_and_reports_the_missing() -> None:
    api = FakeApi()
    api.put(config("b"))
    result = api.play("delete -f c.yaml", {"c.yaml": [config("a"), config("b")]})
    assert result.stdout == 'configmap "b" deleted\n'
    assert result.stderr == 'Error from server (NotFound): error when deleting "c.yaml": configmaps "a" not found\n'


def test_dry_run_of_the_client_writes_nothing() -> None:
    api = FakeApi()
    assert api.play("apply -f c.yaml --dry-run=client", {"c.yaml": [config()]}).stdout == "configmap/c created (dry run)\n"
    assert api.objects == {}
    api.play("apply -f c.yaml --dry-run=server", {"c.yaml": [config()]})
    assert ("dryRun", "All") in api.log[-1].query
