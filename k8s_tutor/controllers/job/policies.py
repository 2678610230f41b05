"""What the failure of a pod, or the success of some indexes, means for a Job (pkg/controller/job/pod_failure_policy.go,
success_policy.go)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.job import indexes


class Verdict(NamedTuple):
    """What a failure means: whether it counts, what the rule says (empty without one), and why the whole Job fails."""

    counts: bool = True
    action: str = ""
    message: str = ""


def has_failed(pod: Any, job: Any) -> bool:
    """Whether a pod counts as failed; one that is being deleted does, unless only failed pods are replaced."""
    phase = pod.status.phase if pod.status else ""
    if phase == "Failed":
        return True
    if job.spec.podReplacementPolicy == "Failed":
        return False
    return bool(pod.metadata.deletionTimestamp) and phase != "Succeeded"


def judge(job: Any, pod: Any) -> Verdict:
    """The first rule of the pod failure policy that fits a failed pod."""
    policy = job.spec.podFailurePolicy
    for number, rule in enumerate(policy.rules if policy is not None else ()):
        if rule.onExitCodes is not None:
            container = _container(pod, rule.onExitCodes)
            if container is None:
                continue
            code = container.state.terminated.exitCode
            text = f"Container {container.name} for pod {objects.key_of(pod)} failed with exit code {code}"
        else:
            fitting = _condition(pod, rule.onPodConditions or ())
            if fitting is None:
                continue
            text = f"Pod {objects.key_of(pod)} has condition {fitting.type}"
        message = f"{text} matching {rule.action} rule at index {number}" if rule.action == "FailJob" else ""
        return Verdict(rule.action != "Ignore", rule.action, message)
    return Verdict()


def _container(pod: Any, wanted: Any) -> Any:
    """The container whose exit code a rule is about."""
    status = pod.status
    everything = [*((status and status.containerStatuses) or ()), *((status and status.initContainerStatuses) or ())]
    for found in everything:
        ended = found.state.terminated if found.state is not None else None
        if ended is None or ended.exitCode == 0 or (wanted.containerName and wanted.containerName != found.name):
            continue
        if (ended.exitCode in wanted.values) is (wanted.operator == "In"):
            return found
    return None


def _condition(pod: Any, patterns: Collection[Any]) -> Any:
    for pattern in patterns:
        for found in (pod.status and pod.status.conditions) or ():
            if found.type == pattern.type and found.status == (pattern.status or "True"):
                return found
    return None


def fails_index(job: Any, pod: Any) -> bool:
    """Whether the failure of this pod gives up its index."""
    verdict = judge(job, pod)
    return verdict.action == "FailIndex" or failures_with(job, pod) > job.spec.backoffLimitPerIndex


def failures_with(job: Any, pod: Any) -> int:
    """How often the index of a failed pod has failed, this time included if it counts."""
    return indexes.counted(pod, indexes.FAILURES) + (1 if judge(job, pod).counts else 0)


def ignored_with(job: Any, pod: Any) -> int:
    """How often a failure at the index of a failed pod was ignored."""
    return indexes.counted(pod, indexes.IGNORED) + (0 if judge(job, pod).counts else 1)


def succeeded_enough(job: Any, done: Collection[int]) -> str:
    """Message of the success policy's rule that these indexes fulfil, or empty."""
    policy = job.spec.successPolicy
    if policy is None or not done:
        return ""
    for number, rule in enumerate(policy.rules):
        required = indexes.parse(rule.succeededIndexes, job.spec.completions) if rule.succeededIndexes else None
        among = [index for index in done if required is None or index in required]
        enough = rule.succeededCount if rule.succeededCount is not None else len(required or ())
        if len(among) >= enough:
            return f"Matched rules at index {number}"
    return ""
