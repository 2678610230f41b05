"""One part of a cluster's view at a time."""

from __future__ import annotations

from typing import Any

from k8s_tutor.cluster import Cluster


def part(cluster: Cluster, name: str) -> Any:
    """The part of the view with that name (``raft``, ``log`` ...); the very same object while unchanged."""
    lazily = getattr(cluster, "part", None)
    return lazily(name) if lazily is not None else getattr(cluster.view(), name)
