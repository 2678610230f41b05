"""Connections from outside the cluster, through node ports and load balancers, in each mode of kube-proxy."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.sim import SECOND

PAGE = "GET / HTTP/1.1"


def typed(on: Cluster, line: str, limit: int = 150) -> tuple[str, int]:
    """Types a line and waits for what it prints."""
    on.give(inputs.Kubectl(line))
    on.run_until(lambda c: bool(c.world.actor("you").sessions), SECOND)
    assert on.run_until(lambda c: not c.world.actor("you").sessions, limit * SECOND), line
    console: Any = on.world.actor("you")
    answer = console.answers[-1]
    return answer.stdout + answer.stderr, answer.code


def service(name: str, kind: str, number: int, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "nodePort": number}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"type": kind, "selector": {"app": "web"}, "ports": ports, **spec}}  # fmt: skip


def cluster(mode: str = "iptables", balancer: bool = True) -> Cluster:
    spec = {"nodeName": "node-2", "containers": [{"name": "n", "image": "nginx"}]}
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                  "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": pod}}  # fmt: skip
    services = [
        service("port", "NodePort", 30080), service("local", "NodePort", 30081, externalTrafficPolicy="Local"),
        service("world", "LoadBalancer", 30082),
        service("few", "LoadBalancer", 30083, loadBalancerSourceRanges=["192.0.2.0/24"]),
    ]  # fmt: skip
    found = Cluster(ClusterSpec.model_validate({
        "managers": 1, "workers": 2, "seed": 5, "proxy": mode, "load_balancer": balancer, "manifests": [deployment, *services],
    }))  # fmt: skip
    assert found.settle()
    found.run_until(found.now + 3 * SECOND)
    return found


@pytest.mark.parametrize("mode", ["iptables", "ipvs", "nftables"])
def test_node_ports_and_load_balancers(mode: str) -> None:
    found = cluster(mode)
    for url in ("http://node-1:30080", "http://172.31.0.12:30080", "http://203.0.113.1"):
        assert "Welcome to nginx" in typed(found, f"curl -s {url}")[0], url
    sources = {line.split()[0] for line in typed(found, "logs deploy/web")[0].splitlines() if PAGE in line}
    assert sources and all(source.startswith(("172.31.0.1", "10.244.2.1")) for source in sources)
    assert "Welcome" in typed(found, "curl -s http://node-2:30081")[0]
    assert any(line.startswith("198.51.100.10 ") for line in typed(found, "logs deploy/web")[0].splitlines())
    expected = 7 if mode == "ipvs" else 28
    assert typed(found, "curl -m 3 http://node-1:30081")[1] == expected
    assert typed(found, "curl -m 3 http://203.0.113.2")[1] == 28
    assert typed(found, "curl http://node-1:31999")[1] == 7


def test_addresses_of_the_cluster_are_not_on_the_internet() -> None:
    found = cluster(balancer=False)
    assert typed(found, "get svc world -o jsonpath={.spec.clusterIP}")[0].startswith("10.")
    assert "<pending>" in typed(found, "get svc world")[0]
    assert typed(found, "curl -m 2 http://10.96.0.1") == ("curl: (28) Connection timed out after 2000 milliseconds\n", 28)
    assert typed(found, "curl http://nowhere.example")[0] == "curl: (6) Could not resolve host: nowhere.example\n"


@pytest.mark.parametrize(
    ("mode", "command", "text"),
    [
        ("iptables", "iptables-save | grep 'dport 30080'", '-A KUBE-NODEPORTS -p tcp -m comment --comment "default/port"'),
        ("ipvs", "ipvsadm -Ln", "TCP  172.31.0.11:30080 rr\n  -> 10.244.2."),
        ("nftables", "nft list map ip kube-proxy service-nodeports", "tcp . 30080 : goto external-"),
    ],
)
def test_rules_can_be_read_on_the_node(mode: str, command: str, text: str) -> None:
    assert text in typed(cluster(mode), f"ssh node-1 {command}")[0]
