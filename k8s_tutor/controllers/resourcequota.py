"""The resource quota controller: writes into each quota what its namespace uses (pkg/controller/resourcequota).

Admission charges what is created; this controller gives back what has gone, at once, and counts all again every five minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.admission import quota
from k8s_tutor.api.informer import Change
from k8s_tutor.api.resources import Resource
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, Decision, update
from k8s_tutor.sim import SECOND

PERIOD = 300 * SECOND
_OWN_NAMES = {row.plural: row for row in scheme.RESOURCES if not row.group}


def counted(hard: dict[str, str]) -> list[Resource]:
    """The rows whose objects a quota counts."""
    found: dict[str, Resource] = {}
    for name in hard:
        row = _row_of(name)
        if row is not None:
            found[row.kind] = row
    return [found[kind] for kind in sorted(found)]


def _row_of(name: str) -> Resource | None:
    if name.startswith("count/"):
        plural, _, group = name.removeprefix("count/").partition(".")
        return next((row for row in scheme.RESOURCES if (row.plural, row.group) == (plural, group)), None)
    if name.endswith("requests.storage") or "storageclass.storage.k8s.io/" in name:
        return scheme.resource("PersistentVolumeClaim")
    return _OWN_NAMES.get(name.partition(".")[0]) or scheme.resource("Pod")


def reconcile(found: Any, contents: Iterable[tuple[Resource, Tree]]) -> Decision:
    """Writes hard limits and use into the status, if they are not there already. ``contents``: what is in the namespace, of
    all kinds that the quota counts."""
    tree = objects.tree_of(found)
    spec, status = tree.get("spec", {}), tree.get("status", {})
    hard = spec.get("hard") or {}
    fresh = {"hard": hard, "used": quota.usage(hard, spec, contents)}
    if not hard or {"hard": status.get("hard"), "used": status.get("used")} == fresh:
        return NOTHING
    return Decision(((update({**tree, "status": fresh}, "status"),),))


class ResourceQuotaController(Controller):
    """Keys are quotas; it listens to them, and to whatever goes."""

    name = "resourcequota-controller"
    period = PERIOD

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [objects.key_of(found) for found in stores.quotas]

    def tick(self, stores: Stores, clock: Clock) -> list[str]:
        return self.begin(stores, clock)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "ResourceQuota":
            new = change.new
            status = new.status if new is not None else None
            return [change.key] if new is not None and (status is None or status.hard != new.spec.hard) else []
        if not len(stores.quotas) or not _gives_back(change):
            return []
        namespace = change.key.rpartition("/")[0]
        return [key for key in sorted(stores.quotas.objects) if key.startswith(f"{namespace}/")]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        found = stores.quotas.objects.get(key)
        if found is None:
            return NOTHING
        namespace = found.metadata.namespace
        contents = [
            (row, objects.tree_of(one)) for row in counted(found.spec.hard or {})
            if (informer := stores.of(row.kind)) is not None for one in informer if one.metadata.namespace == namespace
        ]  # fmt: skip
        return reconcile(found, contents)


def _gives_back(change: Change) -> bool:
    """Whether something has gone that may have counted: an object, or a pod that has ended."""
    if change.new is None:
        return True
    ended = change.kind == "Pod" and objects.has_ended(change.new)
    return ended and not (change.old is not None and objects.has_ended(change.old))
