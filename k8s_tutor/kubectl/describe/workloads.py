"""``kubectl describe deployment`` and ``describe replicaset``."""

from __future__ import annotations

from typing import Any

from k8s_tutor.kubectl.describe import template
from k8s_tutor.kubectl.describe.writer import Writer, controller, moment, selector
from k8s_tutor.kubectl.program import Tree


def deployment(tree: Tree, old: list[Tree], new: list[Tree], events: list[Tree] | None, now: int) -> str:
    """``old`` and ``new``: its ReplicaSets, the one of the present template apart."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.line(0, f"CreationTimestamp:\t{moment(metadata.get('creationTimestamp'))}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"Selector:\t{selector(spec.get('selector'))}")
    counts = [(spec.get("replicas", 1), "desired"), (status.get("updatedReplicas", 0), "updated"),
              (status.get("replicas", 0), "total"), (status.get("availableReplicas", 0), "available"),
              (status.get("unavailableReplicas", 0), "unavailable")]  # fmt: skip
    writer.line(0, f"Replicas:\t{' | '.join(f'{number} {word}' for number, word in counts)}")
    strategy = spec.get("strategy") or {}
    writer.line(0, f"StrategyType:\t{strategy.get('type', '')}")
    writer.line(0, f"MinReadySeconds:\t{spec.get('minReadySeconds', 0)}")
    rolling = strategy.get("rollingUpdate")
    if rolling:
        text = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge"
        writer.line(0, f"RollingUpdateStrategy:\t{text}")
    template.write_template(writer, spec.get("template") or {})
    _conditions(writer, status)
    if old or new:
        writer.line(0, f"OldReplicaSets:\t{_sets(old)}")
        writer.line(0, f"NewReplicaSet:\t{_sets(new)}")
    writer.events(events, now)
    return writer.text()


def _sets(sets: list[Tree]) -> str:
    texts = [
        f"{one['metadata']['name']} ({(one.get('status') or {}).get('replicas', 0)}/"
        f"{(one.get('spec') or {}).get('replicas', 1)} replicas created)"
        for one in sets
    ]
    return ", ".join(texts) or "<none>"


def _conditions(writer: Writer, status: Tree) -> None:
    if status.get("conditions"):
        writer.line(0, "Conditions:")
        writer.line(1, "Type\tStatus\tReason")
        writer.line(1, "----\t------\t------")
        for one in status["conditions"]:
            writer.line(1, f"{one['type']} \t{one.get('status')}\t{one.get('reason', '')}")


def replica_set(tree: Tree, pods: list[Tree], events: list[Tree] | None, now: int) -> str:
    """``pods``: all that its selector matches; only its own are counted."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.line(0, f"Selector:\t{selector(spec.get('selector'))}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    if controller(tree):
        writer.line(0, f"Controlled By:\t{controller(tree)}")
    writer.line(0, f"Replicas:\t{status.get('replicas', 0)} current / {spec.get('replicas', 1)} desired")
    writer.line(0, f"Pods Status:\t{phases(pods, metadata.get('uid'))}")
    template.write_template(writer, spec.get("template") or {})
    _conditions(writer, status)
    writer.events(events, now)
    return writer.text()


def phases(pods: list[Tree], uid: Any) -> str:
    """How many of the pods that the owner ``uid`` controls are in each phase."""
    counts = {"Running": 0, "Pending": 0, "Succeeded": 0, "Failed": 0}
    for pod in pods:
        owners = (pod.get("metadata") or {}).get("ownerReferences") or ()
        phase = (pod.get("status") or {}).get("phase")
        if phase in counts and any(owner.get("controller") and owner.get("uid") == uid for owner in owners):
            counts[phase] += 1
    words = {"Running": "Running", "Pending": "Waiting", "Succeeded": "Succeeded", "Failed": "Failed"}
    return " / ".join(f"{counts[phase]} {words[phase]}" for phase in counts)
