"""What a kubelet remembers of one pod: its sandbox, its containers, what it is doing about them, and what it has reported.

All of it is volatile. After a restart the kubelet builds it anew from what the runtime lists (`adopt`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.node import cri
from k8s_tutor.sim import SECOND, Body

BACKOFF_FIRST = 10 * SECOND
BACKOFF_MOST = 300 * SECOND
BACKOFF_RESET = 600 * SECOND
"""A container that ran longer than this starts with no backoff again (pkg/kubelet/kubelet.go; twice the longest backoff)."""

WAITING, CREATED, RUNNING, EXITED = "waiting", "created", "running", "exited"


class LastRun(Body):
    """How an earlier life of a container ended. Instants in µs."""

    id: str
    exit_code: int
    reason: str
    started_at: int
    finished_at: int
    message: str = ""


class Known(Body):
    """What is known of one container of the pod's specification."""

    name: str
    init: bool = False
    sidecar: bool = False
    """An init container that runs as long as the pod does (``restartPolicy: Always``)."""
    ephemeral: bool = False
    probed: tuple[str, ...] = ()
    """Its probes: ``startup``, ``readiness``, ``liveness``."""
    phase: str = WAITING
    reason: str = "ContainerCreating"
    """Why it waits, or why it ended."""
    message: str = ""
    id: str = ""
    sandbox: str = ""
    image: str = ""
    image_ref: str = ""
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    started: bool = False
    """It runs, and its startup probe has succeeded."""
    hooking: bool = False
    """Its postStart hook runs: to everybody else it does not run yet."""
    serving: bool = False
    """What its program says of itself; who has no readiness probe is ready by it."""
    ready: bool = False
    failed: str = ""
    """Why this life must end: ``liveness`` or ``startup`` (the probe that failed), ``hook`` or ``changed``."""
    attempt: int = 0
    """The number of its present or next life: its restart count."""
    last: LastRun | None = None
    backoff: int = 0
    """How long it must wait after its next exit, µs; 0 at first."""
    retry_at: int = 0
    """It does not start before this instant."""
    image_backoff: int = 0


class PodState(Body):
    """What is known of one pod."""

    uid: str
    namespace: str
    name: str
    containers: tuple[Known, ...]
    sandbox: cri.CriSandbox | None = None
    old_sandboxes: tuple[str, ...] = ()
    sandbox_attempt: int = 0
    ip: str = ""
    """The pod's address; it stays in the status when the sandbox is gone."""
    retry_at: int = 0
    """No new sandbox before this instant."""
    mount_tries: int = 0
    """How often its volumes could not be made."""
    busy: tuple[str, ...] = ()
    """Requests to the runtime without an answer yet: ``sandbox``, ``start:web``, ``pull:web``, ``stop:web``, ``teardown``."""
    started_at: int = 0
    """When this kubelet took the pod on, µs."""
    ending_at: int = -1
    """When its containers were told to end, µs; -1: they were not."""
    rejected: tuple[str, str] = ("", "")
    """Reason and message, when the node cannot take it."""
    evicted: tuple[str, str] = ("", "")
    """Reason and message, when it must go because the machine runs short or shuts down."""
    grace: int = 1
    """Seconds that it then has."""
    gone: bool = False
    """The API server does not have the pod any more."""
    removing: bool = False
    """The pod has ended here, and the API server was told to delete it."""
    status: Any = None
    """The status as it was last sent, a JSON tree; None before."""
    reported: tuple[Any, ...] = ()
    """What the status was last computed from (`basis`)."""
    sending: bool = False
    revision: int = 0
    """The pod's resourceVersion after the latest write of its status."""

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    def basis(self, generation: int | None) -> tuple[Any, ...]:
        """All that a status depends on, apart from the time: the same basis gives the same status."""
        return (self.containers, self.sandbox, self.ip, self.rejected, self.evicted, self.gone, generation)

    @property
    def lasting(self) -> list[Known]:
        """The containers whose readiness is the pod's: sidecars and apps."""
        return [container for container in self.containers if container.sidecar or not (container.init or container.ephemeral)]

    @property
    def apps(self) -> list[Known]:
        """The containers that make the pod what it is: neither those that prepare it, nor those that look into it."""
        return [container for container in self.containers if not container.init and not container.ephemeral]

    def container(self, name: str) -> Known:
        """The container of that name. Raises StopIteration."""
        return next(container for container in self.containers if container.name == name)

    def put(self, container: Known) -> PodState:
        """With one container replaced."""
        found = tuple(container if known.name == container.name else known for known in self.containers)
        return msgspec.structs.replace(self, containers=found)

    def begin(self, what: str) -> PodState:
        """With one more request under way."""
        return msgspec.structs.replace(self, busy=(*self.busy, what))

    def end(self, what: str) -> PodState:
        """With that request answered."""
        return msgspec.structs.replace(self, busy=tuple(item for item in self.busy if item != what))


