"""DefaultPreemption: who must go so that a pod of higher priority fits (plugins/defaultpreemption, framework/preemption)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import selectors, times
from k8s_tutor.scheduler import messages
from k8s_tutor.scheduler.framework import Cluster, Filters
from k8s_tutor.scheduler.nodeinfo import NodeInfo
from k8s_tutor.scheduler.resources import PodInfo
from k8s_tutor.scheduler.verdict import Preemption, Refusal, Rejection, Verdict

PLUGIN = "DefaultPreemption"
LEAST_NODES, LEAST_PERCENT = 100, 10
"""How many candidates are enough (minCandidateNodesAbsolute, minCandidateNodesPercentage)."""
REASON = "PreemptionByScheduler"
"""Of the condition DisruptionTarget of a victim."""
_NEVER = 1 << 62


class Candidate(NamedTuple):
    """A node on which the pod fits once ``victims`` have gone, the most important first."""

    node: str
    victims: tuple[PodInfo, ...]
    violations: int
    """Victims that a disruption budget protects."""


def preempt(verdict: Verdict, filters: Filters, cluster: Cluster, promised: str = "") -> Verdict:
    """The verdict with what preemption adds to it: a node and its victims, or its part of the message. ``promised``: the node
    that was emptied for the pod before."""
    text = messages.unfit(verdict)
    if not cluster.nodes:
        return verdict._replace(message=text)
    why = ineligible(filters.pod, verdict, cluster, promised)
    if not why:
        candidates, refused = _candidates(verdict, filters, cluster)
        if candidates:
            best = choose(candidates)
            victims = tuple([victim.key for victim in best.victims])
            return verdict._replace(message=text, preemption=Preemption(best.node, victims, best.violations))
        helpless = len(cluster.nodes) - len(refused)
        reasons = [reason for refusal in refused for reason in refusal.rejection.reasons]
        verdict = verdict._replace(preemption=Preemption("", ()))
        why = messages.counted(len(cluster.nodes), [*reasons, *[messages.NOT_HELPFUL] * helpless])
    return verdict._replace(message=f"{text} {messages.CLAIMS}, preemption: {why}")


def ineligible(pod: PodInfo, verdict: Verdict, cluster: Cluster, promised: str) -> str:
    """Why a pod may push nobody away; empty when it may. It waits for those that it has sent away already."""
    if pod.pod.spec.preemptionPolicy == "Never":
        return messages.NEVER
    info = cluster.known.get(promised) if promised else None
    if info is None:
        return ""
    hopeless = any(one.node == promised and not one.rejection.resolvable for one in verdict.refused)
    if not hopeless and any(other.priority < pod.priority and _is_victim(other) for other in info.pods):
        return messages.TERMINATING
    return ""


def _is_victim(pod: PodInfo) -> bool:
    """Whether it ends because somebody of higher priority needs its place (podTerminatingByPreemption)."""
    conditions = (pod.pod.status and pod.pod.status.conditions) or ()
    disruption = next((one for one in conditions if one.type == "DisruptionTarget"), None)
    return pod.ending and disruption is not None and (disruption.status, disruption.reason) == ("True", REASON)


def _candidates(
    verdict: Verdict, filters: Filters, cluster: Cluster
) -> tuple[list[Candidate], list[Refusal]]:
    """(candidates, refusals of the nodes that were tried in vain). Nodes without a violated budget are wanted: the search goes
    on until there are enough of one sort and at least one of the best."""
    nodes = [refusal.node for refusal in verdict.refused if refusal.rejection.resolvable and not verdict.blocked]
    budgets = list(cluster.of("PodDisruptionBudget").values())
    wanted = max(len(nodes) * LEAST_PERCENT // 100, LEAST_NODES)
    found: list[Candidate] = []
    refused: list[Refusal] = []
    for name in nodes:
        answer = select_victims(filters, cluster.known[name], budgets)
        if isinstance(answer, Refusal):
            refused.append(answer)
            continue
        found.append(answer)
        if len(found) >= wanted and any(not one.violations for one in found):
            break
    return found, refused


def select_victims(filters: Filters, info: NodeInfo, budgets: Sequence[Any]) -> Candidate | Refusal:
    """The fewest and least important pods of a node that must go: all that matter less are taken away, and then, beginning with
    those that budgets protect and with the most important, put back wherever the pod still fits."""
    potential = [other for other in info.pods if other.priority < filters.pod.priority]
    if not potential:
        return Refusal(info.name, PLUGIN, Rejection((messages.NO_VICTIMS,)))
    for victim in potential:
        filters, info = filters.moved(victim, info, -1)
    refusal = filters.fits(info)
    if refusal is not None:
        return refusal
    potential.sort(key=importance)
    violating = violated(potential, budgets)
    victims: list[PodInfo] = []
    broken = 0
    for group, protected in ((violating, True), ([one for one in potential if one not in violating], False)):
        for victim in group:
            with_victim, crowded = filters.moved(victim, info, 1)
            if with_victim.fits(crowded) is None:
                filters, info = with_victim, crowded
            else:
                victims.append(victim)
                broken += protected
    return Candidate(info.name, tuple(sorted(victims, key=importance)), broken)


def importance(pod: PodInfo) -> tuple[int, int]:
    """Sorts the most important first: the higher priority, then who has run longer (util.MoreImportantPod)."""
    return -pod.priority, started(pod)


def started(pod: PodInfo) -> int:
    """When a pod started, µs; one that has not counts as started just now."""
    stamp = pod.pod.status.startTime if pod.pod.status else None
    return times.instant(stamp) if stamp else _NEVER


def violated(victims: Iterable[PodInfo], budgets: Sequence[Any]) -> list[PodInfo]:
    """Those of the pods whose loss breaks a budget, when they are lost in this order (filterPodsWithPDBViolation)."""
    left = [(budget.status.disruptionsAllowed or 0) if budget.status else 0 for budget in budgets]
    found = []
    for victim in victims:
        breaks = False
        for i, budget in enumerate(budgets):
            if not victim.labels or budget.metadata.namespace != victim.namespace:
                continue
            selector = selectors.from_object(budget.spec.selector)
            gone = (budget.status.disruptedPods or {}) if budget.status else {}
            if not selector.requirements or not selector.matches(victim.labels) or victim.pod.metadata.name in gone:
                continue
            left[i] -= 1
            breaks = breaks or left[i] < 0
        if breaks:
            found.append(victim)
    return found


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The best: fewest budgets violated, lowest highest priority among the victims, lowest sum of priorities, fewest victims,
    latest start of the most important victims; then the first (pickOneNodeForPreemption)."""
    return min(candidates, key=_cost)


def _cost(candidate: Candidate) -> tuple[int, int, int, int, int]:
    victims = candidate.victims
    if not victims:
        return (candidate.violations, -_NEVER, 0, 0, 0)
    highest = victims[0].priority
    earliest = min(started(victim) for victim in victims if victim.priority == highest)
    total = sum(victim.priority + (1 << 31) for victim in victims)
    return candidate.violations, highest, total, len(victims), -earliest


def guests_of(
    pod: PodInfo, nominated: Mapping[str, tuple[str, PodInfo]]
) -> dict[str, tuple[PodInfo, ...]]:
    """Node → the pods that were promised a place there and matter no less than this one. ``nominated``: key → (node, pod)."""
    found: dict[str, tuple[PodInfo, ...]] = {}
    for key, (node, guest) in nominated.items():
        if key != pod.key and guest.priority >= pod.priority:
            found[node] = (*found.get(node, ()), guest)
    return found
