"""The Kubernetes part of a world: load balancer, API servers, schedulers and controller managers, registry and workers."""

from __future__ import annotations

import json

from k8s_tutor.api.authn import Token
from k8s_tutor.api.base import ApiConfig
from k8s_tutor.api.component import Access
from k8s_tutor.api.server import ApiServer
from k8s_tutor.cluster import coredns, ingress_nginx, networking
from k8s_tutor.cluster.gateway import BALANCER
from k8s_tutor.cluster.images import images_of
from k8s_tutor.cluster.lvm import add_storage, drivers_of, setup_of
from k8s_tutor.cluster.spec import ClusterSpec, WorkerSpec
from k8s_tutor.controllers.manager import CERTIFICATE, ControllerManager, ManagerConfig
from k8s_tutor.net import cloud
from k8s_tutor.net.client import Client, ClientConfig
from k8s_tutor.net.cloud import Cloud
from k8s_tutor.net.loadbalancer import LoadBalancer, LoadBalancerConfig
from k8s_tutor.node import metrics_server, prometheus_adapter
from k8s_tutor.node.addresses import MANAGERS, address
from k8s_tutor.node.dns import upstream
from k8s_tutor.node.dns.coredns import COREDNS_USER, CoreDns, CoreDnsConfig
from k8s_tutor.node.dns.upstream import Upstream, UpstreamConfig
from k8s_tutor.node.ingress.controller import INGRESS_USER, KIND, IngressController
from k8s_tutor.node.machine import REGISTRY, NetworkPlan, Shape, manager, worker
from k8s_tutor.node.metrics_server import MetricsServer
from k8s_tutor.node.plain import PlainConfig, PlainKubelet
from k8s_tutor.node.prometheus_adapter import PrometheusAdapter
from k8s_tutor.node.registry import Registry, RegistryConfig
from k8s_tutor.node.shim import Shim
from k8s_tutor.node.static_pods import FOLDER
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.scheduler.profiles import SchedulerConfig
from k8s_tutor.sim import World


def add_kubernetes(world: World, spec: ClusterSpec) -> None:
    """Adds everything but etcd and the consoles."""
    servers = tuple(f"api-{i}" for i in range(1, spec.managers + 1))
    for i in range(1, spec.managers + 1):
        _manager(world, spec, i)
    world.add(LoadBalancer, BALANCER, LoadBalancerConfig(servers), host="lb-host")
    world.add(Registry, REGISTRY, _registry(spec), host="registry-host")
    plan = networking.plan_of(spec)
    if spec.control_plane == "static-pods":
        for i in range(1, spec.managers + 1):
            for part in manager(i, Access(BALANCER, "", spec.epoch), images_of(spec), spec.proxy, plan, spec.runtime):
                world.add(part.actor, part.name, part.config, host=f"cp-{i}")
    for i, shape in enumerate(spec.worker_shapes, start=1):
        _worker(world, spec, i, shape, plan)
    world.add(Upstream, upstream.NAME, UpstreamConfig(), host=f"{upstream.NAME}-host")
    if spec.storage != "none":
        add_storage(world, spec)
    if spec.load_balancer:
        world.add(Cloud, cloud.NAME, Access(BALANCER, cloud.USER, spec.epoch), host=f"{cloud.NAME}-host")
    if spec.kubelets == "full":
        nodes = tuple((one.host, one.config.address) for one in world.processes.values() if one.actor is Shim)
        outside = ClientConfig(nodes, plan.net, cloud.NAME if spec.load_balancer else "")
        world.add(Client, "client-you", outside, host="you-host")
    if spec.metrics:
        access = Access(BALANCER, metrics_server.USER, spec.epoch)
        world.add(MetricsServer, metrics_server.NAME, access, host=f"{metrics_server.NAME}-host")
    if spec.custom_metrics:
        access = Access(BALANCER, prometheus_adapter.USER, spec.epoch)
        world.add(PrometheusAdapter, prometheus_adapter.NAME, access, host=f"{prometheus_adapter.NAME}-host")


