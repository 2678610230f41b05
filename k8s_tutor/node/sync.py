"""What a kubelet does next about a pod: a pure function of the pod, what is known of it, and the time.

After kuberuntime_manager.go (computePodActions): first the old sandbox goes, then a new one, then init containers one after
the other, then all others.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.node import cri
from k8s_tutor.node.podstate import CREATED, EXITED, RUNNING, WAITING, Known, PodState


class Plan(NamedTuple):
    """The next requests to the runtime. ``wake_at``: look again then (µs), 0 for never."""

    stop: tuple[str, ...] = ()
    """Containers to stop, all at once."""
    teardown: bool = False
    """Stop the sandbox."""
    sandbox: bool = False
    """Make a sandbox."""
    start: str = ""
    """The container to start."""
    ended: bool = False
    """Nothing of the pod runs any more, and nothing shall."""
    wake_at: int = 0


def is_ending(pod: Any, state: PodState) -> bool:
    """Whether all of the pod's containers must stop: it is being deleted, was rejected, or is gone."""
    refused = state.rejected[0] or state.evicted[0]
    return state.gone or pod is None or pod.metadata.deletionTimestamp is not None or bool(refused)


def restarts(pod: Any, known: Known) -> bool:
    """Whether a container that has ended is to be started again."""
    if known.ephemeral:
        return False
    policy = pod.spec.restartPolicy or "Always"
    if known.sidecar or known.failed == "changed":
        return True
    if known.failed:
        return policy != "Never"
    if known.init:
        return known.exit_code != 0 and policy != "Never"
    return policy == "Always" or (policy == "OnFailure" and known.exit_code != 0)


def has_run_its_course(pod: Any, state: PodState) -> bool:
    """Whether the pod is over by itself: every container has ended for good, or an init container has failed for good."""
    inits = [known for known in state.containers if known.init and not known.sidecar]
    if any(known.phase == EXITED and known.exit_code and not restarts(pod, known) for known in inits):
        return True
    return all(known.phase == EXITED and not restarts(pod, known) for known in state.apps)


def plan(pod: Any, state: PodState, now: int) -> Plan:
    """What to do next. Nothing while a request is under way that must end first."""
    over = state.status is not None and state.status.get("phase") in ("Succeeded", "Failed")
    if is_ending(pod, state) or over or has_run_its_course(pod, state):
        return _end(state)
    if state.busy:
        return Plan()
    sandbox = state.sandbox
    if sandbox is None or sandbox.state != cri.READY:
        if sandbox is not None:
            return Plan(teardown=True)
        if now < state.retry_at:
            return Plan(wake_at=state.retry_at)
        return Plan(sandbox=True)
    return _containers(pod, state, now)


def _end(state: PodState) -> Plan:
    """Stops what runs, sidecars after all others and the last one first, then the sandbox. An image that is being pulled is not
    waited for."""
    running = tuple(known.name for known in state.containers if known.phase == RUNNING and not known.sidecar)
    running = running or tuple(known.name for known in state.containers if known.phase == RUNNING)[-1:]
    fresh = tuple(name for name in running if f"stop:{name}" not in state.busy)
    if fresh:
        return Plan(stop=fresh)
    if running or any(not request.startswith("pull:") for request in state.busy):
        return Plan()
    return Plan(teardown=True) if state.sandbox is not None else Plan(ended=True)


def _containers(pod: Any, state: PodState, now: int) -> Plan:
    unfit = tuple(known.name for known in state.containers if known.phase == RUNNING and known.failed)
    if unfit:
        return Plan(stop=unfit)
    here = state.sandbox.id if state.sandbox is not None else ""
    begun = any(known.sandbox == here for known in state.apps)
    wake = 0
    for known in state.containers:
        again = known.init and known.sandbox != here  # a new sandbox is prepared anew
        if known.init and not known.sidecar and (begun or (known.phase == EXITED and known.exit_code == 0 and not again)):
            continue
        waiting = known.phase in (WAITING, CREATED) or (known.phase == EXITED and (again or restarts(pod, known)))
        if waiting and now >= known.retry_at:
            return Plan(start=known.name)
        if waiting:
            wake = min(wake or known.retry_at, known.retry_at)
        if known.init and not begun and not (known.sidecar and known.phase == RUNNING and known.started):
            break
    return Plan(wake_at=wake)
