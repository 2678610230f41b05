"""Who a pod of a StatefulSet is: its name, labels and claims (pkg/controller/statefulset/stateful_set_utils.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.history import UNIQUE, Revision
from k8s_tutor.controllers.objects import Tree
from k8s_tutor.controllers.podowner import new_pod

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


def first(sts: Any) -> int:
    """The lowest ordinal."""
    return int((sts.spec.ordinals and sts.spec.ordinals.start) or 0)


def size(sts: Any) -> int:
    """``spec.replicas``."""
    return 1 if sts.spec.replicas is None else int(sts.spec.replicas)


def ordinal(sts: Any, pod: Any) -> int:
    """The number behind a pod's name, -1 when it has none or belongs to another parent."""
    parent, _, number = pod.metadata.name.rpartition("-")
    return int(number) if parent == sts.metadata.name and number.isascii() and number.isdigit() else -1


def revision_of(pod: Any) -> str:
    """The name of the ControllerRevision that a pod is made from."""
    return str((pod.metadata.labels or {}).get(UNIQUE, ""))


def claim_names(sts: Any, number: int) -> dict[str, str]:
    """Volume → name of the claim for the pod with this ordinal."""
    templates = [template.metadata.name for template in sts.spec.volumeClaimTemplates or ()]
    return {name: f"{name}-{sts.metadata.name}-{number}" for name in templates}


def pod_tree(sts: Any, revision: Revision, number: int) -> Tree:
    """The pod with this ordinal as a revision's template says."""
    tree = new_pod(sts, revision.template)
    name = f"{sts.metadata.name}-{number}"
    labels = {**tree["metadata"].get("labels", {}), POD_NAME: name, POD_INDEX: str(number), UNIQUE: revision.name}
    claims = claim_names(sts, number)
    volumes: list[Tree] = [
        {"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, claim in claims.items()
    ]  # fmt: skip
    volumes += [volume for volume in tree["spec"].get("volumes", ()) if volume["name"] not in claims]
    spec = {**tree["spec"], "hostname": name, "subdomain": sts.spec.serviceName or ""}
    if volumes:
        spec["volumes"] = volumes
    return {**tree, "metadata": {**tree["metadata"], "name": name, "labels": labels}, "spec": spec}


def claim_tree(sts: Any, template: Any, number: int) -> Tree:
    """The claim that a template means for the pod with this ordinal."""
    found = objects.tree_of(template)
    metadata = {key: value for key, value in found["metadata"].items() if key != "creationTimestamp"}
    labels = {**metadata.get("labels", {}), **(sts.spec.selector.matchLabels or {})}
    name = claim_names(sts, number)[template.metadata.name]
    metadata = {**metadata, "name": name, "namespace": sts.metadata.namespace}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": found["spec"]}


def identity_matches(sts: Any, pod: Any) -> bool:
    """Whether a pod still bears its own name as a label."""
    labels = pod.metadata.labels or {}
    number = ordinal(sts, pod)
    return labels.get(POD_NAME) == pod.metadata.name and labels.get(POD_INDEX) == str(number)


def identified(sts: Any, pod: Any) -> Tree:
    """The pod with the labels that it must bear."""
    tree = objects.tree_of(pod)
    own = {POD_NAME: pod.metadata.name, POD_INDEX: str(ordinal(sts, pod))}
    metadata = tree["metadata"]
    return {**tree, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **own}}}
