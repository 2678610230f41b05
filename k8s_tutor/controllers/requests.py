"""What a controller decides: requests to the API server, events, and when to look again. Plain frozen data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8s_tutor.api import scheme

Tree = dict[str, Any]

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class Event(NamedTuple):
    """An event about an object. ``text`` may hold ``{name}`` (the name that the server gave a created object) and
    ``{error}`` (the message of a refusal)."""

    about: Tree
    """An ``ObjectReference``."""
    reason: str
    text: str
    warning: bool = False


class Write(NamedTuple):
    """One request. ``done`` is recorded when it succeeds, ``failed`` when it is refused."""

    method: str
    kind: str
    namespace: str
    name: str = ""
    tree: Tree | None = None
    subresource: str = ""
    content_type: str = JSON
    done: Event | None = None
    failed: Event | None = None
    root: str = ""
    """Of a custom resource: URL of its collection."""
    query: tuple[tuple[str, str], ...] = ()
    uid: str = ""
    """Of a GET: what is there must be this very object, and not on its way out."""
    asking: bool = False
    """A question: whatever the answer, also none, the look goes on."""

    @property
    def path(self) -> str:
        """Its URL."""
        if self.root:
            return "/".join(filter(None, (self.root, self.name, self.subresource)))
        return scheme.resource(self.kind).path(self.namespace, self.name, self.subresource)

    @property
    def about(self) -> str:
        """``Kind/namespace/name``."""
        return f"{self.kind}/{self.namespace}/{self.name}"


class Decision(NamedTuple):
    """What one look at one object leads to. Batches are sent one after the other, the requests of one batch together; after a
    failure the rest is given up, only ``last`` is sent all the same, and the object is looked at again soon."""

    batches: tuple[tuple[Write, ...], ...] = ()
    last: tuple[Write, ...] = ()
    events: tuple[Event, ...] = ()
    again: int | None = None
    """Look again after so many µs."""
    notes: tuple[tuple[str, Tree], ...] = ()
    failed: bool = False
    """The object could not be dealt with: look again soon, with growing pauses."""

    @property
    def writes(self) -> tuple[Write, ...]:
        """All requests in order."""
        return (*(write for batch in self.batches for write in batch), *self.last)

    def __bool__(self) -> bool:
        return bool(self.batches or self.last or self.events or self.notes)


NOTHING = Decision()


def create(tree: Tree, done: Event | None = None, failed: Event | None = None) -> Write:
    """POST an object."""
    return Write("POST", tree["kind"], tree["metadata"].get("namespace", ""), "", tree, "", JSON, done, failed)


def update(tree: Tree, subresource: str = "", done: Event | None = None, failed: Event | None = None) -> Write:
    """PUT an object, or one of its subresources; fails with a conflict when somebody else has changed it."""
    metadata = tree["metadata"]
    return Write("PUT", tree["kind"], metadata.get("namespace", ""), metadata["name"], tree, subresource, JSON, done, failed)


def patch(
    about: Any, changes: Tree, subresource: str = "", content_type: str = MERGE, done: Event | None = None
) -> Write:
    """PATCH a typed object."""
    metadata = about.metadata
    return Write(
        "PATCH", about.kind, metadata.namespace or "", metadata.name, changes, subresource, content_type, done
    )


def delete(
    about: Any, grace: int | None = None, policy: str = "", done: Event | None = None, failed: Event | None = None
) -> Write:
    """DELETE a typed object, if it is still the same one (uid)."""
    options: Tree = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": about.metadata.uid}}
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    if policy:
        options["propagationPolicy"] = policy
    metadata = about.metadata
    return Write("DELETE", about.kind, metadata.namespace or "", metadata.name, options, "", JSON, done, failed)


def adopting(owner: Any, patches: Iterable[Write]) -> tuple[tuple[Write, ...], ...]:
    """The batches that adopt and let go: nobody is adopted before the API server has said that the owner (typed) still lives
    (RecheckDeletionTimestamp of pkg/controller/controller_ref_manager.go)."""
    found, metadata = tuple(patches), owner.metadata
    if not any(_adopts(write) for write in found):
        return (found,) if found else ()
    return (Write("GET", owner.kind, metadata.namespace or "", metadata.name, uid=metadata.uid),), found


def _adopts(write: Write) -> bool:
    refs = (write.tree or {}).get("metadata", {}).get("ownerReferences", ())
    return any("$patch" not in ref for ref in refs)


def one_by_one(writes: Iterable[Write]) -> tuple[tuple[Write, ...], ...]:
    """Each request waits for the one before it."""
    return tuple((write,) for write in writes)
