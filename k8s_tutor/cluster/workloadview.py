"""What runs on the cluster: machines and processes, requests, nodes, pods, Services, as one API server tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.cluster.views import (
    ControlPlaneView,
    MachineView,
    ProcessView,
    VerdictView,
    WorkloadView,
)
from k8s_tutor.etcd.member import Member
from k8s_tutor.raft import Role
from k8s_tutor.sim import World

Part = Callable[[str, Any, Callable[[], Any]], Any]

KINDS = {
    "etcd": "etcd", "api": "api", "scheduler": "scheduler", "controller-manager": "controller-manager", "kubelet": "kubelet",
    "containerd": "runtime", "cni": "cni", "kube-proxy": "proxy",
}  # fmt: skip


def kind_of(process: str) -> str:
    """``kubelet`` of ``kubelet-1``; empty for what is no part of a machine."""
    return KINDS.get(process.rstrip("0123456789").rstrip("-"), "")


class Workload:
    """Builds the Kubernetes parts of a view."""

    def __init__(self, spec: ClusterSpec) -> None:
        self._managers = [f"cp-{i}" for i in range(1, spec.managers + 1)]

    def _processes(self, world: World, machine: str) -> tuple[ProcessView, ...]:
        return tuple(_process(world, name) for name, host in world.network.hosts.items() if host == machine)

    def control_plane(self, world: World, part: Part) -> ControlPlaneView:
        """The managers and what goes through them."""

        def make() -> ControlPlaneView:
            machines = tuple(
                MachineView(
                    name=machine, room=world.network.rooms.get(machine, ""), up=machine not in world.dead_hosts,
                    processes=self._processes(world, machine),
                )
                for machine in self._managers
            )  # fmt: skip
            return ControlPlaneView(machines=machines, requests=())

        return part("control_plane", (world.stamp, world.events), make)  # type: ignore[no-any-return]

    def workload(self, world: World, part: Part) -> WorkloadView:
        """Nodes, pods and Services."""
        return part("workload", 0, lambda: WorkloadView(server="", nodes=(), pods=(), deployments=(), services=()))  # type: ignore[no-any-return]

    def verdicts(self, world: World, part: Part) -> tuple[VerdictView, ...]:
        """What the scheduler has decided, and why."""
        return ()

    def objects(self, world: World, kind: str, server: str) -> Mapping[str, Any]:
        """What an API server's watch cache holds."""
        return {}


def _process(world: World, name: str) -> ProcessView:
    actor = world.actor(name)
    leading = isinstance(actor, Member) and actor.node.role is Role.LEADER
    return ProcessView(
        name=name, machine=world.network.hosts[name], kind=kind_of(name), up=actor is not None, paused=name in world.paused,
        leading=leading, queue=(), doing="",
    )  # fmt: skip
