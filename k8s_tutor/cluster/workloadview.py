"""The Kubernetes parts of a view: processes, requests, nodes, pods, Services and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.server import ApiServer
from k8s_tutor.cluster import podview
from k8s_tutor.cluster.processview import manager_machines, processes
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.cluster.views import (
    ControlPlaneView,
    NetworkView,
    PodView,
    RequestView,
    RoomView,
    VerdictView,
    WorkloadView,
)
from k8s_tutor.node.runtime import Runtime
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.sim import Note, World

Part = Callable[[str, Any, Callable[[], Any]], Any]
KINDS = ("Node", "Pod", "Deployment", "Service", "EndpointSlice")
"""What the workload is made of."""
REQUESTS = 20
SCANNED = 4_000
"""Records of the log that are searched for the latest requests."""


class Workload:
    """Builds these parts, and remembers the pods it has built while they stay the same."""

    def __init__(self, spec: ClusterSpec) -> None:
        self._epoch = spec.epoch
        self._workers = spec.worker_count if spec.components == "all" else 0
        self._pods: dict[str, tuple[Any, PodView]] = {}

    # ------------------------------------------------------------------ control plane

    def control_plane(self, world: World, part: Part) -> ControlPlaneView:
        """The managers and what goes through their API servers."""

        def make() -> ControlPlaneView:
            return ControlPlaneView(machines=manager_machines(world), requests=_requests(world))

        return part("control_plane", (world.stamp, world.events), make)  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ workload

    def server(self, world: World) -> ApiServer | None:
        """The API server that is read when none is named: of those that run, the one that knows most."""
        best: ApiServer | None = None
        for actor in world.running.values():
            if isinstance(actor, ApiServer) and (best is None or actor.caches.revision > best.caches.revision):
                best = actor
        return best

    def workload(self, world: World, part: Part) -> WorkloadView:
        """Nodes, pods, Deployments and Services."""
        server = self.server(world)
        known = tuple([server.caches.kinds[kind].last for kind in KINDS]) if server is not None else ()
        runtimes = tuple([actor.version for actor in world.running.values() if isinstance(actor, Runtime)])
        faults = (tuple(world.down), tuple(world.paused), tuple(world.dead_hosts))
        key = (server.name if server is not None else "", known, runtimes, faults)
        return part("workload", key, lambda: self._make(world, server))  # type: ignore[no-any-return]

    def _make(self, world: World, server: ApiServer | None) -> WorkloadView:
        trees = {kind: _trees(server, kind) for kind in KINDS}
        actual = podview.actual_containers(world)
        slices = list(trees["EndpointSlice"].values())
        pods, kept = [], {}
        for key, tree in trees["Pod"].items():
            pod = self._pod(key, tree, actual.get(key, ()))
            kept[key] = pod
            pods.append(pod[1])
        self._pods = kept
        return WorkloadView(
            server=server.name if server else "",
            nodes=tuple(
                podview.node_view(world, f"node-{i}", trees["Node"].get(f"node-{i}"), pods, processes(world, f"node-{i}"))
                for i in range(1, self._workers + 1)
            ),
            pods=tuple(pods),
            deployments=tuple(podview.deployment_view(tree, self._epoch) for tree in trees["Deployment"].values()),
            services=tuple(podview.service_view(tree, slices) for tree in trees["Service"].values()),
        )  # fmt: skip

    def _pod(self, key: str, tree: Any, actual: tuple[tuple[str, str], ...]) -> tuple[Any, PodView]:
        stamp = (tree["metadata"]["resourceVersion"], tree["metadata"]["uid"], actual)
        known = self._pods.get(key)
        if known is not None and known[0] == stamp:
            return known
        return stamp, podview.pod_view(tree, dict(actual), self._epoch)

    # ------------------------------------------------------------------ rooms

    def network(self, world: World, part: Part) -> NetworkView:
        """Rooms, with what each room's own API server says, and cuts."""
        rooms: dict[str, list[str]] = {}
        for host, room in world.network.rooms.items():
            rooms.setdefault(room, []).append(host)
        servers = {room: _server_in(world, hosts) for room, hosts in rooms.items()}
        known = tuple([
            (server.name, server.caches.kinds["Deployment"].last, server.caches.kinds["Lease"].last)
            for server in servers.values() if server is not None
        ])  # fmt: skip
        key = (tuple(world.network.cuts), tuple(world.down), tuple(world.paused), known)

        def make() -> NetworkView:
            views = tuple(self._room(name, hosts, servers[name]) for name, hosts in rooms.items())
            return NetworkView(rooms=views, cuts=tuple(world.network.cuts))

        return part("network", key, make)  # type: ignore[no-any-return]

    def _room(self, name: str, hosts: list[str], server: ApiServer | None) -> RoomView:
        leases = _trees(server, "Lease")
        holders = tuple(
            (lease, leases[f"kube-system/{lease}"]["spec"].get("holderIdentity", ""))
            for lease in ("kube-controller-manager", "kube-scheduler")
            if f"kube-system/{lease}" in leases
        )
        orders = tuple(podview.deployment_view(tree, self._epoch) for tree in _trees(server, "Deployment").values())
        return RoomView(name=name, machines=tuple(hosts), server=server.name if server else "", orders=orders, holders=holders)

    # ------------------------------------------------------------------ verdicts and objects

    def verdicts(self, world: World, part: Part) -> tuple[VerdictView, ...]:
        """The latest decisions of all schedulers, oldest first."""
        schedulers = [actor for actor in world.running.values() if isinstance(actor, Scheduler)]
        key = tuple(actor.version for actor in schedulers)
        return part("verdicts", key, lambda: _verdicts(schedulers))  # type: ignore[no-any-return]

    def objects(self, world: World, kind: str, server: str) -> Mapping[str, Any]:
        """What an API server's watch cache holds of a kind; empty for a server that is down."""
        actor = world.actor(server) if server else self.server(world)
        return _trees(actor, kind) if isinstance(actor, ApiServer) else {}


