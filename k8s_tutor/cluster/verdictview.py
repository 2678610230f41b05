"""Why each pod is where it is: the schedulers' verdicts, each shown once."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_tutor.cluster.verdictviews import AttemptView, VerdictView
from k8s_tutor.scheduler.actor import Scheduler
from k8s_tutor.scheduler.verdict import Verdict

SHOWN = 50


class Verdicts:
    """Remembers the verdicts that it has shown. They never change; after a rewind the same one comes as another object."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int, int], tuple[Verdict, VerdictView]] = {}
        self._views: tuple[VerdictView, ...] = ()

    def view(self, schedulers: Iterable[Scheduler]) -> tuple[VerdictView, ...]:
        """The latest of all schedulers, oldest first; the same tuple while there is no new one."""
        found = [(one.name, verdict) for one in schedulers for verdict in one.verdicts.values()]
        found.sort(key=lambda pair: pair[1].at)
        before, now = self._known, {}
        for scheduler, verdict in found[-SHOWN:]:
            key = (scheduler, verdict.pod, verdict.at, verdict.attempt)
            known = before.get(key)
            if known is None or (known[0] is not verdict and known[0] != verdict):
                known = verdict, _shown(verdict)
            now[key] = known
        self._known = now
        views = tuple([view for _, view in now.values()])
        if views != self._views:
            self._views = views
        return self._views


def _shown(verdict: Verdict) -> VerdictView:
    """One verdict node by node, by name."""
    scored = [(column.plugin, column.weight, column.normalised) for column in verdict.columns]
    rows = [
        (node, "", tuple([(plugin, given[i] * weight) for plugin, weight, given in scored]),
         verdict.totals[i] if verdict.totals else 0)
        for i, node in enumerate(verdict.feasible)
    ]  # fmt: skip
    rows += [(refusal.node, "; ".join(refusal.rejection.reasons), (), 0) for refusal in verdict.refused]
    rows.sort()
    room = verdict.preemption
    return VerdictView(
        pod=verdict.pod, at=verdict.at, chosen=verdict.chosen, message=verdict.message, rows=tuple(rows),
        attempt=verdict.attempt, filters=verdict.filters, feasible=verdict.feasible, columns=verdict.columns,
        refused_by=tuple([(refusal.node, refusal.plugin) for refusal in verdict.refused]), skipped=verdict.skipped,
        nominated=room.node if room is not None else "", victims=room.victims if room is not None else (),
        before=tuple([AttemptView(at=at, number=number, node=node, message=text) for at, number, node, text in verdict.before]),
    )  # fmt: skip
