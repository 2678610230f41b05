"""Revisions of a template, kept as ControllerRevisions (pkg/controller/history/controller_history.go). StatefulSets and
DaemonSets use them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api import names
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.objects import Tree
from k8s_tutor.controllers.requests import Write, create, delete, update

HASH = "controller.kubernetes.io/hash"
UNIQUE = "controller-revision-hash"
"""Label of pods, and of a DaemonSet's revisions: which revision they are made from."""


class Revision(NamedTuple):
    """A template that an owner has, or had."""

    name: str
    """Of its ControllerRevision."""
    hash: str
    number: int
    template: Tree


class History(NamedTuple):
    """The revisions of an owner, oldest first, and the requests that bring them up to date."""

    all: tuple[Revision, ...]
    update: Revision
    """The one of the template as it is now."""
    writes: tuple[Write, ...] = ()

    def find(self, name: str) -> Revision | None:
        """The revision with this name."""
        return next((found for found in self.all if found.name == name), None)


def template_tree(template: Any) -> Tree:
    """A pod template as a tree; two equal ones make the same pods."""
    tree = objects.tree_of(template)
    metadata = {name: value for name, value in tree.get("metadata", {}).items() if name != "creationTimestamp"}
    return {**tree, "metadata": metadata}


def look(owner: Any, revisions: Iterable[Any], unique_label: bool) -> History:
    """Compares an owner's template (``spec.template``) with its ControllerRevisions: the newest equal one is the current
    one, and gets the highest number if it is not the last; without an equal one a new one is made.

    ``unique_label``: name the hash `UNIQUE`, as DaemonSets do, and not `HASH`.
    """
    known = sorted(revisions, key=lambda one: (one.revision, one.metadata.creationTimestamp, one.metadata.name))
    found = [_revision(one, unique_label) for one in known]
    template = template_tree(owner.spec.template)
    number = found[-1].number + 1 if found else 1
    same = next((at for at in reversed(range(len(found))) if found[at].template == template), None)
    if same is None:
        fresh = _new(owner, template, number)
        return History((*found, fresh), fresh, (create(_tree(owner, fresh, unique_label)),))
    if same == len(found) - 1:
        return History(tuple(found), found[same])
    raised = found[same]._replace(number=number)
    others = tuple(one for at, one in enumerate(found) if at != same)
    return History((*others, raised), raised, (update({**objects.tree_of(known[same]), "revision": number}),))


def surplus(owner: Any, revisions: Iterable[Any], live: Collection[str]) -> tuple[Write, ...]:
    """Deletes the oldest revisions that nobody uses, beyond ``revisionHistoryLimit``. ``live``: names that are in use."""
    limit = owner.spec.revisionHistoryLimit
    spare = [one for one in revisions if one.metadata.name not in live]
    spare.sort(key=lambda one: (one.revision, one.metadata.name))
    return tuple(delete(one) for one in spare[: max(len(spare) - (10 if limit is None else limit), 0)])


def _new(owner: Any, template: Tree, number: int) -> Revision:
    count = owner.status.collisionCount if owner.status else None
    digest = names.template_hash(template, count)
    return Revision(f"{owner.metadata.name}-{digest}", digest, number, template)


def _revision(struct: Any, unique_label: bool) -> Revision:
    labels = struct.metadata.labels or {}
    template = {name: value for name, value in struct.data["spec"]["template"].items() if name != "$patch"}
    digest = labels.get(UNIQUE if unique_label else HASH, "")
    return Revision(struct.metadata.name, digest, struct.revision, template)


def _tree(owner: Any, revision: Revision, unique_label: bool) -> Tree:
    labels = dict(revision.template["metadata"].get("labels", {}))
    labels[UNIQUE if unique_label else HASH] = revision.hash
    metadata: Tree = {
        "name": revision.name, "namespace": owner.metadata.namespace, "labels": labels,
        "ownerReferences": [objects.owner_reference(owner)],
    }  # fmt: skip
    if owner.metadata.annotations:
        metadata["annotations"] = dict(owner.metadata.annotations)
    return {
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata, "revision": revision.number,
        "data": {"spec": {"template": {**revision.template, "$patch": "replace"}}},
    }  # fmt: skip


def owned_revisions(entries: Sequence[str], informer: Any, owner: Any) -> list[Any]:
    """The ControllerRevisions that an owner manages. ``entries``: of the index of owners, for its uid."""
    keys = sorted(entry.partition("/")[2] for entry in entries if entry.startswith("ControllerRevision/"))
    found = [informer.objects[key] for key in keys if key in informer.objects]
    return [one for one in found if objects.owned_by(one, owner)]
