"""ImageLocality: nodes that have the images already are a little better (plugins/imagelocality)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_tutor.scheduler.framework import MAX_SCORE, Cluster, Plugin
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo

_MB = 1024 * 1024
LEAST = 23 * _MB
MOST = 1000 * _MB
"""Per container."""


def normalised(image: str) -> str:
    """With ``:latest`` when there is no tag."""
    return image if ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"


class ImageLocality(Plugin):
    """Bytes that need not be pulled, each image counted by how widely it is spread."""

    name = "ImageLocality"
    weight = 1

    def pre_score(self, pod: PodInfo, cluster: Cluster, feasible: Sequence[NodeInfo]) -> Any:
        spec = pod.pod.spec
        names = [normalised(c.image or "") for c in (*(spec.initContainers or ()), *(spec.containers or ()))]
        having = [info.images for info in cluster.nodes if info.images]
        holders = tuple((name, sum(1 for images in having if name in images)) for name in names)
        return holders, max(len(cluster.nodes), 1)

    def score(self, state: Any, pod: PodInfo, feasible: Sequence[NodeInfo]) -> list[int]:
        holders, nodes = state
        if not any(count for _, count in holders):
            return [0] * len(feasible)
        most, scores = MOST * len(holders), []
        for info in feasible:
            found: int = sum(info.images[name] * count // nodes for name, count in holders if name in info.images)
            scores.append(MAX_SCORE * (min(max(found, LEAST), most) - LEAST) // (most - LEAST))
        return scores
