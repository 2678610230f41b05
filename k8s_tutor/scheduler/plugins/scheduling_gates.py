"""SchedulingGates: a pod with gates does not queue up before somebody has removed them (plugins/schedulinggates)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.scheduler.changes import OWN, UNGATED
from k8s_tutor.scheduler.framework import Plugin


class SchedulingGates(Plugin):
    """Whoever made the pod removes its gates, one by one."""

    name = "SchedulingGates"
    events = {OWN: (UNGATED,)}

    def pre_enqueue(self, pod: Any) -> str:
        gates = [gate.name for gate in pod.spec.schedulingGates or ()]
        return f"waiting for scheduling gates: [{' '.join(gates)}]" if gates else ""
