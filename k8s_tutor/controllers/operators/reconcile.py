"""What an operator does about one object: its children are made as the rules want them, its status says how they are.

Children are written by server-side apply, so whatever the rules do not name stays as others have set it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.operators.rules import MANAGED_BY, OWNER, ChildRule, Kind, Rules, kind_of, template_of
from k8s_tutor.controllers.operators.template import TemplateFailure, available, filled, value
from k8s_tutor.controllers.requests import MERGE, Decision, Event, Tree, Write

APPLY = "application/apply-patch+yaml"
EACH_MOST = 100
"""Children that one rule may ask for, for one object."""
SYNCED = "Synced"
"""The condition by which a custom object says whether its operator could do what the rules ask for."""


class Child(NamedTuple):
    """A child, wanted or actual."""

    kind: Kind
    tree: Tree

    @property
    def key(self) -> str:
        """``Deployment/default/web``."""
        metadata = self.tree["metadata"]
        return f"{self.kind.name}/{metadata.get('namespace', '')}/{metadata['name']}"


def reconcile(rules: Rules, owner: Tree, actual: Mapping[str, Child], applied: Mapping[str, bytes], clock: Clock) -> Decision:
    """What to do about ``owner``.

    ``actual``: by `Child.key`, all objects of the children's kinds. ``applied``: what this operator has applied last, by the
    same key. An expression that fails is told in an event and in condition ``Synced``, and nothing else is done.
    """
    mine = {key: child for key, child in actual.items() if belongs(rules, owner, child.tree)}
    if owner["metadata"].get("deletionTimestamp"):
        return _farewell(rules, owner, mine)
    if rules.finalizer and rules.finalizer not in owner["metadata"].get("finalizers", ()):
        return Decision(((_finalizers(rules, owner, [*owner["metadata"].get("finalizers", ()), rules.finalizer]),),))
    try:
        wanted = list(desired(rules, owner, actual))
        fresh = _status(rules, owner, wanted, mine)
    except TemplateFailure as failure:
        event = Event(_about(owner), "RuleFailed", str(failure), warning=True)
        told = _status_write(rules, owner, {}, ("False", "RuleFailed", str(failure)), clock)
        return Decision((told,) if told else (), (), () if _said(owner, str(failure)) else (event,), failed=True)
    writes = [
        apply(rules, owner, child, child.key in mine) for _, child in wanted if _differs(child, actual.get(child.key), applied)
    ]
    keys = {child.key for _, child in wanted}
    gone = [child for key, child in mine.items() if key not in keys and not child.tree["metadata"].get("deletionTimestamp")]
    writes += [remove(owner, child) for child in gone]
    told = _status_write(rules, owner, fresh, ("True", "Reconciled", "all children are as the rules want them"), clock)
    return Decision((tuple(writes),) if writes else (), told)


def desired(rules: Rules, owner: Tree, actual: Mapping[str, Child]) -> Iterator[tuple[ChildRule, Child]]:
    """The children that the rules want, in their order. Raises TemplateFailure."""
    for rule in rules.children:
        try:
            if rule.when and value(rule.when, {"self": owner}) is not True:
                continue
            for item in _items(rule, owner):
                variables = {"self": owner, "item": item} if rule.each else {"self": owner}
                child = _stamped(rules, rule, owner, filled(template_of(rule.manifest), variables))
                _check_owner(owner, rule, child, actual.get(child.key))
                yield rule, child
        except TemplateFailure as failure:
            raise TemplateFailure(f"child {rule.name}: {failure}") from None


def _items(rule: ChildRule, owner: Tree) -> list[Any]:
    """For what there shall be a child: once, or once for each item of a list. Raises TemplateFailure."""
    if not rule.each:
        return [None]
    items = value(rule.each, {"self": owner})
    if not isinstance(items, list) or len(items) > EACH_MOST:
        raise TemplateFailure(f"{rule.each}: must be a list of at most {EACH_MOST} items, not {str(items)[:40]!r}")
    return items


def _mapping(tree: Tree, field: str) -> Tree:
    """A field of some metadata that must be a mapping if it is there at all. Raises TemplateFailure."""
    found = tree.get(field) or {}
    if not isinstance(found, dict):
        raise TemplateFailure(f"metadata.{field} must be a mapping, not {str(found)[:40]!r}")
    return found


def _stamped(rules: Rules, rule: ChildRule, owner: Tree, tree: Tree) -> Child:
    """A child with all that says whose it is."""
    kind = kind_of(tree["apiVersion"], tree["kind"])
    metadata = dict(tree.get("metadata", {}))
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise TemplateFailure("metadata.name is no text")
    if kind.namespaced:
        metadata.setdefault("namespace", owner["metadata"].get("namespace", "default"))
    metadata["labels"] = {**_mapping(metadata, "labels"), MANAGED_BY: rules.name}
    if rule.owned:
        metadata["ownerReferences"] = [{
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True,
        }]  # fmt: skip
    else:
        metadata["annotations"] = {**_mapping(metadata, "annotations"), OWNER: key_of(owner)}
    return Child(kind, {**tree, "metadata": metadata})


def _check_owner(owner: Tree, rule: ChildRule, child: Child, found: Child | None) -> None:
    """Raises TemplateFailure for a child that cannot be owned, or that somebody else owns."""
    home, namespace = owner["metadata"].get("namespace", ""), child.tree["metadata"].get("namespace", "")
    if rule.owned and home and namespace != home:
        where = f"namespace {namespace}" if namespace else "no namespace"
        raise TemplateFailure(
            f"{child.kind.kind} {child.tree['metadata']['name']} lies in {where}, its owner in {home}, and owners do not reach "
            "across namespaces: give the child `owned: false` and the operator a `finalizer`"
        )
    refs = found.tree["metadata"].get("ownerReferences", ()) if found is not None else ()
    other = next((ref for ref in refs if ref.get("controller") and ref["uid"] != owner["metadata"]["uid"]), None)
    if other is not None:  # sigs.k8s.io/controller-runtime, AlreadyOwnedError
        raise TemplateFailure(
            f"Object {namespace}/{child.tree['metadata']['name']} is already owned by another {other['kind']} controller "
            f"{other['name']}"
        )


def belongs(rules: Rules, owner: Tree, tree: Tree) -> bool:
    """Whether an object was made for ``owner``."""
    metadata = tree["metadata"]
    refs = metadata.get("ownerReferences", ())
    if any(ref.get("controller") and ref["uid"] == owner["metadata"]["uid"] for ref in refs):
        return True
    made_by = metadata.get("labels", {}).get(MANAGED_BY)
    return bool(made_by == rules.name) and metadata.get("annotations", {}).get(OWNER) == key_of(owner)


def key_of(tree: Tree) -> str:
    """``namespace/name``, or ``name``."""
    metadata = tree["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def _differs(child: Child, found: Child | None, applied: Mapping[str, bytes]) -> bool:
    """Whether a child must be applied: it is not there, is not as wanted, or was applied otherwise before."""
    if found is None or applied.get(child.key) != msgspec.json.encode(child.tree):
        return True
    return not covers(found.tree, child.tree)


def covers(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; what the server has added does not count."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(covers(found.get(key), inside) for key, inside in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(covers(left, right) for left, right in zip(found, wanted, strict=True))
    return bool(found == wanted)


# ---------------------------------------------------------------------- requests


def apply(rules: Rules, owner: Tree, child: Child, exists: bool) -> Write:
    """Server-side apply of a child."""
    kind, metadata = child.kind, child.tree["metadata"]
    namespace = metadata.get("namespace", "")
    done = ("Updated", "Updated") if exists else ("Created", "Created")
    return Write(
        "PATCH", kind.kind, namespace, metadata["name"], child.tree, "", APPLY,
        done=Event(_about(owner), done[0], f"{done[1]} {kind.kind} {metadata['name']}"),
        failed=Event(_about(owner), "FailedApply", f"Error applying {kind.kind} {metadata['name']}: {{error}}", warning=True),
        root=kind.collection(namespace), query=(("fieldManager", rules.name), ("force", "true")),
    )  # fmt: skip


def remove(owner: Tree, child: Child) -> Write:
    """DELETE of a child that is not wanted any more."""
    kind, metadata = child.kind, child.tree["metadata"]
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": metadata["uid"]}}
    return Write(
        "DELETE", kind.kind, metadata.get("namespace", ""), metadata["name"], options,
        done=Event(_about(owner), "Deleted", f"Deleted {kind.kind} {metadata['name']}"),
        failed=Event(_about(owner), "FailedDelete", f"Error deleting {kind.kind} {metadata['name']}: {{error}}", warning=True),
        root=kind.collection(metadata.get("namespace", "")),
    )  # fmt: skip


def _farewell(rules: Rules, owner: Tree, mine: Mapping[str, Child]) -> Decision:
    """Deletes what no owner reference reaches; when all of it is gone, takes the finalizer away. The rest is the garbage
    collector's."""
    finalizers = owner["metadata"].get("finalizers", [])
    if not rules.finalizer or rules.finalizer not in finalizers:
        return Decision()
    left = [child for child in mine.values() if not child.tree["metadata"].get("ownerReferences")]
    ending = [remove(owner, child) for child in left if not child.tree["metadata"].get("deletionTimestamp")]
    if left:
        return Decision((tuple(ending),) if ending else ())
    return Decision(((_finalizers(rules, owner, [one for one in finalizers if one != rules.finalizer]),),))


