"""An agent that enforces NetworkPolicies: from the API server into the kernel of its node; and what a stale one enforces."""

from __future__ import annotations

from typing import Any

from k8s_tutor.net.walk import Packet, round_trip
from k8s_tutor.node.netpol.agent import Enforcer, EnforcerConfig
from k8s_tutor.node.shim import Shim
from k8s_tutor.node.underlay import Underlay
from tests.components.node_world import Small

POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
DENY: dict[str, Any] = {"metadata": {"name": "shut"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}}}


def enforced() -> Small:
    small = Small()
    config = EnforcerConfig("lb", "kubernetes-admin", node="node-1", kernel="shim-1")
    small.world.add(Enforcer, "calico-node-1", config, host="node-1")
    small.up()
    small.pod("web", metadata={"labels": {"app": "web"}})
    small.pod("client")
    small.ready("web"), small.ready("client")
    return small


def verdict(small: Small) -> str:
    shim = small.world.actor("shim-1")
    assert isinstance(shim, Shim)
    client, web = (small.get(name)["status"]["podIP"] for name in ("client", "web"))
    netns = next(netns for netns, pod in shim.kernel.namespaces.items() if pod == "default/client")
    return round_trip({1: shim.kernel}, Underlay(), 1, netns, Packet(client, web, 80), lambda n: 0).verdict


def test_policies_reach_the_kernel_and_leave_it_again() -> None:
    small = enforced()
    assert verdict(small) == "delivered"
    small.call("POST", POLICIES, DENY)
    small.run(1)
    assert verdict(small) == "dropped"
    assert small.notes("netpol.programmed")[-1] == {"node": "node-1", "pods": 1, "policies": 1}
    small.call("DELETE", f"{POLICIES}/shut")
    small.run(1)
    assert verdict(small) == "delivered"


def test_a_stale_agent_enforces_stale_policy_until_it_is_back() -> None:
    small = enforced()
    small.call("POST", POLICIES, DENY)
    small.run(1)
    small.world.take("crash", lambda world, _: world.crash("calico-node-1"))
    small.call("DELETE", f"{POLICIES}/shut")
    small.run(5)
    assert verdict(small) == "dropped"
    small.world.take("restart", lambda world, _: world.restart("calico-node-1"))
    small.run(5)
    assert verdict(small) == "delivered"


def test_labels_decide_who_may_come_in() -> None:
    small = enforced()
    peers = [{"podSelector": {"matchLabels": {"role": "friend"}}}]
    small.call("POST", POLICIES, {**DENY, "spec": {**DENY["spec"], "ingress": [{"from": peers}]}})
    small.run(1)
    assert verdict(small) == "dropped"
    patch = {"metadata": {"labels": {"role": "friend"}}}
    small.call("PATCH", "/api/v1/namespaces/default/pods/client", patch, "application/merge-patch+json")
    small.run(1)
    assert verdict(small) == "delivered"
