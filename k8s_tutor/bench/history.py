"""B8 and B9: what it costs to go anywhere in the past, and to keep the past."""

from __future__ import annotations

import json

from k8s_tutor.bench.measure import SAMPLES, Row, cpu, median
from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.cluster.apply import apply
from k8s_tutor.cluster.cluster import booted
from k8s_tutor.sim import SECOND, World, mix

OBJECTS = 1_000
EVENTS = 10_000
BATCH = 10
SPEC = ClusterSpec(managers=3, workers=0, seed=1)


def _manifests() -> list[inputs.Kubectl]:
    """Lines that create all objects, a few each."""
    lines = []
    for first in range(0, OBJECTS, BATCH):
        documents = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"object-{i}"}, "data": {"number": str(i)}}
            for i in range(first, first + BATCH)
        ]
        lines.append(inputs.Kubectl("create -f objects.yaml", (("objects.yaml", json.dumps(documents)),)))
    return lines


def long_run() -> Cluster:
    """A cluster with at least 10,000 events behind it and 1,000 objects in it."""
    cluster = Cluster(SPEC)
    for line in _manifests():
        cluster.give(line)
        cluster.settle()
    cluster.run_until(lambda c: c.events >= EVENTS)
    return cluster


def seek() -> tuple[float, float]:
    """(median, worst) CPU seconds to go to one of 40 moments and build the whole view there."""
    cluster = long_run()
    first, last = cluster.timeline.branch_start, cluster.events
    times = []
    for i in range(40):
        target = first + mix(i + 1) % (last - first)

        def work(target: int = target) -> None:
            cluster.goto(target)
            cluster.view()

        times.append(cpu(work))
    return median(times), max(times)


def _forward(history: bool) -> float:
    """CPU seconds of the same run with a timeline or without."""
    if history:
        cluster = Cluster(SPEC)
        for line in _manifests():
            cluster.give(line)
        return cpu(lambda: cluster.advance(cluster.now + 600 * SECOND, budget=EVENTS))
    world: World = booted(SPEC)
    for line in _manifests():
        world.take(line, apply)

    def work() -> None:
        for _ in range(EVENTS):
            world.step()

    return cpu(work)


def rows() -> list[Row]:
    """B8 and B9."""
    middle, worst = seek()
    kept = [_forward(True) for _ in range(SAMPLES)]
    plain = [_forward(False) for _ in range(SAMPLES)]
    ours, peer = median(kept) * 1000, median(plain) * 1000
    return [
        Row("B8", f"go to any moment of {EVENTS} events over {OBJECTS} objects, with its view", "ms", middle * 1000, 50.0,
            middle * 1000 / 50, "<= 1 (of 50 ms)", 40, f"worst of 40: {worst * 1000:.1f} ms"),
        Row("B9", "the forward run with its history kept, beside without", "ms", ours, peer, ours / peer, "<= 2", SAMPLES),
    ]  # fmt: skip
