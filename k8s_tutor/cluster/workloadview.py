"""The Kubernetes parts of a view: processes, requests, nodes, pods, Services and verdicts.

Each object is shown once for each state that it was in: what is built again is what has changed, and an item that looks as
it did is the very same object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from k8s_tutor.api import scheme
from k8s_tutor.api.election import Elected
from k8s_tutor.api.server import ApiServer
from k8s_tutor.cluster import podview
from k8s_tutor.cluster.controllerview import SETS, lease_views, queue_views, set_views
from k8s_tutor.cluster.processview import Processes
from k8s_tutor.cluster.queueview import queue_view
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.cluster.storageview import KINDS as STORED
from k8s_tutor.cluster.storageview import kernels, storage_view
from k8s_tutor.cluster.storageviews import StorageView
from k8s_tutor.cluster.tails import RequestTail
from k8s_tutor.cluster.trees import Trees
from k8s_tutor.cluster.usageview import usage_view
from k8s_tutor.cluster.verdictview import Verdicts
from k8s_tutor.cluster.views import (
    ControllersView,
    ControlPlaneView,
    EndpointView,
    NetworkView,
    PodView,
    ProcessView,
    QueuedView,
    RoomView,
    UsageView,
    VerdictView,
    WorkloadView,
)
from k8s_tutor.node.metrics_server import MetricsServer
from k8s_tutor.node.runtime import Runtime
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.sim import World

Part = Callable[[str, Any, Callable[[], Any]], Any]
T = TypeVar("T")
KINDS = ("Node", "Pod", "Deployment", "Service", "EndpointSlice")
"""What the workload is made of."""
LEASES = ("kube-controller-manager", "kube-scheduler")
"""The Leases whose holders a room shows."""


class Memo:
    """For each key what was made of it last, and from what."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, Any]] = {}

    def all(self, facts: Mapping[str, Any], make: Callable[[Any], T]) -> tuple[T, ...]:
        """What ``make`` makes of each of ``facts``; facts that are what they were give the same object as before."""
        before, now = self._known, {}
        for key, fact in facts.items():
            known = before.get(key)
            if known is None or (known[0] is not fact and known[0] != fact):
                made = make(fact)
                known = fact, (known[1] if known is not None and known[1] == made else made)
            now[key] = known
        self._known = now
        return tuple([known[1] for known in now.values()])


