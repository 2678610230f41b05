"""Which flow a request belongs to: FlowSchemas and PriorityLevelConfigurations, as objects and as a plan that is looked up
(vendor/k8s.io/apiserver/pkg/util/flowcontrol; apis/flowcontrol/bootstrap/default.go)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from k8s_tutor.api import scheme
from k8s_tutor.api.authn import MASTERS, User
from k8s_tutor.api.rbac import SERVICE_ACCOUNT
from k8s_tutor.api.watchcache import Caches

Tree = dict[str, Any]

SCHEMA, LEVEL = scheme.resource("FlowSchema"), scheme.resource("PriorityLevelConfiguration")
TOTAL = 600
"""Seats of a server: --max-requests-inflight and --max-mutating-requests-inflight together."""
EXEMPT, CATCH_ALL = "exempt", "catch-all"
_EVERYBODY = ("system:unauthenticated", "system:authenticated")
_CONTROLLERS, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
_AUTO = {"apf.kubernetes.io/autoupdate-spec": "true"}

# ---------------------------------------------------------------------- what is suggested

_LEVELS: tuple[tuple[str, int, int, int, int], ...] = (
    ("catch-all", 5, 0, 0, 0), ("global-default", 20, 50, 128, 6), ("leader-election", 10, 0, 16, 4),
    ("node-high", 40, 25, 64, 6), ("system", 30, 33, 64, 6), ("workload-high", 40, 50, 128, 6),
    ("workload-low", 100, 90, 128, 6),
)  # fmt: skip
"""Name, shares, percentage that may be lent, queues (0: none), queues of one flow."""


def levels() -> list[Tree]:
    """The mandatory and the suggested PriorityLevelConfigurations."""
    found: list[Tree] = [_object(EXEMPT, {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}})]
    for name, shares, lendable, queues, hand in _LEVELS:
        response: Tree = {"type": "Reject"}
        if queues:
            response = {"type": "Queue", "queuing": {"queues": queues, "handSize": hand, "queueLengthLimit": 50}}
        limited = {"nominalConcurrencyShares": shares, "limitResponse": response, "lendablePercent": lendable}
        found.append(_object(name, {"type": "Limited", "limited": limited}))
    return found


def schemas() -> list[Tree]:
    """The mandatory and the suggested FlowSchemas."""
    electing = [_rule("get create update", "coordination.k8s.io", "leases")]
    accounts = ["account:kube-system:*"]
    nodes = [_rule("*", "", "nodes nodes/status", cluster=True), _rule("*", "coordination.k8s.io", "leases")]
    probing = [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]
    endpoints = [_rule("get create update", "", "endpoints")]
    endpoint_controllers = [f"user:{_CONTROLLERS}", "account:kube-system:endpoint-controller",
                            "account:kube-system:endpointslicemirroring-controller"]  # fmt: skip
    leaders = [f"user:{_CONTROLLERS}", f"user:{_SCHEDULER}", *accounts]
    everybody = [f"group:{name}" for name in _EVERYBODY]
    return [
        _schema("exempt", EXEMPT, 1, "", [f"group:{MASTERS}"]),
        _schema("probes", EXEMPT, 2, "", everybody, [], probing),
        _schema("system-leader-election", "leader-election", 100, "ByUser", leaders, electing, []),
        _schema("endpoint-controller", "workload-high", 150, "ByUser", endpoint_controllers, endpoints, []),
        _schema("workload-leader-election", "leader-election", 200, "ByUser", accounts, electing, []),
        _schema("system-node-high", "node-high", 400, "ByUser", ["group:system:nodes"], nodes, []),
        _schema("system-nodes", "system", 500, "ByUser", ["group:system:nodes"]),
        _schema("kube-controller-manager", "workload-high", 800, "ByNamespace", [f"user:{_CONTROLLERS}"]),
        _schema("kube-scheduler", "workload-high", 800, "ByNamespace", [f"user:{_SCHEDULER}"]),
        _schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", accounts),
        _schema("service-accounts", "workload-low", 9000, "ByUser", ["group:system:serviceaccounts"]),
        _schema("global-default", "global-default", 9900, "ByUser", everybody),
        _schema("catch-all", CATCH_ALL, 10000, "ByUser", everybody),
    ]


def _object(name: str, spec: Tree) -> Tree:
    return {"metadata": {"name": name, "annotations": dict(_AUTO)}, "spec": spec}


def _rule(verbs: str, group: str, resources: str, cluster: bool = False) -> Tree:
    found: Tree = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return {**found, "clusterScope": True} if cluster else {**found, "namespaces": ["*"]}


_ALL_RESOURCES: Tree = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
_ALL_PATHS: Tree = {"verbs": ["*"], "nonResourceURLs": ["*"]}


def _schema(
    name: str, level: str, precedence: int, by: str, subjects: list[str],
    resources: Iterable[Tree] = (_ALL_RESOURCES,), paths: Iterable[Tree] = (_ALL_PATHS,),
) -> Tree:  # fmt: skip
    rule: Tree = {"subjects": [_subject(one) for one in subjects]}
    if resources:
        rule["resourceRules"] = [dict(one) for one in resources]
    if paths:
        rule["nonResourceRules"] = [dict(one) for one in paths]
    spec: Tree = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence, "rules": [rule]}
    return _object(name, {**spec, "distinguisherMethod": {"type": by}} if by else spec)


def _subject(text: str) -> Tree:
    kind, _, name = text.partition(":")
    if kind == "account":
        namespace, _, name = name.partition(":")
        return {"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": name}}
    return {"kind": kind.capitalize(), kind: {"name": name}}


def dangling(level: str, missing: bool, stamp: str) -> Tree:
    """The status of a FlowSchema: whether its priority level is there."""
    words = "but there is no such object" if missing else "and it exists"
    return {"conditions": [{
        "type": "Dangling", "status": str(missing), "lastTransitionTime": stamp, "reason": "NotFound" if missing else "Found",
        "message": f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" {words}',
    }]}  # fmt: skip


# ---------------------------------------------------------------------- what is looked up


class Level(NamedTuple):
    """A priority level. ``seats``: requests that it serves at a time (None: as many as come); ``room``: how many of one flow
    may wait for a seat."""

    name: str
    seats: int | None
    room: int


class Flow(NamedTuple):
    """Where a request belongs: the flow schema that takes it, its priority level, and what tells its flow from others."""

    schema: str
    level: Level
    owner: str


class Asked(NamedTuple):
    """What of a request flow schemas look at. ``resource`` is empty for a path that is no resource."""

    user: User
    verb: str
    group: str
    resource: str
    namespace: str
    path: str


class Flows:
    """The objects of one moment, ready to be looked up. Never changed."""

    def __init__(self, caches: Caches) -> None:
        self.version = version_of(caches)
        configured = {tree["metadata"]["name"]: tree for tree in (*levels()[:2], *_known(caches, LEVEL.kind, levels()))}
        shares = {name: _limits(tree)[0] for name, tree in configured.items()}
        total = max(sum(shares.values()), 1)
        self.levels = {
            name: Level(name, None, 0) if tree["spec"].get("type") == "Exempt"
            else Level(name, -(-TOTAL * shares[name] // total), _limits(tree)[1])
            for name, tree in configured.items()
        }  # fmt: skip
        known = _known(caches, SCHEMA.kind, schemas())
        mandatory = [tree for tree in schemas() if tree["metadata"]["name"] in (EXEMPT, CATCH_ALL)]
        named = {tree["metadata"]["name"]: tree for tree in (*mandatory, *known)}
        ordered = sorted((tree["spec"].get("matchingPrecedence", 1000), name) for name, tree in named.items())
        self._schemas = tuple(named[name] for _, name in ordered if level_of(named[name]) in self.levels)

    def level(self, name: str) -> Level:
        """A level by its name; one that is gone has no limit, so that nobody waits there for ever."""
        return self.levels.get(name) or Level(name, None, 0)

    def flow(self, asked: Asked) -> Flow:
        """The first flow schema, by precedence, that takes a request."""
        tree = next((tree for tree in self._schemas if _takes(tree["spec"], asked)), None)
        if tree is None:
            return Flow(CATCH_ALL, self.level(CATCH_ALL), asked.user.name)
        method = (tree["spec"].get("distinguisherMethod") or {}).get("type", "")
        owner = asked.user.name if method == "ByUser" else asked.namespace if method == "ByNamespace" else ""
        return Flow(tree["metadata"]["name"], self.level(level_of(tree)), owner)


@lru_cache(maxsize=8192)
def flow_of(flows: Flows, asked: Asked) -> Flow:
    """As `Flows.flow`, remembered."""
    return flows.flow(asked)


def version_of(caches: Caches) -> tuple[int, int]:
    """Changes whenever one of the objects does."""
    return caches.kinds[SCHEMA.kind].last, caches.kinds[LEVEL.kind].last


def level_of(schema: Tree) -> str:
    """The priority level that a flow schema names."""
    return str((schema["spec"].get("priorityLevelConfiguration") or {}).get("name", ""))


def _known(caches: Caches, kind: str, otherwise: list[Tree]) -> list[Tree]:
    """The objects of a kind, by name; while there are none yet, those that will be made."""
    items = caches.kinds[kind].items
    return [scheme.tree(items[key].data) for key in sorted(items)] or otherwise


def _limits(tree: Tree) -> tuple[int, int]:
    """(shares, how many of one flow may wait)."""
    spec = tree["spec"]
    limited = spec.get("limited") or spec.get("exempt") or {}
    response = limited.get("limitResponse") or {}
    room = (response.get("queuing") or {}).get("queueLengthLimit", 50) if response.get("type") == "Queue" else 0
    return limited.get("nominalConcurrencyShares", 30 if spec.get("limited") else 0), room


# ---------------------------------------------------------------------- rules


def _takes(spec: Tree, asked: Asked) -> bool:
    return any(
        any(_is(subject, asked.user) for subject in rule.get("subjects") or ())
        and (any(_about(one, asked) for one in rule.get("resourceRules") or ()) if asked.resource
             else any(_at(one, asked) for one in rule.get("nonResourceRules") or ()))
        for rule in spec.get("rules") or ()
    )  # fmt: skip


def _is(subject: Tree, user: User) -> bool:
    kind = subject.get("kind", "")
    named = subject.get("serviceAccount" if kind == "ServiceAccount" else kind.lower()) or {}
    name = named.get("name", "")
    if kind == "ServiceAccount":
        prefix = f"{SERVICE_ACCOUNT}{named.get('namespace', '')}:"
        return user.name.startswith(prefix) and name in ("*", user.name.removeprefix(prefix))
    return name in ("*", user.name) if kind == "User" else kind == "Group" and (name == "*" or name in user.groups)


def _about(rule: Tree, asked: Asked) -> bool:
    place = _among(rule.get("namespaces"), asked.namespace) if asked.namespace else bool(rule.get("clusterScope"))
    return place and _among(rule.get("verbs"), asked.verb) and _among(rule.get("apiGroups"), asked.group) and _among(
        rule.get("resources"), asked.resource
    )


def _at(rule: Tree, asked: Asked) -> bool:
    return _among(rule.get("verbs"), asked.verb) and any(
        url in ("*", asked.path) or (url.endswith("/*") and asked.path.startswith(url[:-1]))
        for url in rule.get("nonResourceURLs") or ()
    )


def _among(names: Iterable[str] | None, name: str) -> bool:
    return names is not None and any(one in ("*", name) for one in names)
