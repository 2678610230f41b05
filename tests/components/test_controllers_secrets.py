"""Tokens of service accounts as Secrets, and claims for ephemeral volumes."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from control_world import PODS, Cluster

from k8s_tutor.api.authn import of_token
from k8s_tutor.api.tokens import Issuer

SECRETS = "/api/v1/namespaces/default/secrets"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


def token_secret(account: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "key", "annotations": {"kubernetes.io/service-account.name": account}},
    }  # fmt: skip


def test_a_secret_gets_a_token_of_its_account_and_goes_with_it() -> None:
    cluster = Cluster()
    account = cluster("POST", ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}})
    cluster("POST", SECRETS, token_secret("robot"))
    cluster.settle()
    secret = cluster("GET", f"{SECRETS}/key")
    assert secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"] == account["metadata"]["uid"]
    data = {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}
    assert data["namespace"] == "default" and data["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")
    server: Any = cluster.world.actor("api-1")

    def user() -> Any:
        now = server.config.epoch + cluster.world.now // 1_000_000 + 400 * 24 * 3600
        return of_token(data["token"], (), Issuer("k8s-tutor"), server.caches, now)

    assert user().name == "system:serviceaccount:default:robot"
    cluster("DELETE", f"{ACCOUNTS}/robot")
    cluster.settle()
    assert user() is None
    with pytest.raises(AssertionError, match="not found"):
        cluster("GET", f"{SECRETS}/key")


def test_a_token_for_nobody_is_deleted() -> None:
    cluster = Cluster()
    cluster("POST", SECRETS, token_secret("nobody"))
    cluster.settle()
    assert [one["metadata"]["name"] for one in cluster.list("Secret")] == []


def pod() -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"of": "scratch"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    volume = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}
    spec = {"containers": [{"name": "c", "image": "nginx:1"}], "volumes": [volume]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def test_an_ephemeral_volume_gets_a_claim_that_goes_with_its_pod() -> None:
    cluster = Cluster()
    made = cluster("POST", PODS, pod())
    cluster.settle()
    claim = cluster("GET", f"{CLAIMS}/p-scratch")
    assert claim["metadata"]["labels"] == {"of": "scratch"}
    assert [(ref["kind"], ref["uid"], ref["controller"]) for ref in claim["metadata"]["ownerReferences"]] == [
        ("Pod", made["metadata"]["uid"], True),
    ]  # fmt: skip
    cluster("DELETE", f"{PODS}/p")
    cluster.settle()
    assert cluster.list("PersistentVolumeClaim") == []


def test_a_claim_of_somebody_else_is_not_taken() -> None:
    cluster = Cluster()
    spec = pod()["spec"]["volumes"][0]["ephemeral"]["volumeClaimTemplate"]["spec"]
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "p-scratch"}, "spec": spec}
    cluster("POST", CLAIMS, claim)
    cluster("POST", PODS, pod())
    cluster.run(2)
    texts = [event["message"] for event in cluster.list("Event") if event["reason"] == "FailedBinding"]
    assert "ephemeral volume scratch: PVC default/p-scratch was not created for pod default/p (pod is not owner)" in texts
