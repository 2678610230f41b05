"""The namespace controller: empties a namespace that is being deleted, then lets it go
(pkg/controller/namespace/deletion/namespaced_resources_deleter.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, Write, update
from k8s_tutor.sim import SECOND, CallFailed

FINALIZER = "kubernetes"


class Content(NamedTuple):
    """An object that was found in a namespace."""

    kind: str
    name: str
    uid: str
    ending: bool
    """Whether it is being deleted already."""
    grace: int = 0
    """Seconds that it gets."""
    finalizers: tuple[str, ...] = ()
    root: str = ""
    """Of a custom resource: URL of its collection."""


_DEFINITIONS = "CustomResourceDefinition"


def survey(namespace: str, custom: Mapping[str, str]) -> Decision:
    """Lists everything that a namespace may hold, and the kinds that somebody has defined. ``custom``: those known so far,
    ``widgets.ex.io`` → ``/apis/ex.io/v1``."""
    own = tuple(Write("GET", row.kind, namespace) for row in scheme.RESOURCES if row.namespaced)
    return Decision(((*own, Write("GET", _DEFINITIONS, ""), *_custom(namespace, custom)),))


def _custom(namespace: str, custom: Mapping[str, str]) -> tuple[Write, ...]:
    return tuple(
        Write("GET", name, namespace, root=f"{custom[name]}/namespaces/{namespace}/{name.partition('.')[0]}")
        for name in sorted(custom)
    )


_DONE = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    ("NamespaceDeletionContentFailure", "ContentDeleted",
     "All content successfully deleted, may be waiting on finalization"),
)  # fmt: skip
"""Conditions that are False while all goes well: type, reason, message (deletion/status_condition_utils.go)."""


def _conditions(contents: Sequence[Content]) -> list[tuple[str, str, str, str]]:
    """(type, status, reason, message) of what keeps a namespace."""
    found = [(kind, "False", reason, text) for kind, reason, text in _DONE]
    left = [one for one in contents if one.ending or one.finalizers or one.kind == "Pod"]
    counts: dict[str, int] = {}
    held: dict[str, int] = {}
    for one in left:
        row = None if one.root else scheme.resource(one.kind)
        name = one.kind if row is None else f"{row.plural}.{row.group}"
        counts[name] = counts.get(name, 0) + 1
        for finalizer in one.finalizers:
            held[finalizer] = held.get(finalizer, 0) + 1
    if left:
        told = ", ".join(f"{name} has {counts[name]} resource instances" for name in sorted(counts))
        found.append(("NamespaceContentRemaining", "True", "SomeResourcesRemain", f"Some resources are remaining: {told}"))
    else:
        found.append(("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"))
    if held:
        told = ", ".join(f"{name} in {held[name]} resource instances" for name in sorted(held))
        text = f"Some content in the namespace has finalizers remaining: {told}"
        found.append(("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", text))
    else:
        text = "All content-preserving finalizers finished"
        found.append(("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", text))
    return found


def _told(namespace: Any, contents: Sequence[Content], stamp: str) -> tuple[Write, ...]:
    """The write that says what keeps the namespace, if that is not said already."""
    tree = objects.tree_of(namespace)
    before = {one["type"]: one for one in tree.get("status", {}).get("conditions", ())}
    conditions = []
    for kind, state, reason, message in _conditions(contents):
        known = before.get(kind)
        at = known["lastTransitionTime"] if known is not None and known["status"] == state else stamp
        conditions.append({"type": kind, "status": state, "lastTransitionTime": at, "reason": reason, "message": message})
    if conditions == tree.get("status", {}).get("conditions"):
        return ()
    return (update({**tree, "status": {**tree.get("status", {}), "conditions": conditions}}, "status"),)


def reconcile(namespace: Any, contents: Sequence[Content], stamp: str) -> Decision:
    """Deletes what is there and says what is left; when nothing is left, takes the finalizer away. ``stamp`` is now."""
    name = namespace.metadata.name
    if not contents:
        tree = objects.tree_of(namespace)
        spec = tree.get("spec", {})
        kept = [found for found in spec.get("finalizers", ()) if found != FINALIZER]
        write = update({**tree, "spec": {**spec, "finalizers": kept}}, "finalize")
        return Decision(((write,),), notes=(("namespace.emptied", {"namespace": name}),))
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    writes = tuple(
        Write("DELETE", found.kind, name, found.name, {**options, "preconditions": {"uid": found.uid}}, root=found.root)
        for found in contents if not found.ending
    )  # fmt: skip
    grace = max((found.grace for found in contents), default=0)
    again = (grace // 2 + 1) * SECOND if any(found.ending for found in contents) or grace else 0
    held = any(found.ending or found.finalizers for found in contents)
    told = _told(namespace, contents, stamp) if held else ()
    return Decision(tuple(batch for batch in (writes, told) if batch), again=again)


class NamespaceController(Controller):
    """Keys are namespaces that are being deleted."""

    name = "namespace-controller"
    hears = ("Namespace",)
    workers = 10
    qps, burst = 400, 3000

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[Content, ...]] = {}
        """``namespace/Kind`` → what was found there; a full set makes a survey."""
        self.custom: dict[str, str] = {}
        """Namespaced custom resources: ``widgets.ex.io`` → ``/apis/ex.io/v1``."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [found.metadata.name for found in stores.namespaces if found.metadata.deletionTimestamp]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "Namespace" and change.new is not None and change.new.metadata.deletionTimestamp:
            return [change.key]
        return []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        namespace = stores.namespaces.objects.get(key)
        surveyed = [self.found.get(place) for place in self._places(key)]
        if namespace is None or FINALIZER not in (namespace.spec.finalizers or ()):
            self._forget(key)
            return NOTHING
        if any(part is None for part in surveyed):
            self._forget(key)
            return survey(key, self.custom)
        missing = {name: self.custom[name] for name in sorted(self.custom) if f"{key}/{name}" not in self.found}
        if missing:
            return Decision((_custom(key, missing),))
        surveyed += [self.found[f"{key}/{name}"] for name in sorted(self.custom)]
        self._forget(key)
        return reconcile(namespace, [content for part in surveyed for content in part or ()], clock.stamp)

    def _places(self, key: str) -> list[str]:
        kinds = [row.kind for row in scheme.RESOURCES if row.namespaced]
        return [f"{key}/{kind}" for kind in (*kinds, _DEFINITIONS)]

    def _forget(self, key: str) -> None:
        for place in (*self._places(key), *(f"{key}/{name}" for name in sorted(self.custom))):
            self.found.pop(place, None)

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.method != "GET" or not isinstance(answer, Response):
            return
        if answer.code == 404 and write.root:
            self.custom.pop(write.kind, None)
        if answer.code != 200:
            return
        items = scheme.tree(answer.body).get("items", ())
        if write.kind == _DEFINITIONS:
            self.custom = {item["metadata"]["name"]: root for item in items if (root := _served(item))}
            self.found[f"{key}/{_DEFINITIONS}"] = ()
            return
        self.found[f"{key}/{write.kind}"] = tuple(_content(write.kind, item["metadata"], write.root) for item in items)

    def finished(self, key: str, ok: bool) -> bool:
        return ok and all(place in self.found for place in self._places(key))


def _served(definition: Mapping[str, Any]) -> str:
    """``/apis/ex.io/v1`` of a namespaced kind that is served, else nothing."""
    spec = definition["spec"]
    conditions = definition.get("status", {}).get("conditions") or ()
    established = any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
    version = next((one["name"] for one in spec["versions"] if one.get("served")), "")
    return f"/apis/{spec['group']}/{version}" if established and version and spec["scope"] == "Namespaced" else ""


def _content(kind: str, metadata: Mapping[str, Any], root: str) -> Content:
    ending = bool(metadata.get("deletionTimestamp"))
    return Content(kind, metadata["name"], metadata["uid"], ending, metadata.get("deletionGracePeriodSeconds") or 0,
                   tuple(metadata.get("finalizers", ())), root)  # fmt: skip
