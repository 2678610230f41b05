"""The Kubernetes part of a world: API servers, schedulers and controller managers on the managers, and the workers."""

from __future__ import annotations

from k8s_tutor.api.base import ApiConfig
from k8s_tutor.api.component import Access
from k8s_tutor.api.server import ApiServer
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.controllers.manager import ControllerManager
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.sim import World


def add_kubernetes(world: World, spec: ClusterSpec) -> None:
    """Adds everything but etcd and the consoles."""
    for i in range(1, spec.managers + 1):
        _manager(world, spec, i)


def _manager(world: World, spec: ClusterSpec, i: int) -> None:
    host, api = f"cp-{i}", f"api-{i}"
    world.add(ApiServer, api, ApiConfig(f"etcd-{i}", spec.epoch), host=host)
    world.add(Scheduler, f"scheduler-{i}", Access(api, "system:kube-scheduler", spec.epoch), host=host)
    access = Access(api, "system:kube-controller-manager", spec.epoch)
    world.add(ControllerManager, f"controller-manager-{i}", access, host=host)
