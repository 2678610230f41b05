"""The status that a kubelet reports for a pod: a pure function of the pod and what is known of it.

Sources: pkg/kubelet/kubelet_pods.go (generateAPIPodStatus, getPhase, convertToAPIContainerStatuses), status/generate.go.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import times
from k8s_tutor.node import cri, sync
from k8s_tutor.node.podstate import EXITED, RUNNING, Known, LastRun, PodState

Tree = dict[str, Any]


class Facts(NamedTuple):
    """What a status needs beside the pod: the node's address, the time (µs), when the clock began (Unix seconds)."""

    host_ip: str
    now: int
    epoch: int
    runtime: str = "containerd"
    """The scheme of container ids."""

    def stamp(self, at: int) -> str:
        """An instant as the API writes it."""
        return times.rfc3339(at, self.epoch)


def build(pod: Tree, typed: Any, state: PodState, facts: Facts) -> Tree:
    """The whole status. ``pod`` is the JSON tree and ``typed`` the struct of the same pod."""
    before = state.status or pod.get("status") or {}
    if state.rejected[0]:
        return _rejected(pod, state, before, facts)
    phase = phase_of(typed, state, before)
    found: Tree = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase,
        "conditions": conditions(pod, state, phase, before, facts),
        "hostIP": facts.host_ip,
        "hostIPs": [{"ip": facts.host_ip}],
        "startTime": before.get("startTime") or facts.stamp(state.started_at),
        "qosClass": before.get("qosClass") or pod.get("status", {}).get("qosClass", "BestEffort"),
    }
    address = state.ip
    if address:
        found["podIP"], found["podIPs"] = address, [{"ip": address}]
    kinds = ("initContainers", "containers", "ephemeralContainers")
    specs = {row["name"]: row for kind in kinds for row in pod["spec"].get(kind, ())}
    inits = [container_status(known, specs[known.name], facts) for known in state.containers if known.init]
    if inits:
        found["initContainerStatuses"] = inits
    found["containerStatuses"] = [container_status(known, specs[known.name], facts) for known in state.apps]
    if state.evicted[0] and phase == "Failed":
        found["reason"], found["message"] = state.evicted
    ephemeral = [container_status(known, specs[known.name], facts) for known in state.containers if known.ephemeral]
    if ephemeral:
        found["ephemeralContainerStatuses"] = [{**row, "ready": False} for row in ephemeral]
    return found


def _rejected(pod: Tree, state: PodState, before: Tree, facts: Facts) -> Tree:
    """A pod that the node did not admit: Failed, with the reason, and nothing else."""
    reason, message = state.rejected
    return {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": "Failed", "reason": reason, "message": f"Pod was rejected: {message}",
        "startTime": before.get("startTime") or facts.stamp(state.started_at),
        "qosClass": before.get("qosClass", "BestEffort"),
    }  # fmt: skip


def phase_of(pod: Any, state: PodState, before: Tree) -> str:
    """Pending, Running, Succeeded or Failed (getPhase)."""
    if before.get("phase") in ("Succeeded", "Failed"):
        return str(before["phase"])
    inits = [known for known in state.containers if known.init and not known.sidecar]
    if any(known.phase == EXITED and known.exit_code and not sync.restarts(pod, known) for known in inits):
        return "Failed"
    if any(not known.started and known.last is None for known in state.containers if known.sidecar) and not begun(state):
        return "Pending"
    if any(not (known.phase == EXITED and known.exit_code == 0) for known in inits):
        return "Pending"
    if state.evicted[0] and not any(known.phase == RUNNING for known in state.containers):
        return "Failed"
    apps = state.apps
    ended = [known for known in apps if known.phase == EXITED]
    if any(known.phase not in (RUNNING, EXITED) and known.last is None for known in apps):
        return "Pending"
    if len(ended) < len(apps):
        return "Running"
    if any(sync.restarts(pod, known) for known in apps) and not sync.is_ending(pod, state):
        return "Running"
    return "Failed" if any(known.exit_code for known in apps) else "Succeeded"


