"""Machines and the processes on them."""

from __future__ import annotations

from k8s_tutor.api.election import Elected
from k8s_tutor.cluster.views import MachineView, ProcessView
from k8s_tutor.etcd.member import Member
from k8s_tutor.node.cni.options import WAYS
from k8s_tutor.raft import Role
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.sim import Actor, World

KINDS = {
    "etcd": "etcd", "api": "api", "scheduler": "scheduler", "controller-manager": "controller-manager", "kubelet": "kubelet",
    "containerd": "runtime", "crio": "runtime", "cri-dockerd": "cri", "dockerd": "docker", "shim": "shim", "cni": "cni",
    "kube-proxy": "proxy",
    **{ways.agent: "network" for ways in WAYS.values() if ways.agent},
}  # fmt: skip
QUEUED = 12


def kind_of(process: str) -> str:
    """``kubelet`` of ``kubelet-1``; empty for what is no part of a machine."""
    return KINDS.get(process.rstrip("0123456789").rstrip("-"), "")


class Processes:
    """The processes of all machines, each shown again as it was while nothing that shows of it has changed."""

    def __init__(self) -> None:
        self._machines: dict[str, tuple[str, ...]] = {}
        self._processes: tuple[str, ...] = ()
        self._known: dict[str, tuple[int, bool, ProcessView]] = {}
        self._shown: dict[str, tuple[ProcessView, ...]] = {}

    def machines(self, world: World) -> dict[str, tuple[str, ...]]:
        """Machine → its processes, which never move."""
        known = tuple(world.processes)
        if known != self._processes:
            found: dict[str, list[str]] = {}
            for name in known:
                found.setdefault(world.network.hosts[name], []).append(name)
            self._machines = {machine: tuple(names) for machine, names in found.items()}
            self._processes = known
        return self._machines

    def of(self, world: World, machine: str) -> tuple[ProcessView, ...]:
        """The processes of one machine; the same tuple while they look the same."""
        found = tuple([self._one(world, name) for name in self.machines(world).get(machine, ())])
        known = self._shown.setdefault(machine, found)
        if known != found:
            known = self._shown[machine] = found
        return known

    def _one(self, world: World, name: str) -> ProcessView:
        actor, paused = world.actor(name), name in world.paused
        version = actor.version if actor is not None else -1
        known = self._known.get(name)
        if known is None or known[0] != version or known[1] != paused:
            view = _process(world, name)
            if known is not None and known[2] == view:
                view = known[2]
            known = self._known[name] = version, paused, view
        return known[2]

    def managers(self, world: World) -> tuple[MachineView, ...]:
        """The managers, in order."""
        return tuple(
            MachineView(
                name=machine, room=world.network.rooms.get(machine, ""), up=machine not in world.dead_hosts,
                processes=self.of(world, machine),
            )
            for machine in self.machines(world)
            if machine.startswith("cp-")
        )  # fmt: skip


def _process(world: World, name: str) -> ProcessView:
    actor = world.actor(name)
    leading = (isinstance(actor, Member) and actor.node.role is Role.LEADER) or (
        isinstance(actor, Elected) and actor.election.leading
    )
    return ProcessView(
        name=name, machine=world.network.hosts[name], kind=kind_of(name), up=actor is not None, paused=name in world.paused,
        leading=leading, queue=_queue(actor), doing=_doing(actor),
    )  # fmt: skip


def _doing(actor: Actor | None) -> str:
    """What a component works on right now."""
    if isinstance(actor, Scheduler):
        return ", ".join(actor.queue.keys("flying")[:1])
    controllers = getattr(actor, "controllers", None)
    if controllers is not None:
        return next((f"{one.name} {key}" for one in controllers() for key in one.queue.busy), "")
    return ""


def _queue(actor: Actor | None) -> tuple[str, ...]:
    """Keys that wait in the work queues of a component."""
    if isinstance(actor, Scheduler):
        return tuple(actor.queue.keys("active")[:QUEUED])
    controllers = getattr(actor, "controllers", None)
    if controllers is not None:
        waiting = [f"{one.name} {key}" for one in controllers() for key in one.queue.waiting]
        return tuple(waiting[:QUEUED])
    return ()