def _finalizers(rules: Rules, owner: Tree, finalizers: list[str]) -> Write:
    metadata = {"finalizers": finalizers, "resourceVersion": owner["metadata"]["resourceVersion"]}
    return _patch(rules, owner, {"metadata": metadata}, "")


def _patch(rules: Rules, owner: Tree, changes: Tree, subresource: str) -> Write:
    metadata, kind = owner["metadata"], rules.watched
    namespace = metadata.get("namespace", "")
    return Write(
        "PATCH", kind.kind, namespace, metadata["name"], changes, subresource, MERGE, root=kind.collection(namespace),
        query=(("fieldManager", rules.name),),
    )  # fmt: skip


# ---------------------------------------------------------------------- status


def _status(rules: Rules, owner: Tree, wanted: list[tuple[ChildRule, Child]], mine: Mapping[str, Child]) -> Tree:
    """The status that the template gives; fields without a value yet are None. Raises TemplateFailure."""
    children: dict[str, Any] = {rule.name: [] for rule in rules.children if rule.each}
    for rule, child in wanted:
        found = mine.get(child.key)
        if found is None:
            continue
        if rule.each:
            children[rule.name].append(found.tree)
        else:
            children[rule.name] = found.tree
    try:
        return available(template_of(rules.status), {"self": owner, "children": children})
    except TemplateFailure as failure:
        raise TemplateFailure(f"status: {failure}") from None


