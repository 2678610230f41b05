"""The node authorizer: a kubelet may write about its own node, and read what the pods bound to it need
(plugin/pkg/auth/authorizer/node)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from k8s_tutor.api import policy, scheme
from k8s_tutor.api.authn import User
from k8s_tutor.api.rbac import Answer, Ask, rule_allows
from k8s_tutor.api.watchcache import Caches

Tree = dict[str, Any]

GROUP = "system:nodes"
PREFIX = "system:node:"
NO_OPINION = Answer(False)


@lru_cache(maxsize=1)
def rules() -> tuple[Tree, ...]:
    """What every kubelet may do, before it is asked for which objects."""
    role = next(role for role in policy.cluster_roles() if role["metadata"]["name"] == "system:node")
    return tuple(role["rules"])


def decide(caches: Caches, user: User, ask: Ask, selector: str = "") -> Answer:
    """Whether a kubelet may do this. Not allowed means: the next authorizer decides."""
    node = user.name.removeprefix(PREFIX)
    if not user.name.startswith(PREFIX) or not node:
        return NO_OPINION
    own = _RESOURCES.get((ask.group, ask.resource))
    if own is not None:
        return own(caches, node, ask, selector)
    return _by_rules(ask)


def _by_rules(ask: Ask) -> Answer:
    return Answer(any(rule_allows(rule, ask) for rule in rules()))


def _needed(caches: Caches, node: str, ask: Ask, selector: str) -> Answer:
    """ConfigMaps and Secrets: those that a pod of this node names."""
    if ask.verb not in ("get", "list", "watch"):
        return Answer(False, "can only get, list, or watch individual resources of this type")
    if not ask.name:
        return Answer(False, "No Object name found")
    for item in caches.kinds["Pod"].items.values():
        pod = scheme.tree(item.data)
        here = pod["metadata"]["namespace"] == ask.namespace and pod["spec"].get("nodeName") == node
        if here and ask.name in _names(pod["spec"], ask.resource):
            return Answer(True)
    return Answer(False, f"no relationship found between node '{node}' and this object")


def _names(spec: Tree, resource: str) -> set[str]:
    """Names of the ConfigMaps or Secrets that a pod uses."""
    found: set[str] = set()
    volume, reference, key, direct = (
        ("secret", "secretRef", "secretKeyRef", "secretName") if resource == "secrets"
        else ("configMap", "configMapRef", "configMapKeyRef", "name")
    )  # fmt: skip
    for one in spec.get("volumes") or ():
        found.add((one.get(volume) or {}).get(direct, ""))
        for source in (one.get("projected") or {}).get("sources") or ():
            found.add((source.get(volume) or {}).get("name", ""))
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        for source in container.get("envFrom") or ():
            found.add((source.get(reference) or {}).get("name", ""))
        for variable in container.get("env") or ():
            found.add(((variable.get("valueFrom") or {}).get(key) or {}).get("name", ""))
    if resource == "secrets":
        found.update(one.get("name", "") for one in spec.get("imagePullSecrets") or ())
    return found - {""}


def _own_lease(caches: Caches, node: str, ask: Ask, selector: str) -> Answer:
    if ask.verb not in ("get", "create", "update", "patch", "delete"):
        return Answer(False, "can only get, create, update, patch, or delete a node lease")
    if ask.namespace != "kube-node-lease":
        return Answer(False, 'can only access leases in the "kube-node-lease" system namespace')
    if ask.verb != "create" and ask.name != node:
        return Answer(False, "can only access node lease with the same name as the requesting node")
    return Answer(True)


def _pods(caches: Caches, node: str, ask: Ask, selector: str) -> Answer:
    """Lists and watches must be for the pods of this node."""
    if ask.verb in ("list", "watch") and not ask.subresource and f"spec.nodeName={node}" not in selector.split(","):
        return Answer(False, "can only list/watch pods with spec.nodeName field selector")
    return _by_rules(ask)


_RESOURCES = {
    ("", "configmaps"): _needed,
    ("", "secrets"): _needed,
    ("", "pods"): _pods,
    ("coordination.k8s.io", "leases"): _own_lease,
}
