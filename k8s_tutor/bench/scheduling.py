"""B5: what it costs the scheduler to find a node for a pod, on a hundred nodes and with all default plugins."""

from __future__ import annotations

import gc
import time
from typing import Any

import msgspec

from k8s_tutor.api.base import ApiConfig
from k8s_tutor.api.component import Access
from k8s_tutor.api.server import ApiServer
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.bench.measure import Row, median
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.scheduler import Scheduler
from k8s_tutor.sim import SECOND, Body, Calling, Context, World

NODES = 100
PODS = 1_000
SAMPLES = 3
REAL = 1_075.0
"""µs of CPU that kube-scheduler takes for a pod."""


class Timed(Scheduler):
    """A scheduler that counts its own CPU time."""

    spent = 0.0

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        start = time.process_time()
        super().receive(ctx, src, body)
        Timed.spent += time.process_time() - start


class Send(Body):
    """Tells the client to send these requests."""

    requests: tuple[Request, ...]


class Client(Calling):
    """Sends requests, all at once."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.left = 0

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        self.left += len(body.requests)
        for request in body.requests:
            self.ask(ctx, "api-1", request, "done")

    def done(self, ctx: Context, answer: Any) -> None:
        """One is done."""
        assert isinstance(answer, Response), answer
        assert answer.code < 300, answer.body
        self.left -= 1


def _node(i: int) -> dict[str, Any]:
    room = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": f"node-{i}", "topology.kubernetes.io/zone": f"zone-{i % 3}"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": ""}
    status = {"capacity": room, "allocatable": room, "conditions": [ready]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{i}", "labels": labels}, "status": status}


def _pod(i: int) -> dict[str, Any]:
    requests = {"cpu": "100m", "memory": "200Mi"}
    container = {"name": "web", "image": "nginx:1.27", "resources": {"requests": requests}}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"web-{i}", "labels": {"app": f"web-{i % 10}"}},
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }  # fmt: skip


def _service(i: int) -> dict[str, Any]:
    spec = {"selector": {"app": f"web-{i}"}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"web-{i}"}, "spec": spec}


def send(world: World, requests: list[Request]) -> None:
    """Sends requests, and lets time pass until all are answered."""
    world.take(len(requests), lambda world, _: world.inject("client", Send(tuple(requests))))
    client = world.running["client"]
    assert isinstance(client, Client)
    world.run_until(world.now + SECOND)
    world.run_until(lambda world: not client.left)


def _create(world: World, path: str, trees: list[dict[str, Any]]) -> None:
    send(world, [Request("POST", path, body=msgspec.json.encode(tree)) for tree in trees])


def _make_ready(world: World) -> None:
    """Takes away the taint that every new node gets."""
    body, form = b'{"spec":{"taints":null}}', "application/merge-patch+json"
    send(world, [Request("PATCH", f"/api/v1/nodes/node-{i}", (), body, form) for i in range(NODES)])


def _schedule(world: World, numbers: range) -> None:
    """Creates pods, and lets time pass until all are bound and the scheduler has seen it."""
    scheduler = world.running["scheduler-1"]
    assert isinstance(scheduler, Scheduler)
    goal = len(scheduler.cache.placed) + len(numbers)
    _create(world, "/api/v1/namespaces/default/pods", [_pod(i) for i in numbers])
    world.run_until(lambda world: len(scheduler.cache.placed) == goal and not scheduler.cache.assumed)
    world.run_until(world.now + SECOND)


def pod_cost() -> float:
    """CPU µs of the scheduler for one pod, all that it hears and says included."""
    world = World(seed=1)
    world.add(Member, "etcd-1", MemberConfig(1, ((1, "etcd-1"),)), host="cp-1")
    world.add(ApiServer, "api-1", ApiConfig("etcd-1"), host="cp-1")
    world.add(Timed, "scheduler-1", Access("api-1", "system:kube-scheduler"), host="cp-1")
    world.add(Client, "client", host="laptop")
    world.run_until(10 * SECOND)
    root = "/api/v1/namespaces/default"
    _create(world, f"{root}/serviceaccounts", [{"metadata": {"name": "default"}}])
    _create(world, "/api/v1/nodes", [_node(i) for i in range(NODES)])
    _make_ready(world)
    _create(world, f"{root}/services", [_service(i) for i in range(10)])
    _schedule(world, range(PODS, PODS + 20))
    gc.collect()
    Timed.spent = 0.0
    _schedule(world, range(PODS))
    return Timed.spent / PODS * 1e6


def rows() -> list[Row]:
    """B5. The peer is what was seen of the real one on such a machine."""
    ours = median([pod_cost() for _ in range(SAMPLES)])
    what = "scheduling with all default plugins, 100 nodes, CPU a pod"
    return [Row("B5", what, "µs", ours, REAL, ours / REAL, "<= 1", SAMPLES, "peer: kube-scheduler, as seen")]
