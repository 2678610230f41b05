"""Rows as kubectl prints them."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import podstatus, scheme, tables

NOW = tables.Moment(100_000_000)
STAMP = "2026-01-01T00:00:10Z"


def pod(status: dict[str, Any], spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    containers = {"containers": [{"name": "c"}]}
    return {
        "metadata": {"name": "p", "creationTimestamp": STAMP, **metadata},
        "spec": {**containers, **(spec or {})},
        "status": status,
    }


def container(ready: bool = False, restarts: int = 0, last: str = "", **state: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"name": "c", "ready": ready, "restartCount": restarts, "state": state}
    return {**found, "lastState": {"terminated": {"finishedAt": last}}} if last else found


def init(**state: Any) -> dict[str, Any]:
    return {**container(**state), "name": "i"}


PODS: list[tuple[dict[str, Any], str, str, str]] = [
    (pod({"phase": "Pending"}), "0/1", "Pending", "0"),
    (pod({"phase": "Running", "containerStatuses": [container(True, running={})]}), "1/1", "Running", "0"),
    (pod({"phase": "Running", "containerStatuses": [container(running={})]}), "0/1", "Running", "0"),
    (
        pod({"phase": "Pending", "containerStatuses": [container(waiting={"reason": "ContainerCreating"})]}),
        "0/1",
        "ContainerCreating",
        "0",
    ),
    (
        pod({"phase": "Pending", "containerStatuses": [container(waiting={"reason": "ErrImagePull"})]}),
        "0/1",
        "ErrImagePull",
        "0",
    ),
    (
        pod(
            {
                "phase": "Running",
                "containerStatuses": [container(False, 3, "2026-01-01T00:01:30Z", waiting={"reason": "CrashLoopBackOff"})],
            }
        ),
        "0/1",
        "CrashLoopBackOff",
        "3 (10s ago)",
    ),
    (
        pod({"phase": "Succeeded", "containerStatuses": [container(terminated={"reason": "Completed", "exitCode": 0})]}),
        "0/1",
        "Completed",
        "0",
    ),
    (pod({"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": 3})]}), "0/1", "ExitCode:3", "0"),
    (
        pod({"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": 137, "signal": 9})]}),
        "0/1",
        "Signal:9",
        "0",
    ),
    (pod({"phase": "Failed", "reason": "Evicted"}), "0/1", "Evicted", "0"),
    (
        pod({"phase": "Running", "containerStatuses": [container(True, running={})]}, deletionTimestamp=STAMP),
        "1/1",
        "Terminating",
        "0",
    ),
    (pod({"phase": "Running", "reason": "NodeLost"}, deletionTimestamp=STAMP), "0/1", "Unknown", "0"),
    (
        pod({"phase": "Pending", "initContainerStatuses": [init(running={})]}, {"initContainers": [{"name": "i"}]}),
        "0/1",
        "Init:0/1",
        "0",
    ),
    (
        pod(
            {"phase": "Pending", "initContainerStatuses": [init(waiting={"reason": "CrashLoopBackOff"})]},
            {"initContainers": [{"name": "i"}]},
        ),
        "0/1",
        "Init:CrashLoopBackOff",
        "0",
    ),
    (
        pod(
            {
                "phase": "Running",
                "initContainerStatuses": [{**init(ready=True, running={}), "started": True}],
                "containerStatuses": [container(True, running={})],
            },
            {"initContainers": [{"name": "i", "restartPolicy": "Always"}]},
        ),
        "2/2",
        "Running",
        "0",
    ),
    (
        pod({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}),
        "0/1",
        "SchedulingGated",
        "0",
    ),
]


@pytest.mark.parametrize(("tree", "ready", "status", "restarts"), PODS, ids=[row[2] + row[1] for row in PODS])
def test_a_pod_reads_as_kubectl_shows_it(tree: dict[str, Any], ready: str, status: str, restarts: str) -> None:
    assert tables.cells("Pod", tree, NOW)[:5] == ["p", ready, status, restarts, "90s"]
    assert podstatus.summary(tree).status == status


def test_a_node_shows_whether_it_can_be_used() -> None:
    node = {
        "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/control-plane": ""}, "creationTimestamp": STAMP},
        "spec": {"unschedulable": True},
        "status": {
            "conditions": [{"type": "Ready", "status": "Unknown"}],
            "addresses": [{"type": "InternalIP", "address": "192.168.50.11"}],
            "nodeInfo": {"kubeletVersion": "v1.36.2", "kernelVersion": "6.1.0", "architecture": "amd64"},
        },
    }
    cells = tables.cells("Node", node, NOW)
    assert cells[:6] == ["n", "NotReady,SchedulingDisabled", "control-plane", "90s", "v1.36.2", "192.168.50.11"]
    assert cells[8] == "6.1.0 (amd64)"


SERVICES: list[tuple[dict[str, Any], list[str]]] = [
    (
        {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.9",
            "ports": [{"port": 80, "protocol": "TCP"}],
            "selector": {"b": "2", "a": "1"},
        },
        ["s", "ClusterIP", "10.96.0.9", "<none>", "80/TCP", "90s", "a=1,b=2"],
    ),
    (
        {"type": "NodePort", "clusterIP": "10.96.0.9", "ports": [{"port": 80, "nodePort": 31000, "protocol": "TCP"}]},
        ["s", "NodePort", "10.96.0.9", "<none>", "80:31000/TCP", "90s", "<none>"],
    ),
    (
        {"type": "LoadBalancer", "clusterIP": "10.96.0.9"},
        ["s", "LoadBalancer", "10.96.0.9", "<pending>", "<none>", "90s", "<none>"],
    ),
    ({"type": "ExternalName", "externalName": "e.com"}, ["s", "ExternalName", "<none>", "e.com", "<none>", "90s", "<none>"]),
]


@pytest.mark.parametrize(("spec", "cells"), SERVICES, ids=[row[1][1] for row in SERVICES])
def test_a_service_shows_where_it_is(spec: dict[str, Any], cells: list[str]) -> None:
    assert tables.cells("Service", {"metadata": {"name": "s", "creationTimestamp": STAMP}, "spec": spec}, NOW) == cells


def test_workloads_slices_and_events_have_their_columns() -> None:
    template = {"spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:2"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "w"}}, "template": template}
    meta = {"name": "w", "creationTimestamp": STAMP}
    status = {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2}
    assert tables.cells("Deployment", {"metadata": meta, "spec": spec, "status": status}, NOW) == [
        "w",
        "2/3",
        3,
        2,
        "90s",
        "a,b",
        "x:1,y:2",
        "app=w",
    ]
    assert tables.cells("ReplicaSet", {"metadata": meta, "spec": spec, "status": status}, NOW)[1:4] == [3, 3, 2]
    addresses = [{"addresses": [f"10.244.0.{index}"]} for index in range(5)]
    piece = {"metadata": meta, "addressType": "IPv4", "endpoints": addresses, "ports": [{"port": 80}]}
    assert tables.cells("EndpointSlice", piece, NOW)[2:4] == ["80", "10.244.0.0,10.244.0.1,10.244.0.2 + 2 more..."]
    event = {
        "metadata": meta,
        "type": "Warning",
        "reason": "Failed",
        "message": "no\n",
        "involvedObject": {"kind": "Pod", "name": "p"},
        "firstTimestamp": STAMP,
        "lastTimestamp": "2026-01-01T00:01:35Z",
        "count": 4,
        "source": {"component": "kubelet", "host": "n"},
    }
    assert tables.cells("Event", event, NOW) == ["5s", "Warning", "Failed", "pod/p", "", "kubelet, n", "no", "90s", 4, "w"]
    for row in scheme.SERVED:
        tree = {"metadata": meta, "spec": {"selector": {}}, "status": {}}
        assert len(tables.columns(row.kind)) == len(tables.cells(row.kind, tree, NOW)), row.kind


CONTAINER = {"containers": [{"name": "c", "image": "i:1"}]}
TEMPLATE = {"metadata": {"labels": {"a": "1"}}, "spec": CONTAINER}
CHOSEN = {"matchLabels": {"a": "1"}}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70}}}

KINDS: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("DaemonSet", {"spec": {"selector": CHOSEN, "template": TEMPLATE}, "status": {"desiredNumberScheduled": 3,
     "currentNumberScheduled": 2, "numberReady": 1}}, [3, 2, 1, 0, 0, "<none>", "90s", "c", "i:1", "a=1"]),
    ("StatefulSet", {"spec": {"replicas": 2, "template": TEMPLATE}, "status": {"readyReplicas": 1}},
     ["1/2", "90s", "c", "i:1"]),
    ("Job", {"spec": {"completions": 3, "selector": CHOSEN, "template": TEMPLATE},
     "status": {"succeeded": 1, "startTime": STAMP}}, ["Running", "1/3", "90s", "90s", "c", "i:1", "a=1"]),
    ("CronJob", {"spec": {"schedule": "* * * * *", "suspend": False, "jobTemplate": {"spec": {"template": TEMPLATE}}}},
     ["* * * * *", "<none>", "False", 0, "<none>", "90s", "c", "i:1", "<none>"]),
    ("HorizontalPodAutoscaler", {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "w"}, "minReplicas": 1,
     "maxReplicas": 3, "metrics": [CPU]}, "status": {"currentMetrics": None}},
     ["Deployment/w", "cpu: <unknown>/70%", "1", 3, 0, "90s"]),
    ("PodDisruptionBudget", {"spec": {"minAvailable": 1}, "status": {"disruptionsAllowed": 1}}, ["1", "N/A", 1, "90s"]),
    ("Ingress", {"spec": {"ingressClassName": "nginx", "tls": [{}], "rules": [{"host": "a.example.com"}]}},
     ["nginx", "a.example.com", "", "80, 443", "90s"]),
    ("PersistentVolumeClaim", {"spec": {"storageClassName": "none", "volumeMode": "Filesystem"},
     "status": {"phase": "Pending"}}, ["Pending", "", "", "", "none", "<unset>", "90s", "Filesystem"]),
    ("PersistentVolume", {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
     "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "d", "name": "v"}}, "status": {"phase": "Bound"}},
     ["1Gi", "RWO", "Retain", "Bound", "d/v", "", "<unset>", "", "90s", "<unset>"]),
    ("RoleBinding", {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}]},
     ["Role/r", "90s", "u", "", ""]),
    ("ResourceQuota", {"spec": {"hard": {"pods": "2", "limits.cpu": "1"}}, "status": {"used": {"pods": "1"}}},
     ["pods: 1/2", "limits.cpu: 0/1", "90s"]),
    ("ControllerRevision", {"revision": 2, "metadata": {"name": "k", "creationTimestamp": STAMP, "ownerReferences": [
     {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "w", "controller": True}]}},
     ["statefulset.apps/w", 2, "90s"]),
    ("ClusterRole", {"rules": []}, [STAMP]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "tree", "cells"), KINDS, ids=[row[0] for row in KINDS])
def test_each_kind_has_the_columns_that_people_know(kind: str, tree: dict[str, Any], cells: list[Any]) -> None:
    found = {"metadata": {"name": "k", "creationTimestamp": STAMP}, **tree}
    assert tables.cells(kind, found, NOW) == ["k", *cells]