def conditions(pod: Tree, state: PodState, phase: str, before: Tree, facts: Facts) -> list[Tree]:
    """The five conditions, in the kubelet's order; a time of transition is kept while the status stays."""
    unready = [known.name for known in state.lasting if not (known.phase == RUNNING and known.ready)]
    incomplete = [known.name for known in state.containers if known.init and not _initialised(state, known)]
    sandbox = state.sandbox is not None and state.sandbox.state == cri.READY
    rows: list[Tree] = [{"type": "PodReadyToStartContainers", "status": _word(sandbox)}]
    row: Tree = {"type": "Initialized", "status": _word(not incomplete)}
    if incomplete:
        row |= {"reason": "ContainersNotInitialized", "message": f"containers with incomplete status: [{' '.join(incomplete)}]"}
    elif phase == "Succeeded":
        row["reason"] = "PodCompleted"
    rows.append(row)
    for kind in ("Ready", "ContainersReady"):
        row = {"type": kind, "status": _word(not unready and not incomplete)}
        if phase in ("Succeeded", "Failed"):
            row = {"type": kind, "status": "False", "reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
        elif unready:
            row |= {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
        rows.append(row)
    rows.append({"type": "PodScheduled", "status": "True"})
    if state.evicted[0]:
        row = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": state.evicted[1]}
        rows.append(row)
    known = {item["type"]: item for item in (pod.get("status") or {}).get("conditions", ())}
    known |= {item["type"]: item for item in before.get("conditions", ())}
    generation = pod["metadata"].get("generation", 1)
    return [_dated(row, known.get(row["type"]), generation, facts) for row in rows]


def begun(state: PodState) -> bool:
    """Whether a container that is not there to prepare has been started."""
    return any(known.id for known in state.apps)


def _initialised(state: PodState, known: Known) -> bool:
    if known.sidecar:
        return known.started or begun(state)
    return known.phase == EXITED and known.exit_code == 0


def _dated(row: Tree, before: Tree | None, generation: int, facts: Facts) -> Tree:
    kept = before is not None and before.get("status") == row["status"] and before.get("lastTransitionTime")
    return {
        "type": row["type"], "observedGeneration": generation, "status": row["status"], "lastProbeTime": None,
        "lastTransitionTime": kept or facts.stamp(facts.now), **{k: row[k] for k in ("reason", "message") if k in row},
    }  # fmt: skip


def _word(value: bool) -> str:
    return "True" if value else "False"


# ---------------------------------------------------------------------------------------------------- containers


def container_status(known: Known, spec: Tree, facts: Facts) -> Tree:
    """The status of one container, with every field that the API requires."""
    running, ended = known.phase == RUNNING and not known.hooking, known.phase == EXITED
    state: Tree
    if running:
        state = {"running": {"startedAt": facts.stamp(known.started_at)}}
    elif ended:
        run = LastRun(known.id, known.exit_code, known.reason, known.started_at, known.finished_at, known.message)
        state = {"terminated": terminated(run, facts)}
    else:
        reason = known.reason or "ContainerCreating"
        state = {"waiting": {"reason": reason, **({"message": known.message} if known.message else {})}}
    found: Tree = {
        "name": known.name,
        "state": state,
        "lastState": {"terminated": terminated(known.last, facts)} if known.last else {},
        "ready": ended and known.exit_code == 0 if known.init and not known.sidecar else running and known.ready,
        "restartCount": known.attempt,
        "image": known.image or spec.get("image", ""),
        "imageID": known.image_ref,
        "started": running and known.started,
    }
    if known.id and (running or ended):
        found["containerID"] = f"{facts.runtime}://{known.id}"
    resources = spec.get("resources") or {}
    if running and resources:
        if resources.get("requests"):
            found["allocatedResources"] = resources["requests"]
        found["resources"] = resources
    elif running:
        found["resources"] = {}
    mounts = [_mount(mount) for mount in spec.get("volumeMounts", ())]
    if mounts:
        found["volumeMounts"] = mounts
    if running:
        found["user"] = {"linux": {"uid": 0, "gid": 0, "supplementalGroups": [0]}}
    return found


def _mount(mount: Tree) -> Tree:
    found = {"name": mount["name"], "mountPath": mount["mountPath"]}
    return {**found, "readOnly": True, "recursiveReadOnly": "Disabled"} if mount.get("readOnly") else found


def terminated(run: LastRun, facts: Facts) -> Tree:
    """How a life of a container ended."""
    said = {"message": run.message} if run.message else {}
    return {
        "exitCode": run.exit_code, "reason": run.reason, **said, "startedAt": facts.stamp(run.started_at),
        "finishedAt": facts.stamp(run.finished_at), "containerID": f"{facts.runtime}://{run.id}",
    }  # fmt: skip


def patch_of(status: Tree, before: Tree, uid: str) -> Tree:
    """The strategic merge patch that brings a status up to date, as the kubelet's status manager sends it: what has changed,
    the order of the conditions, and the uid so that it never meets another pod of that name."""
    changed = {key: value for key, value in status.items() if before.get(key) != value}
    if "conditions" in changed:
        known = {item["type"]: item for item in before.get("conditions", ())}
        changed["conditions"] = [
            {**{key: None for key in ("reason", "message") if key in known.get(item["type"], ())}, **item}
            for item in status["conditions"] if known.get(item["type"]) != item
        ]  # fmt: skip
        changed["$setElementOrder/conditions"] = [{"type": item["type"]} for item in status["conditions"]]
    addresses = before.get("podIPs")
    if "podIPs" in changed and addresses:
        changed["podIPs"] = [{"$patch": "replace"}, *changed["podIPs"]]
    return {"metadata": {"uid": uid}, "status": changed}
