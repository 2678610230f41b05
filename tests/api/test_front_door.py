"""The front door: who asks, as whom, how many at a time, and whether they may."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.api import escalation, flows, impersonation, rbac
from k8s_tutor.api.authn import AUTHENTICATED, User, of_certificate
from k8s_tutor.api.rbac import Ask
from k8s_tutor.api.wire import Request
from tests.api.conftest import Cluster

RBAC = "/apis/rbac.authorization.k8s.io/v1"
PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
REVIEWS = "/apis/authorization.k8s.io/v1"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"


def binding(name: str, role: str, *subjects: dict[str, str], kind: str = "ClusterRole") -> dict[str, Any]:
    return {
        "metadata": {"name": name}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": list(subjects),
    }  # fmt: skip


def bind(cluster: Cluster, name: str, role: str, *subjects: dict[str, str], namespace: str = "") -> None:
    path = f"{RBAC}/namespaces/{namespace}/rolebindings" if namespace else f"{RBAC}/clusterrolebindings"
    assert cluster.ask("POST", path, binding(name, role, *subjects))[0] == 201
    cluster.pause()


def can(cluster: Cluster, user: str, verb: str, resource: str, groups: tuple[str, ...] = (), **more: str) -> dict[str, Any]:
    spec = {"user": user, "groups": list(groups), "resourceAttributes": {"verb": verb, "resource": resource, **more}}
    code, found = cluster.ask("POST", f"{REVIEWS}/subjectaccessreviews", {"spec": spec})
    assert code == 201, found
    return found["status"]  # type: ignore[no-any-return]


# ---------------------------------------------------------------------------------------------------- authentication


def test_groups_come_from_the_certificate(cluster: Cluster) -> None:
    assert of_certificate("kubernetes-admin", ()).groups == ("system:masters", AUTHENTICATED)
    _, found = cluster.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, "eve", groups=("dev", "qa"))
    assert found["status"]["userInfo"] == {"username": "eve", "groups": ["dev", "qa", AUTHENTICATED]}


def test_nobody_may_see_health_and_version_only(cluster: Cluster) -> None:
    assert [cluster.ask("GET", path, user="")[0] for path in ("/healthz", "/livez", "/readyz", "/version")] == [200] * 4
    code, found = cluster.ask("GET", "/api/v1/pods", user="")
    assert (code, found["message"]) == (
        403, 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    )  # fmt: skip
    _, found = cluster.ask("GET", "/metrics", user="")
    assert found["message"] == 'forbidden: User "system:anonymous" cannot get path "/metrics"'


def token(cluster: Cluster, account: str = "default", **spec: Any) -> str:
    code, found = cluster.ask("POST", f"{ACCOUNTS}/{account}/token", {"spec": spec})
    assert code == 201, found
    return found["status"]["token"]  # type: ignore[no-any-return]


def test_a_service_account_is_its_token_until_time_or_account_are_over(cluster: Cluster) -> None:
    cluster.ask("POST", ACCOUNTS, {"metadata": {"name": "robot"}})
    cluster.pause()
    own = token(cluster, "robot", expirationSeconds=600)
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    info = cluster.ask("POST", path, {}, user="", token=own)[1]["status"]["userInfo"]
    assert info["username"] == "system:serviceaccount:default:robot"
    assert info["groups"] == ["system:serviceaccounts", "system:serviceaccounts:default", AUTHENTICATED]
    assert list(info["extra"]) == ["authentication.kubernetes.io/credential-id"]
    _, review = cluster.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": own}})
    assert review["status"]["authenticated"] is True
    for wrong in (own[:-2] + "xx", own + "x", "a.b.c", ".", "x" * 5000):
        assert cluster.ask("POST", path, {}, user="", token=wrong)[0] == 401
    cluster.pause(601_000_000)
    assert cluster.ask("POST", path, {}, user="", token=own)[0] == 401
    own = token(cluster, "robot")
    cluster.ask("DELETE", f"{ACCOUNTS}/robot")
    cluster.pause()
    assert cluster.ask("POST", path, {}, user="", token=own)[0] == 401


def test_a_token_that_is_bound_to_a_pod_dies_with_it(cluster: Cluster) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    assert cluster.ask("POST", PODS, pod)[0] == 201
    cluster.pause()
    own = token(cluster, boundObjectRef={"kind": "Pod", "apiVersion": "v1", "name": "p"})
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    extra = cluster.ask("POST", path, {}, user="", token=own)[1]["status"]["userInfo"]["extra"]
    assert extra["authentication.kubernetes.io/pod-name"] == ["p"]
    cluster.ask("DELETE", f"{PODS}/p?gracePeriodSeconds=0")
    cluster.pause()
    assert cluster.ask("POST", path, {}, user="", token=own)[0] == 401


def test_what_a_token_may_not_be(cluster: Cluster) -> None:
    code, found = cluster.ask("POST", f"{ACCOUNTS}/default/token", {"spec": {"expirationSeconds": 5}})
    assert code == 422
    assert found["details"]["causes"][0]["message"].endswith("may not specify a duration less than 10 minutes")
    assert cluster.ask("POST", f"{ACCOUNTS}/nobody/token", {})[0] == 404
    assert cluster.ask("POST", f"{ACCOUNTS}/default/token", {}, user="eve")[0] == 403


# ---------------------------------------------------------------------------------------------------- impersonation


def test_impersonation_is_a_right_for_each_name(cluster: Cluster) -> None:
    headers = (("impersonate-user", "alice"), ("impersonate-group", "dev"), ("impersonate-extra-team%2fx", "one"))
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    info = cluster.ask("POST", path, {}, headers=headers)[1]["status"]["userInfo"]
    assert info == {"username": "alice", "groups": ["dev", AUTHENTICATED], "extra": {"team/x": ["one"]}}
    code, found = cluster.ask("GET", PODS, user="bob", headers=headers)
    assert (code, found["message"]) == (
        403, 'users "alice" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope',
    )  # fmt: skip
    cluster.ask("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "alias"}, "rules": [
        {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["alice"]}]})  # fmt: skip
    bind(cluster, "alias", "alias", {"kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"})
    assert cluster.ask("POST", path, {}, user="bob", headers=headers[:1])[0] == 201
    assert cluster.ask("POST", path, {}, user="bob", headers=headers[:2])[1]["message"].startswith('groups "dev" is forbidden')
    assert cluster.ask("POST", path, {}, headers=headers[1:])[0] == 500


def test_a_service_account_brings_its_groups() -> None:
    request = Request("GET", "/", headers=(("impersonate-user", "system:serviceaccount:a:b"),))
    found = impersonation.wanted(request)
    assert found is not None
    assert [ask.resource for ask in impersonation.asks(found)] == ["serviceaccounts"]
    assert impersonation.complete(found).groups == ("system:serviceaccounts", "system:serviceaccounts:a", AUTHENTICATED)


# ---------------------------------------------------------------------------------------------------- authorization


ONE = {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]}


@pytest.mark.parametrize(("rule", "ask", "allowed"), [
    ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, Ask("get", "", "pods"), True),
    ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, Ask("get", "", "pods", "log"), False),
    ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]}, Ask("get", "", "pods", "log"), True),
    ({"verbs": ["get"], "apiGroups": [""], "resources": ["*/log"]}, Ask("get", "", "pods", "log"), True),
    ({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, Ask("list", "apps", "deployments", "scale"), True),
    ({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["pods"]}, Ask("get", "", "pods"), False),
    ({**ONE, "verbs": ["get"]}, Ask("get", "", "pods", name="a"), True),
    ({**ONE, "verbs": ["list"]}, Ask("list", "", "pods"), False),
    ({"verbs": ["get"], "nonResourceURLs": ["/api/*"]}, Ask("get", path="/api/v1"), True),
    ({"verbs": ["get"], "nonResourceURLs": ["/api/*"]}, Ask("get", path="/apis"), False),
    ({"verbs": ["get"], "apiGroups": ["*"], "resources": ["*"]}, Ask("get", path="/api"), False),
])  # fmt: skip
def test_one_rule(rule: dict[str, Any], ask: Ask, allowed: bool) -> None:
    assert rbac.rule_allows(rule, ask) == allowed


def test_bindings_reach_as_far_as_they_say(cluster: Cluster) -> None:
    bind(cluster, "all", "view", {"kind": "Group", "name": "dev", "apiGroup": "rbac.authorization.k8s.io"})
    bind(cluster, "here", "edit", {"kind": "ServiceAccount", "name": "robot", "namespace": "ci"}, namespace="default")
    assert can(cluster, "x", "list", "pods", ("dev",)) == {
        "allowed": True, "reason": 'RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "view" to Group "dev"',
    }  # fmt: skip
    robot = "system:serviceaccount:ci:robot"
    assert can(cluster, robot, "create", "pods", namespace="default") == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "here/default" of ClusterRole "edit" to ServiceAccount "robot/ci"',
    }
    assert can(cluster, robot, "create", "pods", namespace="kube-system") == {"allowed": False}
    bind(cluster, "broken", "nowhere", {"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"})
    reason = 'RBAC: clusterrole.rbac.authorization.k8s.io "nowhere" not found'
    assert can(cluster, "eve", "list", "pods") == {"allowed": False, "reason": reason}
    assert cluster.ask("GET", "/api/v1/pods", user="eve")[1]["message"].endswith(f"at the cluster scope: {reason}")


def test_a_right_to_one_name_is_enough_to_list_and_watch_that_name(cluster: Cluster) -> None:
    rule = {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"]}
    cluster.ask("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "one"}, "rules": [rule]})
    bind(cluster, "one", "one", {"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"})
    assert cluster.ask("GET", f"{MAPS}?fieldSelector=metadata.name=a", user="eve")[0] == 200
    assert cluster.ask("GET", MAPS, user="eve")[0] == 403
    assert cluster.ask("GET", f"{MAPS}/a", user="eve")[0] == 404
    assert cluster.ask("GET", f"{MAPS}/b", user="eve")[0] == 403


def test_nobody_gives_away_what_they_do_not_hold(cluster: Cluster) -> None:
    alice = {"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}
    rules = [
        {"verbs": ["create", "update"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
    ]
    cluster.ask("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "keeper"}, "rules": rules})
    bind(cluster, "keeper", "keeper", alice)
    roles = f"{RBAC}/namespaces/default/roles"
    small = {"metadata": {"name": "small"}, "rules": [rules[1]]}
    large = {"metadata": {"name": "large"}, "rules": [
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["secrets"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}  # fmt: skip
    assert cluster.ask("POST", roles, small, user="alice")[0] == 201
    code, found = cluster.ask("POST", roles, large, user="alice")
    assert (code, found["message"]) == (403, (
        'roles.rbac.authorization.k8s.io "large" is forbidden: user "alice" (groups=["system:authenticated"]) is attempting to '
        'grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    ))  # fmt: skip
    cluster.ask("POST", roles, large)
    cluster.pause()
    bindings = f"{RBAC}/namespaces/default/rolebindings"
    assert cluster.ask("POST", bindings, binding("a", "small", alice, kind="Role"), user="alice")[0] == 201
    assert cluster.ask("POST", bindings, binding("b", "large", alice, kind="Role"), user="alice")[0] == 403
    assert cluster.ask("POST", bindings, binding("c", "cluster-admin", alice), user="alice")[0] == 403
    assert cluster.ask("POST", bindings, binding("d", "nowhere", alice), user="alice")[0] == 404


def test_rules_are_covered_piece_by_piece() -> None:
    held = [{"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["pods", "*/log"]}]
    assert escalation.missing(held, [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "deployments/log"]}]) == []
    lacking = escalation.missing(held, [{"verbs": ["get", "watch"], "apiGroups": [""], "resources": ["pods", "nodes"]}])
    assert [escalation.in_words(rule) for rule in lacking] == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["watch"]}', '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "watch"]}',
    ]  # fmt: skip
    everywhere = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
    assert escalation.missing(everywhere, [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]) == []


def test_a_kubelet_sees_what_its_pods_need(cluster: Cluster) -> None:
    node = "system:node:node-1"
    for kind, name in (("secrets", "used"), ("secrets", "other"), ("configmaps", "settings")):
        cluster.ask("POST", f"/api/v1/namespaces/default/{kind}", {"metadata": {"name": name}})
    spec = {
        "nodeName": "node-1", "containers": [{"name": "c", "image": "nginx", "env": [
            {"name": "K", "valueFrom": {"secretKeyRef": {"name": "used", "key": "k"}}}],
            "envFrom": [{"configMapRef": {"name": "settings"}}]}],
    }  # fmt: skip
    assert cluster.ask("POST", PODS, {"metadata": {"name": "p"}, "spec": spec})[0] == 201
    cluster.pause()
    secrets = "/api/v1/namespaces/default/secrets"
    assert cluster.ask("GET", f"{secrets}/used", user=node)[0] == 200
    assert cluster.ask("GET", f"{MAPS}/settings", user=node)[0] == 200
    assert cluster.ask("GET", f"{secrets}/used", user="system:node:node-2")[0] == 403
    code, found = cluster.ask("GET", f"{secrets}/other", user=node)
    assert (code, found["message"]) == (403, (
        'secrets "other" is forbidden: User "system:node:node-1" cannot get resource "secrets" in API group "" in the '
        "namespace \"default\": no relationship found between node 'node-1' and this object"
    ))  # fmt: skip
    assert cluster.ask("GET", "/api/v1/pods?fieldSelector=spec.nodeName=node-1", user=node)[0] == 200
    assert cluster.ask("GET", "/api/v1/pods", user=node)[0] == 403
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    assert cluster.ask("GET", f"{leases}/node-1", user=node)[0] == 404
    assert cluster.ask("GET", f"{leases}/node-2", user=node)[0] == 403


def test_rules_of_oneself(cluster: Cluster) -> None:
    _, found = cluster.ask("POST", f"{REVIEWS}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}}, user="eve")
    reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    rule = {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": reviews}
    assert rule in found["status"]["resourceRules"]
    assert cluster.ask("POST", f"{REVIEWS}/selfsubjectrulesreviews", {"spec": {}})[0] == 400
    _, found = cluster.ask("POST", f"{REVIEWS}/subjectaccessreviews", {"spec": {"resourceAttributes": {"verb": "get"}}})
    assert found["details"]["causes"][0]["message"].endswith("at least one of user or group must be specified")
    local = f"{REVIEWS}/namespaces/default/localsubjectaccessreviews"
    spec = {"user": "eve", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "other"}}
    assert cluster.ask("POST", local, {"spec": spec})[0] == 422


# ---------------------------------------------------------------------------------------------------- fairness and audit


def test_flows_share_the_seats_of_their_level(cluster: Cluster) -> None:
    bind(cluster, "all", "view", *[{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"} for name in "ab"])
    cluster.world.pause("etcd-1")
    calls = [cluster.send("GET", MAPS, user="a") for _ in range(60)]
    late = cluster.send("GET", MAPS, user="b")
    cluster.pause(5_000)
    seats = cluster.server.fairness
    assert seats.taken["global-default"] == cluster.server.flows.level("global-default").seats == 49
    assert len(seats.queues["global-default"]) == 12
    assert [waiting.flow.owner for waiting in seats.queues["global-default"]] == ["a"] * 11 + ["b"]
    cluster.world.resume("etcd-1")
    cluster.pause(1_000_000)
    seats = cluster.server.fairness
    assert {cluster.client.answers[call].code for call in (*calls, late)} == {200}
    assert seats.taken["global-default"] == 0
    assert cluster.server.inside == {}


def test_who_floods_is_told_to_come_again_and_others_are_not(cluster: Cluster) -> None:
    bind(cluster, "all", "view", *[{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"} for name in "ab"])
    cluster.world.pause("etcd-1")
    calls = [cluster.send("GET", MAPS, user="a") for _ in range(130)]
    cluster.pause(10_000)
    refused = [cluster.client.answers[call] for call in calls if call in cluster.client.answers]
    assert len(refused) >= 130 - 49 - 50
    found = json.loads(refused[0].body)
    assert (refused[0].code, found["reason"], found["message"]) == (
        429, "TooManyRequests", "Too many requests, please try again later.",
    )  # fmt: skip
    assert ("Retry-After", "1") in refused[0].headers
    assert cluster.ask("GET", "/healthz", user="b")[0] == 200


def test_levels_by_who_asks(cluster: Cluster) -> None:
    known = cluster.server.flows

    def level(name: str, groups: tuple[str, ...] = (), resource: str = "pods") -> str:
        user, group = User(name, groups), "coordination.k8s.io" if resource == "leases" else ""
        return flows.flow_of(known, flows.Asked(user, "get", group, resource, "default", "")).level.name

    assert level("kubernetes-admin", ("system:masters",)) == "exempt"
    assert level("system:node:node-1", ("system:nodes",), "leases") == "node-high"
    assert level("system:node:node-1", ("system:nodes",)) == "system"
    assert {name: one.seats for name, one in known.levels.items()} == {
        "exempt": None, "catch-all": 13, "global-default": 49, "leader-election": 25, "node-high": 98, "system": 74,
        "workload-high": 98, "workload-low": 245,
    }  # fmt: skip
    assert level("system:kube-scheduler", (), "leases") == "leader-election"
    assert level("system:kube-scheduler") == "workload-high"
    assert level("system:serviceaccount:kube-system:x", ("system:serviceaccounts",)) == "workload-high"
    assert level("system:serviceaccount:default:x", ("system:serviceaccounts",)) == "workload-low"
    assert level("alice", ("dev", "system:authenticated")) == "global-default"


def test_the_audit_log_says_who_did_what_as_whom(cluster: Cluster) -> None:
    cluster.ask("GET", PODS, headers=(("impersonate-user", "alice"),))
    event = cluster.server.audit.events[-1].tree(cluster.server.config.epoch)
    assert (event["user"]["username"], event["impersonatedUser"]["username"]) == ("kubernetes-admin", "alice")
    assert (event["verb"], event["requestURI"], event["responseStatus"]) == ("list", PODS, {"code": 403})
    cluster.ask("GET", PODS, user="", token="wrong")
    assert cluster.server.audit.events[-1].code == 403, "who is not known is not in the log of what users did"


def test_users_are_plain_values() -> None:
    assert User("a", ("b",)) == User("a", ("b",), "", ())
