"""The resource quota controller: writes into each quota what its namespace uses (pkg/controller/resourcequota).

What a quota counts is listed when it is needed; kinds that nobody here watches are looked at every few seconds.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.admission import quota
from k8s_tutor.api.informer import Change
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, Write, update
from k8s_tutor.sim import SECOND, CallFailed

PERIOD = 10 * SECOND
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


def reconcile(found: Any, contents: list[tuple[Resource, Any]]) -> Decision:
    """Writes hard limits and use into the status, if they are not there already."""
    tree = objects.tree_of(found)
    spec, status = tree.get("spec", {}), tree.get("status", {})
    hard = spec.get("hard") or {}
    fresh = {"hard": hard, "used": quota.usage(hard, spec, contents)}
    if not hard or {"hard": status.get("hard"), "used": status.get("used")} == fresh:
        return NOTHING
    return Decision(((update({**tree, "status": fresh}, "status"),),))


class ResourceQuotaController(Controller):
    """Keys are quotas."""

    name = "resourcequota-controller"
    period = PERIOD

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[Any, ...]] = {}
        """``namespace/name/Kind`` → objects of that kind there."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [objects.key_of(found) for found in stores.quotas]

    def tick(self, stores: Stores, clock: Clock) -> list[str]:
        return self.begin(stores, clock)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "ResourceQuota":
            new = change.new
            status = new.status if new is not None else None
            return [change.key] if new is not None and (status is None or status.hard != new.spec.hard) else []
        gone = change.new is None or (change.kind == "Pod" and objects.has_ended(change.new))
        if not gone or not len(stores.quotas):
            return []
        namespace = change.key.rpartition("/")[0]
        return [key for key in sorted(stores.quotas.objects) if key.startswith(f"{namespace}/")]

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        found = stores.quotas.objects.get(key)
        if found is None:
            return NOTHING
        rows = counted(found.spec.hard or {})
        surveyed = [self.found.pop(f"{key}/{row.kind}", None) for row in rows]
        namespace = found.metadata.namespace
        if any(part is None for part in surveyed):
            return Decision((tuple(Write("GET", row.kind, namespace) for row in rows),))
        return reconcile(found, [(row, tree) for row, part in zip(rows, surveyed, strict=True) for tree in part or ()])

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.method == "GET" and isinstance(answer, Response) and answer.code == 200:
            self.found[f"{key}/{write.kind}"] = tuple(scheme.tree(answer.body).get("items", ()))

    def finished(self, key: str, ok: bool) -> bool:
        return ok and any(name.startswith(f"{key}/") for name in self.found)
