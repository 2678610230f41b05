"""Which nodes a DaemonSet is for, and the pods that it makes (pkg/controller/daemon/daemon_controller.go
NodeShouldRunDaemonPod, util/daemonset_util.go). The scheduler binds them: each pod accepts one node only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8s_tutor.api.selectors import Requirement
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.eviction import tolerates
from k8s_tutor.controllers.history import UNIQUE
from k8s_tutor.controllers.objects import Tree
from k8s_tutor.controllers.podowner import new_pod

GENERATION = "pod-template-generation"
_GENERATION_NOTE = "deprecated.daemonset.template.generation"
_TOLERATIONS = (
    ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
)  # fmt: skip
_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": "gt", "Lt": "lt"}
_HOST_NETWORK = ("network-unavailable", "NoSchedule")


class Fit(NamedTuple):
    """Whether a node is to have a pod, and whether a pod that is there may stay."""

    run: bool
    stay: bool


class Toleration(NamedTuple):
    """A toleration of a daemon pod, with the fields of the typed struct."""

    key: str
    operator: str
    effect: str
    value: str = ""


def fit(ds: Any, node: Any) -> Fit:
    """What a node is to this DaemonSet."""
    spec = ds.spec.template.spec
    if spec.nodeName and spec.nodeName != node.metadata.name:
        return Fit(False, False)
    if not _selected(spec, node):
        return Fit(False, False)
    tolerations = [*(spec.tolerations or ()), *_own_tolerations(spec)]
    effects = [
        taint.effect for taint in (node.spec and node.spec.taints) or ()
        if not any(tolerates(toleration, taint) for toleration in tolerations)
    ]  # fmt: skip
    return Fit("NoSchedule" not in effects and "NoExecute" not in effects, "NoExecute" not in effects)


def _own_tolerations(spec: Any) -> list[Toleration]:
    rows = [*_TOLERATIONS, *([_HOST_NETWORK] if spec.hostNetwork else [])]
    return [Toleration(f"node.kubernetes.io/{name}", "Exists", effect) for name, effect in rows]


def _selected(spec: Any, node: Any) -> bool:
    labels = node.metadata.labels or {}
    if any(labels.get(name) != value for name, value in (spec.nodeSelector or {}).items()):
        return False
    affinity = spec.affinity.nodeAffinity if spec.affinity is not None else None
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity is not None else None
    return required is None or any(_term_matches(term, node) for term in required.nodeSelectorTerms)


def _term_matches(term: Any, node: Any) -> bool:
    expressions, fields = term.matchExpressions or (), term.matchFields or ()
    if not expressions and not fields:
        return False
    names = {"metadata.name": node.metadata.name}
    return _all(expressions, node.metadata.labels or {}) and _all(fields, names)


def _all(requirements: Iterable[Any], labels: dict[str, str]) -> bool:
    return all(Requirement(one.key, _OPERATORS[one.operator], tuple(one.values or ())).matches(labels) for one in requirements)


def template_generation(ds: Any) -> str:
    """The number of the template, as an old annotation keeps it."""
    return str((ds.metadata.annotations or {}).get(_GENERATION_NOTE, ""))


def pod_tree(ds: Any, node: str, digest: str) -> Tree:
    """The pod for this node. ``digest``: hash of the template's revision."""
    tree = new_pod(ds, objects.tree_of(ds.spec.template))
    spec = dict(tree["spec"])
    present = spec.get("tolerations", [])
    own = [{"key": one.key, "operator": one.operator, "effect": one.effect} for one in _own_tolerations(ds.spec.template.spec)]
    spec["tolerations"] = [*present, *(one for one in own if one not in present)]
    affinity = dict(spec.get("affinity", {}))
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    affinity["nodeAffinity"] = {**affinity.get("nodeAffinity", {}), **required}
    spec["affinity"] = affinity
    labels = {**tree["metadata"].get("labels", {}), UNIQUE: digest}
    if template_generation(ds):
        labels[GENERATION] = template_generation(ds)
    return {**tree, "metadata": {**tree["metadata"], "labels": labels}, "spec": spec}


def target(pod: Any) -> str:
    """The node that a pod is on, or that it was made for."""
    if pod.spec.nodeName:
        return str(pod.spec.nodeName)
    affinity = pod.spec.affinity.nodeAffinity if pod.spec.affinity is not None else None
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity is not None else None
    for term in required.nodeSelectorTerms if required is not None else ():
        for field in term.matchFields or ():
            if field.key == "metadata.name" and field.operator == "In" and len(field.values or ()) == 1:
                return str(field.values[0])
    return ""
