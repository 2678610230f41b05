"""``kubectl describe pod``."""

from __future__ import annotations

from k8s_tutor.api import qos, times
from k8s_tutor.kubectl.describe import template
from k8s_tutor.kubectl.describe.writer import Writer, controller, moment
from k8s_tutor.kubectl.program import Tree


def describe(pod: Tree, events: list[Tree] | None, now: int) -> str:
    """The whole text."""
    metadata, spec, status = pod.get("metadata") or {}, pod.get("spec") or {}, pod.get("status") or {}
    writer = Writer()
    _head(writer, metadata, spec, status, now)
    writer.line(0, f"IP:\t{status.get('podIP', '')}")
    if status.get("podIPs"):
        writer.line(0, "IPs:")
        for one in status["podIPs"]:
            writer.line(1, f"IP:\t{one.get('ip')}")
    else:
        writer.line(0, "IPs:\t<none>")
    if controller(pod):
        writer.line(0, f"Controlled By:\t{controller(pod)}")
    if status.get("nominatedNodeName"):
        writer.line(0, f"NominatedNodeName:\t{status['nominatedNodeName']}")
    for title, field, statuses in (
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
    ):
        if spec.get(field) or field == "containers":
            template.write_containers(writer, title, spec.get(field) or (), status.get(statuses), pod, "")
    _conditions(writer, spec, status)
    template.write_volumes(writer, spec.get("volumes") or (), "")
    writer.line(0, f"QoS Class:\t{status.get('qosClass') or qos.qos_class(spec)}")
    writer.labels("Node-Selectors", spec.get("nodeSelector"))
    writer.tolerations("Tolerations", spec.get("tolerations"))
    template.write_spread(writer, spec.get("topologySpreadConstraints") or (), "")
    writer.events(events, now)
    return writer.text()


def _head(writer: Writer, metadata: Tree, spec: Tree, status: Tree, now: int) -> None:
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    if spec.get("priority") is not None:
        writer.line(0, f"Priority:\t{spec['priority']}")
    for field, title in (
        ("priorityClassName", "Priority Class Name"),
        ("runtimeClassName", "Runtime Class Name"),
        ("serviceAccountName", "Service Account"),
    ):
        if spec.get(field):
            writer.line(0, f"{title}:\t{spec[field]}")
    node = f"{spec['nodeName']}/{status.get('hostIP', '')}" if spec.get("nodeName") else "<none>"
    writer.line(0, f"Node:\t{node}")
    if status.get("startTime"):
        writer.line(0, f"Start Time:\t{moment(status['startTime'])}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    if metadata.get("deletionTimestamp") and status.get("phase") not in ("Failed", "Succeeded"):
        writer.line(0, f"Status:\tTerminating (lasts {times.age(metadata['deletionTimestamp'], now)})")
        writer.line(0, f"Termination Grace Period:\t{metadata.get('deletionGracePeriodSeconds', 0)}s")
    else:
        writer.line(0, f"Status:\t{status.get('phase', '')}")
    for field, title in (("reason", "Reason"), ("message", "Message")):
        if status.get(field):
            writer.line(0, f"{title}:\t{status[field]}")


def _conditions(writer: Writer, spec: Tree, status: Tree) -> None:
    conditions = status.get("conditions") or ()
    if spec.get("readinessGates"):
        known = {one["type"]: one.get("status") for one in conditions}
        writer.line(0, "Readiness Gates:")
        writer.line(1, "Type\tStatus")
        for gate in spec["readinessGates"]:
            writer.line(1, f"{gate['conditionType']} \t{known.get(gate['conditionType'], '<none>')} ")
    if conditions:
        writer.line(0, "Conditions:")
        writer.line(1, "Type\tStatus")
        for one in conditions:
            writer.line(1, f"{one['type']} \t{one.get('status')} ")
