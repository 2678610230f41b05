"""kube-proxy's rules, and the walk of packets through them."""

from __future__ import annotations

from node_world import Small

from k8s_tutor.net.walk import Packet, RoundTrip, round_trip
from k8s_tutor.node import addresses
from k8s_tutor.node.cni import CniAdd, bridge
from k8s_tutor.node.kernel import Kernel, Netlink
from k8s_tutor.node.proxy import iptables
from k8s_tutor.node.proxy.kube_proxy import KubeProxy
from k8s_tutor.node.proxy.packets import Draw
from k8s_tutor.node.proxy.ruleset import Ruleset
from k8s_tutor.node.underlay import Underlay

SERVICE = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
    "spec": {"selector": {"app": "web"}, "clusterIP": "10.96.7.7", "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
}  # fmt: skip


def endpoint(address: str, ready: bool = True, **more: bool) -> dict[str, object]:
    return {"addresses": [address], "conditions": {"ready": ready, **more}, "nodeName": "node-1"}


def slice_of(*endpoints: dict[str, object]) -> dict[str, object]:
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-abc", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": list(endpoints),
    }  # fmt: skip


def rules_of(small: Small, node: int = 1) -> Ruleset:
    proxy = small.world.actor(f"kube-proxy-{node}")
    assert isinstance(proxy, KubeProxy)
    return proxy.rules


