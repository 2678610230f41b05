"""The revisions of a workload: ReplicaSets of a Deployment, ControllerRevisions of StatefulSets and DaemonSets."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import selectors
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import REPLICASETS, Info, the
from k8s_tutor.kubectl.session import Session

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
CONTROLLER_REVISIONS = the("controllerrevisions", "apps")


def replica_sets(session: Session, deployment: Tree) -> Asking[list[Tree]]:
    """The ReplicaSets that this Deployment controls."""
    selector = str(selectors.from_object((deployment.get("spec") or {}).get("selector")))
    metadata = deployment.get("metadata") or {}
    found = yield from session.listed(REPLICASETS, metadata.get("namespace"), (("labelSelector", selector),))
    return [one for one in found if owner(one) == metadata.get("uid")]


def controller_revisions(session: Session, info: Info) -> Asking[list[Tree]]:
    """The ControllerRevisions of a StatefulSet or DaemonSet, oldest first."""
    selector = str(selectors.from_object((info.tree.get("spec") or {}).get("selector")))
    found = yield from session.listed(CONTROLLER_REVISIONS, info.namespace, (("labelSelector", selector),))
    mine = [one for one in found if owner(one) == (info.tree.get("metadata") or {}).get("uid")]
    return sorted(mine, key=lambda one: int(one.get("revision", 0)))


def owner(tree: Tree) -> Any:
    """The uid of the controller of an object, or None."""
    owners = (tree.get("metadata") or {}).get("ownerReferences") or ()
    return next((one.get("uid") for one in owners if one.get("controller")), None)


def revision_of(tree: Tree) -> int:
    """The revision of a Deployment, ReplicaSet or ControllerRevision, or 0."""
    if tree.get("kind") == "ControllerRevision":
        return int(tree.get("revision", 0))
    text = ((tree.get("metadata") or {}).get("annotations") or {}).get(REVISION, "0")
    return int(text) if str(text).isdigit() else 0


def template_of(revision: Tree) -> Tree:
    """The pod template that a ReplicaSet or ControllerRevision keeps."""
    kept: Tree = revision.get("data") if revision.get("kind") == "ControllerRevision" else revision  # type: ignore[assignment]
    template: Tree = ((kept or {}).get("spec") or {}).get("template") or {}
    return {key: value for key, value in template.items() if not key.startswith("$")}


def bare_template(replica_set: Tree) -> Tree:
    """A ReplicaSet's pod template without the hash label."""
    template = template_of(replica_set)
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}
