"""Names in a cluster: CoreDNS in pods, asked over its Service, and what containers' tools print."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.node.dns import resolver
from k8s_tutor.node.dns.message import Query, Reply
from k8s_tutor.sim import SECOND


def typed(on: Cluster, line: str, limit: int = 60) -> tuple[str, int]:
    """Types a line and waits for what it prints."""
    on.give(inputs.Kubectl(line))
    console: Any = on.world.actor("you")
    on.run_until(lambda c: bool(c.world.actor("you").sessions), SECOND)
    assert on.run_until(lambda c: not c.world.actor("you").sessions, limit * SECOND), line
    console = on.world.actor("you")
    answer = console.answers[-1]
    return answer.stdout + answer.stderr, answer.code


def pod(name: str, image: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": image, "command": ["sleep", "3600"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container], **spec}}


WEB = {
    "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
    "spec": {"serviceName": "db", "replicas": 2, "selector": {"matchLabels": {"app": "db"}},
             "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": "nginx"}]}}},
}  # fmt: skip
SERVICES = [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"},
     "spec": {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"name": "sql", "port": 80}]}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"},
     "spec": {"clusterIP": "10.96.9.9", "selector": {"app": "db"}, "ports": [{"port": 80}]}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "world"},
     "spec": {"type": "ExternalName", "externalName": "example.com"}},
]  # fmt: skip


@pytest.fixture(scope="module")
def named() -> Cluster:
    tools = "registry.k8s.io/e2e-test-images/jessie-dnsutils:1.7"
    found = Cluster(ClusterSpec.model_validate({
        "managers": 1, "workers": 2, "seed": 7, "dns": True,
        "manifests": [WEB, *SERVICES, pod("box", "busybox"), pod("tools", tools),
                      pod("plain", "busybox", dnsPolicy="Default"),
                      pod("own", "busybox", dnsPolicy="None", dnsConfig={
                          "nameservers": ["10.96.0.10"], "searches": ["svc.cluster.local"],
                          "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]})],
    }))  # fmt: skip
    assert found.settle()
    return found


@pytest.mark.parametrize(
    ("pod", "text"),
    [
        ("box", "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"),
        ("plain", "nameserver 172.31.0.2\n"),
        ("own", "search svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:2 edns0\n"),
    ],
)  # fmt: skip
def test_resolv_conf_by_dns_policy(named: Cluster, pod: str, text: str) -> None:
    assert typed(named, f"exec {pod} -- cat /etc/resolv.conf") == (text, 0)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("dig +short front.default.svc.cluster.local", "10.96.9.9\n"),
        ("dig +short +search front", "10.96.9.9\n"),
        ("dig +short front", ""),
        ("dig +short db.default.svc.cluster.local", "10.244.1.3\n10.244.2.5\n"),
        ("dig +short SRV _sql._tcp.db.default.svc.cluster.local",
         "0 50 80 db-0.db.default.svc.cluster.local.\n0 50 80 db-1.db.default.svc.cluster.local.\n"),
        ("dig +short world.default.svc.cluster.local", "example.com\n"),
        ("dig +short -x 10.96.9.9", "front.default.svc.cluster.local.\n"),
        ("dig +short 10-1-2-3.default.pod.cluster.local", "10.1.2.3\n"),
        ("dig +short kubernetes.io", "203.0.113.81\n"),
        ("host front", "front.default.svc.cluster.local has address 10.96.9.9\n"),
        ("host nobody", "Host nobody not found: 3(NXDOMAIN)\ncommand terminated with exit code 1\n"),
        ("curl http://nobody", "curl: (6) Could not resolve host: nobody\ncommand terminated with exit code 6\n"),
    ],
)  # fmt: skip
def test_what_tools_find(named: Cluster, line: str, text: str) -> None:
    found = typed(named, f"exec tools -- {line}")[0]
    assert sorted(found.splitlines()) == sorted(text.splitlines())


def test_pods_of_a_stateful_set_have_names_and_know_them(named: Cluster) -> None:
    address = typed(named, "get pod db-0 -o jsonpath={.status.podIP}")[0]
    assert typed(named, "exec tools -- dig +short db-0.db.default.svc.cluster.local")[0] == address + "\n"
    assert f"{address}\tdb-0.db.default.svc.cluster.local\tdb-0\n" in typed(named, "exec db-0 -- cat /etc/hosts")[0]
    assert "Welcome to nginx" in typed(named, "exec box -- wget -qO- http://db-1.db")[0]


def test_busybox_asks_search_domains_only_for_names_without_a_dot(named: Cluster) -> None:
    text, code = typed(named, "exec box -- nslookup front")
    assert text.startswith("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tfront.default.svc.cluster.local\n")
    assert code == 1
    assert "can't find front.default: NXDOMAIN" in typed(named, "exec box -- nslookup front.default")[0]
    assert typed(named, "exec box -- nslookup front.default.svc.cluster.local")[1] == 0


def test_the_wrong_search_path_finds_nothing(named: Cluster) -> None:
    assert typed(named, "exec own -- wget -qO- http://front")[0].startswith("wget: bad address 'front'")
    assert "Welcome" in typed(named, "exec own -- wget -qO- http://front.default")[0]
    assert typed(named, "exec plain -- wget -qO- http://front.default.svc.cluster.local")[1] == 1


def test_without_coredns_names_fail_and_addresses_work(named: Cluster) -> None:
    branch = Cluster.load(named.save())
    typed(branch, "scale deployment coredns -n kube-system --replicas=0")
    assert branch.settle()
    assert typed(branch, "exec box -- wget -qO- http://front")[0].startswith("wget: bad address 'front'")
    assert "Welcome" in typed(branch, "exec box -- wget -qO- http://10.96.9.9")[0]
    assert typed(branch, "exec box -- nslookup front")[0].startswith(";; connection timed out; no servers could be reached")


def test_candidates_go_by_ndots() -> None:
    conf = resolver.read("search a.local b.local\nnameserver 10.96.0.10\noptions ndots:2 timeout:1 attempts:3\n")
    assert resolver.candidates(conf, "web") == ("web.a.local", "web.b.local", "web")
    assert resolver.candidates(conf, "x.y.z") == ("x.y.z", "x.y.z.a.local", "x.y.z.b.local")
    assert resolver.candidates(conf, "web.") == ("web",)
    assert (conf.timeout, conf.attempts) == (1 * SECOND, 3)
    search = resolver.lookup(conf, "web")
    assert search is not None and search.again() is not None and search._replace(tried=2).again() is None


def test_a_reply_travels_as_text() -> None:
    from k8s_tutor.node.dns.message import packed, query_of, reply_of

    assert query_of(packed(Query("web", "A"))) == Query("web") and reply_of(packed(Reply("NXDOMAIN"))).code == "NXDOMAIN"


def test_pods_reach_the_api_server_over_its_service(named: Cluster) -> None:
    assert typed(named, "get endpoints kubernetes -o jsonpath={.subsets[0].addresses[0].ip}")[0].startswith("172.31.5.11")
    text, code = typed(named, "exec tools -- curl -sk https://kubernetes.default.svc/api/v1/pods")
    assert code == 0 and '"code":403' in text and "system:anonymous" in text
    token = "$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)"
    script = f'curl -sk -H "Authorization: Bearer {token}" https://kubernetes.default/api/v1/pods'
    text, _ = typed(named, f"exec tools -- sh -c '{script}'")
    assert "system:serviceaccount:default:default" in text
    assert typed(named, "exec tools -- curl https://kubernetes.default")[1] == 60


def test_endpoints_of_an_api_server_that_is_gone_leave_after_its_lease() -> None:
    found = Cluster(ClusterSpec(managers=3, workers=1, seed=3))
    found.run_until(found.now + 15 * SECOND)
    line = "get endpoints kubernetes -o jsonpath={.subsets[*].addresses[*].ip}"
    assert "172.31.5.12" in typed(found, line)[0]
    found.give(inputs.Crash("api-2"))
    found.run_until(found.now + 40 * SECOND)
    assert typed(found, line)[0].partition("Warning")[0].strip() == "172.31.5.11 172.31.5.13"
