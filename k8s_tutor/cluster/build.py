"""A specification becomes a world: machines, cables, and the processes on them."""

from __future__ import annotations

from k8s_tutor.cluster.gateway import BALANCER
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.kubectl.console import Console, ConsoleConfig
from k8s_tutor.kubectl.ssh import HERE
from k8s_tutor.node.shim import Shim
from k8s_tutor.sim import Link, World

ADMIN = "kubernetes-admin"
CLIENT = "client-you"
"""The process that stands for one's own machine."""
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
    add_ons = (
        spec.metrics or spec.custom_metrics or spec.dns or spec.ingress or spec.cni != "bridge" or spec.storage != "none"
    )
    if spec.manifests or spec.operators or add_ons:
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
    machines = tuple((one.host, name) for name, one in world.processes.items() if one.actor is Shim)
    return (*machines, (HERE, CLIENT)) if CLIENT in world.processes else machines
