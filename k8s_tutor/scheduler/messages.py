"""What the scheduler says when no node fits (framework/types.go FitError, plugins/defaultpreemption)."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_tutor.scheduler.verdict import Verdict

NO_NODES = "no nodes available to schedule pods"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
LONGEST = 1024
TERMINATING = "not eligible due to a terminating pod on the nominated node."
CLAIMS = "no new claims to deallocate"
"""What DynamicResources says, which comes before DefaultPreemption."""
NEVER = "not eligible due to preemptionPolicy=Never."


def counted(nodes: int, reasons: Iterable[str]) -> str:
    """``0/3 nodes are available: 2 Insufficient cpu, 1 node(s) were unschedulable.``: the texts in order, as they are read."""
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    texts = sorted(f"{count} {reason}" for reason, count in counts.items())
    return f"0/{nodes} nodes are available" + (f": {', '.join(texts)}." if texts else ":")


def unfit(verdict: Verdict) -> str:
    """Why no node fits, without a word on preemption."""
    nodes = len(verdict.refused) + verdict.skipped
    if not nodes:
        return NO_NODES
    if verdict.blocked:
        return f"0/{nodes} nodes are available: {verdict.blocked}."
    return counted(nodes, (reason for refusal in verdict.refused for reason in refusal.rejection.reasons))


def short(text: str) -> str:
    """A message as long as an event may have (1,024 bytes)."""
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."
