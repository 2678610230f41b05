"""Probes: the kubelet asks containers whether they have started, live, and are ready.

Each probe of a container beats by its own period, counted from when the pod came to this node. A beat is housekeeping, unless
its answer may change something: while a container is to become ready, has not started, or has begun to fail. Sources:
pkg/kubelet/prober/worker.go, prober.go, prober_manager.go.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.node.handlers import FAILURE, SUCCESS, UNKNOWN, Outcome
from k8s_tutor.node.podstate import RUNNING, Known, PodState
from k8s_tutor.node.static_pods import StaticPods
from k8s_tutor.node.sync import is_ending
from k8s_tutor.sim import SECOND, Body, Context

NOTICED = 1 * SECOND
"""The kubelet sees that a container runs, and asks at once whether it is ready (a relist of the PLEG)."""
TRIES = 3
"""How often a probe is tried that could not be carried out (maxProbeRetries)."""
PATIENCE = 10
"""The first probes of a container that is to become ready, and the first lives of one that fails, keep the world at work."""

replace = msgspec.structs.replace


class ProbeDue(Body):
    """The kubelet's own timer: a probe of one life of a container is due."""

    uid: str
    container: str
    kind: str
    life: str


class Check(Body):
    """One probe of one life of a container: how often its latest result has come in a row."""

    life: str
    last: str = ""
    run: int = 0
    asked: int = 0
    asking: bool = False


class Prober(StaticPods):
    """The part of a kubelet that probes."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.checks: dict[tuple[str, str, str], Check] = {}
        """(uid, container, kind) → how it stands."""

    def begin_probes(self, ctx: Context, state: PodState, known: Known) -> None:
        """A container runs. What has a startup probe is asked nothing else before it has started."""
        kinds = ("startup",) if "startup" in known.probed and not known.started else ("readiness", "liveness")
        for kind in kinds:
            if kind in known.probed and self._check(state, known, kind).life != known.id:
                self.checks[state.uid, known.name, kind] = Check(known.id)
                spec = self.probe_of(state, known.name, kind)
                delay, period = (spec.initialDelaySeconds or 0) * SECOND, (spec.periodSeconds or 10) * SECOND
                if kind == "readiness" and not delay:
                    wait = min(NOTICED, period)
                else:
                    earliest = max(known.started_at, state.started_at) + delay
                    beats = -(-max(earliest - state.started_at, ctx.now + 1 - state.started_at) // period)
                    wait = state.started_at + beats * period - ctx.now
                ctx.after(wait, ProbeDue(state.uid, known.name, kind, known.id), self._may_change(known, kind, Check(known.id)))

    def _check(self, state: PodState, known: Known, kind: str) -> Check:
        return self.checks.get((state.uid, known.name, kind), Check(""))

    def probe_of(self, state: PodState, container: str, kind: str) -> Any:
        """The specification of a probe (typed struct), or None when the pod is gone."""
        spec = self.spec_of(state, container)
        return None if spec is None else getattr(spec, kind + "Probe")

    def end_probes(self, uid: str) -> None:
        """A pod is forgotten."""
        for key in [key for key in self.checks if key[0] == uid]:
            del self.checks[key]

    def _may_change(self, known: Known, kind: str, check: Check) -> bool:
        """Whether the next answer may change something."""
        if kind == "readiness":
            return check.asked < PATIENCE if not known.ready else check.last == FAILURE
        return known.attempt < PATIENCE and (kind == "startup" or check.last == FAILURE)

    def probe(self, ctx: Context, due: ProbeDue) -> None:
        """A probe is due."""
        key = (due.uid, due.container, due.kind)
        state, check = self.states.get(due.uid), self.checks.get(key)
        if state is None or check is None or check.life != due.life:
            return
        known, pod = state.container(due.container), self.pod_of(state)
        ending = pod is None or (is_ending(pod, state) and due.kind != "readiness")
        over = due.kind == "startup" and known.started
        if known.id != due.life or known.phase != RUNNING or ending or over or known.failed or not self.runtime_up:
            del self.checks[key]
            return
        spec = self.probe_of(state, due.container, due.kind)
        check = replace(check, asked=check.asked + 1)
        ctx.after((spec.periodSeconds or 10) * SECOND, due, self._may_change(known, due.kind, check))
        if not check.asking:
            self._ask(ctx, state, due, 1)
            check = replace(check, asking=True)
        self.checks[key] = check

    def _ask(self, ctx: Context, state: PodState, due: ProbeDue, tries: int) -> None:
        spec = self.spec_of(state, due.container)
        probe = getattr(spec, due.kind + "Probe")
        self.handle_action(ctx, state, spec, probe, probe.timeoutSeconds or 1, "_probed", (due, tries))

    def _probed(self, ctx: Context, outcome: Outcome, due: ProbeDue, tries: int) -> None:
        """A probe has been answered, or has not."""
        key = (due.uid, due.container, due.kind)
        state, check = self.states.get(due.uid), self.checks.get(key)
        if state is None or check is None or check.life != due.life or self.pod_of(state) is None:
            return
        if outcome.result == UNKNOWN and tries < TRIES:
            self._ask(ctx, state, due, tries + 1)
            return
        self.checks[key] = check = replace(check, asking=False)
        word = due.kind.capitalize()
        if outcome.result == UNKNOWN:
            text = f"{word} probe errored and resulted in unknown state: {outcome.text}"
            self.tell(ctx, state, "Warning", "Unhealthy", text, due.container)
            return
        if outcome.result == FAILURE:
            self.tell(ctx, state, "Warning", "Unhealthy", f"{word} probe failed: {outcome.text}", due.container)
        run = check.run + 1 if check.last == outcome.result else 1
        self.checks[key] = replace(check, last=outcome.result, run=run)
        spec = self.probe_of(state, due.container, due.kind)
        if run >= ((spec.failureThreshold or 3) if outcome.result == FAILURE else (spec.successThreshold or 1)):
            self._conclude(ctx, state, due, outcome.result == SUCCESS)

    def _conclude(self, ctx: Context, state: PodState, due: ProbeDue, good: bool) -> None:
        """A result has come often enough to count."""
        known = state.container(due.container)
        if known.phase != RUNNING or known.id != due.life:
            return
        before = known
        if due.kind == "readiness":
            known = replace(known, ready=good)
        elif not good:
            known = replace(known, failed=due.kind)
        elif due.kind == "startup":
            known = replace(known, started=True, ready=known.serving and "readiness" not in known.probed)
        if known == before:
            return
        ctx.decide()
        ctx.note("kubelet.probe", pod=state.key, container=known.name, probe=due.kind, good=good)
        self.states[due.uid] = state = state.put(known)
        if due.kind == "startup" and good:
            self.begin_probes(ctx, state, known)
        self.note_ready(ctx, state, before, known)
        self.again(ctx, due.uid)
