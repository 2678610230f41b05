"""Short words for what these tests do to clusters."""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.sim import SECOND

Tree = dict[str, Any]


def apply(on: Cluster, *trees: Tree) -> None:
    """Applies manifests, and lets what follows begin."""
    on.give(inputs.Kubectl("apply -f m.yaml", (("m.yaml", json.dumps(trees)),)))
    on.run_until(on.now + 2 * SECOND)
    answer = on.view().console.answers[-1]
    assert answer.code == 0, answer.stderr


def container(name: str, image: str, **fields: Any) -> Tree:
    return {"name": name, "image": image, **fields}


def pod(name: str, image: str, **fields: Any) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [container("c", image, **fields)]},
    }


def deployment(name: str, image: str, replicas: int = 1, annotations: Tree | None = None, **fields: Any) -> Tree:
    meta = {"labels": {"app": name}, "annotations": annotations or {}}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": meta, "spec": {"containers": [container(name, image, **fields)]}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name: str, port: int) -> Tree:
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def scaler(name: str, *metrics: Tree, most: int = 10, **spec: Any) -> Tree:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"minReplicas": 1, "maxReplicas": most, "scaleTargetRef": target, "metrics": list(metrics), **spec},
    }


def cpu(percent: int) -> Tree:
    return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}
