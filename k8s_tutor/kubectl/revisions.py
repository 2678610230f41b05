"""The revisions of a Deployment: its ReplicaSets, as ``rollout`` and ``describe`` read them."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import selectors
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import REPLICASETS
from k8s_tutor.kubectl.session import Session

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


def replica_sets(session: Session, deployment: Tree) -> Asking[list[Tree]]:
    """The ReplicaSets that this Deployment controls."""
    selector = str(selectors.from_object((deployment.get("spec") or {}).get("selector")))
    metadata = deployment.get("metadata") or {}
    found = yield from session.listed(REPLICASETS, metadata.get("namespace"), (("labelSelector", selector),))
    return [one for one in found if _owner(one) == metadata.get("uid")]


def _owner(tree: Tree) -> Any:
    owners = (tree.get("metadata") or {}).get("ownerReferences") or ()
    return next((owner.get("uid") for owner in owners if owner.get("controller")), None)


def revision_of(tree: Tree) -> int:
    """The revision annotation of a Deployment or ReplicaSet, or 0."""
    text = ((tree.get("metadata") or {}).get("annotations") or {}).get(REVISION, "0")
    return int(text) if str(text).isdigit() else 0


def bare_template(replica_set: Tree) -> Tree:
    """A ReplicaSet's pod template without the hash label."""
    template: Tree = (replica_set.get("spec") or {}).get("template") or {}
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}
