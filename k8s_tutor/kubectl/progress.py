"""How far a rollout is: the lines of ``kubectl rollout status`` (kubectl pkg/polymorphichelpers/rollout_status.go)."""

from __future__ import annotations

from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.program import Tree
from k8s_tutor.kubectl.revisions import revision_of

ONLY_ROLLING = "rollout status is only available for RollingUpdate strategy type"


def of(kind: str, tree: Tree, revision: int = 0) -> tuple[str, bool]:
    """What is said, and whether it is through. Raises `Failure` when it will not end."""
    if kind == "StatefulSet":
        return stateful_set(tree)
    if kind == "DaemonSet":
        return daemon_set(tree)
    if revision and revision != revision_of(tree):
        raise Failure(f"desired revision ({revision}) is different from the running revision ({revision_of(tree)})")
    return deployment(tree)


def deployment(tree: Tree) -> tuple[str, bool]:
    """Of a Deployment."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    name = metadata.get("name")
    if metadata.get("generation", 0) > status.get("observedGeneration", 0):
        return "Waiting for deployment spec update to be observed...", False
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise Failure(f'deployment "{name}" exceeded its progress deadline')
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available, wanted = status.get("availableReplicas", 0), spec.get("replicas", 1)
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new replicas have been updated...", False
    if total > updated:
        return f"{waiting}{total - updated} old replicas are pending termination...", False
    if available < updated:
        return f"{waiting}{available} of {updated} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def stateful_set(tree: Tree) -> tuple[str, bool]:
    """Of a StatefulSet."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") != "RollingUpdate":
        raise Failure(ONLY_ROLLING)
    observed, wanted = status.get("observedGeneration", 0), spec.get("replicas", 1)
    if not observed or metadata.get("generation", 0) > observed:
        return "Waiting for statefulset spec update to be observed...", False
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if ready < wanted:
        return f"Waiting for {wanted - ready} pods to be ready...", False
    if strategy.get("rollingUpdate") is not None:
        new = wanted - (strategy["rollingUpdate"].get("partition") or 0)
        if updated < new:
            return f"Waiting for partitioned roll out to finish: {updated} out of {new} new pods have been updated...", False
        return f"partitioned roll out complete: {updated} new pods have been updated...", True
    if status.get("updateRevision") != status.get("currentRevision"):
        return (f"waiting for statefulset rolling update to complete {updated} pods at revision "
                f"{status.get('updateRevision')}...", False)  # fmt: skip
    return (f"statefulset rolling update complete {status.get('currentReplicas', 0)} pods at revision "
            f"{status.get('currentRevision')}...", True)  # fmt: skip


def daemon_set(tree: Tree) -> tuple[str, bool]:
    """Of a DaemonSet."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    if (spec.get("updateStrategy") or {}).get("type") != "RollingUpdate":
        raise Failure(ONLY_ROLLING)
    if metadata.get("generation", 0) > status.get("observedGeneration", 0):
        return "Waiting for daemon set spec update to be observed...", False
    name, wanted = metadata.get("name"), status.get("desiredNumberScheduled", 0)
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    if updated < wanted:
        waiting = f'Waiting for daemon set "{name}" rollout to finish: '
        return f"{waiting}{updated} out of {wanted} new pods have been updated...", False
    if available < wanted:
        waiting = f'Waiting for daemon set "{name}" rollout to finish: '
        return f"{waiting}{available} of {wanted} updated pods are available...", False
    return f'daemon set "{name}" successfully rolled out', True
