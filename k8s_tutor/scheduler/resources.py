"""What a pod asks for: requests by container rules, host ports (component-helpers resource/helpers.go PodRequests).

The scheduler counts what pods *request*, never what they use.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import quantity
from k8s_tutor.api.structs import once
from k8s_tutor.scheduler.terms import Terms, terms_of

DEFAULT_MILLI_CPU = 100
"""What a container without a CPU request counts for in scores (pkg/scheduler/util/pod_resources.go)."""
DEFAULT_MEMORY = 200 * 1024 * 1024
"""The same for memory, bytes."""


class Port(NamedTuple):
    """A port of the node that a pod wants for itself."""

    protocol: str
    ip: str
    number: int

    def conflicts(self, other: Port) -> bool:
        """Whether both cannot be held on one node (framework HostPortInfo.CheckConflict)."""
        if (self.protocol, self.number) != (other.protocol, other.number):
            return False
        return self.ip == other.ip or "0.0.0.0" in (self.ip, other.ip)


class PodInfo(NamedTuple):
    """A pod with what the scheduler needs of it, worked out once. CPU in millicores, memory and storage in bytes."""

    key: str
    pod: Any
    cpu: int
    memory: int
    storage: int
    extended: tuple[tuple[str, int], ...]
    scored_cpu: int
    """CPU with the default for containers that request none."""
    scored_memory: int
    ports: tuple[Port, ...]
    namespace: str
    labels: dict[str, str]
    """Shared with the struct, never written."""
    ending: bool
    """Whether it is being deleted."""
    priority: int = 0
    terms: Terms | None = None
    """Affinity to other pods."""
    claims: tuple[str, ...] = ()
    """Keys of the PersistentVolumeClaims that it mounts."""

    @property
    def group(self) -> tuple[str, tuple[tuple[str, str], ...], bool]:
        """(namespace, labels, ending): all that a selector of another pod can tell it by."""
        return self.namespace, tuple(sorted(self.labels.items())), self.ending


def key_of(pod: Any) -> str:
    """``default/web-1``."""
    return f"{pod.metadata.namespace}/{pod.metadata.name}"


@once
def pod_info(pod: Any) -> PodInfo:
    """What a pod (typed struct) asks for; several schedulers ask."""
    plain = _requests(pod, scored=False)
    scored = _requests(pod, scored=True)
    others = sorted(name for name in plain if name not in ("cpu", "memory", "ephemeral-storage"))
    spec = pod.spec
    return PodInfo(
        key_of(pod), pod, plain.get("cpu", 0), plain.get("memory", 0), plain.get("ephemeral-storage", 0),
        tuple((name, plain[name]) for name in others), scored.get("cpu", 0), scored.get("memory", 0), ports_of(pod),
        pod.metadata.namespace or "", pod.metadata.labels or {}, bool(pod.metadata.deletionTimestamp),
        spec.priority or 0, terms_of(pod) if spec.affinity is not None else None, claims_of(pod) if spec.volumes else (),
    )  # fmt: skip


def claims_of(pod: Any) -> tuple[str, ...]:
    """Keys of the claims behind a pod's volumes; a generic ephemeral volume's claim is named after pod and volume."""
    found = []
    for volume in pod.spec.volumes or ():
        if volume.persistentVolumeClaim is not None:
            found.append(f"{pod.metadata.namespace}/{volume.persistentVolumeClaim.claimName}")
        elif volume.ephemeral is not None:
            found.append(f"{pod.metadata.namespace}/{pod.metadata.name}-{volume.name}")
    return tuple(found)


def amount(name: str, text: str) -> int:
    """A quantity in the scheduler's unit: millicores for CPU, whole units for all else."""
    return quantity.milli(text) if name == "cpu" else quantity.value(text)


def _requests(pod: Any, scored: bool) -> dict[str, int]:
    """Sum over containers and sidecars, but at least what the largest init container needs; plus overhead."""
    total: dict[str, int] = {}
    for container in pod.spec.containers or ():
        _add(total, _container(container, scored))
    sidecars: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in pod.spec.initContainers or ():
        wanted = _container(container, scored)
        if container.restartPolicy == "Always":
            _add(total, wanted)
            _add(sidecars, wanted)
            wanted = dict(sidecars)
        else:
            _add(wanted, sidecars)
        for name, value in wanted.items():
            peak[name] = max(peak.get(name, 0), value)
    for name, value in peak.items():
        total[name] = max(total.get(name, 0), value)
    whole = pod.spec.resources.requests if pod.spec.resources else None
    total.update({name: amount(name, text) for name, text in (whole or {}).items() if _of_pod(name)})
    _add(total, {name: amount(name, text) for name, text in (pod.spec.overhead or {}).items()})
    return total


def _of_pod(name: str) -> bool:
    """Whether a request of the pod as a whole stands for the sum of its containers' (KEP 2837)."""
    return name in ("cpu", "memory") or name.startswith("hugepages-")


def _container(container: Any, scored: bool) -> dict[str, int]:
    requests = (container.resources.requests if container.resources else None) or {}
    found = {name: amount(name, text) for name, text in requests.items()}
    if scored:
        found.setdefault("cpu", DEFAULT_MILLI_CPU)
        found.setdefault("memory", DEFAULT_MEMORY)
    return found


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def ports_of(pod: Any) -> tuple[Port, ...]:
    """Ports of the node that a pod (typed struct) wants for itself."""
    containers = [*(pod.spec.containers or ())]
    containers += [c for c in pod.spec.initContainers or () if c.restartPolicy == "Always"]
    return tuple(
        Port(port.protocol or "TCP", port.hostIP or "0.0.0.0", port.hostPort)
        for container in containers for port in container.ports or () if port.hostPort
    )  # fmt: skip
