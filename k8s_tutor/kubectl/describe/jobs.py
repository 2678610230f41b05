"""``kubectl describe`` of StatefulSets, DaemonSets, Jobs, CronJobs and ReplicationControllers."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity, times
from k8s_tutor.kubectl.describe import template
from k8s_tutor.kubectl.describe.workloads import phases
from k8s_tutor.kubectl.describe.writer import Writer, controller, labels_line, lower, moment, selector, truth
from k8s_tutor.kubectl.program import Tree


def stateful_set(tree: Tree, pods: list[Tree], events: list[Tree] | None, now: int) -> str:
    """One StatefulSet; ``pods``: all that its selector matches."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.line(0, f"CreationTimestamp:\t{moment(metadata.get('creationTimestamp'))}")
    writer.line(0, f"Selector:\t{selector(spec.get('selector'))}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"Replicas:\t{spec.get('replicas', 1)} desired | {status.get('replicas', 0)} total")
    strategy = spec.get("updateStrategy") or {}
    writer.line(0, f"Update Strategy:\t{strategy.get('type', '')}")
    rolling = strategy.get("rollingUpdate") or {}
    if rolling.get("partition") is not None:
        writer.line(1, f"Partition:\t{rolling['partition']}")
        if rolling.get("maxUnavailable") is not None:
            writer.line(1, f"MaxUnavailable:\t{rolling['maxUnavailable']}")
    writer.line(0, f"Pods Status:\t{phases(pods, metadata.get('uid'))}")
    template.write_template(writer, spec.get("template") or {})
    _claims(writer, spec.get("volumeClaimTemplates") or ())
    writer.events(events, now)
    return writer.text()


def _claims(writer: Writer, claims: Any) -> None:
    if not claims:
        writer.line(0, "Volume Claims:\t<none>")
        return
    writer.line(0, "Volume Claims:")
    for claim in claims:
        metadata, spec = claim.get("metadata") or {}, claim.get("spec") or {}
        writer.line(1, f"Name:\t{metadata.get('name', '')}")
        writer.line(1, f"StorageClass:\t{spec.get('storageClassName') or ''}")
        writer.labels("  Labels", metadata.get("labels"))
        writer.annotations("  Annotations", metadata.get("annotations"))
        amount = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
        writer.line(1, f"Capacity:\t{quantity.canonical(str(amount)) if amount is not None else '<default>'}")
        writer.line(1, f"Access Modes:\t[{' '.join(spec.get('accessModes') or ())}]")


def daemon_set(tree: Tree, pods: list[Tree], events: list[Tree] | None, now: int) -> str:
    """One DaemonSet."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.line(0, f"Selector:\t{selector(spec.get('selector'))}")
    nodes = ((spec.get("template") or {}).get("spec") or {}).get("nodeSelector")
    writer.line(0, f"Node-Selector:\t{labels_line(nodes)}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    for title, field in (
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ):
        writer.line(0, f"{title}: {status.get(field, 0)}")
    writer.line(0, f"Pods Status:\t{phases(pods, metadata.get('uid'))}")
    template.write_template(writer, spec.get("template") or {})
    writer.events(events, now)
    return writer.text()


def job(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One Job."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    if spec.get("selector") is not None:
        writer.line(0, f"Selector:\t{selector(spec['selector'])}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    if controller(tree):
        writer.line(0, f"Controlled By:\t{controller(tree)}")
    for field, title in (("parallelism", "Parallelism"), ("completions", "Completions"), ("completionMode", "Completion Mode")):
        if spec.get(field) is not None:
            writer.line(0, f"{title}:\t{spec[field]}")
        elif field == "completions":
            writer.line(0, f"{title}:\t<unset>")
    if spec.get("suspend") is not None:
        writer.line(0, f"Suspend:\t{lower(spec['suspend'])}")
    if spec.get("backoffLimit") is not None:
        writer.line(0, f"Backoff Limit:\t{spec['backoffLimit']}")
    if spec.get("ttlSecondsAfterFinished") is not None:
        writer.line(0, f"TTL Seconds After Finished:\t{spec['ttlSecondsAfterFinished']}")
    if status.get("startTime"):
        writer.line(0, f"Start Time:\t{moment(status['startTime'])}")
    if status.get("completionTime"):
        writer.line(0, f"Completed At:\t{moment(status['completionTime'])}")
        if status.get("startTime"):
            took = times.unix_micros(status["completionTime"]) - times.unix_micros(status["startTime"])
            writer.line(0, f"Duration:\t{times.human_duration(took)}")
    if spec.get("activeDeadlineSeconds") is not None:
        writer.line(0, f"Active Deadline Seconds:\t{spec['activeDeadlineSeconds']}s")
    ready = f" ({status['ready']} Ready)" if status.get("ready") is not None else ""
    counts = f"{status.get('active', 0)} Active{ready} / {status.get('succeeded', 0)} Succeeded"
    counts += f" / {status.get('failed', 0)} Failed"
    writer.line(0, f"Pods Statuses:\t{counts}")
    if spec.get("completionMode") == "Indexed":
        writer.line(0, f"Completed Indexes:\t{_few(status.get('completedIndexes') or '') or '<none>'}")
    template.write_template(writer, spec.get("template") or {})
    writer.events(events, now)
    return writer.text()


def _few(text: str) -> str:
    """At most 50 letters of a list of indexes."""
    if len(text) <= 50:
        return text
    cut = text[:50]
    return f"{cut[: cut.rfind(',')]},..." if "," in cut else cut + "..."


def cron_job(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One CronJob."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"Schedule:\t{spec.get('schedule', '')}")
    if spec.get("timeZone"):
        writer.line(0, f"Time Zone:\t{spec['timeZone']}")
    writer.line(0, f"Concurrency Policy:\t{spec.get('concurrencyPolicy', '')}")
    writer.line(0, f"Suspend:\t{truth(spec.get('suspend'))}")
    for field, title in (("successfulJobsHistoryLimit", "Successful Job History Limit"),
                         ("failedJobsHistoryLimit", "Failed Job History Limit")):  # fmt: skip
        writer.line(0, f"{title}:\t{spec.get(field, '<unset>')}")
    deadline = spec.get("startingDeadlineSeconds")
    writer.line(0, f"Starting Deadline Seconds:\t{'<unset>' if deadline is None else f'{deadline}s'}")
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    writer.line(0, f"Selector:\t{selector(inner['selector']) if inner.get('selector') else '<unset>'}")
    writer.line(0, f"Parallelism:\t{inner.get('parallelism', '<unset>')}")
    writer.line(0, f"Completions:\t{inner.get('completions', '<unset>')}")
    if inner.get("activeDeadlineSeconds") is not None:
        writer.line(0, f"Active Deadline Seconds:\t{inner['activeDeadlineSeconds']}s")
    template.write_template(writer, inner.get("template") or {})
    last = status.get("lastScheduleTime")
    writer.line(0, f"Last Schedule Time:\t{moment(last) if last else '<unset>'}")
    active = ", ".join(one.get("name", "") for one in status.get("active") or ())
    writer.line(0, f"Active Jobs:\t{active or '<none>'}")
    writer.events(events, now)
    return writer.text()


def replication_controller(tree: Tree, pods: list[Tree], events: list[Tree] | None, now: int) -> str:
    """One ReplicationController."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.line(0, f"Selector:\t{labels_line(spec.get('selector'))}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"Replicas:\t{status.get('replicas', 0)} current / {spec.get('replicas', 1)} desired")
    writer.line(0, f"Pods Status:\t{phases(pods, metadata.get('uid'))}")
    template.write_template(writer, spec.get("template") or {})
    for place, one in enumerate(status.get("conditions") or ()):
        if place == 0:
            writer.line(0, "Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------")
        writer.line(1, f"{one['type']} \t{one.get('status')}\t{one.get('reason', '')}")
    writer.events(events, now)
    return writer.text()