def _server_in(world: World, hosts: list[str]) -> ApiServer | None:
    """The first API server that runs on one of these machines."""
    for name, host in world.network.hosts.items():
        actor = world.running.get(name)
        if host in hosts and isinstance(actor, ApiServer):
            return actor
    return None


def _trees(server: ApiServer | None, kind: str) -> dict[str, Any]:
    """``namespace/name`` → tree, ordered by key."""
    if server is None or kind not in server.caches.kinds:
        return {}
    row, found = scheme.resource(kind), {}
    items = server.caches.kinds[kind].items
    for key in sorted(items):
        item = items[key]
        found[key.removeprefix(row.prefix)] = scheme.tree(scheme.with_revision(row, item.data, item.revision))
    return found


def _requests(world: World) -> tuple[RequestView, ...]:
    """The latest requests, from what the API servers noted."""
    records, codes, found = world.log.records(), {}, []
    for index in range(len(records) - 1, max(-1, len(records) - 1 - SCANNED), -1):
        note = records[index]
        if not isinstance(note, Note):
            continue
        if note.kind == "api.answer":
            codes[note.fields["id"]] = note.fields["code"]
        elif note.kind == "api.request":
            fields = note.fields
            found.append(RequestView(
                id=fields["id"], server=note.actor, at=note.at, user=fields["user"], verb=fields["verb"], path=fields["path"],
                stages=tuple(fields["stages"]), code=codes.get(fields["id"], 0), work=True,
            ))  # fmt: skip
            if len(found) == REQUESTS:
                break
    return tuple(reversed(found))


def _verdicts(schedulers: list[Scheduler]) -> tuple[VerdictView, ...]:
    found = [
        VerdictView(
            pod=verdict.pod, at=verdict.at, chosen=verdict.chosen, message=verdict.message,
            rows=tuple(
                (node.node, "; ".join(node.reasons), tuple((score.plugin, score.weighted) for score in node.scores), node.total)
                for node in verdict.nodes
            ),
        )
        for scheduler in schedulers
        for verdict in scheduler.verdicts.values()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda verdict: verdict.at)[-50:])
