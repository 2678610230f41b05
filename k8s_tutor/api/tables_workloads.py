"""Tables of workloads: pods and what makes them."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import podstatus, times
from k8s_tutor.api.printing import (
    AGE,
    CONTAINERS,
    NAME,
    NONE,
    UNKNOWN,
    UNSET,
    WORKLOAD,
    Column,
    Moment,
    Rows,
    condition,
    containers,
    created,
    labels,
    name,
    selector,
)

Tree = dict[str, Any]


def _pod(tree: Tree, at: Moment) -> list[Any]:
    found = podstatus.summary(tree)
    restarts = str(found.restarts)
    if found.restarts and found.last_restart:
        restarts += f" ({at.age(found.last_restart)} ago)"
    spec, status = tree.get("spec", {}), tree.get("status", {})
    gates = spec.get("readinessGates", ())
    met = [item["type"] for item in status.get("conditions", ()) if item.get("status") == "True"]
    readiness = f"{sum(gate['conditionType'] in met for gate in gates)}/{len(gates)}" if gates else NONE
    addresses = [item["ip"] for item in status.get("podIPs", ())]
    return [
        name(tree), f"{found.ready}/{found.total}", found.status, restarts, created(tree, at),
        addresses[0] if addresses else status.get("podIP") or NONE, spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE, readiness,
    ]  # fmt: skip


def _pod_template(tree: Tree, at: Moment) -> list[Any]:
    template = tree.get("template", {})
    return [name(tree), *containers(template), labels(template.get("metadata", {}).get("labels"))]


def _deployment(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    return [
        name(tree), f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}", status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0), created(tree, at), *containers(spec.get("template", {})),
        selector(spec.get("selector")),
    ]  # fmt: skip


def _replicas(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    return [
        name(tree), spec.get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0), created(tree, at),
        *containers(spec.get("template", {})),
    ]  # fmt: skip


def _replica_set(tree: Tree, at: Moment) -> list[Any]:
    return [*_replicas(tree, at), selector(tree["spec"].get("selector"))]


def _controller(tree: Tree, at: Moment) -> list[Any]:
    return [*_replicas(tree, at), labels(tree["spec"].get("selector"))]


def _daemon_set(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    template = spec.get("template", {})
    return [
        name(tree), status.get("desiredNumberScheduled", 0), status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0), status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0),
        labels(template.get("spec", {}).get("nodeSelector")), created(tree, at), *containers(template),
        selector(spec.get("selector")),
    ]  # fmt: skip


def _stateful_set(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}"
    return [name(tree), ready, created(tree, at), *containers(spec.get("template", {}))]


def job_status(tree: Tree) -> str:
    """How a Job is, in a word."""
    for word in ("Complete", "Failed"):
        if condition(tree, word):
            return word
    if tree["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for kind in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if condition(tree, kind):
            return kind
    return "Running"


def _job(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    wanted, parallel, done = spec.get("completions"), spec.get("parallelism", 0), status.get("succeeded", 0)
    if wanted is not None:
        completions = f"{done}/{wanted}"
    else:
        completions = f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"
    duration = ""
    if status.get("startTime"):
        end = status.get("completionTime")
        until = times.parse(end, at.epoch) if end else at.now
        duration = times.human_duration(until - times.parse(status["startTime"], at.epoch))
    return [
        name(tree), job_status(tree), completions, duration, created(tree, at), *containers(spec.get("template", {})),
        selector(spec.get("selector")),
    ]  # fmt: skip


def _cron_job(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    last, inner = status.get("lastScheduleTime"), spec.get("jobTemplate", {}).get("spec", {})
    return [
        name(tree), spec.get("schedule", ""), spec.get("timeZone", NONE), str(spec.get("suspend", False)),
        len(status.get("active", ())), at.age(last) if last else NONE, created(tree, at),
        *containers(inner.get("template", {})), selector(inner.get("selector")),
    ]  # fmt: skip


def _controller_revision(tree: Tree, at: Moment) -> list[Any]:
    owner = next((one for one in tree["metadata"].get("ownerReferences", ()) if one.get("controller")), None)
    shown = NONE
    if owner is not None:
        group = owner["apiVersion"].rpartition("/")[0]
        shown = f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}"
    return [name(tree), shown, tree.get("revision", 0), created(tree, at)]


def _measured(metric: Tree, status: Tree) -> str:
    """``cpu: 12%/80%``: what is measured and what is wanted."""
    field = metric["type"][:1].lower() + metric["type"][1:]
    source = metric.get(field, {})
    target, current = source.get("target", {}), status.get(field, {}).get("current", {})
    if field in ("resource", "containerResource"):
        if "averageValue" in target:
            return f"{source.get('name')}: {current.get('averageValue', UNKNOWN)}/{target['averageValue']}"
        percent, wanted = current.get("averageUtilization"), target.get("averageUtilization")
        now = UNKNOWN if percent is None else f"{percent}%"
        return f"{source.get('name')}: {now}/{'<auto>' if wanted is None else f'{wanted}%'}"
    if field == "pods":
        return f"{current.get('averageValue', UNKNOWN)}/{target.get('averageValue')}"
    if "averageValue" in target:
        return f"{current.get('averageValue', UNKNOWN)}/{target['averageValue']} (avg)"
    return f"{current.get('value', UNKNOWN)}/{target.get('value')}"


def _autoscaler(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    target, found = spec.get("scaleTargetRef", {}), status.get("currentMetrics") or ()
    metrics = spec.get("metrics") or ()
    shown = [_measured(metric, found[index] if index < len(found) else {}) for index, metric in enumerate(metrics)]
    text = ", ".join(shown[:2]) + (f" + {len(shown) - 2} more..." if len(shown) > 2 else "")
    return [
        name(tree), f"{target.get('kind')}/{target.get('name')}", text or NONE, str(spec.get("minReplicas", UNSET)),
        spec.get("maxReplicas", 0), status.get("currentReplicas", 0), created(tree, at),
    ]  # fmt: skip


def _budget(tree: Tree, at: Moment) -> list[Any]:
    spec = tree.get("spec", {})
    return [
        name(tree), str(spec.get("minAvailable", "N/A")), str(spec.get("maxUnavailable", "N/A")),
        tree.get("status", {}).get("disruptionsAllowed", 0), created(tree, at),
    ]  # fmt: skip


_DESIRED = (
    Column("Desired", "Number of desired pods.", "integer"),
    Column("Current", "The most recently observed number of replicas.", "integer"),
    Column("Ready", "The number of pods targeted by this ReplicaSet with a Ready Condition.", "integer"),
)

ROWS: Rows = {
    "Pod": (_pod, (
        NAME,
        Column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
        Column("Status", "The aggregate status of the containers in this pod."),
        Column("Restarts", "The number of times the containers in this pod have been restarted and when the last "
                           "container in this pod has restarted."),
        AGE,
        Column("IP", "podIP address allocated to the pod.", wide=True),
        Column("Node", "NodeName indicates in which node this pod is scheduled.", wide=True),
        Column("Nominated Node", "The node that this pod will be scheduled on when preempted pods are gone.", wide=True),
        Column("Readiness Gates", "All conditions that must be true for the pod to be ready.", wide=True),
    )),
    "Deployment": (_deployment, (
        NAME,
        Column("Ready", "Number of the pod with ready state"),
        Column("Up-to-date", "Total number of non-terminated pods targeted by this deployment that have the desired "
                             "template spec.", "integer"),
        Column("Available", "Total number of available pods (ready for at least minReadySeconds) targeted by this "
                            "deployment.", "integer"),
        AGE, *WORKLOAD,
    )),
    "ReplicaSet": (_replica_set, (NAME, *_DESIRED, AGE, *WORKLOAD)),
    "ReplicationController": (_controller, (NAME, *_DESIRED, AGE, *WORKLOAD)),
    "PodTemplate": (_pod_template, (
        NAME, Column("Containers", "Names of each container in the template."),
        Column("Images", "Images referenced by each container in the template."),
        Column("Pod Labels", "The labels for the pod template."),
    )),
    "DaemonSet": (_daemon_set, (
        NAME,
        Column("Desired", "The total number of nodes that should be running the daemon pod.", "integer"),
        Column("Current", "The number of nodes that are running at least 1 daemon pod and are supposed to run it.", "integer"),
        Column("Ready", "Number of nodes that should be running the daemon pod and have one or more of it running with a "
                        "Ready Condition.", "integer"),
        Column("Up-to-date", "The total number of nodes that are running updated daemon pod", "integer"),
        Column("Available", "The number of nodes that should be running the daemon pod and have one or more of it running "
                            "and available", "integer"),
        Column("Node Selector", "A selector which must be true for the pod to fit on a node."),
        AGE, *WORKLOAD,
    )),
    "StatefulSet": (_stateful_set, (
        NAME, Column("Ready", "Number of the pod with ready state"), AGE, *CONTAINERS,
    )),
    "Job": (_job, (
        NAME, Column("Status", "Status of the job."),
        Column("Completions", "The desired number of successfully finished pods the job should be run with."),
        Column("Duration", "Time required to complete the job."), AGE, *WORKLOAD,
    )),
    "CronJob": (_cron_job, (
        NAME, Column("Schedule", "The schedule in Cron format."),
        Column("Timezone", "The time zone name for the given schedule."),
        Column("Suspend", "Whether subsequent executions are suspended.", "boolean"),
        Column("Active", "A list of pointers to currently running jobs.", "integer"),
        Column("Last Schedule", "When was the last time the job was successfully scheduled."), AGE, *WORKLOAD,
    )),
    "ControllerRevision": (_controller_revision, (
        NAME, Column("Controller", "Controller of the object"), Column("Revision", "The revision of the state."), AGE,
    )),
    "HorizontalPodAutoscaler": (_autoscaler, (
        NAME, Column("Reference", "What is scaled."), Column("Targets", "What is measured and what is wanted."),
        Column("MinPods", "The lower limit for the number of replicas."),
        Column("MaxPods", "The upper limit for the number of replicas."),
        Column("Replicas", "The current number of replicas, as last seen by the autoscaler."), AGE,
    )),
    "PodDisruptionBudget": (_budget, (
        NAME, Column("Min Available", "The minimum number of pods that must be available."),
        Column("Max Unavailable", "The maximum number of pods that may be unavailable."),
        Column("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time.", "integer"), AGE,
    )),
}  # fmt: skip
