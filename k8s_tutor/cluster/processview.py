"""Machines and the processes on them."""

from __future__ import annotations

from k8s_tutor.api.election import Elected
from k8s_tutor.cluster.views import MachineView, ProcessView
from k8s_tutor.etcd.member import Member
from k8s_tutor.raft import Role
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.sim import Actor, World

KINDS = {
    "etcd": "etcd", "api": "api", "scheduler": "scheduler", "controller-manager": "controller-manager", "kubelet": "kubelet",
    "containerd": "runtime", "shim": "shim", "cni": "cni", "kube-proxy": "proxy",
}  # fmt: skip
QUEUED = 12


def kind_of(process: str) -> str:
    """``kubelet`` of ``kubelet-1``; empty for what is no part of a machine."""
    return KINDS.get(process.rstrip("0123456789").rstrip("-"), "")


def processes(world: World, machine: str) -> tuple[ProcessView, ...]:
    """The processes of one machine."""
    return tuple(_process(world, name) for name, host in world.network.hosts.items() if host == machine)


def manager_machines(world: World) -> tuple[MachineView, ...]:
    """The managers, in order."""
    machines = dict.fromkeys(host for host in world.network.hosts.values() if host.startswith("cp-"))
    return tuple(
        MachineView(
            name=machine, room=world.network.rooms.get(machine, ""), up=machine not in world.dead_hosts,
            processes=processes(world, machine),
        )
        for machine in machines
    )  # fmt: skip


def _process(world: World, name: str) -> ProcessView:
    actor = world.actor(name)
    leading = (isinstance(actor, Member) and actor.node.role is Role.LEADER) or (
        isinstance(actor, Elected) and actor.election.leading
    )
    return ProcessView(
        name=name, machine=world.network.hosts[name], kind=kind_of(name), up=actor is not None, paused=name in world.paused,
        leading=leading, queue=_queue(actor), doing="",
    )  # fmt: skip


def _queue(actor: Actor | None) -> tuple[str, ...]:
    """Keys that wait in the work queues of a component."""
    if isinstance(actor, Scheduler):
        return tuple(actor.queue.keys("active")[:QUEUED])
    controllers = getattr(actor, "controllers", None)
    if controllers is not None:
        waiting = [f"{one.name} {key}" for one in controllers() for key in (*one.queue.busy, *one.queue.waiting)]
        return tuple(waiting[:QUEUED])
    return ()
