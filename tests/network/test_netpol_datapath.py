"""A kernel that knows guards drops what they do not allow, and tells where; one that knows none lets everything through."""

from __future__ import annotations

from k8s_tutor.net.walk import Packet, RoundTrip, round_trip
from k8s_tutor.node import addresses
from k8s_tutor.node.cni import CniAdd, bridge
from k8s_tutor.node.kernel import Kernel, Netlink
from k8s_tutor.node.netpol import Allow, Guard, Guards, Ports, Side
from k8s_tutor.node.proxy.iptables import Rule
from k8s_tutor.node.proxy.packets import Piece
from k8s_tutor.node.proxy.ruleset import made
from k8s_tutor.node.underlay import Underlay

WEB, CLIENT, OTHER = "10.244.1.2", "10.244.1.9", "10.244.2.2"
PLACE = "cali1234"
ONLY_CLIENT = Side(("default/web",), (Allow("default/web", 0, addresses=(CLIENT,), ports=(Ports("tcp", 80, 80),)),))
SHUT = Side(("default/shut",))


def kernels(*guards: Guard) -> dict[int, Kernel]:
    found = {i: Kernel(f"node-{i}", addresses.address(i)) for i in (1, 2)}
    for node, name, address in ((1, "web", WEB), (1, "client", CLIENT), (2, "other", OTHER)):
        add = CniAdd(name, f"/var/run/netns/{name}", "eth0", "default", name)
        _, entries = bridge.attach(add, f"{address}/24", f"10.244.{node}.1/24", "cni0")
        found[node].apply(Netlink(entries))
    for kernel in found.values():
        kernel.apply(Netlink((Guards(tuple(guard for guard in guards if guard.address in kernel.owners)),)))
    return found


def way(netns: str, source: str, port: int, *guards: Guard, destination: str = WEB) -> RoundTrip:
    node = 2 if netns == "other" else 1
    return round_trip(kernels(*guards), Underlay(), node, netns, Packet(source, destination, port), lambda n: 0)


def test_ingress_lets_through_what_a_rule_allows_and_its_answer() -> None:
    trip = way("client", CLIENT, 80, Guard(WEB, "default/web", ONLY_CLIENT, SHUT, PLACE))
    assert trip.verdict == "delivered"
    ruled = [hop for hop in trip.there.hops if hop.rule == "NetworkPolicy default/web"]
    assert [(hop.layer, hop.where, hop.what) for hop in ruled] == [
        ("cni", "node-1 cali1234", "allowed by default/web, ingress rule 1")
    ]


def test_ingress_drops_other_ports_and_other_pods_at_the_receiver() -> None:
    guard = Guard(WEB, "default/web", ONLY_CLIENT, None, PLACE)
    for netns, source, port in (("client", CLIENT, 81), ("other", OTHER, 80)):
        trip = way(netns, source, port, guard)
        assert (trip.verdict, trip.back) == ("dropped", None)
        assert trip.there.hops[-1].what.endswith(f"no rule allows {source} on {port}/TCP: dropped")
        assert trip.there.machine == 1


def test_egress_is_asked_at_the_sender_after_the_service_was_resolved() -> None:
    side = Side(("default/out",), (Allow("default/out", 0, addresses=(WEB,), ports=(Ports("tcp", 8080, 8080),)),))
    found = kernels(Guard(CLIENT, "default/client", None, side, PLACE))
    rules = (
        Rule("nat", "KUBE-SERVICES", "KUBE-SEP-A", "web", "", "", "10.96.7.7/32", "tcp", 80),
        Rule("nat", "KUBE-SEP-A", "DNAT", "web", protocol="tcp", to=f"{WEB}:8080"),
    )
    found[1].rules = made("iptables", [Piece("default/web", (("10.96.7.7", "tcp", 80),), rules)])
    trip = round_trip(found, Underlay(), 1, "client", Packet(CLIENT, "10.96.7.7", 80), lambda n: 0)
    assert trip.verdict == "delivered"
    assert way("client", CLIENT, 80, Guard(CLIENT, "default/client", None, SHUT, PLACE), destination=OTHER).verdict == "dropped"


def test_the_own_machine_is_always_reached_and_always_reaches() -> None:
    shut = Guard(WEB, "default/web", SHUT, SHUT, PLACE)
    own, far = addresses.address(1), addresses.address(2)
    assert way("web", WEB, 10250, shut, destination=own).verdict == "delivered"
    assert way("web", WEB, 10250, shut, destination=far).verdict == "dropped"
    assert way("", own, 80, shut).verdict == "delivered"
    found = kernels(shut)
    assert round_trip(found, Underlay(), 2, "", Packet(far, WEB, 80), lambda n: 0).verdict == "dropped"


def test_without_guards_nothing_is_asked() -> None:
    trip = way("other", OTHER, 80)
    assert trip.verdict == "delivered" and not any(hop.rule for hop in trip.there.hops)
