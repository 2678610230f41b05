"""A specification becomes a world: machines, cables, and the processes on them."""

from __future__ import annotations

from k8s_tutor.api.component import Component
from k8s_tutor.api.election import Elected
from k8s_tutor.cluster.gateway import BALANCER
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.kubectl.console import Console, ConsoleConfig
from k8s_tutor.net.loadbalancer import LoadBalancer
from k8s_tutor.node.kubelet import Kubelet
from k8s_tutor.node.metrics_server import MetricsServer
from k8s_tutor.node.plain import PlainKubelet
from k8s_tutor.node.prometheus_adapter import PrometheusAdapter
from k8s_tutor.node.shim import Shim
from k8s_tutor.raft import Role
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.sim import Link, World

ADMIN = "kubernetes-admin"
ADD_ONS = (MetricsServer, PrometheusAdapter)
"""Components that may read only once their rights have been installed."""
INSTALLER = "installer"
"""The console that applies a specification's manifests; nobody sits at it."""


def build(spec: ClusterSpec) -> World:
    """A world in which everything has just been switched on."""
    world = World(spec.seed, Link(latency=spec.latency, jitter=spec.jitter, loss=round(spec.loss * 1_000_000)))
    for room, members in spec.rooms.items():
        for member in members:
            world.network.rooms[member] = room
    _etcd(world, spec)
    if spec.components == "all":
        from k8s_tutor.cluster.kubernetes import add_kubernetes

        add_kubernetes(world, spec)
    _consoles(world, spec)
    return world


def _etcd(world: World, spec: ClusterSpec) -> None:
    peers = tuple((i, f"etcd-{i}") for i in range(1, spec.managers + 1))
    for ident, name in peers:
        founder = spec.settle and ident == 1
        etcd = spec.etcd
        config = MemberConfig(
            ident, peers, spec.consensus, spec.seed, etcd.heartbeat, etcd.election // etcd.heartbeat, pre_vote=spec.pre_vote,
            first=founder, snapshot_count=etcd.snapshot_count, catch_up=etcd.catch_up, quota=etcd.quota,
        )  # fmt: skip
        world.add(Member, name, config, host=f"cp-{ident}")


def _consoles(world: World, spec: ClusterSpec) -> None:
    """Your own console, which reaches everything, and those that sit in a room and talk to its managers."""
    everywhere = tuple(f"etcd-{i}" for i in range(1, spec.managers + 1))
    users = tuple((one.user, tuple(one.groups), one.token) for one in spec.tokens)
    own = ConsoleConfig(BALANCER, ADMIN, spec.epoch, everywhere, users, machines_of(world))
    world.add(Console, "you", own, host="you-host")
    if spec.manifests or spec.operators or spec.metrics or spec.custom_metrics:
        world.add(Console, INSTALLER, ConsoleConfig(BALANCER, ADMIN, spec.epoch, everywhere), host=f"{INSTALLER}-host")
    for name, client in spec.clients.items():
        if not client.room:
            world.add(Console, name, own, host=f"{name}-host")
            continue
        numbers = [member.removeprefix("cp-") for member in spec.rooms[client.room] if member.startswith("cp-")]
        config = ConsoleConfig(f"api-{numbers[0]}", ADMIN, spec.epoch, tuple(f"etcd-{number}" for number in numbers), users)
        world.add(Console, name, config, host=f"{name}-host")
        world.network.rooms[f"{name}-host"] = client.room


def machines_of(world: World) -> tuple[tuple[str, str], ...]:
    """Where ``ssh`` leads: (machine, process that stands for its kernel)."""
    return tuple((one.host, name) for name, one in world.processes.items() if one.actor is Shim)


def is_up(world: World) -> bool:
    """Whether a cluster that was switched on has a leader and, if it is more than etcd, API servers that take requests and
    components that watch what they want to know, holders of the Leases, and workers that take pods."""
    led = any(isinstance(actor, Member) and actor.node.role is Role.LEADER for actor in world.running.values())
    balancer = world.running.get(BALANCER)
    if not led or not isinstance(balancer, LoadBalancer):
        return led
    if not all(server in balancer.heard for server in balancer.config.servers):
        return False
    components = [
        actor for actor in world.running.values() if isinstance(actor, Component) and not isinstance(actor, ADD_ONS)
    ]  # fmt: skip
    elected = [one for one in components if isinstance(one, Elected)]
    standing_by = [one for one in elected if not one.election.leading]
    if {one.election.lease for one in elected} != {one.election.lease for one in elected if one.election.leading}:
        return False
    for component in components:  # asked after every step of the boot: most answers come early
        if component not in standing_by and not all(one.synced and one.watch for one in component.informers()):
            return False
    workers = sum(isinstance(one, (Kubelet, PlainKubelet)) for one in components)
    return all(_takes_pods(one, workers) for one in components if isinstance(one, Scheduler))


def _takes_pods(scheduler: Scheduler, workers: int) -> bool:
    """Whether a scheduler knows all workers, and none of them is tainted any more."""
    return len(scheduler.nodes) == workers and not any(node.spec is not None and node.spec.taints for node in scheduler.nodes)
