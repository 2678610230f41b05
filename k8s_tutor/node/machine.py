"""The processes of one worker machine, ready to be put on a host, and the registry that all machines share."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from k8s_tutor.api import quantity
from k8s_tutor.api.component import Access
from k8s_tutor.node.addresses import MANAGERS, address, pod_cidr, shim_of
from k8s_tutor.node.cni import Cni, CniConfig
from k8s_tutor.node.cni.agent import Agent, AgentConfig
from k8s_tutor.node.cni.aws_vpc import AwsNode
from k8s_tutor.node.cni.calico import Calico
from k8s_tutor.node.cni.cilium import Cilium
from k8s_tutor.node.cni.flannel import Flannel
from k8s_tutor.node.cni.options import CLUSTER_CIDRS, ways_of
from k8s_tutor.node.cni.weave import Weave
from k8s_tutor.node.docker import CriDockerd, PassConfig, Passing
from k8s_tutor.node.image_service import RuntimeConfig
from k8s_tutor.node.images import Image
from k8s_tutor.node.kubelet import Kubelet, KubeletConfig
from k8s_tutor.node.proxy.kube_proxy import KubeProxy, KubeProxyConfig
from k8s_tutor.node.runtime import Runtime
from k8s_tutor.node.runtimes import FLAVOURS, Flavour
from k8s_tutor.node.shim import Shim, ShimConfig
from k8s_tutor.node.static_pods import FOLDER
from k8s_tutor.node.underlay import Underlay
from k8s_tutor.sim import Actor, Body

REGISTRY = "registry"


class Shape(NamedTuple):
    """What a worker machine has."""

    cpu: str = "4"
    memory: str = "8Gi"
    pods: int = 110
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str, str], ...] = ()
    roles: tuple[str, ...] = ()
    parallel_pulls: int = 1
    disk: int = 62_725_623_808
    files: tuple[tuple[str, str], ...] = ()
    """What is on its disk from the start: (path, text)."""
    proxy: str = "iptables"
    """The mode of its kube-proxy."""
    processes: tuple[tuple[str, str], ...] = ()
    """(kind, name) of processes of the machine that its containers really are."""
    disks: tuple[tuple[str, int], ...] = ()
    """Further disks: (``sdb``, bytes)."""
    place: int = 0
    """The subnet that it is in."""
    enis: tuple[int, int] = (0, 0)
    """In a VPC: how many network interfaces it may have, and addresses of each."""
    setup: tuple[tuple[str, ...], ...] = ()
    """Commands about them that the administrator has run once."""
    drivers: tuple[tuple[str, str], ...] = ()
    """(storage driver, the process that is its node service)."""
    runtime: str = "containerd"
    """Its container runtime, one of `FLAVOURS`."""


class NetworkPlan(NamedTuple):
    """How the cluster's pods reach each other: the plugin, its mode and the MTU that it gives to pods, the network between
    the machines, and all nodes that have an agent: (node, suffix of its processes)."""

    plugin: str = "bridge"
    mode: str = ""
    mtu: int = 1500
    net: Underlay = Underlay()
    nodes: tuple[tuple[str, str], ...] = ()


class Part(NamedTuple):
    """One process: its actor, its name, its configuration."""

    actor: type[Actor]
    name: str
    config: Body


def worker(
    number: int, access: Access, shape: Shape | None = None, preloaded: tuple[Image, ...] = (), plan: NetworkPlan | None = None
) -> tuple[Part, ...]:  # fmt: skip
    """The processes of ``node-<number>``, in the order in which they are started. ``access`` says where the API is and when
    the clock began; its user is not used: each component has its own."""
    shape = shape or Shape()
    own = shape.processes
    return _parts(f"node-{number}", str(number), number, access, shape, preloaded, shape.files, own, plan or NetworkPlan())


def manager(
    number: int, access: Access, images: tuple[Image, ...], proxy: str = "iptables", plan: NetworkPlan | None = None,
    runtime: str = "containerd",
) -> tuple[Part, ...]:  # fmt: skip
    """The same for ``cp-<number>``, where the kubelet runs the control plane as static pods."""
    taints = (("node-role.kubernetes.io/control-plane", "", "NoSchedule"),)
    shape = Shape(roles=("control-plane",), taints=taints, proxy=proxy, runtime=runtime)
    files = tuple((f"{FOLDER}/{name}.json", json.dumps(manifest(name, image))) for name, image, _ in COMPONENTS)
    processes = tuple((kind, f"{kind}-{number}") for _, _, kind in COMPONENTS)
    wanted = tuple(image for image in images if image.program.process)
    name, plan = f"cp-{number}", plan or NetworkPlan()
    return _parts(name, name, MANAGERS + number, access, shape, wanted, files, processes, plan)


AGENTS: dict[str, tuple[type[Agent], str]] = {
    "flannel": (Flannel, "kube-flannel:flannel"),
    "calico": (Calico, "kube-system:calico-node"),
    "weave": (Weave, "kube-system:weave-net"),
    "cilium": (Cilium, "kube-system:cilium"),
    "aws-vpc-cni": (AwsNode, "kube-system:aws-node"),
}
"""The agent of each plugin, and its service account."""
COMPONENTS = (
    ("etcd", "registry.k8s.io/etcd:3.6.5-0", "etcd"),
    ("kube-apiserver", "registry.k8s.io/kube-apiserver:v1.36.2", "api"),
    ("kube-controller-manager", "registry.k8s.io/kube-controller-manager:v1.36.2", "controller-manager"),
    ("kube-scheduler", "registry.k8s.io/kube-scheduler:v1.36.2", "scheduler"),
)
"""Name of the static pod, its image, and the kind of process that it is."""


def manifest(name: str, image: str) -> dict[str, Any]:
    """The manifest of one component, as kubeadm writes it to the folder of manifests."""
    container = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "command": [name]}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system", "labels": {"component": name, "tier": "control-plane"}},
        "spec": {
            "hostNetwork": True, "priorityClassName": "system-node-critical", "priority": 2_000_001_000,
            "containers": [container],
        },
    }  # fmt: skip


def _parts(
    node: str, suffix: str, number: int, access: Access, shape: Shape, preloaded: tuple[Image, ...],
    files: tuple[tuple[str, str], ...], processes: tuple[tuple[str, str], ...], plan: NetworkPlan,
) -> tuple[Part, ...]:  # fmt: skip
    flavour = FLAVOURS[shape.runtime]
    runtime, shim = f"{flavour.processes[0]}-{suffix}", shim_of(number)
    cni, own = f"cni-{suffix}", address(number, shape.place)
    cidr = pod_cidr(number) if plan.plugin in ("bridge", "flannel") else ""
    kubelet = KubeletConfig(
        access.api, f"system:node:{node}", access.epoch, node=node, runtime=runtime, shim=shim, address=own,
        pod_cidr=cidr, cpu=shape.cpu, memory=shape.memory, pods=shape.pods, parallel_pulls=shape.parallel_pulls,
        disk=shape.disk, labels=shape.labels, drivers=shape.drivers, roles=shape.roles, taints=shape.taints,
        runtime_kind=flavour.name,
    )  # fmt: skip
    cpu, memory = quantity.milli(shape.cpu), quantity.value(shape.memory)
    agent = _agent(node, suffix, number, own, access, shape, plan)
    kernel = ShimConfig(
        f"{flavour.processes[-1]}-{suffix}", access.epoch, cpu, memory, files, node, own, plan.net, processes, root=shape.disk,
        disks=shape.disks, setup=shape.setup,
    )  # fmt: skip
    parts = (
        Part(Shim, shim, kernel),
        Part(Cni, cni, CniConfig(cidr, plan.plugin, shim, agent[0].name if agent else "", plan.mtu)),
        *_runtime(suffix, shim, cni, flavour, preloaded, plan),
        Part(Kubelet, f"kubelet-{suffix}", kubelet),
    )
    if plan.plugin == "cilium":
        return (*parts, *agent)
    proxy = KubeProxyConfig(
        access.api, "system:kube-proxy", access.epoch, node=node, kernel=shim, mode=shape.proxy, addresses=(own,),
        cluster_cidr=CLUSTER_CIDRS[plan.plugin],
    )  # fmt: skip
    return (*parts, Part(KubeProxy, f"kube-proxy-{suffix}", proxy), *agent)


def _runtime(
    suffix: str, shim: str, cni: str, flavour: Flavour, preloaded: tuple[Image, ...], plan: NetworkPlan
) -> tuple[Part, ...]:  # fmt: skip
    """The container runtime, from the shims upwards."""
    if flavour.name != "docker":
        config = RuntimeConfig(REGISTRY, shim, cni, flavour.name, plan.plugin, preloaded)
        return (Part(Runtime, f"{flavour.keeper}-{suffix}", config),)
    adapter, keeper, tasks = (f"{process}-{suffix}" for process in flavour.processes)
    return (
        Part(Passing, tasks, PassConfig(keeper, shim)),
        Part(Runtime, keeper, RuntimeConfig(REGISTRY, tasks, adapter, flavour.name, plan.plugin, preloaded)),
        Part(CriDockerd, adapter, PassConfig(f"kubelet-{suffix}", keeper, cni)),
    )


def _agent(
    node: str, suffix: str, number: int, own: str, access: Access, shape: Shape, plan: NetworkPlan
) -> tuple[Part, ...]:  # fmt: skip
    """The agent of the network plugin, if it has one."""
    if plan.plugin not in AGENTS:
        return ()
    actor, user = AGENTS[plan.plugin]
    kind, cidr = ways_of(plan.plugin).agent, f"10.{number >> 8}.{number & 255}.0/24" if plan.plugin == "cilium" else ""
    block = next(((first, last) for first, last, machine in plan.net.blocks if machine == number), (0, 0))
    config = AgentConfig(
        access.api, f"system:serviceaccount:{user}", access.epoch, node=node, address=own, kernel=f"shim-{suffix}",
        runtime=f"{FLAVOURS[shape.runtime].processes[0]}-{suffix}", plugin=plan.plugin,
        pod_cidr=cidr, mode=plan.mode, mtu=plan.mtu, enis=shape.enis[0],
        ips=shape.enis[1], block=block, peers=tuple((name, f"{kind}-{end}") for name, end in plan.nodes if name != node),
    )  # fmt: skip
    return (Part(actor, f"{kind}-{suffix}", config),)
