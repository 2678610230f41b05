"""Quotas give back what has gone."""

from __future__ import annotations

from typing import Any

from control_world import DEPLOYMENTS, Cluster, deployment

QUOTAS = "/api/v1/namespaces/default/resourcequotas"


def used(cluster: Cluster) -> dict[str, Any]:
    found: dict[str, Any] = cluster("GET", f"{QUOTAS}/q")["status"]["used"]
    return found


def test_what_has_gone_no_longer_counts() -> None:
    cluster = Cluster(recorded=True)
    hard = {"pods": "10", "requests.cpu": "4", "secrets": "3", "count/deployments.apps": "2"}
    cluster("POST", QUOTAS, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}})
    cluster.settle()
    assert used(cluster) == {"pods": "0", "requests.cpu": "0", "secrets": "0", "count/deployments.apps": "0"}
    tree = deployment("web", 3)
    tree["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "500m"}}
    cluster("POST", DEPLOYMENTS, tree)
    cluster("POST", "/api/v1/namespaces/default/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
    cluster.settle()
    assert used(cluster) == {"pods": "3", "requests.cpu": "1500m", "secrets": "1", "count/deployments.apps": "1"}
    cluster("DELETE", f"{DEPLOYMENTS}/web")
    cluster("DELETE", "/api/v1/namespaces/default/secrets/s")
    cluster.settle()
    assert used(cluster) == {"pods": "0", "requests.cpu": "0", "secrets": "0", "count/deployments.apps": "0"}
