"""What kubectl shows in the columns READY, STATUS and RESTARTS of a pod (pkg/printers/internalversion printPod)."""

from __future__ import annotations

from typing import Any, NamedTuple

Tree = dict[str, Any]


class PodSummary(NamedTuple):
    """``ready`` of ``total`` containers, the one-word status, restarts, and the RFC 3339 time of the last of them or ""."""

    ready: int
    total: int
    status: str
    restarts: int
    last_restart: str


def _later(stamp: str, container: Tree) -> str:
    finished = container.get("lastState", {}).get("terminated", {}).get("finishedAt") or ""
    return max(stamp, finished)


def _ended(terminated: Tree) -> str:
    """Why a container ended, in a word."""
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _condition(status: Tree, kind: str) -> bool:
    return any(item.get("type") == kind and item.get("status") == "True" for item in status.get("conditions", ()))


def _init(spec: Tree, status: Tree) -> tuple[str, PodSummary]:
    """(reason while initialising or "", what the init containers add)."""
    sidecars = [item["name"] for item in spec.get("initContainers", ()) if item.get("restartPolicy") == "Always"]
    ready = restarts = kept = 0
    last = last_kept = ""
    for index, container in enumerate(status.get("initContainerStatuses", ())):
        sidecar = container["name"] in sidecars
        restarts += container.get("restartCount", 0)
        last = _later(last, container)
        if sidecar:
            kept += container.get("restartCount", 0)
            last_kept = _later(last_kept, container)
        state = container.get("state", {})
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated is not None and terminated.get("exitCode", 0) == 0:
            continue
        if sidecar and container.get("started"):
            ready += bool(container.get("ready"))
            continue
        if terminated is not None:
            reason = f"Init:{_ended(terminated)}"
        elif waiting is not None and waiting.get("reason") not in (None, "", "PodInitializing"):
            reason = f"Init:{waiting['reason']}"
        else:
            reason = f"Init:{index}/{len(spec['initContainers'])}"
        return reason, PodSummary(ready, len(sidecars), reason, restarts, last)
    return "", PodSummary(ready, len(sidecars), "", kept, last_kept)


def summary(pod: Tree) -> PodSummary:
    """The summary of a pod (a JSON tree)."""
    spec, status = pod.get("spec", {}), pod.get("status", {})
    phase = status.get("phase", "")
    reason = status.get("reason") or phase
    for condition in status.get("conditions", ()):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    initializing, init = _init(spec, status)
    ready, restarts, last = init.ready, init.restarts, init.last_restart
    if initializing:
        reason = initializing
    if not initializing or _condition(status, "Initialized"):
        running = False
        for container in reversed(status.get("containerStatuses", ())):
            restarts += container.get("restartCount", 0)
            last = _later(last, container)
            state = container.get("state", {})
            if state.get("waiting", {}).get("reason"):
                reason = state["waiting"]["reason"]
            elif "terminated" in state:
                reason = _ended(state["terminated"])
            elif container.get("ready") and "running" in state:
                running = True
                ready += 1
        if reason == "Completed" and running:
            reason = "Running" if _condition(status, "Ready") else "NotReady"
    if pod["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            reason = "Unknown"
        elif phase not in ("Succeeded", "Failed"):
            reason = "Terminating"
    total = len(spec.get("containers", ())) + init.total
    return PodSummary(ready, total, reason, restarts, last)
