"""``kubectl describe node``."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity, times
from k8s_tutor.kubectl.describe.writer import Writer, lower, moment
from k8s_tutor.kubectl.program import Tree

ROLE = "node-role.kubernetes.io/"
SYSTEM = (
    ("machineID", "Machine ID"), ("systemUUID", "System UUID"), ("bootID", "Boot ID"), ("kernelVersion", "Kernel Version"),
    ("osImage", "OS Image"), ("operatingSystem", "Operating System"), ("architecture", "Architecture"),
    ("containerRuntimeVersion", "Container Runtime Version"), ("kubeletVersion", "Kubelet Version"),
)  # fmt: skip


def describe(node: Tree, lease: Tree | str, pods: list[Tree] | None, events: list[Tree] | None, now: int) -> str:
    """The whole text. ``lease``: the object, or why it could not be had; ``pods`` None: not authorized."""
    metadata, spec, status = node.get("metadata") or {}, node.get("spec") or {}, node.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Roles:\t{roles(metadata.get('labels') or {})}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"CreationTimestamp:\t{moment(metadata.get('creationTimestamp'))}")
    writer.taints("Taints", spec.get("taints"))
    writer.line(0, f"Unschedulable:\t{lower(spec.get('unschedulable'))}")
    _lease(writer, lease)
    _conditions(writer, status)
    writer.line(0, "Addresses:")
    for one in status.get("addresses") or ():
        writer.line(1, f"{one['type']}:\t{one['address']}")
    for field, title in (("capacity", "Capacity"), ("allocatable", "Allocatable")):
        if status.get(field):
            writer.line(0, f"{title}:")
            for name, amount in sorted(status[field].items()):
                writer.line(1, f"{name}:\t{quantity.canonical(str(amount))}")
    writer.line(0, "System Info:")
    info = status.get("nodeInfo") or {}
    for field, title in SYSTEM:
        writer.line(1, f"{title}:\t{info.get(field, '')}")
    if spec.get("podCIDR"):
        writer.line(0, f"PodCIDR:\t{spec['podCIDR']}")
    if spec.get("podCIDRs"):
        writer.line(0, f"PodCIDRs:\t{','.join(spec['podCIDRs'])}")
    if spec.get("providerID"):
        writer.line(0, f"ProviderID:\t{spec['providerID']}")
    if pods is None:
        writer.line(0, "Pods:\tnot authorized")
    else:
        _pods(writer, pods, status.get("allocatable") or status.get("capacity") or {}, now)
    writer.events(events, now)
    return writer.text()


def roles(labels: dict[str, str]) -> str:
    """Roles from the labels, sorted; ``<none>`` without."""
    found = {key[len(ROLE):] for key in labels if key.startswith(ROLE) and len(key) > len(ROLE)}
    if labels.get("kubernetes.io/role"):
        found.add(labels["kubernetes.io/role"])
    return ",".join(sorted(found)) or "<none>"


def _lease(writer: Writer, lease: Tree | str) -> None:
    if isinstance(lease, str):
        writer.line(0, f"Lease:\tFailed to get lease: {lease}")
        return
    spec = lease.get("spec") or {}
    writer.line(0, "Lease:")
    writer.line(1, f"HolderIdentity:\t{spec.get('holderIdentity') or '<unset>'}")
    for field, title in (("acquireTime", "AcquireTime"), ("renewTime", "RenewTime")):
        writer.line(1, f"{title}:\t{moment(spec[field]) if spec.get(field) else '<unset>'}")


def _conditions(writer: Writer, status: Tree) -> None:
    if not status.get("conditions"):
        return
    writer.line(0, "Conditions:")
    writer.line(1, "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage")
    writer.line(1, "----\t------\t-----------------\t------------------\t------\t-------")
    for one in status["conditions"]:
        beat, changed = moment(one.get("lastHeartbeatTime")), moment(one.get("lastTransitionTime"))
        writer.line(1, f"{one['type']} \t{one.get('status')} \t{beat} \t{changed} \t{one.get('reason', '')} "
                       f"\t{one.get('message', '')}")  # fmt: skip


def sum_of(pod: Tree, kind: str, resource: str) -> tuple[int, str]:
    """(nano-units, format) of what a pod requests or is limited to: the sum of its containers, or the largest of its
    init containers where that is more (sidecars count beside the containers)."""
    spec = pod.get("spec") or {}
    total, form = _add(spec.get("containers") or (), kind, resource)
    beside = 0
    for container in spec.get("initContainers") or ():
        amount, its = _add([container], kind, resource)
        form = its if its == "binary" else form
        if container.get("restartPolicy") == "Always":
            beside += amount
            total += amount
        else:
            total = max(total, beside + amount)
    for name, amount in (spec.get("overhead") or {}).items():
        if name == resource and (kind == "requests" or total):
            total += quantity.nano(str(amount))
    return total, form


def _add(containers: Any, kind: str, resource: str) -> tuple[int, str]:
    total, form = 0, "decimal"
    for container in containers:
        amount = ((container.get("resources") or {}).get(kind) or {}).get(resource)
        if amount is not None:
            total += quantity.nano(str(amount))
            form = "binary" if str(amount).endswith("i") else form
    return total, form


def _share(nanos: int, form: str, of: str | None) -> str:
    whole = quantity.nano(str(of)) if of is not None else 0
    return f"{quantity.render(nanos, form)} ({nanos * 100 // whole if whole else 0}%)"


def _pods(writer: Writer, pods: list[Tree], room: Tree, now: int) -> None:
    writer.line(0, f"Non-terminated Pods:\t({len(pods)} in total)")
    writer.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge")
    writer.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---")
    kinds = (("requests", "cpu"), ("limits", "cpu"), ("requests", "memory"), ("limits", "memory"))
    for pod in pods:
        metadata = pod.get("metadata") or {}
        cells = [_share(*sum_of(pod, kind, name), room.get(name)) for kind, name in kinds]
        age = times.age(metadata.get("creationTimestamp"), now)
        writer.line(1, "\t".join([metadata.get("namespace", ""), metadata.get("name", ""), "", *cells, age]))
    writer.line(0, "Allocated resources:")
    writer.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)")
    writer.line(1, "Resource\tRequests\tLimits")
    writer.line(1, "--------\t--------\t------")
    for name in ("cpu", "memory", "ephemeral-storage"):
        cells = [_total(pods, kind, name, room.get(name)) for kind in ("requests", "limits")]
        writer.line(1, "\t".join([name, *cells]))


def _total(pods: list[Tree], kind: str, name: str, of: str | None) -> str:
    sums = [sum_of(pod, kind, name) for pod in pods]
    form = "binary" if any(form == "binary" for _, form in sums) else "decimal"
    return _share(sum(amount for amount, _ in sums), form, of)
