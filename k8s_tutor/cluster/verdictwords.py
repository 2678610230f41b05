"""A scheduling decision in words: the winning margin, what a pod waits for, and the whole table as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from k8s_tutor.cluster.verdictviews import QueuedView, VerdictView
from k8s_tutor.sim import SECOND

SHORT = {
    "NodeResourcesFit": "fit",
    "NodeResourcesBalancedAllocation": "balance",
    "ImageLocality": "image",
    "TaintToleration": "taints",
    "NodeAffinity": "affinity",
    "PodTopologySpread": "spread",
    "InterPodAffinity": "pods",
}
"""Plugins in one word."""
PLACES = {
    "flying": "being decided",
    "permit": "waits for a permit",
    "active": "is next in line",
    "backoff": "backs off",
    "error": "backs off",
    "unschedulable": "unschedulable",
    "gated": "held by gates",
}
"""Places in the queue, from its head to its foot."""


class Score(NamedTuple):
    """A feasible node: (raw, from 0 to 100, times the weight) of each plugin, and the sum."""

    node: str
    given: tuple[tuple[int, int, int], ...]
    total: int


def scores(verdict: VerdictView) -> list[Score]:
    """The feasible nodes: the chosen one first, then by their sum."""
    totals = {node: total for node, reason, _, total in verdict.rows if not reason}
    found = [
        Score(node, tuple((raw[i], normal[i], normal[i] * weight) for _, weight, raw, normal in verdict.columns), totals[node])
        for i, node in enumerate(verdict.feasible)
    ]
    return sorted(found, key=lambda one: (one.node != verdict.chosen, -one.total))


def short(plugin: str) -> str:
    """A plugin in one word."""
    return SHORT.get(plugin, plugin)


def listed(names: Sequence[str], limit: int = 6) -> str:
    """``a, b and c``; beyond ``limit``: ``a, b and 4 more``."""
    shown = [*names] if len(names) <= limit else [*names[: limit - 1], f"{len(names) - limit + 1} more"]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)


def sentence(verdict: VerdictView) -> str:
    """Why it is so: the winning margin, or what the condition of the pod says."""
    if not verdict.chosen:
        return verdict.message
    if verdict.before and verdict.before[-1].node == verdict.chosen:
        return f"{_margin(verdict)} It was emptied for this pod, so no other was looked at."
    if not verdict.skipped:
        return _margin(verdict)
    nodes = f"{verdict.skipped} nodes were" if verdict.skipped > 1 else "1 node was"
    return f"{_margin(verdict)} {nodes} not looked at: {len(verdict.feasible)} that will do are enough."


def _margin(verdict: VerdictView) -> str:
    """``node-2 beats node-1 by 12: fit +10, balance +2.``"""
    ranked = scores(verdict)
    if len(ranked) < 2:
        return f"{'' if verdict.skipped else 'Only '}{verdict.chosen} passes every filter: nothing to score."
    best, second = ranked[0], ranked[1]
    if best.total == second.total:
        equal = [one.node for one in ranked if one.total == best.total]
        return f"{listed(equal, 4)} are equal with {best.total}; the first that was looked at wins."
    gaps = [
        (mine[2] - theirs[2], short(plugin))
        for (plugin, *_), mine, theirs in zip(verdict.columns, best.given, second.given, strict=True)
    ]
    gaps = sorted((gap for gap in gaps if gap[0]), key=lambda gap: -abs(gap[0]))
    words = ", ".join(f"{plugin} {points:+}" for points, plugin in gaps).replace("-", "−")
    return f"{best.node} beats {second.node} by {best.total - second.total}: {words}."


def place(queued: QueuedView) -> str:
    """``unschedulable since 41.900, tried 3 times, not before 45.900``."""
    words = [f"{PLACES[queued.place]} since {_instant(queued.since)}"]
    if queued.attempts:
        words.append(f"tried {'once' if queued.attempts == 1 else f'{queued.attempts} times'}")
    if queued.until:
        words.append(f"not before {_instant(queued.until)}")
    if queued.priority:
        words.append(f"priority {queued.priority}")
    return ", ".join(words)


def _instant(at: int) -> str:
    """``41.900``, later ``1:41.900``."""
    minutes, rest = divmod(at, 60 * SECOND)
    seconds = f"{rest // SECOND:02}.{rest % SECOND // 1000:03}"
    return f"{minutes}:{seconds}" if minutes else seconds


def victims(verdict: VerdictView) -> str:
    """Who must go so that the pod fits; empty when nobody must."""
    if not verdict.nominated or verdict.chosen:
        return ""
    names = [victim.removeprefix("default/") for victim in verdict.victims]
    return f"{listed(names)} must leave {verdict.nominated}, which is nominated"


def waiting(verdict: VerdictView | None, queued: QueuedView | None) -> list[tuple[str, str]]:
    """(label, words): what becomes of a pod without a node."""
    rows = [("victims", victims(verdict))] if verdict is not None and victims(verdict) else []
    if queued is not None:
        rows.append(("queue", place(queued)))
        if queued.gates:
            rows.append(("gates", ", ".join(queued.gates)))
        if queued.wakes:
            rows.append(("wakes on", " · ".join(queued.wakes)))
    return rows


def lines(verdicts: Iterable[VerdictView], queue: Iterable[QueuedView], pod: str) -> list[str]:
    """Everything about one pod (``namespace/name``) as text. Raises LookupError for one that no scheduler has seen."""
    verdict = next((one for one in verdicts if one.pod == pod), None)
    queued = next((one for one in queue if one.pod == pod), None)
    if verdict is None and queued is None:
        raise LookupError(f"no scheduler has decided about {pod} yet")
    found = [pod.removeprefix("default/")]
    if verdict is not None:
        found[0] += f" → {verdict.chosen}" if verdict.chosen else " has no node"
        found.append(sentence(verdict))
    found += [f"{label}: {words}" for label, words in waiting(verdict, queued)]
    if verdict is not None:
        found += [f"{_heard(one, verdict)} {one.total if verdict.columns else ''}".rstrip() for one in scores(verdict)]
        by = dict(verdict.refused_by)
        found += [f"  {node} refused by {by.get(node, 'nobody')}: {reason}" for node, reason, *_ in verdict.rows if reason]
        found += [f"  before, attempt {one.number}: {one.node or one.message}" for one in reversed(verdict.before)]
    return found


def _heard(one: Score, verdict: VerdictView) -> str:
    """``  node-2: taints 100 ×3, fit 58, sum`` as somebody would read it out."""
    given = [
        f"{short(plugin)} {points}{f' ×{weight}' if weight != 1 else ''}"
        for (plugin, weight, *_), (_, points, _) in zip(verdict.columns, one.given, strict=True)
        if points
    ]
    return f"  {one.node}: {', '.join([*given, 'sum']) if given else 'passes every filter'}"