def _worker(world: World, spec: ClusterSpec, i: int, shape: WorkerSpec, plan: NetworkPlan) -> None:
    labels, host = tuple(sorted(shape.labels.items())), f"node-{i}"
    if spec.kubelets == "plain":
        config = PlainConfig(
            BALANCER, f"system:node:{host}", spec.epoch, node=host, number=i, cpu=shape.cpu, memory=shape.memory,
            pods=shape.pods, labels=labels, images=images_of(spec),
        )  # fmt: skip
        world.add(PlainKubelet, f"kubelet-{i}", config, host=host)
        return
    names = [pod.get("metadata", {}).get("name", number) for number, pod in enumerate(shape.static_pods)]
    files = tuple((f"{FOLDER}/{name}.json", json.dumps(pod)) for name, pod in zip(names, shape.static_pods, strict=True))
    disks = tuple((one.name, one.size) for one in shape.disks)
    machine = Shape(
        shape.cpu, shape.memory, networking.most_pods(spec, shape), labels, parallel_pulls=shape.parallel_pulls,
        disk=shape.disk, files=files, place=networking.places(spec)[shape.subnet], enis=networking.interfaces(spec, shape),
        proxy=spec.proxy, disks=disks, processes=_processes(spec, i), setup=setup_of(spec, shape), drivers=drivers_of(spec, i),
        runtime=shape.runtime or spec.runtime,
    )  # fmt: skip
    for part in worker(i, Access(BALANCER, "", spec.epoch), machine, plan=plan):
        world.add(part.actor, part.name, part.config, host=host)
    if spec.dns:
        dns = CoreDnsConfig(BALANCER, COREDNS_USER, spec.epoch, upstream=upstream.NAME)
        world.add(CoreDns, coredns.process(i), dns, host=host)
        world.exit(coredns.process(i))
    if spec.ingress:
        world.add(IngressController, ingress_nginx.process(i), Access(BALANCER, INGRESS_USER, spec.epoch), host=host)
        world.exit(ingress_nginx.process(i))


def _processes(spec: ClusterSpec, i: int) -> tuple[tuple[str, str], ...]:
    """(kind, name) of the processes of ``node-<i>`` that are containers of add-ons."""
    wanted = ((spec.dns, coredns.KIND, coredns.process(i)), (spec.ingress, KIND, ingress_nginx.process(i)))
    return tuple((kind, name) for on, kind, name in wanted if on)


def _registry(spec: ClusterSpec) -> RegistryConfig:
    one = spec.registry
    return RegistryConfig(images_of(spec), one.bandwidth, spec.other_images == "serve", one.pull_limit)


def _manager(world: World, spec: ClusterSpec, i: int) -> None:
    host, api = f"cp-{i}", f"api-{i}"
    tokens = tuple(Token(one.token, one.user, tuple(one.groups)) for one in spec.tokens)
    world.add(ApiServer, api, ApiConfig(f"etcd-{i}", spec.epoch, tokens, spec.signing_key, address(MANAGERS + i)), host=host)
    world.add(Scheduler, f"scheduler-{i}", _scheduler(spec, api), host=host)
    world.add(ControllerManager, f"controller-manager-{i}", _controllers(spec, api), host=host)


def _controllers(spec: ClusterSpec, api: str) -> ManagerConfig:
    """The configuration of one controller manager."""
    flags = spec.controllers
    return ManagerConfig(
        api, "system:kube-controller-manager", spec.epoch, spec.certificate or CERTIFICATE, spec.signing_key,
        flags.endpoint_updates_batch_period, flags.endpointslice_updates_batch_period,
    )  # fmt: skip


def _scheduler(spec: ClusterSpec, api: str) -> SchedulerConfig:
    """The configuration of one scheduler."""
    profiles, share = [one.profile() for one in spec.scheduler.profiles], spec.scheduler.percentage_of_nodes
    return SchedulerConfig(api, "system:kube-scheduler", spec.epoch, tuple(profiles), share)
