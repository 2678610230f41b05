"""B6: what a large Deployment costs, from apply to all its pods in the EndpointSlices, the whole cluster included."""

from __future__ import annotations

import gc
import time
from typing import Any

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.server import ApiServer
from k8s_tutor.bench.measure import Row
from k8s_tutor.cluster import ClusterSpec, inputs
from k8s_tutor.cluster.apply import apply
from k8s_tutor.cluster.cluster import booted
from k8s_tutor.sim import SECOND, World

NODES = 100
REPLICAS = 1_000
KWOK = 167.0
"""Pods a second that KWOK itself can serve (its README says 20)."""
LOOK = SECOND
"""How often it is looked whether all is there, in virtual time."""
MOST = 600 * SECOND
CONTROLLERS = {"endpoint_updates_batch_period": "500ms", "endpointslice_updates_batch_period": "500ms"}
"""As clusters of this size are run: without it every pod that becomes ready writes the addresses of all of them again."""


def _manifests(replicas: int) -> list[dict[str, Any]]:
    labels = {"app": "web"}
    container = {"name": "web", "image": "nginx:1.27", "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"port": 80}]}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service},
    ]


def ready(world: World) -> int:
    """Ready backends in the EndpointSlices of the Service, as the first API server knows them."""
    server = world.running["api-1"]
    assert isinstance(server, ApiServer)
    slices = [scheme.tree(item.data) for item in server.caches.kinds["EndpointSlice"].items.values()]
    mine = [one for one in slices if (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == "web"]
    return sum(bool(place["conditions"].get("ready")) for one in mine for place in one.get("endpoints") or ())


def rate(replicas: int = REPLICAS, nodes: int = NODES) -> float:
    """Pods a second of CPU. Three managers; nodes whose kubelets say what their pods would do, as KWOK's. Raises RuntimeError
    when the pods do not come up."""
    world = booted(ClusterSpec.model_validate(
        {"managers": 3, "workers": nodes, "kubelets": "plain", "controllers": CONTROLLERS}
    ))  # fmt: skip
    text = msgspec.json.encode(_manifests(replicas)).decode()
    gc.collect()
    start, end = time.process_time(), world.now + MOST
    apply(world, inputs.Kubectl("apply -f web.yaml", (("web.yaml", text),)))
    while ready(world) < replicas:
        if world.now > end:
            raise RuntimeError(f"only {ready(world)} of {replicas} pods are ready after {MOST // SECOND} s")
        world.run_until(world.now + LOOK)
    return replicas / (time.process_time() - start)


def rows() -> list[Row]:
    """B6. The peer is KWOK's own limit."""
    ours = rate()
    what = "Deployment of 1,000 replicas on 100 nodes, from apply to all ready, pods a second of CPU"
    return [Row("B6", what, "/s", ours, KWOK, ours / KWOK, ">= 3; then 6", 1, "peer: KWOK's own limit")]
