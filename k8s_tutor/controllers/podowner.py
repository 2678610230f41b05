"""What controllers share whose objects own pods: which pods are theirs, and what they have ordered but not seen yet
(pkg/controller/controller_utils.go, controller_ref_manager.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import scheme, selectors
from k8s_tutor.api.informer import Change
from k8s_tutor.api.selectors import Selector
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, Event, Write, create, delete, patch
from k8s_tutor.sim import SECOND, CallFailed

EXPECTATION = 300 * SECOND
"""Pods that were ordered and have not shown up after this long are no longer waited for."""


class Expected(NamedTuple):
    """Pods that were created or deleted but have not been seen to come or go: looks must not count on the informer yet."""

    creates: int
    deletes: tuple[str, ...]
    at: int
    unsent: int = 0
    """Creates that are still to be sent."""

    def fulfilled(self, now: int) -> bool:
        """Whether all of them were seen, or it took too long."""
        return (self.creates <= 0 and not self.deletes) or now - self.at > EXPECTATION


def slow_start(writes: Sequence[Write]) -> tuple[tuple[Write, ...], ...]:
    """Batches of 1, 2, 4, 8, ...: when the first one fails the others are not tried (slowStartBatch)."""
    batches, at, size = [], 0, 1
    while at < len(writes):
        batches.append(tuple(writes[at : at + size]))
        at, size = at + size, size * 2
    return tuple(batches)


def claim(owner: Any, selector: Selector, pods: Iterable[Any], ended: bool = True) -> tuple[list[Any], list[Write]]:
    """(pods of this owner, patches): orphans that match are adopted, own pods that do not match any more are let go.
    ``ended``: adopt also pods that have ended."""
    mine: list[Any] = []
    patches: list[Write] = []
    for pod in pods:
        matches = selector.matches(pod.metadata.labels)
        ref = objects.controller_of(pod)
        if ref is not None:
            if ref.uid != owner.metadata.uid:
                continue
            if matches:
                mine.append(pod)
            elif not owner.metadata.deletionTimestamp:
                patches.append(_owners(pod, {"$patch": "delete", "uid": owner.metadata.uid}))
        elif matches and not owner.metadata.deletionTimestamp and not pod.metadata.deletionTimestamp and (
            ended or not objects.has_ended(pod)
        ):
            patches.append(_owners(pod, objects.owner_reference(owner)))
            mine.append(pod)
    return mine, patches


def _owners(pod: Any, reference: Tree) -> Write:
    change = {"metadata": {"ownerReferences": [reference], "uid": pod.metadata.uid}}
    return patch(pod, change, content_type=STRATEGIC)


def new_pod(owner: Any, template: Tree) -> Tree:
    """A pod as a template says; the server completes its name."""
    metadata = {
        name: value for name, value in template.get("metadata", {}).items()
        if name in ("labels", "annotations", "finalizers")
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "generateName": f"{owner.metadata.name}-", "namespace": owner.metadata.namespace, **metadata,
            "ownerReferences": [objects.owner_reference(owner)],
        },
        "spec": template["spec"],
    }  # fmt: skip


def create_pod(owner: Any, tree: Tree) -> Write:
    """Creates a pod, with the events that tell of it."""
    about = objects.reference(owner)
    failed = Event(about, "FailedCreate", "Error creating: {error}", warning=True)
    return create(tree, Event(about, "SuccessfulCreate", "Created pod: {name}"), failed)


def delete_pod(owner: Any, pod: Any) -> Write:
    """Deletes a pod, with the events that tell of it."""
    about = objects.reference(owner)
    done = Event(about, "SuccessfulDelete", f"Deleted pod: {pod.metadata.name}")
    return delete(pod, done=done, failed=Event(about, "FailedDelete", "Error deleting: {error}", warning=True))


def pods_of(stores: Stores, owner: Any) -> list[Any]:
    """The pods that name this object as an owner, by key."""
    keys = [entry[4:] for entry in stores.owned.of(owner.metadata.uid) if entry.startswith("Pod/")]
    return [stores.pods.objects[key] for key in sorted(keys) if key in stores.pods.objects]


class PodOwner(Controller):
    """Hears of the pods that its objects own or could adopt; remembers what it has ordered and not yet seen."""

    kind = ""
    """Of the objects that own pods."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[str, Expected] = {}
        self.failing: dict[str, str] = {}
        """Message of the last request about a pod that failed, by key."""

    # ------------------------------------------------------------------ for subclasses

    def selector(self, owner: Any) -> Selector:
        """Which pods the owner wants."""
        return selectors.from_object(owner.spec.selector)

    def look(self, stores: Stores, owner: Any, pods: list[Any], settled: bool, clock: Clock) -> Decision:
        """``pods``: those that the owner has, and those of its namespace that nobody owns. ``settled``: whether all pods
        ordered earlier have shown up."""
        raise NotImplementedError

    def gone(self, key: str) -> None:
        """An owner is no more."""
        self.expected.pop(key, None)
        self.failing.pop(key, None)

    # ------------------------------------------------------------------ what it hears

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return sorted(stores.informer(self.kind).objects)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == self.kind:
            if change.new is None or (change.old and change.old.metadata.uid != change.new.metadata.uid):
                self.gone(change.key)
            return [change.key]
        return self._pod_keys(stores, change) if change.kind == "Pod" else []

    def _pod_keys(self, stores: Stores, change: Change) -> list[str]:
        old, new = change.old, change.new
        before, after = self._owner(stores, old), self._owner(stores, new)
        if new is None or new.metadata.deletionTimestamp:
            self._seen_gone(after or before, change.key)
        elif old is None and after:
            self._seen_new(after)
        found = [key for key in (before, after) if key]
        if new is not None and objects.controller_of(new) is None and not new.metadata.deletionTimestamp:
            found += [
                objects.key_of(owner) for owner in stores.informer(self.kind)
                if owner.metadata.namespace == new.metadata.namespace and self.selector(owner).matches(new.metadata.labels)
            ]  # fmt: skip
        return list(dict.fromkeys(found))

    def _owner(self, stores: Stores, pod: Any) -> str:
        ref = objects.controller_of(pod) if pod is not None else None
        if ref is None or ref.kind != self.kind:
            return ""
        owner = stores.informer(self.kind).get(pod.metadata.namespace, ref.name)
        return objects.key_of(owner) if owner is not None and owner.metadata.uid == ref.uid else ""

    def _seen_new(self, key: str) -> None:
        found = self.expected.get(key)
        if found is not None:
            self.expected[key] = found._replace(creates=found.creates - 1)

    def _seen_gone(self, key: str, pod: str) -> None:
        found = self.expected.get(key)
        if found is not None and pod in found.deletes:
            self.expected[key] = found._replace(deletes=tuple(name for name in found.deletes if name != pod))

    # ------------------------------------------------------------------ one look

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        owner = stores.informer(self.kind).objects.get(key)
        if owner is None:
            self.gone(key)
            return NOTHING
        expected = self.expected.get(key)
        settled = expected is None or expected.fulfilled(clock.now)
        pods = [*pods_of(stores, owner), *stores.orphans_in(owner.metadata.namespace)]
        decision = self.look(stores, owner, pods, settled, clock)
        writes = [write for write in decision.writes if write.kind == "Pod"]
        creates = sum(1 for write in writes if write.method == "POST")
        deletes = tuple(f"{write.namespace}/{write.name}" for write in writes if write.method == "DELETE")
        if creates or deletes:
            self.expected[key] = Expected(creates, deletes, clock.now, creates)
        return decision

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        if write.kind != "Pod" or write.method not in ("POST", "DELETE"):
            return
        ok = isinstance(answer, Response) and answer.code < 300
        if ok:
            self.failing.pop(key, None)
        expected = self.expected.get(key)
        if expected is None:
            return
        if write.method == "POST":
            expected = expected._replace(unsent=expected.unsent - 1, creates=expected.creates - (0 if ok else 1))
        elif not ok:
            gone = f"{write.namespace}/{write.name}"
            expected = expected._replace(deletes=tuple(name for name in expected.deletes if name != gone))
        self.expected[key] = expected
        if not ok and isinstance(answer, Response) and answer.code != 404:
            self.failing[key] = _message(answer)

    def finished(self, key: str, ok: bool) -> bool:
        expected = self.expected.get(key)
        if expected is not None and expected.unsent:
            self.expected[key] = expected._replace(creates=expected.creates - expected.unsent, unsent=0)
        return False


def _message(answer: Response) -> str:
    found = scheme.tree(answer.body).get("message", "") if answer.body else ""
    return str(found)