def _said(owner: Tree, text: str) -> bool:
    """Whether the object's condition says this already."""
    conditions = owner.get("status", {}).get("conditions", ())
    return any(one["type"] == SYNCED and one.get("message") == text for one in conditions)


def _status_write(
    rules: Rules, owner: Tree, fresh: Tree, synced: tuple[str, str, str], clock: Clock
) -> tuple[Write, ...]:
    """The status of a custom object, if it is not so already; that of built-in kinds is their own controllers'."""
    if not rules.watched.custom:
        return ()
    old = owner.get("status", {})
    status, reason, message = synced
    generation = owner["metadata"].get("generation", 0)
    before: Tree = next((one for one in old.get("conditions", ()) if one["type"] == SYNCED), {})
    made = {"type": SYNCED, "status": status, "reason": reason, "message": message, "observedGeneration": generation}
    since = before.get("lastTransitionTime") if before.get("status") == status else None
    others = [one for one in old.get("conditions", ()) if one["type"] != SYNCED]
    changes = {**fresh, "conditions": [*others, {**made, "lastTransitionTime": since or clock.stamp}]}
    if all(covers(old.get(key), inside) for key, inside in changes.items()):
        return ()
    return (_patch(rules, owner, {"status": changes}, "status"),)


def _about(owner: Tree) -> Tree:
    metadata = owner["metadata"]
    found = {
        "kind": owner["kind"], "namespace": metadata.get("namespace"), "name": metadata["name"], "uid": metadata["uid"],
        "apiVersion": owner["apiVersion"], "resourceVersion": metadata["resourceVersion"],
    }  # fmt: skip
    return {name: inside for name, inside in found.items() if inside}


__all__ = ["Child", "belongs", "covers", "desired", "key_of", "reconcile"]
