"""A day's work with the machine's own kubectl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serve.conftest import Served

SPEED = "max"
KUBECTL = shutil.which("kubectl")
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="no kubectl is installed on this machine")

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "nginx:1.27"}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80}]}
"""


@pytest.fixture(scope="module")
def kubectl(served: Served) -> Iterator[Callable[..., str]]:
    """Runs a line; the answer must be that of success, or hold the text that ``fails`` gives."""
    with tempfile.TemporaryDirectory() as home:
        Path(home, "shop.yaml").write_text(MANIFEST)

        def run(line: str, fails: str = "", given: str | None = None, editor: str = "false") -> str:
            environment = {**os.environ, "KUBECONFIG": str(served.kubeconfig), "HOME": home, "KUBE_EDITOR": editor}
            done = subprocess.run(
                ["kubectl", *line.split()], capture_output=True, text=True, cwd=home, env=environment, input=given, timeout=60,
                check=False,
            )  # fmt: skip
            assert (done.returncode == 0) == (not fails), (line, done.stdout, done.stderr)
            assert fails in done.stderr
            return done.stdout

        yield run


def test_a_days_work(served: Served, kubectl: Callable[..., str]) -> None:
    assert "Server Version: v1.36.2" in kubectl("version")
    assert "node-1" in kubectl("get nodes")
    assert kubectl("create namespace day") == "namespace/day created\n"
    served.until(lambda: "default" in kubectl("-n day get serviceaccounts"))
    assert kubectl("-n day apply -f shop.yaml") == "deployment.apps/shop created\nservice/shop created\n"
    assert "successfully rolled out" in kubectl("-n day rollout status deployment/shop --timeout=60s")
    assert kubectl("-n day apply -f shop.yaml") == "deployment.apps/shop unchanged\nservice/shop unchanged\n"
    assert kubectl("-n day get pods --no-headers").count(" 1/1 ") == 2
    assert "deployment.apps/shop" in kubectl("-n day get all")
    assert "ScalingReplicaSet" in kubectl("-n day describe deployment shop")

    kubectl("-n day set image deployment/shop shop=nginx:1.28")
    kubectl("-n day rollout status deployment/shop --timeout=60s")
    assert "nginx:1.28" in kubectl("-n day get deployment shop -o jsonpath={.spec.template.spec.containers[0].image}")
    kubectl("-n day rollout undo deployment/shop")
    kubectl("-n day rollout status deployment/shop --timeout=60s")
    assert "nginx:1.27" in kubectl("-n day get deployment shop -o wide")
    assert kubectl("-n day scale deployment shop --replicas=3") == "deployment.apps/shop scaled\n"
    kubectl("-n day wait deployment shop --for=jsonpath={.status.readyReplicas}=3 --timeout=60s")

    kubectl("-n day create configmap settings --from-literal=colour=green")
    kubectl("-n day label configmap settings tier=front")
    kubectl("-n day annotate configmap settings note=seen")
    assert "colour: green" in kubectl("-n day get configmap settings -o yaml")
    assert kubectl("-n day get configmaps -l tier=front -o name") == "configmap/settings\n"
    kubectl("-n day apply --server-side -f shop.yaml --force-conflicts")
    assert "FIELDS:" in kubectl("explain deployment.spec")
    assert "deployments" in kubectl("api-resources --api-group=apps")

    served.until(lambda: "start worker process" in kubectl("-n day logs deployment/shop"))
    assert kubectl("-n day exec deployment/shop -- hostname").startswith("shop-")
    kubectl("-n day edit configmap settings", editor="sed -i s/green/blue/")
    assert kubectl("-n day get configmap settings -o jsonpath={.data.colour}") == "blue"
    kubectl("-n day edit configmap settings", editor="true")
    kubectl("-n day edit deployment shop", editor="sed -i s/shop$/other/", fails="kind and name was changed")

    kubectl("cordon node-1")
    assert "SchedulingDisabled" in kubectl("get nodes")
    kubectl("uncordon node-1")
    assert kubectl("-n day delete deployment shop") == 'deployment.apps "shop" deleted\n'
    kubectl("delete namespace day --timeout=60s")


def test_lists_are_checked_by_the_older_openapi(kubectl: Callable[..., str]) -> None:
    """Of ``kind: List`` the newer one says nothing, so kubectl takes the definitions of the older one, in protobuf."""
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "listed"}, "data": {"colour": "red"}}
    other = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "listed"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [one, other]}
    assert kubectl("apply -f -", given=json.dumps(listed)) == "configmap/listed created\nserviceaccount/listed created\n"
    wrong = {**listed, "items": [{**one, "dtaa": {}}]}
    kubectl("apply -f -", 'ValidationError(ConfigMap): unknown field "dtaa" in io.k8s.api.core.v1.ConfigMap', json.dumps(wrong))
    kubectl("edit configmap/listed serviceaccount/listed", editor="sed -i s/red/blue/")
    assert kubectl("get configmap listed -o jsonpath={.data.colour}") == "blue"


def test_who_may_do_what(kubectl: Callable[..., str]) -> None:
    assert "kubernetes-admin" in kubectl("auth whoami")
    assert "alice" in kubectl("--context=alice auth whoami")
    kubectl("--context=alice get pods", fails='User "alice" cannot list resource "pods" in API group ""')
    kubectl("create rolebinding alice --clusterrole=view --user=alice")
    assert kubectl("--context=alice auth can-i list pods") == "yes\n"
    kubectl("--context=alice get pods")
    kubectl("get pods --as=bob", fails='User "bob" cannot list')
    kubectl("--context=bob get pods --as=alice", fails='User "bob" cannot impersonate resource "users"')
    kubectl("delete rolebinding alice")


def test_what_the_cluster_does_not_take(kubectl: Callable[..., str]) -> None:
    kubectl("create namespace strict")
    kubectl("label namespace strict pod-security.kubernetes.io/enforce=restricted")
    kubectl("-n strict run x --image=nginx", fails='violates PodSecurity "restricted:latest"')
    kubectl("create namespace full")
    kubectl("-n full create quota few --hard=configmaps=2")
    kubectl("-n full wait quota few --for=jsonpath={.status.hard.configmaps}=2 --timeout=60s")
    kubectl("-n full wait quota few --for=jsonpath={.status.used.configmaps}=1 --timeout=60s")
    kubectl("-n full create configmap a")
    kubectl("-n full create configmap b",
            fails="exceeded quota: few, requested: configmaps=1, used: configmaps=2, limited: configmaps=2")  # fmt: skip
    kubectl("get pods -n nowhere")
    kubectl("run Wrong --image=nginx", fails="Invalid value")
    kubectl("apply -f -", fails="unknown field", given="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nspec: {}\n")
    kubectl("delete namespace strict full --timeout=60s")
