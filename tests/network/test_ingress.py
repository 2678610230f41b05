"""Requests through an ingress controller, from a pod and through the port of a node; what it shows when all is not well."""

from __future__ import annotations

from functools import lru_cache

from k8s_tutor.cluster import Cluster
from k8s_tutor.cluster.inputs import Kubectl
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.sim import SECOND

SET_UP = (
    "create deployment who --image=traefik/whoami --replicas=2", "expose deployment who --port=80",
    "create service clusterip nobody --tcp=80:80", "create service clusterip deaf --tcp=80:81",
    "run client --image=curlimages/curl -- sleep 9999",
    "create secret generic not-tls --from-literal=a=b",
    "create ingress shop --class=nginx --rule=shop.example/who*=who:80 --rule=shop.example/nobody=nobody:80 "
    "--rule=shop.example/gone=gone:80 --rule=shop.example/deaf=deaf:80",
    "create ingress safe --class=nginx --rule=safe.example/*=who:80,tls=missing",
)  # fmt: skip


def typed(cluster: Cluster, line: str) -> str:
    before = max((answer.id for answer in cluster.view().console.answers), default=0)
    cluster.give(Kubectl(line))

    def answered(cluster: Cluster) -> bool:
        answers = cluster.view().console.answers
        return bool(answers) and answers[-1].id > before and answers[-1].code >= 0

    assert cluster.run_until(answered, 60 * SECOND), line
    found = cluster.view().console.answers[-1]
    return found.stdout + found.stderr


@lru_cache
def prepared() -> Cluster:
    cluster = Cluster(ClusterSpec(managers=1, workers=2, ingress=True))
    for line in SET_UP:
        typed(cluster, line)
    typed(cluster, "label pod -l app=who app=who")
    typed(cluster, "set selector service deaf app=who")
    cluster.run_until(cluster.now + 30 * SECOND)
    return cluster


def curl(rest: str) -> str:
    return typed(prepared(), f"exec client -- curl -s {rest}")


def where() -> str:
    services = prepared().view().workload.services
    return next(one.cluster_ip for one in services if one.name == "ingress-nginx-controller")


def test_requests_reach_the_service_of_the_rule_and_tell_who_has_sent_them() -> None:
    found = curl(f"-H 'Host: shop.example' http://{where()}/who/am/i")
    client = next(pod.ip for pod in prepared().view().workload.pods if pod.name == "client")
    assert "GET /who/am/i HTTP/1.1\nHost: shop.example\n" in found
    assert f"X-Forwarded-For: {client}\n" in found


def test_both_endpoints_get_their_turn() -> None:
    names = {curl(f"-H 'Host: shop.example' http://{where()}/who").splitlines()[0] for _ in range(2)}
    assert len(names) == 2


def test_through_the_port_of_any_node() -> None:
    for address in ("172.31.0.11", "172.31.0.12"):
        assert "Hostname: who-" in curl(f"-H 'Host: shop.example' http://{address}:30080/who")


def test_nobody_is_behind_it() -> None:
    for path, code in (("/nobody", 503), ("/gone", 503), ("/deaf", 502), ("/", 404)):
        found = curl(f"-i -H 'Host: shop.example' http://{where()}{path}")
        assert found.startswith(f"HTTP/1.1 {code} "), found
        assert "<hr><center>nginx</center>" in found and "Server:" not in found


def test_without_its_secret_a_host_shows_the_fake_certificate() -> None:
    assert "308 Permanent Redirect" in curl(f"-H 'Host: safe.example' http://{where()}/")
    assert "command terminated with exit code 60" in curl(f"-H 'Host: safe.example' https://{where()}/")
    found = curl(f"-kv -H 'Host: safe.example' https://{where()}/")
    assert "subject: O=Acme Co; CN=Kubernetes Ingress Controller Fake Certificate" in found and "Hostname: who-" in found


def test_status_and_events_tell_that_it_was_taken_up() -> None:
    found = typed(prepared(), "describe ingress shop")
    assert "Scheduled for sync" in found and "nginx-ingress-controller" in found
    assert "172.31.0.1" in typed(prepared(), "get ingress shop")