def service_with(*endpoints: dict[str, object]) -> Small:
    small = Small(workers=2)
    small.up()
    made = small.call("POST", "/api/v1/namespaces/default/services", SERVICE)
    assert made["kind"] == "Service", made
    made = small.call("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice_of(*endpoints))
    assert made["kind"] == "EndpointSlice", made
    small.run(3)
    return small


def web(small: Small) -> tuple[iptables.Rule, ...]:
    return rules_of(small).pieces["default/web"].rules


def lines(small: Small) -> list[str]:
    return [rule.line() for rule in web(small)]


def test_rules_read_as_iptables_save_prints_them() -> None:
    small = service_with(endpoint("10.244.1.2"), endpoint("10.244.2.2"))
    svc = iptables.service_chain("default/web:http", "tcp")
    one = iptables.endpoint_chain("default/web:http", "tcp", "10.244.1.2:8080")
    two = iptables.endpoint_chain("default/web:http", "tcp", "10.244.2.2:8080")
    assert lines(small) == [
        '-A KUBE-SERVICES -d 10.96.7.7/32 -p tcp -m comment --comment "default/web:http cluster IP" '
        f"-m tcp --dport 80 -j {svc}",
        f'-A {svc} ! -s 10.244.0.0/16 -d 10.96.7.7/32 -p tcp -m comment --comment "default/web:http cluster IP" '
        "-m tcp --dport 80 -j KUBE-MARK-MASQ",
        f'-A {svc} -m comment --comment "default/web:http -> 10.244.1.2:8080" '
        f"-m statistic --mode random --probability 0.50000000000 -j {one}",
        f'-A {svc} -m comment --comment "default/web:http -> 10.244.2.2:8080" -j {two}',
        f'-A {one} -s 10.244.1.2/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ',
        f'-A {one} -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.1.2:8080',
        f'-A {two} -s 10.244.2.2/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ',
        f'-A {two} -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.2.2:8080',
    ]
    assert rules_of(small, 1).pieces == rules_of(small, 2).pieces
    assert "*filter" in rules_of(small).iptables_save() and "*nat" in rules_of(small).iptables_save()


def test_chain_names_are_the_real_hashes() -> None:
    assert iptables.service_chain("default/kubernetes:https", "tcp") == "KUBE-SVC-NPX46M4PTMTKRN6Y"


def test_probabilities() -> None:
    assert [iptables.probability(n) for n in (2, 3, 6, 7)] == [
        "0.50000000000", "0.33333333349", "0.16666666651", "0.14285714272",
    ]  # fmt: skip


def test_service_without_endpoints_rejects() -> None:
    small = service_with()
    assert lines(small) == [
        '-A KUBE-SERVICES -d 10.96.7.7/32 -p tcp -m comment --comment "default/web:http has no endpoints" -m tcp --dport 80 '
        "-j REJECT --reject-with icmp-port-unreachable"
    ]
    assert way(rules_of(small), 1, "client", Packet("10.244.1.9", "10.96.7.7", 80)).verdict == "rejected"


def test_unready_endpoints_get_nothing_and_ending_ones_only_when_there_is_no_other() -> None:
    ending = endpoint("10.244.2.2", ready=False, serving=True, terminating=True)
    small = service_with(endpoint("10.244.1.2"), endpoint("10.244.1.3", ready=False), ending)
    assert {rule.to for rule in web(small) if rule.to} >= {"10.244.1.2:8080"}
    assert not {rule.to for rule in web(small)} & {"10.244.1.3:8080", "10.244.2.2:8080"}
    small = service_with(endpoint("10.244.1.3", ready=False), ending)
    assert "10.244.2.2:8080" in {rule.to for rule in web(small)}


def test_rules_stay_when_kube_proxy_crashes_and_are_renewed_when_it_is_back() -> None:
    small = service_with(endpoint("10.244.1.2"))
    before = lines(small)
    small.world.take("crash", lambda world, _: world.crash("kube-proxy-1"))
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web-abc"
    small.call("DELETE", path)
    small.run(5)
    assert small.world.disks["kube-proxy-1"].rules.pieces and len(before) == 5
    small.world.take("restart", lambda world, _: world.restart("kube-proxy-1"))
    small.run(5)
    assert len(lines(small)) == 1 and "REJECT" in lines(small)[0]


def kernels(rules: Ruleset | None = None) -> dict[int, Kernel]:
    """Two nodes with three pods, whose network namespaces have their names."""
    found = {i: Kernel(f"node-{i}", addresses.address(i)) for i in (1, 2)}
    for node, name, address in ((1, "web-1", "10.244.1.2"), (2, "web-2", "10.244.2.2"), (1, "client", "10.244.1.9")):
        add = CniAdd(name, f"/var/run/netns/{name}", "eth0", "default", name)
        _, entries = bridge.attach(add, f"{address}/24", f"10.244.{node}.1/24", "cni0")
        found[node].apply(Netlink(entries))
    for kernel in found.values():
        kernel.rules = rules or Ruleset()
    return found


def first(n: int) -> int:
    return 0


def last(n: int) -> int:
    return n - 1


def way(rules: Ruleset, node: int, netns: str, packet: Packet, draw: Draw = first) -> RoundTrip:
    return round_trip(kernels(rules), Underlay(), node, netns, packet, draw)


def test_packet_to_a_cluster_ip_reaches_the_backend_that_the_draw_says() -> None:
    small = service_with(endpoint("10.244.1.2"), endpoint("10.244.2.2"))
    cases: list[tuple[Draw, str, str]] = [
        (first, "10.244.1.2", "default/web-1"), (last, "10.244.2.2", "default/web-2"),
    ]  # fmt: skip
    for draw, address, name in cases:
        trip = way(rules_of(small), 1, "client", Packet("10.244.1.9", "10.96.7.7", 80), draw)
        found = trip.there
        assert trip.verdict == found.verdict == "delivered"
        assert (found.packet.destination, found.packet.port, found.packet.masquerade) == (address, 8080, False)
        assert found.hops[0].where == "default/client" and found.hops[-1].where == name
    assert [hop.where for hop in found.hops if hop.layer == "cluster"] == ["node-1 eth0", "node-1 → node-2"]
    assert any("DNAT: 10.96.7.7:80 becomes 10.244.2.2:8080" in row for row in found.rows())


def test_packet_from_a_node_or_back_to_its_sender_is_masqueraded() -> None:
    small = service_with(endpoint("10.244.1.2"))
    found = way(rules_of(small), 2, "", Packet("172.31.0.12", "10.96.7.7", 80)).there
    assert any("MASQUERADE: the source becomes 172.31.0.12" in row for row in found.rows())
    found = way(rules_of(small), 1, "web-1", Packet("10.244.1.2", "10.96.7.7", 80)).there
    assert found.packet.source == "10.244.1.1" and found.packet.destination == "10.244.1.2"


def test_packet_to_nobody() -> None:
    assert way(Ruleset(), 1, "client", Packet("10.244.1.9", "10.244.2.77", 80)).verdict == "no route"
    assert way(Ruleset(), 1, "client", Packet("10.244.1.9", "172.16.0.1", 80)).verdict == "dropped"
    assert way(Ruleset(), 1, "client", Packet("10.244.1.9", "172.31.0.12", 10250)).verdict == "delivered"
