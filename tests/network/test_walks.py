"""Walks between the ends that people name, and the rules of the network that are tested by walks."""

from __future__ import annotations

from functools import lru_cache

from k8s_tutor.cluster import Cluster
from k8s_tutor.cluster.inputs import Crash, Cut, Heal, Kubectl
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.cluster.walkviews import walk_lines
from k8s_tutor.sim import SECOND
from tests.network.test_ingress import prepared, typed


@lru_cache
def guarded() -> Cluster:
    cluster = Cluster(ClusterSpec(managers=1, workers=2, cni="calico", dns=True))
    for line in (
        "run web --image=nginx --labels=app=web", "expose pod web --port=80", "run client --image=busybox -- sleep 9999",
        "create service externalname far --external-name=far.example",
    ):  # fmt: skip
        typed(cluster, line)
    cluster.run_until(cluster.now + 30 * SECOND)
    return cluster


def test_a_walk_to_a_service_is_rewritten_there_and_back() -> None:
    found = guarded().walk("client", "web")
    assert (found.verdict, found.told, found.target) == ("delivered", "web:80 answers", "web:80")
    assert [hop.changed for hop in found.hops if hop.changed] == [("destination",), ("source",)]
    assert found.hops[0].destination == found.hops[-1].source and not found.hops[0].back and found.hops[-1].back
    assert guarded().walk("client", "web") is found


def test_a_walk_by_name_begins_with_the_question() -> None:
    for name in ("web.default", "web.default.svc", "web.default.svc.cluster.local:80"):
        found = guarded().walk("client", name)
        assert found.verdict == "delivered" and len(found.legs) == 2
        assert found.legs[0].hops[0].destination == "10.96.0.10:53"
    assert guarded().walk("client", "nobody.default").told == "the name server knows no nobody.default: NXDOMAIN"
    found = prepared().walk("client", "who.default")
    assert found.verdict == "no name" and "no name server" in found.told


def test_ends_that_do_not_exist() -> None:
    for origin, target, told in (
        ("nobody", "web", "there is no pod or node nobody with an address; a client outside is called outside"),
        ("client", "nobody", "there is no pod, Service, node or address nobody"),
        ("client", "web:http", "http is no port: write web:80"),
        ("outside", "a.example/", "there is no ingress controller: a cluster has one with `ingress: true`"),
    ):
        found = guarded().walk(origin, target)
        assert (found.verdict, found.told, found.hops) == ("unknown", told, ())


def test_a_walk_through_an_ingress_has_two_connections() -> None:
    found = prepared().walk("outside", "shop.example/who")
    assert found.verdict == "delivered" and len(found.legs) == 2
    assert found.legs[0].hops[0].destination == "172.31.0.11:30080"
    assert [hop.layer for hop in found.legs[1].hops][:2] == ["pod", "namespace"]
    verdicts = {path: prepared().walk("client", f"shop.example{path}").verdict for path in ("/nobody", "/deaf", "/")}
    assert verdicts == {"/nobody": "no backend", "/deaf": "refused", "/": "no rule"}


def test_the_way_ends_where_it_fails_and_text_says_so() -> None:
    found = prepared().walk("client", "nobody")
    assert found.verdict == "rejected" and [hop.failed for hop in found.hops].index(True) == len(found.hops) - 1
    lines = walk_lines(found)
    assert lines[0] == "client → nobody:80: rejected. connection refused: the node rejects it"
    assert lines[-1].startswith("! node ") and "REJECT" in lines[-1]


def test_rules_hold_until_a_cable_is_cut() -> None:
    cluster = guarded().fork()
    assert [(rule.name, rule.ok, rule.tested > 0) for rule in cluster.rules()] == [
        ("pods reach pods", True, True), ("nodes reach pods", True, True), ("one address for all", True, True),
    ]  # fmt: skip
    assert cluster.rules() is cluster.rules()
    cluster.give(Cut((("node-1",), ("node-2",))))
    broken = cluster.rules()
    assert [rule.ok for rule in broken] == [False, False, True]
    assert broken[0].broken and "the cable is cut" in broken[0].sentence
    origin, target = broken[0].broken[0]
    assert cluster.walk(origin, target).verdict == "dropped"
    cluster.give(Heal())
    assert all(rule.ok for rule in cluster.rules())


def test_policies_break_no_rule() -> None:
    cluster = guarded().fork()
    policy = (
        '[{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"shut"},'
        '"spec":{"podSelector":{},"policyTypes":["Ingress"]}}]'
    )
    cluster.give(Kubectl("apply -f p.yaml", (("p.yaml", policy),)))
    cluster.run_until(cluster.now + 5 * SECOND)
    assert cluster.walk("client", "web").verdict == "dropped"
    pods = cluster.rules()[0]
    assert pods.ok and pods.shut > 0


def test_flannel_takes_policies_and_enforces_none() -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1, cni="flannel"))
    for line in ("run web --image=nginx", "run client --image=busybox -- sleep 9999"):
        typed(cluster, line)
    cluster.run_until(cluster.now + 20 * SECOND)
    policy = (
        '[{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"shut"},'
        '"spec":{"podSelector":{},"policyTypes":["Ingress","Egress"]}}]'
    )
    cluster.give(Kubectl("apply -f p.yaml", (("p.yaml", policy),)))
    cluster.run_until(cluster.now + 5 * SECOND)
    assert len(cluster.objects("NetworkPolicy")) == 1
    assert cluster.walk("client", "web").verdict == "delivered"


def test_from_outside_a_cloud_leads_to_a_service() -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=2, load_balancer=True))
    for line in ("create deployment web --image=nginx", "expose deployment web --port=80 --type=LoadBalancer"):
        typed(cluster, line)
    cluster.run_until(cluster.now + 20 * SECOND)
    found = cluster.walk("outside", "web")
    assert found.verdict == "delivered", found.told
    assert found.hops[0].destination == "203.0.113.1:80" and found.hops[1].where.startswith("load balancer → node-")
    assert found.hops[-1].where.endswith("→ outside") and found.hops[-1].source == "203.0.113.1:80"


def test_a_walk_to_the_api_server_ends_at_its_manager() -> None:
    cluster = Cluster(ClusterSpec(managers=3, workers=1))
    cluster.give(Kubectl("run a --image=nginx"))
    assert cluster.settle()
    found = cluster.walk("a", "kubernetes:443")
    assert (found.verdict, found.hops[-1].what) == ("delivered", "arrives at the manager, on port 6443")
    cluster.give(Crash("api-1"))
    assert cluster.walk("a", "kubernetes:443").verdict == "refused"
