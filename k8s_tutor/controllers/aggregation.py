"""Cluster roles that are the sum of others (pkg/controller/clusterroleaggregation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import selectors
from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, update


def reconcile(role: Any, others: list[Any]) -> Decision:
    """The rules of all roles that its selectors choose, each once, in the order of their names."""
    tree = objects.tree_of(role)
    rules: list[Any] = []
    for selector in tree["aggregationRule"].get("clusterRoleSelectors") or ():
        wanted = selectors.from_object(selector)
        for other in others:
            if other.metadata.name != role.metadata.name and wanted.matches(other.metadata.labels):
                rules += [rule for rule in objects.tree_of(other).get("rules") or () if rule not in rules]
    if rules == (tree.get("rules") or []):
        return NOTHING
    return Decision(((update({**tree, "rules": rules}),),))


class ClusterRoleAggregationController(Controller):
    """Keys are cluster roles with an aggregation rule."""

    name = "clusterrole-aggregation-controller"
    hears = ("ClusterRole",)

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [role.metadata.name for role in stores.cluster_roles if role.aggregationRule is not None]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        return self.begin(stores, clock) if change.kind == "ClusterRole" else []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        role = stores.cluster_roles.objects.get(key)
        if role is None or role.aggregationRule is None:
            return NOTHING
        return reconcile(role, list(stores.cluster_roles))
