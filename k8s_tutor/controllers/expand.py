"""The expand controller: it says who must make a bound claim larger. Volumes inside Kubernetes it would grow itself; there are
none left (pkg/controller/volume/expand)."""

from __future__ import annotations

from k8s_tutor.api import quantity
from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, Event


class ExpandController(Controller):
    """Keys are claims whose wish has grown."""

    name = "volume_expand"
    hears = ("PersistentVolumeClaim",)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        old, new = change.old, change.new
        if old is None or new is None or new.status is None or new.status.phase != "Bound":
            return []
        before, after = (one.spec.resources.requests or {} if one.spec.resources is not None else {} for one in (old, new))
        return [change.key] if quantity.compare(after.get("storage", "0"), before.get("storage", "0")) > 0 else []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        claim = stores.claims.objects.get(key)
        if claim is None:
            return NOTHING
        text = "waiting for an external controller to expand this PVC"
        return Decision(events=(Event(objects.reference(claim), "ExternalExpanding", text),))
