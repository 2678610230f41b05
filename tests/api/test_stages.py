"""The stages that a write is said to have passed are those that really ran, in their order, up to the one that refused it."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.sim import Note
from tests.api.conftest import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
BEFORE = ("authn ✓", "audit ✓", "fairness ✓", "authz ✓")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


def pod(name: str = "web", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx"}], **spec}}


@pytest.fixture(scope="module")
def shared() -> Cluster:
    found = Cluster()
    for path, body in (
        ("/api/v1/namespaces", {"metadata": {"name": "full"}}),
        ("/api/v1/namespaces", {"metadata": {"name": "strict", "labels": RESTRICTED}}),
        (MAPS, {"metadata": {"name": "one"}}),
        (PODS, pod()),
    ):
        assert found.ask("POST", path, body)[0] == 201
    found.account("full")
    found.account("strict")
    found.ask("POST", "/api/v1/namespaces/full/resourcequotas", {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    quota = found.ask("GET", "/api/v1/namespaces/full/resourcequotas/none")[1]
    status = {"hard": {"pods": "0"}, "used": {"pods": "0"}}
    assert found.ask("PUT", "/api/v1/namespaces/full/resourcequotas/none/status", {**quota, "status": status})[0] == 200
    return found


def stages(cluster: Cluster) -> tuple[str, ...]:
    """Those of the latest request, from authorization on."""
    noted = [one for one in cluster.world.log.records() if isinstance(one, Note) and one.kind == "api.request"]
    found: tuple[str, ...] = noted[-1].fields["stages"]
    assert found[: len(BEFORE)] == BEFORE
    return found[len(BEFORE) :]


@pytest.mark.parametrize(("path", "body", "code", "want"), [
    (MAPS, {"metadata": {"name": "two"}}, 201, "decode ✓ default ✓ mutate ✓ validate ✓ admit ✓ store …"),
    (MAPS, {"metadata": []}, 400, "decode ✗"),
    ("/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "x"}}, 404, "decode ✓ default ✓ mutate ✗"),
    (PODS, pod("a", serviceAccountName="nobody"), 403, "decode ✓ default ✓ mutate ✗"),
    (PODS, pod("a", priorityClassName="none"), 403, "decode ✓ default ✓ mutate ✗"),
    (MAPS, {"metadata": {"name": "Two"}}, 422, "decode ✓ default ✓ mutate ✓ validate ✗"),
    ("/api/v1/namespaces/full/pods", pod("a"), 403, "decode ✓ default ✓ mutate ✓ validate ✓ admit ✗"),
    ("/api/v1/namespaces/strict/pods", pod("a"), 403, "decode ✓ default ✓ mutate ✓ validate ✓ admit ✗"),
    ("/api/v1/namespaces/strict/pods", pod("A"), 422, "decode ✓ default ✓ mutate ✓ validate ✗"),
    ("/api/v1/namespaces/default/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, 201,
     "decode ✓ default ✓ mutate ✓ validate ✓ admit ✓ allocate ✓ store …"),
    ("/api/v1/namespaces/default/nonsense", {}, 404, "route ✗"),
    (f"{MAPS}/one", {}, 405, "route ✗"),
])  # fmt: skip
def test_creates(shared: Cluster, path: str, body: Any, code: int, want: str) -> None:
    found, answer = shared.ask("POST", path, body)
    assert (found, " ".join(stages(shared))) == (code, want), answer


def test_a_pod_like_others_passes_the_same_stages(shared: Cluster) -> None:
    for _ in range(2):
        body = {**pod(), "metadata": {"generateName": "web-"}}
        assert shared.ask("POST", PODS, body)[0] == 201
        assert " ".join(stages(shared)) == "decode ✓ default ✓ mutate ✓ validate ✓ admit ✓ store …"
        code, _ = shared.ask("POST", "/api/v1/namespaces/nowhere/pods", body)
        assert (code, " ".join(stages(shared))) == (404, "decode ✓ default ✓ mutate ✗")


@pytest.mark.parametrize(("body", "kind", "code", "want"), [
    ({"data": {"k": "v"}}, STRATEGIC, 200, "decode ✓ default ✓ mutate ✓ validate ✓ admit ✓ store …"),
    ({"data": {"k": "v"}}, STRATEGIC, 200, "decode ✓ default ✓ mutate ✓ validate ✓ admit ✓ no change"),
    ({"data": 5}, STRATEGIC, 422, "decode ✗"),
    ({"metadata": {"resourceVersion": "1"}}, STRATEGIC, 409, "decode ✓ default ✓ mutate ✓ version ✗"),
    ({"metadata": {"labels": {"-": "-"}}}, STRATEGIC, 422, "decode ✓ default ✓ mutate ✓ validate ✗"),
    ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"k": "mine"}}, APPLY, 409,
     "decode ✓ apply ✗"),
])  # fmt: skip
def test_patches(shared: Cluster, body: Any, kind: str, code: int, want: str) -> None:
    query = "?fieldManager=me" if kind == APPLY else ""
    found, answer = shared.ask("PATCH", f"{MAPS}/one{query}", body, content_type=kind)
    assert (found, " ".join(stages(shared))) == (code, want), answer


def test_deletes_and_evictions(shared: Cluster) -> None:
    assert shared.ask("DELETE", "/api/v1/namespaces/kube-system")[0] == 403
    assert " ".join(stages(shared)) == "decode ✓ mutate ✗"
    assert shared.ask("DELETE", f"{MAPS}/one", {"preconditions": {"uid": "other"}})[0] == 409
    assert " ".join(stages(shared)) == "decode ✓ mutate ✓ admit ✓ version ✗"
    assert shared.ask("DELETE", f"{MAPS}/none")[0] == 404
    assert " ".join(stages(shared)) == "read ✗"


def test_rights_are_not_given_away(shared: Cluster) -> None:
    group = "rbac.authorization.k8s.io"
    for kind, body in (
        ("clusterroles", {"metadata": {"name": "smith"}, "rules": [
            {"apiGroups": [group], "resources": ["roles"], "verbs": ["create"]}]}),
        ("clusterrolebindings", {"metadata": {"name": "smith"}, "subjects": [{"kind": "User", "name": "eve"}],
                                 "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "smith"}}),
    ):  # fmt: skip
        assert shared.ask("POST", f"/apis/{group}/v1/{kind}", body)[0] == 201
    role = {"metadata": {"name": "more"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    assert shared.ask("POST", f"/apis/{group}/v1/namespaces/default/roles", role, user="eve")[0] == 403
    assert " ".join(stages(shared)) == "decode ✓ default ✓ mutate ✓ rights ✗"
