"""Defaults of workloads (pkg/apis/apps/v1, batch/v1, autoscaling/v1 and v2, defaults.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.defaults import pods

Tree = dict[str, Any]

_UNLIMITED = 2**31 - 1


def deployment(tree: Tree) -> None:
    """A Deployment."""
    spec = tree.setdefault("spec", {})
    pods.template(spec)
    spec.setdefault("replicas", 1)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    tree.setdefault("status", {})


def replica_set(tree: Tree) -> None:
    """A ReplicaSet."""
    spec = tree.setdefault("spec", {})
    pods.template(spec)
    spec.setdefault("replicas", 1)
    tree.setdefault("status", {}).setdefault("replicas", 0)


def replication_controller(tree: Tree) -> None:
    """A ReplicationController: selector and labels come from its template."""
    spec = tree.setdefault("spec", {})
    if "template" in spec:
        pods.template(spec)
        labels = spec["template"]["metadata"].get("labels")
        if labels:
            if not spec.get("selector"):
                spec["selector"] = dict(labels)
            if not tree["metadata"].get("labels"):
                tree["metadata"]["labels"] = dict(labels)
    spec.setdefault("replicas", 1)
    tree.setdefault("status", {}).setdefault("replicas", 0)


def daemon_set(tree: Tree) -> None:
    """A DaemonSet."""
    spec = tree.setdefault("spec", {})
    pods.template(spec)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    spec.setdefault("revisionHistoryLimit", 10)


def stateful_set(tree: Tree) -> None:
    """A StatefulSet."""
    spec = tree.setdefault("spec", {})
    pods.template(spec)
    spec.setdefault("replicas", 1)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    spec.setdefault("revisionHistoryLimit", 10)
    kept = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    kept.setdefault("whenDeleted", "Retain")
    kept.setdefault("whenScaled", "Retain")
    for claim in spec.get("volumeClaimTemplates", ()):
        claim["kind"], claim["apiVersion"] = "PersistentVolumeClaim", "v1"
        claim.setdefault("metadata", {})
        pods.claim_spec(claim.setdefault("spec", {}))
        claim.setdefault("status", {}).setdefault("phase", "Pending")


def pod_template(tree: Tree) -> None:
    """A PodTemplate."""
    pods.template(tree)


def controller_revision(tree: Tree) -> None:
    """A ControllerRevision."""
    tree.setdefault("revision", 0)


# ---------------------------------------------------------------------- batch


def job(tree: Tree) -> None:
    """A Job."""
    spec = tree.setdefault("spec", {})
    pods.template(spec)
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", _UNLIMITED if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("manualSelector", False)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    _failure_policy(spec)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")


def _failure_policy(spec: Tree) -> None:
    for rule in spec.get("podFailurePolicy", {}).get("rules") or ():
        for pattern in rule.get("onPodConditions", ()):
            pattern.setdefault("status", "True")


def cron_job(tree: Tree) -> None:
    """A CronJob: of the jobs inside only the pods get defaults."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("schedule", "")
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    inner = spec.setdefault("jobTemplate", {})
    inner.setdefault("metadata", {})
    pods.template(inner.setdefault("spec", {}))
    _failure_policy(inner["spec"])


# ---------------------------------------------------------------------- autoscaling

_UP: Tree = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}  # fmt: skip
_DOWN: Tree = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


def autoscaler(tree: Tree) -> None:
    """A HorizontalPodAutoscaler of v2."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("scaleTargetRef", {})
    spec.setdefault("minReplicas", 1)
    spec.setdefault("maxReplicas", 0)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        behavior["scaleUp"] = _rules(behavior.get("scaleUp"), _UP)
        behavior["scaleDown"] = _rules(behavior.get("scaleDown"), _DOWN)


def _rules(given: Tree | None, standard: Tree) -> Tree:
    copied = {**standard, "policies": [dict(policy) for policy in standard["policies"]]}
    return {**copied, **(given or {})}


def autoscaler_v1(tree: Tree) -> None:
    """A HorizontalPodAutoscaler of v1; its CPU target comes with the conversion."""
    spec = tree.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    spec.setdefault("maxReplicas", 0)
