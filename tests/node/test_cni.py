"""The network plugins: address plans, devices, routes, and what real traffic makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.node.addresses import within
from k8s_tutor.node.cni import Cni, CniAdd, CniCheck, CniConfig, CniDone, CniError, CniResult
from k8s_tutor.node.cni.aws_vpc import max_pods
from k8s_tutor.node.cni.options import CLUSTER_CIDRS
from k8s_tutor.node.kernel import Kernel, Netlink
from k8s_tutor.node.shim import Shim, ShimConfig
from k8s_tutor.sim import SECOND, Body, Calling, Context, World

SETUPS = [
    ("flannel", "vxlan"), ("flannel", "host-gw"), ("calico", "ipip"), ("calico", "vxlan"), ("calico", "none"),
    ("weave", "fastdp"), ("weave", "sleeve"), ("cilium", "vxlan"), ("cilium", "native"), ("aws-vpc-cni", ""),
]  # fmt: skip
PLUGINS = ("aws-vpc-cni", "calico", "cilium", "flannel", "weave")


class Lab:
    """A cluster with a pod ``box`` and a Service ``web`` of three pods, and somebody at a console."""

    def __init__(self, cni: str, mode: str = "", workers: Any = 2, mtu: int = 0, **more: Any) -> None:
        spec = {"managers": 1, "workers": workers, "cni": cni, "network": {"mode": mode, "mtu": mtu}, **more}
        self.cluster = Cluster(ClusterSpec.model_validate(spec))

    def furnished(self, replicas: int = 3) -> Lab:
        self.say(f"create deployment web --image=nginx --replicas={replicas}")
        self.say("expose deployment web --port=80")
        self.say("run box --image=busybox -- sleep 3600", 12)
        return self

    def say(self, line: str, seconds: int = 3) -> str:
        self.cluster.give(inputs.Kubectl(line))
        self.cluster.run_until(self.cluster.now + seconds * SECOND)
        answer = self.cluster.world.actor("you").answers[-1]  # type: ignore[union-attr]
        return str(answer.stdout + answer.stderr)

    def rows(self, line: str) -> list[list[str]]:
        return [row.split() for row in self.say(line).splitlines()[1:]]

    def webs(self) -> list[str]:
        """Addresses of the pods of ``web``."""
        return [row[5] for row in self.rows("get pods -o wide -l app=web")]

    def reaches(self, address: str, seconds: int = 4) -> bool:
        return "Welcome to nginx!" in self.say(f"exec box -- wget -qO- -T 2 {address}", seconds)

    def kernel(self, node: int) -> Kernel:
        shim = self.cluster.world.actor(f"shim-{node}")
        assert isinstance(shim, Shim)
        return shim.kernel


@pytest.mark.parametrize(("cni", "mode"), SETUPS)
def test_pods_reach_each_other_and_services(cni: str, mode: str) -> None:
    lab = Lab(cni, mode).furnished()
    addresses = lab.webs()
    assert len(addresses) == 3 and all(within(address, CLUSTER_CIDRS[cni]) for address in addresses)
    assert all(lab.reaches(address) for address in addresses)
    assert lab.reaches(lab.rows("get svc web")[0][2])
    assert "kube-proxy-1" in lab.cluster.world.running or cni == "cilium"


@pytest.mark.parametrize("cni", PLUGINS)
def test_a_machine_that_was_away_gets_its_network_back(cni: str) -> None:
    lab = Lab(cni, control_plane="static-pods").furnished()
    assert lab.cluster.now < 60 * SECOND and {row[1] for row in lab.rows("get nodes")} == {"Ready"}
    other = "node-2" if lab.rows("get pods box -o wide")[0][6] == "node-1" else "node-1"
    lab.cluster.give(inputs.Crash(other))
    lab.say("get nodes", 10)
    lab.cluster.give(inputs.Restart(other))
    lab.say("get nodes", 40)
    rows = [row for row in lab.rows("get pods -o wide -l app=web") if other in row]
    assert rows and all(lab.reaches(next(word for word in row if word.count(".") == 3)) for row in rows)


@pytest.mark.parametrize("cni", PLUGINS)
def test_a_pod_that_is_gone_gives_its_address_back(cni: str) -> None:
    lab = Lab(cni).furnished()
    held = [len(kernel.namespaces) for kernel in (lab.kernel(1), lab.kernel(2))]
    lab.say("delete deployment web", 40)
    assert sum(held) - 3 == sum(len(lab.kernel(node).namespaces) for node in (1, 2)) == 1
    assert {netns for netns, _ in lab.kernel(1).devices} <= {"", *lab.kernel(1).namespaces}


def test_host_gateways_need_one_layer_2() -> None:
    lab = Lab("flannel", "host-gw", [{"subnet": "a"}, {"subnet": "b"}]).furnished()
    near, far = [], []
    here = lab.rows("get pods box -o wide")[0][6]
    for row in lab.rows("get pods -o wide -l app=web"):
        (near if row[6] == here else far).append(lab.reaches(row[5]))
    assert near and all(near) and far and not any(far)
    assert "dev eth0" not in [row for row in lab.say("ssh node-1 ip route").splitlines() if "10.244.2.0" in row]


@pytest.mark.parametrize(("mode", "device"), [("ipip-cross-subnet", "tunl0"), ("vxlan-cross-subnet", "vxlan.calico")])
def test_calico_encapsulates_between_subnets_only(mode: str, device: str) -> None:
    lab = Lab("calico", mode, [{"subnet": "a"}, {"subnet": "a"}, {"subnet": "b"}]).furnished(6)
    assert all(lab.reaches(address) for address in lab.webs())
    routes = [route for route in lab.kernel(1).routes[""] if route.destination.endswith("/26") and route.kind == "unicast"]
    assert sorted(route.device for route in routes) == ["eth0", device]


def test_packets_that_are_too_large_for_the_cable_are_lost() -> None:
    page = {"name": "big", "layers": {"app": 1}, "program": {"port": 80}, "http": {"pages": {"/": "x" * 2000}}}
    lab = Lab("flannel", mtu=1500, images=[page])
    lab.say("create deployment web --image=big --replicas=2", 8)
    lab.say("run box --image=busybox -- sleep 3600", 12)
    here = lab.rows("get pods box -o wide")[0][6]
    for row in lab.rows("get pods -o wide -l app=web"):
        assert "1 packets received" in lab.say(f"exec box -- ping -c 1 {row[5]}")
        large = lab.say(f"exec box -- ping -c 1 -W 2 -s 1472 {row[5]}", 5)
        assert ("1480 bytes from" in large) == ("1 packets received" in large) == (row[6] == here)
        # 1422 + 28 of IP and ICMP + 50 of VXLAN are what the cable takes.
        assert "1430 bytes from" in lab.say(f"exec box -- ping -c 1 -W 2 -s 1422 {row[5]}", 5)
        got = lab.say(f"exec box -- wget -qO- -T 2 {row[5]}", 5)
        assert ("x" * 2000 in got) == (row[6] == here)


def test_a_node_without_its_agent_has_no_network() -> None:
    lab = Lab("flannel", settle=False)
    lab.cluster.give(inputs.Crash("flanneld-2"))
    lab.cluster.run_until(60 * SECOND)
    status = {row[0]: row[1] for row in lab.rows("get nodes")}
    assert status == {"node-1": "Ready", "node-2": "NotReady"}
    words = "reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"
    assert words in lab.say("describe node node-2")


@pytest.mark.parametrize(("cni", "agent", "words"), [
    ("calico", "calico-node", 'plugin type="calico" failed (add): stat /var/lib/calico/nodename: no such file or directory'),
    ("weave", "weave-net", 'plugin type="weave-net" name="weave" failed (add): unable to allocate IP address: Post'),
    ("cilium", "cilium-agent", 'plugin type="cilium-cni" failed (add): unable to connect to Cilium agent'),
    ("aws-vpc-cni", "aws-node", 'plugin type="aws-cni" name="aws-cni" failed (add): add cmd: Error received from AddNetwork'),
])  # fmt: skip
def test_pods_go_on_without_their_agent_and_new_ones_wait(cni: str, agent: str, words: str) -> None:
    lab = Lab(cni).furnished()
    for node in (1, 2):
        lab.cluster.give(inputs.Crash(f"{agent}-{node}"))
    assert all(lab.reaches(address) for address in lab.webs())
    lab.say("run late --image=nginx", 5)
    assert "ContainerCreating" in lab.say("get pod late")
    assert "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox" in (
        told := lab.say("describe pod late")
    ) and words in told  # fmt: skip
    for node in (1, 2):
        lab.cluster.give(inputs.Restart(f"{agent}-{node}"))
    lab.say("get nodes", 60)
    assert "Running" in lab.say("get pod late")


def test_a_vpc_has_so_many_addresses_for_an_instance() -> None:
    lab = Lab("aws-vpc-cni", workers=[{"instance_type": "t3.medium", "pods": 110}])
    lab.say("create deployment web --image=nginx --replicas=20", 60)
    rows = lab.rows("get pods")
    assert [row[2] for row in rows].count("Running") == 15
    stuck = next(row[0] for row in rows if row[2] == "ContainerCreating")
    assert "add cmd: failed to assign an IP address to container" in lab.say(f"describe pod {stuck}")
    lab = Lab("aws-vpc-cni", workers=[{"instance_type": "t3.medium"}])
    assert "pods:               17" in lab.say("describe node node-1")


def test_max_pods_are_those_of_the_file() -> None:
    known = {"t3.medium": 17, "t3.small": 11, "m5.large": 29, "m5.xlarge": 58, "m5.4xlarge": 234, "m5.24xlarge": 737,
             "c6g.medium": 8, "m4.large": 20}  # fmt: skip
    assert {name: max_pods(name) for name in known} == known


def test_tools_on_the_machine_print_the_kernel() -> None:
    lab = Lab("flannel").furnished()
    assert "10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink" in lab.say("ssh node-1 ip route")
    assert "dst 172.31.0.12 self permanent" in lab.say("ssh node-1 bridge fdb show dev flannel.1")
    assert "vxlan id 1 local 172.31.0.11 dev eth0 srcport 0 0 dstport 8472" in lab.say("ssh node-1 ip -d link show flannel.1")
    assert "-A FLANNEL-POSTRTG" in lab.say("ssh node-1 iptables-save")
    assert "mtu 1450" in lab.say("exec box -- ip a")
    assert 'Device "eth9" does not exist.' in lab.say("ssh node-1 ip addr show eth9")


class Asker(Calling):
    """Runs a plugin, and keeps what it prints."""

    said: Any = None

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        self.ask(ctx, "cni-1", body, "took")

    def took(self, ctx: Context, answer: Any) -> None:
        self.said = answer


def test_check_says_what_is_missing() -> None:
    world = World(1)
    world.add(Shim, "shim-1", ShimConfig("containerd-1", node="node-1", address="172.31.0.11"), host="node-1")
    world.add(Cni, "cni-1", CniConfig("10.244.1.0/24", kernel="shim-1"), host="node-1")
    world.add(Asker, "me", host="node-1")

    def send(to: str, body: Body) -> Any:
        world.take("send", lambda world, _: world.inject(to, body))
        world.settle()
        return world.running["me"].said  # type: ignore[attr-defined]

    result = send("me", CniAdd("abc", "/var/run/netns/cni-1", "eth0", "default", "web"))
    assert isinstance(result, CniResult)
    assert result.tree()["ips"] == [{"interface": 2, "address": "10.244.1.2/24", "gateway": "10.244.1.1"}]
    check = CniCheck("abc", "/var/run/netns/cni-1", "eth0", result)
    assert isinstance(send("me", check), CniDone)
    send("shim-1", Netlink(closed="abc"))
    gone = send("me", check)
    assert isinstance(gone, CniError) and "no such file or directory" in gone.msg
