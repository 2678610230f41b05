"""A day's work with the Python client: the cluster answers as it expects, object by object."""

from __future__ import annotations

import base64
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.conftest import Served

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    kubernetes = pytest.importorskip("kubernetes", reason="the Python client is not installed")

SPEED = "max"
NAMESPACE = "shop"


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[Any]:
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(served.kubeconfig), client_configuration=configuration)
    with kubernetes.client.ApiClient(configuration) as found:
        yield found


def deployment(image: str, replicas: int = 2) -> dict[str, Any]:
    container = {"name": "web", "image": image, "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                 "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}},
    }  # fmt: skip


def test_a_days_work(served: Served, client: Any) -> None:
    core, apps = kubernetes.client.CoreV1Api(client), kubernetes.client.AppsV1Api(client)
    assert kubernetes.client.VersionApi(client).get_code().git_version == "v1.36.2"
    assert [node.metadata.name for node in core.list_node().items] == ["node-1"]

    core.create_namespace({"metadata": {"name": NAMESPACE}})
    served.until(lambda: core.list_namespaced_service_account(NAMESPACE).items)
    core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "settings"}, "data": {"colour": "green"}})
    secret = core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": "key"}, "stringData": {"password": "s3cret"}})
    assert base64.b64decode(secret.data["password"]) == b"s3cret"

    apps.create_namespaced_deployment(NAMESPACE, deployment("nginx:1.27"))
    core.create_namespaced_service(
        NAMESPACE, {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    )
    served.until(lambda: apps.read_namespaced_deployment_status("web", NAMESPACE).status.ready_replicas == 2)
    slices = kubernetes.client.DiscoveryV1Api(client)
    served.until(lambda: len(slices.list_namespaced_endpoint_slice(NAMESPACE).items[0].endpoints or ()) == 2)

    patched = apps.patch_namespaced_deployment("web", NAMESPACE, {"spec": {"template": {"spec": {
        "containers": [{"name": "web", "image": "nginx:1.28"}]}}}})  # fmt: skip
    assert patched.metadata.generation == 2
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 3}})

    def rolled_out() -> bool:
        status = apps.read_namespaced_deployment_status("web", NAMESPACE).status
        return (status.updated_replicas, status.ready_replicas, status.replicas) == (3, 3, 3)

    served.until(rolled_out)
    listed = core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items
    pods = [pod for pod in listed if pod.metadata.deletion_timestamp is None]
    assert {pod.spec.containers[0].image for pod in pods} == {"nginx:1.28"}
    assert {pod.status.phase for pod in pods} == {"Running"}
    assert any(event.reason == "Scheduled" for event in core.list_namespaced_event(NAMESPACE).items)

    core.delete_namespaced_pod(pods[0].metadata.name, NAMESPACE, grace_period_seconds=0)
    served.until(lambda: pods[0].metadata.name not in {pod.metadata.name for pod in core.list_namespaced_pod(NAMESPACE).items})
    core.delete_namespace(NAMESPACE)

    def gone() -> bool:
        return NAMESPACE not in {namespace.metadata.name for namespace in core.list_namespace().items}

    served.until(gone)


def test_watching(client: Any) -> None:
    core = kubernetes.client.CoreV1Api(client)
    revision = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", {"metadata": {"name": "watched"}})
    core.patch_namespaced_config_map("watched", "default", {"data": {"k": "v"}})
    core.delete_namespaced_config_map("watched", "default")
    stream = kubernetes.watch.Watch().stream(
        core.list_namespaced_config_map, "default", resource_version=revision, timeout_seconds=2,
        field_selector="metadata.name=watched",
    )  # fmt: skip
    assert [event["type"] for event in stream] == ["ADDED", "MODIFIED", "DELETED"]


def test_rights_of_a_service_account(served: Served, client: Any) -> None:
    core, rbac = kubernetes.client.CoreV1Api(client), kubernetes.client.RbacAuthorizationV1Api(client)
    core.create_namespaced_service_account("default", {"metadata": {"name": "reader"}})
    asked = {"spec": {"expirationSeconds": 3600}}
    token = core.create_namespaced_service_account_token("reader", "default", asked).status.token
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(served.kubeconfig), client_configuration=configuration)
    configuration.cert_file = configuration.key_file = None
    configuration.api_key = {"authorization": f"Bearer {token}"}
    with kubernetes.client.ApiClient(configuration) as own:
        reader = kubernetes.client.CoreV1Api(own)
        with pytest.raises(kubernetes.client.ApiException) as refused:
            reader.list_namespaced_pod("default")
        assert refused.value.status == 403
        assert 'User \\"system:serviceaccount:default:reader\\" cannot list resource \\"pods\\"' in refused.value.body
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
        rbac.create_namespaced_role_binding("default", {
            "metadata": {"name": "reader"}, "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "default"}],
        })  # fmt: skip
        served.until(lambda: served.ask("GET", "/api/v1/namespaces/default/pods", user="", headers={
            "Authorization": f"Bearer {token}"})[0] == 200)  # fmt: skip
        assert reader.list_namespaced_pod("default").items is not None
        core.delete_namespaced_service_account("reader", "default")
        time.sleep(0.2)
        with pytest.raises(kubernetes.client.ApiException) as unknown:
            reader.list_namespaced_pod("default")
        assert unknown.value.status == 401


def test_the_dynamic_client_finds_its_way(client: Any) -> None:
    dynamic = pytest.importorskip("kubernetes.dynamic").DynamicClient(client)
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"k": "v"}}
    made = maps.server_side_apply(body=body, namespace="default", field_manager="day")
    assert made.metadata.managedFields[0].manager == "day"
    assert maps.get(name="applied", namespace="default").data.k == "v"
    maps.delete(name="applied", namespace="default")
