"""The pods that a Job makes, and those that it gives up (pkg/controller/job/indexed_job_utils.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.job import indexes, policies
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.podowner import new_pod
from k8s_tutor.controllers.requests import STRATEGIC, Write, patch
from k8s_tutor.controllers.victims import deletion_order

FINALIZER = "batch.kubernetes.io/job-tracking"
_VARIABLE = "JOB_COMPLETION_INDEX"
_LONGEST_PREFIX = 58


def is_tracked(pod: Any) -> bool:
    """Whether a pod still waits for being counted."""
    return FINALIZER in (pod.metadata.finalizers or ())


def release(pod: Any) -> Write:
    """Takes the finalizer away: the pod is counted, or not to be counted."""
    return patch(pod, {"metadata": {"$deleteFromPrimitiveList/finalizers": [FINALIZER]}}, content_type=STRATEGIC)


def pod_tree(job: Any, index: int, before: Any) -> Tree:
    """A new pod; ``index`` -1: without a number. ``before``: the failed pod of that index, if its failures are counted."""
    tree = new_pod(job, objects.tree_of(job.spec.template))
    metadata = dict(tree["metadata"])
    metadata["finalizers"] = list(dict.fromkeys([*metadata.get("finalizers", ()), FINALIZER]))
    if index < 0:
        return {**tree, "metadata": metadata}
    number = {indexes.ANNOTATION: str(index)}
    notes: dict[str, str] = {}
    if job.spec.backoffLimitPerIndex is not None:
        notes[indexes.FAILURES] = str(policies.failures_with(job, before) if before is not None else 0)
        ignored = policies.ignored_with(job, before) if before is not None else 0
        if ignored:
            notes[indexes.IGNORED] = str(ignored)
    metadata["annotations"] = {**metadata.get("annotations", {}), **number, **notes}
    metadata["labels"] = {**metadata.get("labels", {}), **number}
    suffix = f"-{index}-"
    metadata["generateName"] = f"{job.metadata.name[: _LONGEST_PREFIX - len(suffix)]}{suffix}"
    spec = {**tree["spec"], "hostname": f"{job.metadata.name}-{index}"}
    for group in ("initContainers", "containers"):
        if spec.get(group):
            spec[group] = [_numbered(container) for container in spec[group]]
    return {**tree, "metadata": metadata, "spec": spec}


def _numbered(container: Tree) -> Tree:
    variables = container.get("env", [])
    if any(one["name"] == _VARIABLE for one in variables):
        return container
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{indexes.ANNOTATION}']"}}
    return {**container, "env": [*variables, {"name": _VARIABLE, "valueFrom": source}]}


def surplus(job: Any, active: Sequence[Any], least: int, clock: Clock) -> list[Any]:
    """Active pods to remove: those without an index or with one that another pod has, then as many as are too many."""
    order = deletion_order(active, (), clock)
    if not indexes.is_indexed(job):
        return order[:least]
    doomed: list[Any] = []
    seen: dict[int, Any] = {}
    for pod in reversed(order):
        index = indexes.index_of(job, pod)
        if index < 0 or index in seen:
            doomed.append(pod)
        else:
            seen[index] = pod
    left = [pod for pod in order if pod not in doomed]
    return doomed + left[: max(least - len(doomed), 0)]