def initial(pod: Any, now: int) -> PodState:
    """The state of a pod that was never seen (``pod`` is the typed struct)."""
    names = [
        Known(container.name, init=True, sidecar=container.restartPolicy == "Always", probed=probes_of(container))
        for container in pod.spec.initContainers or ()
    ]
    waiting = "PodInitializing" if names else "ContainerCreating"
    names += [Known(container.name, reason=waiting, probed=probes_of(container)) for container in pod.spec.containers]
    names += [Known(container.name, ephemeral=True) for container in pod.spec.ephemeralContainers or ()]
    metadata = pod.metadata
    return PodState(metadata.uid, metadata.namespace, metadata.name, tuple(names), started_at=now)


def probes_of(container: Any) -> tuple[str, ...]:
    """The kinds of probes that a container (typed struct) has."""
    return tuple(kind for kind in ("startup", "readiness", "liveness") if getattr(container, kind + "Probe") is not None)


def adopt(state: PodState, sandboxes: list[cri.CriSandbox], containers: list[cri.CriContainer]) -> PodState:
    """The state of a pod with what the runtime has of it: the newest sandbox, the newest life of each container. Older
    sandboxes are left to the collector of garbage."""
    if not sandboxes:
        return state
    newest = max(sandboxes, key=lambda sandbox: sandbox.created_at)
    attempt = max(sandbox.attempt for sandbox in sandboxes)
    state = msgspec.structs.replace(state, sandbox=newest, sandbox_attempt=attempt, ip=newest.ip or state.ip)
    for known in state.containers:
        lives = sorted((c for c in containers if c.name == known.name), key=lambda c: c.attempt)
        for life in lives:
            known = merge(known, life)
        state = state.put(known)
    return state


def merge(known: Known, life: cri.CriContainer) -> Known:
    """Takes over what the runtime says of a container. A newer life puts the present one into ``last``."""
    if known.id == life.id and known.phase == WAITING and life.state == cri.EXITED:
        return known
    if known.id and known.id != life.id:
        known = msgspec.structs.replace(known, last=past(known), exit_code=0, finished_at=0)
    fresh = known.id != life.id
    running = life.state == cri.RUNNING
    started = running and (known.started and not fresh if "startup" in known.probed else True)
    ready = started and (known.ready and not fresh if "readiness" in known.probed else life.ready)
    phase = {cri.CREATED: CREATED, cri.RUNNING: RUNNING, cri.EXITED: EXITED}[life.state]
    return msgspec.structs.replace(
        known, id=life.id, sandbox=life.sandbox, attempt=life.attempt, phase=phase, image=life.image, image_ref=life.image_ref,
        started_at=life.started_at, finished_at=life.finished_at, exit_code=life.exit_code, started=started,
        serving=life.ready, ready=ready, failed="" if fresh else known.failed, hooking=known.hooking and running and not fresh,
        reason=life.reason if phase == EXITED else "", message=life.message if phase == EXITED else "", retry_at=0,
    )  # fmt: skip


def past(known: Known) -> LastRun | None:
    """The life of a container that has ended, or what was the last one before."""
    if not known.finished_at:
        return known.last
    return LastRun(known.id, known.exit_code, known.reason, known.started_at, known.finished_at, known.message)


def after_exit(known: Known, restarting: bool) -> Known:
    """A container that has just ended: if it is to be started again and its last starts were recent, it waits its backoff."""
    if known.finished_at - known.started_at > BACKOFF_RESET:
        known = msgspec.structs.replace(known, backoff=0)
    if not (restarting and known.backoff):
        return known
    return msgspec.structs.replace(
        known, phase=WAITING, reason="CrashLoopBackOff", last=past(known), retry_at=known.finished_at + known.backoff,
        finished_at=0, ready=False, failed="",
    )  # fmt: skip


def next_backoff(known: Known) -> int:
    """The wait after the next exit of a container that is started once more: 10 s, doubled each time, 300 s at most."""
    return min(2 * known.backoff, BACKOFF_MOST) if known.backoff else BACKOFF_FIRST
