"""Installing an operator: what it is allowed to do is applied to the cluster, and its processes are started."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.cluster.operators.spec import OperatorSpec
from k8s_tutor.controllers.manager import ControllerManager
from k8s_tutor.controllers.operators import ChildRule, Operator, OperatorConfig, Rules
from k8s_tutor.kubectl.console import Typed
from k8s_tutor.sim import World

NAMESPACE = "kube-system"


def rules_of(spec: OperatorSpec) -> Rules:
    """An operator as its processes have it."""
    children = [
        ChildRule(one.name, msgspec.json.encode(one.manifest).decode(), one.when, one.each, one.owned) for one in spec.children
    ]
    watches = spec.watches
    return Rules(
        spec.name, watches.apiVersion, watches.kind, watches.plural, watches.namespaced, tuple(children),
        msgspec.json.encode(spec.status).decode(), spec.finalizer,
    )  # fmt: skip


def permissions(rules: Rules) -> list[dict[str, Any]]:
    """The manifests of its service account, and of the role that allows what its rules need."""
    watched = rules.watched
    metadata = {"name": rules.name}
    about = {**metadata, "namespace": NAMESPACE}
    children = [kind for kind in rules.kinds() if kind != watched]
    own = {"apiGroups": [watched.group], "resources": [watched.plural], "verbs": ["get", "list", "watch", "patch"]}
    status = {
        "apiGroups": [watched.group], "resources": [f"{watched.plural}/status", f"{watched.plural}/finalizers"],
        "verbs": ["patch", "update"],
    }  # fmt: skip
    verbs = ["get", "list", "watch", "create", "patch", "delete"]
    made = [{"apiGroups": [kind.group], "resources": [kind.plural], "verbs": verbs} for kind in children]
    lease = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}
    events = {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]}
    rbac = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about},
        {
            "apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": metadata,
            "rules": [own, status, *made, lease, events],
        },
        {
            "apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": rules.name},
            "subjects": [{"kind": "ServiceAccount", **about}],
        },
    ]  # fmt: skip


def start(world: World, spec: OperatorSpec) -> None:
    """Starts its replicas beside the controller managers. Those that run already start anew with these rules."""
    managers = [one for one in world.processes.values() if one.actor is ControllerManager]
    rules = rules_of(spec)
    for number in range(spec.replicas):
        manager = managers[number % len(managers)]
        name = f"{spec.name}-{number + 1}"
        config = OperatorConfig(manager.config.api, rules.user, manager.config.epoch, rules)
        if name not in world.processes:
            world.add(Operator, name, config, host=manager.host)
            continue
        if world.actor(name) is not None:
            world.exit(name)
        world.configure(name, config)
        if manager.host not in world.dead_hosts:
            world.restart(name)


def install(world: World, spec: OperatorSpec, client: str) -> None:
    """Applies its permissions at somebody's console, and starts it."""
    file = f"{spec.name}.yaml"
    text = msgspec.json.encode(permissions(rules_of(spec))).decode()
    world.inject(client, Typed(f"apply -f {file}", ((file, text),)))
    start(world, spec)


def operators_lead(world: World) -> bool:
    """Whether each operator has a replica that holds its Lease and works."""
    replicas = [actor for actor in world.running.values() if isinstance(actor, Operator)]
    return {one.election.lease for one in replicas} == {one.election.lease for one in replicas if one.working}
