"""FlowSchemas and PriorityLevelConfigurations take effect: a level of one's own, its queue, and who is told to come again."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api import flows
from k8s_tutor.api.authn import User
from k8s_tutor.sim import Note
from tests.api.conftest import Cluster

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
LEVELS, SCHEMAS = f"{FLOW}/prioritylevelconfigurations", f"{FLOW}/flowschemas"
MAPS = "/api/v1/namespaces/default/configmaps"
DUMP = "/debug/api_priority_and_fairness/dump_priority_levels"
ALL: dict[str, Any] = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}


def level(name: str, shares: int = 1, response: dict[str, Any] | None = None) -> dict[str, Any]:
    limited = {"nominalConcurrencyShares": shares, "limitResponse": response or {"type": "Reject"}}
    return {"metadata": {"name": name}, "spec": {"type": "Limited", "limited": limited}}


def schema(name: str, to: str, user: str = "alice", precedence: int = 50, by: str = "ByUser") -> dict[str, Any]:
    rule = {"subjects": [{"kind": "User", "user": {"name": user}}], "resourceRules": [ALL]}
    spec = {"priorityLevelConfiguration": {"name": to}, "matchingPrecedence": precedence, "rules": [rule]}
    return {"metadata": {"name": name}, "spec": {**spec, "distinguisherMethod": {"type": by}}}


@pytest.fixture
def slow(cluster: Cluster) -> Cluster:
    """A cluster in which alice may read."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    subject = {"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    assert cluster.ask("POST", path, {"metadata": {"name": "a"}, "roleRef": role, "subjects": [subject]})[0] == 201
    return cluster


def test_the_suggested_objects_are_there(cluster: Cluster) -> None:
    names = [item["metadata"]["name"] for item in cluster.ask("GET", LEVELS)[1]["items"]]
    assert names == ["catch-all", "exempt", "global-default", "leader-election", "node-high", "system", "workload-high",
                     "workload-low"]  # fmt: skip
    items = cluster.ask("GET", SCHEMAS)[1]["items"]
    assert len(items) == 13
    assert {item["spec"]["priorityLevelConfiguration"]["name"] for item in items} == set(names)
    for item in items:
        [condition] = item["status"]["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == ("Dangling", "False", "Found")


def test_a_level_without_a_queue_refuses_what_it_has_no_seat_for(slow: Cluster) -> None:
    assert slow.ask("POST", LEVELS, level("tiny"))[0] == 201
    assert slow.ask("POST", SCHEMAS, schema("alice", "tiny"))[0] == 201
    slow.pause()
    seats = slow.server.flows.level("tiny").seats
    assert seats == 3  # 600 × 1 / 246, rounded up
    slow.world.pause("etcd-1")
    calls = [slow.send("GET", MAPS, user="alice") for _ in range(5)]
    other = slow.send("GET", MAPS)
    slow.pause()
    codes = [slow.client.answers[call].code for call in calls if call in slow.client.answers]
    assert codes == [429, 429]
    slow.world.resume("etcd-1")
    slow.pause(2_000_000)
    assert slow.client.answers[other].code == 200
    assert slow.server.fairness.counts["tiny"].rejected == 2


def test_a_level_with_a_queue_lets_them_wait_and_more_seats_let_them_in(slow: Cluster) -> None:
    queue = {"type": "Queue", "queuing": {"queues": 1, "handSize": 1, "queueLengthLimit": 3}}
    assert slow.ask("POST", LEVELS, level("tiny", response=queue))[0] == 201
    assert slow.ask("POST", SCHEMAS, schema("alice", "tiny"))[0] == 201
    slow.pause()
    slow.world.pause("etcd-1")
    calls = [slow.send("GET", MAPS, user="alice") for _ in range(8)]
    slow.pause()
    assert [slow.client.answers[call].code for call in calls if call in slow.client.answers] == [429, 429]
    text = slow.ask("GET", DUMP)[1]
    row = next(line.replace(" ", "").split(",") for line in text.splitlines() if line.startswith("tiny"))
    assert row == ["tiny", "1", "false", "false", "3", "3", "3", "2", "0", "0"]
    noted = [one.fields for one in slow.world.log.records() if isinstance(one, Note) and one.kind == "api.request"]
    assert [fields["stages"][-1] for fields in noted if fields["user"] == "alice"][-5:].count("fairness …") == 3
    slow.world.resume("etcd-1")
    slow.pause(2_000_000)
    assert sorted(slow.client.answers[call].code for call in calls) == [200] * 6 + [429] * 2
    assert not any(slow.server.fairness.taken.values())


def test_a_schema_whose_level_is_missing_is_told_so_and_ignored(slow: Cluster) -> None:
    assert slow.ask("POST", SCHEMAS, schema("alice", "later"))[0] == 201
    slow.pause()
    [condition] = slow.ask("GET", f"{SCHEMAS}/alice")[1]["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("True", "NotFound")
    assert condition["message"] == (
        'This FlowSchema references the PriorityLevelConfiguration object named "later" but there is no such object'
    )
    asked = flows.Asked(User("alice", ("system:authenticated",)), "list", "", "configmaps", "default", "")
    assert slow.server.flows.flow(asked).schema == "global-default"
    assert slow.ask("POST", LEVELS, level("later"))[0] == 201
    slow.pause()
    [condition] = slow.ask("GET", f"{SCHEMAS}/alice")[1]["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "Found")
    assert slow.server.flows.flow(asked).schema == "alice"


@pytest.mark.parametrize(("user", "groups", "verb", "group", "resource", "path", "want"), [
    ("kubernetes-admin", ("system:masters",), "list", "", "pods", "", "exempt"),
    ("x", ("system:unauthenticated",), "get", "", "", "/healthz", "probes"),
    ("x", ("system:unauthenticated",), "get", "", "", "/version", "global-default"),
    ("system:kube-controller-manager", (), "update", "coordination.k8s.io", "leases", "", "system-leader-election"),
    ("system:kube-controller-manager", (), "update", "", "endpoints", "", "endpoint-controller"),
    ("system:kube-controller-manager", (), "list", "", "pods", "", "kube-controller-manager"),
    ("system:node:a", ("system:nodes",), "patch", "", "nodes/status", "", "system-node-high"),
    ("system:node:a", ("system:nodes",), "patch", "", "pods/status", "", "system-nodes"),
    ("system:serviceaccount:kube-system:x", ("system:serviceaccounts",), "get", "", "pods", "", "kube-system-service-accounts"),
    ("system:serviceaccount:default:x", ("system:serviceaccounts",), "get", "", "pods", "", "service-accounts"),
    ("nobody", (), "get", "", "pods", "", "catch-all"),
])  # fmt: skip
def test_who_goes_where(
    cluster: Cluster, user: str, groups: tuple[str, ...], verb: str, group: str, resource: str, path: str, want: str
) -> None:  # fmt: skip
    namespace = "" if resource.startswith("nodes") or path else "default"
    asked = flows.Asked(User(user, groups), verb, group, resource, namespace, path)
    assert cluster.server.flows.flow(asked).schema == want


def test_without_objects_the_mandatory_ones_hold(cluster: Cluster) -> None:
    for path in (LEVELS, SCHEMAS):
        assert cluster.ask("DELETE", path)[0] == 200
    cluster.pause()
    assert cluster.ask("GET", MAPS)[0] == 200
    assert {"exempt", "catch-all"} <= set(cluster.server.flows.levels)
