"""What the scheduler says when no node fits (framework/types.go FitError, plugins/defaultpreemption)."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_tutor.scheduler.framework import Verdict

NO_NODES = "no nodes available to schedule pods"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
NEVER = "not eligible due to preemptionPolicy=Never."


def counted(nodes: int, reasons: Iterable[str]) -> str:
    """``0/3 nodes are available: 2 Insufficient cpu, 1 node(s) were unschedulable.``: the texts in order, as they are read."""
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    texts = sorted(f"{count} {reason}" for reason, count in counts.items())
    return f"0/{nodes} nodes are available" + (f": {', '.join(texts)}." if texts else ":")


def unschedulable(verdict: Verdict, preemption_policy: str = "") -> str:
    """The message of the PodScheduled condition and of the FailedScheduling event."""
    if not verdict.refused:
        return NO_NODES
    nodes = len(verdict.refused) + verdict.skipped
    rejections = [refusal.rejection for refusal in verdict.refused]
    text = counted(nodes, (reason for rejection in rejections for reason in rejection.reasons))
    if preemption_policy == "Never":
        why = NEVER
    else:
        why = counted(nodes, (NO_VICTIMS if rejection.resolvable else NOT_HELPFUL for rejection in rejections))
    return f"{text} no new claims to deallocate, preemption: {why}"
