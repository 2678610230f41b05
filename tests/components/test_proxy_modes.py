"""The three modes of kube-proxy: what each makes of a Service, as text and as what happens to packets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from k8s_tutor.node.proxy import iptables
from k8s_tutor.node.proxy.packets import Packet, Verdict
from k8s_tutor.node.proxy.ruleset import MAKERS, MODES, Ruleset, WriteRules, made
from k8s_tutor.node.proxy.services import differs_by_node

NODES = {"node-1": "172.31.0.11", "node-2": "172.31.0.12", "node-3": "172.31.0.13"}
CIDR, BALANCER, CLIENT = "10.244.0.0/16", "203.0.113.7", "198.51.100.10"


def service(**spec: Any) -> bytes:
    ports = [{"port": 80, "targetPort": 8080, "protocol": "TCP", **({"nodePort": 30080} if spec.get("type") else {})}]
    status = {"loadBalancer": {"ingress": [{"ip": BALANCER}]}} if spec.get("type") == "LoadBalancer" else {}
    tree = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"clusterIP": "10.96.7.7", "ports": ports, **spec}, "status": status}  # fmt: skip
    return msgspec.json.encode(tree)


def slices(*nodes: str, **conditions: bool) -> tuple[bytes, ...]:
    rows = [{"addresses": [f"10.244.{node[-1]}.{place + 2}"], "nodeName": node,
             "conditions": {"ready": True, **conditions}} for place, node in enumerate(nodes)]  # fmt: skip
    tree = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web-1", "namespace": "default"}, "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
            "endpoints": rows}  # fmt: skip
    return (msgspec.json.encode(tree),)


def kernel(mode: str, data: bytes, behind: tuple[bytes, ...], node: str = "node-1") -> Ruleset:
    place, own = (node, (NODES[node],)) if differs_by_node(data) else ("", ())
    return made(mode, [MAKERS[mode]("default/web", data, behind, place, own, CIDR)])


def send(
    rules: Ruleset, source: str = "10.244.1.9", to: str = "10.96.7.7", port: int = 80, lot: int = 0, node: str = "node-1",
    now: int = 0,
) -> Verdict:  # fmt: skip
    found = rules.translate(Packet(source, to, port), (NODES[node],), lambda bound: lot % bound, now)
    rules.note(found, now)
    return found


def where(found: Verdict) -> str:
    return found.action if found.action != "accept" else f"{found.packet.destination}:{found.packet.port}"


@pytest.mark.parametrize("mode", MODES)
def test_cluster_ip_goes_to_a_pod_and_keeps_the_senders_address(mode: str) -> None:
    found = send(kernel(mode, service(), slices("node-1")))
    assert (where(found), found.packet.masquerade) == ("10.244.1.2:8080", False)
    assert send(kernel(mode, service(), slices("node-1")), source=NODES["node-2"]).packet.masquerade


@pytest.mark.parametrize("mode", MODES)
def test_pod_that_reaches_itself_is_masqueraded(mode: str) -> None:
    assert send(kernel(mode, service(), slices("node-1")), source="10.244.1.2").packet.masquerade


@pytest.mark.parametrize("mode", MODES)
def test_nobody_behind_it_refuses(mode: str) -> None:
    rules = kernel(mode, service(type="NodePort"), slices("node-1", ready=False))
    assert where(send(rules)) == "reject"
    assert where(send(rules, CLIENT, NODES["node-1"], 30080)) == "reject"


@pytest.mark.parametrize("mode", MODES)
def test_ending_endpoints_serve_when_there_is_no_other(mode: str) -> None:
    ending = slices("node-2", ready=False, serving=True, terminating=True)
    assert where(send(kernel(mode, service(), ending))) == "10.244.2.2:8080"


@pytest.mark.parametrize("mode", MODES)
def test_node_port_answers_on_every_node_with_the_nodes_address(mode: str) -> None:
    rules = kernel(mode, service(type="NodePort"), slices("node-2"))
    for node, address in NODES.items():
        found = send(rules, CLIENT, address, 30080, node=node)
        assert (where(found), found.packet.masquerade) == ("10.244.2.2:8080", True)
    assert where(send(rules, CLIENT, NODES["node-1"], 30081)) == f"{NODES['node-1']}:30081"


@pytest.mark.parametrize("mode", MODES)
def test_external_policy_local_keeps_the_clients_address_and_drops_elsewhere(mode: str) -> None:
    data = service(type="NodePort", externalTrafficPolicy="Local")
    there = send(kernel(mode, data, slices("node-2"), "node-2"), CLIENT, NODES["node-2"], 30080, node="node-2")
    assert (where(there), there.packet.masquerade) == ("10.244.2.2:8080", False)
    here = send(kernel(mode, data, slices("node-2")), CLIENT, NODES["node-1"], 30080)
    assert where(here) == ("reject" if mode == "ipvs" else "drop")
    assert where(send(kernel(mode, data, slices("node-2")))) == "10.244.2.2:8080"


@pytest.mark.parametrize("mode", MODES)
def test_internal_policy_local_drops_where_nobody_is(mode: str) -> None:
    data = service(internalTrafficPolicy="Local")
    assert where(send(kernel(mode, data, slices("node-1", "node-2")), lot=1)) == "10.244.1.2:8080"
    assert where(send(kernel(mode, data, slices("node-2")))) == ("reject" if mode == "ipvs" else "drop")


@pytest.mark.parametrize("mode", MODES)
def test_load_balancer_lets_only_its_source_ranges_in(mode: str) -> None:
    rules = kernel(mode, service(type="LoadBalancer", loadBalancerSourceRanges=["198.51.100.0/24"]), slices("node-2"))
    assert where(send(rules, CLIENT, BALANCER)) == "10.244.2.2:8080"
    assert where(send(rules, "192.0.2.1", BALANCER)) == "drop"


@pytest.mark.parametrize("mode", MODES)
def test_a_client_stays_with_its_endpoint_until_its_time_is_over(mode: str) -> None:
    config = {"clientIP": {"timeoutSeconds": 60}}
    data = service(sessionAffinity="ClientIP", sessionAffinityConfig=config)
    rules = kernel(mode, data, slices("node-1", "node-2", "node-3"))
    first = where(send(rules, lot=0, now=1_000_000))
    assert [where(send(rules, lot=lot, now=2_000_000)) for lot in (1, 2)] == [first, first]
    assert where(send(rules, lot=1, now=70_000_000)) != first


@pytest.mark.parametrize("mode", MODES)
def test_other_ports_of_a_cluster_ip(mode: str) -> None:
    found = where(send(kernel(mode, service(), slices("node-1")), port=81))
    assert found == ("10.96.7.7:81" if mode == "iptables" else "reject")


def test_ipvs_takes_turns() -> None:
    rules = kernel("ipvs", service(), slices("node-1", "node-2", "node-3"))
    pods = ["10.244.1.2:8080", "10.244.2.3:8080", "10.244.3.4:8080"]
    assert [where(send(rules)) for _ in range(4)] == [*pods, pods[0]]


def test_lots_of_iptables_are_fair() -> None:
    rules = kernel("iptables", service(), slices("node-1", "node-2", "node-3"))
    chances = [rule.draw_of for rule in rules.pieces["default/web"].rules if " -> " in rule.comment]
    assert chances == [3, 2, 0]


def test_iptables_save_of_a_load_balancer() -> None:
    data = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=31000,
                   loadBalancerSourceRanges=["198.51.100.0/24"])  # fmt: skip
    lines = kernel("iptables", data, slices("node-1", "node-2")).iptables_save("Thu Jan  1 00:00:10 2026")
    ext, svc, svl, fw = (iptables.service_chain("default/web", "tcp", kind) for kind in ("EXT", "SVC", "SVL", "FW"))
    comment = "external destinations"
    for line in (
        f'-A KUBE-SERVICES -d {BALANCER}/32 -p tcp -m comment --comment "default/web loadbalancer IP" -m tcp --dport 80 '
        f"-j {fw}",
        '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" '
        "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
        f'-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web" -m tcp --dport 30080 -j {ext}',
        f'-A {ext} -s 10.244.0.0/16 -m comment --comment "pod traffic for default/web {comment}" -j {svc}',
        f'-A {ext} -m comment --comment "masquerade LOCAL traffic for default/web {comment}" -m addrtype --src-type LOCAL '
        "-j KUBE-MARK-MASQ",
        f'-A {ext} -m comment --comment "route LOCAL traffic for default/web {comment}" -m addrtype --src-type LOCAL -j {svc}',
        f"-A {ext} -j {svl}",
        f'-A {fw} -s 198.51.100.0/24 -m comment --comment "default/web loadbalancer IP" -j {ext}',
        f'-A {fw} -m comment --comment "other traffic to default/web will be dropped by KUBE-PROXY-FIREWALL"',
        f'-A KUBE-PROXY-FIREWALL -d {BALANCER}/32 -p tcp -m comment --comment "default/web traffic not accepted by {fw}" '
        "-m tcp --dport 80 -j DROP",
        '-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web health check node port" -m tcp --dport 31000 -j ACCEPT',
        ":KUBE-PROXY-CANARY - [0:0]", "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
        "# Generated by iptables-save v1.8.11 on Thu Jan  1 00:00:10 2026",
    ):  # fmt: skip
        assert line in lines, line


def test_affinity_in_iptables_save() -> None:
    lines = kernel("iptables", service(sessionAffinity="ClientIP"), slices("node-1")).iptables_save()
    svc = iptables.service_chain("default/web", "tcp")
    own = iptables.endpoint_chain("default/web", "tcp", "10.244.1.2:8080")
    rsource = f"--name {own} --mask 255.255.255.255 --rsource"
    assert (f'-A {svc} -m comment --comment "default/web -> 10.244.1.2:8080" -m recent --rcheck --seconds 10800 --reap '
            f"{rsource} -j {own}") in lines  # fmt: skip
    assert (f'-A {own} -p tcp -m comment --comment "default/web" -m recent --set {rsource} -m tcp -j DNAT '
            "--to-destination 10.244.1.2:8080") in lines  # fmt: skip


def test_ipvsadm_and_ipset() -> None:
    rules = kernel("ipvs", service(type="NodePort", sessionAffinity="ClientIP"), slices("node-1", "node-2"))
    assert rules.ipvsadm((NODES["node-1"],)) == [
        "IP Virtual Server version 1.2.1 (size=4096)",
        "Prot LocalAddress:Port Scheduler Flags",
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
        "TCP  10.96.7.7:80 rr persistent 10800",
        "  -> 10.244.1.2:8080              Masq    1      0          0         ",
        "  -> 10.244.2.3:8080              Masq    1      0          0         ",
        "TCP  172.31.0.11:30080 rr persistent 10800",
        "  -> 10.244.1.2:8080              Masq    1      0          0         ",
        "  -> 10.244.2.3:8080              Masq    1      0          0         ",
    ]
    assert rules.ipset("KUBE-CLUSTER-IP")[-2:] == ["Members:", "10.96.7.7,tcp:80"]
    assert rules.dummy_addresses() == ["10.96.7.7"]
    assert any("KUBE-LOOP-BACK dst,dst,src -j MASQUERADE" in line for line in rules.iptables_save())


def test_nft_list_table() -> None:
    text = "\n".join(kernel("nftables", service(type="NodePort"), slices("node-1", "node-2")).nft())
    for part in (
        'table ip kube-proxy {\n\tcomment "rules for kube-proxy"\n',
        "\t\telements = { 10.96.7.7 . tcp . 80 : goto service-", "\t\telements = { tcp . 30080 : goto external-",
        "ip daddr 10.96.7.7 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade",
        "numgen random mod 2 vmap { 0 : goto endpoint-", "meta l4proto tcp dnat to 10.244.1.2:8080",
    ):  # fmt: skip
        assert part in text, part


def test_a_write_tells_only_what_has_changed() -> None:
    rules = kernel("iptables", service(), slices("node-1"))
    rules.write(WriteRules("iptables", (), ("default/web",)))
    assert not rules.pieces and not rules.fronts
