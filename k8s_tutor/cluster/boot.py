"""When a cluster that was switched on has come up."""

from __future__ import annotations

from k8s_tutor.api.component import Component
from k8s_tutor.api.election import Elected
from k8s_tutor.cluster.gateway import BALANCER
from k8s_tutor.etcd.member import Member
from k8s_tutor.net.loadbalancer import LoadBalancer
from k8s_tutor.node.cni.agent import Agent
from k8s_tutor.node.csi.sidecar import Sidecar
from k8s_tutor.node.kubelet import Kubelet
from k8s_tutor.node.metrics_server import MetricsServer
from k8s_tutor.node.plain import PlainKubelet
from k8s_tutor.node.prometheus_adapter import PrometheusAdapter
from k8s_tutor.raft import Role
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.sim import World

ADD_ONS = (MetricsServer, PrometheusAdapter, Sidecar)
"""Components that may read only once their rights have been installed."""


class Boot:
    """Looks whether a cluster has come up. It is asked after every step, so whoever was not ready the last time is asked first:
    the others wait for their turn. Without ``network``: as far as it comes without a network plugin."""

    def __init__(self, world: World, network: bool = True) -> None:
        self.network = network
        kinds = {name: process.actor for name, process in world.processes.items()}
        self.members = [name for name, kind in kinds.items() if issubclass(kind, Member)]
        later = ADD_ONS if network else (*ADD_ONS, Agent)
        self.components = [
            name for name, kind in kinds.items() if issubclass(kind, Component) and not issubclass(kind, later)
        ]  # fmt: skip
        self.elected = [name for name in self.components if issubclass(kinds[name], Elected)]
        self.turn = 0
        """Whom of the components to ask first."""
        self.tainted: dict[str, str] = {}
        """Scheduler → a node that was tainted in its eyes when it was asked last."""

    def is_up(self, world: World) -> bool:
        """Whether the cluster has a leader and, if it is more than etcd, API servers that take requests and components that
        watch what they want to know, holders of the Leases, and schedulers that may use all workers."""
        if not any(_leads(world, name) for name in self.members):
            return False
        balancer = world.running.get(BALANCER)
        if not isinstance(balancer, LoadBalancer):
            return True
        if not all(server in balancer.heard for server in balancer.config.servers) or not self._leases_are_held(world):
            return False
        for _ in self.components:
            component = world.running.get(self.components[self.turn])
            if isinstance(component, Component) and not self._is_ready(world, component):
                return False
            self.turn = (self.turn + 1) % len(self.components)
        return True

    def _leases_are_held(self, world: World) -> bool:
        found = [actor for name in self.elected if isinstance(actor := world.running.get(name), Elected)]
        return {one.election.lease for one in found} == {one.election.lease for one in found if one.election.leading}

    def _is_ready(self, world: World, component: Component) -> bool:
        stands_by = isinstance(component, Elected) and not component.election.leading
        if not stands_by and not all(informer.synced and informer.watch for informer in component.informers()):
            return False
        return not isinstance(component, Scheduler) or self._may_use_all(world, component)

    def _may_use_all(self, world: World, scheduler: Scheduler) -> bool:
        """Whether a scheduler knows all workers, and none of them is tainted any more."""
        nodes = scheduler.nodes.objects
        if not self.network:
            return True
        if _is_tainted(nodes.get(self.tainted.get(scheduler.name, ""))):
            return False
        self.tainted[scheduler.name] = next((name for name, node in nodes.items() if _is_tainted(node)), "")
        workers = sum(isinstance(world.running.get(name), (Kubelet, PlainKubelet)) for name in self.components)
        return not self.tainted[scheduler.name] and len(nodes) == workers


def storage_is_up(world: World) -> bool:
    """Whether all parts of a storage driver know what they need to know."""
    parts = [one for one in world.running.values() if isinstance(one, Sidecar)]
    return all(one.synced and all(informer.watch for informer in one.informers()) for one in parts)


def _leads(world: World, name: str) -> bool:
    member = world.running.get(name)
    return isinstance(member, Member) and member.node.role is Role.LEADER


def _is_tainted(node: object) -> bool:
    """Whether a node has a taint that is not there to stay."""
    spec = getattr(node, "spec", None)
    return spec is not None and any(not taint.key.startswith("node-role.kubernetes.io/") for taint in spec.taints or ())
