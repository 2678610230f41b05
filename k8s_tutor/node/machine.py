"""The processes of one worker machine, ready to be put on a host, and the registry that all machines share."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.api import quantity
from k8s_tutor.api.component import Access
from k8s_tutor.node.addresses import address, pod_cidr
from k8s_tutor.node.cni import Cni, CniConfig
from k8s_tutor.node.image_service import RuntimeConfig
from k8s_tutor.node.images import Image
from k8s_tutor.node.kube_proxy import KubeProxy, KubeProxyConfig
from k8s_tutor.node.kubelet import Kubelet, KubeletConfig
from k8s_tutor.node.runtime import Runtime
from k8s_tutor.node.shim import Shim, ShimConfig
from k8s_tutor.sim import Actor, Body

REGISTRY = "registry"


class Shape(NamedTuple):
    """What a worker machine has."""

    cpu: str = "4"
    memory: str = "8Gi"
    pods: int = 110
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str, str], ...] = ()
    parallel_pulls: int = 1
    disk: int = 62_725_623_808


class Part(NamedTuple):
    """One process: its actor, its name, its configuration."""

    actor: type[Actor]
    name: str
    config: Body


def worker(number: int, access: Access, shape: Shape | None = None, preloaded: tuple[Image, ...] = ()) -> tuple[Part, ...]:
    """The processes of ``node-<number>``, in the order in which they are started. ``access`` says where the API is and when
    the clock began; its user is not used: each component has its own."""
    shape = shape or Shape()
    node, cidr = f"node-{number}", pod_cidr(number)
    runtime, shim, cni = f"containerd-{number}", f"shim-{number}", f"cni-{number}"
    kubelet = KubeletConfig(
        access.api, f"system:node:{node}", access.epoch, node=node, runtime=runtime, shim=shim,
        address=address(number), pod_cidr=cidr,
        cpu=shape.cpu, memory=shape.memory, pods=shape.pods,
        parallel_pulls=shape.parallel_pulls, disk=shape.disk, labels=shape.labels, taints=shape.taints,
    )  # fmt: skip
    proxy = KubeProxyConfig(access.api, "system:kube-proxy", access.epoch, node=node, kernel=shim)
    return (
        Part(Shim, shim, ShimConfig(runtime, access.epoch, quantity.milli(shape.cpu), quantity.value(shape.memory))),
        Part(Cni, cni, CniConfig(cidr)),
        Part(Runtime, runtime, RuntimeConfig(REGISTRY, shim, cni, preloaded=preloaded)),
        Part(Kubelet, f"kubelet-{number}", kubelet),
        Part(KubeProxy, f"kube-proxy-{number}", proxy),
    )