class Workload:
    """Builds these parts, and remembers of what it has built them."""

    def __init__(self, spec: ClusterSpec) -> None:
        self._epoch = spec.epoch
        self._workers = spec.worker_count if spec.components == "all" else 0
        self._processes = Processes()
        self._trees = Trees()
        self._storage = StorageView()
        self._requests = RequestTail()
        self._actual = podview.Actual()
        self._verdicts = Verdicts()
        self._queue: tuple[QueuedView, ...] = ()
        self._named: tuple[tuple[str, ...], dict[type[Any], tuple[str, ...]]] = (), {}
        self._standing: tuple[Any, dict[str, tuple[ProcessView, ...]]] = (None, {})
        self._pods, self._nodes, self._deployments = Memo(), Memo(), Memo()
        self._slices, self._services = Memo(), Memo()
        self._built: WorkloadView | None = None
        self._usage = UsageView()
        self._plane: ControlPlaneView | None = None

    def _running(self, world: World, kind: type[T]) -> list[T]:
        """The actors of a kind that run."""
        processes = tuple(world.processes)
        if self._named[0] != processes:
            self._named = processes, {}
        names = self._named[1].get(kind)
        if names is None:
            names = self._named[1][kind] = tuple(one.name for one in world.processes.values() if one.actor is kind)
        return [found for name in names if (found := world.running.get(name)) is not None]  # type: ignore[misc]

    # ------------------------------------------------------------------ control plane

    def control_plane(self, world: World, part: Part) -> ControlPlaneView:
        """The managers and what goes through their API servers."""

        def make() -> ControlPlaneView:
            machines, requests = self._processes.managers(world), self._requests.view(world)
            plane = self._plane
            if plane is None or plane.machines != machines or plane.requests != requests:
                plane = self._plane = ControlPlaneView(machines=machines, requests=requests)
            return plane

        return part("control_plane", (world.stamp, world.events), make)  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ workload

    def server(self, world: World) -> ApiServer | None:
        """The API server that is read when none is named: of those that run, the one that knows most."""
        return max(self._running(world, ApiServer), key=lambda server: server.caches.revision, default=None)

    def workload(self, world: World, part: Part) -> WorkloadView:
        """Nodes, pods, Deployments and Services."""
        server = self.server(world)
        known = tuple([server.caches.kinds[kind].last for kind in KINDS]) if server is not None else ()
        runtimes = tuple([runtime.version for runtime in self._running(world, Runtime)])
        faults = (tuple(world.down), tuple(world.paused), tuple(world.dead_hosts))
        key = (world, server.name if server is not None else "", known, runtimes, faults)
        return part("workload", key, lambda: self._make(world, server))  # type: ignore[no-any-return]

    def _make(self, world: World, server: ApiServer | None) -> WorkloadView:
        trees = {kind: self._trees.of(server, kind) for kind in KINDS}
        actual = self._actual.look(world)
        pods = self._pods.all({key: (tree, actual.get(key, ())) for key, tree in trees["Pod"].items()}, self._pod)
        made = WorkloadView(
            server=server.name if server else "",
            nodes=self._nodes.all(self._node_facts(world, trees["Node"], pods), podview.node_view),
            pods=pods,
            deployments=self._deployments.all(trees["Deployment"], lambda tree: podview.deployment_view(tree, self._epoch)),
            services=self._services.all(self._service_facts(trees), lambda facts: podview.service_view(*facts)),
        )
        if self._built is None or self._built != made:
            self._built = made
        return self._built

    def _pod(self, fact: tuple[Any, tuple[tuple[str, str], ...]]) -> PodView:
        return podview.pod_view(fact[0], dict(fact[1]), self._epoch)

    def _node_facts(self, world: World, trees: Mapping[str, Any], pods: tuple[PodView, ...]) -> dict[str, podview.NodeFacts]:
        mine: dict[str, list[PodView]] = {}
        for pod in pods:
            mine.setdefault(pod.node, []).append(pod)
        processes = self._worker_processes(world)
        rooms, running = world.network.rooms, self._actual.running
        return {
            name: podview.NodeFacts(
                name, rooms.get(name, ""), name not in world.dead_hosts, running.get(name, 0), trees.get(name),
                tuple(mine.get(name, ())), processes[name],
            )
            for name in [f"node-{i}" for i in range(1, self._workers + 1)]
        }  # fmt: skip

    def _worker_processes(self, world: World) -> dict[str, tuple[ProcessView, ...]]:
        """The processes of each worker; of those nothing shows but whether they are up and paused."""
        standing = (tuple(world.down), tuple(world.paused))
        if self._standing[0] != standing:
            names = [f"node-{i}" for i in range(1, self._workers + 1)]
            self._standing = standing, {name: self._processes.of(world, name) for name in names}
        return self._standing[1]

    def _service_facts(self, trees: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Any, tuple[EndpointView, ...]]]:
        """Each Service with the backends in its slices."""
        slices = trees["EndpointSlice"]
        backends: dict[str, tuple[EndpointView, ...]] = {}
        for tree, views in zip(slices.values(), self._slices.all(slices, podview.endpoint_views), strict=True):
            name = podview.service_of(tree)
            backends[name] = backends.get(name, ()) + views
        return {name: (tree, backends.get(name, ())) for name, tree in trees["Service"].items()}

    def usage(self, world: World, part: Part) -> UsageView:
        """What metrics-server has measured."""
        server = next(iter(self._running(world, MetricsServer)), None)
        key = tuple([looks[0] for looks in server.looks.values()]) if server is not None else ()

        def make() -> UsageView:
            fresh = usage_view(server)
            if fresh != self._usage:
                self._usage = fresh
            return self._usage

        return part("usage", key, make)  # type: ignore[no-any-return]

    def storage(self, world: World, part: Part) -> StorageView:
        """Disks and claims."""
        shims, server = kernels(world), self.server(world)
        trees = {kind: self._trees.of(server, kind) for kind in STORED}
        if not shims and not trees["PersistentVolumeClaim"]:
            return self._storage if self._storage == StorageView() else StorageView()
        key = (tuple([one.version for one in shims]), *trees.values())

        def make() -> StorageView:
            fresh = storage_view(shims, trees)
            if fresh != self._storage:
                self._storage = fresh
            return self._storage

        return part("storage", key, make)  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ rooms

    def network(self, world: World, part: Part, known_rooms: tuple[str, ...] = ()) -> NetworkView:
        """Rooms (also those of ``known_rooms`` in which nobody sits), with what each room's own API server says, and cuts."""
        seats = tuple(world.network.rooms.items())
        rooms: dict[str, list[str]] = {room: [] for room in sorted({*known_rooms, *(room for _, room in seats)})}
        for host, room in sorted(seats, key=lambda seat: seat[1]):
            rooms[room].append(host)
        servers = {room: self._server_in(world, hosts) for room, hosts in rooms.items()}
        known = tuple([
            (server.name, server.caches.kinds["Deployment"].last, server.caches.kinds["Lease"].last)
            for server in servers.values() if server is not None
        ])  # fmt: skip
        key = (world, seats, tuple(world.network.cuts), tuple(world.down), tuple(world.paused), known, tuple(rooms))

        def make() -> NetworkView:
            views = tuple(self._room(name, hosts, servers[name]) for name, hosts in rooms.items())
            return NetworkView(rooms=views, cuts=tuple(world.network.cuts))

        return part("network", key, make)  # type: ignore[no-any-return]

    def _room(self, name: str, hosts: list[str], server: ApiServer | None) -> RoomView:
        orders = self._trees.of(server, "Deployment").values()
        views = tuple([podview.deployment_view(tree, self._epoch) for tree in orders])
        holders = _holders(server) if server is not None else ()
        return RoomView(name=name, machines=tuple(hosts), server=server.name if server else "", orders=views, holders=holders)

    # ------------------------------------------------------------------ verdicts and objects

    def verdicts(self, world: World, part: Part) -> tuple[VerdictView, ...]:
        """The latest decisions of all schedulers, oldest first."""
        schedulers = self._running(world, Scheduler)
        key = tuple([scheduler.version for scheduler in schedulers])
        return part("verdicts", key, lambda: self._verdicts.view(schedulers))  # type: ignore[no-any-return]

    def queue(self, world: World, part: Part) -> tuple[QueuedView, ...]:
        """The pods that wait at the scheduler that works, the next one first."""
        schedulers = self._running(world, Scheduler)

        def make() -> tuple[QueuedView, ...]:
            self._queue = queue_view(schedulers, self._queue)
            return self._queue

        return part("queue", tuple([(one.name, one.version) for one in schedulers]), make)  # type: ignore[no-any-return]

    def controllers(self, world: World, part: Part) -> ControllersView:
        """Work queues of who works, elections, and workloads."""
        server = self.server(world)
        elected = tuple([(one.name, one.version) for one in world.running.values() if isinstance(one, Elected)])
        leases = self._trees.of(server, "Lease")
        sets = tuple([self._trees.of(server, kind) for kind in SETS])
        parts = (
            part("queues", elected, lambda: queue_views(world)),
            part("leases", (elected, leases), lambda: lease_views(world, leases, self._epoch)),
            part("sets", sets, lambda: set_views([tree for trees in sets for tree in trees.values()], self._epoch)),
        )
        return part(  # type: ignore[no-any-return]
            "controllers", parts, lambda: ControllersView(queues=parts[0], leases=parts[1], sets=parts[2])
        )

    def objects(self, world: World, kind: str, server: str) -> Mapping[str, Any]:
        """What an API server's watch cache holds of a kind; empty for a server that is down."""
        actor = world.actor(server) if server else self.server(world)
        return self._trees.of(actor, kind) if isinstance(actor, ApiServer) else {}

    def _server_in(self, world: World, hosts: list[str]) -> ApiServer | None:
        """The first API server that runs on one of these machines."""
        machine = world.network.hosts
        return next((one for one in self._running(world, ApiServer) if machine[one.name] in hosts), None)


def _holders(server: ApiServer) -> tuple[tuple[str, str], ...]:
    """(Lease, holder) of the components that elect a leader, as far as this server knows."""
    row, items = scheme.resource("Lease"), server.caches.kinds["Lease"].items
    found = []
    for name in LEASES:
        item = items.get(f"{row.prefix}kube-system/{name}")
        if item is not None:
            found.append((name, scheme.tree(item.data)["spec"].get("holderIdentity", "")))
    return tuple(found)
