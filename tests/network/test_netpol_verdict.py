"""What NetworkPolicies allow, as a table: policies, a packet, and what becomes of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from k8s_tutor.api import scheme
from k8s_tutor.api.defaults.network import network_policy
from k8s_tutor.node.netpol import Ruling, verdict

Tree = dict[str, Any]


def typed(tree: Tree) -> Any:
    return scheme.typed(msgspec.json.encode(tree))


def pod(namespace: str, name: str, address: str, labels: dict[str, str], ports: list[Tree] | None = None, **spec: Any) -> Any:
    return typed({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"name": "c", "image": "nginx", "ports": ports or []}], **spec},
        "status": {"phase": "Running", "podIP": address},
    })  # fmt: skip


def space(name: str, **labels: str) -> Any:
    labels = {"kubernetes.io/metadata.name": name, **labels}
    return typed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def policy(name: str, spec: Tree, namespace: str = "shop") -> Any:
    tree = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    }  # fmt: skip
    network_policy(tree)
    return typed(tree)


HTTP = {"name": "http", "containerPort": 80}
WEB, WEB2, DB, PROBE, NODE, OUTSIDE = "10.244.1.2", "10.244.2.2", "10.244.1.3", "10.244.2.9", "172.31.0.11", "203.0.113.9"
SPACES = [space("shop", team="a"), space("ops", team="b")]
PODS = [
    pod("shop", "web-1", WEB, {"app": "web"}, [HTTP]),
    pod("shop", "web-2", WEB2, {"app": "web"}, [{"name": "http", "containerPort": 8080}]),
    pod("shop", "db", DB, {"app": "db"}, [{"name": "sql", "containerPort": 5432}]),
    pod("ops", "probe", PROBE, {"app": "probe"}),
    pod("ops", "agent", NODE, {"app": "probe"}, hostNetwork=True),
]
ALL: Tree = {}
DB_ONLY: Tree = {"matchLabels": {"app": "db"}}
WEB_PODS: Tree = {"matchLabels": {"app": "web"}}
OPS: Tree = {"matchLabels": {"team": "b"}}


def look(policies: list[Any], source: str, destination: str, port: int, protocol: str = "tcp", answer: bool = False) -> Ruling:
    return verdict(policies, SPACES, PODS, source, destination, port, protocol, answer)


def ingress(*peers: Tree, ports: list[Tree] | None = None, pods: Tree = DB_ONLY) -> Tree:
    rule: Tree = {**({"from": list(peers)} if peers else {}), **({"ports": ports} if ports else {})}
    return {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": [rule]}


def egress(*peers: Tree, ports: list[Tree] | None = None, pods: Tree = DB_ONLY) -> Tree:
    rule: Tree = {**({"to": list(peers)} if peers else {}), **({"ports": ports} if ports else {})}
    return {"podSelector": pods, "policyTypes": ["Egress"], "egress": [rule]}


NONE: Tree = {"podSelector": DB_ONLY, "policyTypes": ["Ingress"]}
NO_EGRESS: Tree = {"podSelector": WEB_PODS, "policyTypes": ["Egress"]}
BOTH: Tree = {"podSelector": ALL, "policyTypes": ["Ingress", "Egress"]}
BLOCK: Tree = {"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.8/29"]}}
AND: Tree = {"namespaceSelector": OPS, "podSelector": {"matchLabels": {"app": "probe"}}}
EXPRESSION: Tree = {"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "cache"]}]}}

TABLE = [
    ("no policy", [], WEB, DB, 5432, True),
    ("selected without a rule: nobody", [NONE], WEB, DB, 5432, False),
    ("who is not selected stays open", [NONE], DB, WEB, 80, True),
    ("isolated for ingress, egress stays open", [NONE], DB, PROBE, 80, True),
    ("an empty rule allows everybody", [{**NONE, "ingress": [{}]}], OUTSIDE, DB, 5432, True),
    ("pods of the own namespace", [ingress({"podSelector": WEB_PODS})], WEB2, DB, 5432, True),
    ("an empty podSelector: all of the own namespace", [ingress({"podSelector": ALL})], WEB, DB, 5432, True),
    ("and none of another", [ingress({"podSelector": ALL})], PROBE, DB, 5432, False),
    ("an empty namespaceSelector: all pods of all", [ingress({"namespaceSelector": ALL})], PROBE, DB, 5432, True),
    ("but nobody outside", [ingress({"namespaceSelector": ALL})], OUTSIDE, DB, 5432, False),
    ("a namespace by label", [ingress({"namespaceSelector": OPS})], PROBE, DB, 5432, True),
    ("and not the others", [ingress({"namespaceSelector": OPS})], WEB, DB, 5432, False),
    ("both selectors in one peer must hold", [ingress(AND)], PROBE, DB, 5432, True),
    ("one of them is not enough", [ingress(AND)], WEB, DB, 5432, False),
    ("two peers: either", [ingress({"namespaceSelector": OPS}, {"podSelector": WEB_PODS})], WEB, DB, 5432, True),
    ("expressions", [ingress(EXPRESSION)], WEB, DB, 5432, True),
    ("a block", [ingress(BLOCK)], "203.0.113.77", DB, 5432, True),
    ("its exception", [ingress(BLOCK)], OUTSIDE, DB, 5432, False),
    ("a port", [ingress(ports=[{"port": 5432}])], WEB, DB, 5432, True),
    ("another port", [ingress(ports=[{"port": 5432}])], WEB, DB, 5433, False),
    ("a range", [ingress(ports=[{"port": 5400, "endPort": 5440}])], WEB, DB, 5440, True),
    ("behind the range", [ingress(ports=[{"port": 5400, "endPort": 5440}])], WEB, DB, 5441, False),
    ("a protocol without ports", [ingress(ports=[{"protocol": "UDP"}])], WEB, DB, 5432, False),
    ("a name is the receiver's", [ingress(ports=[{"port": "sql"}])], WEB, DB, 5432, True),
    ("a name that it does not have matches nothing", [ingress(ports=[{"port": "http"}])], WEB, DB, 80, False),
    ("allowances add up", [NONE, ingress({"podSelector": WEB_PODS})], WEB, DB, 5432, True),
    ("egress shut", [NO_EGRESS], WEB, DB, 5432, False),
    ("egress shut for web does not shut db", [NO_EGRESS], DB, WEB, 80, True),
    ("egress to named ports of each peer", [egress({"podSelector": WEB_PODS}, ports=[{"port": "http"}])], DB, WEB2, 8080, True),
    ("and not to another's number", [egress({"podSelector": WEB_PODS}, ports=[{"port": "http"}])], DB, WEB2, 80, False),
    ("egress to anybody with a name of a port", [egress(ports=[{"port": "http"}])], DB, WEB, 80, True),
    ("egress to a block", [egress(BLOCK)], DB, "203.0.113.1", 443, True),
    ("both sides must allow: the sender does not", [NO_EGRESS, ingress()], WEB, DB, 5432, False),
    ("a pod reaches itself", [BOTH], DB, DB, 5432, True),
    ("who is in the host's network is the node", [ingress({"namespaceSelector": OPS})], NODE, DB, 5432, False),
    ("and is found by its address", [ingress({"ipBlock": {"cidr": f"{NODE}/32"}})], NODE, DB, 5432, True),
]


@pytest.mark.parametrize(
    ("specs", "source", "destination", "port", "allowed"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_what_policies_allow(specs: list[Tree], source: str, destination: str, port: int, allowed: bool) -> None:
    found = look([policy(f"p{number}", spec) for number, spec in enumerate(specs)], source, destination, port)
    assert found.allowed is allowed, found.why


def test_policies_of_other_namespaces_do_not_count() -> None:
    assert look([policy("shut", NONE, "ops")], WEB, DB, 5432).allowed


def test_answers_pass_always() -> None:
    assert look([policy("shut", BOTH)], DB, WEB, 40000, answer=True).allowed


def test_the_verdict_names_who_allowed_and_who_did_not() -> None:
    policies = [policy("shut", NONE), policy("open", ingress({"podSelector": WEB_PODS}, ports=[{"port": 5432}]))]
    allowed = look(policies, WEB, DB, 5432)
    assert (allowed.policy, allowed.rule, allowed.direction, allowed.pod) == ("shop/open", 0, "ingress", "shop/db")
    refused = look(policies, WEB, DB, 22)
    assert refused.why == "isolated for ingress by shop/open, shop/shut, and no rule allows 10.244.1.2 on 22/TCP"
    assert look([], WEB, DB, 22).why == "no NetworkPolicy isolates it for ingress"
