"""B7: a large cluster at rest: how much faster than real time it passes, and the memory that it takes."""

from __future__ import annotations

import gc
import resource
import sys
import time

import msgspec

from k8s_tutor.api.wire import Request
from k8s_tutor.bench.measure import Row
from k8s_tutor.bench.scheduling import Client, send
from k8s_tutor.cluster import ClusterSpec
from k8s_tutor.cluster.build import ADMIN
from k8s_tutor.cluster.cluster import booted
from k8s_tutor.controllers import ControllerManager
from k8s_tutor.sim import SECOND, World

NODES = 1_000
PODS = 30
"""On each node."""
AT_ONCE = 500
"""Pods that are created together."""
REST = 30 * SECOND
"""How long is looked at, in virtual time."""
MOST = 600 * SECOND


def _pod(node: int, number: int) -> Request:
    container = {"name": "web", "image": "nginx:1.27", "resources": {"requests": {"cpu": "10m", "memory": "20Mi"}}}
    spec = {"nodeName": f"node-{node}", "containers": [container], "automountServiceAccountToken": False}
    tree = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"web-{node}-{number}"}, "spec": spec}
    return Request("POST", "/api/v1/namespaces/default/pods", body=msgspec.json.encode(tree), user=ADMIN)


def _running(world: World) -> int:
    """Pods that run in the eyes of the controller manager that works."""
    managers = [one for one in world.running.values() if isinstance(one, ControllerManager) and one.working]
    return sum(pod.status is not None and pod.status.phase == "Running" for pod in managers[0].pods.objects.values())


def populated(nodes: int = NODES, pods: int = PODS) -> World:
    """A cluster of three managers whose nodes (as KWOK's, see `rollout`) run so many pods each, at rest. The pods name their
    nodes themselves: what scheduling costs is measured elsewhere. Raises RuntimeError when they do not come up."""
    shapes = {"managers": 3, "workers": nodes, "kubelets": "plain"}
    world = booted(ClusterSpec.model_validate(shapes))
    world.add(Client, "client", "api-1", host="laptop")
    wanted = [_pod(node, number) for number in range(pods) for node in range(1, nodes + 1)]
    for at in range(0, len(wanted), AT_ONCE):
        send(world, wanted[at : at + AT_ONCE])
    end = world.now + MOST
    while _running(world) < len(wanted):
        if world.now > end:
            raise RuntimeError(f"only {_running(world)} of {len(wanted)} pods run after {MOST // SECOND} s")
        world.run_until(world.now + SECOND)
    world.run_until(world.now + REST)
    return world


def rest(world: World, span: int = REST) -> float:
    """Virtual seconds that pass in a second of CPU."""
    gc.collect()
    start, end = time.process_time(), world.now + span
    world.run_until(end, limit=sys.maxsize)
    return span / SECOND / (time.process_time() - start)


def rows() -> list[Row]:
    """B7, its first part. The peer is real time."""
    ours = rest(populated())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    what = f"{NODES:,} nodes and {NODES * PODS:,} pods at rest, virtual seconds a second of CPU"
    return [Row("B7", what, "s/s", ours, 1.0, ours, ">= 5", 1, f"peer: real time; the process has taken {memory:,} MiB")]
